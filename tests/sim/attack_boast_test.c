/* attack_boast_test.c: peers that say that they are old, or responsible for much: nobody is the
 * more for it.
 *
 * RFC 6940 6.4.2.5, 10.7. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"
#include "tests/sim/view.h"

#include "tools/sim/sim_chord.h"
#include "tools/sim/sim_copies.h"
#include "tools/sim/sim_random.h"
#include "tools/sim/sim_state.h"
#include "topology/chord.h"

#define RING 7 /* with one more a full mesh: who knows whom does not depend on chance */
#define PLACES 64

static struct sim *s;

/* ---- Updates --------------------------------------------------------------------------------- */

/* What liars, hosts with odd numbers, say of their uptime. */
struct boast {
    bool is_on;
    uint32_t uptime_s;
    unsigned told;
};

/* Signs anew what a liar says, with another uptime. */
static bool
boast_of_uptime(struct sim *sim, struct sim_passing *passing, void *argument)
{
    struct boast *boast = argument;
    struct reload_wire wire = {.node_id_length = 16};
    struct reload_message message;
    struct reload_chord_update update;
    uint8_t data[4096];
    if (!boast->is_on || passing->from % 2 == 0 || !passing_message(sim, passing, &message) ||
        message.contents.message_code != RELOAD_MESSAGE_UPDATE_REQ)
        return true;
    struct reload_reader reader = reload_reader_of(message.contents.message_body);
    ck_assert_int_eq(reload_chord_update_decode(&reader, &wire, &update), 0);
    update.uptime = boast->uptime_s;
    struct reload_writer writer = reload_writer_of(data, sizeof data);
    reload_chord_update_encode(&writer, &wire, &update);
    struct sim_draft *draft = sim_draft_new(sim, passing->from, RELOAD_MESSAGE_UPDATE_REQ,
                                            reload_writer_written(&writer));
    draft->message.header = message.header;
    struct reload_bytes sealed = sim_draft_seal(draft);
    ck_assert_uint_le(sealed.size, passing->capacity);
    memcpy(passing->bytes, sealed.data, sealed.size);
    passing->size = sealed.size;
    boast->told++;
    sim_draft_free(draft);
    return true;
}

/* What a ring has come to: who is next from everybody to everywhere, and who holds what. */
struct outcome {
    uint32_t next[RING + 1][PLACES];
    bool holds[RING + 1][RING + 1];
};

static void
look_at(struct outcome *outcome)
{
    struct sim_random random = sim_random_fork(1, 2);
    memset(outcome, 0, sizeof *outcome);
    for (uint32_t place = 0; place < PLACES; place++) {
        struct reload_node_id target = {0}, next;
        sim_random_fill(&random, target.octets, 16);
        for (uint32_t i = 0; i <= RING; i++) {
            if (!sim_is_alive(s, i))
                continue;
            enum reload_hop hop =
                reload_chord.next_hop(reload_node_topology(sim_node(s, i)), &target, 0, &next);
            outcome->next[i][place] = hop == RELOAD_HOP_SELF ? i : sim_find_node(s, 0, &next);
        }
    }
    for (uint32_t owner = 0; owner <= RING; owner++)
        for (uint32_t i = 0; i <= RING; i++) {
            uint8_t resource[16];
            sim_slot_resource(s, owner, 1, resource);
            outcome->holds[owner][i] =
                sim_copy_at(s, i, (struct reload_bytes){resource, sizeof resource}) > 0;
        }
}

/* A ring with values, one peer that joins and one that dies, while half of them boast. */
static void
live_through(struct boast *boast, struct outcome *outcome)
{
    struct sim_options options = ring_options();
    s = sim_new(15, &options);
    sim_tap(s, boast_of_uptime, boast);
    ring_grow(s, RING);
    for (uint32_t i = 0; i < RING; i++)
        ck_assert_int_eq(sim_store(s, i, 1, "kept").error, 0);
    (void)sim_add_node(s, NULL); /* a liar, too */
    wait_until_whole(s, SIM_SECONDS(60));
    sim_run_for(s, SIM_SECONDS(30));
    sim_kill(s, 2);
    wait_until_whole(s, SIM_SECONDS(60));
    sim_run_for(s, SIM_MINUTES(3));
    look_at(outcome);
    for (uint32_t i = 0; i < RING; i++) {
        struct sim_outcome found = sim_fetch(s, RING - i == 2 ? 0 : RING - i, i, 1);
        ck_assert(sim_text(&found, "kept"));
    }
    sim_free(s);
}

START_TEST(t15_uptime_is_no_merit)
{
    static const uint32_t uptimes_s[] = {0, 59, 1000000000, UINT32_MAX};
    static struct outcome honest, lied;
    struct boast boast = {0};
    live_through(&boast, &honest);
    ck_assert_uint_eq(boast.told, 0);
    boast = (struct boast){.is_on = true, .uptime_s = uptimes_s[_i]};
    live_through(&boast, &lied);
    ck_assert_uint_gt(boast.told, 20);
    ck_assert_mem_eq(&honest, &lied, sizeof honest);
}
END_TEST

/* ---- Probe ----------------------------------------------------------------------------------- */

/* Answers a Probe: everything is its own, it holds everything, and was always there. */
static void
answer_probe(struct sim *sim, uint32_t puppet, const struct sim_heard *heard, void *argument)
{
    struct reload_wire wire = {.node_id_length = 16};
    const struct reload_probe_information lies[] = {
        {RELOAD_PROBE_INFORMATION_TYPE_RESPONSIBLE_SET, {.responsible_ppb = 1000000000}},
        {RELOAD_PROBE_INFORMATION_TYPE_NUM_RESOURCES, {.num_resources = UINT32_MAX}},
        {RELOAD_PROBE_INFORMATION_TYPE_UPTIME, {.uptime = UINT32_MAX}},
    };
    uint8_t body[64];
    if (sim_message_code(sim, heard) != RELOAD_MESSAGE_PROBE_REQ)
        return;
    struct reload_writer writer = reload_writer_of(body, sizeof body);
    size_t mark = reload_writer_begin(&writer, 2);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
        reload_probe_information_encode(&writer, &wire, &lies[i]);
    reload_writer_end(&writer, mark, 2);
    struct sim_draft *draft = sim_draft_answer(sim, puppet, heard, RELOAD_MESSAGE_PROBE_ANS,
                                               reload_writer_written(&writer));
    ck_assert_ptr_nonnull(draft);
    sim_puppet_say(sim, puppet, heard->link, sim_draft_seal(draft));
    sim_draft_free(draft);
    ++*(unsigned *)argument;
}

START_TEST(t15_probe_answers_change_nothing)
{
    static const uint8_t asked[] = {3, RELOAD_PROBE_INFORMATION_TYPE_RESPONSIBLE_SET,
                                    RELOAD_PROBE_INFORMATION_TYPE_NUM_RESOURCES,
                                    RELOAD_PROBE_INFORMATION_TYPE_UPTIME};
    struct sim_options options = ring_options();
    options.successors = sim_chord_successors;
    s = sim_new(16, &options);
    ring_grow(s, RING);
    struct attacker mallory = attacker_at(s, 0);
    unsigned answered = 0;
    sim_puppet_listen(s, mallory.self, answer_probe, &answered);
    sim_run_for(s, SIM_SECONDS(10));
    uint64_t before = sim_state_of_node(s, 0);
    struct reload_route route = reload_route_to_node(sim_node_id(s, mallory.self));
    struct sim_outcome outcome = sim_request(s, 0, &route, RELOAD_MESSAGE_PROBE_REQ,
                                             (struct reload_bytes){asked, sizeof asked});
    ck_assert_int_eq(outcome.error, 0);
    ck_assert_uint_eq(answered, 1);
    ck_assert_uint_eq(outcome.body_size, 2 + 3 * (2 + 4)); /* who asked may see it */
    ck_assert_uint_eq(sim_state_of_node(s, 0), before);
    ck_assert(!table_has(s, 0, sim_node_id(s, mallory.self)));
    ck_assert(sim_ring_is_whole(s, 0, stderr));
    sim_free(s);
}
END_TEST

static const struct named_test tests[] = {
    {&t15_uptime_is_no_merit, 0, 4},
    {&t15_probe_answers_change_nothing, 0, 0},
};

int
main(void)
{
    return run_tests("attack_boast", tests, sizeof tests / sizeof *tests);
}
