/* repair_test.c: copies are made anew when holders die, and rings that never knew of each other
 * become one.
 *
 * RFC 6940 10.4, 10.7. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#include "reload/core/node_internal.h"
#include "tools/sim/sim_copies.h"

#define OWNER 0
#define COPIES 3

static struct sim *s;

static uint32_t
copies_of(uint8_t slot)
{
    uint8_t resource[16];
    sim_slot_resource(s, OWNER, slot, resource);
    return sim_copies(s, (struct reload_bytes){resource, sizeof resource}, 0, NULL);
}

static uint32_t
responsible_for(uint8_t slot)
{
    uint8_t resource[16];
    sim_slot_resource(s, OWNER, slot, resource);
    return sim_responsible(s, 0, (struct reload_bytes){resource, sizeof resource});
}

/* 10.7.1: whoever of the three holders dies, there are three again after a while. */
START_TEST(copies_are_made_anew)
{
    s = ring_of(16, 40 + (uint64_t)_i);
    for (uint8_t slot = 1; slot <= 8; slot++)
        ck_assert_int_eq(sim_store(s, OWNER, slot, "value").error, 0);
    sim_run_for(s, SIM_SECONDS(60));
    for (unsigned round = 0; round < 4; round++) {
        uint8_t slot = (uint8_t)(1 + round);
        uint32_t victim =
            sim_successor_of(s, responsible_for(slot), (uint32_t)_i); /* holder 0, 1 or 2 */
        if (victim == OWNER)
            continue;
        sim_kill(s, victim);
        wait_until_whole(s, SIM_SECONDS(60));
        sim_run_for(s, SIM_SECONDS(90));
        for (uint8_t each = 1; each <= 8; each++)
            ck_assert_uint_ge(copies_of(each), COPIES);
    }
    sim_free(s);
}
END_TEST

/* Three that hold a value die one after the other, each when the last is made up for: it is still
 * there. */
START_TEST(values_outlive_their_holders)
{
    s = ring_of(16, 50);
    uint8_t slot = 1;
    ck_assert_int_eq(sim_store(s, OWNER, slot, "value").error, 0);
    sim_run_for(s, SIM_SECONDS(60));
    for (unsigned round = 0; round < 8; round++) {
        uint32_t victim = responsible_for(slot);
        if (victim == OWNER)
            victim = sim_successor_of(s, victim, 1);
        sim_kill(s, victim);
        wait_until_whole(s, SIM_SECONDS(60));
        sim_run_for(s, SIM_SECONDS(90));
        struct sim_outcome outcome = sim_fetch(s, OWNER, OWNER, slot);
        ck_assert(sim_text(&outcome, "value"));
    }
    sim_free(s);
}
END_TEST

/* 10.7.4.4: two rings that never met, but for the bootstrap nodes that one of them was told of. */
START_TEST(strangers_become_one_ring)
{
    struct sim_options options = ring_options();
    s = sim_new(60 + (uint64_t)_i, &options);
    ring_grow(s, 5);
    uint32_t founder = sim_add_node(
        s, &(struct sim_node_options){.idle = true, .founder = true, .bootstrap_given = true});
    sim_partition(s, founder, 1);
    sim_start(s, founder);
    sim_run_for(s, SIM_SECONDS(30));
    ck_assert(sim_is_joined(s, founder));
    for (uint32_t i = 1; i < 5; i++) {
        uint32_t node =
            sim_add_node(s, &(struct sim_node_options){
                                .idle = true, .bootstrap_given = true, .bootstrap = founder});
        sim_partition(s, node, 1);
        sim_start(s, node);
    }
    ck_assert(sim_run_until(s, sim_is_joined_all, NULL, SIM_SECONDS(60)));
    ck_assert(!sim_ring_is_whole(s, 0, NULL));
    sim_heal_all(s);
    wait_until_whole(
        s, SIM_MINUTES(15)); /* the search's period is 10 minutes, a quarter more or less */
    sim_free(s);
}
END_TEST

static bool
has_three_copies(struct sim *sim, void *argument)
{
    (void)sim;
    return copies_of(*(const uint8_t *)argument) >= COPIES;
}

/* 10.7.1: what a peer becomes responsible for by a death goes to its replicas at once, and does not
 * wait for a sweep. */
START_TEST(a_range_that_grows_is_copied_at_once)
{
    uint8_t slot = 1;
    s = ring_of(16, 80 + (uint64_t)_i);
    ck_assert_int_eq(sim_store(s, OWNER, slot, "value").error, 0);
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert_uint_eq(copies_of(slot), COPIES);
    sim_kill(s, responsible_for(slot));
    ck_assert_uint_lt(copies_of(slot), COPIES);
    ck_assert(sim_run_until(s, has_three_copies, &slot, SIM_SECONDS(15)));
    sim_free(s);
}
END_TEST

/* Whether the three that should hold |slot| have its newest value. */
static bool
is_up_to_date(uint8_t slot)
{
    uint8_t octets[16];
    uint64_t newest;
    sim_slot_resource(s, OWNER, slot, octets);
    struct reload_bytes resource = {octets, sizeof octets};
    (void)sim_copies(s, resource, 0, &newest);
    for (uint32_t i = 0; i < COPIES; i++)
        if (sim_copy_at(s, sim_successor_of(s, responsible_for(slot), i), resource) != newest)
            return false;
    return true;
}

static bool
all_up_to_date(struct sim *sim, void *argument)
{
    (void)sim, (void)argument;
    for (uint8_t slot = 1; slot <= 16; slot++)
        if (!is_up_to_date(slot))
            return false;
    return true;
}

/* 7.4.1.1, 10.7.3: who meets the peer that is responsible for what it holds hands it over at once;
 * a sweep would take half a minute. */
START_TEST(newest_values_follow_the_ring_at_once)
{
    s = ring_of(16, 70 + (uint64_t)_i);
    for (uint8_t slot = 1; slot <= 16; slot++)
        ck_assert_int_eq(sim_store(s, OWNER, slot, "old").error, 0);
    for (uint32_t i = 0; i < 16; i++)
        sim_partition(s, i, (uint8_t)(i % 2));
    sim_run_for(s, SIM_MINUTES(3));
    for (uint8_t slot = 1; slot <= 16; slot++)
        ck_assert_int_eq(sim_store(s, OWNER, slot, "new").error, 0);
    ck_assert(!all_up_to_date(s, NULL));
    sim_heal_all(s);
    wait_until_whole(s, SIM_SECONDS(60));
    ck_assert(sim_run_until(s, all_up_to_date, NULL, SIM_SECONDS(10)));
    sim_free(s);
}
END_TEST

/* ---- who relies on whom ---- */

/* When |node| means to let go what it holds at |bytes|; 0: it does not. */
static reload_time
leaves_at(uint32_t node, struct reload_bytes bytes)
{
    const struct reload_resource *held = reload_storage_find(&sim_node(s, node)->storage, bytes);
    return held ? held->leave_at : 0;
}

/* The body of the last Store that passed. */
struct overheard {
    uint8_t octets[2048];
    size_t size;
};

static bool
overhear(struct sim *sim, struct sim_passing *passing, void *argument)
{
    struct overheard *last = argument;
    struct reload_message message;
    if (!sim_decode(sim, 0, (struct reload_bytes){passing->bytes, passing->size}, &message) ||
        message.contents.message_code != RELOAD_MESSAGE_STORE_REQ)
        return true;
    struct reload_bytes body = message.contents.message_body;
    ck_assert_uint_le(body.size, sizeof last->octets);
    memcpy(last->octets, body.data, last->size = body.size);
    return true;
}

/* |from| gives |to| the copy that was overheard. */
static void
give(uint32_t from, uint32_t to, const struct overheard *store)
{
    struct sim_draft *draft = sim_draft_new(s, from, RELOAD_MESSAGE_STORE_REQ,
                                            (struct reload_bytes){store->octets, store->size});
    draft->more_certificates[draft->more_certificate_count++] = OWNER;
    sim_draft_to_node(draft, sim_node_id(s, to));
    sim_send(s, from, to, sim_draft_seal(draft));
    sim_draft_free(draft);
    sim_run_for(s, SIM_SECONDS(1));
}

/* A peer that stands by is given a copy and means to let it go, since others have it. In the last
 * moment it is given the same once more, by one who has noticed that those others are gone: he
 * relies on it, so that it stays. Without that it goes (D83). */
START_TEST(what_is_given_again_stays)
{
    struct overheard store = {.size = 0};
    uint8_t octets[16], slot = 3;
    struct reload_bytes bytes = {octets, sizeof octets};
    s = ring_of(16, 80);
    sim_slot_resource(s, OWNER, slot, octets);
    uint32_t responsible = sim_responsible(s, 0, bytes);
    uint32_t stands_by = sim_successor_of(s, responsible, COPIES);
    sim_tap(s, overhear, &store);
    ck_assert_int_eq(sim_store(s, OWNER, slot, "kept").error, 0);
    sim_run_for(s, SIM_SECONDS(1));
    sim_tap(s, NULL, NULL);
    ck_assert_uint_eq(sim_copy_at(s, stands_by, bytes), 0);
    give(responsible, stands_by, &store);
    ck_assert_uint_ne(sim_copy_at(s, stands_by, bytes), 0);
    for (int i = 0; i < 120 && leaves_at(stands_by, bytes) == 0; i++)
        sim_run_for(s, SIM_SECONDS(1));
    ck_assert_uint_gt(leaves_at(stands_by, bytes), sim_now(s) + SIM_SECONDS(5));
    sim_run_for(s, leaves_at(stands_by, bytes) - sim_now(s) - SIM_SECONDS(3));
    if (_i == 0)
        give(responsible, stands_by, &store);
    sim_run_for(s, SIM_SECONDS(8));
    ck_assert_int_eq(sim_copy_at(s, stands_by, bytes) > 0, _i == 0);
    sim_run_for(s, SIM_MINUTES(2)); /* nobody is gone: it does go */
    ck_assert_uint_eq(sim_copy_at(s, stands_by, bytes), 0);
    sim_free(s);
}
END_TEST

static const struct named_test tests[] = {
    {&copies_are_made_anew, 0, 3},
    {&values_outlive_their_holders, 0, 0},
    {&strangers_become_one_ring, 0, 3},
    {&a_range_that_grows_is_copied_at_once, 0, 3},
    {&newest_values_follow_the_ring_at_once, 0, 3},
    {&what_is_given_again_stays, 0, 2},
};

int
main(void)
{
    return run_tests("repair", tests, sizeof tests / sizeof *tests);
}
