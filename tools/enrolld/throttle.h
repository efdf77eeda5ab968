/* throttle.h: how often somebody may try: back-off after failures, and a rate of requests.
 *
 * A bounded table; who is counted (a user name, an address) is kept only as a salted digest. When
 * the table is full, whoever was seen least recently is forgotten. Time is an argument.
 * RFC 6940 11.3. SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_ENROLLD_THROTTLE_H
#define TOOLS_ENROLLD_THROTTLE_H

#include "reload/base/bytes.h"
#include "reload/base/error.h"
#include "reload/env.h"

struct throttle;

/* |failures_free| failures cost nothing; each further one doubles the wait, from |wait_ns| up to
 * |wait_max_ns|. A success, or |forget_ns| without a failure, forgives all. |requests_burst|
 * requests may come at once, and |requests_ns| brings back one; 0 for |requests_burst| means no
 * limit. */
struct throttle_rule {
    unsigned failures_free;
    reload_time wait_ns, wait_max_ns, forget_ns;
    unsigned requests_burst;
    reload_time requests_ns;
};

/* throttle_new makes an empty table under |rule| with |salt|, to be freed by throttle_free.
 * Returns NULL when out of memory. */
struct throttle *throttle_new(const struct throttle_rule *rule, uint64_t salt);
void throttle_free(struct throttle *throttle);

/* throttle_wait returns how long |who| has to wait before another try, in ns; 0: go on. */
reload_time throttle_wait(struct throttle *throttle, struct reload_bytes who, reload_time now);

/* throttle_take counts a request of |who|. Returns how long to wait instead, in ns; 0: go on. */
reload_time throttle_take(struct throttle *throttle, struct reload_bytes who, reload_time now);

/* throttle_failed and throttle_succeeded tell how the try ended. */
void throttle_failed(struct throttle *throttle, struct reload_bytes who, reload_time now);
void throttle_succeeded(struct throttle *throttle, struct reload_bytes who, reload_time now);

#endif
