/* storage_fixture.h: nodes with keys, certificates and a topology that does as it is told, for
 * tests of storage.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_STORAGE_FIXTURE_H
#define RELOAD_TESTS_STORAGE_FIXTURE_H

#include "reload/core/node_internal.h"
#include "tests/suite.h"
#include "tools/sim/sim_keyring.h"

/* The Kinds of the fixture's document. */
#define KIND_NODE 0xf0000001u       /* single, NODE-MATCH */
#define KIND_ARRAY 0xf0000002u      /* array, USER-MATCH, 4 values of 50 octets */
#define KIND_DEVICES 0xf0000003u    /* dictionary, USER-NODE-MATCH, 3 values */
#define KIND_MULTIPLE 0xf0000004u   /* single, NODE-MULTIPLE up to 3 */
#define KIND_DICTIONARY 0xf0000005u /* dictionary, USER-MATCH, 3 values of 50 octets */
#define KIND_SINGLE 0xf0000006u     /* single, USER-MATCH, 50 octets */
#define KIND_SPARSE 0xf0000007u     /* array, USER-MATCH, 2^32-1 values */
#define KIND_UNKNOWN 0xf00000ffu

enum peer_name {
    STORER, /* the peer that stores */
    ALICE,
    ALICE_TOO, /* her other device: same user, other Node-ID */
    BOB,
    PEERS,
};

struct fixture;

struct peer {
    struct sim_keyring keyring;
    uint8_t certificate[SIM_CERTIFICATE_SIZE_MAX];
    size_t certificate_size;
    struct reload_node_id id;
    struct reload_node *node;
    struct reload_env env;
    struct fixture *fixture;
    uint32_t link; /* to the storing peer, 0: none; the storing peer's own is |storer_link| */
    uint32_t storer_link;
    /* What the topology says. */
    bool responsible, accepts_replica, keeps;
    struct reload_node_id replicas[RELOAD_REPLICAS_MAX];
    size_t replica_count;
    struct reload_node_id owner; /* of what it only keeps; all zeros: not known */
    bool copies_later;
    struct reload_node_id met; /* whom it was asked to link with, last */
    unsigned meetings;
};

struct fixture {
    struct reload_config config;
    struct sim_certificates *table;
    struct peer peers[PEERS];
    uint64_t wall_ms;
    reload_time now;
    struct reload_prng prng;
    /* The memory of the storing peer: how many allocations were made, which one fails (0: none),
     * how many are there. */
    size_t allocations, fail_at, live;
    bool bob_is_slow;      /* what he sends stays with him, but for ... */
    unsigned bob_may_send; /* ... so many messages */
};

/* fixture_new makes the nodes; all are responsible, accept replicas and keep. */
struct fixture *fixture_new(void);

/* fixture_free ends them and checks that nothing is left of the storing peer. */
void fixture_free(struct fixture *fixture);

/* Ends |peer|'s node, if there is one, and makes a new one, without links. */
void fixture_boot(struct fixture *fixture, enum peer_name peer);

/* The storing peer's storage. */
struct reload_storage *fixture_storage(struct fixture *fixture);

const char *fixture_user(struct fixture *fixture, enum peer_name peer);

/* The Resource-ID of a user, or of a Node-ID (with |i| behind it unless it is negative). */
struct reload_bytes user_resource(struct fixture *fixture, const char *user, uint8_t octets[16]);
struct reload_bytes node_resource(struct fixture *fixture, enum peer_name peer, int i,
                                  uint8_t octets[16]);

/* Connects |peer| and the storing peer by a link that carries whole messages. */
void fixture_connect(struct fixture *fixture, enum peer_name peer);

/* Carries messages and fires timers until |until|, or until nothing happens any more before it. */
void fixture_run(struct fixture *fixture, reload_time until);

/* A StoreReq in the making, and the certificates that go with it. */
struct draft {
    struct fixture *fixture;
    uint8_t octets[65536], bucket[8192];
    struct reload_writer writer, certificates;
    uint8_t resource[16];
    size_t list, values; /* marks of open vectors */
    bool has[PEERS];
};

void draft_begin(struct draft *draft, struct fixture *fixture, struct reload_bytes resource,
                 uint8_t replica_number);
void draft_kind(struct draft *draft, uint32_t kind, uint64_t generation);
void draft_kind_end(struct draft *draft);

/* Adds a value that |signer| signs. |key| is the index (4 octets) or the dictionary key. */
void draft_value(struct draft *draft, enum peer_name signer, uint32_t kind, struct reload_bytes key,
                 const char *text, uint64_t storage_time, uint32_t lifetime_s);
/* The same with a removal. */
void draft_removal(struct draft *draft, enum peer_name signer, uint32_t kind,
                   struct reload_bytes key, uint64_t storage_time, uint32_t lifetime_s);
void draft_certificate(struct draft *draft, enum peer_name peer);
struct reload_bytes draft_end(struct draft *draft);

/* The index |i| as a key. */
struct reload_bytes at(uint32_t index);
struct reload_bytes text(const char *string);

/* What a handler was asked and what it said. */
struct question {
    struct reload_message message;
    struct reload_incoming incoming;
    struct reload_answer answer;
    uint8_t body[1 << 17], info[65536];
    int error;
};

/* Calls |handle| of the storing peer with |body|, signed by |signer|. */
void ask(struct fixture *fixture, struct question *question, reload_handler_fn *handle,
         enum peer_name signer, struct reload_bytes body, struct reload_bytes certificates);

/* Stores |draft|, which is ended here, as |signer|. Returns what the handler says. */
int store(struct draft *draft, enum peer_name signer);

/* Stores one value at the resource of its Kind's owner |signer|; the shortest way. */
int store_one(struct fixture *fixture, enum peer_name signer, uint32_t kind,
              struct reload_bytes key, const char *text, uint64_t storage_time);

/* The value at |key| of |kind| at |resource| as text, "-" when there is none, "x" when it is
 * removed. Static memory, for one use. */
const char *value_at(struct fixture *fixture, struct reload_bytes resource, uint32_t kind,
                     struct reload_bytes key);
uint64_t generation_at(struct fixture *fixture, struct reload_bytes resource, uint32_t kind);

/* FNV-1a over all that the storage holds: equal when nothing has changed. */
uint64_t fingerprint(struct fixture *fixture);

#endif
