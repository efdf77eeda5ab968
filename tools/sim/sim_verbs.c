/* sim_verbs.c: requests of a node, run to completion.
 *
 * RFC 6940 6.2.1, 7.4. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_internal.h"

#define PATIENCE_NS SIM_SECONDS(60)
#define LIFETIME_S 3600

/* One verb under way. */
struct verb {
    struct sim *sim;
    struct sim_host *host;
    struct sim_outcome outcome;
};

static size_t
keep(uint8_t *to, size_t capacity, struct reload_bytes bytes)
{
    size_t size = bytes.size < capacity ? bytes.size : capacity;
    if (size)
        memcpy(to, bytes.data, size);
    return size;
}

static void
on_result(void *argument, const struct reload_result *result, reload_time now)
{
    struct verb *verb = argument;
    struct sim_outcome *outcome = &verb->outcome;
    (void)now;
    assert(!outcome->done); /* once for each request */
    outcome->done = true;
    outcome->error = result->error;
    outcome->error_code = result->error_code;
    outcome->error_info_size =
        keep(outcome->error_info, sizeof outcome->error_info, result->error_info);
    outcome->hops = result->hops;
    outcome->elapsed_ns = result->elapsed_ns;
    if (result->message)
        outcome->body_size =
            keep(outcome->body, sizeof outcome->body, result->message->contents.message_body);
    if (result->responder)
        outcome->responder =
            sim_find_node(verb->sim, verb->host->options.overlay, &result->responder_id);
}

static void
on_value(void *argument, const struct reload_fetched_value *value, reload_time now)
{
    struct sim_outcome *outcome = &((struct verb *)argument)->outcome;
    (void)now;
    outcome->value_count++;
    outcome->exists = value->exists;
    outcome->value_size = keep(outcome->value, sizeof outcome->value, value->value);
    outcome->generation = value->generation;
    outcome->storage_time_ms = value->storage_time_ms;
    outcome->lifetime_s = value->lifetime_s;
}

static struct verb
begin(struct sim *sim, uint32_t node)
{
    struct sim_host *host = sim_host_of(sim, node);
    assert(host->node);
    return (struct verb){.sim = sim, .host = host, .outcome.responder = SIM_NOBODY};
}

static bool
is_done(struct sim *sim, void *argument)
{
    (void)sim;
    return ((struct verb *)argument)->outcome.done;
}

static struct sim_outcome
finish(struct verb *verb, int error)
{
    if (error) {
        verb->outcome.done = true;
        verb->outcome.error = error;
        return verb->outcome;
    }
    sim_host_turn(verb->host);
    /* Nothing may keep a pointer to |verb| beyond this; such a node is at fault. */
    bool done = sim_run_until(verb->sim, is_done, verb, PATIENCE_NS);
    assert(done);
    (void)done;
    return verb->outcome;
}

void
sim_slot_resource(struct sim *sim, uint32_t owner, uint8_t slot, uint8_t resource[16])
{
    struct sim_host *host = sim_host_of(sim, owner);
    uint8_t name[RELOAD_NODE_ID_SIZE_MAX + 1], digest[RELOAD_DIGEST_MAX];
    size_t length = sim->overlays[host->options.overlay].config->node_id_length, size = 0;
    memcpy(name, host->node_id.octets, length);
    name[length] = slot;
    struct reload_bytes whole = {name, length + 1};
    int error = sim_certificates_digest(sim->certificates, 2, &whole, 1, digest, &size);
    assert(error == 0 && size >= 16);
    (void)error;
    memcpy(resource, digest, 16);
}

struct sim_outcome
sim_store_value(struct sim *sim, uint32_t node, struct reload_bytes resource,
                const struct reload_store_value *value)
{
    struct verb verb = begin(sim, node);
    return finish(
        &verb, reload_node_store(verb.host->node, resource, value, 1, on_result, &verb, sim->now));
}

struct sim_outcome
sim_fetch_value(struct sim *sim, uint32_t reader, struct reload_bytes resource,
                const struct reload_fetch_specifier *specifier)
{
    struct verb verb = begin(sim, reader);
    return finish(&verb, reload_node_fetch(verb.host->node, resource, specifier, 1, on_value,
                                           on_result, &verb, sim->now));
}

struct sim_outcome
sim_store(struct sim *sim, uint32_t node, uint8_t slot, const char *text)
{
    uint8_t resource[16];
    sim_slot_resource(sim, node, slot, resource);
    struct reload_store_value value = {.kind = SIM_KIND_SLOT,
                                       .value = reload_bytes_of_string(text),
                                       .exists = true,
                                       .lifetime_s = LIFETIME_S};
    return sim_store_value(sim, node, (struct reload_bytes){resource, 16}, &value);
}

struct sim_outcome
sim_remove(struct sim *sim, uint32_t node, uint8_t slot)
{
    uint8_t resource[16];
    sim_slot_resource(sim, node, slot, resource);
    struct reload_store_value value = {.kind = SIM_KIND_SLOT, .lifetime_s = LIFETIME_S};
    return sim_store_value(sim, node, (struct reload_bytes){resource, 16}, &value);
}

struct sim_outcome
sim_fetch(struct sim *sim, uint32_t reader, uint32_t owner, uint8_t slot)
{
    uint8_t resource[16];
    sim_slot_resource(sim, owner, slot, resource);
    struct reload_fetch_specifier specifier = {.kind = SIM_KIND_SLOT};
    return sim_fetch_value(sim, reader, (struct reload_bytes){resource, 16}, &specifier);
}

struct sim_outcome
sim_fetch_along(struct sim *sim, uint32_t reader, uint32_t owner, uint8_t slot,
                const struct reload_route *choices)
{
    uint8_t octets[16];
    struct reload_bytes resource = {octets, sizeof octets};
    sim_slot_resource(sim, owner, slot, octets);
    struct reload_fetch_specifier specifier = {.kind = SIM_KIND_SLOT};
    struct reload_route route = *choices;
    route.count = 0;
    bool fits = reload_route_append_resource(&route, resource);
    assert(fits);
    (void)fits;
    struct verb verb = begin(sim, reader);
    return finish(&verb, reload_node_fetch_along(verb.host->node, &route, resource, &specifier, 1,
                                                 on_value, on_result, &verb, sim->now));
}

struct sim_outcome
sim_request(struct sim *sim, uint32_t node, const struct reload_route *route, uint16_t code,
            struct reload_bytes body)
{
    struct verb verb = begin(sim, node);
    return finish(&verb, reload_node_request(verb.host->node, route, code, body, on_result, &verb,
                                             sim->now, NULL));
}

struct sim_outcome
sim_ping(struct sim *sim, uint32_t from, uint32_t to)
{
    static const uint8_t no_padding[2] = {0};
    struct reload_route route = reload_route_to_node(sim_node_id(sim, to));
    return sim_request(sim, from, &route, RELOAD_MESSAGE_PING_REQ,
                       (struct reload_bytes){no_padding, sizeof no_padding});
}

bool
sim_text(const struct sim_outcome *outcome, const char *text)
{
    return outcome->done && outcome->error == 0 && outcome->value_count == 1 && outcome->exists &&
           outcome->value_size == strlen(text) &&
           memcmp(outcome->value, text, outcome->value_size) == 0;
}
