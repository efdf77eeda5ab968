/* push_test.c: what is stored goes to other peers. RFC 6940 7.4.1.1, 10.4, 6.4.2.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/push.h"
#include "tests/unit/core/storage_fixture.h"

#include <stdio.h>

static struct fixture *f;
static struct draft draft;
static struct reload_bytes alice, none;
static uint8_t alice_octets[16];

/* The storing peer and BOB, who is the second peer here, are linked. */
static void
begin(void)
{
    f = fixture_new();
    alice = user_resource(f, "alice@example.org", alice_octets);
    fixture_connect(f, BOB);
    fixture_run(f, f->now + RELOAD_SECOND);
    f->peers[BOB].responsible = false;
}

static void
run(reload_time time)
{
    fixture_run(f, f->now + time);
}

static struct reload_storage *
bobs(void)
{
    return &f->peers[BOB].node->storage;
}

static struct reload_stored *
bobs_value(struct reload_bytes resource, uint32_t kind, struct reload_bytes key)
{
    const struct reload_kind *row = reload_kinds_find(&f->peers[BOB].node->kinds, kind);
    return reload_stored_find(reload_resource_kind(reload_storage_find(bobs(), resource), row),
                              key);
}

static bool
bob_has(struct reload_bytes resource, uint32_t kind, struct reload_bytes key, const char *string)
{
    const struct reload_stored *stored = bobs_value(resource, kind, key);
    return stored && reload_bytes_equal(stored->payload, text(string));
}

static bool
bob_is_known_to_have_all(void)
{
    const struct reload_resource *resource = reload_storage_find(fixture_storage(f), alice);
    uint32_t link = f->peers[BOB].storer_link;
    return reload_holders_stamp(&resource->holders, link) == resource->stamp;
}

static void
make_bob_a_replica(void)
{
    f->peers[STORER].replicas[0] = f->peers[BOB].id;
    f->peers[STORER].replica_count = 1;
}

/* RFC 6940 10.4: it MUST then send a Store request to its successor. */
/* RFC6940-10.4-01, RFC6940-10.4-02, RFC6940-10.4-04 */
START_TEST(replicas_after_a_store)
{
    begin();
    make_bob_a_replica();
    ck_assert_int_eq(store_one(f, ALICE, KIND_ARRAY, at(RELOAD_ARRAY_APPEND), "0", 1000), 0);
    ck_assert_int_eq(store_one(f, ALICE, KIND_ARRAY, at(RELOAD_ARRAY_APPEND), "1", 1000), 0);
    run(RELOAD_SECOND);
    ck_assert(bob_has(alice, KIND_ARRAY, at(0), "0"));
    ck_assert(bob_has(alice, KIND_ARRAY, at(1), "1")); /* at the index that it has */
    /* RFC 6940 7.4.1.1: the replica's counter is the one of the message. */
    const struct reload_kind *row = reload_kinds_find(&f->peers[BOB].node->kinds, KIND_ARRAY);
    ck_assert_uint_eq(reload_resource_kind(reload_storage_find(bobs(), alice), row)->generation, 2);
    /* "They do not themselves perform further Stores." */
    ck_assert_uint_eq(f->peers[BOB].node->counters.requests_sent, 0);
    fixture_free(f);
}
END_TEST

START_TEST(removals_are_replicated)
{
    begin();
    make_bob_a_replica();
    ck_assert_int_eq(store_one(f, ALICE, KIND_SINGLE, none, "one", 1000), 0);
    draft_begin(&draft, f, alice, 0);
    draft_kind(&draft, KIND_SINGLE, 0);
    draft_removal(&draft, ALICE, KIND_SINGLE, none, 2000, 3600);
    draft_kind_end(&draft);
    ck_assert_int_eq(store(&draft, ALICE), 0);
    run(RELOAD_SECOND);
    ck_assert(!bobs_value(alice, KIND_SINGLE, none)->exists);
    fixture_free(f);
}
END_TEST

/* ---- ranges --------------------------------------------------------------------------------- */

static int pushed_error;
static unsigned pushed_count;

static void
pushed(void *argument, int error, reload_time now)
{
    (void)argument, (void)now;
    pushed_error = error;
    pushed_count++;
}

static void
push(const struct reload_node_id *after, const struct reload_node_id *upto)
{
    pushed_count = 0;
    pushed_error = -1;
    ck_assert_int_eq(reload_topology_push(f->peers[STORER].node, &f->peers[BOB].id, after, upto, 0,
                                          pushed, NULL, f->now),
                     0);
    ck_assert_uint_eq(pushed_count, 0); /* never from within the call */
    run(RELOAD_SECOND);
    ck_assert_uint_eq(pushed_count, 1);
}

static struct reload_node_id
id_of(uint8_t first)
{
    struct reload_node_id id = {{first}};
    return id;
}

/* Values at resources that begin with 0x10, 0x20, ... 0xf0: too many for the window. */
static void
fill_ring(void)
{
    for (unsigned i = 1; i < 16; i++) {
        struct reload_stage stage;
        struct reload_stage_kind *kind;
        struct reload_value value;
        uint8_t resource[16] = {(uint8_t)(i << 4)};
        struct peer *storer = &f->peers[STORER];
        draft_begin(&draft, f, (struct reload_bytes){resource, 16}, 0);
        draft.writer.size = 0;
        draft_value(&draft, ALICE, KIND_SINGLE, none, "v", 1000, 3600);
        struct reload_reader reader = reload_reader_of(reload_writer_written(&draft.writer));
        ck_assert(reload_value_next(&reader, &storer->node->wire, RELOAD_DATA_MODEL_SINGLE_VALUE,
                                    &value));
        struct reload_keyring *keyring = &f->peers[ALICE].keyring.keyring;
        ck_assert_int_eq(reload_stage_begin(&stage, &storer->node->storage,
                                            (struct reload_bytes){resource, 16}, false, f->now),
                         0);
        ck_assert_int_eq(reload_stage_kind(&stage,
                                           reload_kinds_find(&storer->node->kinds, KIND_SINGLE), 0,
                                           &kind),
                         0);
        ck_assert_int_eq(reload_stage_value(kind, &value, keyring->ops->self(keyring)), 0);
        ck_assert_int_eq(reload_stage_prepare(&stage), 0);
        ck_assert_ptr_nonnull(reload_stage_commit(&stage));
    }
}

/* Which resources arrived at BOB; he refuses them (alice may not write there), so it is told by
 * what he was asked. */
static unsigned
asked(void)
{
    return (unsigned)f->peers[BOB].node->counters.values_rejected;
}

START_TEST(ranges)
{
    static const struct {
        uint8_t after, upto;
        unsigned count;
    } rows[] = {
        {0x10, 0x50, 4},  {0x11, 0x51, 4},  {0x0f, 0x10, 1},  {0x10, 0x1f, 0},
        {0xf0, 0x20, 2},  {0xe0, 0x10, 2},  {0x51, 0x50, 15}, {0x55, 0x55, 15},
        {0x50, 0x50, 15}, {0x00, 0xff, 15}, {0xf1, 0x0f, 0},
    };
    begin();
    fill_ring();
    unsigned before = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reload_node_id after = id_of(rows[i].after), upto = id_of(rows[i].upto);
        push(&after, &upto);
        ck_assert_msg(asked() - before == rows[i].count, "row %zu: %u", i, asked() - before);
        ck_assert_int_eq(pushed_error, rows[i].count ? RELOAD_E_REFUSED : 0);
        before = asked();
    }
    fixture_free(f);
}
END_TEST

/* RFC6940-7.4.1.1-20 */
START_TEST(a_push_brings_everything)
{
    begin();
    struct reload_node_id zero = id_of(0);
    ck_assert_int_eq(store_one(f, ALICE, KIND_SINGLE, none, "one", 1000), 0);
    ck_assert_int_eq(store_one(f, ALICE, KIND_DICTIONARY, text("a"), "A", 1000), 0);
    ck_assert_int_eq(store_one(f, ALICE_TOO, KIND_DICTIONARY, text("b"), "B", 1000), 0);
    ck_assert_int_eq(store_one(f, BOB, KIND_SINGLE, none, "bob", 1000), 0);
    run(100 * RELOAD_SECOND);
    push(&zero, &zero);
    ck_assert_int_eq(pushed_error, 0);
    ck_assert(bob_has(alice, KIND_SINGLE, none, "one"));
    ck_assert(bob_has(alice, KIND_DICTIONARY, text("a"), "A"));
    ck_assert(bob_has(alice, KIND_DICTIONARY, text("b"), "B"));
    ck_assert_uint_eq(reload_storage_resource_count(bobs()), 2);
    /* RFC 6940 7.4.1.1: it MUST adjust the lifetime value downward. */
    reload_time left = bobs_value(alice, KIND_SINGLE, none)->expires - f->now;
    ck_assert_uint_le(left, 3500 * RELOAD_SECOND);
    ck_assert_uint_ge(left, 3490 * RELOAD_SECOND);
    /* Once more changes nothing and is no error (D8). */
    push(&zero, &zero);
    ck_assert_int_eq(pushed_error, 0);
    ck_assert(bob_is_known_to_have_all());
    fixture_free(f);
}
END_TEST

/* One resource larger than a message goes in parts. */
START_TEST(large_resources_go_in_parts)
{
    static char name[400][8];
    begin();
    for (int i = 0; i < PEERS; i++)
        ((struct reload_kind *)(void *)reload_kinds_find(&f->peers[i].node->kinds, KIND_DICTIONARY))
            ->max_count = 1000;
    f->config.max_message_size = 5000;
    for (int i = 0; i < 400; i++) {
        (void)snprintf(name[i], sizeof name[i], "%d", i);
        ck_assert_int_eq(store_one(f, i % 2 ? ALICE : ALICE_TOO, KIND_DICTIONARY, text(name[i]),
                                   "forty octets in a value that takes room", 1000),
                         0);
    }
    struct reload_node_id zero = id_of(0);
    push(&zero, &zero);
    ck_assert_int_eq(pushed_error, 0);
    for (int i = 0; i < 400; i++)
        ck_assert(bobs_value(alice, KIND_DICTIONARY, text(name[i])));
    ck_assert_uint_gt(f->peers[STORER].node->counters.requests_sent, 10);
    fixture_free(f);
}
END_TEST

/* A value that no message can carry with the certificates of its replica does not stop the others.
 */
START_TEST(values_too_large_to_replicate)
{
    static char large[3000];
    memset(large, 'x', sizeof large - 1);
    begin();
    for (int i = 0; i < PEERS; i++)
        ((struct reload_kind *)(void *)reload_kinds_find(&f->peers[i].node->kinds, KIND_DICTIONARY))
            ->max_size = 4000;
    f->config.max_message_size = 3500;
    ck_assert_int_eq(store_one(f, ALICE, KIND_DICTIONARY, text("a"), "A", 1000), 0);
    ck_assert_int_eq(store_one(f, ALICE, KIND_DICTIONARY, text("b"), large, 1000), 0);
    ck_assert_int_eq(store_one(f, ALICE, KIND_DICTIONARY, text("c"), "C", 1000), 0);
    struct reload_node_id zero = id_of(0);
    push(&zero, &zero);
    ck_assert_int_eq(pushed_error, RELOAD_E_TOO_LARGE);
    ck_assert(bob_has(alice, KIND_DICTIONARY, text("a"), "A"));
    ck_assert(bob_has(alice, KIND_DICTIONARY, text("c"), "C"));
    ck_assert_ptr_null(bobs_value(alice, KIND_DICTIONARY, text("b")));
    ck_assert(!bob_is_known_to_have_all());
    fixture_free(f);
}
END_TEST

START_TEST(pushes_are_bounded)
{
    begin();
    struct reload_node_id zero = id_of(0);
    struct reload_node *node = f->peers[STORER].node;
    for (int i = 0; i <= RELOAD_PUSHES_MAX; i++)
        ck_assert_int_eq(
            reload_topology_push(node, &f->peers[BOB].id, &zero, &zero, 1, NULL, NULL, f->now),
            i < RELOAD_PUSHES_MAX ? 0 : RELOAD_E_BUSY);
    run(RELOAD_SECOND);
    ck_assert_int_eq(
        reload_topology_push(node, &f->peers[BOB].id, &zero, &zero, 1, NULL, NULL, f->now), 0);
    fixture_free(f); /* with one under way */
}
END_TEST

START_TEST(an_unreachable_target)
{
    begin();
    struct reload_node_id zero = id_of(0);
    ck_assert_int_eq(store_one(f, ALICE, KIND_SINGLE, none, "one", 1000), 0);
    pushed_count = 0;
    ck_assert_int_eq(reload_topology_push(f->peers[STORER].node, &f->peers[ALICE].id, &zero, &zero,
                                          1, pushed, NULL, f->now),
                     0);
    run(30 * RELOAD_SECOND);
    ck_assert_uint_eq(pushed_count, 1);
    ck_assert_int_ne(pushed_error, 0);
    ck_assert(!bob_is_known_to_have_all());
    fixture_free(f);
}
END_TEST

/* ---- the other side has something newer -------------------------------------------------------
 */

/* Stores at BOB, too, what is drafted. */
static void
store_at_bob(uint32_t kind, struct reload_bytes key, const char *string, uint64_t time)
{
    f->peers[STORER].replica_count = 0;
    struct peer bob = f->peers[BOB], storer = f->peers[STORER];
    /* The two change places for a moment. */
    f->peers[STORER].node = bob.node;
    f->peers[STORER].keyring = bob.keyring;
    bob.node->keyring = &f->peers[STORER].keyring.keyring;
    bool responsible = f->peers[BOB].responsible;
    f->peers[BOB].responsible = true;
    ck_assert_int_eq(store_one(f, ALICE, kind, key, string, time), 0);
    f->peers[BOB].responsible = responsible;
    f->peers[BOB].keyring = f->peers[STORER].keyring;
    bob.node->keyring = &f->peers[BOB].keyring.keyring;
    f->peers[STORER].node = storer.node;
    f->peers[STORER].keyring = storer.keyring;
}

/* RFC 6940 7.4.1.1: the peer MUST fetch the newer data from the peer generating the error and use
 * that to replace its own copy. */
/* RFC6940-7.4.1.1-22 */
START_TEST(newer_data_is_taken)
{
    begin();
    struct reload_node_id zero = id_of(0);
    store_at_bob(KIND_SINGLE, none, "newer", 2000);
    store_at_bob(KIND_DICTIONARY, text("a"), "newer A", 2000);
    ck_assert_int_eq(store_one(f, ALICE, KIND_SINGLE, none, "older", 1000), 0);
    ck_assert_int_eq(store_one(f, ALICE, KIND_DICTIONARY, text("a"), "older A", 1000), 0);
    ck_assert_int_eq(store_one(f, ALICE, KIND_DICTIONARY, text("b"), "only here", 1000), 0);
    push(&zero, &zero);
    ck_assert_int_eq(pushed_error, 0);
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "newer");
    ck_assert_str_eq(value_at(f, alice, KIND_DICTIONARY, text("a")), "newer A");
    ck_assert_str_eq(value_at(f, alice, KIND_DICTIONARY, text("b")), "only here");
    ck_assert(bob_has(alice, KIND_SINGLE, none, "newer"));
    ck_assert(bob_has(alice, KIND_DICTIONARY, text("b"), "only here"));
    fixture_free(f);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("push", replicas_after_a_store, removals_are_replicated, ranges,
                     a_push_brings_everything, large_resources_go_in_parts,
                     values_too_large_to_replicate, pushes_are_bounded, an_unreachable_target,
                     newer_data_is_taken);
}
