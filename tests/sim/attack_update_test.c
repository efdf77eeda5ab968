/* attack_update_test.c: Updates that invent neighbours, come from long ago or by another way, or
 * boast.
 *
 * RFC 6940 6.4.2.3, 10.7.3, 13.6.3; D3. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"
#include "tests/sim/view.h"

#include "tools/sim/sim_random.h"

#define RING 16
#define VICTIM 0
#define SLEEPER 9         /* who stands still: no bootstrap node */
#define INVENTED_MAX 3800 /* in one message */

static struct sim *s;

static void
begin(uint64_t seed, uint32_t count, enum sim_links links)
{
    struct sim_options options = ring_options();
    options.links = links;
    options.mtu = 8000;
    s = sim_new(seed, &options);
    ring_grow(s, count);
    sim_run_for(s, SIM_SECONDS(90));
}

static uint16_t
say_update(const struct attacker *attacker, const struct reload_node_id *ids, size_t count,
           uint32_t uptime_s)
{
    static uint8_t body[65536];
    struct sim_draft *draft =
        sim_draft_new(s, attacker->self, RELOAD_MESSAGE_UPDATE_REQ,
                      neighbors_update(ids, count, uptime_s, body, sizeof body));
    sim_draft_to_node(draft, sim_node_id(s, attacker->node));
    uint16_t error = ask(s, attacker, draft);
    sim_draft_free(draft);
    return error;
}

/* ---- whom the victim attaches to ---- */

struct attaches {
    unsigned all, to_named, useless, to_bad;
    struct reload_node_id bad, named; /* zero: nobody */
};

/* Whether so many known peers lie between us and |place| on both sides that it would be no
 * neighbour of ours. */
static bool
is_useless(const struct reload_chord_table *table, struct reload_chord_place place)
{
    size_t ahead = 0, behind = 0;
    for (size_t i = 0; i < table->count; i++) {
        struct reload_chord_place other = reload_chord_table_place(table, &table->peers[i]);
        ahead += reload_chord_between(other, table->self, place);
        behind += reload_chord_between(other, place, table->self);
    }
    return ahead >= table->reach && behind >= table->reach;
}

/* The last entry of |list| that is a Node-ID. */
static bool
last_node(struct reload_bytes list, struct reload_node_id *id)
{
    struct reload_wire wire = {.node_id_length = 16};
    struct reload_reader reader = reload_reader_of(list);
    struct reload_destination entry = {0};
    while (reload_destination_next(&reader, &wire, &entry))
        *id = entry.destination_data.node_id;
    return entry.type == RELOAD_DESTINATION_TYPE_NODE;
}

static bool
see_attaches(struct sim *sim, struct sim_passing *passing, void *argument)
{
    struct attaches *seen = argument;
    struct reload_message message;
    struct reload_node_id id;
    if (passing->from != VICTIM || !passing_message(sim, passing, &message) ||
        message.contents.message_code != RELOAD_MESSAGE_ATTACH_REQ ||
        message.header.via_list.size > 0 || !last_node(message.header.destination_list, &id))
        return true;
    seen->all++;
    seen->to_bad += reload_node_id_equal(&id, &seen->bad);
    seen->to_named += reload_node_id_equal(&id, &seen->named);
    seen->useless += is_useless(&chord_of(sim, VICTIM)->table, reload_chord_place_of(&id)) ||
                     reload_node_id_is_zero(&id) || reload_node_id_is_wildcard(&id, 16) ||
                     reload_node_id_equal(&id, sim_node_id(sim, VICTIM));
    return true;
}

/* ---- T5: invented neighbours ------------------------------------------------------------------
 */

/* Who knows all the others keeps exactly them, |mallory| included, who is linked and says that it
 * is a peer. */
static bool
knows_nobody_new(uint32_t mallory)
{
    const struct reload_chord_table *table = &chord_of(s, VICTIM)->table;
    for (size_t i = 0; i < table->count; i++) {
        struct reload_node_id id =
            reload_chord_node_id_of(reload_chord_table_place(table, &table->peers[i]));
        uint32_t host = sim_find_node(s, 0, &id);
        if (host == SIM_NOBODY || (host != mallory && !sim_is_joined(s, host)) ||
            sim_link_count(s, VICTIM, host) == 0)
            return false;
    }
    return true;
}

/* Unsorted, ourselves, nobody, everybody, one twice, one of the list of bad nodes, and thousands
 * that do not exist. */
static void
invent(struct sim_random *random, struct reload_node_id *ids, size_t count, uint32_t bad)
{
    for (size_t i = 0; i < count; i++)
        sim_random_fill(random, ids[i].octets, 16);
    ids[0] = *sim_node_id(s, VICTIM);
    memset(ids[1].octets, 0, 16);
    memset(ids[2].octets, 0xff, 16);
    ids[3] = *sim_node_id(s, bad);
    ids[4] = ids[5];
    ids[6] = *sim_node_id(s, 4);
    ids[7] = node_id_behind(s, VICTIM, 1);
}

/* 250 in a message, which is what the document lets be, and 3,800 where it lets more be. */
START_TEST(t5_invented_neighbors)
{
    static struct reload_node_id ids[INVENTED_MAX];
    const size_t count = _i ? INVENTED_MAX : 250;
    struct sim_random random = sim_random_fork(5, 5);
    begin(5, RING, SIM_LINKS_MESSAGES);
    if (_i)
        sim_config(s, 0)->max_message_size = 65536;
    uint32_t bad = sim_successor_of(s, VICTIM, 1);
    sim_add_bad_node(s, bad);
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert(!table_has(s, VICTIM, sim_node_id(s, bad)));
    struct attacker mallory = attacker_at(s, VICTIM);
    struct attaches seen = {.bad = *sim_node_id(s, bad), .named = node_id_behind(s, VICTIM, 1)};
    ck_assert_uint_eq(say_update(&mallory, NULL, 0, 0), 0);
    sim_run_for(s, SIM_SECONDS(30));
    sim_tap(s, see_attaches, &seen);
    uint64_t begun = sim_now(s);
    for (unsigned updates = 0; updates < 150; updates++) {
        invent(&random, ids, count, bad);
        ck_assert_uint_eq(say_update(&mallory, ids, count, 0), 0);
        ck_assert(knows_nobody_new(mallory.self));
        sim_run_for(s, SIM_MS(300));
    }
    /* A burst of 64, then two a second, and a few that are not on anybody's word. */
    unsigned seconds = (unsigned)((sim_now(s) - begun) / SIM_SECONDS(1));
    ck_assert_uint_ge(seen.all, 64);
    ck_assert_uint_le(seen.all, 64 + 2 * seconds + 20);
    ck_assert_uint_gt(seen.to_named, 0); /* the nearest of all */
    ck_assert_uint_eq(seen.to_bad, 0);   /* though it would be nearly as near */
    ck_assert_uint_eq(seen.useless, 0);
    ck_assert(knows_nobody_new(mallory.self));
    sim_puppet_close(s, mallory.self, mallory.link);
    sim_kill(s, bad);
    wait_until_whole(s, SIM_SECONDS(60));
    sim_free(s);
}
END_TEST

/* ---- T6, T16: Updates of before ---------------------------------------------------------------
 */

/* The newest Update of a peer that names its neighbours, as it was signed. */
struct record {
    uint32_t from;
    uint8_t bytes[4096];
    size_t size;
};

static bool
record_update(struct sim *sim, struct sim_passing *passing, void *argument)
{
    struct record *record = argument;
    struct reload_message message;
    if (passing->from != record->from || !passing_message(sim, passing, &message) ||
        message.contents.message_code != RELOAD_MESSAGE_UPDATE_REQ ||
        message.contents.message_body.size < 64 || message.header.via_list.size > 0)
        return true;
    ck_assert_uint_le(passing->size, sizeof record->bytes);
    memcpy(record->bytes, passing->bytes, passing->size);
    record->size = passing->size;
    return true;
}

/* How many live peers know |id|. */
static unsigned
known_to(const struct reload_node_id *id)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < sim_node_count(s); i++)
        count += sim_is_alive(s, i) && sim_node(s, i) && table_has(s, i, id);
    return count;
}

/* Somebody that is not linked with the victim. */
static uint32_t
stranger(void)
{
    for (uint32_t steps = 14;; steps++) {
        uint32_t peer = sim_successor_of(s, VICTIM, steps);
        ck_assert_uint_ne(peer, VICTIM);
        if (!sim_link(s, VICTIM, peer))
            return peer;
    }
}

/* T6: what a peer that has died since said of itself and its neighbours, and what one that lives
 * but is not linked said, is replayed to the victim, a hundred times: nobody gets into its table by
 * that, and it attaches to few. */
START_TEST(t6_replayed_updates)
{
    begin(7, 40, SIM_LINKS_MESSAGES);
    uint32_t dead = sim_successor_of(s, VICTIM, 1), other = stranger();
    struct record records[2] = {{.from = dead}, {.from = other}};
    sim_tap_add(s, record_update, &records[0]);
    sim_tap_add(s, record_update, &records[1]);
    sim_kill(s, sim_successor_of(s, dead, 1)); /* so that they tell of their neighbours */
    sim_kill(s, sim_successor_of(s, other, 1));
    wait_until_whole(s, SIM_SECONDS(60));
    ck_assert(records[0].size > 0 && records[1].size > 0);
    sim_tap_remove(s, &records[0]);
    sim_tap_remove(s, &records[1]);
    ck_assert(table_has(s, VICTIM, sim_node_id(s, dead)));
    sim_kill(s, dead);
    wait_until_whole(s, SIM_SECONDS(60));
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert_uint_eq(known_to(sim_node_id(s, dead)), 0);

    struct attacker mallory = attacker_at(s, VICTIM);
    struct attaches seen = {.named = *sim_node_id(s, dead)};
    sim_tap(s, see_attaches, &seen);
    for (unsigned i = 0; i < 100; i++) {
        const struct record *record = &records[i % 2];
        const struct sim_heard *heard =
            sim_replay(s, mallory.self, mallory.link,
                       (struct reload_bytes){record->bytes, record->size}, sim_node_id(s, VICTIM));
        ck_assert_uint_eq(sim_message_code(s, heard), RELOAD_MESSAGE_UPDATE_ANS);
        ck_assert(knows_nobody_new(SIM_NOBODY));
        ck_assert(!table_has(s, VICTIM, sim_node_id(s, dead)));
        ck_assert(sim_link(s, VICTIM, other) || !table_has(s, VICTIM, sim_node_id(s, other)));
        ck_assert(i > 1 || !sim_link(s, VICTIM, other)); /* later it may be a finger */
        sim_run_for(s, SIM_MS(300));
    }
    ck_assert_uint_ge(seen.to_named, 1); /* a hint */
    ck_assert_uint_le(seen.all, 24);
    ck_assert(sim_ring_is_whole(s, 0, stderr));
    sim_restart(s, dead); /* what it says itself counts */
    wait_until_whole(s, SIM_SECONDS(60));
    ck_assert(table_has(s, VICTIM, sim_node_id(s, dead)));
    sim_free(s);
}
END_TEST

/* How often one of two who had been given up for dead was in a table again. */
struct ghosts {
    const struct reload_node_id *dead[2];
    unsigned seen;
};

static void
see_ghosts(struct sim *sim, uint32_t node, void *argument)
{
    struct ghosts *ghosts = argument;
    for (size_t i = 0; i < 2 && node != SLEEPER && sim_node(sim, node); i++)
        ghosts->seen += table_has(sim, node, ghosts->dead[i]);
}

/* T16: a peer stands still while its neighbours die and another one takes their place, and goes on
 * with what it knew before. What it says then, and what it had said before and somebody replays,
 * brings the dead back to nobody; it joins as one who failed (10.7.1). */
START_TEST(t16_stale_updates_are_ignored)
{
    begin(16, RING, (enum sim_links)_i);
    uint32_t before = sim_successor_of(s, SLEEPER, RING - 1),
             behind = sim_successor_of(s, SLEEPER, 1);
    struct record record = {.from = SLEEPER};
    sim_tap_add(s, record_update, &record);
    sim_kill(s, sim_successor_of(s, behind, 1));
    wait_until_whole(s, SIM_SECONDS(60));
    sim_run_for(s, SIM_SECONDS(30));
    sim_tap_remove(s, &record);
    ck_assert_uint_gt(record.size, 0);
    sim_pause(s, SLEEPER);
    sim_run_for(s, SIM_SECONDS(1));
    sim_kill(s, before);
    sim_kill(s, behind);
    uint32_t newcomer =
        sim_add_node(s, &(struct sim_node_options){.node_id = node_id_behind(s, SLEEPER, 1),
                                                   .bootstrap_given = true,
                                                   .bootstrap = sim_successor_of(s, SLEEPER, 4)});
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert(sim_is_joined(s, newcomer));
    struct ghosts ghosts = {.dead = {sim_node_id(s, before), sim_node_id(s, behind)}};
    ck_assert_uint_eq(known_to(ghosts.dead[0]) - table_has(s, SLEEPER, ghosts.dead[0]), 0);
    ck_assert_uint_eq(known_to(ghosts.dead[1]) - table_has(s, SLEEPER, ghosts.dead[1]), 0);
    sim_observe(s, see_ghosts, &ghosts);
    sim_resume(s, SLEEPER);
    if (_i == SIM_LINKS_MESSAGES) { /* a puppet speaks no frames */
        struct attacker mallory = attacker_at(s, newcomer);
        struct reload_bytes old = {record.bytes, record.size};
        ck_assert_ptr_nonnull(
            sim_replay(s, mallory.self, mallory.link, old, sim_node_id(s, newcomer)));
        sim_puppet_close(s, mallory.self, mallory.link);
    }
    wait_until_whole(s, SIM_SECONDS(60));
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert_uint_eq(ghosts.seen, 0);
    ck_assert_uint_eq(known_to(ghosts.dead[0]) + known_to(ghosts.dead[1]), 0);
    if (_i == SIM_LINKS_MESSAGES) /* frames: before its last old link is given up it has new ones */
        ck_assert_uint_eq(sim_event_count(s, SLEEPER, RELOAD_EVENT_JOINED), 2);
    sim_free(s);
}
END_TEST

static const struct named_test tests[] = {
    {&t5_invented_neighbors, 0, 2},
    {&t6_replayed_updates, 0, 0},
    {&t16_stale_updates_are_ignored, SIM_LINKS_MESSAGES, SIM_LINKS_MIXED},
};

int
main(void)
{
    return run_tests("attack_update", tests, sizeof tests / sizeof *tests);
}
