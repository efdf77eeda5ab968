/* limiter.h: a token bucket: how often something may happen.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_LIMITER_H
#define RELOAD_CORE_LIMITER_H

#include "reload/env.h"

#include <stdbool.h>

/* |burst| tokens at most, one more every |interval_ns|. */
struct reload_limiter {
    uint32_t tokens, burst;
    reload_time interval_ns, filled_at;
};

/* reload_limiter_take takes a token at |now|, if there is one. */
static inline bool
reload_limiter_take(struct reload_limiter *limiter, reload_time now)
{
    reload_time gained = (now - limiter->filled_at) / limiter->interval_ns;
    if (gained > 0) {
        limiter->filled_at += gained * limiter->interval_ns;
        reload_time tokens = limiter->tokens + gained;
        limiter->tokens = tokens > limiter->burst ? limiter->burst : (uint32_t)tokens;
    }
    if (limiter->tokens == 0)
        return false;
    limiter->tokens--;
    return true;
}

#endif
