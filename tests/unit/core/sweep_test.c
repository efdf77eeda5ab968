/* sweep_test.c: what is not where it belongs is brought there, and what must not be kept goes. RFC
 * 6940 6.4.2.3, 10.4, 10.7.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/sweep.h"

#include "tests/unit/core/storage_fixture.h"

static struct fixture *f;
static struct draft draft;
static struct reload_bytes alice, none;
static uint8_t alice_octets[16];

static void
run(reload_time time)
{
    fixture_run(f, f->now + time);
}

/* The storing peer and BOB, who is the second peer here, are linked. */
static void
begin(void)
{
    f = fixture_new();
    alice = user_resource(f, "alice@example.org", alice_octets);
    fixture_connect(f, BOB);
    run(RELOAD_SECOND);
    f->peers[BOB].responsible = false;
}

static void
make_bob_a_replica(void)
{
    f->peers[STORER].replicas[0] = f->peers[BOB].id;
    f->peers[STORER].replica_count = 1;
}

static bool
bob_has(struct reload_bytes resource, uint32_t kind, struct reload_bytes key, const char *string)
{
    struct reload_node *bob = f->peers[BOB].node;
    const struct reload_resource *found = reload_storage_find(&bob->storage, resource);
    const struct reload_stored *stored =
        reload_stored_find(reload_resource_kind(found, reload_kinds_find(&bob->kinds, kind)), key);
    return stored && reload_bytes_equal(stored->payload, text(string));
}

static uint64_t
sent(void)
{
    return f->peers[STORER].node->counters.requests_sent;
}

/* BOB sends the storing peer a replica of |string|. */
static void
bob_stores_a_replica(const char *string, uint64_t time)
{
    draft_begin(&draft, f, alice, 1);
    draft_kind(&draft, KIND_SINGLE, 3);
    draft_value(&draft, ALICE, KIND_SINGLE, none, string, time, 3600);
    draft_kind_end(&draft);
    ck_assert_int_eq(store(&draft, BOB), 0);
}

/* ---- copies that are missing ---------------------------------------------------------------- */

/* A replica that refused a new value (its view of the ring was another one, or it had no memory)
 * is asked again soon, although the ring does not change. */
START_TEST(a_refused_replica_is_tried_again)
{
    begin();
    make_bob_a_replica();
    f->peers[BOB].accepts_replica = false;
    ck_assert_int_eq(store_one(f, ALICE, KIND_SINGLE, none, "one", 1000), 0);
    run(RELOAD_SECOND);
    ck_assert(!bob_has(alice, KIND_SINGLE, none, "one"));
    f->peers[BOB].accepts_replica = true;
    run(6 * RELOAD_SECOND);
    ck_assert(bob_has(alice, KIND_SINGLE, none, "one"));
    uint64_t before = sent();
    run(3600 * RELOAD_SECOND);
    ck_assert_uint_eq(sent(), before);
    fixture_free(f);
}
END_TEST

/* One that refuses for ever is asked less and less often. */
START_TEST(a_stubborn_replica_costs_little)
{
    begin();
    make_bob_a_replica();
    f->peers[BOB].accepts_replica = false;
    ck_assert_int_eq(store_one(f, ALICE, KIND_SINGLE, none, "one", 1000), 0);
    run(3000 * RELOAD_SECOND);
    ck_assert_uint_ge(sent(), 8);
    ck_assert_uint_le(sent(), 14);
    fixture_free(f);
}
END_TEST

/* Only what is missing goes: the rest was acknowledged. */
START_TEST(what_was_acknowledged_is_not_sent_again)
{
    begin();
    make_bob_a_replica();
    ck_assert_int_eq(store_one(f, ALICE, KIND_DICTIONARY, text("a"), "A", 1000), 0);
    run(RELOAD_SECOND);
    f->peers[BOB].accepts_replica = false;
    ck_assert_int_eq(store_one(f, ALICE, KIND_DICTIONARY, text("b"), "B", 1000), 0);
    run(RELOAD_SECOND);
    f->peers[BOB].accepts_replica = true;
    uint64_t stored = f->peers[BOB].node->counters.values_stored;
    run(10 * RELOAD_SECOND);
    ck_assert(bob_has(alice, KIND_DICTIONARY, text("a"), "A"));
    ck_assert(bob_has(alice, KIND_DICTIONARY, text("b"), "B"));
    ck_assert_uint_eq(f->peers[BOB].node->counters.values_stored, stored + 1);
    fixture_free(f);
}
END_TEST

/* Who comes back by another link may have lost what it had: after a change of the ring it gets it
 * once more. */
START_TEST(who_comes_back_gets_it_again)
{
    begin();
    make_bob_a_replica();
    ck_assert_int_eq(store_one(f, ALICE, KIND_SINGLE, none, "one", 1000), 0);
    run(RELOAD_SECOND);
    ck_assert(bob_has(alice, KIND_SINGLE, none, "one"));
    fixture_boot(f, BOB);
    f->peers[BOB].responsible = false;
    fixture_connect(f, BOB);
    run(RELOAD_SECOND);
    ck_assert(!bob_has(alice, KIND_SINGLE, none, "one"));
    reload_topology_changed(f->peers[STORER].node, f->now);
    run(25 * RELOAD_SECOND);
    ck_assert(bob_has(alice, KIND_SINGLE, none, "one"));
    fixture_free(f);
}
END_TEST

/* Not in the way of the topology's own push, but after it. */
START_TEST(a_sweep_waits_for_the_push)
{
    begin();
    ck_assert_int_eq(store_one(f, ALICE, KIND_SINGLE, none, "one", 1000), 0);
    make_bob_a_replica();
    f->peers[STORER].copies_later = true;
    reload_topology_changed(f->peers[STORER].node, f->now);
    run(100 * RELOAD_SECOND);
    ck_assert_uint_eq(sent(), 0);
    f->peers[STORER].copies_later = false;
    run(100 * RELOAD_SECOND);
    ck_assert(bob_has(alice, KIND_SINGLE, none, "one"));
    fixture_free(f);
}
END_TEST

/* A replica whose responsible peer is another one than it was hands over what
 * that one may not have; it stays here. */
START_TEST(a_replica_tells_the_responsible_peer)
{
    begin();
    f->peers[STORER].responsible = false;
    bob_stores_a_replica("one", 1000);
    f->peers[STORER].owner = f->peers[ALICE].id;
    fixture_connect(f, ALICE);
    reload_topology_changed(f->peers[STORER].node, f->now);
    uint64_t before = sent();
    run(25 * RELOAD_SECOND);
    ck_assert_uint_eq(sent(), before); /* its own copies come first */
    run(10 * RELOAD_SECOND);
    ck_assert_uint_eq(sent(), before + 1);
    ck_assert_ptr_nonnull(reload_storage_find(&f->peers[ALICE].node->storage, alice));
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "one");
    fixture_free(f);
}
END_TEST

/* The one whose replica it is has it. */
START_TEST(a_replica_does_not_tell_its_sender)
{
    begin();
    f->peers[STORER].responsible = false;
    f->peers[STORER].owner = f->peers[BOB].id;
    uint64_t before = sent();
    bob_stores_a_replica("one", 1000);
    bob_stores_a_replica("two", 2000);
    bob_stores_a_replica("two", 2000);
    reload_topology_changed(f->peers[STORER].node, f->now);
    run(600 * RELOAD_SECOND);
    ck_assert_uint_eq(sent(), before);
    fixture_free(f);
}
END_TEST

/* A replica came from somebody who is not responsible any more, as we see it: who is hears of it
 * without any change of the ring. */
START_TEST(a_replica_from_another_is_handed_over)
{
    begin();
    fixture_connect(f, ALICE);
    f->peers[STORER].responsible = false;
    f->peers[STORER].owner = f->peers[ALICE].id;
    bob_stores_a_replica("one", 1000);
    run(35 * RELOAD_SECOND);
    ck_assert_ptr_nonnull(reload_storage_find(&f->peers[ALICE].node->storage, alice));
    fixture_free(f);
}
END_TEST

/* ---- what must not be kept ------------------------------------------------------------------ */

/* RFC 6940 6.4.2.3: it MUST attempt to Store a copy to the correct node, then it goes (10.7.3). */
/* The storer has a value, and then bob is responsible for it. */
static void
give_away(void)
{
    struct peer *storer = &f->peers[STORER];
    ck_assert_int_eq(store_one(f, ALICE, KIND_SINGLE, none, "one", 1000), 0);
    storer->responsible = storer->keeps = false;
    f->peers[BOB].responsible = true;
    reload_topology_changed(storer->node, f->now);
}

/* RFC6940-10.7.3-07 */
START_TEST(what_is_not_kept_goes_to_its_owner)
{
    begin();
    give_away();
    run(10 * RELOAD_SECOND);
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "one"); /* not at once */
    run(60 * RELOAD_SECOND);
    ck_assert(bob_has(alice, KIND_SINGLE, none, "one"));
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "-");
    fixture_free(f);
}
END_TEST

/* D118: who took it may have died before it goes here, and its replicas with it. Found by
 * reload-sim check, seed 51445 (a crowd joins, eight seconds later a third of all die). */
START_TEST(who_took_it_is_gone)
{
    begin();
    give_away();
    run(30 * RELOAD_SECOND);
    ck_assert(bob_has(alice, KIND_SINGLE, none, "one"));
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "one"); /* still */
    fixture_boot(f, BOB);
    fixture_connect(f, BOB);
    run(60 * RELOAD_SECOND);
    ck_assert(bob_has(alice, KIND_SINGLE, none, "one"));
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "-");
    fixture_free(f);
}
END_TEST

/* D144: a walk that is slow, since each answer takes twelve seconds, sends everything twice or
 * thrice, not again and again. Found by reload-sim check, seed 22659. */
START_TEST(a_slow_walk_comes_to_an_end)
{
    uint8_t octets[16];
    unsigned count = 0;
    begin();
    f->config.overlay_reliability_timer_ms = 20000; /* all is answered once */
    for (enum peer_name who = ALICE; who <= BOB; who++)
        for (int i = 0; i < 3; i++, count++) {
            draft_begin(&draft, f, node_resource(f, who, i, octets), 0);
            draft_kind(&draft, KIND_MULTIPLE, 0);
            draft_value(&draft, who, KIND_MULTIPLE, none, "one", 1000, 3600);
            draft_kind_end(&draft);
            ck_assert_int_eq(store(&draft, who), 0);
        }
    f->peers[STORER].responsible = f->peers[STORER].keeps = false;
    f->peers[BOB].responsible = true;
    reload_topology_changed(f->peers[STORER].node, f->now);
    f->bob_is_slow = true;
    for (int i = 0; i < 20; i++) { /* four minutes */
        f->bob_may_send = 4;
        run(RELOAD_MS);
        f->bob_may_send = 0;
        run(12 * RELOAD_SECOND);
    }
    ck_assert_uint_eq(reload_storage_resource_count(fixture_storage(f)), 0);
    ck_assert_uint_ge(sent(), count);
    ck_assert_uint_le(sent(), 3 * count);
    fixture_free(f);
}
END_TEST

/* RFC6940-6.4.2.3-02, D55: who is responsible does not know us: we meet, and soon it takes what is
 * its own. */
START_TEST(a_stranger_is_met_first)
{
    begin();
    struct peer *storer = &f->peers[STORER], *bob = &f->peers[BOB];
    give_away();
    bob->accepts_replica = false;
    run(21 * RELOAD_SECOND);
    ck_assert_uint_eq(storer->meetings, 1);
    ck_assert(reload_node_id_equal(&storer->met, &bob->id));
    bob->accepts_replica = true; /* linked now */
    run(6 * RELOAD_SECOND);
    ck_assert(bob_has(alice, KIND_SINGLE, none, "one"));
    fixture_free(f);
}
END_TEST

/* Who goes on refusing is asked twice each time, less and less often. */
START_TEST(a_hostile_responsible_peer_costs_little)
{
    begin();
    struct peer *storer = &f->peers[STORER], *bob = &f->peers[BOB];
    give_away();
    bob->accepts_replica = false;
    run(900 * RELOAD_SECOND);
    ck_assert_uint_ge(storer->meetings, 10);
    ck_assert_uint_le(storer->meetings, 20);
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "-");
    fixture_free(f);
}
END_TEST

/* Nobody takes it for ten minutes: it goes, so that storage does not fill. */
START_TEST(what_nobody_takes_goes)
{
    begin();
    ck_assert_int_eq(store_one(f, ALICE, KIND_SINGLE, none, "one", 1000), 0);
    f->peers[STORER].responsible = f->peers[STORER].keeps = false;
    reload_topology_changed(f->peers[STORER].node, f->now);
    run(590 * RELOAD_SECOND);
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "one"); /* tried again */
    ck_assert_uint_le(sent(), 10);                                  /* but not often */
    run(600 * RELOAD_SECOND);
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "-");
    fixture_free(f);
}
END_TEST

START_TEST(what_is_kept_stays)
{
    begin();
    ck_assert_int_eq(store_one(f, ALICE, KIND_SINGLE, none, "one", 1000), 0);
    uint64_t before = sent();
    reload_topology_changed(f->peers[STORER].node, f->now);
    run(60 * RELOAD_SECOND);
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "one");
    ck_assert_uint_eq(sent(), before);
    fixture_free(f);
}
END_TEST

/* What the responsible peer is known to have is dropped without a word. */
START_TEST(replicas_are_dropped)
{
    begin();
    f->peers[STORER].responsible = false;
    bob_stores_a_replica("one", 1000);
    uint64_t before = sent();
    f->peers[STORER].keeps = false;
    f->peers[STORER].owner = f->peers[BOB].id;
    reload_topology_changed(f->peers[STORER].node, f->now);
    run(35 * RELOAD_SECOND);
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "one");
    run(10 * RELOAD_SECOND);
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "-");
    ck_assert_uint_eq(sent(), before);
    fixture_free(f);
}
END_TEST

/* Its sender need not be the responsible peer, and may rely on us. */
START_TEST(a_sender_is_not_relied_on)
{
    begin();
    f->peers[STORER].responsible = false;
    bob_stores_a_replica("one", 1000);
    f->peers[STORER].keeps = false;
    reload_topology_changed(f->peers[STORER].node, f->now);
    run(60 * RELOAD_SECOND); /* nobody is responsible */
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "one");
    fixture_connect(f, ALICE);
    run(100 * RELOAD_SECOND);
    ck_assert_ptr_nonnull(reload_storage_find(&f->peers[ALICE].node->storage, alice));
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "-");
    fixture_free(f);
}
END_TEST

/* Whoever sent it had noticed before us that a peer between is gone: that we do not keep it was
 * true for a moment only. */
START_TEST(a_replica_is_not_dropped_at_once)
{
    begin();
    f->peers[STORER].responsible = f->peers[STORER].keeps = false;
    reload_topology_changed(f->peers[STORER].node, f->now);
    run(19 * RELOAD_SECOND);
    bob_stores_a_replica("one", 1000);
    run(10 * RELOAD_SECOND);
    f->peers[STORER].keeps = true;
    reload_topology_changed(f->peers[STORER].node, f->now);
    run(60 * RELOAD_SECOND);
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "one");
    /* The time begins anew when it is not kept again. */
    f->peers[STORER].keeps = false;
    reload_topology_changed(f->peers[STORER].node, f->now);
    run(35 * RELOAD_SECOND);
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "one");
    fixture_free(f);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("sweep", a_refused_replica_is_tried_again, a_stubborn_replica_costs_little,
                     what_was_acknowledged_is_not_sent_again, who_comes_back_gets_it_again,
                     a_sweep_waits_for_the_push, a_replica_tells_the_responsible_peer,
                     a_replica_does_not_tell_its_sender, a_replica_from_another_is_handed_over,
                     what_is_not_kept_goes_to_its_owner, what_nobody_takes_goes,
                     who_took_it_is_gone, a_slow_walk_comes_to_an_end, a_stranger_is_met_first,
                     a_hostile_responsible_peer_costs_little, what_is_kept_stays,
                     replicas_are_dropped, a_sender_is_not_relied_on,
                     a_replica_is_not_dropped_at_once);
}
