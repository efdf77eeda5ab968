/* attack_identity_test.c: signatures and certificates that do not hold, any more or at all.
 *
 * RFC 6940 6.3.4, 7.1, 11.1, 11.3. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#define RING 6
#define TRANSACTION_ID_END 27 /* offset of its last octet in a message */

static bool
nobody_linked(struct sim *s, void *argument)
{
    uint32_t node = *(uint32_t *)argument;
    for (uint32_t i = 0; i < sim_node_count(s); i++)
        if (i != node && sim_is_alive(s, i) && sim_link(s, i, node))
            return false;
    return true;
}

/* C4: a certificate ends while its node is part of the ring: its links go, what it stored is no
 * longer handed out. */
START_TEST(c4_certificate_expires_in_mid_session)
{
    struct sim *s = ring_of(RING, 1);
    uint64_t passed_ms = (sim_now(s) - SIM_TIME_BEGIN) / RELOAD_MS;
    struct sim_node_options options = {.not_after_ms = SIM_WALL_BEGIN_MS + passed_ms + 60000};
    uint32_t mortal = sim_add_node(s, &options);
    wait_until_whole(s, SIM_SECONDS(40));
    ck_assert_int_eq(sim_store(s, mortal, 1, "for a while").error, 0);
    struct sim_outcome fetched = sim_fetch(s, 2, mortal, 1);
    ck_assert(sim_text(&fetched, "for a while"));
    ck_assert(!nobody_linked(s, &mortal));
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert(sim_run_until(s, nobody_linked, &mortal, SIM_SECONDS(10)));
    fetched = sim_fetch(s, 2, mortal, 1);
    ck_assert(fetched.error == 0 && (fetched.value_count == 0 || !fetched.exists));
    sim_kill(s, mortal);
    wait_until_whole(s, SIM_SECONDS(60));
    sim_free(s);
}
END_TEST

/* C3, C4, C6: certificates with which nobody gets in at all. */
static const struct {
    const char *what;
    struct sim_node_options options;
} outsiders[] = {
    {"not valid any more", {.not_after_ms = SIM_WALL_BEGIN_MS - 1}},
    {"not valid yet", {.not_before_ms = SIM_WALL_BEGIN_MS + UINT64_C(86400000)}},
    {"of another authority", {.authority = 77}},
};

START_TEST(c4_outsiders_do_not_get_in)
{
    struct sim *s = ring_of(RING, 1);
    uint32_t outsider = sim_add_node(s, &outsiders[_i].options);
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert_msg(!sim_is_joined(s, outsider), "%s", outsiders[_i].what);
    ck_assert(nobody_linked(s, &outsider));
    sim_kill(s, outsider);
    ck_assert(sim_ring_is_whole(s, 0, stderr));
    sim_free(s);
}
END_TEST

/* C4: messages signed with an expired certificate, from a link that is still believed. */
START_TEST(c4_clock_that_is_wrong_keeps_others_out_not_in)
{
    struct sim *s = ring_of(RING, 1);
    struct sim_node_options options = {.skew_ms = INT64_C(3) * 366 * 86400 * 1000};
    uint32_t late = sim_add_node(s, &options); /* to it, all certificates ended long ago */
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert(!sim_is_joined(s, late));
    sim_kill(s, late);
    wait_until_whole(s, SIM_SECONDS(10));
    sim_free(s);
}
END_TEST

/* C7: a signature that belongs to another transaction or overlay; C1: a flipped bit; C2: the
 * certificate is missing. */
enum c7_row { C7_TRANSACTION, C7_OVERLAY, C7_BODY, C7_SPOILED, C7_NO_CERTIFICATE, C7_ROWS };

START_TEST(c7_spliced_messages)
{
    struct sim *s = ring_of(RING, 1);
    uint32_t far = sim_successor_of(s, 0, 3);
    struct attacker mallory = attacker_at(s, 0);
    struct sim_draft *draft = ping_draft(s, &mallory);
    draft->other_overlay = _i == C7_OVERLAY;
    draft->spoiled = _i == C7_SPOILED;
    draft->without_certificate = _i == C7_NO_CERTIFICATE;
    /* By way of node 0 to a node that never saw the certificate. */
    sim_draft_to_node(draft, sim_node_id(s, far));
    struct reload_bytes sealed = sim_draft_seal(draft);
    uint8_t bytes[4096];
    ck_assert_uint_le(sealed.size, sizeof bytes);
    memcpy(bytes, sealed.data, sealed.size);
    struct reload_message message;
    ck_assert(sim_decode(s, 0, (struct reload_bytes){bytes, sealed.size}, &message));
    if (_i == C7_TRANSACTION)
        bytes[TRANSACTION_ID_END] ^= 1;
    if (_i == C7_BODY) /* the message's code: Ping's into Fetch's */
        bytes[(size_t)(message.contents_bytes.data - bytes) + 1] ^= 0x1e;
    const struct reload_counters *counters = sim_counters(s, far);
    uint64_t dropped = counters->dropped_signature + counters->dropped_certificate;
    uint64_t answered = counters->requests_answered, errors = counters->errors_sent;
    sim_puppet_say(s, mallory.self, mallory.link, (struct reload_bytes){bytes, sealed.size});
    sim_run_for(s, SIM_SECONDS(2));
    ck_assert_uint_eq(counters->dropped_signature + counters->dropped_certificate, dropped + 1);
    ck_assert_uint_eq(counters->errors_sent, errors);
    /* The attacker hears requests of its neighbour, no answer. */
    ck_assert_uint_eq(counters->requests_answered, answered);
    for (size_t i = 0; i < sim_puppet_heard_count(s, mallory.self); i++)
        ck_assert_uint_eq(sim_message_code(s, sim_puppet_heard(s, mallory.self, i)) % 2, 1);
    sim_draft_free(draft);
    sim_free(s);
}
END_TEST

/* ---- C12: floods of signatures that do not verify ---- */

#define FLOOD_PER_S 1000 /* ten times what an honest client asks for here */
#define HONEST_PER_S 100
#define FLOOD_S 4

struct flood {
    struct sim *sim;
    struct attacker mallory;
    uint32_t target, honest, honest_link;
    bool invents_ways;
    unsigned asked, sent;
};

/* A signature that nobody made: one of mallory's own, spoiled. */
static void
send_junk(struct flood *flood)
{
    struct sim_draft *draft = ping_draft(flood->sim, &flood->mallory);
    draft->spoiled = true;
    if (flood->invents_ways) {
        struct reload_node_id way = {{(uint8_t)flood->sent, (uint8_t)(flood->sent >> 8), 1}};
        sim_draft_via_node(draft, &way);
    }
    sim_draft_to_node(draft, sim_node_id(flood->sim, flood->target));
    sim_puppet_say(flood->sim, flood->mallory.self, flood->mallory.link, sim_draft_seal(draft));
    sim_draft_free(draft);
    flood->sent++;
}

static void
ask_honestly(struct flood *flood)
{
    struct attacker honest = {flood->honest, 0, flood->honest_link};
    struct sim_draft *draft = ping_draft(flood->sim, &honest);
    sim_draft_to_node(draft, sim_node_id(flood->sim, flood->target));
    sim_puppet_say(flood->sim, flood->honest, flood->honest_link, sim_draft_seal(draft));
    sim_draft_free(draft);
    flood->asked++;
}

static unsigned
count_answers(const struct flood *flood)
{
    unsigned answers = 0;
    for (size_t i = 0; i < sim_puppet_heard_count(flood->sim, flood->honest); i++)
        answers += sim_message_code(flood->sim, sim_puppet_heard(flood->sim, flood->honest, i)) ==
                   RELOAD_MESSAGE_PING_ANS;
    return answers;
}

static void
let_flood(struct flood *flood)
{
    for (unsigned i = 0; i < FLOOD_PER_S * FLOOD_S; i++) {
        send_junk(flood);
        if (i % (FLOOD_PER_S / HONEST_PER_S) == 0)
            ask_honestly(flood);
        sim_run_for(flood->sim, SIM_SECONDS(1) / FLOOD_PER_S);
    }
    sim_run_for(flood->sim, SIM_SECONDS(2));
}

enum { C12_NEIGHBOR, C12_INVENTED_WAYS, C12_FAR, C12_SAME_PEER, C12_ROWS };

/* Mallory floods its neighbour, or a node behind it, from there the honest client comes, too, in
 * the last row. What is verified of the flood is bounded, and what is asked honestly is answered.
 */
START_TEST(c12_floods)
{
    struct sim *s = ring_of(RING, 1);
    bool far = _i == C12_FAR || _i == C12_SAME_PEER;
    struct flood flood = {.sim = s, .mallory = attacker_at(s, 0)};
    flood.target = far ? sim_successor_of(s, 0, 3) : 0;
    flood.invents_ways = _i == C12_INVENTED_WAYS;
    struct attacker honest = attacker_at(s, _i == C12_SAME_PEER ? 0 : flood.target);
    flood.honest = honest.self;
    flood.honest_link = honest.link;
    const struct reload_counters *counters = sim_counters(s, flood.target);
    uint64_t failed = counters->dropped_signature, unread = counters->dropped_flood;
    let_flood(&flood);
    failed = counters->dropped_signature - failed;
    unread = counters->dropped_flood - unread;
    /* 32 are forgiven at once, then 20 a second; by each of 16 ways at most. */
    unsigned ways = flood.invents_ways ? 16 : 1;
    ck_assert_uint_le(failed, ways * (32 + 20 * (FLOOD_S + 2)));
    ck_assert_uint_ge(unread + failed, flood.sent);
    ck_assert_uint_ge(count_answers(&flood), flood.asked * 9 / 10);
    /* When the flood is over, who made it is heard again. */
    sim_run_for(s, SIM_SECONDS(2));
    struct sim_draft *draft = ping_draft(s, &flood.mallory);
    sim_draft_to_node(draft, sim_node_id(s, flood.target));
    ck_assert_uint_eq(ask(s, &flood.mallory, draft), 0);
    sim_draft_free(draft);
    sim_free(s);
}
END_TEST

/* ---- C8: replay ---- */

/* Keeps the first message of each code that |victim| sent. */
#define RECORDS_MAX 64
struct recorder {
    uint32_t victim;
    size_t sizes[RECORDS_MAX];
    uint8_t records[RECORDS_MAX][6000];
};

static bool
record(struct sim *s, struct sim_passing *passing, void *argument)
{
    struct recorder *recorder = argument;
    struct reload_message message;
    if (passing->from != recorder->victim || passing->size > sizeof recorder->records[0] ||
        !sim_decode(s, 0, (struct reload_bytes){passing->bytes, passing->size}, &message))
        return true;
    uint16_t code = message.contents.message_code;
    if (code >= RECORDS_MAX || recorder->sizes[code])
        return true;
    recorder->sizes[code] = passing->size;
    memcpy(recorder->records[code], passing->bytes, passing->size);
    return true;
}

/* What replaying a request of |code| 20 s later must lead to: |first| or |second| as error code. */
static const struct {
    uint16_t code;
    const char *name;
    uint16_t first, second;
} replay_rows[] = {
    {RELOAD_MESSAGE_JOIN_REQ, "Join", RELOAD_ERROR_FORBIDDEN, RELOAD_ERROR_FORBIDDEN},
    {RELOAD_MESSAGE_LEAVE_REQ, "Leave", RELOAD_ERROR_FORBIDDEN, RELOAD_ERROR_FORBIDDEN},
    {RELOAD_MESSAGE_UPDATE_REQ, "Update", RELOAD_ERROR_FORBIDDEN, 0}, /* 0: a hint (D3) */
    {RELOAD_MESSAGE_STORE_REQ, "Store", RELOAD_ERROR_DATA_TOO_OLD, RELOAD_ERROR_DATA_TOO_OLD},
    {RELOAD_MESSAGE_FETCH_REQ, "Fetch", 0, 0},
    {RELOAD_MESSAGE_PING_REQ, "Ping", 0, 0},
};

START_TEST(c8_replay_after_the_transaction)
{
    static struct recorder recorder;
    memset(&recorder, 0, sizeof recorder);
    struct sim *s = ring_of(RING, 1);
    recorder.victim = sim_node_count(s); /* the next one */
    sim_tap(s, record, &recorder);
    uint32_t victim = sim_add_node(s, NULL);
    ck_assert_uint_eq(victim, recorder.victim);
    wait_until_whole(s, SIM_SECONDS(60));
    uint32_t target = sim_successor_of(s, victim, 2);
    uint8_t slot = sim_slot_at(s, victim, target);
    ck_assert_int_eq(sim_store(s, victim, slot, "old").error, 0);
    ck_assert_int_eq(sim_store(s, victim, slot, "new").error, 0);
    struct sim_outcome fetched = sim_fetch(s, victim, victim, slot);
    ck_assert(sim_text(&fetched, "new"));
    ck_assert_int_eq(sim_ping(s, victim, target).error, 0);
    if (replay_rows[_i].code == RELOAD_MESSAGE_LEAVE_REQ) {
        sim_leave(s, victim);
        sim_run_for(s, SIM_SECONDS(5));
        sim_restart(s, victim);
        wait_until_whole(s, SIM_SECONDS(60));
    }
    sim_tap(s, NULL, NULL);
    uint16_t code = replay_rows[_i].code;
    ck_assert_msg(recorder.sizes[code] > 0, "no %s was recorded", replay_rows[_i].name);
    sim_run_for(s, SIM_SECONDS(20));
    ck_assert(sim_ring_is_whole(s, 0, stderr));

    struct attacker mallory = attacker_at(s, target);
    struct reload_bytes recorded = {recorder.records[code], recorder.sizes[code]};
    const struct sim_heard *heard =
        sim_replay(s, mallory.self, mallory.link, recorded, sim_node_id(s, target));
    uint16_t error = sim_error_code(s, heard);
    /* Silence is as good as the error that the table names. */
    ck_assert_msg(!heard || error == replay_rows[_i].first || error == replay_rows[_i].second,
                  "%s: error code %u", replay_rows[_i].name, error);
    sim_run_for(s, SIM_SECONDS(20));
    ck_assert(sim_ring_is_whole(s, 0, stderr));
    if (code != RELOAD_MESSAGE_LEAVE_REQ) {
        fetched = sim_fetch(s, 0, victim, slot);
        ck_assert(sim_text(&fetched, "new"));
    }
    sim_free(s);
}
END_TEST

/* C8: a replayed Attach leads to no link of anybody. */
START_TEST(c8_replayed_attach_makes_no_link)
{
    static struct recorder recorder;
    memset(&recorder, 0, sizeof recorder);
    struct sim *s = ring_of(RING, 1);
    recorder.victim = sim_node_count(s);
    sim_tap(s, record, &recorder);
    uint32_t victim = sim_add_node(s, NULL);
    wait_until_whole(s, SIM_SECONDS(60));
    sim_tap(s, NULL, NULL);
    ck_assert_uint_gt(recorder.sizes[RELOAD_MESSAGE_ATTACH_REQ], 0);
    sim_kill(s, victim);
    sim_run_for(s, SIM_SECONDS(60));
    struct attacker mallory = attacker_at(s, 0);
    struct reload_bytes recorded = {recorder.records[RELOAD_MESSAGE_ATTACH_REQ],
                                    recorder.sizes[RELOAD_MESSAGE_ATTACH_REQ]};
    for (int i = 0; i < 50; i++)
        (void)sim_replay(s, mallory.self, mallory.link, recorded, sim_node_id(s, 0));
    sim_run_for(s, SIM_SECONDS(30));
    ck_assert(nobody_linked(s, &victim));
    ck_assert(sim_ring_is_whole(s, 0, stderr));
    sim_free(s);
}
END_TEST

/* C9: a node is put on the list of bad nodes (11.1): its links end within 10 s, nothing that it
 * signs is believed, and it does not get in again. */
START_TEST(c9_bad_node_is_cut_off)
{
    struct sim *s = ring_of(RING + 1, 1);
    uint32_t bad = 3;
    ck_assert_int_eq(sim_store(s, bad, 1, "bad").error, 0);
    struct sim_outcome fetched = sim_fetch(s, 1, bad, 1);
    ck_assert(sim_text(&fetched, "bad"));
    sim_add_bad_node(s, bad);
    ck_assert(sim_run_until(s, nobody_linked, &bad, SIM_SECONDS(10)));
    sim_run_for(s, SIM_SECONDS(30));
    ck_assert(nobody_linked(s, &bad));
    fetched = sim_fetch(s, 1, bad, 1);
    ck_assert(fetched.value_count == 0 || !fetched.exists);
    sim_kill(s, bad);
    wait_until_whole(s, SIM_SECONDS(60));
    sim_free(s);
}
END_TEST

/* C5: a node whose certificate is its own, but not its key. */
START_TEST(c5_wrong_key_never_joins)
{
    struct sim *s = ring_of(RING, 1);
    uint32_t thief = sim_add_node(s, &(struct sim_node_options){.wrong_key = true});
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert(!sim_is_joined(s, thief));
    sim_kill(s, thief);
    sim_run_for(s, SIM_SECONDS(10));
    ck_assert(sim_ring_is_whole(s, 0, stderr));
    sim_free(s);
}
END_TEST

static const struct named_test tests[] = {
    {&c4_certificate_expires_in_mid_session, 0, 0},
    {&c4_outsiders_do_not_get_in, 0, sizeof outsiders / sizeof *outsiders},
    {&c4_clock_that_is_wrong_keeps_others_out_not_in, 0, 0},
    {&c7_spliced_messages, 0, C7_ROWS},
    {&c12_floods, 0, C12_ROWS},
    {&c8_replay_after_the_transaction, 0, sizeof replay_rows / sizeof *replay_rows},
    {&c8_replayed_attach_makes_no_link, 0, 0},
    {&c9_bad_node_is_cut_off, 0, 0},
    {&c5_wrong_key_never_joins, 0, 0},
};

int
main(void)
{
    return run_tests("attack_identity", tests, sizeof tests / sizeof *tests);
}
