/* mix_test.c: rings of one to eight peers in which two things happen, in every mix: somebody joins,
 * leaves, dies, or dies and is back at once; in rings of up to four, three things.
 *
 * Small rings are where published versions of Chord go wrong. RFC 6940 10.5, 10.7.1, 10.9.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#include "tools/sim/sim_chord.h"
#include "tools/sim/sim_invariant.h"

#include <stdlib.h>

#define PEERS_MAX 8
#define FOUNDER 0 /* who alone may found the overlay */
#define GAP SIM_MS(100)
#define WHOLE_WITHIN SIM_SECONDS(60)

/* What happens: 0: a join; else one of the three to a peer. */
enum { LEAVE, DIE, RESTART, WAYS };

static unsigned
count_happenings(uint32_t peers)
{
    return 1 + WAYS * peers;
}

static void
happen(struct sim *s, unsigned what)
{
    if (what == 0) {
        (void)sim_add_node(s, NULL);
        return;
    }
    uint32_t node = (what - 1) / WAYS;
    if (!sim_is_alive(s, node))
        return;
    switch ((what - 1) % WAYS) {
    case LEAVE:
        sim_leave(s, node);
        break;
    case DIE:
        sim_kill(s, node);
        break;
    default:
        sim_kill(s, node);
        sim_restart(s, node);
        break;
    }
}

/* Nobody is left who is a peer, and who alone may found the overlay anew is gone. */
static bool
is_orphaned(struct sim *s)
{
    for (uint32_t i = 0; i < sim_node_count(s); i++)
        if (sim_is_alive(s, i) && (i == FOUNDER || sim_is_joined(s, i)))
            return false;
    return true;
}

static bool
is_whole_or_orphaned(struct sim *s, void *argument)
{
    return sim_is_whole(s, argument) || is_orphaned(s);
}

static void
look(struct sim *s, uint32_t node, void *argument)
{
    (void)s;
    sim_watch_look(argument, node);
}

/* |happenings|: so many of them, one as a digit of base |base|; |pause_ns| between two. */
static void
live_through(uint32_t peers, unsigned happenings, unsigned mix, uint64_t pause_ns)
{
    const unsigned base = count_happenings(peers);
    struct sim_options options = ring_options();
    struct sim_watch watch;
    options.successors = sim_chord_successors;
    options.predecessors = sim_chord_predecessors;
    struct sim *s = sim_new(1000 * peers + mix, &options);
    sim_watch_begin(&watch, s);
    sim_observe(s, look, &watch); /* Zave's invariant after every event */
    (void)sim_add_nodes(s, 0, peers, GAP);
    wait_until_whole(s, SIM_SECONDS(60));
    for (unsigned i = 0, left = mix; i < happenings; i++, left /= base) {
        happen(s, left % base);
        sim_run_for(s, pause_ns);
    }
    if (sim_run_until(s, is_whole_or_orphaned, NULL, WHOLE_WITHIN) && is_orphaned(s))
        sim_restart(s, FOUNDER);
    bool whole = sim_run_until(s, sim_is_whole, NULL, WHOLE_WITHIN);
    if (!whole || watch.broken)
        (void)sim_ring_is_whole(s, 0, stderr);
    ck_assert_msg(whole && !watch.broken, "%u peers, mix %u of %u, pause %.3f s: %s",
                  (unsigned)peers, mix, happenings, (double)pause_ns / 1e9,
                  watch.broken ? watch.what : "not whole");
    ck_assert_uint_gt(watch.checks, 0);
    sim_observe(s, NULL, NULL);
    sim_watch_end(&watch);
    sim_free(s);
}

static const uint64_t pauses_ns[] = {0, SIM_MS(80), SIM_MS(700), SIM_SECONDS(4)};
#define PAUSES (sizeof pauses_ns / sizeof *pauses_ns)

/* Under sanitizers only some, since each takes ten times as long. */
static unsigned
stride(void)
{
    const char *text = getenv("SIM_STRIDE");
    unsigned every = text ? (unsigned)strtoul(text, NULL, 10) : 1;
    return every ? every : 1;
}

START_TEST(two_things_happen)
{
    unsigned base = count_happenings((uint32_t)_i);
    for (unsigned mix = 0; mix < base * base; mix += stride())
        live_through((uint32_t)_i, 2, mix, pauses_ns[mix % PAUSES]);
}
END_TEST

START_TEST(three_things_happen)
{
    unsigned base = count_happenings((uint32_t)_i);
    for (unsigned mix = 0; mix < base * base * base; mix += stride())
        live_through((uint32_t)_i, 3, mix, pauses_ns[mix / 3 % PAUSES]);
}
END_TEST

static const struct named_test tests[] = {
    {&two_things_happen, 1, PEERS_MAX + 1},
    {&three_things_happen, 1, 5},
};

int
main(void)
{
    return run_tests("mix", tests, sizeof tests / sizeof *tests);
}
