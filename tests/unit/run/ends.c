/* ends.c: what the tests of TLS and DTLS links have in common.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/run/ends.h"

#include <check.h>

static int
seen_up(void *argument, struct reload_connection *connection, const struct reload_link_peer *peer)
{
    struct seen *seen = argument;
    seen->up++;
    seen->peer = *peer;
    seen->peer_id = peer->identity->node_ids[0];
    if (seen->refuse_with)
        return seen->refuse_with;
    seen->connection = connection;
    return 0;
}

static void
seen_recv(void *argument, struct reload_connection *connection, struct reload_bytes bytes)
{
    struct seen *seen = argument;
    seen->received++;
    seen->size += bytes.size;
    ck_assert_uint_le(bytes.size, sizeof seen->last);
    memcpy(seen->last, bytes.data, bytes.size);
    seen->last_size = bytes.size;
    if (seen->echo)
        ck_assert_int_eq(connection->ops->send(connection, bytes), 0);
    if (seen->close_on_recv) {
        connection->ops->close(connection);
        seen->connection = NULL;
    }
}

static void
seen_down(void *argument, struct reload_connection *connection, int error)
{
    struct seen *seen = argument;
    seen->down++;
    seen->error = error;
    if (seen->connection == connection)
        seen->connection = NULL;
}

const struct reload_connection_user seen_user = {seen_up, seen_recv, seen_down};

static void
too_long(void *argument)
{
    (void)argument;
    ck_abort_msg("nothing happened for 20 s");
}

void
world_init(struct world *world)
{
    *world = (struct world){0};
    ck_assert_int_eq(reload_loop_new(&world->loop), 0);
    ck_assert_int_eq(reload_loop_timer(world->loop, too_long, world, &world->watchdog), 0);
    world->authority = authority_new("authority");
    reload_env_host_init(&world->env, RELOAD_LOG_WARNING, "test");
}

void
world_fini(struct world *world)
{
    reload_timer_free(world->watchdog);
    reload_loop_free(world->loop);
    authority_free(world->authority);
}

void
world_until(struct world *world, const unsigned *count, unsigned wanted)
{
    reload_timer_set(world->watchdog, reload_loop_now(world->loop) + 20 * RELOAD_SECOND);
    while (*count < wanted)
        ck_assert_int_eq(reload_loop_turn(world->loop), 0);
    reload_timer_set(world->watchdog, RELOAD_NEVER);
}

static void
over(void *argument)
{
    (*(unsigned *)argument)++;
}

void
world_for(struct world *world, reload_time duration_ns)
{
    struct reload_timer *timer;
    unsigned done = 0;
    ck_assert_int_eq(reload_loop_timer(world->loop, over, &done, &timer), 0);
    reload_timer_set(timer, reload_loop_now(world->loop) + duration_ns);
    world_until(world, &done, 1);
    reload_timer_free(timer);
}

struct reload_address
loopback(uint16_t port)
{
    return (struct reload_address){.family = 4, .octets = {127, 0, 0, 1}, .port = port};
}
