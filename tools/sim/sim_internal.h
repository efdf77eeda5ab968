/* sim_internal.h: what a simulated world consists of, for the simulator's own files.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_INTERNAL_H
#define RELOAD_TOOLS_SIM_INTERNAL_H

#include "tools/sim/sim.h"
#include "tools/sim/sim_hash.h"
#include "tools/sim/sim_keyring.h"
#include "tools/sim/sim_map.h"
#include "tools/sim/sim_network.h"
#include "tools/sim/sim_disk.h"
#include "tools/sim/sim_draft.h"
#include "tools/sim/sim_oddity.h"
#include "tools/sim/sim_pool.h"
#include "tools/sim/sim_queue.h"

#include <assert.h>

/* Different streams of one seed. */
enum sim_purpose {
    SIM_PURPOSE_IDENTITY = 0x100000000,
    SIM_PURPOSE_NODE = 0x200000000,
    SIM_PURPOSE_GATHER = 0x300000000,
    SIM_PURPOSE_LINK_TYPE = 0x400000000,
    SIM_PURPOSE_ODDITY = 0x500000000,
    SIM_PURPOSE_RELOAD = 0x600000000,
    SIM_PURPOSE_DISK = 0x700000000,
};

#define SIM_PORT 6084
#define SIM_BOOTSTRAP_NODES_MAX 4   /* a node is told the overlay's first so many peers */
#define SIM_WAIT_NS SIM_SECONDS(15) /* an application's link waits so long for its EXPECT */

enum sim_event_type {
    SIM_EVENT_TIMER,     /* |host| wants to be woken */
    SIM_EVENT_DELIVER,   /* |bytes| arrive at |end| of |pipe| */
    SIM_EVENT_GATHERED,  /* candidates for |link| of |host| */
    SIM_EVENT_ACCEPT,    /* |pipe|'s handshake is done at its server */
    SIM_EVENT_CONNECTED, /* ... and at its client */
    SIM_EVENT_DOWN,      /* |end| of |pipe| learns that it is dead: |error| */
    SIM_EVENT_DETECT,    /* |pipe| was cut: is it still? */
    SIM_EVENT_CALL,      /* |fn| */
};

/* The types that the trace takes; those of the test's own doings are not in it. */
struct sim_event {
    enum sim_event_type type;
    uint32_t host, epoch; /* of whom; an earlier life's events are dropped */
    uint32_t pipe, generation;
    uint32_t link;
    int error;
    uint8_t end;
    bool spoiled; /* DELIVER: as in struct sim_passing */
    sim_call_fn *fn;
    void *argument;
    size_t size;
    uint8_t bytes[];
};

/* One side of a link. */
struct sim_end {
    uint32_t host, epoch;
    uint32_t link; /* the host's number of it, 0 when it has none yet */
    bool up;       /* the host was told so */
    bool gone;     /* the host closed it, or was told that it is down, or died */
    uint64_t last; /* when the last message to this end arrives */
};

/* A link between two hosts. |ends[0]| is the (D)TLS client. */
struct sim_pipe {
    bool used;
    bool accepted; /* the server side stands */
    bool waiting;  /* an application's link that the server was not yet told to expect */
    uint32_t generation;
    uint16_t application;
    enum reload_framing framing;
    uint8_t overlay_link;
    uint64_t started_at;
    uint64_t cut_at; /* since when its ends do not reach each other; 0: they do */
    struct sim_end ends[2];
    struct sim_event **held; /* messages that wait for a cut to heal */
    size_t held_count, held_capacity;
};

/* A link that a host was told to expect. */
struct sim_expected {
    uint32_t link;
    uint16_t application;
    struct reload_node_id node_id;
};

struct sim_host {
    struct sim *sim;
    uint32_t index, epoch; /* |epoch| counts lives */
    struct sim_node_options options;
    char user_name[RELOAD_USER_NAME_MAX + 1];
    struct reload_node_id node_id;
    uint64_t key;
    uint8_t certificate[SIM_CERTIFICATE_SIZE_MAX];
    size_t certificate_size;

    bool alive, joined, leaving;
    bool paused;
    uint64_t resumed_at;     /* last; 0: never */
    struct sim_event **held; /* what came while it was paused, in order */
    size_t held_count, held_capacity;
    uint64_t born_at;
    bool in_turn;             /* its node is at work: no second turn within */
    struct reload_node *node; /* NULL: dead, or a puppet */
    struct sim_puppet *puppet;
    struct sim_keyring keyring;
    struct reload_env env;
    struct sim_random random;
    uint64_t armed_at; /* when the earliest TIMER event comes */

    struct sim_map links; /* link -> pipe * 2 + end */
    struct sim_expected *expected;
    size_t expected_count, expected_capacity;
    size_t memory, memory_peak;
    uint32_t starve_ppm; /* share of allocations that fail */
    uint32_t starve_nth; /* so many more until one fails; 0: none */
    uint64_t starved;    /* how many did */
    struct sim_disk disk, snapshot;
    bool disk_fails;               /* nothing is written */
    uint32_t disk_error_ppm;       /* share of writes and records that fail */
    struct sim_random disk_random; /* which */
    bool disk_behind;              /* something was not, in this life */
    uint64_t disk_lag_ns;          /* what is written is lost when the host dies sooner */
    unsigned events[RELOAD_EVENT_CLONE + 1];
};

struct sim_overlay {
    struct reload_config *config;
    char document[128];
    uint32_t first_peer; /* SIM_NOBODY before there is one */
    uint32_t bootstrap[SIM_BOOTSTRAP_NODES_MAX];
    size_t bootstrap_count;
};

struct sim {
    struct sim_options options;
    uint64_t seed, now;
    struct sim_queue queue;
    struct sim_pool pool; /* of events, and of what nodes allocate */
    struct sim_network network;
    struct sim_certificates *certificates;
    struct sim_overlay overlays[SIM_OVERLAYS_MAX];
    struct sim_host **hosts;
    uint32_t host_count, host_capacity;
    struct sim_pipe *pipes;
    uint32_t pipe_count, pipe_capacity;
    uint32_t *free_pipes;
    uint32_t free_pipe_count;
    struct sim_oddities oddities;
    struct sim_hash trace;
    uint64_t events;
    struct sim_tap {
        sim_tap_fn *fn; /* NULL: none */
        void *argument;
    } taps[SIM_TAPS_MAX];
    unsigned tap_count; /* that are there */
    sim_inspect_fn *inspect;
    void *inspect_argument;
    sim_observe_fn *observe;
    void *observe_argument;
    uint32_t paused_count;
    uint64_t wire_bytes;   /* sent, with all headers */
    uint64_t false_deaths; /* links that were given up between hosts that live */
};

/* sim_event_new makes an event with room for |size| octets, sim_event_free frees it. */
struct sim_event *sim_event_new(struct sim *sim, enum sim_event_type type, size_t size);
void sim_event_free(struct sim *sim, struct sim_event *event);

/* sim_schedule puts an event with room for |size| octets into the queue. */
struct sim_event *sim_schedule(struct sim *sim, uint64_t at, enum sim_event_type type, size_t size);

/* sim_host_of returns host |index|, which must exist. */
static inline struct sim_host *
sim_host_of(const struct sim *sim, uint32_t index)
{
    assert(index < sim->host_count);
    return sim->hosts[index];
}

/* ---- sim_overlay.c: configuration documents ---- */

void sim_overlay_make(struct sim *sim, uint32_t index);

/* ---- sim_host.c: one node and what it asks for ---- */

struct sim_host *sim_host_new(struct sim *sim, const struct sim_node_options *options);
void sim_host_free(struct sim_host *host);
void sim_host_boot(struct sim_host *host);
/* Gives the node of a new life back what |disk| kept; before it is started. */
void sim_host_restore(struct sim_host *host, const struct sim_disk *disk);
void sim_host_start(struct sim_host *host);
void sim_host_stop(struct sim_host *host);
/* Carries out what the node asks for, and sets its timer. */
void sim_host_turn(struct sim_host *host);
void sim_host_timer(struct sim_host *host);
void sim_host_gathered(struct sim_host *host, uint32_t link);
/* Where host |index| can be reached. */
struct reload_candidate sim_host_candidate(const struct sim *sim, uint32_t index);

/* ---- sim_fault.c: what goes wrong ---- */

/* Keeps |event| for when paused |host| goes on; it is the host's then. */
void sim_host_hold(struct sim_host *host, struct sim_event *event);
/* Ends a pause: what was held comes now, or never. */
void sim_host_unhold(struct sim_host *host, bool deliver);

/* Keeps, or forgets, a record. */
void sim_host_persist(struct sim_host *host, struct reload_bytes key, struct reload_bytes value);

/* ---- sim_handshake.c: how links come to be ---- */

void sim_pipe_connect(struct sim_host *host, const struct reload_effect *effect);
void sim_pipe_expect(struct sim_host *host, const struct reload_effect *effect);
void sim_handshake_accept(struct sim *sim, struct sim_pipe *pipe);
void sim_handshake_finish(struct sim *sim, struct sim_pipe *pipe);
void sim_handshake_connected(struct sim *sim, struct sim_pipe *pipe);
/* Makes a link between |a| and |b| that stands at once, as if each had been called by the other. */
void sim_handshake_stand(struct sim *sim, uint32_t a, uint32_t b);

/* ---- sim_pipe.c: links that stand ---- */

void sim_pipe_send(struct sim_host *host, const struct reload_effect *effect);
void sim_pipe_close(struct sim_host *host, uint32_t link);
void sim_pipe_host_died(struct sim_host *host);
void sim_pipe_event(struct sim *sim, struct sim_event *event);
void sim_pipes_fini(struct sim *sim);
/* The pipe behind |host|'s |link|, and which end of it is |host|'s; NULL when there is none. */
struct sim_pipe *sim_pipe_of(struct sim *sim, const struct sim_host *host, uint32_t link,
                             unsigned *end);
/* Makes a pipe; returns its place in the table. */
uint32_t sim_pipe_new(struct sim *sim);
struct sim_event *sim_pipe_schedule(struct sim *sim, const struct sim_pipe *pipe, uint64_t at,
                                    enum sim_event_type type, unsigned end, size_t size);
/* At |at|, |end| will learn that the pipe is dead. */
void sim_pipe_tell_down(struct sim *sim, const struct sim_pipe *pipe, unsigned end, int error,
                        uint64_t at);
/* Tells |host|'s log about a link to |peer|. */
void sim_log_link(const struct sim *sim, const char *what, uint32_t host, uint32_t peer, int error);
/* Enters the link number of |end| into its host's map. */
void sim_pipe_bind(struct sim *sim, const struct sim_pipe *pipe, unsigned end);
/* The host at |end| has nothing to do with |pipe| any more. */
void sim_pipe_leave(struct sim *sim, struct sim_pipe *pipe, unsigned end);
/* The host of |end| when it is still in the life in which the link was made, or NULL. */
struct sim_host *sim_pipe_live_host(struct sim *sim, const struct sim_end *end);

/* ---- sim_pipe_cut.c: links whose ends do not reach each other ---- */

/* Keeps |event| until |pipe|'s ends reach each other again; drops all that was kept. */
void sim_pipe_hold(struct sim_pipe *pipe, struct sim_event *event);
void sim_pipe_drop_held(struct sim *sim, struct sim_pipe *pipe);
/* Whether one of its hosts is paused. */
bool sim_pipe_stands_still(const struct sim *sim, const struct sim_pipe *pipe);
/* Somebody may not reach somebody any more, or again. */
void sim_pipe_cut(struct sim *sim);
void sim_pipe_healed(struct sim *sim);
/* The time in which an end notices is over. */
void sim_pipe_detect(struct sim *sim, struct sim_pipe *pipe);

#endif
