/* world.c: nodes with an environment of the test's own.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/world.h"

#include "tools/sim/sim_random.h"

#include <check.h>
#include <stdlib.h>

#define BEGIN (1000 * RELOAD_SECOND)
#define WALL_BEGIN_MS UINT64_C(1800000000000)
#define YEAR_MS (UINT64_C(366) * 86400 * 1000)
#define DELAY RELOAD_MS

/* One end of a link between two nodes. */
struct world_pipe {
    struct world_pipe *next;
    struct world_host *host, *peer;
    uint32_t link, peer_link; /* |peer_link| 0: not up yet */
};

enum passing {
    PASSING_FRAME,
    PASSING_CONNECT,
    PASSING_DOWN,
    PASSING_GATHERED,
};

/* Something that will happen to |to|. */
struct world_passing {
    struct world_passing *next;
    enum passing what;
    reload_time at;
    struct world_host *from, *to;
    uint32_t link; /* of |to|; CONNECT: of |from| */
    uint16_t application;
    int error;
    size_t size;
    uint8_t bytes[];
};

/* ---- env ---- */

union prefix {
    size_t size;
    max_align_t align;
};

static void *
allocate(void *context, void *data, size_t size)
{
    struct world *world = context;
    union prefix *old = data ? (union prefix *)data - 1 : NULL;
    if (size == 0) {
        if (old) {
            world->blocks--;
            world->octets -= old->size;
        }
        free(old);
        return NULL;
    }
    uint64_t call = ++world->allocations;
    if (world->fail_at &&
        (call == world->fail_at || (world->fail_every && call > world->fail_at &&
                                    (call - world->fail_at) % world->fail_every == 0)))
        return NULL;
    /* Always another place, so that whoever keeps an old one is found. */
    union prefix *block = malloc(sizeof *block + size);
    ck_assert_ptr_nonnull(block);
    block->size = size;
    if (old) {
        memcpy(block + 1, old + 1, old->size < size ? old->size : size);
        world->octets -= old->size;
        free(old);
    } else {
        world->blocks++;
    }
    world->octets += size;
    return block + 1;
}

static uint64_t
wall_ms(void *context)
{
    const struct world *world = context;
    return WALL_BEGIN_MS + (world->now - BEGIN) / RELOAD_MS + (uint64_t)world->clock_step_ms;
}

static void
random_fill(void *context, void *data, size_t size)
{
    struct world *world = context;
    uint8_t *octets = data;
    for (size_t i = 0; i < size; i++) {
        world->random = world->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        octets[i] = (uint8_t)(world->random >> 56);
    }
}

/* ---- life ---- */

struct world *
world_new(const struct reload_topology_ops *topology)
{
    struct world *world = calloc(1, sizeof *world);
    ck_assert_ptr_nonnull(world);
    world->now = BEGIN;
    world->random = 42;
    world->framing = RELOAD_FRAMING_DATAGRAM;
    world->mtu = 1200;
    world->last_end = &world->first;
    world->certificates = sim_certificates_new();
    world->env = (struct reload_env){world, wall_ms, random_fill, NULL, allocate};
    world->config = calloc(1, sizeof *world->config);
    ck_assert_ptr_nonnull(world->config);
    struct reload_config *config = world->config;
    strcpy(config->instance_name, "example.org");
    strcpy(config->topology_plugin, topology->name);
    config->overlay = 0x12345678;
    config->sequence = 22;
    config->node_id_length = 16;
    config->max_message_size = 5000;
    config->initial_ttl = 100;
    config->overlay_reliability_timer_ms = 3000;
    config->clients_permitted = config->no_ice = true;
    config->chord_update_interval_s = 600;
    config->chord_ping_interval_s = 3600;
    config->chord_reactive = true;
    return world;
}

static void
end_node(struct world_host *host)
{
    reload_node_free(host->node);
    host->node = NULL;
    sim_keyring_fini(&host->keyring);
}

void
world_free(struct world *world)
{
    for (size_t i = 0; i < world->host_count; i++) {
        struct world_host *host = world->hosts[i];
        if (host->node)
            end_node(host);
        world_forget(host);
        free(host);
    }
    while (world->pipes) {
        struct world_pipe *pipe = world->pipes;
        world->pipes = pipe->next;
        free(pipe);
    }
    while (world->first) {
        struct world_passing *passing = world->first;
        world->first = passing->next;
        free(passing);
    }
    ck_assert_uint_eq(world->blocks, 0);
    ck_assert_uint_eq(world->octets, 0);
    sim_certificates_free(world->certificates);
    free(world->config);
    free(world);
}

struct world_host *
world_add(struct world *world, size_t node_ids)
{
    struct world_host *host = calloc(1, sizeof *host);
    ck_assert(host && world->host_count < WORLD_HOSTS_MAX);
    host->world = world;
    host->index = world->host_count;
    world->hosts[world->host_count++] = host;
    struct sim_certificate certificate = {.authority = 1,
                                          .serial = host->index,
                                          .public_key = sim_key_public(host->index + 1),
                                          .not_before_ms = WALL_BEGIN_MS - YEAR_MS,
                                          .not_after_ms = WALL_BEGIN_MS + YEAR_MS,
                                          .node_id_count = node_ids,
                                          .signature_algorithm = 3};
    strcpy(certificate.user_name, "somebody@example.org");
    for (size_t i = 0; i < node_ids; i++)
        random_fill(world, certificate.node_ids[i].octets, 16);
    host->id = certificate.node_ids[0];
    size_t size = sim_certificate_encode(&certificate, host->certificate);
    const struct sim_certificate_entry *entry =
        sim_certificates_add(world->certificates, (struct reload_bytes){host->certificate, size});
    ck_assert_ptr_nonnull(entry);
    host->identity = &entry->identity;
    return host;
}

int
world_boot_with(struct world_host *host, struct reload_node_options *options)
{
    struct world *world = host->world;
    int error = sim_keyring_init(&host->keyring, world->certificates, world->config,
                                 host->index + 1, host->identity->certificate, world, allocate);
    if (error)
        return error;
    options->env = &world->env;
    options->config = world->config;
    options->keyring = &host->keyring.keyring;
    error = reload_node_new(options, world->now, &host->node);
    if (error)
        sim_keyring_fini(&host->keyring);
    return error;
}

int
world_boot(struct world_host *host, const struct reload_topology_ops *topology)
{
    struct reload_node_options options = {.topology = topology, .first_node = host->index == 0};
    return world_boot_with(host, &options);
}

/* ---- links ---- */

static struct world_pipe *
find_pipe(struct world_host *host, uint32_t link)
{
    struct world_pipe *pipe = host->world->pipes;
    while (pipe && (pipe->host != host || pipe->link != link))
        pipe = pipe->next;
    return pipe;
}

static struct world_pipe *
add_pipe(struct world_host *host, uint32_t link, struct world_host *peer, uint32_t peer_link)
{
    struct world_pipe *pipe = calloc(1, sizeof *pipe);
    ck_assert_ptr_nonnull(pipe);
    *pipe = (struct world_pipe){host->world->pipes, host, peer, link, peer_link};
    host->world->pipes = pipe;
    return pipe;
}

static struct world_passing *
pass(struct world_host *from, struct world_host *to, enum passing what, uint32_t link,
     struct reload_bytes bytes)
{
    struct world *world = from->world;
    struct world_passing *passing = calloc(1, sizeof *passing + bytes.size);
    ck_assert_ptr_nonnull(passing);
    *passing = (struct world_passing){.what = what,
                                      .at = world->now + DELAY,
                                      .from = from,
                                      .to = to,
                                      .link = link,
                                      .size = bytes.size};
    if (bytes.size)
        memcpy(passing->bytes, bytes.data, bytes.size);
    *world->last_end = passing;
    world->last_end = &passing->next;
    return passing;
}

static struct reload_link_peer
peer_of(const struct world_host *host, enum reload_framing framing, reload_time rtt_ns)
{
    return (struct reload_link_peer){.identity = host->identity,
                                     .framing = framing,
                                     .mtu = host->world->mtu,
                                     .rtt_ns = rtt_ns,
                                     .address = world_candidate(host).address,
                                     .overlay_link = 3};
}

uint32_t
world_link(struct world_host *host, const struct world_host *peer, enum reload_framing framing,
           reload_time rtt_ns)
{
    struct reload_link_peer end = peer_of(peer, framing, rtt_ns);
    uint32_t link = 0;
    ck_assert_int_eq(reload_node_link_incoming(host->node, &end, &link, host->world->now), 0);
    world_turn(host);
    return link;
}

struct reload_candidate
world_candidate(const struct world_host *host)
{
    struct reload_candidate candidate = {.priority = 1, .overlay_link = 3, .type = 1};
    memset(&candidate.address, 0, sizeof candidate.address);
    candidate.address.family = 4;
    candidate.address.octets[0] = 10;
    candidate.address.octets[3] = (uint8_t)(host->index + 1);
    candidate.address.port = 6084;
    strcpy(candidate.foundation, "1");
    return candidate;
}

static void
keep_sent(struct world_host *host, const struct reload_effect *effect)
{
    ck_assert_uint_lt(host->sent_count, WORLD_SENT_MAX);
    struct world_sent *sent = &host->sent[host->sent_count++];
    *sent = (struct world_sent){effect->link, host->world->now, effect->bytes.size,
                                malloc(effect->bytes.size + 1)};
    ck_assert_ptr_nonnull(sent->bytes);
    memcpy(sent->bytes, effect->bytes.data, effect->bytes.size);
}

static void
close_pipe(struct world_host *host, uint32_t link)
{
    struct world_pipe *pipe = find_pipe(host, link);
    if (pipe && pipe->peer_link && pipe->peer->node)
        pass(host, pipe->peer, PASSING_DOWN, pipe->peer_link, (struct reload_bytes){0})->error =
            RELOAD_E_CLOSED;
    if (pipe)
        pipe->peer_link = 0;
}

static void
carry_out(struct world_host *host, const struct reload_effect *effect)
{
    struct world_pipe *pipe;
    switch (effect->type) {
    case RELOAD_EFFECT_SEND:
        pipe = find_pipe(host, effect->link);
        if (!pipe)
            keep_sent(host, effect);
        else if (pipe->peer_link)
            pass(host, pipe->peer, PASSING_FRAME, pipe->peer_link, effect->bytes);
        break;
    case RELOAD_EFFECT_GATHER:
        pass(host, host, PASSING_GATHERED, effect->link, (struct reload_bytes){0});
        break;
    case RELOAD_EFFECT_CONNECT: {
        size_t index = (size_t)effect->remote->candidates[0].address.octets[3] - 1;
        ck_assert_uint_lt(index, host->world->host_count);
        pass(host, host->world->hosts[index], PASSING_CONNECT, effect->link,
             (struct reload_bytes){0})
            ->application = effect->application;
        break;
    }
    case RELOAD_EFFECT_EXPECT:
        if (!effect->application)
            break; /* the node knows it by its Node-ID */
        ck_assert_uint_lt(host->expected_count, WORLD_EXPECTED_MAX);
        host->expected[host->expected_count++] =
            (struct world_expected){effect->link, effect->application, effect->node_id};
        break;
    case RELOAD_EFFECT_CLOSE:
        host->closed++;
        close_pipe(host, effect->link);
        break;
    case RELOAD_EFFECT_EVENT:
        host->events[effect->event]++;
        break;
    default:
        break;
    }
}

void
world_turn(struct world_host *host)
{
    struct reload_effect effect;
    while (reload_node_poll(host->node, &effect, host->world->now))
        carry_out(host, &effect);
}

void
world_forget(struct world_host *host)
{
    for (size_t i = 0; i < host->sent_count; i++)
        free(host->sent[i].bytes);
    host->sent_count = 0;
}

/* ---- time ---- */

/* The other end of a link to |to|'s own port: one of an application is expected. */
static int
accept_link(struct world_host *to, const struct reload_link_peer *peer, uint16_t application,
            uint32_t *link)
{
    reload_time now = to->world->now;
    if (!application)
        return reload_node_link_incoming(to->node, peer, link, now);
    for (size_t i = 0; i < to->expected_count; i++) {
        struct world_expected expected = to->expected[i];
        if (expected.application != application ||
            !reload_identity_has(peer->identity, &expected.node_id))
            continue;
        to->expected[i] = to->expected[--to->expected_count];
        *link = expected.link;
        return reload_node_link_up(to->node, *link, peer, now);
    }
    return RELOAD_E_UNREACHABLE;
}

static void
connect(struct world_host *from, struct world_host *to, uint32_t link, uint16_t application)
{
    struct world *world = from->world;
    struct reload_link_peer here = peer_of(from, world->framing, 2 * DELAY);
    struct reload_link_peer there = peer_of(to, world->framing, 2 * DELAY);
    uint32_t peer_link = 0;
    int error = RELOAD_E_UNREACHABLE;
    if (to->node)
        error = accept_link(to, &here, application, &peer_link);
    if (error) {
        reload_node_link_down(from->node, link, RELOAD_E_UNREACHABLE, world->now);
        return;
    }
    struct world_pipe *near = add_pipe(from, link, to, peer_link);
    struct world_pipe *far = add_pipe(to, peer_link, from, link);
    error = reload_node_link_up(from->node, link, &there, world->now);
    if (error) {
        near->peer_link = far->peer_link = 0;
        reload_node_link_down(to->node, peer_link, RELOAD_E_CLOSED, world->now);
    }
}

static void
happen(struct world_passing *passing)
{
    struct world_host *to = passing->to;
    reload_time now = to->world->now;
    if (passing->what == PASSING_CONNECT) {
        if (passing->from->node)
            connect(passing->from, to, passing->link, passing->application);
    } else if (to->node && passing->what == PASSING_FRAME) {
        (void)reload_node_recv(to->node, passing->link,
                               (struct reload_bytes){passing->bytes, passing->size}, now);
    } else if (to->node && passing->what == PASSING_DOWN) {
        reload_node_link_down(to->node, passing->link, passing->error, now);
    } else if (to->node && passing->what == PASSING_GATHERED) {
        struct reload_offer offer = {.candidate_count = 1};
        offer.candidates[0] = world_candidate(to);
        if (!to->never_gathers)
            reload_node_gathered(to->node, passing->link, to->gathers_nothing ? NULL : &offer, now);
    }
    if (to->node)
        world_turn(to);
    if (passing->from->node && passing->from != to)
        world_turn(passing->from);
}

void
world_advance(struct world *world, reload_time until)
{
    for (;;) {
        reload_time at = world->first ? world->first->at : RELOAD_NEVER;
        for (size_t i = 0; i < world->host_count; i++) {
            const struct reload_node *node = world->hosts[i]->node;
            reload_time due = node ? reload_node_next_timeout(node) : RELOAD_NEVER;
            at = due < at ? due : at;
        }
        if (at > until)
            break;
        world->now = at > world->now ? at : world->now;
        while (world->first && world->first->at <= world->now) {
            struct world_passing *passing = world->first;
            world->first = passing->next;
            if (!world->first)
                world->last_end = &world->first;
            happen(passing);
            free(passing);
        }
        for (size_t i = 0; i < world->host_count; i++) {
            struct world_host *host = world->hosts[i];
            if (!host->node || reload_node_next_timeout(host->node) > world->now)
                continue;
            reload_node_timeout(host->node, world->now);
            world_turn(host);
        }
    }
    world->now = until;
}

size_t
world_message(struct world *world, const struct reload_node_id *to, size_t body, uint8_t *data,
              size_t capacity)
{
    struct reload_wire wire = {.node_id_length = 16};
    uint8_t list[32];
    struct reload_writer destinations = reload_writer_of(list, sizeof list);
    struct reload_destination entry = {.type = RELOAD_DESTINATION_TYPE_NODE,
                                       .destination_data.node_id = *to};
    reload_destination_encode(&destinations, &wire, &entry);
    struct reload_forwarding_header header = {
        .relo_token = RELOAD_TOKEN,
        .overlay = world->config->overlay,
        .configuration_sequence = world->config->sequence,
        .version = RELOAD_VERSION,
        .ttl = world->config->initial_ttl,
        .fragment = RELOAD_FRAGMENT_WHOLE,
        .destination_list = reload_writer_written(&destinations),
    };
    random_fill(world, &header.transaction_id, sizeof header.transaction_id);
    header.length = (uint32_t)(RELOAD_FORWARDING_HEADER_SIZE_MIN + destinations.size + body);
    struct reload_writer writer = reload_writer_of(data, capacity);
    reload_forwarding_header_encode(&writer, &wire, &header);
    for (size_t i = 0; i < body; i++)
        reload_writer_u8(&writer, (uint8_t)(i < 2 ? (i ? RELOAD_MESSAGE_PING_REQ : 0) : i * 7));
    ck_assert(!writer.failed && writer.size == header.length);
    return writer.size;
}
