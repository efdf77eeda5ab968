/* agents.h: two ICE agents on one loop, for tests: what each was told, and waiting with a limit.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_ICE_AGENTS_H
#define RELOAD_TESTS_ICE_AGENTS_H

#include "ice/nice_agent.h"
#include "reload/run/loop_libevent.h"

struct agent_end {
    struct reload_ice_options options;
    struct reload_ice_agent *agent;
    struct reload_offer offer;
    struct reload_ice_pair pair;
    bool gathered, ready, failed;
    reload_time gathered_at, ready_at, failed_at;
    struct reload_loop *loop;
    char heard[64];
    size_t heard_count;
};

/* |a| is controlling. */
struct agents {
    struct reload_loop *loop;
    struct reload_timer *timer;
    bool expired;
    size_t alive;
    struct agent_end a, b;
};

/* Makes the loop, and options for two agents on loopback without servers. */
void agents_init(struct agents *agents);
void agents_fini(struct agents *agents);

/* Opens both and waits until they have gathered. */
void agents_open(struct agents *agents);
void agents_open_one(struct agents *agents, struct agent_end *end);
/* Closes both and waits until nothing is left of them. */
void agents_close(struct agents *agents);

/* Gives each the other's offer and waits until both are ready. */
void agents_connect(struct agents *agents);
void agents_check(struct agent_end *end, const struct agent_end *other);

/* Turns the loop until both are true; false after |limit_ms|. */
bool agents_wait(struct agents *agents, const bool *one, const bool *other, unsigned limit_ms);
/* Turns the loop for |ms|. */
void agents_settle(struct agents *agents, unsigned ms);

void agents_say(struct agent_end *end, const char *text);
/* One says, the other hears it, both ways. */
void agents_talk(struct agents *agents);

/* Leaves only the candidates of |type| in the end's offer; returns how many. */
size_t agents_keep(struct agent_end *end, uint8_t type);

/* Descriptors that this process has open. */
size_t open_descriptors(void);

#endif
