/* phone_test.c: users with phones on rings of real nodes: they are found and reached, whatever
 * happened before; and the checks of that see what they are there for.
 *
 * RFC 7904 3-5; attack row U1. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#include "tools/sim/sim_phone_plan.h"
#include "tools/sim/sim_reload.h"
#include "usages/turn_service.h"

#include <string.h>

#define LIFETIME_S 100

static struct sim *s;
static struct sim_phones *phones;
static char found[8]; /* the first invariant that was violated */

static const enum sim_links kinds_of_links[] = {SIM_LINKS_MESSAGES, SIM_LINKS_MIXED};

static void
note(void *argument, const char *invariant, const char *what)
{
    (void)argument;
    if (sim_log(s))
        fprintf(sim_log(s), "%s: %s\n", invariant, what);
    if (!found[0])
        snprintf(found, sizeof found, "%s", invariant);
}

/* A whole ring of |count| peers; all phones are off. |same_user|: the last two have one user. */
static void
begin(uint32_t count, enum sim_links links, bool same_user)
{
    struct sim_options options = ring_options();
    options.links = links;
    options.disks = true;
    sim_phones_plug(&options);
    s = sim_new(7904, &options);
    ring_grow(s, count - same_user);
    if (same_user) {
        (void)sim_add_node(s, &(struct sim_node_options){.user_name = sim_user_name(s, count - 2)});
        wait_until_whole(s, SIM_SECONDS(60));
    }
    phones = sim_phones_new(s, 7904, (struct sim_finder){note, NULL});
    found[0] = '\0';
    for (uint32_t i = 0; i < count; i++)
        ck_assert_uint_eq(sim_phone_add(phones, i), i);
}

static void
end(void)
{
    sim_free(s);
    sim_phones_free(phones);
}

static bool
are_settled(struct sim *sim, void *argument)
{
    (void)sim, (void)argument;
    for (uint32_t i = 0; i < phones->phone_count; i++)
        if (phones->phones[i]->contact > 0 && sim_is_alive(s, phones->phones[i]->host) &&
            !sim_phone_is_settled(phones, i))
            return false;
    return true;
}

static void
wait_until_settled(uint64_t limit_ns)
{
    ck_assert(sim_run_until(s, are_settled, NULL, limit_ns));
}

static void
all_on(void)
{
    for (uint32_t i = 0; i < phones->phone_count; i++)
        sim_phone_wish(phones, i, SIM_WISH_ON, 0, LIFETIME_S);
    wait_until_settled(SIM_SECONDS(20));
}

/* Calls, and checks whether that reaches |answerer|; SIM_NOBODY: nobody is found. */
static void
calls(uint32_t from, uint32_t to, uint32_t answerer)
{
    const struct sim_call *call = sim_phone_call_now(phones, from, to);
    ck_assert_ptr_nonnull(call);
    sim_phones_judge(phones, call);
    ck_assert_str_eq(found, "");
    ck_assert_int_eq(call->answered, answerer != SIM_NOBODY);
    ck_assert_uint_eq(call->answerer, answerer);
    if (answerer == SIM_NOBODY)
        ck_assert_int_eq(call->error, RELOAD_E_NOT_FOUND);
}

/* 7904-4.2-01, 7904-5.1-01. */
START_TEST(registered_called_removed)
{
    begin(6, kinds_of_links[_i], false);
    calls(0, 1, SIM_NOBODY);
    all_on();
    for (uint32_t i = 0; i < 6; i++)
        calls(i, (i + 1) % 6, (i + 1) % 6);
    sim_phone_wish(phones, 1, SIM_WISH_FORWARD, 4, LIFETIME_S);
    sim_phone_wish(phones, 2, SIM_WISH_OFF, 0, LIFETIME_S);
    wait_until_settled(SIM_SECONDS(20));
    calls(0, 1, 4);
    calls(0, 2, SIM_NOBODY);
    uint64_t registrations = phones->figures.registrations;
    sim_run_for(s, 3 * SIM_SECONDS(LIFETIME_S)); /* again before it ends, each time */
    ck_assert_uint_ge(phones->figures.registrations, registrations + 5 * 4);
    calls(3, 1, 4);
    calls(3, 2, SIM_NOBODY);
    sim_phones_judge_contact(phones, 4, 0);
    ck_assert_str_eq(found, "");
    end();
}
END_TEST

/* Who dies is called in vain, and not found when the registration has ended. */
START_TEST(callee_dies)
{
    begin(6, kinds_of_links[_i], false);
    all_on();
    calls(0, 1, 1);
    sim_kill(s, 1);
    const struct sim_call *call = sim_phone_call_now(phones, 0, 1); /* over a link to the dead */
    ck_assert(!call->answered);
    ck_assert_uint_eq(call->target_count, 1);
    ck_assert_uint_le(call->ended_ns - call->begun_ns, SIM_CALL_NS);
    sim_run_for(s, SIM_SECONDS(LIFETIME_S) + SIM_STRAGGLER_NS);
    calls(0, 1, SIM_NOBODY);
    sim_restart_from(s, 1, SIM_DISK_KEPT, 0);
    sim_run_for(s, SIM_SECONDS(20));
    ck_assert(sim_phone_is_settled(phones, 1));
    calls(0, 1, 1);
    sim_phones_judge_contact(phones, 1, 0);
    ck_assert_str_eq(found, "");
    end();
}
END_TEST

static bool
has_left(struct sim *sim, void *argument)
{
    return !sim_is_alive(sim, *(uint32_t *)argument);
}

/* Who leaves in good order is not found any more; who comes again is. */
START_TEST(callee_leaves)
{
    uint32_t callee = 1;
    begin(6, kinds_of_links[_i], false);
    all_on();
    calls(0, 1, 1);
    sim_leave(s, callee);
    ck_assert(sim_run_until(s, has_left, &callee, SIM_SECONDS(10)));
    calls(0, callee, SIM_NOBODY);
    sim_restart(s, callee);
    sim_run_for(s, SIM_SECONDS(20));
    calls(0, callee, callee);
    end();
}
END_TEST

static uint32_t
responsible_for(uint32_t phone)
{
    uint8_t resource[20];
    size_t size = 0;
    ck_assert_int_eq(reload_node_resource(sim_node(s, 0),
                                          reload_aor_bytes(&phones->phones[phone]->aor), resource,
                                          &size),
                     0);
    return sim_responsible(s, 0, (struct reload_bytes){resource, size});
}

/* The one that is responsible for the callee's registration dies in the moment of the call. */
START_TEST(responsible_peer_dies)
{
    begin(8, kinds_of_links[_i], false);
    all_on();
    uint32_t callee = 0;
    while (responsible_for(callee) == callee)
        callee++;
    uint32_t victim = responsible_for(callee), caller = (callee + 1) % 8;
    while (caller == victim || caller == callee)
        caller = (caller + 1) % 8;
    sim_kill(s, victim);
    calls(caller, callee, callee);
    end();
}
END_TEST

/* Half of the ring does not hear that a phone has another contact, and another one is off. */
START_TEST(partition_heals)
{
    begin(8, kinds_of_links[_i], false);
    all_on();
    for (uint32_t i = 0; i < 4; i++)
        sim_partition(s, i, 1);
    sim_run_for(s, SIM_SECONDS(30));
    sim_phone_wish(phones, 1, SIM_WISH_FORWARD, 2, LIFETIME_S);
    sim_phone_wish(phones, 5, SIM_WISH_OFF, 0, LIFETIME_S);
    sim_phone_wish(phones, 6, SIM_WISH_ON, 0, LIFETIME_S);
    wait_until_settled(SIM_SECONDS(60)); /* each in its part */
    const struct sim_call *call = sim_phone_call_now(phones, 0, 6);
    ck_assert(!call->answered);
    for (uint32_t i = 0; i < 4; i++)
        sim_partition(s, i, 0);
    wait_until_whole(s, SIM_SECONDS(60));
    sim_phones_audit(phones, sim_now(s) - SIM_SECONDS(60), false);
    ck_assert_str_eq(found, "");
    calls(7, 1, 2);
    calls(0, 5, SIM_NOBODY);
    calls(0, 6, 6);
    end();
}
END_TEST

/* 7904-3.2-01: a user with two devices, each with its entry. */
START_TEST(two_devices)
{
    begin(6, kinds_of_links[_i], true);
    ck_assert_str_eq(sim_user_name(s, 4), sim_user_name(s, 5));
    sim_phone_wish(phones, 4, SIM_WISH_ON, 0, LIFETIME_S);
    wait_until_settled(SIM_SECONDS(20));
    calls(0, 5, 4);
    sim_phone_wish(phones, 5, SIM_WISH_ON, 0, LIFETIME_S);
    wait_until_settled(SIM_SECONDS(20));
    const struct sim_call *call = sim_phone_call_now(phones, 0, 4);
    ck_assert(call->answered);
    ck_assert_uint_eq(call->target_count, 2);
    sim_phone_wish(phones, 4, SIM_WISH_OFF, 0, LIFETIME_S);
    wait_until_settled(SIM_SECONDS(20));
    calls(0, 4, 5);
    sim_kill(s, 5); /* the other one is there again */
    sim_phone_wish(phones, 4, SIM_WISH_ON, 0, LIFETIME_S);
    wait_until_settled(SIM_SECONDS(20));
    call = sim_phone_call_now(phones, 0, 4);
    ck_assert_uint_eq(call->target_count, 2);
    ck_assert_uint_eq(call->answerer, 4);
    ck_assert_str_eq(found, "");
    end();
}
END_TEST

/* All hosts start anew within a second: all phones are back within SIM_PHONES_BACK_NS. */
START_TEST(mass_restart)
{
    const uint32_t count = _i == 0 ? 48 : 16;
    begin(count, kinds_of_links[_i], false);
    all_on();
    for (uint32_t i = 0; i < count; i++)
        sim_kill(s, i);
    for (uint32_t i = 0; i < count; i++) {
        sim_run_for(s, SIM_SECONDS(1) / count);
        sim_restart_from(s, i, i % 2 ? SIM_DISK_KEPT : SIM_DISK_EMPTY, 0);
    }
    uint64_t calm = sim_now(s);
    sim_run_for(s, SIM_SECONDS(2)); /* the phones have noticed */
    wait_until_settled(SIM_PHONES_BACK_NS - SIM_SECONDS(2));
    wait_until_whole(s, calm + SIM_PHONES_BACK_NS - sim_now(s));
    for (uint32_t i = 0; i < count; i++)
        calls(i, (i * 7 + 3) % count, (i * 7 + 3) % count);
    sim_phones_judge_contact(phones, 3, 5);
    ck_assert_str_eq(found, "");
    end();
}
END_TEST

/* Attack row U1: at another's address, with the own and with the other's Node-ID. */
START_TEST(intruders)
{
    begin(6, SIM_LINKS_MESSAGES, false);
    sim_phone_wish(phones, 1, SIM_WISH_ON, 0, LIFETIME_S);
    wait_until_settled(SIM_SECONDS(20));
    for (uint32_t i = 0; i < 6; i++) {
        sim_phone_intrude(phones, i, 1, true);
        sim_run_for(s, SIM_SECONDS(2));
        sim_phone_intrude(phones, i, 1, false);
        sim_run_for(s, SIM_SECONDS(2));
    }
    ck_assert_uint_eq(phones->figures.intrusions, 10); /* not at the own one */
    ck_assert_uint_eq(phones->figures.refused, 10);
    calls(0, 1, 1);
    end();
}
END_TEST

/* Found by seeds 131 and 271: what has less than a second left does not come back from a disk, and
 * is not asked for (D131). */
START_TEST(disk_of_a_registration_that_ends)
{
    begin(3, SIM_LINKS_MESSAGES, false);
    all_on();
    uint64_t begun = phones->phones[0]->acknowledged_ns;
    for (uint32_t i = 0; i < 3; i++)
        sim_pause(s, i); /* nobody renews */
    sim_run_for(s, begun + SIM_SECONDS(LIFETIME_S - 2) - sim_now(s));
    struct sim_reload_result result = sim_reload(s, 1);
    ck_assert(result.comparable && result.same);
    ck_assert_uint_eq(result.refused, 0);
    ck_assert_uint_gt(result.records, 3);
    sim_run_for(s, SIM_MS(1500));
    ck_assert(!sim_reload(s, 1).comparable);
    end();
}
END_TEST

/* Lets nothing come to the host. */
static bool
keep_from(struct sim *sim, struct sim_passing *passing, void *argument)
{
    (void)sim;
    return passing->to != *(uint32_t *)argument;
}

/* Found by seed 31769: the Store of an announcement was carried out, its answer did not come, and
 * then the relay was taken away: what may be there has to be removed, too. */
START_TEST(relay_taken_away_after_a_store_without_an_answer)
{
    uint32_t lender = 1;
    begin(6, SIM_LINKS_MESSAGES, false);
    phones->phones[lender]->lends = true;
    sim_tap(s, keep_from, &lender);
    sim_phone_wish(phones, lender, SIM_WISH_ON, 0, LIFETIME_S);
    sim_run_for(s, SIM_SECONDS(20)); /* its Stores are done, and it does not know */
    sim_tap(s, NULL, NULL);
    sim_phone_wish(phones, lender, SIM_WISH_OFF, 0, LIFETIME_S);
    sim_run_for(s, SIM_MINUTES(2));
    ck_assert(sim_phone_is_settled(phones, lender));
    sim_phones_judge_relay(phones, lender, 0, true);
    ck_assert_str_eq(found, "");
    end();
}
END_TEST

/* What happens behind the back of the phones that are looked at. */
enum planted {
    V3_GONE,      /* a registration is removed */
    V3_NO_ANSWER, /* a callee takes no calls */
    V3_CANNOT,    /* a phone was never told that it is registered */
    V4_BACK,      /* one that was removed is there again */
    V4_OLD,       /* an older contact is stored */
    V5_NOBODY,    /* somebody is found whose user never registered */
    V3_NO_RELAY,  /* a relay is not announced any more */
    V4_RELAY,     /* the announcement of one that is lent no more is there again */
    V6_LATE,      /* a registration that does not end */
    V6_TWICE,     /* one that ends again */
    PLANTED_NOTHING,
    PLANTED_ROWS
};

/* The relay of phone 1 is taken away, and what was announced is stored again. */
static void
announce_again(void)
{
    uint8_t resource[16];
    struct reload_bytes place = {resource, sizeof resource};
    struct reload_fetch_specifier specifier = {.kind = RELOAD_KIND_TURN_SERVICE};
    sim_slot_resource(s, phones->phones[1]->host, 1, resource);
    struct sim_outcome outcome = sim_fetch_value(s, 0, place, &specifier);
    ck_assert(outcome.exists);
    sim_phone_wish(phones, 1, SIM_WISH_OFF, 0, LIFETIME_S);
    wait_until_settled(SIM_SECONDS(20));
    sim_run_for(s, SIM_SECONDS(5));
    sim_phones_judge_relay(phones, 1, 0, true);
    ck_assert_str_eq(found, "");
    struct reload_store_value value = {.kind = RELOAD_KIND_TURN_SERVICE,
                                       .value = {outcome.value, outcome.value_size},
                                       .exists = true,
                                       .lifetime_s = 600};
    ck_assert_int_eq(sim_store_value(s, phones->phones[1]->host, place, &value).error, 0);
}

static void
plant(enum planted what)
{
    struct reload_sip *sip = sim_phone_sip(phones->phones[1]);
    if (what == V3_GONE)
        ck_assert_int_eq(reload_sip_unregister(sip, NULL, NULL, sim_now(s)), 0);
    if (what == V3_NO_ANSWER)
        reload_sip_set_handler(sip, NULL);
    if (what == V3_CANNOT)
        phones->phones[1]->acknowledged = 0;
    if (what == V4_OLD)
        ck_assert_int_eq(reload_sip_register(sip, 600, "(description=<0>)", NULL, NULL, sim_now(s)),
                         0);
    if (what == V4_BACK || what == V5_NOBODY) {
        sip = sim_phone_sip(phones->phones[what == V4_BACK ? 2 : 3]);
        ck_assert_int_eq(reload_sip_register(sip, 600, "", NULL, NULL, sim_now(s)), 0);
    }
    if (what == V3_NO_RELAY)
        reload_turn_service_end(reload_node_usage(sim_node(s, 1), SIM_USAGE_TURN), sim_now(s));
    if (what == V4_RELAY)
        announce_again();
    if (what == V6_LATE)
        sim_errand_begin(&phones->phones[1]->storing, phones->phones[1], "registration",
                         SIM_REGISTER_NS);
    if (what == V6_TWICE)
        sim_errand_end(&phones->phones[1]->storing);
    for (uint32_t i = 0; i < 4; i++)
        sim_turn(s, i);
}

START_TEST(what_is_checked)
{
    static const char *const expected[] = {"V3", "V3", "V3", "V4", "V4", "V5",
                                           "V3", "V4", "V6", "V6", ""};
    begin(4, SIM_LINKS_MESSAGES, false);
    phones->phones[1]->lends = true;
    sim_phone_wish(phones, 0, SIM_WISH_ON, 0, 100 * LIFETIME_S);
    sim_phone_wish(phones, 1, SIM_WISH_ON, 0, 100 * LIFETIME_S);
    sim_phone_wish(phones, 2, SIM_WISH_ON, 0, LIFETIME_S);
    wait_until_settled(SIM_SECONDS(20));
    sim_phone_wish(phones, 2, SIM_WISH_OFF, 0, LIFETIME_S);
    wait_until_settled(SIM_SECONDS(20));
    sim_phones_audit(phones, sim_now(s) - SIM_PHONES_BACK_NS, true);
    ck_assert_str_eq(found, "");
    plant((enum planted)_i);
    sim_phones_audit(phones, sim_now(s), true);
    ck_assert_str_eq(found, expected[_i]);
    end();
}
END_TEST

static const struct named_test tests[] = {
    {&registered_called_removed, 0, 2},
    {&callee_dies, 0, 2},
    {&callee_leaves, 0, 2},
    {&responsible_peer_dies, 0, 2},
    {&partition_heals, 0, 2},
    {&two_devices, 0, 2},
    {&mass_restart, 0, 2},
    {&intruders, 0, 0},
    {&disk_of_a_registration_that_ends, 0, 0},
    {&relay_taken_away_after_a_store_without_an_answer, 0, 0},
    {&what_is_checked, 0, PLANTED_ROWS},
};

int
main(void)
{
    return run_tests("phone", tests, sizeof tests / sizeof *tests);
}
