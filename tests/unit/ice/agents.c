/* agents.c: two ICE agents on one loop, for tests.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/ice/agents.h"

#include <check.h>
#include <dirent.h>
#include <string.h>

static void
on_gathered(void *argument, const struct reload_offer *offer)
{
    struct agent_end *end = argument;
    ck_assert(!end->gathered);
    end->offer = offer ? *offer : (struct reload_offer){0};
    end->gathered = true;
    end->gathered_at = reload_loop_now(end->loop);
}

static void
on_ready(void *argument, const struct reload_ice_pair *pair)
{
    struct agent_end *end = argument;
    ck_assert(!end->ready);
    end->ready = true;
    end->ready_at = reload_loop_now(end->loop);
    end->pair = *pair;
}

static void
on_recv(void *argument, struct reload_bytes bytes)
{
    struct agent_end *end = argument;
    ck_assert_uint_lt(bytes.size, sizeof end->heard);
    ck_assert(end->ready);
    memcpy(end->heard, bytes.data, bytes.size);
    end->heard[bytes.size] = 0;
    end->heard_count++;
}

static void
on_failed(void *argument, int error)
{
    struct agent_end *end = argument;
    ck_assert_int_lt(error, 0);
    ck_assert(!end->failed);
    end->failed = true;
    end->failed_at = reload_loop_now(end->loop);
}

static const struct reload_ice_user user = {
    .gathered = on_gathered, .ready = on_ready, .recv = on_recv, .failed = on_failed};

static void
expire(void *argument)
{
    ((struct agents *)argument)->expired = true;
}

bool
agents_wait(struct agents *agents, const bool *one, const bool *other, unsigned limit_ms)
{
    agents->expired = false;
    reload_timer_set(agents->timer, reload_loop_now(agents->loop) + limit_ms * RELOAD_MS);
    while (!(*one && *other) && !agents->expired)
        ck_assert_int_eq(reload_loop_turn(agents->loop), 0);
    return *one && *other;
}

void
agents_settle(struct agents *agents, unsigned ms)
{
    static const bool never = false;
    (void)agents_wait(agents, &never, &never, ms);
}

void
agents_init(struct agents *agents)
{
    memset(agents, 0, sizeof *agents);
    ck_assert_int_eq(reload_loop_new(&agents->loop), 0);
    ck_assert_int_eq(reload_loop_timer(agents->loop, expire, agents, &agents->timer), 0);
    agents->a.options = (struct reload_ice_options){.loop = agents->loop,
                                                    .loopback = true,
                                                    .controlling = true,
                                                    .overlay_link = 1,
                                                    .alive = &agents->alive};
    agents->b.options = agents->a.options;
    agents->b.options.controlling = false;
}

void
agents_fini(struct agents *agents)
{
    reload_timer_free(agents->timer);
    reload_loop_free(agents->loop);
}

void
agents_open_one(struct agents *agents, struct agent_end *end)
{
    *end = (struct agent_end){.options = end->options, .loop = agents->loop};
    ck_assert_int_eq(reload_nice_agent.open(&end->options, &user, end, &end->agent), 0);
}

void
agents_open(struct agents *agents)
{
    agents_open_one(agents, &agents->a);
    agents_open_one(agents, &agents->b);
    ck_assert(agents_wait(agents, &agents->a.gathered, &agents->b.gathered, 5000));
}

void
agents_close(struct agents *agents)
{
    reload_nice_agent.close(agents->a.agent);
    reload_nice_agent.close(agents->b.agent);
    agents->a.agent = agents->b.agent = NULL;
    while (agents->alive > 0)
        ck_assert_int_eq(reload_loop_turn(agents->loop), 0);
}

void
agents_check(struct agent_end *end, const struct agent_end *other)
{
    ck_assert_int_eq(reload_nice_agent.check(end->agent, &other->offer), 0);
}

void
agents_connect(struct agents *agents)
{
    agents_check(&agents->b, &agents->a);
    agents_check(&agents->a, &agents->b);
    ck_assert(agents_wait(agents, &agents->a.ready, &agents->b.ready, 10000));
}

void
agents_say(struct agent_end *end, const char *text)
{
    ck_assert_int_eq(end->pair.path->ops->send(end->pair.path, NULL, reload_bytes_of_string(text)),
                     0);
}

void
agents_talk(struct agents *agents)
{
    agents->a.heard_count = agents->b.heard_count = 0;
    agents_say(&agents->a, "from a");
    agents_say(&agents->b, "from b");
    for (int i = 0; i < 20 && !(agents->a.heard_count && agents->b.heard_count); i++)
        agents_settle(agents, 50);
    ck_assert_str_eq(agents->b.heard, "from a");
    ck_assert_str_eq(agents->a.heard, "from b");
}

size_t
agents_keep(struct agent_end *end, uint8_t type)
{
    struct reload_offer *offer = &end->offer;
    size_t kept = 0;
    for (size_t i = 0; i < offer->candidate_count; i++)
        if (offer->candidates[i].type == type)
            offer->candidates[kept++] = offer->candidates[i];
    offer->candidate_count = kept;
    return kept;
}

size_t
open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}
