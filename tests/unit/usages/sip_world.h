/* sip_world.h: phones with real sockets, SIP adaptors, and an overlay that is a table: what a test
 * of the adaptor needs around it.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_SIP_WORLD_H
#define RELOAD_TESTS_SIP_WORLD_H

#include "usages/sip_adaptor.h"
#include "virtual_loop.h"

#define NODES_MAX 4
#define PHONES_MAX 10
#define TEXT_MAX 70000

/* Delays of the overlay. */
#define LOOKUP_TIME (60 * RELOAD_MS)
#define CONNECT_TIME (40 * RELOAD_MS)
#define LINK_TIME (10 * RELOAD_MS)

struct world;

/* One node: its side of the overlay and its adaptor. The switches are set by tests. */
struct node {
    struct world *world;
    struct reload_aor aor;
    struct reload_node_id node_id;
    struct reload_sip_handler handler;
    struct reload_sip_adaptor *adaptor;
    uint16_t port;
    uint32_t lifetime_s; /* registered in the overlay; 0: not */
    unsigned stores;
    int store_error;        /* what the next Stores end with */
    bool silent_lookup;     /* its lookups find no answer */
    bool unreachable;       /* AppAttach to it gets no answer */
    bool deaf;              /* what links bring to it is lost */
    const char *forward_to; /* its registration is another AOR */
    unsigned lose;          /* the next so many messages that it sends on links are lost */
    unsigned sent;
    uint16_t application; /* of its last connection */
    struct reload_media_handler media;
    unsigned media_opened; /* by calls that have not ended */
};

struct phone {
    struct world *world;
    int descriptor;
    uint16_t port;
    char text[TEXT_MAX]; /* the last message that came */
};

struct link {
    bool up;
    struct node *ends[2];
    bool dead;               /* nothing comes through any more */
    reload_time heard_at[2]; /* when each end heard something last */
    const char *user[2]; /* as the ends are called in their certificates; NULL: the node's AOR */
};

#define LINKS_MAX 32

struct world {
    struct reload_loop *loop;
    struct reload_env env;
    struct reload_config config;
    struct reload_wire wire;
    struct node nodes[NODES_MAX];
    size_t node_count;
    struct phone phones[PHONES_MAX];
    size_t phone_count;
    struct link links[LINKS_MAX];
    size_t link_count;
    bool relays;    /* nodes that are made from now on relay media */
    bool is_stream; /* links keep order and lose nothing */
    uint64_t last_number;
    uint64_t random;
    struct event *events;
};

/* The table's operations; |overlay| is a struct node. */
extern const struct reload_sip_overlay_ops world_overlay_ops;

void world_begin(struct world *world);
void world_end(struct world *world);

/* A node of |user| with both roles; |password| may be NULL. */
struct node *world_node(struct world *world, const char *user, const char *password);
struct phone *world_phone(struct world *world);
void world_run(struct world *world, reload_time span);

/* Makes a link between two nodes that the test speaks on itself, as |user|: messages from |from|.
 */
uint32_t world_link(struct world *world, struct node *from, struct node *to, const char *user);
/* Ends |link|, and both nodes are told. */
void world_lose_link(struct world *world, uint32_t link);
void world_inject(struct world *world, uint32_t link, struct node *from, const char *text);

/* The table's operations for media: what one node sends is at the other at once. */
extern const struct reload_media_ops world_media_ops;

/* A request. Everything has a default: NULL and 0. */
struct request {
    const char *method, *uri, *from, *to, *to_tag, *call_id, *branch, *headers, *body;
    unsigned cseq;
    int max_forwards; /* -1: no header */
};

/* Writes |request| of |phone| into |text|. */
void request_text(const struct phone *phone, const struct request *request, char text[TEXT_MAX]);
void phone_request(struct phone *phone, const struct node *node, const struct request *request);
void phone_send(struct phone *phone, const struct node *node, const char *text);
/* Sends |text| to the place the last message came from: the node. */
void phone_send_bytes(struct phone *phone, const struct node *node, const void *bytes, size_t size);

/* Waits for the next message for at most |span|; returns its text, "" when none came. */
const char *phone_wait(struct phone *phone, reload_time span);
/* Waits until a message's first line begins with |begin|, skipping others; fails the test else. */
const char *phone_expect(struct phone *phone, const char *begin, reload_time span);
/* Fails the test when anything comes within |span|. */
void phone_expect_nothing(struct phone *phone, reload_time span);

/* Answers the request that is in |phone->text| with |status_line|, e.g. "200 OK". */
void phone_answer(struct phone *phone, const struct node *node, const char *request,
                  const char *status_line, const char *tag, const char *headers);

/* The same with |sdp| as its body. */
void phone_answer_sdp(struct phone *phone, const struct node *node, const char *request,
                      const char *status_line, const char *tag, const char *sdp);

/* Copies all header lines |name| of |text|, as |as| when that is not NULL, to the end of |out|. */
void copy_headers(const char *text, const char *name, const char *as, char *out);
/* The Record-Routes of |text| as Routes: |reverse| for the one who asked. */
void routes_of(const char *text, bool reverse, char *out);

/* Registers |phone| for |node|'s user, and checks the 200. */
void phone_register(struct phone *phone, struct node *node, unsigned expires);

#endif
