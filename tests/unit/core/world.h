/* world.h: nodes in an environment of the test's own: memory that is counted and can fail, a clock
 * that the test moves, and links that end at other nodes of the same world or at the test.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_UNIT_CORE_WORLD_H
#define RELOAD_TESTS_UNIT_CORE_WORLD_H

#include "reload/core/node_internal.h"

#include "tools/sim/sim_keyring.h"

#define WORLD_HOSTS_MAX 256
#define WORLD_SENT_MAX 4096

struct world;

/* What the node of a host asked to be sent to a host without a node. */
struct world_sent {
    uint32_t link;
    reload_time at;
    size_t size;
    uint8_t *bytes;
};

/* A link of an application that a host's node expects. */
struct world_expected {
    uint32_t link;
    uint16_t application;
    struct reload_node_id node_id;
};

#define WORLD_EXPECTED_MAX 64

struct world_host {
    struct world *world;
    size_t index;
    struct reload_node_id id;
    const struct reload_identity *identity;
    uint8_t certificate[SIM_CERTIFICATE_SIZE_MAX];
    struct sim_keyring keyring;
    struct reload_node *node; /* NULL: the test plays it */
    struct world_sent sent[WORLD_SENT_MAX];
    size_t sent_count;
    struct world_expected expected[WORLD_EXPECTED_MAX];
    size_t expected_count;
    unsigned events[RELOAD_EVENT_CLONE + 1];
    unsigned closed;      /* CLOSE effects */
    bool gathers_nothing; /* it has no candidates */
    bool never_gathers;   /* and does not say so */
};

struct world {
    reload_time now;
    struct reload_config *config;
    struct sim_certificates *certificates;
    struct reload_env env;
    struct world_host *hosts[WORLD_HOSTS_MAX];
    size_t host_count;
    struct world_pipe *pipes;                /* links between nodes */
    struct world_passing *first, **last_end; /* what is on its way */
    /* Memory that nodes hold. */
    uint64_t allocations;  /* calls for more memory so far */
    uint64_t fail_at;      /* this call fails; 0: none */
    uint64_t fail_every;   /* and every so manieth after it; 0: none */
    size_t blocks, octets; /* held now */
    int64_t clock_step_ms; /* how much the wall clock was set forward */
    uint64_t random;
    enum reload_framing framing; /* of links between nodes: DATAGRAM at first */
    uint16_t mtu;                /* 1200 */
};

/* world_new makes an empty world whose document wants |topology|'s name. */
struct world *world_new(const struct reload_topology_ops *topology);

/* world_free ends all nodes, and fails when they leave memory behind. */
void world_free(struct world *world);

/* world_add adds a host without a node, with |node_ids| Node-IDs in its certificate. */
struct world_host *world_add(struct world *world, size_t node_ids);

/* world_boot makes |host|'s node. Returns what reload_node_new returns. */
int world_boot(struct world_host *host, const struct reload_topology_ops *topology);
int world_boot_with(struct world_host *host, struct reload_node_options *options);

/* world_link makes a link that |peer|, played by the test, opens to |host|'s node. Returns its
 * number. */
uint32_t world_link(struct world_host *host, const struct world_host *peer,
                    enum reload_framing framing, reload_time rtt_ns);

/* world_turn carries out what |host|'s node wants. */
void world_turn(struct world_host *host);

/* world_forget forgets what was sent. */
void world_forget(struct world_host *host);

/* world_advance lets time pass, step by step, up to |until|. Each frame takes a millisecond. */
void world_advance(struct world *world, reload_time until);

/* world_candidate is the address of |host|. */
struct reload_candidate world_candidate(const struct world_host *host);

/* A topology without opinions: nobody is responsible for anything but what |world_single| says. */
struct world_topology {
    struct reload_node *node;
    bool responsible;
    bool has_next;
    struct reload_node_id next; /* of everything */
    unsigned ups, downs, suspected, trusted;
    int last_error;
    bool close_when_suspect, close_when_up;
    bool implausible; /* every answer for a resource */
    unsigned leaves;
    reload_time left_at;
};
extern const struct reload_topology_ops world_single;
struct world_topology *world_topology_of(struct world_host *host);

/* world_message writes a message as |from| would begin it, with a body of |body| octets that nobody
 * can read, to |to|. Returns its size. Only good to be forwarded. */
size_t world_message(struct world *world, const struct reload_node_id *to, size_t body,
                     uint8_t *data, size_t capacity);

#endif
