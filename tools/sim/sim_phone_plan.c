/* sim_phone_plan.c: what users with phones do in a random scenario.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_phone_plan.h"

#include <stdlib.h>

#define PLAN_PURPOSE 0x9407d
#define PHONES_MIN 2
#define PHONES_MAX 6
#define DEEDS_MIN 8
#define DEEDS_MAX 32
#define LIFETIME_MIN_S 60
#define LIFETIME_MAX_S 120

/* What a user does, mostly calling. */
enum deed_type { CALL, CHANGE, SWITCH_OFF, FORWARD, INTRUDE, DEED_TYPES };

static const unsigned shares[DEED_TYPES] = {
    [CALL] = 10, [CHANGE] = 4, [SWITCH_OFF] = 2, [FORWARD] = 2, [INTRUDE] = 2};

struct deed {
    struct sim_phones *phones;
    enum deed_type type;
    uint32_t who, whom, lifetime_s;
    bool as_other;
};

struct sim_plan {
    struct deed deeds[PHONES_MAX + 1 + DEEDS_MAX];
    size_t count;
};

uint32_t
sim_phones_draw(uint64_t seed, uint32_t peers)
{
    struct sim_random random = sim_random_fork(seed, PLAN_PURPOSE);
    if (sim_random_below(&random, 3) > 0)
        return 0;
    uint32_t count = (uint32_t)sim_random_between(&random, PHONES_MIN, PHONES_MAX);
    return count < peers ? count : peers;
}

static void
act(struct sim *sim, void *argument)
{
    const struct deed *deed = argument;
    (void)sim;
    switch (deed->type) {
    case CALL:
        (void)sim_phone_call(deed->phones, deed->who, deed->whom);
        break;
    case CHANGE:
        sim_phone_wish(deed->phones, deed->who, SIM_WISH_ON, 0, deed->lifetime_s);
        break;
    case SWITCH_OFF:
        sim_phone_wish(deed->phones, deed->who, SIM_WISH_OFF, 0, deed->lifetime_s);
        break;
    case FORWARD:
        sim_phone_wish(deed->phones, deed->who, SIM_WISH_FORWARD, deed->whom, deed->lifetime_s);
        break;
    default:
        sim_phone_intrude(deed->phones, deed->who, deed->whom, deed->as_other);
        break;
    }
}

static enum deed_type
draw_type(struct sim_random *random)
{
    unsigned all = 0, type = 0;
    for (size_t i = 0; i < DEED_TYPES; i++)
        all += shares[i];
    uint64_t left = sim_random_below(random, all);
    while (left >= shares[type])
        left -= shares[type++];
    return (enum deed_type)type;
}

static void
add_deed(struct sim_phones *phones, struct sim_random *random, enum deed_type type, uint32_t who,
         uint64_t length_ns)
{
    struct deed *deed = &phones->plan->deeds[phones->plan->count++];
    uint64_t at = sim_random_between(random, 0, length_ns);
    uint32_t others = phones->phone_count > 1 ? phones->phone_count - 1 : 1;
    *deed = (struct deed){
        .phones = phones,
        .type = type,
        .who = who,
        .whom = (who + 1 + (uint32_t)sim_random_below(random, others)) % phones->phone_count,
        .lifetime_s = (uint32_t)sim_random_between(random, LIFETIME_MIN_S, LIFETIME_MAX_S),
        .as_other = sim_random_below(random, 2) == 0};
    sim_call(phones->sim, sim_now(phones->sim) + at, act, deed);
}

/* A host with a certificate of its own for the user of the first phone. */
static uint32_t
add_device(struct sim_phones *phones)
{
    struct sim_node_options options = {.user_name =
                                           sim_user_name(phones->sim, phones->phones[0]->host)};
    return sim_phone_add(phones, sim_add_node(phones->sim, &options));
}

struct sim_phones *
sim_phones_live(struct sim *sim, uint64_t seed, uint32_t count, uint32_t peers, uint64_t length_ns,
                struct sim_finder finder)
{
    struct sim_phones *phones = sim_phones_new(sim, seed, finder);
    struct sim_random random = sim_random_fork(seed, PLAN_PURPOSE + 1);
    uint64_t host = sim_random_below(&random, peers), first_ns = length_ns / 4;
    if (count > peers)
        count = peers;
    phones->plan = calloc(1, sizeof *phones->plan);
    if (!phones->plan)
        abort();
    for (uint32_t i = 0; i < count; i++)
        (void)sim_phone_add(phones, (uint32_t)((host + (uint64_t)i * peers / count) % peers));
    for (uint32_t i = 0; i < count; i++)
        phones->phones[i]->lends = sim_mix(seed, i) % 3 == 0;
    if (sim_random_below(&random, 2) == 0)
        count = add_device(phones) + 1;
    for (uint32_t i = 0; i < count; i++)
        add_deed(phones, &random, CHANGE, i, first_ns);
    uint64_t deeds = sim_random_between(&random, DEEDS_MIN, DEEDS_MAX);
    for (uint64_t i = 0; i < deeds; i++) {
        enum deed_type type = draw_type(&random);
        add_deed(phones, &random, type, (uint32_t)sim_random_below(&random, count), length_ns);
    }
    return phones;
}
