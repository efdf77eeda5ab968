/* sim_handshake.c: how a link between two hosts is made. It takes two round trips: the server has
 * the client's certificate after three one-way delays, the client may speak after four. Both check
 * the other's certificate, as (D)TLS does.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_internal.h"

#include <stdlib.h>

#define EXPECTED_MAX 1024
#define SMALL_MTU 576

/* ---- making one ---- */

static enum reload_framing
framing_of(const struct sim *sim, uint32_t a, uint32_t b)
{
    uint64_t low = a < b ? a : b, high = a < b ? b : a;
    switch (sim->options.links) {
    case SIM_LINKS_DATAGRAMS:
        return RELOAD_FRAMING_DATAGRAM;
    case SIM_LINKS_STREAMS:
        return RELOAD_FRAMING_STREAM;
    case SIM_LINKS_MIXED:
        return sim_mix(sim->seed ^ SIM_PURPOSE_LINK_TYPE, low << 32 | high) & 1
                   ? RELOAD_FRAMING_STREAM
                   : RELOAD_FRAMING_DATAGRAM;
    case SIM_LINKS_MESSAGES:
        break;
    }
    return RELOAD_FRAMING_NONE;
}

/* Which host has |address|; SIM_NOBODY when none has. */
static uint32_t
host_at(const struct sim *sim, const struct reload_address *address)
{
    uint32_t index =
        (uint32_t)address->octets[1] << 16 | (uint32_t)address->octets[2] << 8 | address->octets[3];
    bool ours = address->family == 4 && address->octets[0] == 10 && address->port == SIM_PORT;
    return ours && index < sim->host_count ? index : SIM_NOBODY;
}

static struct sim_pipe *
open_pipe(struct sim_host *host, uint32_t link, uint16_t application, uint32_t server)
{
    struct sim *sim = host->sim;
    uint32_t index = sim_pipe_new(sim); /* may move the table */
    struct sim_pipe *pipe = &sim->pipes[index];
    pipe->application = application;
    pipe->started_at = sim->now;
    pipe->ends[0] = (struct sim_end){.host = host->index, .epoch = host->epoch, .link = link};
    pipe->ends[1] = (struct sim_end){.host = server == SIM_NOBODY ? host->index : server};
    sim_pipe_bind(sim, pipe, 0);
    if (server == SIM_NOBODY || server == host->index) {
        sim_pipe_tell_down(sim, pipe, 0, RELOAD_E_UNREACHABLE,
                           sim->now + sim->options.connect_timeout_ns);
        return pipe;
    }
    pipe->framing = framing_of(sim, host->index, server);
    pipe->overlay_link = pipe->framing == RELOAD_FRAMING_STREAM ? 4 : 3;
    uint64_t delay = sim_network_delay(&sim->network, host->index, server);
    uint64_t longer = sim_oddity_delay(sim, SIM_ODDITY_HANDSHAKE);
    sim_pipe_schedule(sim, pipe, sim->now + 3 * delay + longer, SIM_EVENT_ACCEPT, 1, 0);
    return pipe;
}

void
sim_pipe_connect(struct sim_host *host, const struct reload_effect *effect)
{
    const struct reload_offer *remote = effect->remote;
    uint32_t server = SIM_NOBODY;
    if (remote && remote->candidate_count > 0)
        server = host_at(host->sim, &remote->candidates[0].address);
    (void)open_pipe(host, effect->link, effect->application, server);
}

static uint16_t
mtu_of(struct sim *sim, const struct sim_pipe *pipe)
{
    if (pipe->framing != RELOAD_FRAMING_DATAGRAM)
        return 0;
    return sim_oddity_happens(sim, SIM_ODDITY_SMALL_MTU) ? SMALL_MTU : sim->options.mtu;
}

/* Tells the host at |end| that |pipe| stands. Returns 0, or why the link has to go. */
static int
tell_up(struct sim *sim, struct sim_pipe *pipe, unsigned end)
{
    struct sim_end *own = &pipe->ends[end];
    const struct sim_end *other = &pipe->ends[1 - end];
    struct sim_host *host = sim_host_of(sim, own->host), *peer = sim_host_of(sim, other->host);
    struct reload_keyring *keyring = &host->keyring.keyring;
    const struct reload_identity *identity = NULL;
    int error =
        keyring->ops->add(keyring, (struct reload_bytes){peer->certificate, peer->certificate_size},
                          host->env.wall_ms(host), &identity);
    if (error)
        return error;
    struct reload_link_peer info = {
        .identity = identity,
        .framing = pipe->framing,
        .mtu = mtu_of(sim, pipe),
        .rtt_ns = 2 * sim_network_delay(&sim->network, own->host, other->host),
        .address = sim_host_candidate(sim, other->host).address,
        .overlay_link = pipe->overlay_link};
    bool incoming = own->link == 0;
    own->up = true;
    if (host->puppet) {
        if (incoming)
            own->link = ++host->puppet->next_link;
        error = incoming && host->puppet->refuses ? RELOAD_E_FORBIDDEN : 0;
    } else if (incoming) {
        error = reload_node_link_incoming(host->node, &info, &own->link, sim->now);
    } else {
        error = reload_node_link_up(host->node, own->link, &info, sim->now);
    }
    sim_log_link(sim, incoming ? "accepted" : "up", own->host, other->host, error);
    if (error)
        return error;
    assert(own->link != 0);
    sim_pipe_bind(sim, pipe, end);
    return 0;
}

/* Finds what |host| was told to expect of the client of |pipe|; its link number, or 0. */
static uint32_t
take_expected(struct sim *sim, struct sim_host *host, const struct sim_pipe *pipe)
{
    const struct sim_host *client = sim_host_of(sim, pipe->ends[0].host);
    for (size_t i = 0; i < host->expected_count; i++) {
        struct sim_expected expected = host->expected[i];
        if (expected.application != pipe->application ||
            !reload_node_id_equal(&expected.node_id, &client->node_id))
            continue;
        memmove(&host->expected[i], &host->expected[i + 1],
                (host->expected_count - i - 1) * sizeof expected);
        host->expected_count--;
        return expected.link;
    }
    return 0;
}

/* The server's side of the handshake is done. */
void
sim_handshake_finish(struct sim *sim, struct sim_pipe *pipe)
{
    struct sim_host *server = sim_host_of(sim, pipe->ends[1].host);
    uint64_t connected_at =
        sim->now + sim_network_delay(&sim->network, pipe->ends[0].host, server->index);
    pipe->accepted = true;
    pipe->waiting = false;
    pipe->ends[0].last = connected_at;
    /* Before the node speaks: what it says first must arrive after this. */
    sim_pipe_schedule(sim, pipe, connected_at, SIM_EVENT_CONNECTED, 0, 0);
    if (tell_up(sim, pipe, 1)) {
        sim_pipe_leave(sim, pipe, 1);
        sim_pipe_tell_down(sim, pipe, 0, RELOAD_E_CLOSED, connected_at);
    }
    sim_host_turn(server);
}

void
sim_handshake_accept(struct sim *sim, struct sim_pipe *pipe)
{
    struct sim_end *own = &pipe->ends[1];
    struct sim_host *server = sim_host_of(sim, own->host);
    if (!server->alive || server->paused || sim_oddity_happens(sim, SIM_ODDITY_REFUSAL) ||
        !sim_network_reaches(&sim->network, pipe->ends[0].host, own->host) ||
        !sim_network_reaches(&sim->network, own->host, pipe->ends[0].host)) {
        sim_pipe_tell_down(sim, pipe, 0, RELOAD_E_TIMEOUT,
                           pipe->started_at + sim->options.connect_timeout_ns + 3 * RELOAD_SECOND);
        return;
    }
    own->epoch = server->epoch;
    own->link = server->puppet ? 0 : take_expected(sim, server, pipe);
    if (own->link == 0 && pipe->application != 0) {
        pipe->waiting = true;
        sim_pipe_tell_down(sim, pipe, 0, RELOAD_E_TIMEOUT, sim->now + SIM_WAIT_NS);
        return;
    }
    sim_handshake_finish(sim, pipe);
}

void
sim_pipe_expect(struct sim_host *host, const struct reload_effect *effect)
{
    struct sim *sim = host->sim;
    if (host->expected_count == host->expected_capacity) {
        size_t capacity = host->expected_capacity ? 2 * host->expected_capacity : 8;
        struct sim_expected *expected = realloc(host->expected, capacity * sizeof *expected);
        if (!expected)
            abort();
        host->expected = expected;
        host->expected_capacity = capacity;
    }
    assert(host->expected_count < EXPECTED_MAX);
    host->expected[host->expected_count++] =
        (struct sim_expected){effect->link, effect->application, effect->node_id};
    if (effect->application == 0)
        return;
    for (uint32_t i = 0; i < sim->pipe_count; i++) {
        struct sim_pipe *pipe = &sim->pipes[i];
        if (!pipe->used || !pipe->waiting || pipe->ends[1].host != host->index)
            continue;
        uint32_t link = take_expected(sim, host, pipe);
        if (link == 0)
            continue;
        pipe->ends[1].link = link;
        pipe->waiting = false;
        /* Not within this turn: the node is at work. */
        sim_pipe_schedule(sim, pipe, sim->now, SIM_EVENT_ACCEPT, 1, 0)->link = link;
        return;
    }
}

void
sim_handshake_connected(struct sim *sim, struct sim_pipe *pipe)
{
    struct sim_host *client = sim_pipe_live_host(sim, &pipe->ends[0]);
    if (!client || pipe->ends[0].gone || pipe->ends[1].gone)
        return;
    int error = tell_up(sim, pipe, 0);
    if (error) {
        uint64_t delay = sim_network_delay(&sim->network, client->index, pipe->ends[1].host);
        /* What the handshake refused is news to the node; its own refusal is not. */
        bool news = !pipe->ends[0].up && client->node;
        uint32_t link = pipe->ends[0].link;
        sim_pipe_leave(sim, pipe, 0);
        sim_pipe_tell_down(sim, pipe, 1, RELOAD_E_CLOSED, sim->now + delay);
        if (news)
            reload_node_link_down(client->node, link, error, sim->now);
    }
    sim_host_turn(client);
}

void
sim_handshake_stand(struct sim *sim, uint32_t a, uint32_t b)
{
    uint32_t index = sim_pipe_new(sim);
    struct sim_host *hosts[] = {sim_host_of(sim, a), sim_host_of(sim, b)};
    struct sim_pipe *pipe = &sim->pipes[index];
    pipe->framing = framing_of(sim, a, b);
    pipe->overlay_link = pipe->framing == RELOAD_FRAMING_STREAM ? 4 : 3;
    pipe->started_at = sim->now;
    pipe->accepted = true;
    for (unsigned end = 0; end < 2; end++)
        pipe->ends[end] = (struct sim_end){.host = hosts[end]->index, .epoch = hosts[end]->epoch};
    for (unsigned end = 0; end < 2; end++) {
        int error = tell_up(sim, pipe, end);
        assert(error == 0);
        (void)error;
    }
    for (unsigned end = 0; end < 2; end++)
        sim_host_turn(hosts[end]);
}
