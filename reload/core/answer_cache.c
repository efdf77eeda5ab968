/* answer_cache.c: answers kept for retransmitted requests.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/answer_cache.h"

#include "reload/core/node_internal.h"

static struct reload_kept_answer **
bucket(struct reload_answer_cache *cache, uint64_t transaction_id)
{
    return &cache->buckets[transaction_id % RELOAD_ANSWER_BUCKETS];
}

/* Forgets the answer at |at|, a place in the list by age. */
static void
forget(struct reload_node *node, struct reload_kept_answer **at)
{
    struct reload_answer_cache *cache = &node->answers;
    struct reload_kept_answer *answer = *at;
    *at = answer->younger;
    if (!*at)
        cache->youngest_end = at;
    struct reload_kept_answer **place = bucket(cache, answer->transaction_id);
    while (*place != answer)
        place = &(*place)->next;
    *place = answer->next;
    cache->count--;
    cache->octets -= answer->size;
    (void)reload_node_allocate(node, answer->body, 0);
    (void)reload_node_allocate(node, answer, 0);
}

void
reload_answer_cache_fini(struct reload_node *node)
{
    struct reload_answer_cache *cache = &node->answers;
    while (cache->oldest)
        forget(node, &cache->oldest);
    reload_alarm_clear(&node->alarms, &cache->alarm);
    if (cache->buckets)
        (void)reload_node_allocate(node, cache->buckets, 0);
    cache->buckets = NULL;
}

static void
expire(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct reload_node *node = owner;
    struct reload_answer_cache *cache = &node->answers;
    while (cache->oldest && cache->oldest->expires <= now)
        forget(node, &cache->oldest);
    if (cache->oldest)
        reload_ignore(reload_alarm_set(&node->alarms, alarm, cache->oldest->expires, expire));
}

static struct reload_kept_answer *
find(struct reload_answer_cache *cache, const struct reload_node_id *signer_id,
     uint64_t transaction_id, const uint8_t *digest)
{
    if (!cache->buckets)
        return NULL;
    struct reload_kept_answer *answer = *bucket(cache, transaction_id);
    while (answer && (answer->transaction_id != transaction_id ||
                      !reload_node_id_equal(&answer->signer_id, signer_id) ||
                      memcmp(answer->digest, digest, sizeof answer->digest) != 0))
        answer = answer->next;
    return answer;
}

static bool
prepare(struct reload_node *node)
{
    struct reload_answer_cache *cache = &node->answers;
    if (cache->buckets)
        return true;
    size_t size = RELOAD_ANSWER_BUCKETS * sizeof *cache->buckets;
    cache->buckets = reload_node_allocate(node, NULL, size);
    if (!cache->buckets)
        return false;
    memset(cache->buckets, 0, size);
    cache->youngest_end = &cache->oldest;
    return true;
}

enum reload_answer_state
reload_answer_cache_look(struct reload_node *node, const struct reload_node_id *signer_id,
                         uint64_t transaction_id, const uint8_t *digest,
                         const struct reload_kept_answer **kept, reload_time now)
{
    struct reload_answer_cache *cache = &node->answers;
    struct reload_kept_answer *answer = find(cache, signer_id, transaction_id, digest);
    if (answer) {
        *kept = answer;
        return answer->pending ? RELOAD_ANSWER_PENDING : RELOAD_ANSWER_KEPT;
    }
    if (!prepare(node))
        return RELOAD_ANSWER_NEW;
    if (cache->count >= RELOAD_ANSWERS_KEPT_MAX)
        forget(node, &cache->oldest);
    answer = reload_node_allocate(node, NULL, sizeof *answer);
    if (!answer)
        return RELOAD_ANSWER_NEW;
    *answer = (struct reload_kept_answer){.signer_id = *signer_id,
                                          .transaction_id = transaction_id,
                                          .expires = now + RELOAD_REQUEST_LIFETIME,
                                          .pending = true};
    memcpy(answer->digest, digest, sizeof answer->digest);
    struct reload_kept_answer **place = bucket(cache, transaction_id);
    answer->next = *place;
    *place = answer;
    *cache->youngest_end = answer;
    cache->youngest_end = &answer->younger;
    cache->count++;
    if (!cache->alarm.slot)
        reload_ignore(reload_alarm_set(&node->alarms, &cache->alarm, answer->expires, expire));
    return RELOAD_ANSWER_NEW;
}

void
reload_answer_cache_forget(struct reload_node *node, const struct reload_node_id *signer_id,
                           uint64_t transaction_id, const uint8_t *digest)
{
    struct reload_kept_answer *answer = find(&node->answers, signer_id, transaction_id, digest);
    struct reload_kept_answer **at = &node->answers.oldest;
    if (!answer)
        return;
    while (*at != answer)
        at = &(*at)->younger;
    forget(node, at);
}

void
reload_answer_cache_keep(struct reload_node *node, const struct reload_node_id *signer_id,
                         uint64_t transaction_id, const uint8_t *digest, uint16_t error_code,
                         struct reload_bytes body)
{
    struct reload_answer_cache *cache = &node->answers;
    struct reload_kept_answer *answer = find(cache, signer_id, transaction_id, digest);
    if (!answer)
        return;
    uint8_t *copy = body.size ? reload_node_allocate(node, NULL, body.size) : NULL;
    if (body.size && !copy)
        return; /* stays pending: a retransmission is dropped, not carried out again */
    if (body.size)
        memcpy(copy, body.data, body.size);
    answer->pending = false;
    answer->error_code = error_code;
    answer->size = body.size;
    answer->body = copy;
    cache->octets += body.size;
    while (cache->octets > RELOAD_ANSWERS_KEPT_OCTETS_MAX && cache->oldest != answer)
        forget(node, &cache->oldest);
}
