/* attack_hop_test.c: whom messages must not be given to: who only attached, who they came from, who
 * is no nearer.
 *
 * RFC 6940 6.1.1, 6.5.1, 10.3. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"
#include "tests/sim/view.h"

#include "tools/sim/sim_random.h"

#define RING 20
#define HERE 7 /* the peer beside whom the others stand */

static const uint8_t no_padding[2] = {0};

static struct sim *s;

/* A ring in which each message is a single frame, so that a tap understands it. */
static void
begin(uint64_t seed, enum sim_links links)
{
    struct sim_options options = ring_options();
    options.links = links;
    options.mtu = 8000;
    s = sim_new(seed, &options);
    ring_grow(s, RING);
    sim_run_for(s, SIM_SECONDS(30));
}

/* ---- R13: who only attached ------------------------------------------------------------------ */

/* Messages that |host| got to forward. */
struct given {
    uint32_t host;
    unsigned count;
};

static bool
see_given(struct sim *sim, struct sim_passing *passing, void *argument)
{
    struct given *given = argument;
    struct reload_message message;
    struct reload_destination entry;
    bool is_last;
    if (passing->to != given->host || !passing_message(sim, passing, &message) ||
        !first_destination(&message, &entry, &is_last))
        return true;
    given->count +=
        !is_last || entry.type != RELOAD_DESTINATION_TYPE_NODE ||
        !reload_node_id_equal(&entry.destination_data.node_id, sim_node_id(sim, given->host));
    return true;
}

static struct sim_outcome
ping_place(uint32_t from, const struct reload_node_id *place)
{
    struct reload_route route = reload_route_to_resource(reload_node_id_bytes(place, 16));
    return sim_request(s, from, &route, RELOAD_MESSAGE_PING_REQ,
                       (struct reload_bytes){no_padding, sizeof no_padding});
}

/* Whether |node|, asked who is next on the way to |place|, names |other|. */
static bool
names(uint32_t node, const struct reload_node_id *place, uint32_t other)
{
    struct reload_wire wire = {.node_id_length = 16};
    uint8_t body[64];
    struct reload_writer writer = reload_writer_of(body, sizeof body);
    struct reload_route_query_req query = {
        .destination = {.type = RELOAD_DESTINATION_TYPE_RESOURCE,
                        .destination_data.resource_id = reload_node_id_bytes(place, 16)}};
    reload_route_query_req_encode(&writer, &wire, &query);
    struct reload_route route = reload_route_to_node(sim_node_id(s, node));
    struct sim_outcome outcome =
        sim_request(s, (node + 3) % RING, &route, RELOAD_MESSAGE_ROUTE_QUERY_REQ,
                    reload_writer_written(&writer));
    ck_assert_int_eq(outcome.error, 0);
    struct reload_reader reader =
        reload_reader_of((struct reload_bytes){outcome.body, outcome.body_size});
    struct reload_chord_route_query_ans answer;
    ck_assert_int_eq(reload_chord_route_query_ans_decode(&reader, &wire, &answer), 0);
    return reload_node_id_equal(&answer.next_peer, sim_node_id(s, other));
}

/* Asks from everywhere for what lies around HERE. Returns how many were answered by |other|. */
static unsigned
ask_around(uint32_t other)
{
    unsigned answered = 0;
    for (uint32_t from = 0; from < RING; from++)
        for (int steps = -4; steps <= 0; steps++) {
            struct reload_node_id place = node_id_behind(s, HERE, steps);
            struct sim_outcome outcome = ping_place(from, &place);
            ck_assert_int_eq(outcome.error, 0);
            ck_assert(outcome.responder == HERE || outcome.responder == other);
            answered += outcome.responder == other;
            ck_assert_uint_eq(outcome.responder,
                              sim_responsible(s, 0, reload_node_id_bytes(&place, 16)));
        }
    return answered;
}

/* RFC6940-6.5.1: a client attaches to every peer. It stands where half of what is asked for would
 * be its own; nobody gives it anything to forward or to answer, nor names it to others. */
START_TEST(r13_who_only_attached_gets_nothing)
{
    begin(13, (enum sim_links)_i);
    uint32_t client = sim_add_node(
        s, &(struct sim_node_options){.client = true, .node_id = node_id_behind(s, HERE, -2)});
    ck_assert(sim_run_until(s, sim_is_joined_all, NULL, SIM_SECONDS(30)));
    for (uint32_t i = 0; i < RING; i++) {
        if (sim_link(s, client, i))
            continue;
        struct reload_route route = reload_route_to_node(sim_node_id(s, i));
        ck_assert_int_eq(
            reload_node_attach(sim_node(s, client), &route, false, NULL, NULL, sim_now(s)), 0);
        sim_turn(s, client);
        sim_run_for(s, SIM_SECONDS(2));
        ck_assert_uint_ne(sim_link(s, i, client), 0);
        ck_assert(!table_has(s, i, sim_node_id(s, client)));
    }
    struct given given = {.host = client};
    sim_tap(s, see_given, &given);
    ck_assert_uint_eq(ask_around(client), 0);
    for (uint32_t i = 0; i < RING; i++)
        ck_assert(!names(i, sim_node_id(s, client), client));
    ck_assert_uint_eq(given.count, 0);
    /* A peer at that place gets what is its own. */
    sim_kill(s, client);
    uint32_t peer =
        sim_add_node(s, &(struct sim_node_options){.node_id = node_id_behind(s, HERE, -1)});
    wait_until_whole(s, SIM_SECONDS(60));
    given.host = peer;
    ck_assert_uint_eq(ask_around(peer), RING * 4);
    ck_assert_uint_gt(given.count, RING);
    sim_free(s);
}
END_TEST

static void
say_update(const struct attacker *attacker)
{
    uint8_t body[64];
    struct sim_draft *draft = sim_draft_new(s, attacker->self, RELOAD_MESSAGE_UPDATE_REQ,
                                            neighbors_update(NULL, 0, 0, body, sizeof body));
    sim_draft_to_node(draft, sim_node_id(s, attacker->node));
    ck_assert_uint_eq(ask(s, attacker, draft), 0);
    sim_draft_free(draft);
}

/* The same with one who is nothing but linked: only its own Update makes a peer of it. */
START_TEST(r13_only_an_update_makes_a_peer)
{
    begin(14, SIM_LINKS_MESSAGES);
    struct attacker mallory = {.node = 0};
    struct reload_node_id id = node_id_behind(s, HERE, -2);
    mallory.self = sim_add_puppet(s, &(struct sim_node_options){.node_id = id});
    mallory.link = sim_puppet_connect(s, mallory.self, 0);
    ck_assert_uint_ne(mallory.link, 0);
    struct given given = {.host = mallory.self};
    sim_tap(s, see_given, &given);
    struct sim_draft *draft = ping_draft(s, &mallory);
    sim_draft_to_node(draft, sim_node_id(s, 0));
    ck_assert_uint_eq(ask(s, &mallory, draft), 0); /* it says something, too */
    sim_draft_free(draft);
    struct sim_outcome outcome = ping_place(0, &id);
    ck_assert_uint_eq(outcome.responder, HERE);
    ck_assert_uint_eq(given.count, 0);
    say_update(&mallory);
    ck_assert(table_has(s, 0, &id));
    (void)ping_place(0, &id); /* now it goes there, and is swallowed */
    ck_assert_uint_gt(given.count, 0);
    sim_free(s);
}
END_TEST

/* ---- R14: every hop comes nearer ------------------------------------------------------------- */

struct hops {
    unsigned checked, to_itself, farther, back;
    uint32_t puppet; /* no peer, though it says so; SIM_NOBODY: there is none */
};

/* How far |id| is before |target|. */
static struct reload_chord_place
ahead(const struct reload_node_id *id, const struct reload_node_id *target)
{
    return reload_chord_distance(reload_chord_place_of(id), reload_chord_place_of(target));
}

static bool
last_via(const struct reload_message *message, struct reload_node_id *last)
{
    struct reload_bytes via = message->header.via_list;
    *last = (struct reload_node_id){0};
    if (via.size < 16)
        return false;
    memcpy(last->octets, via.data + via.size - 16, 16);
    return true;
}

static bool
see_hops(struct sim *sim, struct sim_passing *passing, void *argument)
{
    struct hops *hops = argument;
    struct reload_message message;
    struct reload_destination entry;
    struct reload_node_id target, before;
    bool is_last;
    if (!passing_message(sim, passing, &message) ||
        !reload_message_is_request(message.contents.message_code) || !last_via(&message, &before) ||
        !first_destination(&message, &entry, &is_last) || !is_last)
        return true;
    const struct reload_node_id *from = sim_node_id(sim, passing->from);
    const struct reload_node_id *to = sim_node_id(sim, passing->to);
    if (entry.type == RELOAD_DESTINATION_TYPE_NODE)
        target = entry.destination_data.node_id;
    else
        target = reload_node_id_of(entry.destination_data.resource_id);
    hops->to_itself += passing->from == passing->to;
    /* Who asks for itself gets it. */
    hops->back += reload_node_id_equal(to, &before) && !reload_node_id_equal(to, &target);
    if (passing->to == sim_responsible(sim, 0, reload_node_id_bytes(&target, 16)) ||
        sim_find_node(sim, 0, &before) == hops->puppet)
        return true; /* its first hop is whom it chose */
    hops->checked++;
    hops->farther += !reload_chord_less(ahead(to, &target), ahead(from, &target));
    return true;
}

/* All ask for places everywhere, over messages, datagrams and streams. */
START_TEST(r14_every_hop_comes_nearer)
{
    begin(15, (enum sim_links)_i);
    struct hops hops = {.puppet = SIM_NOBODY};
    struct sim_random random = sim_random_fork(15, 14);
    sim_tap(s, see_hops, &hops);
    for (uint32_t i = 0; i < 8 * RING; i++) {
        struct reload_node_id place = {0};
        sim_random_fill(&random, place.octets, 16);
        ck_assert_int_eq(ping_place(i % RING, &place).error, 0);
    }
    ck_assert_uint_ge(hops.checked, 20);
    ck_assert_uint_eq(hops.to_itself + hops.farther + hops.back, 0);
    sim_free(s);
}
END_TEST

/* A peer hands on what leads to its first hop itself, right behind it, back to where it came from,
 * or to nobody: nothing goes in circles, and the first hop sends none of it back. */
START_TEST(r14_messages_that_lead_nowhere)
{
    begin(16, SIM_LINKS_MESSAGES);
    struct attacker mallory = attacker_at(s, 0);
    struct reload_node_id own = *sim_node_id(s, mallory.self);
    say_update(&mallory);
    struct hops hops = {.puppet = mallory.self};
    sim_tap(s, see_hops, &hops);
    const struct {
        struct reload_node_id target;
        bool is_node, answered;
    } ways[] = {
        {*sim_node_id(s, 0), true, true},
        {*sim_node_id(s, 0), false, true},
        {node_id_behind(s, 0, -1), true, false},
        {node_id_behind(s, 0, -1), false, true},
        {node_id_behind(s, 0, 1), true, false},
        {node_id_behind(s, 0, 1), false, true},
        {own, true, false},
        {own, false, true},
        {node_id_behind(s, HERE, 0), true, true},
        {node_id_behind(s, HERE, 1), true, false},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        uint64_t before = hops.checked;
        struct sim_draft *draft = ping_draft(s, &mallory);
        if (ways[i].is_node)
            sim_draft_to_node(draft, &ways[i].target);
        else
            sim_draft_to_resource(draft, reload_node_id_bytes(&ways[i].target, 16));
        uint16_t error = ask(s, &mallory, draft);
        ck_assert_msg((error == 0) == ways[i].answered, "way %zu: %u", i, error);
        ck_assert_uint_le(hops.checked - before, RING);
        sim_draft_free(draft);
    }
    ck_assert_uint_eq(hops.to_itself + hops.farther + hops.back, 0);
    ck_assert(sim_ring_is_whole(s, 0, stderr));
    sim_free(s);
}
END_TEST

static const struct named_test tests[] = {
    {&r13_who_only_attached_gets_nothing, SIM_LINKS_MESSAGES, SIM_LINKS_MIXED},
    {&r13_only_an_update_makes_a_peer, 0, 0},
    {&r14_every_hop_comes_nearer, SIM_LINKS_MESSAGES, SIM_LINKS_MIXED},
    {&r14_messages_that_lead_nowhere, 0, 0},
};

int
main(void)
{
    return run_tests("attack_hop", tests, sizeof tests / sizeof *tests);
}
