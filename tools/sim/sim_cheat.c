/* sim_cheat.c: Stores that must not be done.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_cheat.h"

#include "tools/sim/sim_draft.h"
#include "tools/sim/sim_internal.h"

#include <stdlib.h>

#define PURPOSE 0xc4ea7
#define ONE_IN 3 /* scenarios */
#define COUNT_MIN 6
#define SLOT_FIRST 200 /* users' records have lower ones */
#define SLOTS 50
#define PAUSE_NS SIM_SECONDS(2)
#define LIFETIME_S 86400
#define REMOVAL_LIFETIME_S 5
#define HOSTS_TRIED 8
#define BODY_MAX 2048

enum { FORGED, TWICE, AGAIN, ELSEWHERE, TYPES };

/* What each one says, step by step: the text (NULL: a removal), how much newer than the first, and
 * how long to wait then. */
struct step {
    const char *text;
    uint64_t ms_later;
    uint32_t lifetime_s;
    uint64_t pause_ns;
};

static const struct step steps[TYPES][4] = {
    [FORGED] = {{"a forged value", 0, LIFETIME_S, 0}},
    [TWICE] = {{"one value", 0, LIFETIME_S, PAUSE_NS}, {"two value", 0, LIFETIME_S, 0}},
    [AGAIN] = {{"a value", 0, LIFETIME_S, PAUSE_NS},
               {NULL, 1, REMOVAL_LIFETIME_S, (REMOVAL_LIFETIME_S + 2) * SIM_SECONDS(1)},
               {"a value", 0, LIFETIME_S, 0}},
    [ELSEWHERE] = {{"a value", 0, LIFETIME_S, 0}},
};

uint32_t
sim_cheats_draw(uint64_t seed)
{
    struct sim_random random = sim_random_fork(seed, PURPOSE);
    if (sim_random_below(&random, ONE_IN) > 0)
        return 0;
    return (uint32_t)sim_random_between(&random, COUNT_MIN, SIM_CHEATS_MAX);
}

static bool
can_act(struct sim *sim, uint32_t host)
{
    return sim_node(sim, host) && sim_is_peer(sim, host) && !sim_is_paused(sim, host);
}

static size_t
write_body(struct sim_cheat *cheat, const struct step *step, struct reload_bytes resource,
           uint8_t body[BODY_MAX])
{
    struct sim_value value = {.signer = cheat->host,
                              .resource = resource,
                              .kind = SIM_KIND_SLOT,
                              .value.model = RELOAD_DATA_MODEL_SINGLE_VALUE,
                              .storage_time_ms = cheat->begun_ms + step->ms_later,
                              .lifetime_s = step->lifetime_s,
                              .spoiled = cheat->type == FORGED};
    value.value.single_value_entry.exists = step->text != NULL;
    if (step->text)
        value.value.single_value_entry.value = reload_bytes_of_string(step->text);
    return sim_store_body(cheat->cheats->sim, &value, resource, 0, 0, body, BODY_MAX);
}

/* Goes on with |cheat|, as long as its host lives and is linked with who is responsible. */
static void
act(struct sim *sim, void *argument)
{
    struct sim_cheat *cheat = argument;
    const struct step *step = &steps[cheat->type][cheat->step];
    uint8_t octets[16], body[BODY_MAX];
    struct reload_bytes resource = {octets, sizeof octets};
    if (!can_act(sim, cheat->host) || sim_life(sim, cheat->host) != cheat->life)
        return;
    sim_slot_resource(sim, cheat->victim, cheat->slot, octets);
    uint32_t to = sim_responsible(sim, 0, resource);
    if (to == cheat->host || sim_link(sim, cheat->host, to) == 0)
        return;
    size_t size = write_body(cheat, step, resource, body);
    struct sim_draft *draft = sim_draft_new(sim, cheat->host, RELOAD_MESSAGE_STORE_REQ,
                                            (struct reload_bytes){body, size});
    sim_draft_to_resource(draft, resource);
    sim_send(sim, cheat->host, to, sim_draft_seal(draft));
    sim_draft_free(draft);
    cheat->cheats->sent++;
    cheat->step++;
    if (step->pause_ns > 0)
        sim_call(sim, sim_now(sim) + step->pause_ns, act, cheat);
}

/* A host, and a slot that another peer is responsible for. */
static void
begin(struct sim *sim, void *argument)
{
    struct sim_cheat *cheat = argument;
    struct sim_random *random = &cheat->cheats->random;
    uint32_t count = sim_node_count(sim);
    cheat->host = SIM_NOBODY;
    for (unsigned i = 0; i < HOSTS_TRIED && cheat->host == SIM_NOBODY; i++) {
        uint32_t host = (uint32_t)sim_random_below(random, count);
        if (can_act(sim, host))
            cheat->host = host;
    }
    if (cheat->host == SIM_NOBODY)
        return;
    struct sim_host *host = sim_host_of(sim, cheat->host);
    cheat->life = sim_life(sim, cheat->host);
    cheat->victim = cheat->host;
    if (cheat->type == ELSEWHERE)
        cheat->victim = (cheat->host + 1) % count;
    cheat->begun_ms = host->env.wall_ms(host);
    for (unsigned i = 0; i < SLOTS; i++) {
        uint8_t octets[16];
        cheat->slot = (uint8_t)(SLOT_FIRST + sim_random_below(random, SLOTS));
        sim_slot_resource(sim, cheat->victim, cheat->slot, octets);
        uint32_t to = sim_responsible(sim, 0, (struct reload_bytes){octets, sizeof octets});
        if (to != cheat->host && sim_link(sim, cheat->host, to))
            break;
    }
    act(sim, cheat);
}

struct sim_cheats *
sim_cheats_begin(struct sim *sim, uint64_t seed, uint32_t count, uint64_t until_ns)
{
    struct sim_cheats *cheats = calloc(1, sizeof *cheats);
    uint64_t now = sim_now(sim);
    if (!cheats)
        abort();
    cheats->sim = sim;
    cheats->random = sim_random_fork(seed, PURPOSE + 1);
    for (uint32_t i = 0; i < count && i < SIM_CHEATS_MAX; i++) {
        struct sim_cheat *cheat = &cheats->list[cheats->count++];
        cheat->cheats = cheats;
        cheat->type = (uint8_t)sim_random_below(&cheats->random, TYPES);
        sim_call(sim, sim_random_between(&cheats->random, now, until_ns), begin, cheat);
    }
    return cheats;
}

void
sim_cheats_free(struct sim_cheats *cheats)
{
    free(cheats);
}
