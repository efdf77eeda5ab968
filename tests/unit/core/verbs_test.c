/* verbs_test.c: the verbs that store and fetch, from one node to another. RFC 6940 7.4.1, 7.4.2;
 * D9; attack row R8.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/topology.h"
#include "tests/unit/core/storage_fixture.h"

#include <stdio.h>

static struct fixture *f;

static struct reload_bytes alice, none;
static uint8_t alice_octets[16];

/* What the functions that were given heard. */
static struct reload_result result;
static unsigned results;
static char got[4096];

static void
done(void *argument, const struct reload_result *told, reload_time now)
{
    (void)argument, (void)now;
    result = *told;
    results++;
}

static void
each(void *argument, const struct reload_fetched_value *value, reload_time now)
{
    (void)argument, (void)now;
    size_t size = strlen(got);
    (void)snprintf(got + size, sizeof got - size, "%s%.*s:%u=%.*s ",
                   value->exists   ? ""
                   : value->signer ? "removed "
                                   : "absent ",
                   (int)value->key.size, (const char *)value->key.data, value->index,
                   (int)value->value.size, (const char *)value->value.data);
}

static unsigned pushed;

static void
count_push(void *argument, int error, reload_time now)
{
    (void)argument, (void)error, (void)now;
    pushed++;
}

static void
begin(void)
{
    f = fixture_new();
    alice = user_resource(f, "alice@example.org", alice_octets);
    fixture_connect(f, ALICE);
    f->peers[ALICE].responsible = false;
    fixture_run(f, f->now + RELOAD_SECOND);
}

/* Alice stores; returns how it ended. */
static int
verb_store(const struct reload_store_value *values, size_t count)
{
    results = 0;
    int error = reload_node_store(f->peers[ALICE].node, alice, values, count, done, NULL, f->now);
    ck_assert_uint_eq(results, 0);
    if (error)
        return error;
    fixture_run(f, f->now + RELOAD_SECOND);
    ck_assert_uint_eq(results, 1);
    return result.error;
}

static int
store_text(const char *string)
{
    struct reload_store_value value = {
        .kind = KIND_SINGLE, .value = text(string), .exists = true, .lifetime_s = 3600};
    return verb_store(&value, 1);
}

static const char *
verb_fetch(const struct reload_fetch_specifier *specifiers, size_t count)
{
    results = 0;
    got[0] = '\0';
    ck_assert_int_eq(
        reload_node_fetch(f->peers[ALICE].node, alice, specifiers, count, each, done, NULL, f->now),
        0);
    fixture_run(f, f->now + RELOAD_SECOND);
    ck_assert_uint_eq(results, 1);
    return got;
}

static uint64_t
stored_time(void)
{
    struct reload_storage *storage = fixture_storage(f);
    struct reload_resource *resource = reload_storage_find(storage, alice);
    ck_assert_ptr_nonnull(resource);
    return ((struct reload_stored *)resource->kinds->values.root)->storage_time;
}

/* RFC6940-13.5.1-01 */
START_TEST(store_and_fetch)
{
    const struct reload_store_value values[] = {
        {.kind = KIND_SINGLE, .value = text("one"), .exists = true, .lifetime_s = 60},
        {.kind = KIND_ARRAY,
         .index = RELOAD_ARRAY_APPEND,
         .value = text("zero"),
         .exists = true,
         .lifetime_s = 60},
        {.kind = KIND_ARRAY, .index = 2, .value = text("two"), .exists = true, .lifetime_s = 60},
        {.kind = KIND_DICTIONARY,
         .key = text("k"),
         .value = text("v"),
         .exists = true,
         .lifetime_s = 60},
    };
    const struct reload_fetch_specifier specifiers[] = {
        {.kind = KIND_SINGLE},
        {.kind = KIND_ARRAY, .first = 0, .last = 0xffffffff},
        {.kind = KIND_DICTIONARY, .all_keys = true},
    };
    begin();
    ck_assert_int_eq(verb_store(values, 4), 0);
    ck_assert_str_eq(verb_fetch(specifiers, 3), ":0=one :0=zero absent :1= :2=two k:0=v ");
    ck_assert_int_eq(result.error, 0);
    ck_assert_uint_eq(result.discarded, 0);
    fixture_free(f);
}
END_TEST

START_TEST(removal)
{
    const struct reload_store_value value = {.kind = KIND_SINGLE, .lifetime_s = 7200};
    const struct reload_fetch_specifier specifier = {.kind = KIND_SINGLE};
    begin();
    ck_assert_str_eq(verb_fetch(&specifier, 1), "absent :0= ");
    ck_assert_int_eq(store_text("one"), 0);
    ck_assert_int_eq(verb_store(&value, 1), 0);
    ck_assert_str_eq(verb_fetch(&specifier, 1), "removed :0= ");
    fixture_free(f);
}
END_TEST

START_TEST(one_key)
{
    const struct reload_store_value values[] = {
        {.kind = KIND_DICTIONARY,
         .key = text("a"),
         .value = text("A"),
         .exists = true,
         .lifetime_s = 60},
        {.kind = KIND_DICTIONARY,
         .key = text("b"),
         .value = text("B"),
         .exists = true,
         .lifetime_s = 60},
    };
    struct reload_fetch_specifier specifier = {.kind = KIND_DICTIONARY, .key = text("b")};
    begin();
    ck_assert_int_eq(verb_store(values, 2), 0);
    ck_assert_str_eq(verb_fetch(&specifier, 1), "b:0=B ");
    specifier.key = text("c");
    ck_assert_str_eq(verb_fetch(&specifier, 1), "absent c:0= ");
    fixture_free(f);
}
END_TEST

START_TEST(mistakes_are_told_at_once)
{
    char longer[52];
    memset(longer, 'x', 51);
    longer[51] = '\0';
    const struct reload_store_value unknown = {.kind = KIND_UNKNOWN, .exists = true};
    const struct reload_store_value not_empty = {.kind = KIND_SINGLE, .value = text("not empty")};
    const struct reload_store_value apart[] = {
        {.kind = KIND_DICTIONARY, .exists = true},
        {.kind = KIND_SINGLE, .exists = true},
        {.kind = KIND_DICTIONARY, .exists = true},
    };
    const struct reload_fetch_specifier specifiers[] = {
        {.kind = KIND_SINGLE},
        {.kind = KIND_SINGLE},
        {.kind = KIND_UNKNOWN},
        {.kind = KIND_ARRAY, .first = 2, .last = 1}};
    begin();
    struct reload_node *node = f->peers[ALICE].node;
    ck_assert_int_eq(verb_store(&unknown, 1), RELOAD_E_UNKNOWN_KIND);
    ck_assert_int_eq(verb_store(&not_empty, 1), RELOAD_E_USAGE);
    ck_assert_int_eq(verb_store(apart, 3), RELOAD_E_USAGE);
    ck_assert_int_eq(verb_store(apart, 0), RELOAD_E_USAGE);
    ck_assert_int_eq(store_text(longer), RELOAD_E_TOO_LARGE);
    ck_assert_int_eq(reload_node_fetch(node, alice, specifiers, 2, each, done, NULL, f->now),
                     RELOAD_E_USAGE);
    ck_assert_int_eq(reload_node_fetch(node, alice, specifiers + 2, 1, each, done, NULL, f->now),
                     RELOAD_E_UNKNOWN_KIND);
    ck_assert_int_eq(reload_node_fetch(node, alice, specifiers + 3, 1, each, done, NULL, f->now),
                     RELOAD_E_USAGE);
    ck_assert_uint_eq(node->pushes.job_count, 0);
    fixture_free(f);
}
END_TEST

START_TEST(a_generation_counter_that_differs)
{
    struct reload_store_value value = {.kind = KIND_SINGLE,
                                       .value = text("two"),
                                       .exists = true,
                                       .lifetime_s = 60,
                                       .generation = 7};
    begin();
    ck_assert_int_eq(store_text("one"), 0);
    ck_assert_int_eq(verb_store(&value, 1), RELOAD_E_REFUSED);
    ck_assert_uint_eq(result.error_code, RELOAD_ERROR_GENERATION_COUNTER_TOO_LOW);
    value.generation = 1;
    ck_assert_int_eq(verb_store(&value, 1), 0);
    fixture_free(f);
}
END_TEST

/* ---- storage times -------------------------------------------------------------------------- */

/* RFC6940-7-02 */
START_TEST(times_are_now_and_rise)
{
    begin();
    ck_assert_int_eq(store_text("one"), 0);
    uint64_t first = stored_time();
    ck_assert_uint_le(first, f->wall_ms);
    ck_assert_uint_ge(first, f->wall_ms - 2000);
    f->wall_ms = first - 100; /* the clock is set back by a little */
    ck_assert_int_eq(store_text("two"), 0);
    ck_assert_uint_eq(stored_time(), first + 1);
    fixture_free(f);
}
END_TEST

/* D9: never more than five seconds ahead; at the same place still just above what is there. */
START_TEST(times_do_not_run_ahead)
{
    begin();
    ck_assert_int_eq(store_text("one"), 0);
    uint64_t first = stored_time();
    f->wall_ms -= 3600000;
    uint64_t wall_ms = f->wall_ms;
    struct reload_store_value value = {.kind = KIND_ARRAY,
                                       .index = 0,
                                       .value = text("elsewhere"),
                                       .exists = true,
                                       .lifetime_s = 60};
    ck_assert_int_eq(verb_store(&value, 1), 0);
    struct reload_resource *resource = reload_storage_find(fixture_storage(f), alice);
    ck_assert_uint_le(((struct reload_stored *)resource->kinds->values.root)->storage_time,
                      wall_ms + 5000);
    ck_assert_int_eq(store_text("two"), 0);
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "two");
    struct reload_stored *stored = reload_stored_find(resource->kinds->next, none);
    ck_assert_uint_eq(stored->storage_time, first + 1);
    fixture_free(f);
}
END_TEST

/* RFC6940-7: rejected with Error_Data_Too_Old, it uses a storage_time that increments the previous
 * one, obtained by a Fetch. */
/* RFC6940-7-03 */
START_TEST(the_owner_recovers)
{
    begin();
    uint64_t future = f->wall_ms + 86400000;
    ck_assert_int_eq(store_one(f, ALICE_TOO, KIND_SINGLE, none, "from another device", future), 0);
    ck_assert_int_eq(store_text("mine"), 0);
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "mine");
    ck_assert_uint_eq(stored_time(), future + 1);
    fixture_free(f);
}
END_TEST

/* Once, not for ever; and not at all behind the last time there is. */
START_TEST(what_cannot_be_recovered)
{
    begin();
    ck_assert_int_eq(store_one(f, ALICE_TOO, KIND_SINGLE, none, "last", (UINT64_C(1) << 63) - 1),
                     0);
    ck_assert_int_eq(store_text("mine"), RELOAD_E_REFUSED);
    ck_assert_uint_eq(result.error_code, RELOAD_ERROR_DATA_TOO_OLD);
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "last");
    ck_assert_uint_eq(f->peers[ALICE].node->pushes.job_count, 0);
    fixture_free(f);
}
END_TEST

/* ---- links that fail ------------------------------------------------------------------------ */

START_TEST(nobody_answers)
{
    const struct reload_fetch_specifier specifier = {.kind = KIND_SINGLE};
    begin();
    reload_node_link_down(f->peers[ALICE].node, f->peers[ALICE].link, RELOAD_E_CLOSED, f->now);
    results = 0;
    got[0] = '\0';
    int error =
        reload_node_fetch(f->peers[ALICE].node, alice, &specifier, 1, each, done, NULL, f->now);
    fixture_run(f, f->now + 30 * RELOAD_SECOND);
    ck_assert(error || results == 1);
    if (!error)
        ck_assert_int_ne(result.error, 0);
    ck_assert_str_eq(got, "");
    ck_assert_uint_eq(f->peers[ALICE].node->pushes.job_count, 0);
    fixture_free(f);
}
END_TEST

/* A node that ends with requests under way leaves nothing behind. */
START_TEST(ending_with_work_under_way)
{
    const struct reload_fetch_specifier specifier = {.kind = KIND_SINGLE};
    begin();
    struct reload_store_value value = {
        .kind = KIND_SINGLE, .value = text("v"), .exists = true, .lifetime_s = 60};
    struct reload_node *storer = f->peers[STORER].node;
    ck_assert_int_eq(reload_node_store(storer, alice, &value, 1, done, NULL, f->now), 0);
    ck_assert_int_eq(reload_node_fetch(storer, alice, &specifier, 1, each, done, NULL, f->now), 0);
    fixture_free(f); /* counts the storing peer's memory */
}
END_TEST

/* At itself, too: and what it signed a moment ago it need not verify. */
START_TEST(a_node_stores_at_itself)
{
    uint8_t octets[16];
    begin();
    struct peer *storer = &f->peers[STORER];
    struct reload_bytes resource = user_resource(f, "storer@example.org", octets);
    struct reload_store_value value = {
        .kind = KIND_SINGLE, .value = text("v"), .exists = true, .lifetime_s = 60};
    results = 0;
    uint64_t verified = storer->keyring.verified_count;
    ck_assert_int_eq(reload_node_store(storer->node, resource, &value, 1, done, NULL, f->now), 0);
    fixture_run(f, f->now + RELOAD_SECOND);
    ck_assert_uint_eq(results, 1);
    ck_assert_int_eq(result.error, 0);
    ck_assert_str_eq(value_at(f, resource, KIND_SINGLE, none), "v");
    ck_assert_uint_eq(storer->keyring.verified_count, verified);
    fixture_free(f);
}
END_TEST

/* Whichever allocation fails on the way, each verb ends once, and nothing is left behind. */
START_TEST(no_memory_on_the_way)
{
    const struct reload_fetch_specifier specifier = {.kind = KIND_DICTIONARY,
                                                     .key = {(const uint8_t *)"k", 1}};
    struct reload_store_value value = {.kind = KIND_DICTIONARY,
                                       .key = {(const uint8_t *)"k", 1},
                                       .value = {(const uint8_t *)"v", 1},
                                       .exists = true,
                                       .lifetime_s = 60};
    bool failed = true;
    for (size_t i = 1; failed; i++) {
        uint8_t octets[16];
        f = fixture_new();
        struct reload_node *node = f->peers[STORER].node;
        struct reload_bytes resource = user_resource(f, "storer@example.org", octets);
        unsigned wanted = 0;
        results = 0;
        f->allocations = 0;
        f->fail_at = i;
        wanted += reload_node_store(node, resource, &value, 1, done, NULL, f->now) == 0;
        wanted += reload_node_fetch(node, resource, &specifier, 1, each, done, NULL, f->now) == 0;
        fixture_run(f, f->now + 30 * RELOAD_SECOND);
        failed = f->allocations >= i;
        f->fail_at = 0;
        ck_assert_uint_eq(results, wanted);
        ck_assert_uint_eq(node->pushes.job_count, 0);
        fixture_free(f);
        ck_assert_uint_lt(i, 500);
    }
}
END_TEST

/* The same when a range is pushed to another peer. */
START_TEST(no_memory_for_a_push)
{
    bool failed = true;
    for (size_t i = 1; failed; i++) {
        begin();
        struct reload_node_id zero = {{0}};
        struct reload_node *node = f->peers[STORER].node;
        ck_assert_int_eq(store_one(f, ALICE, KIND_SINGLE, none, "one", 1000), 0);
        ck_assert_int_eq(store_one(f, BOB, KIND_SINGLE, none, "bob", 1000), 0);
        pushed = 0;
        f->allocations = 0;
        f->fail_at = i;
        int error = reload_topology_push(node, &f->peers[ALICE].id, &zero, &zero, 1, count_push,
                                         NULL, f->now);
        fixture_run(f, f->now + 30 * RELOAD_SECOND);
        failed = f->allocations >= i;
        f->fail_at = 0;
        ck_assert_uint_eq(pushed, error == 0);
        ck_assert_uint_eq(node->pushes.job_count, 0);
        ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "one");
        fixture_free(f);
        ck_assert_uint_lt(i, 500);
    }
}
END_TEST

/* R8: a Store that comes again within 15 s gets the same answer and is carried out once. */
START_TEST(r8_a_store_comes_again)
{
    begin();
    struct reload_effect effect;
    struct reload_store_value value = {
        .kind = KIND_SINGLE, .value = text("v"), .exists = true, .lifetime_s = 60};
    struct peer *sender = &f->peers[ALICE], *storer = &f->peers[STORER];
    uint8_t copy[8192];
    size_t size = 0;
    ck_assert_int_eq(reload_node_store(sender->node, alice, &value, 1, done, NULL, f->now), 0);
    while (reload_node_poll(sender->node, &effect, f->now))
        if (effect.type == RELOAD_EFFECT_SEND) {
            ck_assert_uint_le(effect.bytes.size, sizeof copy);
            memcpy(copy, effect.bytes.data, size = effect.bytes.size);
        }
    ck_assert_uint_gt(size, 0);
    for (int i = 0; i < 3; i++) {
        unsigned answers = 0;
        (void)reload_node_recv(storer->node, sender->storer_link, (struct reload_bytes){copy, size},
                               f->now);
        while (reload_node_poll(storer->node, &effect, f->now))
            answers += effect.type == RELOAD_EFFECT_SEND;
        ck_assert_uint_eq(answers, 1);
        ck_assert_uint_eq(generation_at(f, alice, KIND_SINGLE), 1);
        f->now += 4 * RELOAD_SECOND;
    }
    ck_assert_uint_eq(storer->node->counters.values_stored, 1);
    ck_assert_uint_eq(storer->node->counters.errors_sent, 0);
    fixture_free(f);
}
END_TEST

int
main(void)
{

    return RUN_SUITE("verbs", store_and_fetch, removal, one_key, mistakes_are_told_at_once,
                     a_generation_counter_that_differs, times_are_now_and_rise,
                     times_do_not_run_ahead, the_owner_recovers, what_cannot_be_recovered,
                     nobody_answers, ending_with_work_under_way, a_node_stores_at_itself,
                     no_memory_on_the_way, no_memory_for_a_push, r8_a_store_comes_again);
}
