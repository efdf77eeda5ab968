/* scenario_found_test.c: scenarios of reload-sim check that found a fault of the ring once, each
 * reduced to the peers and faults that it takes. They stay.
 *
 * RFC 6940 10.5-10.7. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#include "tools/sim/sim_chord.h"
#include "tools/sim/sim_trial.h"

#include <string.h>

static const struct {
    uint64_t seed;
    uint32_t peers;
    const char *faults; /* a letter each, a is fault 0 */
} found_rows[] = {
    {2012, 2, "bfg"},     /* an Update said over a later link what was true before */
    {2251, 3, "an"},      /* who had fallen out was waited for by those who had met it */
    {6201, 5, "cehjk"},   /* likewise, by the first-node */
    {6257, 22, "b"},      /* the founder, alone after a pause, knew nobody to ask */
    {5359, 6, "acefhij"}, /* likewise; others asked one dead bootstrap node at a time */
    {187, 5, "bfg"},      /* a joining node waited for a link that only it believed in */
    {408, 12, "bf"},      /* likewise; who could join again waited for its next try */
    {6046, 44, ""},     /* a peer began with neighbours that it was linked with and did not list */
    {2262, 7, "cdfhl"}, /* likewise */
};

static bool
is_of_the_ring(const struct sim_violation *violation)
{
    return strcmp(violation->invariant, "V1") == 0 || strcmp(violation->invariant, "V2") == 0 ||
           strcmp(violation->invariant, "V11") == 0;
}

START_TEST(seeds_that_found_faults)
{
    struct sim_scenario scenario;
    struct sim_verdict verdict;
    struct sim_options options = ring_options();
    options.successors = sim_chord_successors;
    sim_scenario_draw(found_rows[_i].seed, &scenario);
    scenario.peers = found_rows[_i].peers;
    for (size_t i = 0; i < scenario.fault_count; i++)
        scenario.faults[i].dropped = !strchr(found_rows[_i].faults, (int)('a' + i));
    sim_trial_run(&scenario, &options, &verdict);
    for (size_t i = 0; i < verdict.violation_count && i < SIM_VIOLATIONS_MAX; i++) {
        const struct sim_violation *violation = &verdict.violations[i];
        ck_assert_msg(!is_of_the_ring(violation), "seed %d: %s: %s", (int)scenario.seed,
                      violation->invariant, violation->what);
    }
}
END_TEST

static const struct named_test tests[] = {
    {&seeds_that_found_faults, 0, sizeof found_rows / sizeof *found_rows},
};

int
main(void)
{
    return run_tests("scenario_found", tests, sizeof tests / sizeof *tests);
}
