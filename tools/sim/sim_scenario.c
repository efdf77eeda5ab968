/* sim_scenario.c: drawing what happens.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_scenario.h"

#include "tools/sim/sim_fault_class.h"
#include "tools/sim/sim_fault_more.h"

#include <inttypes.h>

enum {
    PURPOSE_SHAPE = 0x5c01,
    PURPOSE_FAULTS = 0x5c02,
    PURPOSE_DEEDS = 0x5c03,
    PURPOSE_MORE = 0x5c04,
    PURPOSE_RARE = 0x5c05
};

#define FIRST_FAULTS_MAX 14
#define MORE_FAULTS_MAX 4
#define RARE_FAULTS_MAX 2
#define RARE_ONE_IN 4         /* scenarios have faults of the third stream */
#define MULTITUDE_PPM 1500    /* have more peers than others */
#define LIARS_ONLY_PERCENT 10 /* of the larger scenarios */
#define LIARS_PEERS_MIN 9
_Static_assert(FIRST_FAULTS_MAX + MORE_FAULTS_MAX + RARE_FAULTS_MAX <= SIM_FAULTS_MAX,
               "room for all streams");

static bool
chance(struct sim_random *random, unsigned percent)
{
    return sim_random_below(random, 100) < percent;
}

/* Mostly small rings: most of what can go wrong can do so among few. */
static uint32_t
draw_peers(struct sim_random *random)
{
    uint64_t kind = sim_random_below(random, 100);
    if (kind < 45)
        return (uint32_t)sim_random_between(random, 1, 8);
    if (kind < 80)
        return (uint32_t)sim_random_between(random, 9, 24);
    if (kind < 99)
        return (uint32_t)sim_random_between(random, 25, 64);
    return (uint32_t)sim_random_between(random, 65, 256);
}

static void
draw_network(struct sim_random *random, struct sim_scenario *scenario)
{
    struct sim_network_options *network = &scenario->network;
    bool frames = chance(random, 20) && scenario->peers <= 24;
    scenario->links = frames ? SIM_LINKS_MIXED : SIM_LINKS_MESSAGES;
    network->delay_min_ns = sim_random_between(random, SIM_MS(1), SIM_MS(50));
    network->delay_max_ns = network->delay_min_ns + sim_random_between(random, 0, SIM_MS(250));
    if (chance(random, 40))
        network->loss_ppm = (uint32_t)sim_random_between(random, 0, frames ? 20000 : 50000);
    if (!frames)
        return;
    if (chance(random, 40))
        network->duplicate_ppm = (uint32_t)sim_random_between(random, 0, 50000);
    if (chance(random, 40))
        network->reorder_ppm = (uint32_t)sim_random_between(random, 0, 50000);
    if (chance(random, 40))
        network->jitter_ns = sim_random_between(random, 0, SIM_MS(100));
}

static void
draw_shape(struct sim_random *random, struct sim_scenario *scenario)
{
    scenario->peers = draw_peers(random);
    scenario->gap_ns = chance(random, 25) ? 0 : sim_random_between(random, SIM_MS(10), SIM_MS(600));
    scenario->gentle = chance(random, 50);
    scenario->length_ns = sim_random_between(random, SIM_SECONDS(5), SIM_SECONDS(240));
    draw_network(random, scenario);
}

/* Appends |count| faults of the |classes| classes from |first| on. */
static void
draw_faults(struct sim_random *random, struct sim_scenario *scenario, size_t count, size_t first,
            size_t classes)
{
    for (size_t i = 0; i < count; i++) {
        struct sim_fault *fault = &scenario->faults[scenario->fault_count++];
        do
            fault->class = (uint8_t)(first + sim_random_below(random, classes));
        while (!sim_fault_class_suits(fault->class, scenario));
        fault->at_ns = sim_random_between(random, 0, scenario->length_ns);
        fault->pick = sim_random_next(random);
        sim_fault_classes[fault->class].draw(fault, random, scenario->gentle);
    }
}

static void
draw_first_faults(struct sim_random *random, struct sim_scenario *scenario)
{
    size_t count = (size_t)sim_random_between(random, 0, FIRST_FAULTS_MAX);
    draw_faults(random, scenario, count, 0, SIM_FAULT_CLASSES_FIRST);
    scenario->first_fault_count = scenario->fault_count;
}

/* Liars among peers to whom nothing else happens: what they spoil is counted (sim_trust.h). */
static void
draw_liars(struct sim_random *random, struct sim_scenario *scenario)
{
    for (size_t i = 0; i < scenario->fault_count; i++)
        scenario->faults[i].dropped = true;
    struct sim_fault *fault = &scenario->faults[scenario->fault_count++];
    while (sim_fault_classes[fault->class].draw != sim_draw_liars)
        fault->class ++;
    fault->at_ns = sim_random_between(random, scenario->length_ns / 2, scenario->length_ns);
    fault->pick = sim_random_next(random);
    sim_draw_liars(fault, random, false);
    fault->duration_ns += SIM_SECONDS(60);
}

/* Half of the scenarios have none. */
static void
draw_more_faults(struct sim_random *random, struct sim_scenario *scenario)
{
    if (chance(random, LIARS_ONLY_PERCENT) && scenario->peers >= LIARS_PEERS_MIN)
        draw_liars(random, scenario);
    else if (chance(random, 50))
        draw_faults(random, scenario, (size_t)sim_random_between(random, 1, MORE_FAULTS_MAX),
                    SIM_FAULT_CLASSES_FIRST, SIM_FAULT_CLASSES_SECOND);
}

/* Where liars are all that is wrong: other liars, when all was well again after the first. */
static void
draw_other_liars(struct sim_random *random, struct sim_scenario *scenario)
{
    const struct sim_fault *first = &scenario->faults[scenario->fault_count - 1];
    struct sim_fault *fault = &scenario->faults[scenario->fault_count++];
    *fault = (struct sim_fault){.class = first->class};
    while (sim_fault_classes[fault->class].draw != sim_draw_later_liars)
        fault->class ++;
    fault->at_ns = first->at_ns + first->duration_ns + SIM_SECONDS(90);
    fault->pick = sim_random_next(random);
    sim_draw_later_liars(fault, random, false);
    fault->duration_ns += SIM_SECONDS(60);
}

/* Several hundred peers, to whom happens what was drawn: that takes long, and is rare. */
static void
draw_multitude(struct sim_random *random, struct sim_scenario *scenario)
{
    scenario->peers = (uint32_t)sim_random_between(random, 257, 1000);
    scenario->gap_ns = sim_random_between(random, SIM_MS(20), SIM_MS(200));
    scenario->links = SIM_LINKS_MESSAGES;
}

static void
draw_rare_faults(struct sim_random *random, struct sim_scenario *scenario)
{
    size_t before = SIM_FAULT_CLASSES_FIRST + SIM_FAULT_CLASSES_SECOND;
    bool alone = scenario->first_fault_count > 0 && scenario->faults[0].dropped;
    if (sim_random_below(random, 1000000) < MULTITUDE_PPM)
        draw_multitude(random, scenario);
    else if (alone)
        draw_other_liars(random, scenario);
    else if (sim_random_below(random, RARE_ONE_IN) == 0)
        draw_faults(random, scenario, (size_t)sim_random_between(random, 1, RARE_FAULTS_MAX),
                    before, SIM_FAULT_CLASSES_THIRD);
}

static void
draw_deeds(struct sim_random *random, struct sim_scenario *scenario)
{
    scenario->record_count = (size_t)sim_random_between(random, 1, SIM_RECORDS_MAX);
    for (size_t i = 0; i < scenario->record_count; i++)
        scenario->owners[i] = sim_random_next(random);
    scenario->deed_count = (size_t)sim_random_between(random, 10, SIM_DEEDS_MAX);
    for (size_t i = 0; i < scenario->deed_count; i++) {
        struct sim_deed *deed = &scenario->deeds[i];
        uint64_t kind = sim_random_below(random, 10);
        deed->type = kind < 4 ? SIM_DEED_STORE : kind < 5 ? SIM_DEED_REMOVE : SIM_DEED_FETCH;
        deed->record = (uint8_t)sim_random_below(random, scenario->record_count);
        deed->at_ns = sim_random_between(random, 0, scenario->length_ns);
        deed->pick = sim_random_next(random);
    }
}

void
sim_scenario_draw(uint64_t seed, struct sim_scenario *scenario)
{
    *scenario = (struct sim_scenario){.seed = seed};
    struct sim_random shape = sim_random_fork(seed, PURPOSE_SHAPE);
    struct sim_random faults = sim_random_fork(seed, PURPOSE_FAULTS);
    struct sim_random deeds = sim_random_fork(seed, PURPOSE_DEEDS);
    draw_shape(&shape, scenario);
    struct sim_random more = sim_random_fork(seed, PURPOSE_MORE);
    struct sim_random rare = sim_random_fork(seed, PURPOSE_RARE);
    draw_first_faults(&faults, scenario);
    draw_deeds(&deeds, scenario);
    draw_more_faults(&more, scenario);
    draw_rare_faults(&rare, scenario);
}

void
sim_scenario_plain(struct sim_scenario *scenario)
{
    for (size_t i = 0; i < scenario->fault_count; i++)
        scenario->faults[i].dropped = i >= scenario->first_fault_count;
}

static double
seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

void
sim_scenario_print(const struct sim_scenario *scenario, FILE *out)
{
    fprintf(out, "seed %" PRIu64 ": %" PRIu32 " peers, a start every %.3f s, links of %s%s\n",
            scenario->seed, scenario->peers, seconds(scenario->gap_ns),
            scenario->links == SIM_LINKS_MESSAGES ? "messages" : "frames",
            scenario->gentle ? ", gentle" : "");
    fprintf(out,
            "  delay %.0f to %.0f ms, jitter %.0f ms, loss %.2f %%, duplicates %.2f %%, "
            "reordered %.2f %%\n",
            seconds(scenario->network.delay_min_ns) * 1e3,
            seconds(scenario->network.delay_max_ns) * 1e3,
            seconds(scenario->network.jitter_ns) * 1e3, scenario->network.loss_ppm / 1e4,
            scenario->network.duplicate_ppm / 1e4, scenario->network.reorder_ppm / 1e4);
    if (scenario->cheats > 0)
        fprintf(out, "  users cheat %" PRIu32 " times\n", scenario->cheats);
    if (scenario->phones > 0)
        fprintf(out, "  %" PRIu32 " phones\n", scenario->phones);
    fprintf(out, "  %zu requests on %zu records within %.1f s\n", scenario->deed_count,
            scenario->record_count, seconds(scenario->length_ns));
    for (size_t i = 0; i < scenario->fault_count; i++) {
        const struct sim_fault *fault = &scenario->faults[i];
        if (!fault->dropped)
            fprintf(out, "  fault %zu at %.3f s: %s, for %.3f s, amount %" PRIu32 "\n", i,
                    seconds(fault->at_ns), sim_fault_classes[fault->class].name,
                    seconds(fault->duration_ns), fault->amount);
    }
}
