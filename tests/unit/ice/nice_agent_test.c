/* nice_agent_test.c: two ICE agents on one loop find each other over loopback and carry datagrams.
 *
 * RFC 8445; RFC 6940 6.5.1. SPDX-License-Identifier: BSD-2-Clause */
#include "ice/nice_agent.h"
#include "reload/run/loop_libevent.h"

#include "tests/suite.h"

#include <dirent.h>
#include <string.h>

struct end {
    struct reload_ice_agent *agent;
    struct end *other;
    struct reload_offer offer;
    struct reload_datagram *path;
    uint8_t local_type, remote_type;
    bool gathered, ready, failed;
    char heard[64];
    size_t heard_count;
};

struct world {
    struct reload_loop *loop;
    struct reload_timer *timer;
    bool expired;
    struct end a, b;
};

static void
on_gathered(void *argument, const struct reload_offer *offer)
{
    struct end *end = argument;
    ck_assert_ptr_nonnull(offer);
    end->offer = *offer;
    end->gathered = true;
}

static void
on_ready(void *argument, const struct reload_ice_pair *pair)
{
    struct end *end = argument;
    ck_assert(!end->ready);
    end->ready = true;
    end->path = pair->path;
    end->local_type = pair->local_type;
    end->remote_type = pair->remote_type;
}

static void
on_recv(void *argument, struct reload_bytes bytes)
{
    struct end *end = argument;
    ck_assert_uint_lt(bytes.size, sizeof end->heard);
    ck_assert(end->ready);
    memcpy(end->heard, bytes.data, bytes.size);
    end->heard[bytes.size] = 0;
    end->heard_count++;
}

static void
on_failed(void *argument, int error)
{
    struct end *end = argument;
    ck_assert_int_lt(error, 0);
    end->failed = true;
}

static const struct reload_ice_user user = {
    .gathered = on_gathered, .ready = on_ready, .recv = on_recv, .failed = on_failed};

static void
expire(void *argument)
{
    ((struct world *)argument)->expired = true;
}

static bool
wait_for(struct world *world, const bool *one, const bool *other, unsigned limit_ms)
{
    world->expired = false;
    reload_timer_set(world->timer, reload_loop_now(world->loop) + limit_ms * RELOAD_MS);
    while (!(*one && *other) && !world->expired)
        ck_assert_int_eq(reload_loop_turn(world->loop), 0);
    return *one && *other;
}

static void
settle(struct world *world, unsigned ms)
{
    static const bool never = false;
    (void)wait_for(world, &never, &never, ms);
}

static void
world_init(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->a.other = &world->b;
    world->b.other = &world->a;
    ck_assert_int_eq(reload_loop_new(&world->loop), 0);
    ck_assert_int_eq(reload_loop_timer(world->loop, expire, world, &world->timer), 0);
}

static void
world_open(struct world *world)
{
    struct reload_ice_options options = {
        .loop = world->loop, .loopback = true, .controlling = true, .overlay_link = 1};
    ck_assert_int_eq(reload_nice_agent.open(&options, &user, &world->a, &world->a.agent), 0);
    options.controlling = false;
    ck_assert_int_eq(reload_nice_agent.open(&options, &user, &world->b, &world->b.agent), 0);
    ck_assert(wait_for(world, &world->a.gathered, &world->b.gathered, 5000));
}

static void
world_close(struct world *world)
{
    reload_nice_agent.close(world->a.agent);
    reload_nice_agent.close(world->b.agent);
    settle(world, 200);
    world->a = (struct end){.other = &world->b};
    world->b = (struct end){.other = &world->a};
}

static void
world_fini(struct world *world)
{
    reload_timer_free(world->timer);
    reload_loop_free(world->loop);
}

static void
connect_both(struct world *world)
{
    ck_assert_int_eq(reload_nice_agent.check(world->a.agent, &world->b.offer), 0);
    ck_assert_int_eq(reload_nice_agent.check(world->b.agent, &world->a.offer), 0);
    ck_assert(wait_for(world, &world->a.ready, &world->b.ready, 10000));
}

static void
say(struct end *end, const char *text)
{
    ck_assert_int_eq(end->path->ops->send(end->path, NULL, reload_bytes_of_string(text)), 0);
}

START_TEST(two_agents_meet)
{
    struct world world;
    world_init(&world);
    world_open(&world);
    ck_assert_uint_ge(strlen(world.a.offer.ufrag), 4);
    ck_assert_uint_ge(strlen(world.a.offer.password), 22);
    connect_both(&world);
    ck_assert_uint_eq(world.a.local_type, 1);
    say(&world.a, "from a");
    say(&world.b, "from b");
    settle(&world, 200);
    ck_assert_str_eq(world.b.heard, "from a");
    ck_assert_str_eq(world.a.heard, "from b");
    world_close(&world);
    world_fini(&world);
}
END_TEST

START_TEST(wrong_password_never_meets)
{
    struct world world;
    world_init(&world);
    world_open(&world);
    memset(world.b.offer.password, 'x', strlen(world.b.offer.password));
    ck_assert_int_eq(reload_nice_agent.check(world.a.agent, &world.b.offer), 0);
    ck_assert(wait_for(&world, &world.a.failed, &world.a.failed, 30000));
    ck_assert(!world.a.ready && !world.b.ready);
    world_close(&world);
    world_fini(&world);
}
END_TEST

START_TEST(offer_without_usable_candidates_is_refused)
{
    struct world world;
    world_init(&world);
    world_open(&world);
    for (size_t i = 0; i < world.b.offer.candidate_count; i++)
        world.b.offer.candidates[i].type = 3; /* reserved */
    ck_assert_int_eq(reload_nice_agent.check(world.a.agent, &world.b.offer), RELOAD_E_MALFORMED);
    world_close(&world);
    world_fini(&world);
}
END_TEST

static size_t
open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* Agents in every state are closed; nothing is left of them. */
START_TEST(closing_frees_everything)
{
    struct world world;
    world_init(&world);
    world_open(&world);
    connect_both(&world);
    world_close(&world);
    size_t before = open_descriptors();
    for (int round = 0; round < 10; round++) {
        world_open(&world);
        if (round % 2)
            connect_both(&world);
        world_close(&world);
    }
    ck_assert_uint_eq(open_descriptors(), before);
    world_fini(&world);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("nice_agent", two_agents_meet, wrong_password_never_meets,
                     offer_without_usable_candidates_is_refused, closing_frees_everything);
}
