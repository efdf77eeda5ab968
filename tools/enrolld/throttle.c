/* throttle.c: how often somebody may try: back-off after failures, and a rate of requests.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/enrolld/throttle.h"

#include <assert.h>
#include <openssl/sha.h>
#include <stdlib.h>

/* A set holds those whose digests begin alike; in it the one seen least recently gives way. */
enum { SETS = 512, WAYS = 8, DIGEST_SIZE = 16 };

struct entry {
    uint8_t digest[DIGEST_SIZE];
    bool used;
    unsigned failures;
    unsigned tokens;
    reload_time seen_ns, failed_ns, blocked_until_ns, refilled_ns;
};

struct throttle {
    struct throttle_rule rule;
    uint64_t salt;
    struct entry entries[SETS][WAYS];
};

struct throttle *
throttle_new(const struct throttle_rule *rule, uint64_t salt)
{
    assert(rule->requests_burst == 0 || rule->requests_ns > 0);
    struct throttle *throttle = calloc(1, sizeof *throttle);
    if (throttle != NULL) {
        throttle->rule = *rule;
        throttle->salt = salt;
    }
    return throttle;
}

void
throttle_free(struct throttle *throttle)
{
    free(throttle);
}

static void
digest_of(const struct throttle *throttle, struct reload_bytes who, uint8_t *digest)
{
    uint8_t input[sizeof throttle->salt + SHA256_DIGEST_LENGTH], output[SHA256_DIGEST_LENGTH];
    memcpy(input, &throttle->salt, sizeof throttle->salt);
    SHA256(who.data, who.size, input + sizeof throttle->salt);
    SHA256(input, sizeof input, output);
    memcpy(digest, output, DIGEST_SIZE);
}

/* Finds the entry of |who|, or makes one in the place of the set's oldest. */
static struct entry *
entry_of(struct throttle *throttle, struct reload_bytes who, reload_time now)
{
    uint8_t digest[DIGEST_SIZE];
    digest_of(throttle, who, digest);
    struct entry *set = throttle->entries[(digest[0] << 8 | digest[1]) % SETS];
    struct entry *oldest = set;
    for (struct entry *entry = set; entry < set + WAYS; entry++) {
        if (entry->used && memcmp(entry->digest, digest, sizeof digest) == 0) {
            entry->seen_ns = now;
            return entry;
        }
        if (oldest->used && (!entry->used || entry->seen_ns < oldest->seen_ns))
            oldest = entry;
    }
    *oldest = (struct entry){
        .used = true, .tokens = throttle->rule.requests_burst, .seen_ns = now, .refilled_ns = now};
    memcpy(oldest->digest, digest, sizeof digest);
    return oldest;
}

reload_time
throttle_wait(struct throttle *throttle, struct reload_bytes who, reload_time now)
{
    const struct entry *entry = entry_of(throttle, who, now);
    return entry->blocked_until_ns > now ? entry->blocked_until_ns - now : 0;
}

reload_time
throttle_take(struct throttle *throttle, struct reload_bytes who, reload_time now)
{
    const struct throttle_rule *rule = &throttle->rule;
    if (rule->requests_burst == 0)
        return 0;
    struct entry *entry = entry_of(throttle, who, now);
    reload_time earned = (now - entry->refilled_ns) / rule->requests_ns;
    if (earned >= rule->requests_burst - entry->tokens) {
        entry->tokens = rule->requests_burst;
        entry->refilled_ns = now;
    } else {
        entry->tokens += (unsigned)earned;
        entry->refilled_ns += earned * rule->requests_ns;
    }
    if (entry->tokens == 0)
        return entry->refilled_ns + rule->requests_ns - now;
    entry->tokens--;
    return 0;
}

void
throttle_failed(struct throttle *throttle, struct reload_bytes who, reload_time now)
{
    const struct throttle_rule *rule = &throttle->rule;
    struct entry *entry = entry_of(throttle, who, now);
    if (entry->failures > 0 && now - entry->failed_ns >= rule->forget_ns)
        entry->failures = 0;
    entry->failed_ns = now;
    if (entry->failures < UINT32_MAX)
        entry->failures++;
    if (entry->failures <= rule->failures_free)
        return;
    unsigned doublings = entry->failures - rule->failures_free - 1;
    reload_time wait = rule->wait_ns;
    while (doublings-- > 0 && wait < rule->wait_max_ns)
        wait *= 2;
    entry->blocked_until_ns = now + (wait < rule->wait_max_ns ? wait : rule->wait_max_ns);
}

void
throttle_succeeded(struct throttle *throttle, struct reload_bytes who, reload_time now)
{
    struct entry *entry = entry_of(throttle, who, now);
    entry->failures = 0;
    entry->blocked_until_ns = 0;
}
