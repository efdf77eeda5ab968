/* sim_burst.c: good and bad lines.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_burst.h"

#include <string.h>

#define MILLION 1000000
#define LOST_WHEN_BAD_PPM 900000
#define STAYS_MAX 64 /* changes of one line that are drawn at once; behind, it is good */

enum { PURPOSE_BURST = 0x6e03 };

void
sim_burst_init(struct sim_burst *burst, uint64_t seed)
{
    *burst = (struct sim_burst){.random = sim_random_fork(seed, PURPOSE_BURST)};
}

void
sim_burst_set(struct sim_burst *burst, uint64_t good_ns, uint64_t bad_ns, uint32_t spoiled_ppm)
{
    burst->good_ns = good_ns;
    burst->bad_ns = bad_ns;
    burst->spoiled_ppm = spoiled_ppm;
    memset(burst->lines, 0, sizeof burst->lines);
}

/* From half to one and a half of |mean|: enough like chance, and needs no logarithm. */
static uint64_t
draw_stay(struct sim_burst *burst, uint64_t mean)
{
    return mean / 2 + sim_random_below(&burst->random, mean + 1);
}

static bool
is_bad(struct sim_burst *burst, uint32_t from, uint32_t to, uint64_t now)
{
    struct sim_burst_line *line = &burst->lines[sim_mix(from, to) % SIM_BURST_LINES];
    if (line->until_ns == 0)
        line->until_ns = now + draw_stay(burst, burst->good_ns) / 2;
    for (int i = 0; i < STAYS_MAX && line->until_ns <= now; i++) {
        line->bad = !line->bad;
        line->until_ns += draw_stay(burst, line->bad ? burst->bad_ns : burst->good_ns);
    }
    return line->bad && line->until_ns > now;
}

bool
sim_burst_loses(struct sim_burst *burst, uint32_t from, uint32_t to, uint64_t now)
{
    if (burst->bad_ns > 0 && is_bad(burst, from, to, now) &&
        sim_random_below(&burst->random, MILLION) < LOST_WHEN_BAD_PPM) {
        burst->lost++;
        return true;
    }
    if (burst->spoiled_ppm > 0 && sim_random_below(&burst->random, MILLION) < burst->spoiled_ppm) {
        burst->spoiled++;
        return true;
    }
    return false;
}
