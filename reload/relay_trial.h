/* relay_trial.h: a TURN server is tried out before links depend on it: does it give an address, and
 * does what is sent there come to us?
 *
 * ice/ implements it; the driver in run/ carries out the trials that the TURN server usage wants.
 * RFC 8656; RFC 6940 9, docs/turn.md.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RELAY_TRIAL_H
#define RELOAD_RELAY_TRIAL_H

#include "reload/ice.h"
#include "reload/loop.h"

/* A TURN server and what it wants to know of us. Addresses only: names are resolved before. */
struct reload_ice_relay {
    struct reload_address address;
    bool tcp; /* reached by TCP, for networks that let no UDP out */
    char username[256], password[256];
};

/* From bad to good. */
enum reload_relay_verdict {
    RELOAD_RELAY_UNTRIED,
    RELOAD_RELAY_SILENT, /* no address: no answer, a refusal, or nonsense */
    RELOAD_RELAY_LIES,   /* it says that we have an address which nobody else knows of */
    RELOAD_RELAY_GIVES,  /* an address, and no more is known of it */
    RELOAD_RELAY_WORKS,  /* a datagram of ours came through it (by UDP only) */
};

/* What became of the relays of an ICE agent. */
enum reload_relay_use {
    RELOAD_RELAY_GAVE,    /* an address, when it was wanted */
    RELOAD_RELAY_STALLED, /* none in time */
    RELOAD_RELAY_LIED,    /* see RELOAD_RELAY_LIES */
    RELOAD_RELAY_NO_LINK, /* an address, but no link came about */
};

struct reload_relay_outcome {
    enum reload_relay_verdict verdict; /* not UNTRIED, and not LIES: who tries cannot know */
    struct reload_address mapped;      /* how the relay sees us; family 0 when it did not say */
    reload_time taken_ns;              /* until it gave an address; 0 when it did not */
};

/* Borrowed for the call. */
struct reload_relay_trial_options {
    struct reload_loop *loop;
    struct reload_ice_relay relay;
    struct reload_address local; /* where to ask from; the port does not matter. Family 0: any */
};

struct reload_relay_trial;

/* Called once, from the loop. It may end the trial. */
typedef void reload_relay_trial_fn(void *argument, const struct reload_relay_outcome *outcome);

#endif
