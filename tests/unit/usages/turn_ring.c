/* turn_ring.c: a ring of simulated nodes that use relays.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/usages/turn_ring.h"

void
turn_ring_configure(struct reload_config *config, uint32_t overlay)
{
    (void)overlay;
    config->turn_density = DENSITY;
}

struct sim *
turn_ring_of(uint32_t count, void (*configure)(struct reload_config *config, uint32_t overlay))
{
    return turn_ring_with(count, &reload_turn_service_usage, configure);
}

struct sim *
turn_ring_with(uint32_t count, const struct reload_usage_ops *usage,
               void (*configure)(struct reload_config *config, uint32_t overlay))
{
    static struct reload_turn_options use = {.use = true};
    struct sim_options options = ring_options();
    options.usages[0] = usage;
    options.usage_arguments[0] = &use;
    options.usage_count = 1;
    options.configure = configure;
    struct sim *s = sim_new(9, &options);
    ring_grow(s, count);
    return s;
}

void *
turn_of(struct sim *s, uint32_t node)
{
    return reload_node_usage(sim_node(s, node), 0);
}

struct reload_address
turn_address_of(uint32_t node)
{
    return (struct reload_address){
        .family = 4, .octets = {203, 0, 113, (uint8_t)node}, .port = 3478};
}

void
turn_lend(struct sim *s, uint32_t node)
{
    struct reload_turn_offer offer = {.address = turn_address_of(node),
                                      .secret = reload_bytes_of_string("a secret"),
                                      .lifetime_s = 3600};
    ck_assert_int_eq(reload_turn_service_begin(turn_of(s, node), &offer, sim_now(s)), 0);
    sim_turn(s, node);
}

struct sim_outcome
turn_announcement(struct sim *s, uint32_t reader, uint32_t owner, uint8_t iteration)
{
    uint8_t resource[16];
    struct reload_fetch_specifier specifier = {.kind = RELOAD_KIND_TURN_SERVICE};
    sim_slot_resource(s, owner, iteration, resource);
    struct sim_outcome outcome =
        sim_fetch_value(s, reader, (struct reload_bytes){resource, 16}, &specifier);
    ck_assert(outcome.done);
    ck_assert_int_eq(outcome.error, 0);
    return outcome;
}

unsigned
turn_announcements(struct sim *s, uint32_t reader, uint32_t owner)
{
    unsigned count = 0;
    for (uint8_t i = 0; i <= RELOAD_TURN_ITERATIONS_MAX; i++)
        count += turn_announcement(s, reader, owner, i).exists;
    return count;
}

bool
turn_knows(struct sim *s, uint32_t node, uint32_t server)
{
    size_t cursor = 0;
    struct reload_turn_relay_info info;
    while (reload_turn_service_next(turn_of(s, node), &cursor, &info))
        if (memcmp(&info.node_id, sim_node_id(s, server), sizeof info.node_id) == 0)
            return true;
    return false;
}

size_t
turn_known(struct sim *s, uint32_t node)
{
    size_t cursor = 0, count = 0;
    struct reload_turn_relay_info info;
    while (reload_turn_service_next(turn_of(s, node), &cursor, &info))
        count++;
    return count;
}

unsigned
turn_try(struct sim *s, uint32_t node, uint32_t bad)
{
    struct reload_ice_relay relay;
    unsigned tried = 0;
    while (reload_turn_service_untried(turn_of(s, node), &relay, sim_now(s))) {
        bool works = relay.address.octets[3] != (uint8_t)bad || bad == NOBODY;
        ck_assert(!relay.tcp);
        reload_turn_service_tried(turn_of(s, node), &relay,
                                  works ? RELOAD_RELAY_WORKS : RELOAD_RELAY_SILENT, sim_now(s));
        relay.tcp = true;
        if (!works)
            reload_turn_service_tried(turn_of(s, node), &relay, RELOAD_RELAY_SILENT, sim_now(s));
        tried++;
    }
    return tried;
}

void
turn_run(struct sim *s, uint32_t nodes, uint32_t bad, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        sim_run_for(s, SIM_SECONDS(1));
        for (uint32_t node = 0; node < nodes; node++)
            (void)turn_try(s, node, bad);
    }
}
