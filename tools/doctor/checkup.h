/* checkup.h: one run of `reload doctor`: what is known so far, and what was found.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_DOCTOR_CHECKUP_H
#define TOOLS_DOCTOR_CHECKUP_H

#include "tools/reloadd/daemon.h"

#include <jansson.h>
#include <sys/types.h>

#define CHECKUP_ADDRESSES_MAX 16

enum finding {
    FINDING_GOOD,
    FINDING_NOTE,    /* nothing to be done, but worth knowing */
    FINDING_WARNING, /* works, but will not always, or not for everything */
    FINDING_FAILURE,
    FINDING_SKIPPED, /* what it needs does not work */
};

struct checkup {
    const char *path;    /* of the node's configuration */
    const char *socket;  /* where the running node listens; NULL: as configured */
    unsigned patience_s; /* how long to wait for the node to join */
    bool json;
    struct daemon daemon; /* settings and credentials; it is never opened or run */
    bool has_settings, has_credentials;

    struct reload_address bootstrap[CHECKUP_ADDRESSES_MAX]; /* those that are not our own */
    size_t bootstrap_count;
    bool is_bootstrap;             /* one of them is this node */
    bool reached_udp, reached_tcp; /* a bootstrap node answers by it */

    char control[PATH_MAX]; /* where a node answers now; "" for nowhere */
    pid_t child;            /* the node that we started for the time of the checkup; 0: none */
    char folder[64];        /* its files; "" for none */
    bool joined;
    json_t *status, *peers, *routes; /* what the node said last; NULL: nothing */

    json_t *findings;
    unsigned counts[FINDING_SKIPPED + 1];
    bool failed; /* out of memory */
};

/* checkup_find notes what |step| found, in one line for people; |advice|, which may be NULL, says
 * what to do. It is printed at once unless JSON is wanted. */
void checkup_find(struct checkup *checkup, const char *step, enum finding finding,
                  const char *advice, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* checkup_number adds a number to the last finding, for programs. */
void checkup_number(struct checkup *checkup, const char *name, double value);
void checkup_text(struct checkup *checkup, const char *name, const char *value);

/* checkup_ask asks the node; |request| is given up. Returns its answer, or NULL, and then |reason|,
 * of |size| octets, says why. */
json_t *checkup_ask(const struct checkup *checkup, json_t *request, char *reason, size_t size);

/* checkup_look asks the node for its status anew. Returns false when it does not answer. */
bool checkup_look(struct checkup *checkup);

/* Milliseconds of the monotonic clock; and letting some of them pass. */
double checkup_now_ms(void);
void checkup_pause(long duration_ms);

/* ---- the steps, in their order ----------------------------------------------------------------
 */

typedef void checkup_step(struct checkup *checkup);

checkup_step check_configuration, check_credentials; /* check_files.c */
checkup_step check_bootstrap;                        /* check_bootstrap.c */
checkup_step check_node, check_join, check_clock;    /* check_node.c */
checkup_step check_nat;                              /* check_nat.c */
checkup_step check_turn;                             /* check_turn.c */
checkup_step check_ice, check_record;                /* check_overlay.c */

/* checkup_end_node ends the node that check_node started, if it did, and removes its files. It may
 * be called by a signal's handler. */
void checkup_end_node(struct checkup *checkup);

/* checkup_bundle writes everything that was found, the settings, the document, the certificate and
 * what the node says of itself, but no key and no password, to |path|. |reason| as above. Returns 0
 * or RELOAD_E_IO. */
RELOAD_CHECKED int checkup_bundle(const struct checkup *checkup, const char *path, char *reason,
                                  size_t size);

#endif
