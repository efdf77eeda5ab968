/* chord_state.h: what a node of a CHORD-RELOAD overlay remembers, for the files of this folder.
 *
 * RFC 6940 10. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_STATE_H
#define RELOAD_TOPOLOGY_CHORD_STATE_H

#include "reload/topology.h"
#include "topology/chord_table.h"

#define RELOAD_CHORD_ATTEMPTS_MAX 24        /* Attaches waiting or under way */
#define RELOAD_CHORD_ATTEMPTS_RUNNING_MAX 8 /* of them under way */
#define RELOAD_CHORD_FAILURES_MAX 16        /* Attaches that failed lately */
#define RELOAD_CHORD_OPENED_MAX 32          /* links of ours whose peer has not said it is one */
#define RELOAD_CHORD_PUSHES_MAX 12          /* transfers of data waiting or under way */
#define RELOAD_CHORD_KNOWN_MAX 64           /* Node-IDs taken from one list of an Update */

#define RELOAD_CHORD_SETTLED_S 60 /* who is up for longer has not just joined */

/* Two replicas beside the responsible peer (10.4). */
#define RELOAD_CHORD_REPLICAS 2

struct reload_chord;

/* Where a node stands; chord_join.c has the drawing. */
enum reload_chord_phase {
    RELOAD_CHORD_OFFLINE,   /* no attempt to join is on */
    RELOAD_CHORD_SEEKING,   /* Attach to the peer that is responsible for n+1 */
    RELOAD_CHORD_LEARNING,  /* linked with it (the admitting peer): waiting for its tables */
    RELOAD_CHORD_LINKING,   /* Attaches to our neighbours-to-be */
    RELOAD_CHORD_ASKING,    /* Join is sent: data may arrive */
    RELOAD_CHORD_PLACED,    /* named as predecessor; the link to some neighbour is missing still */
    RELOAD_CHORD_JOINED,    /* a peer */
    RELOAD_CHORD_CONNECTED, /* a client, linked with the peer that is responsible for it, or any */
    RELOAD_CHORD_LEAVING,
};

/* Each has its function in chord.c's table. */
enum reload_chord_timer {
    RELOAD_CHORD_TIMER_JOIN,
    RELOAD_CHORD_TIMER_ADMIT,
    RELOAD_CHORD_TIMER_ATTEMPT,
    RELOAD_CHORD_TIMER_TELL_NEAR,
    RELOAD_CHORD_TIMER_TELL_ALL,
    RELOAD_CHORD_TIMER_PROBE,
    RELOAD_CHORD_TIMER_STABILIZE,
    RELOAD_CHORD_TIMER_FINGER,
    RELOAD_CHORD_TIMER_PING,
    RELOAD_CHORD_TIMER_PARTITION,
    RELOAD_CHORD_TIMER_PUSH,
    RELOAD_CHORD_TIMER_REPAIR,
    RELOAD_CHORD_TIMER_PRUNE,
    RELOAD_CHORD_TIMERS,
};

/* The Node-IDs in an Update. */
struct reload_chord_lists {
    struct reload_chord_place predecessors[RELOAD_CHORD_KNOWN_MAX];
    struct reload_chord_place successors[RELOAD_CHORD_KNOWN_MAX];
    size_t predecessor_count, successor_count;
    uint32_t uptime_s; /* as its sender says */
};

/* The joining node's side (chord_join.c). */
struct reload_chord_join {
    uint32_t number;                      /* of the attempt: late answers of others are ignored */
    struct reload_chord_place gateway;    /* the node that we reach the overlay through */
    struct reload_chord_place admitting;  /* the admitting peer; from LEARNING on */
    struct reload_chord_place known_from; /* whose neighbours |known| are */
    struct reload_chord_place known[2 * RELOAD_CHORD_REACH_MAX];
    size_t known_count, known_predecessors; /* the latter come first */
    bool met;                               /* somebody who said that it is a peer */
    bool placed;
    bool is_young;    /* the admitting peer is: everybody may be joining (D117) */
    bool brings_data; /* of an earlier life in the ring: nobody else may have it */
    uint64_t request; /* the Join; 0: none */
    unsigned tries;
    reload_time deadline;
    reload_time asked_at;  /* for an Update, last */
    reload_time ask_at;    /* no Join before */
    reload_time settle_at; /* a peer then, though linked neighbours have not said that they are */
};

/* The admitting peer's side (chord_admit.c): one joining node at a time. */
struct reload_chord_admission {
    bool active, pushing;
    struct reload_chord_place place;
    reload_time deadline;
};

enum reload_chord_purpose {
    RELOAD_CHORD_FOR_NEIGHBOR,
    RELOAD_CHORD_FOR_LOST, /* a neighbour whose link failed: perhaps only the link did (10.7.1) */
    RELOAD_CHORD_FOR_FINGER,
    RELOAD_CHORD_FOR_MERGE, /* another ring, or a part of ours that we did not know */
    RELOAD_CHORD_FOR_JOIN,
};

/* One Attach (chord_attempt.c). */
struct reload_chord_attempt {
    struct reload_chord *chord;
    enum {
        RELOAD_CHORD_FREE,
        RELOAD_CHORD_WAITING,
        RELOAD_CHORD_RUNNING,
        RELOAD_CHORD_FORGOTTEN, /* runs, but what it was sent by is gone */
    } state;
    enum reload_chord_purpose purpose;
    bool to_resource; /* |target| is a Resource-ID */
    bool has_via;
    bool is_far;   /* not one of the nearest neighbours: it can wait */
    bool is_named; /* the newest Update of |via| names it, for a neighbour */
    struct reload_chord_place target;
    struct reload_chord_place via; /* who told of it: source-routed through this peer (10.6) */
    uint32_t first_link;           /* 0: routed by the table */
    uint32_t number;               /* FOR_JOIN: join.number; FOR_FINGER: which entry, or 0 */
    unsigned tries;
    reload_time due; /* WAITING: not before */
};

struct reload_chord_failure {
    struct reload_chord_place place;
    reload_time until; /* not to be tried again before */
};

enum reload_chord_push_purpose {
    RELOAD_CHORD_PUSH_ADMIT,    /* to the joining node, its range */
    RELOAD_CHORD_PUSH_HANDOVER, /* to a new predecessor that did not join through us */
    RELOAD_CHORD_PUSH_REPLICA,  /* to a peer that is new in our replica set, all that is ours */
    RELOAD_CHORD_PUSH_GROWN,    /* to the replica set, what became ours */
    RELOAD_CHORD_PUSH_ABANDONED,
};

/* One transfer of data (chord_replicate.c). */
struct reload_chord_push {
    struct reload_chord *chord;
    enum { RELOAD_CHORD_PUSH_FREE, RELOAD_CHORD_PUSH_WAITING, RELOAD_CHORD_PUSH_RUNNING } state;
    enum reload_chord_push_purpose purpose;
    struct reload_chord_place target, after, upto;
    unsigned tries;
    reload_time due;
};

/* What the neighbourhood was like when last looked at (chord_change.c). */
struct reload_chord_view {
    struct reload_chord_place begins;
    struct reload_chord_place replicas[RELOAD_CHORD_REPLICAS];
    size_t replica_count;
    uint64_t digest; /* of all neighbours */
};

struct reload_chord {
    struct reload_node *node;
    const struct reload_env *env;
    struct reload_chord_table table;
    enum reload_chord_phase phase;
    bool founded;             /* we began this ring, or all others left: we may be alone in it */
    bool successor_confirmed; /* the first successor named us as its predecessor */
    unsigned stays;           /* a client against its wish (D29), so many times in a row; 0: no */
    reload_time started_at;
    reload_time timers[RELOAD_CHORD_TIMERS]; /* RELOAD_NEVER: not set */

    struct reload_chord_join join;
    struct reload_chord_admission admission;
    struct reload_chord_view view;

    struct reload_chord_attempt attempts[RELOAD_CHORD_ATTEMPTS_MAX];
    struct reload_chord_failure failures[RELOAD_CHORD_FAILURES_MAX];
    size_t failure_next;
    struct reload_chord_place opened[RELOAD_CHORD_OPENED_MAX];
    size_t opened_next;
    unsigned attempts_left; /* Attaches that hearsay may cost us now (T5) */
    reload_time attempts_since;

    uint32_t version;    /* of our neighbours; 1.. */
    bool tell_neighbors; /* TELL_NEAR is for all neighbours, not only for the nearest */
    size_t tell_cursor;  /* how far TELL_ALL came; 0: at the begin */
    reload_time told_near_at, told_all_at;
    unsigned queries_left; /* Updates that RouteQueries may cost us now (R16) */
    reload_time queries_since;
    size_t stabilize_next;
    unsigned probe_round, repair_tries;

    struct reload_chord_push pushes[RELOAD_CHORD_PUSHES_MAX];

    struct reload_chord_place fingers_tried; /* bit i-1: the i-th was attached to */
    struct reload_chord_place fingers_lost;  /* bit i-1: the i-th is to be searched for anew */
    reload_time fingers_from;                /* no search before */
    double fingers_size;                     /* estimated size of the ring then */
    unsigned finger_sought;                  /* the search that is on, 0: none */
    unsigned finger_failures;
    bool partition_search;     /* likewise */
    unsigned partition_doubts; /* searches still to be made soon */
    struct reload_chord_place partition_bootstrap;
    uint32_t partition_link;
};

/* Small things that many files need (chord.c). */

/* reload_chord_random returns 64 random bits. */
uint64_t reload_chord_random(struct reload_chord *chord);

/* reload_chord_jitter returns a random time around |base|: three to five quarters of it. */
reload_time reload_chord_jitter(struct reload_chord *chord, reload_time base);

/* reload_chord_arm sets |timer| to |at| unless it is due earlier anyhow. */
void reload_chord_arm(struct reload_chord *chord, enum reload_chord_timer timer, reload_time at);

/* reload_chord_link_to returns the link that is up to |place|, or 0. */
uint32_t reload_chord_link_to(const struct reload_chord *chord, struct reload_chord_place place);

/* reload_chord_log writes a line at level INFO. */
void reload_chord_log(struct reload_chord *chord, const char *text,
                      struct reload_chord_place place);

static inline bool
reload_chord_is_joining(const struct reload_chord *chord)
{
    return chord->phase >= RELOAD_CHORD_SEEKING && chord->phase <= RELOAD_CHORD_PLACED;
}

#endif
