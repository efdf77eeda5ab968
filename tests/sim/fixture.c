/* fixture.c: what the tests that run overlays have in common.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#include "tools/sim/sim_chord.h"
#include "topology/chord.h"

#include <stdlib.h>

struct sim_options
ring_options(void)
{
    struct sim_options options = {.topology = &reload_chord,
                                  .successor = sim_chord_successor,
                                  .describe = sim_chord_describe};
    if (getenv("SIM_LOG") && *getenv("SIM_LOG")) {
        options.log = stderr;
        options.log_level = RELOAD_LOG_DEBUG;
    }
    return options;
}

void
ring_grow(struct sim *s, uint32_t count)
{
    (void)sim_add_nodes(s, 0, count, SIM_MS(300));
    wait_until_whole(s, SIM_SECONDS(120));
}

void
wait_until_whole(struct sim *s, uint64_t limit_ns)
{
    bool whole = sim_run_until(s, sim_is_whole, NULL, limit_ns);
    if (!whole)
        (void)sim_ring_is_whole(s, 0, stderr);
    ck_assert_msg(whole, "the ring is not whole in time");
}

struct sim *
ring_of_links(uint32_t count, uint64_t seed, enum sim_links links)
{
    struct sim_options options = ring_options();
    options.links = links;
    struct sim *s = sim_new(seed, &options);
    ring_grow(s, count);
    return s;
}

struct sim *
ring_of(uint32_t count, uint64_t seed)
{
    return ring_of_links(count, seed, SIM_LINKS_MESSAGES);
}

uint32_t
client_of(struct sim *s)
{
    uint32_t client = sim_add_node(s, &(struct sim_node_options){.client = true});
    ck_assert(sim_run_until(s, sim_is_joined_all, NULL, SIM_SECONDS(30)));
    return client;
}

static bool
look(struct sim *s, struct sim_passing *passing, void *argument)
{
    struct watch *watch = argument;
    struct reload_message message;
    struct reload_bytes bytes = {passing->bytes, passing->size};
    if (passing->application || !sim_decode(s, sim_overlay_of(s, passing->from), bytes, &message) ||
        message.header.transaction_id != watch->transaction_id)
        return true;
    watch->to[passing->to % 256]++;
    watch->from[passing->from % 256]++;
    watch->all++;
    return !watch->drop;
}

void
watch_begin(struct sim *s, struct watch *watch, uint64_t transaction_id)
{
    *watch = (struct watch){.sim = s, .transaction_id = transaction_id};
    sim_tap(s, look, watch);
}

struct attacker
attacker_at(struct sim *s, uint32_t node)
{
    struct attacker attacker = {.self = sim_add_puppet(s, NULL), .node = node};
    attacker.link = sim_puppet_connect(s, attacker.self, node);
    ck_assert_uint_ne(attacker.link, 0);
    return attacker;
}

struct sim_draft *
ping_draft(struct sim *s, const struct attacker *attacker)
{
    static const uint8_t no_padding[2] = {0};
    return sim_draft_new(s, attacker->self, RELOAD_MESSAGE_PING_REQ,
                         (struct reload_bytes){no_padding, sizeof no_padding});
}

uint16_t
ask(struct sim *s, const struct attacker *attacker, struct sim_draft *draft)
{
    const struct sim_heard *heard = sim_puppet_ask(s, attacker->self, attacker->link, draft);
    return heard ? sim_error_code(s, heard) : NO_ANSWER;
}
