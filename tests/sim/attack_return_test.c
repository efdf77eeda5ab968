/* attack_return_test.c: values that have ended or were removed, brought again by somebody else.
 *
 * RFC 6940 7.4.1.1, 7.4.1.3; D3, D4. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"
#include "tests/sim/view.h"

#include "reload/core/node_internal.h"
#include "tools/sim/sim_copies.h"

#define RING 8
#define OWNER 2

static struct sim *s;
static struct attacker mallory;
static uint8_t slot, octets[16];
static struct reload_bytes resource;

static void
begin(uint64_t seed)
{
    s = ring_of(RING, seed);
    mallory = attacker_at(s, 0);
    for (uint32_t holder = 3; (slot = sim_slot_at(s, OWNER, holder)) == 0; holder++)
        ck_assert_uint_lt(holder, RING);
    sim_slot_resource(s, OWNER, slot, octets);
    resource = (struct reload_bytes){octets, sizeof octets};
}

/* The owner stores |text|, or removes what is there (NULL), for so long. */
static struct sim_outcome
store_for(const char *text, uint32_t lifetime_s)
{
    struct reload_store_value value = {.kind = SIM_KIND_SLOT,
                                       .value = reload_bytes_of_string(text ? text : ""),
                                       .exists = text != NULL,
                                       .lifetime_s = lifetime_s};
    return sim_store_value(s, OWNER, resource, &value);
}

static bool
is_anywhere(const char *text)
{
    for (uint32_t reader = 0; reader < RING; reader++) {
        struct sim_outcome outcome = sim_fetch(s, reader, OWNER, slot);
        ck_assert_int_eq(outcome.error, 0);
        if (outcome.exists && (!text || sim_text(&outcome, text)))
            return true;
    }
    return false;
}

/* ---- what was said once ---------------------------------------------------------------------- */

/* The first Store that the owner sent, as it was signed. */
struct record {
    uint8_t bytes[4096];
    size_t size;
};

static bool
record_store(struct sim *sim, struct sim_passing *passing, void *argument)
{
    struct record *record = argument;
    struct reload_message message;
    if (record->size > 0 || passing->from != OWNER || !passing_message(sim, passing, &message) ||
        message.contents.message_code != RELOAD_MESSAGE_STORE_REQ)
        return true;
    ck_assert_uint_le(passing->size, sizeof record->bytes);
    memcpy(record->bytes, passing->bytes, passing->size);
    record->size = passing->size;
    return true;
}

/* Says it again, to everybody. Returns how many took it. */
static unsigned
replay_to_all(const struct record *record)
{
    unsigned taken = 0;
    for (uint32_t i = 0; i < RING; i++)
        taken += sim_message_code(s, sim_replay(s, mallory.self, mallory.link,
                                                (struct reload_bytes){record->bytes, record->size},
                                                sim_node_id(s, i))) == RELOAD_MESSAGE_STORE_ANS;
    return taken;
}

/* S16: stored for an hour, removed for a minute; the removal has ended, and the old Store comes
 * again. */
START_TEST(s16_removed_and_replayed_when_that_has_ended)
{
    struct record record = {.size = 0};
    begin(16);
    sim_tap(s, record_store, &record);
    ck_assert_int_eq(store_for("old", 3600).error, 0);
    sim_tap(s, NULL, NULL);
    ck_assert_uint_gt(record.size, 0);
    sim_run_for(s, SIM_SECONDS(30));
    ck_assert(is_anywhere("old"));
    ck_assert_int_eq(store_for(NULL, 60).error, 0);
    ck_assert(!is_anywhere(NULL));
    sim_run_for(s, SIM_MINUTES(5));
    ck_assert_uint_eq(replay_to_all(&record), 0);
    sim_run_for(s, SIM_SECONDS(30));
    ck_assert(!is_anywhere(NULL));
    ck_assert_int_eq(store_for("newer", 600).error, 0); /* its owner may */
    ck_assert(is_anywhere("newer"));
    sim_free(s);
}
END_TEST

/* S16: the same where the peer that is responsible has lost its memory meanwhile. */
START_TEST(s16_replayed_to_who_has_forgotten)
{
    struct record record = {.size = 0};
    begin(17);
    sim_tap(s, record_store, &record);
    ck_assert_int_eq(store_for("old", 3600).error, 0);
    sim_tap(s, NULL, NULL);
    sim_run_for(s, SIM_SECONDS(30));
    ck_assert_int_eq(store_for(NULL, 1800).error, 0);
    sim_run_for(s, SIM_SECONDS(30));
    uint32_t first = sim_responsible(s, 0, resource);
    sim_kill(s, first);
    sim_run_for(s, SIM_SECONDS(60));
    sim_restart(s, first); /* with nothing */
    wait_until_whole(s, SIM_SECONDS(60));
    sim_run_for(s, SIM_SECONDS(60));
    (void)replay_to_all(&record);
    sim_run_for(s, SIM_SECONDS(30));
    ck_assert(!is_anywhere(NULL));
    sim_free(s);
}
END_TEST

/* ---- lifetimes, which nobody signs ----------------------------------------------------------- */

/* The peer that is responsible offers the owner's value "short" of |storage_time_ms| to its
 * replicas, for a day. */
static void
offer_for_a_day(uint64_t storage_time_ms)
{
    uint32_t first = sim_responsible(s, 0, resource);
    struct sim_value value = {.signer = OWNER,
                              .resource = resource,
                              .kind = SIM_KIND_SLOT,
                              .value.model = RELOAD_DATA_MODEL_SINGLE_VALUE,
                              .storage_time_ms = storage_time_ms,
                              .lifetime_s = 86400};
    value.value.single_value_entry.exists = true;
    value.value.single_value_entry.value = reload_bytes_of_string("short");
    for (uint8_t number = 1; number < 3; number++) {
        uint8_t body[4096];
        uint32_t replica = sim_successor_of(s, first, number);
        size_t size = sim_store_body(s, &value, resource, 99, number, body, sizeof body);
        struct sim_draft *draft =
            sim_draft_new(s, first, RELOAD_MESSAGE_STORE_REQ, (struct reload_bytes){body, size});
        draft->more_certificates[draft->more_certificate_count++] = OWNER;
        sim_draft_to_node(draft, sim_node_id(s, replica));
        sim_send(s, first, replica, sim_draft_seal(draft));
        sim_draft_free(draft);
    }
    sim_run_for(s, SIM_SECONDS(1));
}

/* How many have a value that lives. */
static unsigned
living(void)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < RING; i++) {
        reload_storage_expire(&sim_node(s, i)->storage, sim_now(s));
        count += sim_copy_at(s, i, resource) > 0;
    }
    return count;
}

/* S15, D4: stored for a minute. A peer that holds it offers it for a day, before and after its end:
 * it ends when its owner said, and stays away. */
START_TEST(s15_lifetime_that_a_holder_extends)
{
    uint64_t newest = 0;
    begin(15);
    ck_assert_int_eq(store_for("short", 60).error, 0);
    sim_run_for(s, SIM_SECONDS(10));
    ck_assert_uint_ge(sim_copies(s, resource, 0, &newest), 3);
    offer_for_a_day(newest);
    ck_assert_uint_ge(living(), 3);
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert_uint_eq(living(), 0);
    offer_for_a_day(newest);
    offer_for_a_day(newest - 1);
    ck_assert_uint_eq(living(), 0);
    ck_assert(!is_anywhere(NULL));
    offer_for_a_day(newest + 1); /* only its owner could sign that */
    ck_assert_uint_eq(living(), 2);
    sim_free(s);
}
END_TEST

static const struct named_test tests[] = {
    {&s15_lifetime_that_a_holder_extends, 0, 0},
    {&s16_removed_and_replayed_when_that_has_ended, 0, 0},
    {&s16_replayed_to_who_has_forgotten, 0, 0},
};

int
main(void)
{
    return run_tests("attack_return", tests, sizeof tests / sizeof *tests);
}
