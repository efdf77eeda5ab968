/* attack_storage_test.c: stores that must not happen and answers that must not be believed.
 *
 * RFC 6940 7.3, 7.4, 10.4. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#define RING 8

static struct sim *s;
static struct attacker mallory;

static void
begin(void)
{
    s = ring_of(RING, 1);
    mallory = attacker_at(s, 0);
}

static void
end(void)
{
    ck_assert(sim_ring_is_whole(s, 0, stderr));
    sim_free(s);
}

/* A value for |signer|'s own |slot|, in whose resource |resource| it belongs. */
static struct sim_value
slot_value(uint32_t signer, uint8_t slot, const char *text, uint8_t resource[16])
{
    sim_slot_resource(s, signer, slot, resource);
    struct sim_value value = {.signer = signer,
                              .resource = {resource, 16},
                              .kind = SIM_KIND_SLOT,
                              .value.model = RELOAD_DATA_MODEL_SINGLE_VALUE};
    value.value.single_value_entry.exists = true;
    value.value.single_value_entry.value = reload_bytes_of_string(text);
    return value;
}

/* Sends a Store for |resource| with |value| from the attacker to |node|; the error code, or 0. */
static uint16_t
store_at(uint32_t node, const struct sim_value *value, struct reload_bytes resource,
         uint64_t generation, uint8_t replica_number)
{
    uint8_t body[4096];
    size_t size = sim_store_body(s, value, resource, generation, replica_number, body, sizeof body);
    struct sim_draft *draft =
        sim_draft_new(s, mallory.self, RELOAD_MESSAGE_STORE_REQ, (struct reload_bytes){body, size});
    sim_draft_to_node(draft, sim_node_id(s, node));
    uint16_t code = ask(s, &mallory, draft);
    sim_draft_free(draft);
    return code;
}

static uint64_t
stored_everywhere(void)
{
    uint64_t stored = 0;
    for (uint32_t i = 0; i < RING; i++)
        stored += sim_counters(s, i)->values_stored;
    return stored;
}

START_TEST(honest_store_by_hand_is_taken)
{
    begin();
    uint8_t resource[16], slot = sim_slot_at(s, mallory.self, 0);
    struct sim_value value = slot_value(mallory.self, slot, "mine", resource);
    ck_assert_uint_eq(store_at(0, &value, value.resource, 0, 0), 0);
    struct sim_outcome fetched = sim_fetch(s, 3, mallory.self, slot);
    ck_assert(sim_text(&fetched, "mine"));
    end();
}
END_TEST

/* R8: a Store that is sent again within 15 s gets the same answer, octet by octet, and is done once
 * (6.2.1); not so any more when the transaction is over. */
START_TEST(r8_store_sent_again)
{
    begin();
    uint8_t resource[16], body[4096], slot = sim_slot_at(s, mallory.self, 0);
    struct sim_value value = slot_value(mallory.self, slot, "once", resource);
    size_t size = sim_store_body(s, &value, value.resource, 0, 0, body, sizeof body);
    struct sim_draft *draft =
        sim_draft_new(s, mallory.self, RELOAD_MESSAGE_STORE_REQ, (struct reload_bytes){body, size});
    sim_draft_to_node(draft, sim_node_id(s, 0));
    uint64_t before = sim_counters(s, 0)->values_stored;
    struct reload_message answers[3];
    for (int i = 0; i < 3; i++) {
        const struct sim_heard *heard = sim_puppet_ask(s, mallory.self, mallory.link, draft);
        ck_assert_ptr_nonnull(heard);
        ck_assert_uint_eq(sim_error_code(s, heard), 0);
        ck_assert(sim_decode(s, 0, heard->bytes, &answers[i]));
        ck_assert(reload_bytes_equal(answers[i].contents_bytes, answers[0].contents_bytes));
        sim_run_for(s, SIM_SECONDS(5));
    }
    ck_assert_uint_eq(sim_counters(s, 0)->values_stored, before + 1);
    sim_run_for(s, SIM_SECONDS(30));
    ck_assert_uint_eq(ask(s, &mallory, draft), RELOAD_ERROR_DATA_TOO_OLD);
    ck_assert_uint_eq(sim_counters(s, 0)->values_stored, before + 1);
    sim_draft_free(draft);
    end();
}
END_TEST

/* S5: a replica from somebody who has no business with it (7.4.1.1, 10.4). */
START_TEST(s5_replica_from_outside_of_the_replica_set)
{
    begin();
    uint8_t resource[16];
    for (uint32_t node = 0; node < RING; node++) {
        uint64_t before = stored_everywhere();
        uint8_t slot = sim_slot_at(s, mallory.self, node);
        struct sim_value value = slot_value(mallory.self, slot, "a replica", resource);
        ck_assert_uint_eq(store_at(node, &value, value.resource, 7, 1), RELOAD_ERROR_FORBIDDEN);
        ck_assert_uint_eq(stored_everywhere(), before);
    }
    end();
}
END_TEST

/* S5: a peer that is in the ring, but not responsible for the resource, sends a replica. */
START_TEST(s5_replica_of_a_range_that_is_not_the_senders)
{
    begin();
    sim_run_for(s, SIM_SECONDS(5)); /* until those who are farther apart are linked, too */
    uint8_t resource[16], body[4096];
    uint32_t holder = 3, liar = sim_successor_of(s, holder, 4);
    uint8_t slot = sim_slot_at(s, liar, sim_successor_of(s, holder, 2));
    struct sim_value value = slot_value(liar, slot, "a replica", resource);
    size_t size = sim_store_body(s, &value, value.resource, 7, 1, body, sizeof body);
    struct sim_draft *draft =
        sim_draft_new(s, liar, RELOAD_MESSAGE_STORE_REQ, (struct reload_bytes){body, size});
    sim_draft_to_node(draft, sim_node_id(s, holder));
    uint64_t before = stored_everywhere(), errors = sim_counters(s, holder)->errors_sent;
    sim_send(s, liar, holder, sim_draft_seal(draft));
    sim_run_for(s, SIM_SECONDS(2));
    ck_assert_uint_eq(stored_everywhere(), before);
    ck_assert_uint_eq(sim_counters(s, holder)->errors_sent, errors + 1);
    sim_draft_free(draft);
    end();
}
END_TEST

/* S6: replica_number 0 at a peer that is not responsible (7.4.1.1, D7). */
START_TEST(s6_store_at_a_peer_that_is_not_responsible)
{
    begin();
    uint8_t resource[16];
    for (uint32_t node = 1; node < RING; node++) {
        uint64_t before = stored_everywhere();
        uint8_t slot = sim_slot_at(s, mallory.self, 0);
        struct sim_value value = slot_value(mallory.self, slot, "misplaced", resource);
        ck_assert_uint_eq(store_at(node, &value, value.resource, 0, 0), RELOAD_ERROR_NOT_FOUND);
        ck_assert_uint_eq(stored_everywhere(), before);
    }
    end();
}
END_TEST

/* S8: signatures of values that do not hold (7.1): nothing of the request is stored. */
enum s8_row { S8_SPOILED, S8_OTHER_RESOURCE, S8_OTHER_KEY, S8_OTHER_USERS_SLOT, S8_ROWS };

START_TEST(s8_value_signatures)
{
    begin();
    uint8_t resource[16], other[16], slot = sim_slot_at(s, mallory.self, 0);
    struct sim_value value = slot_value(mallory.self, slot, "forged", resource);
    switch ((enum s8_row)_i) {
    case S8_SPOILED:
        value.spoiled = true;
        break;
    case S8_OTHER_RESOURCE:
        sim_slot_resource(s, mallory.self, (uint8_t)(slot + 1), other);
        value.resource.data = other;
        break;
    case S8_OTHER_KEY:
        value.signer = sim_add_puppet(s, NULL); /* may not store in this slot */
        break;
    case S8_OTHER_USERS_SLOT:
        slot = sim_slot_at(s, 4, 0);
        value = slot_value(4, slot, "forged", resource);
        value.signer = mallory.self;
        break;
    case S8_ROWS:
        break;
    }
    uint64_t before = stored_everywhere();
    ck_assert_uint_eq(store_at(0, &value, (struct reload_bytes){resource, 16}, 0, 0),
                      RELOAD_ERROR_FORBIDDEN);
    ck_assert_uint_eq(stored_everywhere(), before);
    struct sim_outcome fetched =
        sim_fetch(s, 2, _i == S8_OTHER_USERS_SLOT ? 4 : mallory.self, slot);
    ck_assert(fetched.error == 0 && (fetched.value_count == 0 || !fetched.exists));
    end();
}
END_TEST

/* S10: a Kind that is not in the document (7.4.1.2): the answer lists it. */
START_TEST(s10_unknown_kind)
{
    begin();
    static const uint8_t list[5] = {4, 0xf0, 0, 0, 0xff};
    uint8_t resource[16], body[4096], slot = sim_slot_at(s, mallory.self, 0);
    struct sim_value value = slot_value(mallory.self, slot, "what is this", resource);
    value.kind = 0xf00000ff;
    uint64_t before = stored_everywhere();
    size_t size = sim_store_body(s, &value, value.resource, 0, 0, body, sizeof body);
    struct sim_draft *draft =
        sim_draft_new(s, mallory.self, RELOAD_MESSAGE_STORE_REQ, (struct reload_bytes){body, size});
    sim_draft_to_node(draft, sim_node_id(s, 0));
    const struct sim_heard *heard = sim_puppet_ask(s, mallory.self, mallory.link, draft);
    ck_assert_uint_eq(sim_error_code(s, heard), RELOAD_ERROR_UNKNOWN_KIND);
    struct reload_message message;
    ck_assert(sim_decode(s, 0, heard->bytes, &message));
    struct reload_wire wire = {.node_id_length = 16};
    struct reload_reader reader = reload_reader_of(message.contents.message_body);
    struct reload_error_response response;
    ck_assert_int_eq(reload_error_response_decode(&reader, &wire, &response), 0);
    ck_assert_uint_eq(response.error_info.size, sizeof list);
    ck_assert_mem_eq(response.error_info.data, list, sizeof list);
    ck_assert_uint_eq(stored_everywhere(), before);
    sim_draft_free(draft);
    end();
}
END_TEST

START_TEST(s10_our_own_unknown_kind_is_refused_at_once)
{
    begin();
    uint8_t resource[16];
    sim_slot_resource(s, 0, 1, resource);
    struct reload_store_value value = {.kind = 0xf00000ff, .exists = true, .lifetime_s = 60};
    struct sim_outcome outcome = sim_store_value(s, 0, (struct reload_bytes){resource, 16}, &value);
    ck_assert_int_eq(outcome.error, RELOAD_E_UNKNOWN_KIND);
    end();
}
END_TEST

/* ---- P28, C11: a fetch whose answer is forged ---- */

/* What the false answer to a Fetch holds. */
enum forgery {
    FORGERY_NONE, /* honest: shows that the attack works */
    FORGERY_UNASKED_KIND,
    FORGERY_KIND_TWICE,
    FORGERY_VALUE_TWICE,
    FORGERY_OVERSIZED,
    FORGERY_OTHER_RESOURCE,
    FORGERY_SPOILED,
    FORGERY_FAR_RESPONDER, /* C11: signed by somebody who is not near the resource */
    FORGERY_ROWS,
};

struct forger {
    enum forgery forgery;
    uint32_t reader, owner, puppet, link;
    uint8_t slot;
    unsigned answered;
};

static size_t
encode_kind(uint32_t kind, struct reload_bytes values, uint8_t *data, size_t capacity)
{
    struct reload_wire wire = {.node_id_length = 16};
    struct reload_writer writer = reload_writer_of(data, capacity);
    struct reload_fetch_kind_response response = {
        .kind = kind, .model = RELOAD_DATA_MODEL_SINGLE_VALUE, .generation = 3, .values = values};
    reload_fetch_kind_response_encode(&writer, &wire, &response);
    ck_assert(!writer.failed);
    return writer.size;
}

static size_t
forge_body(const struct forger *forger, uint8_t *body, size_t capacity)
{
    static char large[SIM_VALUE_MAX + 2];
    uint8_t resource[16], other[16], values[2 * SIM_VALUE_MAX + 1024], kinds[4096];
    memset(large, 'x', sizeof large - 1);
    struct sim_value value = slot_value(forger->owner, forger->slot, "false", resource);
    if (forger->forgery == FORGERY_OVERSIZED)
        value.value.single_value_entry.value = reload_bytes_of_string(large);
    if (forger->forgery == FORGERY_OTHER_RESOURCE) {
        sim_slot_resource(s, forger->owner, (uint8_t)(forger->slot + 1), other);
        value.resource.data = other;
    }
    value.spoiled = forger->forgery == FORGERY_SPOILED;
    bool unasked = forger->forgery == FORGERY_UNASKED_KIND;
    value.kind = unasked ? (uint32_t)SIM_KIND_USER : (uint32_t)SIM_KIND_SLOT;
    size_t size = sim_stored_data(s, &value, values, sizeof values);
    if (forger->forgery == FORGERY_VALUE_TWICE)
        size += sim_stored_data(s, &value, values + size, sizeof values - size);
    size_t used = encode_kind(value.kind, (struct reload_bytes){values, size}, kinds, sizeof kinds);
    if (forger->forgery == FORGERY_KIND_TWICE)
        used += encode_kind(value.kind, (struct reload_bytes){values, size}, kinds + used,
                            sizeof kinds - used);
    struct reload_wire wire = {.node_id_length = 16};
    struct reload_fetch_ans answer = {.kind_responses = {kinds, used}};
    struct reload_writer writer = reload_writer_of(body, capacity);
    reload_fetch_ans_encode(&writer, &wire, &answer);
    ck_assert(!writer.failed);
    return writer.size;
}

/* Swallows the reader's FetchReq and has the puppet answer it. */
static bool
forge(struct sim *sim, struct sim_passing *passing, void *argument)
{
    struct forger *forger = argument;
    struct reload_bytes request = {passing->bytes, passing->size};
    struct reload_message message;
    uint8_t body[8192];
    if (passing->from != forger->reader || !sim_decode(sim, 0, request, &message) ||
        message.contents.message_code != RELOAD_MESSAGE_FETCH_REQ)
        return true;
    forger->answered++;
    size_t size = forge_body(forger, body, sizeof body);
    struct sim_draft *draft = sim_draft_new(sim, forger->puppet, RELOAD_MESSAGE_FETCH_ANS,
                                            (struct reload_bytes){body, size});
    draft->message.header.transaction_id = message.header.transaction_id;
    sim_draft_to_node(draft, sim_node_id(sim, forger->reader));
    draft->more_certificates[draft->more_certificate_count++] = forger->owner;
    sim_puppet_say(sim, forger->puppet, forger->link, sim_draft_seal(draft));
    sim_draft_free(draft);
    return false;
}

START_TEST(p28_forged_fetch_answers)
{
    s = ring_of(RING, 1);
    struct forger forger = {.forgery = (enum forgery)_i, .reader = 0, .owner = 5};
    forger.slot = sim_slot_at(s, forger.owner, sim_successor_of(s, 0, 3)); /* not node 0 */
    struct sim_node_options near = {0};
    sim_slot_resource(s, forger.owner, forger.slot, near.node_id.octets);
    forger.puppet = sim_add_puppet(s, _i == FORGERY_FAR_RESPONDER ? NULL : &near);
    forger.link = sim_puppet_connect(s, forger.puppet, forger.reader);
    ck_assert_uint_ne(forger.link, 0);
    sim_tap(s, forge, &forger);
    struct sim_outcome fetched = sim_fetch(s, forger.reader, forger.owner, forger.slot);
    sim_tap(s, NULL, NULL);
    ck_assert_uint_ge(forger.answered, 1);
    bool twice = _i == FORGERY_VALUE_TWICE || _i == FORGERY_KIND_TWICE;
    if (_i == FORGERY_NONE)
        ck_assert_msg(sim_text(&fetched, "false"), "%s", reload_error_text(fetched.error));
    else
        ck_assert_msg(fetched.value_count <= twice, "row %d: %zu values", _i, fetched.value_count);
    if (_i == FORGERY_FAR_RESPONDER)
        ck_assert_int_eq(fetched.error, RELOAD_E_TIMEOUT);
    end();
}
END_TEST

static const struct named_test tests[] = {
    {&honest_store_by_hand_is_taken, 0, 0},
    {&r8_store_sent_again, 0, 0},
    {&s5_replica_from_outside_of_the_replica_set, 0, 0},
    {&s5_replica_of_a_range_that_is_not_the_senders, 0, 0},
    {&s6_store_at_a_peer_that_is_not_responsible, 0, 0},
    {&s8_value_signatures, 0, S8_ROWS},
    {&s10_unknown_kind, 0, 0},
    {&s10_our_own_unknown_kind_is_refused_at_once, 0, 0},
    {&p28_forged_fetch_answers, 0, FORGERY_ROWS},
};

int
main(void)
{
    return run_tests("attack_storage", tests, sizeof tests / sizeof *tests);
}
