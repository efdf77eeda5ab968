/* turn_state.h: what the TURN server usage consists of, for its own files only.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_TURN_STATE_H
#define RELOAD_USAGES_TURN_STATE_H

#include "usages/turn_credential.h"
#include "usages/turn_service.h"

struct reload_turn;

/* One copy of the announcement. */
struct turn_copy {
    struct reload_turn *turn;
    uint8_t iteration;
    uint8_t resource[20];
    size_t resource_size;
    bool stored;   /* is there, as far as we know */
    bool doubtful; /* a Store had no answer: it may be there all the same */
    bool busy;     /* a Store is under way */
    reload_time due;
};

/* Whom we gave credentials lately: |credit| of them may still be had now, one more every minute. */
struct turn_member {
    struct reload_node_id node_id;
    unsigned credit;
    reload_time since;
};
#define TURN_MEMBERS_MAX 1024

/* What only a node with a relay has. */
struct turn_server {
    bool wanted; /* announced, or to be announced; else withdrawn */
    struct reload_address address;
    uint8_t secret[RELOAD_TURN_SECRET_MAX];
    size_t secret_size;
    uint32_t lifetime_s;
    struct turn_copy copies[RELOAD_TURN_ITERATIONS_MAX];
    size_t copy_count;
    struct turn_member members[TURN_MEMBERS_MAX];
    size_t member_count;
};

enum { TURN_UDP, TURN_TCP, TURN_WAYS };

/* A relay that we may use. */
struct turn_relay {
    struct reload_turn *turn;
    bool used; /* this place is taken */
    bool asking;
    struct reload_node_id node_id;
    struct turn_credential credential;
    reload_time expires, due;                     /* when to ask again */
    unsigned failures;                            /* in a row */
    enum reload_relay_verdict ways[TURN_WAYS];    /* what its trials have told */
    enum reload_relay_verdict results[TURN_WAYS]; /* of the trial that is under way */
    bool untried;                                 /* its trial waits to be carried out */
    reload_time try_due, tried_at;
    unsigned failed_trials; /* in a row */
    unsigned doubts;        /* agents that it failed, since it last did not */
    uint64_t handed;        /* when it was last: the number of that */
};

/* More than the hopeful ones that we want: those of no use keep theirs until they are given up. */
#define TURN_PLACES 6

/* Nodes that were of no use, for a while. */
struct turn_avoided {
    struct reload_node_id node_id;
    reload_time until;
    unsigned times; /* in a row; 0: nobody */
};
#define TURN_AVOIDED_MAX 16

/* The search for one more relay: Find, Fetch, Ping. */
struct turn_search {
    bool busy;
    uint8_t resource[20];
    size_t resource_size;
    bool met; /* the Fetch brought |node_id| */
    struct reload_node_id node_id;
    unsigned tries; /* without success, in a row */
    reload_time due;
    reload_time again; /* from when on a new link is a reason to begin anew */
};

struct reload_turn {
    struct reload_node *node;
    const struct reload_env *env;
    struct reload_turn_options options;
    bool joined, leaving;
    struct turn_server *server; /* NULL until reload_turn_service_begin */
    struct turn_relay relays[TURN_PLACES];
    uint64_t handed; /* how many were handed out */
    struct turn_avoided avoided[TURN_AVOIDED_MAX];
    struct turn_search search;
    struct reload_turn_counters counters;
};

/* |delay| and up to half as much again, by chance. */
reload_time turn_later(const struct reload_turn *turn, reload_time delay, reload_time now);

/* Hashes |node_id| and |iteration| to the Resource-ID where such an announcement belongs. */
RELOAD_CHECKED int turn_resource(struct reload_turn *turn, const struct reload_node_id *node_id,
                                 uint8_t iteration, uint8_t *resource, size_t *size);

/* ---- turn_announce.c --------------------------------------------------------------------------
 */

reload_time turn_announce_next(const struct reload_turn *turn);
void turn_announce_timeout(struct reload_turn *turn, reload_time now);

/* ---- turn_grant.c -----------------------------------------------------------------------------
 */

/* Writes credentials for |member| into |answer|. 0, or why there are none. */
int turn_grant(struct reload_turn *turn, const struct reload_node_id *member,
               struct reload_bytes question, struct reload_writer *answer, reload_time now);

/* ---- turn_directory.c -------------------------------------------------------------------------
 */

reload_time turn_directory_next(const struct reload_turn *turn);
void turn_directory_timeout(struct reload_turn *turn, reload_time now);
/* A relay is missing: the search begins anew. */
void turn_search_soon(struct reload_turn *turn, reload_time now);
/* |node_id| is of use after all. */
void turn_forgive(struct reload_turn *turn, const struct reload_node_id *node_id);

/* ---- turn_trial.c -----------------------------------------------------------------------------
 */

/* When a trial is due: whoever is woken then asks reload_turn_service_untried. */
reload_time turn_trial_next(const struct reload_turn *turn);
void turn_trial_timeout(struct reload_turn *turn, reload_time now);
/* |relay| is to be tried |at|, unless it has failed: then its time is fixed. */
void turn_trial_wanted(struct turn_relay *relay, reload_time at);
enum reload_relay_verdict turn_verdict(const struct turn_relay *relay);
bool turn_is_usable(const struct turn_relay *relay);
/* It has failed too many trials. */
bool turn_is_given_up(const struct turn_relay *relay);

#endif
