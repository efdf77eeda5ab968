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

/* ---- signers -------------------------------------------------------------------------------- */

static struct reload_answer_signer **
signer_bucket(struct reload_answer_cache *cache, const struct reload_node_id *node_id)
{
    uint64_t hash;
    memcpy(&hash, node_id->octets, sizeof hash);
    return &cache->signers[(hash * UINT64_C(0x9e3779b97f4a7c15) >> 32) %
                           RELOAD_ANSWER_SIGNER_BUCKETS];
}

static struct reload_answer_signer *
find_signer(struct reload_answer_cache *cache, const struct reload_node_id *node_id)
{
    struct reload_answer_signer *signer = *signer_bucket(cache, node_id);
    while (signer && !reload_node_id_equal(&signer->node_id, node_id))
        signer = signer->next;
    return signer;
}

/* Finds or makes the signer; NULL without memory. */
static struct reload_answer_signer *
add_signer(struct reload_node *node, const struct reload_node_id *node_id)
{
    struct reload_answer_signer *signer = find_signer(&node->answers, node_id);
    if (signer)
        return signer;
    signer = reload_node_allocate(node, NULL, sizeof *signer);
    if (!signer)
        return NULL;
    struct reload_answer_signer **place = signer_bucket(&node->answers, node_id);
    *signer = (struct reload_answer_signer){.next = *place, .node_id = *node_id};
    *place = signer;
    return signer;
}

static void
release_signer(struct reload_node *node, struct reload_answer_signer *signer)
{
    if (signer->count > 0)
        return;
    struct reload_answer_signer **place = signer_bucket(&node->answers, &signer->node_id);
    while (*place != signer)
        place = &(*place)->next;
    *place = signer->next;
    (void)reload_node_allocate(node, signer, 0);
}

/* Who has most of the cache, of its octets or of its places. */
static struct reload_answer_signer *
heaviest_signer(struct reload_answer_cache *cache, bool by_octets)
{
    struct reload_answer_signer *heaviest = NULL;
    for (size_t i = 0; i < RELOAD_ANSWER_SIGNER_BUCKETS; i++)
        for (struct reload_answer_signer *s = cache->signers[i]; s; s = s->next)
            if (!heaviest ||
                (by_octets ? s->octets > heaviest->octets : s->count > heaviest->count))
                heaviest = s;
    return heaviest;
}

/* ---- answers -------------------------------------------------------------------------------- */

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
    answer->signer->count--;
    answer->signer->octets -= answer->size;
    release_signer(node, answer->signer);
    (void)reload_node_allocate(node, answer->body, 0);
    (void)reload_node_allocate(node, answer, 0);
}

/* Makes room: the oldest answer to the one who has most of them goes; the oldest of all when each
 * has one, and never |but|. Returns false when there is no other. */
static bool
make_room(struct reload_node *node, const struct reload_kept_answer *but, bool by_octets)
{
    struct reload_answer_cache *cache = &node->answers;
    const struct reload_answer_signer *heaviest = heaviest_signer(cache, by_octets);
    struct reload_kept_answer **at = &cache->oldest;
    if (heaviest && (by_octets || heaviest->count > 1))
        while (*at && ((*at)->signer != heaviest || *at == but))
            at = &(*at)->younger;
    if (!*at || *at == but)
        at = cache->oldest == but && but ? &cache->oldest->younger : &cache->oldest;
    if (!*at)
        return false;
    forget(node, at);
    return true;
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
                      !reload_node_id_equal(&answer->signer->node_id, signer_id) ||
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
        (void)make_room(node, NULL, false);
    struct reload_answer_signer *signer = add_signer(node, signer_id);
    if (!signer)
        return RELOAD_ANSWER_NEW;
    answer = reload_node_allocate(node, NULL, sizeof *answer);
    if (!answer) {
        release_signer(node, signer);
        return RELOAD_ANSWER_NEW;
    }
    *answer = (struct reload_kept_answer){.signer = signer,
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
    signer->count++;
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
    answer->signer->octets += body.size;
    while (cache->octets > RELOAD_ANSWERS_KEPT_OCTETS_MAX && make_room(node, answer, true))
        ;
}
