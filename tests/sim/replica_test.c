/* replica_test.c: values that are read from replicas, since the responsible peer is silent or
 * lies, and what other holders may do about that.
 *
 * RFC 6940 10.4, 13.5.3, 13.6; D92; attack row S19. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#include "reload/core/value.h"
#include "tools/sim/sim_copies.h"

#define RING 16
#define READER 0
#define OWNER 1

static struct sim *s;
static uint8_t resource[16], slot;
static uint64_t stored_ms;
static uint32_t holders[3]; /* the responsible peer and its replicas */

static const struct reload_route plain = {.replicas = RELOAD_REPLICAS_NONE};
static const struct reload_route if_needed = {.replicas = RELOAD_REPLICAS_IF_NEEDED};
static const struct reload_route all = {.replicas = RELOAD_REPLICAS_ALL};

/* What becomes of answers to Fetches; also of what else the silent ones should say. */
enum lie { TRUTH, SILENCE, NOTHING, ABSENT, OLD, FORGED, OF_ANOTHER };

struct liar {
    enum lie of[256]; /* by host */
    unsigned lies;
};
static struct liar liars;

/* Writes the FetchAns that |lie| asks for. */
static size_t
write_answer(enum lie lie, uint8_t *body, size_t capacity)
{
    static const struct reload_wire wire = {.node_id_length = 16};
    uint8_t values[1024], kinds[1200];
    struct reload_fetch_ans answer = {{0}};
    struct reload_writer list = reload_writer_of(values, sizeof values);
    struct sim_value value = {.signer = lie == OF_ANOTHER ? READER : OWNER,
                              .resource = {resource, 16},
                              .kind = SIM_KIND_SLOT,
                              .storage_time_ms = lie == OLD ? stored_ms - 1 : 0,
                              .spoiled = lie == FORGED,
                              .value.model = RELOAD_DATA_MODEL_SINGLE_VALUE};
    value.value.single_value_entry.exists = true;
    value.value.single_value_entry.value = reload_bytes_of_string("false");
    if (lie == ABSENT)
        reload_value_absent(&list, &wire, RELOAD_DATA_MODEL_SINGLE_VALUE, (struct reload_bytes){0});
    else
        list.size = sim_stored_data(s, &value, values, sizeof values);
    struct reload_fetch_kind_response kind = {.kind = SIM_KIND_SLOT,
                                              .model = RELOAD_DATA_MODEL_SINGLE_VALUE,
                                              .generation = 1,
                                              .values = {values, list.size}};
    struct reload_writer writer = reload_writer_of(kinds, sizeof kinds);
    reload_fetch_kind_response_encode(&writer, &wire, &kind);
    if (lie != NOTHING)
        answer.kind_responses = reload_writer_written(&writer);
    writer = reload_writer_of(body, capacity);
    reload_fetch_ans_encode(&writer, &wire, &answer);
    ck_assert(!writer.failed);
    return writer.size;
}

/* Puts an answer that |passing->from| signed itself in the place of the true one. */
static void
replace(struct sim_passing *passing, const struct reload_message *message, enum lie lie)
{
    uint8_t body[2048];
    size_t size = write_answer(lie, body, sizeof body);
    struct sim_draft *draft = sim_draft_new(s, passing->from, RELOAD_MESSAGE_FETCH_ANS,
                                            (struct reload_bytes){body, size});
    draft->message.header.transaction_id = message->header.transaction_id;
    draft->message.header.destination_list = message->header.destination_list;
    draft->more_certificates[draft->more_certificate_count++] = lie == OF_ANOTHER ? READER : OWNER;
    struct reload_bytes sealed = sim_draft_seal(draft);
    ck_assert_uint_le(sealed.size, passing->capacity);
    memcpy(passing->bytes, sealed.data, sealed.size);
    passing->size = sealed.size;
    sim_draft_free(draft);
}

static bool
lie_to(struct sim *sim, struct sim_passing *passing, void *argument)
{
    struct liar *liar = argument;
    struct reload_message message;
    enum lie lie = liar->of[passing->from];
    struct reload_bytes bytes = {passing->bytes, passing->size};
    if (lie == TRUTH || !sim_decode(sim, 0, bytes, &message))
        return true;
    bool is_own = message.header.via_list.size == 0;
    bool is_answer = message.contents.message_code == RELOAD_MESSAGE_FETCH_ANS;
    if (lie == SILENCE) /* it keeps its place in the ring */
        return is_own && message.contents.message_code % 2 == 1;
    if (!is_own || !is_answer)
        return true;
    liar->lies++;
    replace(passing, &message, lie);
    return true;
}

/* A ring in which |OWNER| has stored "value" with |READER| not among the holders. */
static void
begin_in(uint32_t count)
{
    s = ring_of(count, 1);
    for (slot = 1; slot < 200; slot++) {
        sim_slot_resource(s, OWNER, slot, resource);
        holders[0] = sim_responsible(s, 0, (struct reload_bytes){resource, 16});
        holders[1] = sim_successor_of(s, holders[0], 1);
        holders[2] = sim_successor_of(s, holders[0], 2);
        if (holders[0] > OWNER && holders[1] > OWNER && holders[2] > OWNER)
            break;
    }
    ck_assert_int_eq(sim_store(s, OWNER, slot, "value").error, 0);
    sim_run_for(s, SIM_SECONDS(5));
    for (size_t i = 0; i < 3; i++) {
        stored_ms = sim_copy_at(s, holders[i], (struct reload_bytes){resource, 16});
        ck_assert_uint_gt(stored_ms, 0);
    }
    liars = (struct liar){{TRUTH}, 0};
    sim_tap(s, lie_to, &liars);
}

static void
begin(enum lie responsible, enum lie first, enum lie second)
{
    begin_in(RING);
    liars.of[holders[0]] = responsible;
    liars.of[holders[1]] = first;
    liars.of[holders[2]] = second;
}

static void
end(void)
{
    sim_tap(s, NULL, NULL);
    sim_free(s);
}

static struct sim_outcome
fetch(const struct reload_route *choices)
{
    struct sim_outcome outcome = sim_fetch_along(s, READER, OWNER, slot, choices);
    ck_assert_uint_le(outcome.elapsed_ns, SIM_SECONDS(15));
    return outcome;
}

static void
finds_value(const struct reload_route *choices)
{
    struct sim_outcome outcome = fetch(choices);
    ck_assert_msg(outcome.error == 0 && outcome.exists && outcome.value_size == 5 &&
                      memcmp(outcome.value, "value", 5) == 0,
                  "%s, %zu values", reload_error_text(outcome.error), outcome.value_count);
}

/* The responsible peer swallows what it gets; so does one of the replicas, or none. */
START_TEST(s19_silent_responsible_peer)
{
    static const enum lie rows[][2] = {{TRUTH, TRUTH}, {SILENCE, TRUTH}, {TRUTH, SILENCE}};
    begin(SILENCE, rows[_i][0], rows[_i][1]);
    ck_assert_int_eq(fetch(&plain).error, RELOAD_E_TIMEOUT);
    finds_value(&if_needed);
    finds_value(&all);
    end();
}
END_TEST

/* A row of silent peers, only the last holder is none of them: what is routed to places near the
 * resource ends there, so witnesses are found on the other side or by other first hops. */
START_TEST(s19_silent_row)
{
    begin_in(64);
    for (uint32_t i = 0; i < 4; i++)
        liars.of[sim_successor_of(s, holders[1], 64 - i)] = SILENCE;
    ck_assert(liars.of[holders[0]] == SILENCE && liars.of[holders[1]] == SILENCE);
    liars.of[OWNER] = TRUTH;
    unsigned found = 0, readers = 0;
    for (uint32_t reader = 0; reader < 64; reader += 3) {
        if (liars.of[reader] == SILENCE)
            continue;
        struct sim_outcome outcome = sim_fetch_along(s, reader, OWNER, slot, &if_needed);
        found += sim_text(&outcome, "value");
        readers++;
    }
    ck_assert_uint_eq(found, readers);
    end();
}
END_TEST

/* Whom the reader sends its Fetch to first, and that nothing comes there any more. */
static bool
cut_first_hop(struct sim *sim, struct sim_passing *passing, void *argument)
{
    uint32_t *hop = argument;
    struct reload_message message;
    struct reload_bytes bytes = {passing->bytes, passing->size};
    if (passing->from != READER || !sim_decode(sim, 0, bytes, &message))
        return true;
    if (*hop == SIM_NOBODY && message.contents.message_code == RELOAD_MESSAGE_FETCH_REQ)
        *hop = passing->to;
    return passing->to != *hop;
}

/* The reader's usual way is cut, too: there are others. */
START_TEST(s19_usual_way_is_cut)
{
    uint32_t hop = SIM_NOBODY;
    begin_in(64);
    liars.of[holders[0]] = SILENCE;
    sim_tap_add(s, cut_first_hop, &hop);
    finds_value(&if_needed);
    ck_assert_uint_ne(hop, SIM_NOBODY);
    end();
}
END_TEST

/* One of three is left, whatever the others are. */
START_TEST(s19_all_replicas_but_one_are_silent)
{
    begin(SILENCE, SILENCE, SILENCE);
    liars.of[holders[_i]] = TRUTH;
    finds_value(&if_needed);
    end();
}
END_TEST

/* All three are silent, or nobody answers at all: an end in time, once, and no value. */
START_TEST(s19_all_are_silent)
{
    begin(SILENCE, SILENCE, SILENCE);
    for (uint32_t i = 1; _i && i < RING; i++)
        liars.of[i] = SILENCE;
    const struct reload_route *ways[] = {&if_needed, &all};
    for (size_t i = 0; i < 2; i++) {
        struct sim_outcome outcome = fetch(ways[i]);
        ck_assert_int_eq(outcome.error, RELOAD_E_TIMEOUT);
        ck_assert_uint_eq(outcome.value_count, 0);
    }
    end();
}
END_TEST

/* What replicas say when they have nothing is nothing: only the responsible peer knows. */
START_TEST(s19_replica_that_says_nothing_is_there)
{
    static const enum lie rows[] = {NOTHING, ABSENT};
    begin(SILENCE, rows[_i], TRUTH);
    finds_value(&if_needed);
    ck_assert_uint_ge(liars.lies, 1);
    liars.of[holders[2]] = rows[_i];
    struct sim_outcome outcome = fetch(&if_needed);
    ck_assert_int_eq(outcome.error, RELOAD_E_TIMEOUT);
    ck_assert_uint_eq(outcome.value_count, 0);
    end();
}
END_TEST

/* An older value of one replica does not hide the newer one of another (13.5.3). */
START_TEST(s19_replica_that_replays_an_old_value)
{
    begin(SILENCE, TRUTH, TRUTH);
    liars.of[holders[1 + _i]] = OLD;
    finds_value(&if_needed);
    ck_assert_uint_ge(liars.lies, 1);
    /* Nor later, by a reader who has seen the newer one. */
    liars.of[holders[1]] = liars.of[holders[2]] = OLD;
    struct sim_outcome outcome = fetch(&if_needed);
    ck_assert_int_eq(outcome.error, RELOAD_E_TIMEOUT);
    ck_assert_uint_eq(outcome.value_count, 0);
    end();
}
END_TEST

/* Values that their owner did not sign are left out. */
START_TEST(s19_replica_that_forges)
{
    static const enum lie rows[] = {FORGED, OF_ANOTHER};
    begin(SILENCE, rows[_i], TRUTH);
    finds_value(&if_needed);
    ck_assert_uint_ge(liars.lies, 1);
    liars.of[holders[2]] = rows[_i];
    ck_assert_uint_eq(fetch(&if_needed).value_count, 0);
    end();
}
END_TEST

/* The responsible peer denies the value, or what it has is forged: replicas are asked at once. */
START_TEST(s19_responsible_peer_that_lies)
{
    static const enum lie rows[] = {NOTHING, ABSENT, FORGED, OF_ANOTHER};
    begin(rows[_i], TRUTH, TRUTH);
    struct sim_outcome outcome = fetch(&plain);
    ck_assert_int_eq(outcome.error, 0); /* the lie is a good answer, but for its value */
    ck_assert(!outcome.exists);
    finds_value(&if_needed);
    ck_assert_uint_lt(fetch(&if_needed).elapsed_ns, SIM_SECONDS(5));
    end();
}
END_TEST

/* It has an old value: only who reads all replicas notices. */
START_TEST(s19_responsible_peer_with_an_old_value)
{
    begin(OLD, TRUTH, TRUTH);
    struct sim_outcome outcome = fetch(&if_needed);
    ck_assert(sim_text(&outcome, "false"));
    finds_value(&all);
    /* Now it is known to be old, and not believed any more. */
    finds_value(&if_needed);
    end();
}
END_TEST

/* Nothing was stored: the responsible peer's word for that stands. */
START_TEST(nothing_is_there)
{
    begin_in(RING);
    slot++;
    const struct reload_route *ways[] = {&if_needed, &all};
    for (size_t i = 0; i < 2; i++) {
        struct sim_outcome outcome = fetch(ways[i]);
        ck_assert_int_eq(outcome.error, 0);
        ck_assert_uint_eq(outcome.value_count, 1);
        ck_assert(!outcome.exists);
        ck_assert_uint_lt(outcome.elapsed_ns, SIM_SECONDS(5));
    }
    end();
}
END_TEST

/* A removal is signed, and as good as a value. */
START_TEST(a_removal_is_found)
{
    begin(SILENCE, TRUTH, TRUTH);
    liars = (struct liar){{TRUTH}, 0};
    ck_assert_int_eq(sim_remove(s, OWNER, slot).error, 0);
    sim_run_for(s, SIM_SECONDS(5));
    liars.of[holders[0]] = SILENCE;
    struct sim_outcome outcome = fetch(&if_needed);
    ck_assert_int_eq(outcome.error, 0);
    ck_assert_uint_eq(outcome.value_count, 1);
    ck_assert(!outcome.exists);
    end();
}
END_TEST

/* Leads whoever asks for the way through peers that do not exist, one nearer than the other. */
static bool
mislead(struct sim *sim, struct sim_passing *passing, void *argument)
{
    struct reload_message message;
    struct reload_bytes bytes = {passing->bytes, passing->size};
    unsigned *told = argument;
    if (!sim_decode(sim, 0, bytes, &message) || message.header.via_list.size > 0 ||
        message.contents.message_code != RELOAD_MESSAGE_ROUTE_QUERY_ANS)
        return true;
    uint8_t invented[16];
    memcpy(invented, resource, sizeof invented);
    unsigned behind = 0x7fff - ++*told; /* nearer each time */
    invented[0] = (uint8_t)(invented[0] + 1);
    invented[14] = (uint8_t)(behind >> 8);
    invented[15] = (uint8_t)behind;
    struct sim_draft *draft = sim_draft_new(s, passing->from, RELOAD_MESSAGE_ROUTE_QUERY_ANS,
                                            (struct reload_bytes){invented, sizeof invented});
    draft->message.header.transaction_id = message.header.transaction_id;
    draft->message.header.destination_list = message.header.destination_list;
    struct reload_bytes sealed = sim_draft_seal(draft);
    ck_assert_uint_le(sealed.size, passing->capacity);
    memcpy(passing->bytes, sealed.data, sealed.size);
    passing->size = sealed.size;
    sim_draft_free(draft);
    return true;
}

/* All witnesses lie: the search is bounded, in messages and in time. */
START_TEST(s19_witnesses_that_invent_peers)
{
    unsigned told = 0;
    begin(SILENCE, SILENCE, SILENCE);
    sim_tap_add(s, mislead, &told);
    uint64_t before = sim_counters(s, READER)->requests_sent;
    ck_assert_int_eq(fetch(&if_needed).error, RELOAD_E_TIMEOUT);
    /* 8 witnesses, each names 12 peers at most. */
    ck_assert_uint_ge(told, 12);
    ck_assert_uint_le(told, 8 * 12);
    ck_assert_uint_le(sim_counters(s, READER)->requests_sent - before, 300);
    end();
}
END_TEST

/* Without faults the choice costs nothing: as many messages, as long. */
START_TEST(costs_nothing_when_not_needed)
{
    begin(TRUTH, TRUTH, TRUTH);
    uint64_t before = sim_counters(s, READER)->requests_sent;
    finds_value(&plain);
    uint64_t usual = sim_counters(s, READER)->requests_sent - before;
    finds_value(&if_needed);
    ck_assert_uint_eq(sim_counters(s, READER)->requests_sent - before, 2 * usual);
    ck_assert_uint_lt(fetch(&if_needed).elapsed_ns, SIM_SECONDS(1));
    end();
}
END_TEST

/* Rings of any size, down to one peer that is the reader; the holders may be whoever they are. */
START_TEST(small_rings)
{
    s = ring_of((uint32_t)_i, 1);
    for (slot = 1; slot <= 8; slot++) {
        ck_assert_int_eq(sim_store(s, 0, slot, "value").error, 0);
        sim_run_for(s, SIM_SECONDS(5));
        for (uint32_t reader = 0; reader < (uint32_t)_i; reader++) {
            sim_slot_resource(s, 0, slot, resource);
            uint32_t silent = sim_responsible(s, 0, (struct reload_bytes){resource, 16});
            liars = (struct liar){{TRUTH}, 0};
            if (silent != reader)
                liars.of[silent] = SILENCE;
            sim_tap(s, lie_to, &liars);
            struct sim_outcome outcome = sim_fetch_along(s, reader, 0, slot, &if_needed);
            ck_assert_msg(sim_text(&outcome, "value"), "%d peers, slot %u, reader %u: %s", _i, slot,
                          reader, reload_error_text(outcome.error));
            outcome = sim_fetch_along(s, reader, 0, slot, &all);
            ck_assert(sim_text(&outcome, "value"));
            sim_tap(s, NULL, NULL);
        }
    }
    sim_free(s);
}
END_TEST

/* A client does not know how large the ring is. */
START_TEST(clients_read_replicas)
{
    begin(SILENCE, TRUTH, TRUTH);
    sim_tap(s, NULL, NULL);
    uint32_t client = client_of(s);
    sim_tap(s, lie_to, &liars);
    struct sim_outcome outcome = sim_fetch_along(s, client, OWNER, slot, &plain);
    ck_assert_int_eq(outcome.error, RELOAD_E_TIMEOUT);
    outcome = sim_fetch_along(s, client, OWNER, slot, &if_needed);
    ck_assert_msg(sim_text(&outcome, "value"), "%s", reload_error_text(outcome.error));
    end();
}
END_TEST

/* A node that ends while it looks for replicas leaves nothing behind; it calls nobody. */
START_TEST(ends_while_it_looks)
{
    begin(SILENCE, SILENCE, SILENCE);
    struct reload_bytes bytes = {resource, 16};
    struct reload_route route = reload_route_to_resource(bytes);
    struct reload_fetch_specifier specifier = {.kind = SIM_KIND_SLOT};
    route.replicas = RELOAD_REPLICAS_ALL;
    ck_assert_int_eq(reload_node_fetch_along(sim_node(s, READER), &route, bytes, &specifier, 1,
                                             NULL, NULL, NULL, sim_now(s)),
                     0);
    sim_turn(s, READER);
    sim_run_for(s, SIM_MS(200) * (uint64_t)_i);
    sim_kill(s, READER);
    end();
}
END_TEST

static unsigned results;

static void
on_result(void *argument, const struct reload_result *result, reload_time now)
{
    (void)argument, (void)result, (void)now;
    results++;
}

/* Memory that runs out now and then: each Fetch that was begun ends once, in time. */
START_TEST(hardly_any_memory)
{
    begin(SILENCE, TRUTH, TRUTH);
    struct reload_bytes bytes = {resource, 16};
    struct reload_route route = reload_route_to_resource(bytes);
    struct reload_fetch_specifier specifier = {.kind = SIM_KIND_SLOT};
    unsigned begun = 0;
    results = 0;
    sim_starve(s, READER, (uint32_t)_i * 100000);
    for (unsigned i = 0; i < 20; i++) {
        route.replicas = i % 2 ? RELOAD_REPLICAS_ALL : RELOAD_REPLICAS_IF_NEEDED;
        route.copies = (uint8_t)(i % 4);
        int error = reload_node_fetch_along(sim_node(s, READER), &route, bytes, &specifier, 1, NULL,
                                            on_result, NULL, sim_now(s));
        begun += error == 0;
        ck_assert(error == 0 || error == RELOAD_E_NOMEM || error == RELOAD_E_BUSY);
        sim_turn(s, READER);
        sim_run_for(s, SIM_MS(300));
    }
    sim_run_for(s, SIM_SECONDS(16));
    ck_assert_uint_eq(results, begun);
    ck_assert(_i > 1 || begun > 0); /* beyond that it is luck */
    sim_starve(s, READER, 0);
    end();
}
END_TEST

/* Replicas belong to a resource, and to a plain way to it. */
START_TEST(other_ways_are_refused)
{
    begin(TRUTH, TRUTH, TRUTH);
    struct reload_bytes bytes = {resource, 16};
    struct reload_fetch_specifier specifier = {.kind = SIM_KIND_SLOT};
    struct reload_route routes[3];
    for (size_t i = 0; i < 3; i++) {
        routes[i] = reload_route_to_resource(bytes);
        routes[i].replicas = RELOAD_REPLICAS_IF_NEEDED;
    }
    routes[0].iterative = true;
    routes[1] = reload_route_to_node(sim_node_id(s, 5));
    routes[1].replicas = RELOAD_REPLICAS_ALL;
    routes[2].replicas = RELOAD_REPLICAS_NONE;
    routes[2].iterative = true;
    routes[2].copies = 2;
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(reload_node_fetch_along(sim_node(s, READER), &routes[i], bytes, &specifier,
                                                 1, NULL, NULL, NULL, sim_now(s)),
                         RELOAD_E_USAGE);
    end();
}
END_TEST

static const struct named_test tests[] = {
    {&s19_silent_responsible_peer, 0, 3},
    {&s19_silent_row, 0, 0},
    {&s19_usual_way_is_cut, 0, 0},
    {&s19_all_replicas_but_one_are_silent, 0, 3},
    {&s19_all_are_silent, 0, 2},
    {&s19_replica_that_says_nothing_is_there, 0, 2},
    {&s19_replica_that_replays_an_old_value, 0, 2},
    {&s19_replica_that_forges, 0, 2},
    {&s19_responsible_peer_that_lies, 0, 4},
    {&s19_responsible_peer_with_an_old_value, 0, 0},
    {&s19_witnesses_that_invent_peers, 0, 0},
    {&nothing_is_there, 0, 0},
    {&a_removal_is_found, 0, 0},
    {&costs_nothing_when_not_needed, 0, 0},
    {&small_rings, 1, 12},
    {&clients_read_replicas, 0, 0},
    {&ends_while_it_looks, 0, 16},
    {&hardly_any_memory, 0, 9},
    {&other_ways_are_refused, 0, 0},
};

int
main(void)
{
    return run_tests("replica", tests, sizeof tests / sizeof *tests);
}
