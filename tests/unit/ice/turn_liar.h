/* turn_liar.h: a TURN server that knows its users, and grants them what is not so, or stalls on the
 * way; by UDP, on loopback (127.0.0.2).
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_ICE_TURN_LIAR_H
#define RELOAD_TESTS_ICE_TURN_LIAR_H

#include "reload/ice_agent.h"

enum turn_lie {
    TURN_LIE_ADDRESSES, /* relayed and mapped addresses are nobody's */
    TURN_LIE_SILENCE,   /* challenges, and then says nothing */
    TURN_LIE_FORGED,    /* success, without a proof that it knows the password */
    TURN_LIE_MANGLED,   /* success, with a wrong proof */
    TURN_LIE_REFUSED,   /* 486, for everybody */
    TURN_LIE_AGAIN,     /* 401, again and again */
    TURN_LIES
};

struct turn_liar {
    int descriptor;
    struct reload_address address;
    struct reload_watch *watch;
    enum turn_lie lie;
    unsigned asked;
};

void turn_liar_start(struct turn_liar *liar, struct reload_loop *loop, enum turn_lie lie);
void turn_liar_stop(struct turn_liar *liar);

/* turn_liar_relay tells how to use it. */
struct reload_ice_relay turn_liar_relay(const struct turn_liar *liar);

#endif
