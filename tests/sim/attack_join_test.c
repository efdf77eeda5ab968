/* attack_join_test.c: crowds that join at once, deaths at every step of a join, and where the data
 * is meanwhile.
 *
 * RFC 6940 10.5. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"
#include "tests/sim/view.h"

#include "tools/sim/sim_copies.h"
#include "topology/chord.h"

#define RING 5
#define SLOTS 8

static struct sim *s;
static uint32_t admitting; /* of a ring of RING, who has the most values */

static void
store_all(uint32_t owners)
{
    for (uint32_t i = 0; i < owners; i++)
        for (uint8_t slot = 1; slot <= SLOTS; slot++)
            ck_assert_int_eq(sim_store(s, i, slot, "kept").error, 0);
}

static void
fetch_all(uint32_t owners, uint32_t reader)
{
    for (uint32_t i = 0; i < owners; i++)
        for (uint8_t slot = 1; slot <= SLOTS; slot++) {
            struct sim_outcome outcome = sim_fetch(s, reader, i, slot);
            ck_assert_msg(sim_text(&outcome, "kept"), "slot %u of node %u: %s", slot, i,
                          reload_error_text(outcome.error));
        }
}

/* A small ring with values, and who will admit the next one. */
static void
begin(uint64_t seed, enum sim_links links)
{
    unsigned values[RING] = {0};
    struct sim_options options = ring_options();
    options.links = links;
    options.mtu = 8000; /* a frame for each message: taps understand them */
    s = sim_new(seed, &options);
    ring_grow(s, RING);
    store_all(RING);
    sim_run_for(s, SIM_SECONDS(30));
    for (uint32_t i = 0; i < RING * SLOTS; i++) {
        uint8_t resource[16];
        sim_slot_resource(s, i / SLOTS, (uint8_t)(i % SLOTS + 1), resource);
        values[sim_responsible(s, 0, (struct reload_bytes){resource, sizeof resource})]++;
    }
    admitting = 1; /* not the first-node */
    for (uint32_t i = 2; i < RING; i++)
        if (values[i] > values[admitting])
            admitting = i;
}

/* ---- T8: crowds ------------------------------------------------------------------------------ */

/* A hundred join through one peer at once, over messages and datagrams. */
START_TEST(t8_hundred_join_at_once)
{
    struct sim_options options = ring_options();
    options.links = (enum sim_links)_i;
    s = sim_new(8, &options);
    ring_grow(s, 4);
    store_all(4);
    for (uint32_t i = 0; i < 100; i++)
        (void)sim_add_node(s, &(struct sim_node_options){.bootstrap_given = true});
    wait_until_whole(s, SIM_SECONDS(30));
    fetch_all(4, 77);
    sim_free(s);
}
END_TEST

/* Twenty join between the same two peers: each must find its place among the others, who are not
 * there yet. */
START_TEST(t8_joins_between_the_same_two)
{
    struct sim_options options = ring_options();
    options.links = (enum sim_links)_i;
    s = sim_new(9, &options);
    ring_grow(s, 8);
    store_all(8);
    for (int i = 0; i < 20; i++)
        (void)sim_add_node(
            s, &(struct sim_node_options){.node_id = node_id_behind(s, 5, -1 - i * 7 % 20)});
    wait_until_whole(s, SIM_SECONDS(60));
    fetch_all(8, 20);
    sim_free(s);
}
END_TEST

/* ---- T9: deaths during a join ---------------------------------------------------------------- */

enum { JOINING_DIES, ADMITTING_DIES };

/* Somebody dies when so many messages were sent since the join began. */
struct death {
    unsigned sent, at;
    uint32_t victim;
};

static void
die(struct sim *sim, void *argument)
{
    const struct death *death = argument;
    if (sim_is_alive(sim, death->victim))
        sim_kill(sim, death->victim);
}

static bool
count_down(struct sim *sim, struct sim_passing *passing, void *argument)
{
    struct death *death = argument;
    if (passing->application == 0 && ++death->sent == death->at)
        sim_call(sim, sim_now(sim), die, death);
    return true;
}

/* Nobody waits for somebody dead, or knows it. */
static void
ck_nothing_is_left_of(uint32_t dead)
{
    struct reload_chord_place place = reload_chord_place_of(sim_node_id(s, dead));
    for (uint32_t i = 0; i < sim_node_count(s); i++) {
        if (!sim_is_alive(s, i))
            continue;
        const struct reload_chord *chord = chord_of(s, i);
        ck_assert(!chord->admission.active);
        ck_assert(!table_has(s, i, sim_node_id(s, dead)));
        ck_assert_uint_eq(sim_link_count(s, i, dead), 0);
        for (size_t k = 0; k < RELOAD_CHORD_PUSHES_MAX; k++)
            ck_assert(chord->pushes[k].state == RELOAD_CHORD_PUSH_FREE ||
                      !reload_chord_equal(chord->pushes[k].target, place));
    }
}

/* Returns false when the join was over before so many messages. */
static bool
join_with_a_death(int who, enum sim_links links, unsigned at)
{
    begin(90, links);
    struct death death = {.at = at};
    uint32_t joining =
        sim_add_node(s, &(struct sim_node_options){.node_id = node_id_behind(s, admitting, -1)});
    death.victim = who == JOINING_DIES ? joining : admitting;
    sim_tap(s, count_down, &death);
    while (!sim_is_joined(s, joining) && sim_is_alive(s, death.victim))
        sim_run_for(s, SIM_MS(5));
    bool died = !sim_is_alive(s, death.victim);
    sim_tap(s, NULL, NULL);
    wait_until_whole(s, SIM_SECONDS(60)); /* whoever joins has joined */
    sim_run_for(s, SIM_SECONDS(30));
    if (died)
        ck_nothing_is_left_of(death.victim);
    fetch_all(RING, 1);
    sim_free(s);
    return died;
}

/* At every single message, over datagrams at every frame. Under sanitizers at some. */
START_TEST(t9_somebody_dies_at_every_message)
{
#ifdef __SANITIZE_ADDRESS__
    const unsigned stride = 9;
#else
    const unsigned stride = 1;
#endif
    unsigned at = 1;
    enum sim_links links = _i / 2 ? SIM_LINKS_DATAGRAMS : SIM_LINKS_MESSAGES;
    while (join_with_a_death(_i % 2, links, at))
        at += stride;
    ck_assert_uint_ge(at, 40);
}
END_TEST

/* ---- T10: the admitting peer keeps the data -------------------------------------------------- */

enum loss { LOSS_NONE, LOSS_OF_ONE, LOSS_OF_ALL, LOSSES };

struct handover {
    uint32_t joining;
    enum loss loss;
    uint64_t lost; /* transaction */
    unsigned answers, dropped;
    unsigned values; /* in the range */
    bool given_up;   /* the admitting peer is responsible no more */
    bool updated;    /* an Update of the joining node arrived */
};

/* Answers to Stores from the joining node may be lost. */
static bool
lose_answers(struct sim *sim, struct sim_passing *passing, void *argument)
{
    struct handover *handover = argument;
    struct reload_message message;
    if (!passing_message(sim, passing, &message))
        return true;
    /* RFC6940-10.5: it names the joining node its predecessor; from then on that is responsible. */
    if (passing->from == admitting && passing->to == handover->joining &&
        message.contents.message_code == RELOAD_MESSAGE_UPDATE_REQ)
        handover->updated = true;
    if (passing->from != handover->joining)
        return true;
    if (message.contents.message_code != RELOAD_MESSAGE_STORE_ANS)
        return true;
    handover->answers++;
    if (handover->lost == 0)
        handover->lost = message.header.transaction_id;
    bool lost = handover->loss == LOSS_OF_ALL ||
                (handover->loss == LOSS_OF_ONE && handover->lost == message.header.transaction_id);
    handover->dropped += lost;
    return !lost;
}

static bool
is_its_own(uint32_t node, struct reload_bytes resource)
{
    struct reload_node_id id = reload_node_id_of(resource);
    return reload_chord.is_responsible(reload_node_topology(sim_node(s, node)), &id);
}

/* After each turn: what is the joining node's range is at the admitting peer all the time, and when
 * that is not responsible for it any more it is at the other, too. */
static void
watch_handover(struct sim *sim, uint32_t node, void *argument)
{
    struct handover *handover = argument;
    (void)node;
    handover->values = 0;
    struct reload_node_id joining = *sim_node_id(sim, handover->joining);
    struct reload_chord_place place = reload_chord_place_of(&joining);
    struct reload_chord_place begins =
        reload_chord_place_of(sim_node_id(sim, sim_successor_of(sim, admitting, RING - 1)));
    for (uint32_t i = 0; i < RING; i++)
        for (uint8_t slot = 1; slot <= SLOTS; slot++) {
            uint8_t octets[16];
            sim_slot_resource(sim, i, slot, octets);
            struct reload_bytes resource = {octets, sizeof octets};
            struct reload_node_id id = reload_node_id_of(resource);
            if (!reload_chord_within(reload_chord_place_of(&id), begins, place))
                continue;
            handover->values++;
            ck_assert_uint_gt(sim_copy_at(sim, admitting, resource), 0);
            if (is_its_own(admitting, resource))
                continue;
            handover->given_up = true;
            ck_assert(handover->updated);
            ck_assert_uint_gt(sim_copy_at(sim, handover->joining, resource), 0);
        }
}

START_TEST(t10_admitting_peer_keeps_the_data)
{
    /* A frame that is never acknowledged ends its link: over datagrams without losses. */
    enum loss loss = _i < LOSSES ? (enum loss)_i : LOSS_NONE;
    struct handover handover = {.loss = loss};
    begin(101, _i < LOSSES ? SIM_LINKS_MESSAGES : SIM_LINKS_DATAGRAMS);
    handover.joining =
        sim_add_node(s, &(struct sim_node_options){.node_id = node_id_behind(s, admitting, -1)});
    sim_tap(s, lose_answers, &handover);
    sim_observe(s, watch_handover, &handover);
    sim_run_for(s, SIM_SECONDS(10));
    ck_assert_uint_ge(handover.values, 3);
    ck_assert_uint_ge(handover.answers, 3);
    ck_assert_uint_eq(handover.given_up, loss == LOSS_NONE);
    ck_assert_uint_eq(handover.dropped > 0, loss != LOSS_NONE);
    fetch_all(RING, 1); /* to be had all the time */
    sim_tap(s, NULL, NULL);
    handover.updated = true; /* not looked at any more */
    wait_until_whole(s, SIM_SECONDS(60));
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert(handover.given_up);
    fetch_all(RING, handover.joining);
    sim_free(s);
}
END_TEST

static const struct named_test tests[] = {
    {&t8_hundred_join_at_once, SIM_LINKS_MESSAGES, SIM_LINKS_DATAGRAMS + 1},
    {&t8_joins_between_the_same_two, SIM_LINKS_MESSAGES, SIM_LINKS_DATAGRAMS + 1},
    {&t9_somebody_dies_at_every_message, 0, 4},
    {&t10_admitting_peer_keeps_the_data, LOSS_NONE, LOSSES + 1},
};

int
main(void)
{
    return run_tests("attack_join", tests, sizeof tests / sizeof *tests);
}
