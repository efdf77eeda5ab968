/* stun_server.h: answers STUN Binding requests, so that others learn how they are seen from here.
 *
 * RFC 8489 12; RFC 6940 6.5.1.4. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_ICE_STUN_SERVER_H
#define RELOAD_ICE_STUN_SERVER_H

#include "reload/ice_agent.h"

/* reload_stun_server_answer is a reload_stun_answer_fn. Requests of an ICE session (with
 * credentials) get no answer: they are for an agent, not for us. */
reload_stun_answer_fn reload_stun_server_answer;

#endif
