/* scenario_found_test.c: scenarios of reload-sim check that found a fault of the ring or of the
 * data in it once, each reduced to the peers and faults that it takes. They stay.
 *
 * RFC 6940 7.4.1.1, 10.4-10.7. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#include "tools/sim/sim_chord.h"
#include "tools/sim/sim_trial.h"

#include <string.h>

struct found {
    uint64_t seed;
    uint32_t peers;
    const char *faults; /* a letter each, a is fault 0 */
};

static const struct found ring_rows[] = {
    {2012, 2, "bfg"},     /* an Update said over a later link what was true before */
    {2251, 3, "an"},      /* who had fallen out was waited for by those who had met it */
    {6201, 5, "cehjk"},   /* likewise, by the first-node */
    {6257, 22, "b"},      /* the founder, alone after a pause, knew nobody to ask */
    {5359, 6, "acefhij"}, /* likewise; others asked one dead bootstrap node at a time */
    {187, 5, "bfg"},      /* a joining node waited for a link that only it believed in */
    {408, 12, "bf"},      /* likewise; who could join again waited for its next try */
    {1240, 33, "acde"},   /* everybody waited for the founder, who asked one after the other */
    {30284, 16, "ac"},    /* the founder had met somebody new, and looked for nobody else */
    {6046, 44, ""},     /* a peer began with neighbours that it was linked with and did not list */
    {2262, 7, "cdfhl"}, /* likewise */
    {3934, 8, "acdfhijkmop"}, /* the first node founded: who answered first was no peer */
    {9245, 48, "cfij"},       /* a list that shrank while some deaths were not noticed yet */
    {3059, 93, ""},           /* in a ring that is just beginning lists go the way around */
};

static const struct found data_rows[] = {
    {8476, 16, "abcdefghijklm"}, /* a peer multiplied what went round, until memory ended */
    {134, 2, "i"},               /* a replica without memory was never asked again */
    {1051, 1, "bc"},             /* likewise, who had none to ask it */
    {49, 5, "abcde"},            /* a replica that another one had stood in for */
    {843, 5, "abefg"}, /* dropped in the moment in which it came: a death not noticed yet */
    {6013, 39, "bcdfghijklmno"}, /* an orphaned copy that its responsible peer refused */
    {5122, 12, "abcdefgh"},      /* likewise */
    {290, 4, "abdefgjk"},        /* two that relied on each other, and both let go */
    {414, 18, "bijlmnp"},        /* likewise */
    {21923, 21, "abcfg"}, /* a neighbour got another link and had less: two with one Node-ID */
    {4057, 7, "abcdefghijklm"}, /* an Update got there by another way, was ignored, and counted */
    {36425, 4, "def"}, /* whom a liar had invented was tried until its next Update, 10 minutes */
};

/* The same with users who have phones. */
static const struct found phone_rows[] = {
    {22659, 12, "abcdefghijklmno"}, /* a slow link carried nothing but what was over (D143) */
};

static bool
is_of_the_ring(const struct sim_violation *violation)
{
    return strcmp(violation->invariant, "V1") == 0 || strcmp(violation->invariant, "V2") == 0 ||
           strcmp(violation->invariant, "V11") == 0;
}

/* Draws the scenario of |found|. */
static void
draw(const struct found *found, struct sim_scenario *scenario)
{
    sim_scenario_draw(found->seed, scenario);
    scenario->peers = found->peers;
    for (size_t i = 0; i < scenario->fault_count; i++)
        scenario->faults[i].dropped = !strchr(found->faults, (int)('a' + i));
}

/* Runs |scenario|. */
static void
live_through(const struct sim_scenario *scenario, bool of_the_ring)
{
    struct sim_verdict verdict;
    struct sim_options options = ring_options();
    options.successors = sim_chord_successors;
    sim_trial_run(scenario, &options, &verdict);
    for (size_t i = 0; i < verdict.violation_count && i < SIM_VIOLATIONS_MAX; i++) {
        const struct sim_violation *violation = &verdict.violations[i];
        ck_assert_msg(is_of_the_ring(violation) != of_the_ring, "seed %d: %s: %s",
                      (int)scenario->seed, violation->invariant, violation->what);
    }
}

START_TEST(seeds_that_found_faults)
{
    struct sim_scenario scenario;
    draw(&ring_rows[_i], &scenario);
    live_through(&scenario, true);
}
END_TEST

START_TEST(seeds_that_lost_values)
{
    struct sim_scenario scenario;
    draw(&data_rows[_i], &scenario);
    live_through(&scenario, false);
}
END_TEST

START_TEST(seeds_that_lost_values_of_phones)
{
    struct sim_scenario scenario;
    draw(&phone_rows[_i], &scenario);
    scenario.phones = sim_phones_draw(scenario.seed, scenario.peers);
    scenario.cheats = sim_cheats_draw(scenario.seed);
    live_through(&scenario, false);
}
END_TEST

static const struct named_test tests[] = {
    {&seeds_that_found_faults, 0, sizeof ring_rows / sizeof *ring_rows},
    {&seeds_that_lost_values, 0, sizeof data_rows / sizeof *data_rows},
    {&seeds_that_lost_values_of_phones, 0, sizeof phone_rows / sizeof *phone_rows},
};

int
main(void)
{
    return run_tests("scenario_found", tests, sizeof tests / sizeof *tests);
}
