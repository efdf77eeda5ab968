/* sim_byzantine.c: nodes that misbehave.
 *
 * RFC 6940 13.6. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_byzantine.h"

#include "tools/sim/sim_draft.h"

#include <string.h>

#define LATE_MAX_MS 20000

/* Whether |passing| is a request of its sender's own: it has no via list yet. */
static bool
is_own_request(struct sim *sim, const struct sim_passing *passing)
{
    struct reload_message message;
    struct reload_bytes bytes = {passing->bytes, passing->size};
    return sim_decode(sim, sim_overlay_of(sim, passing->from), bytes, &message) &&
           message.header.via_list.size == 0 && message.contents.message_code % 2 == 1;
}

static void
swap_with_old(struct sim_byzantine *byzantine, struct sim_passing *passing)
{
    size_t at = (size_t)sim_random_below(&byzantine->random, SIM_OLD_MESSAGES_MAX);
    uint8_t fresh[SIM_OLD_MESSAGE_SIZE_MAX];
    size_t size = passing->size;
    if (size > sizeof fresh)
        return;
    memcpy(fresh, passing->bytes, size);
    if (byzantine->old[at].size > 0 && byzantine->old[at].size <= passing->capacity &&
        sim_random_below(&byzantine->random, 3) == 0) {
        memcpy(passing->bytes, byzantine->old[at].bytes, byzantine->old[at].size);
        passing->size = byzantine->old[at].size;
        byzantine->misdeeds++;
    }
    memcpy(byzantine->old[at].bytes, fresh, size);
    byzantine->old[at].size = size;
}

static bool
tap(struct sim *sim, struct sim_passing *passing, void *argument)
{
    struct sim_byzantine *byzantine = argument;
    struct sim_random *random = &byzantine->random;
    enum sim_vice vice =
        passing->from < SIM_HOSTS_MAX ? byzantine->vices[passing->from] : SIM_VICE_NONE;
    if (vice == SIM_VICE_NONE || passing->size == 0)
        return true;
    bool now = sim_random_below(random, 3) == 0;
    byzantine->misdeeds += now;
    switch (vice) {
    case SIM_VICE_SILENT:
        return is_own_request(sim, passing);
    case SIM_VICE_LOSSY:
        return !now;
    case SIM_VICE_SLOW:
        passing->delay_ns = SIM_MS(sim_random_below(random, LATE_MAX_MS));
        break;
    case SIM_VICE_GARBLING:
        if (now)
            passing->bytes[sim_random_below(random, passing->size)] ^=
                (uint8_t)sim_random_between(random, 1, 255);
        break;
    case SIM_VICE_REPEATING:
        passing->copies = 3;
        break;
    default:
        swap_with_old(byzantine, passing);
        break;
    }
    return true;
}

void
sim_byzantine_begin(struct sim_byzantine *byzantine, struct sim *sim, uint64_t seed)
{
    *byzantine = (struct sim_byzantine){.random = sim_random_fork(seed, 0xb12)};
    sim_tap(sim, tap, byzantine);
}

void
sim_byzantine_end(struct sim_byzantine *byzantine, struct sim *sim)
{
    memset(byzantine->vices, 0, sizeof byzantine->vices);
    sim_tap(sim, NULL, NULL);
}
