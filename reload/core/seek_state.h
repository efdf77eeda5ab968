/* seek_state.h: what a search for those who hold a resource is made of. Only for seek*.c.
 *
 * RFC 6940 10.4; D92. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_SEEK_STATE_H
#define RELOAD_CORE_SEEK_STATE_H

#include "reload/core/job.h"
#include "reload/core/node_internal.h"
#include "reload/core/seek.h"

#define RELOAD_SEEK_ERRANDS_MAX 96
#define RELOAD_SEEK_PLACES_MAX 24
#define RELOAD_SEEK_WITNESSES_MAX 8 /* with those who are met late */
#define RELOAD_SEEK_STEPS_MAX 12    /* of one witness: peers that it may name */
#define RELOAD_SEEK_LINKED_MAX 4    /* asked when hardly anybody is met */
#define RELOAD_SEEK_FAR_PLACES 3
#define RELOAD_SEEK_TIMES_MAX 2 /* a peer gets the request, by different ways */
/* All that are named, those we are linked with, and ourselves. */
#define RELOAD_SEEK_HOLDERS_MAX                                                                    \
    (RELOAD_SEEK_WITNESSES_MAX * (RELOAD_SEEK_STEPS_MAX + 1) + RELOAD_SEEK_LINKED_MAX + 1)

struct reload_seek;

enum reload_errand {
    RELOAD_ERRAND_PING,    /* who is there? */
    RELOAD_ERRAND_QUERY,   /* who is before |below|? */
    RELOAD_ERRAND_REQUEST, /* what we are here for */
};

/* A peer, and the first hop on the way to it. */
struct reload_seek_contact {
    struct reload_node_id id;
    struct reload_node_id via;
    bool has_via;   /* else as the topology says */
    bool is_before; /* the resource */
};

/* A request of ours under way. */
struct reload_seek_errand {
    struct reload_seek *of;
    uint64_t request; /* 0: the slot is free */
    enum reload_errand type;
    struct reload_seek_contact whom;
    struct reload_node_id below; /* QUERY */
    unsigned steps;              /* QUERY: answered before by this witness */
    size_t far;                  /* QUERY: places that it was asked for */
};

struct reload_seek_holder {
    struct reload_node_id id;
    uint8_t times;
    bool answered;
};

struct reload_seek {
    struct reload_job job; /* must be first */
    uint64_t number;
    struct reload_node_id resource;
    /* Who answered a Ping: nearest behind the resource first, those before it last. */
    struct reload_seek_contact met[2 * RELOAD_SEEK_PLACES_MAX];
    size_t met_count, witness_count;
    struct reload_node_id far[RELOAD_SEEK_FAR_PLACES]; /* behind the resource, farther each time */
    size_t far_count;
    bool is_asking;
    struct reload_seek_holder holders[RELOAD_SEEK_HOLDERS_MAX];
    size_t holder_count;
    struct reload_seek_errand errands[RELOAD_SEEK_ERRANDS_MAX];
    size_t outstanding, pings;
    const struct reload_copies_ops *ops;
    void *argument;
    bool any_good;
    struct reload_alarm alarm; /* for the Pings, then for other good answers */
    struct reload_alarm deadline;
    reload_time begun_at;
    uint16_t code;
    size_t body_size;
    uint8_t body[];
};

/* Called when an errand has ended, with the errand. */
reload_result_fn reload_seek_answered;

/* reload_seek_destination makes an entry of a Destination List of |place|, which is borrowed. */
struct reload_destination reload_seek_destination(const struct reload_seek *seek,
                                                  const struct reload_node_id *place);

/* reload_seek_ping asks who is at |place|; |way| is a contact without its Node-ID. */
void reload_seek_ping(struct reload_seek *seek, const struct reload_node_id *place,
                      const struct reload_seek_contact *way, reload_time now);

/* reload_seek_query asks |errand->whom| for the peer before |errand->below|. */
void reload_seek_query(struct reload_seek *seek, const struct reload_seek_errand *errand,
                       reload_time now);

/* reload_seek_request sends the request to |id|, whom |witness| named: through it, since the two
 * are linked. */
void reload_seek_request(struct reload_seek *seek, const struct reload_node_id *id,
                         const struct reload_seek_contact *witness, reload_time now);

/* reload_seek_holder returns what is known of |id|, or NULL when it never got the request. */
struct reload_seek_holder *reload_seek_holder(struct reload_seek *seek,
                                              const struct reload_node_id *id);

#endif
