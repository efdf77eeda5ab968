/* sim_host.c: the driver of one node: its env, its turns, its effects.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/app_link.h"
#include "tools/sim/sim_internal.h"

#include <inttypes.h>
#include <stdlib.h>

#define YEAR_MS (UINT64_C(366) * 86400 * 1000)
#define GATHER_MIN_NS (1 * RELOAD_MS)
#define GATHER_MAX_NS (20 * RELOAD_MS)
#define EFFECTS_MAX 1000000 /* in one turn: more is a fault of the node */

/* ---- env ---- */

static uint64_t
wall_ms(void *context)
{
    const struct sim_host *host = context;
    uint64_t passed = (host->sim->now - SIM_TIME_BEGIN) / RELOAD_MS;
    return SIM_WALL_BEGIN_MS + passed + (uint64_t)host->options.skew_ms;
}

static void
random_fill(void *context, void *data, size_t size)
{
    sim_random_fill(&((struct sim_host *)context)->random, data, size);
}

static void
log_line(void *context, enum reload_log_level level, const char *text)
{
    const struct sim_host *host = context;
    if (!host->sim->options.log || (int)level > host->sim->options.log_level)
        return;
    fprintf(host->sim->options.log, "%10.3f node %" PRIu32 ": %s\n",
            (double)(host->sim->now - SIM_TIME_BEGIN) / 1e9, host->index, text);
}

/* The size stands in front of each block, so that what a node holds is known at any time. */
union prefix {
    size_t size;
    max_align_t align;
};

static bool
starves(struct sim_host *host)
{
    if (host->starve_nth > 0 && --host->starve_nth == 0)
        return true;
    return host->starve_ppm &&
           sim_random_below(&host->sim->network.random, 1000000) < host->starve_ppm;
}

static void *
allocate(void *context, void *data, size_t size)
{
    struct sim_host *host = context;
    union prefix *old = data ? (union prefix *)data - 1 : NULL;
    size_t old_size = old ? old->size : 0;
    if (size == 0) {
        host->memory -= old_size;
        sim_pool_put(&host->sim->pool, old, old ? sizeof *old + old_size : 0);
        return NULL;
    }
    if (size > old_size && starves(host)) {
        host->starved++;
        return NULL;
    }
    struct sim_pool *pool = &host->sim->pool;
    union prefix *block =
        old ? sim_pool_resize(pool, old, sizeof *old + old_size, sizeof *block + size)
            : sim_pool_get(pool, sizeof *block + size);
    block->size = size;
    host->memory += size - old_size;
    if (host->memory > host->memory_peak)
        host->memory_peak = host->memory;
    return block + 1;
}

/* ---- identity ---- */

static void
draw_node_id(struct sim_random *random, uint8_t length, struct reload_node_id *node_id)
{
    memset(node_id, 0, sizeof *node_id);
    sim_random_fill(random, node_id->octets, length);
}

static void
make_identity(struct sim_host *host)
{
    const struct sim_node_options *options = &host->options;
    struct sim *sim = host->sim;
    const struct reload_config *config = sim->overlays[options->overlay].config;
    struct sim_random random = sim_random_fork(sim->seed, SIM_PURPOSE_IDENTITY + host->index);
    struct sim_certificate certificate = {.authority = options->authority ? options->authority
                                                                          : options->overlay + 1,
                                          .serial = host->index,
                                          .not_before_ms = options->not_before_ms,
                                          .not_after_ms = options->not_after_ms,
                                          .node_id_count = 1 + options->extra_node_ids,
                                          .signature_algorithm = 3};
    if (certificate.not_before_ms == 0)
        certificate.not_before_ms = SIM_WALL_BEGIN_MS - YEAR_MS;
    if (certificate.not_after_ms == 0)
        certificate.not_after_ms = SIM_WALL_BEGIN_MS + YEAR_MS;
    assert(certificate.node_id_count <= RELOAD_IDENTITY_NODE_IDS_MAX);
    for (size_t i = 0; i < certificate.node_id_count; i++)
        draw_node_id(&random, config->node_id_length, &certificate.node_ids[i]);
    if (!reload_node_id_is_zero(&options->node_id))
        certificate.node_ids[0] = options->node_id;
    host->node_id = certificate.node_ids[0];
    if (options->user_name)
        snprintf(host->user_name, sizeof host->user_name, "%s", options->user_name);
    else
        snprintf(host->user_name, sizeof host->user_name, "user%" PRIu32 "@%.200s", host->index,
                 config->instance_name);
    memcpy(certificate.user_name, host->user_name, sizeof certificate.user_name);
    host->key = sim_random_next(&random);
    certificate.public_key = sim_key_public(host->key);
    if (options->wrong_key)
        host->key++;
    host->certificate_size = sim_certificate_encode(&certificate, host->certificate);
    host->options.user_name = NULL;
}

struct sim_host *
sim_host_new(struct sim *sim, const struct sim_node_options *options)
{
    struct sim_host *host = sim_pool_get(&sim->pool, sizeof *host);
    *host = (struct sim_host){.sim = sim, .links = {.pool = &sim->pool}};
    host->index = sim->host_count;
    host->options = *options;
    assert(options->overlay < sim->options.overlays);
    make_identity(host);
    return host;
}

void
sim_host_free(struct sim_host *host)
{
    sim_host_unhold(host, false);
    if (host->node)
        reload_node_free(host->node);
    sim_keyring_fini(&host->keyring);
    if (host->puppet)
        for (size_t i = 0; i < host->puppet->heard_count; i++)
            free((void *)(uintptr_t)host->puppet->heard[i].bytes.data);
    free(host->puppet);
    sim_disk_fini(&host->disk);
    sim_disk_fini(&host->snapshot);
    free(host->expected);
    sim_map_fini(&host->links);
    sim_pool_put(&host->sim->pool, host, sizeof *host);
}

/* ---- lives ---- */

struct reload_candidate
sim_host_candidate(const struct sim *sim, uint32_t index)
{
    bool stream = sim->options.links == SIM_LINKS_STREAMS;
    struct reload_candidate candidate = {.address = {.family = 4, .octets = {10}, .port = SIM_PORT},
                                         .priority = 2130706431,
                                         .overlay_link = stream ? 4 : 3,
                                         .type = 1,
                                         .foundation = "1"};
    candidate.address.octets[1] = (uint8_t)(index >> 16);
    candidate.address.octets[2] = (uint8_t)(index >> 8);
    candidate.address.octets[3] = (uint8_t)index;
    return candidate;
}

/* Gives the host a new life: an epoch, random numbers and a keyring of its own. */
static void
begin_life(struct sim_host *host)
{
    struct sim *sim = host->sim;
    assert(!host->alive && host->index < 1u << 24);
    host->epoch++;
    host->alive = true;
    host->joined = host->leaving = false;
    host->armed_at = RELOAD_NEVER;
    host->born_at = sim->now;
    host->random = sim_random_fork(sim->seed + host->epoch, SIM_PURPOSE_NODE + host->index);
    host->env = (struct reload_env){host, wall_ms, random_fill, log_line, allocate};
    int error = sim_keyring_init(
        &host->keyring, sim->certificates, sim->overlays[host->options.overlay].config, host->key,
        (struct reload_bytes){host->certificate, host->certificate_size}, host, allocate);
    assert(error == 0);
    (void)error;
    if (host->options.authority) /* it believes in the overlay; the overlay not in it */
        host->keyring.authority = host->options.overlay + 1;
}

void
sim_host_boot(struct sim_host *host)
{
    struct sim *sim = host->sim;
    begin_life(host);
    if (host->puppet)
        return;
    struct sim_overlay *overlay = &sim->overlays[host->options.overlay];
    struct reload_node_options options = {.env = &host->env,
                                          .config = overlay->config,
                                          .keyring = &host->keyring.keyring,
                                          .topology = sim->options.topology,
                                          .usage_count = sim->options.usage_count,
                                          .client = host->options.client,
                                          .first_node = host->options.founder};
    for (size_t i = 0; i < sim->options.usage_count; i++) {
        options.usages[i] = sim->options.usages[i];
        options.usage_arguments[i] = sim->options.usage_arguments[i];
    }
    int error = reload_node_new(&options, sim->now, &host->node);
    if (error) {
        fprintf(stderr, "sim: node %" PRIu32 " cannot be made: %s\n", host->index,
                reload_error_text(error));
        abort();
    }
    sim_host_turn(host);
}

void
sim_host_restore(struct sim_host *host, const struct sim_disk *disk)
{
    for (size_t i = 0; i < disk->count; i++) {
        const struct sim_disk_record *record = &disk->records[i];
        /* What is refused is forgotten, as drivers do. */
        if (reload_node_restore(host->node, record->key, record->value, host->sim->now))
            sim_disk_write(&host->disk, record->key, (struct reload_bytes){0});
    }
    sim_host_turn(host);
}

void
sim_host_start(struct sim_host *host)
{
    const struct sim *sim = host->sim;
    const struct sim_overlay *overlay = &sim->overlays[host->options.overlay];
    struct reload_candidate bootstrap[SIM_BOOTSTRAP_NODES_MAX];
    size_t count = 0;
    if (host->options.bootstrap_given)
        bootstrap[count++] = sim_host_candidate(sim, host->options.bootstrap);
    else if (!host->options.lone)
        for (size_t i = 0; i < overlay->bootstrap_count; i++)
            if (overlay->bootstrap[i] != host->index)
                bootstrap[count++] = sim_host_candidate(sim, overlay->bootstrap[i]);
    int error = reload_node_start(host->node, bootstrap, count, sim->now);
    if (error) {
        fprintf(stderr, "sim: node %" PRIu32 " cannot be started: %s\n", host->index,
                reload_error_text(error));
        abort();
    }
    sim_host_turn(host);
}

void
sim_host_stop(struct sim_host *host)
{
    assert(host->alive && !host->in_turn);
    host->alive = host->joined = false;
    sim_host_unhold(host, false);
    if (!host->leaving)
        sim_disk_crash(&host->disk, host->sim->now);
    sim_pipe_host_died(host);
    sim_map_fini(&host->links);
    host->expected_count = 0;
    reload_node_free(host->node);
    host->node = NULL;
    sim_keyring_fini(&host->keyring);
    if (host->sim->observe)
        host->sim->observe(host->sim, host->index, host->sim->observe_argument);
}

/* ---- effects ---- */

static void
gather(struct sim_host *host, uint32_t link)
{
    struct sim *sim = host->sim;
    uint64_t draw = sim_mix(sim->seed ^ SIM_PURPOSE_GATHER, (uint64_t)host->index << 32 | link);
    uint64_t delay = GATHER_MIN_NS + draw % (GATHER_MAX_NS - GATHER_MIN_NS) +
                     sim_oddity_delay(sim, SIM_ODDITY_GATHERING);
    struct sim_event *event = sim_schedule(sim, sim->now + delay, SIM_EVENT_GATHERED, 0);
    event->host = host->index;
    event->epoch = host->epoch;
    event->link = link;
}

void
sim_host_gathered(struct sim_host *host, uint32_t link)
{
    struct reload_offer offer = {.candidate_count = 1};
    offer.candidates[0] = sim_host_candidate(host->sim, host->index);
    reload_node_gathered(host->node, link, &offer, host->sim->now);
    sim_host_turn(host);
}

/* Whether a link to |node_id| ended by |error| though its other end lives on. */
static bool
is_false_death(const struct sim_host *host, const struct reload_node_id *node_id, int error)
{
    if (error == 0 || error == RELOAD_E_CLOSED)
        return false;
    uint32_t peer = sim_find_node(host->sim, host->options.overlay, node_id);
    return peer != SIM_NOBODY &&
           host->sim->now - sim_host_of(host->sim, peer)->born_at > host->sim->options.detect_ns;
}

static void
take_event(struct sim_host *host, const struct reload_effect *effect)
{
    assert((unsigned)effect->event < sizeof host->events / sizeof *host->events);
    host->events[effect->event]++;
    switch (effect->event) {
    case RELOAD_EVENT_JOINED:
        host->joined = true;
        break;
    case RELOAD_EVENT_DISCONNECTED:
        host->joined = false;
        break;
    case RELOAD_EVENT_LINK_DOWN:
        host->sim->false_deaths += is_false_death(host, &effect->node_id, effect->error);
        break;
    case RELOAD_EVENT_LEFT:
        host->leaving = true;
        break;
    default:
        break;
    }
}

static void
carry_out(struct sim_host *host, const struct reload_effect *effect)
{
    switch (effect->type) {
    case RELOAD_EFFECT_SEND:
        sim_pipe_send(host, effect);
        break;
    case RELOAD_EFFECT_GATHER:
        gather(host, effect->link);
        break;
    case RELOAD_EFFECT_CONNECT:
        sim_pipe_connect(host, effect);
        break;
    case RELOAD_EFFECT_EXPECT:
        sim_pipe_expect(host, effect);
        break;
    case RELOAD_EFFECT_CLOSE:
        sim_pipe_close(host, effect->link);
        break;
    case RELOAD_EFFECT_EVENT:
        take_event(host, effect);
        break;
    case RELOAD_EFFECT_PERSIST:
        sim_host_persist(host, effect->key, effect->value);
        break;
    case RELOAD_EFFECT_CHECK: /* ICE: the simulated overlays have none */
        break;
    }
}

static void
arm(struct sim_host *host)
{
    struct sim *sim = host->sim;
    uint64_t at = reload_node_next_timeout(host->node);
    if (at < sim->now)
        at = sim->now;
    if (at >= host->armed_at)
        return;
    at += sim_oddity_delay(sim, SIM_ODDITY_LATE) + sim_oddity_delay(sim, SIM_ODDITY_SHUFFLED);
    host->armed_at = at;
    struct sim_event *event = sim_schedule(sim, at, SIM_EVENT_TIMER, 0);
    event->host = host->index;
    event->epoch = host->epoch;
}

void
sim_host_turn(struct sim_host *host)
{
    if (host->in_turn || !host->node)
        return;
    host->in_turn = true;
    struct reload_effect effect;
    for (unsigned count = 0; reload_node_poll(host->node, &effect, host->sim->now); count++) {
        assert(count < EFFECTS_MAX);
        carry_out(host, &effect);
    }
    host->in_turn = false;
    if (!host->options.client)
        host->joined = reload_node_joined(host->node);
    if (host->leaving)
        sim_host_stop(host);
    else
        arm(host);
    if (host->sim->observe && host->node)
        host->sim->observe(host->sim, host->index, host->sim->observe_argument);
}

void
sim_host_timer(struct sim_host *host)
{
    struct sim *sim = host->sim;
    if (host->armed_at != sim->now)
        return; /* an earlier one was set meanwhile and has come */
    host->armed_at = RELOAD_NEVER;
    if (reload_node_next_timeout(host->node) <= sim->now) {
        reload_node_timeout(host->node, sim->now);
        sim_host_turn(host);
    } else {
        arm(host);
    }
}
