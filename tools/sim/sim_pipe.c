/* sim_pipe.c: links between hosts that stand: what is sent on them, cuts, and their end.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/app_link.h"
#include "tools/sim/sim_internal.h"

#include <inttypes.h>
#include <stdlib.h>

#define FRAME_HEADER_SIZE 8 /* of a frame of data (6.6.2) */
#define TAP_ROOM 4096       /* by which a tap may let a message grow */

/* ---- the table ---- */

uint32_t
sim_pipe_new(struct sim *sim)
{
    if (sim->free_pipe_count > 0) {
        uint32_t index = sim->free_pipes[--sim->free_pipe_count];
        uint32_t generation = sim->pipes[index].generation;
        sim->pipes[index] = (struct sim_pipe){.used = true, .generation = generation};
        return index;
    }
    if (sim->pipe_count == sim->pipe_capacity) {
        uint32_t capacity = sim->pipe_capacity ? 2 * sim->pipe_capacity : 256;
        struct sim_pipe *pipes = realloc(sim->pipes, capacity * sizeof *pipes);
        if (!pipes)
            abort();
        sim->pipes = pipes;
        uint32_t *free_pipes = realloc(sim->free_pipes, capacity * sizeof *free_pipes);
        if (!free_pipes)
            abort();
        sim->free_pipes = free_pipes;
        sim->pipe_capacity = capacity;
    }
    sim->pipes[sim->pipe_count] = (struct sim_pipe){.used = true};
    return sim->pipe_count++;
}

/* Frees |pipe| when nobody has to do with it any more. */
static void
release(struct sim *sim, struct sim_pipe *pipe)
{
    if (!pipe->used || !pipe->ends[0].gone || (pipe->accepted && !pipe->ends[1].gone))
        return;
    sim_pipe_drop_held(sim, pipe);
    pipe->used = false;
    pipe->generation++;
    sim->free_pipes[sim->free_pipe_count++] = (uint32_t)(pipe - sim->pipes);
}

void
sim_pipes_fini(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->pipe_count; i++)
        sim_pipe_drop_held(sim, &sim->pipes[i]);
    free(sim->pipes);
    free(sim->free_pipes);
}

struct sim_pipe *
sim_pipe_of(struct sim *sim, const struct sim_host *host, uint32_t link, unsigned *end)
{
    uint32_t value = 0;
    if (!sim_map_get(&host->links, link, &value))
        return NULL;
    *end = value & 1;
    return &sim->pipes[value >> 1];
}

struct sim_event *
sim_pipe_schedule(struct sim *sim, const struct sim_pipe *pipe, uint64_t at,
                  enum sim_event_type type, unsigned end, size_t size)
{
    struct sim_event *event = sim_schedule(sim, at, type, size);
    event->pipe = (uint32_t)(pipe - sim->pipes);
    event->generation = pipe->generation;
    event->end = (uint8_t)end;
    event->host = pipe->ends[end].host;
    return event;
}

void
sim_pipe_tell_down(struct sim *sim, const struct sim_pipe *pipe, unsigned end, int error,
                   uint64_t at)
{
    sim_pipe_schedule(sim, pipe, at, SIM_EVENT_DOWN, end, 0)->error = error;
}

void
sim_pipe_bind(struct sim *sim, const struct sim_pipe *pipe, unsigned end)
{
    struct sim_host *host = sim_host_of(sim, pipe->ends[end].host);
    sim_map_set(&host->links, pipe->ends[end].link,
                (uint32_t)(pipe - sim->pipes) << 1 | (uint32_t)end);
}

/* The host at |end| has nothing to do with |pipe| any more. */
void
sim_pipe_leave(struct sim *sim, struct sim_pipe *pipe, unsigned end)
{
    struct sim_end *own = &pipe->ends[end];
    own->gone = true;
    own->up = false;
    if (own->link)
        sim_map_remove(&sim_host_of(sim, own->host)->links, own->link);
}

struct sim_host *
sim_pipe_live_host(struct sim *sim, const struct sim_end *end)
{
    struct sim_host *host = sim_host_of(sim, end->host);
    return host->alive && host->epoch == end->epoch ? host : NULL;
}

/* ---- using one ---- */

static struct sim_event *
delivery(struct sim *sim, const struct sim_pipe *pipe, unsigned end,
         const struct sim_passing *passing)
{
    struct reload_bytes bytes = {passing->bytes, passing->size};
    struct sim_event *event = sim_event_new(sim, SIM_EVENT_DELIVER, bytes.size);
    event->pipe = (uint32_t)(pipe - sim->pipes);
    event->generation = pipe->generation;
    event->end = (uint8_t)end;
    event->host = pipe->ends[end].host;
    event->spoiled = passing->spoiled;
    if (bytes.size)
        memcpy(event->bytes, bytes.data, bytes.size);
    return event;
}

/* What it costs on the wire: IP and UDP or TCP, a DTLS 1.2 or TLS 1.2 record with AES-GCM. For a
 * message without frames also the frame's header and its acknowledgement, a datagram of its own. */
static size_t
wire_size(const struct sim_pipe *pipe, size_t size)
{
    static const size_t datagram = 20 + 8 + 13 + 8 + 16, stream = 20 + 32 + 5 + 8 + 16;
    static const size_t data_header = 8, acknowledgement = 9;
    switch (pipe->framing) {
    case RELOAD_FRAMING_DATAGRAM:
        return size + datagram;
    case RELOAD_FRAMING_STREAM:
        return size + stream;
    case RELOAD_FRAMING_NONE:
        break;
    }
    return size + data_header + acknowledgement + 2 * datagram;
}

static void
transmit(struct sim *sim, struct sim_pipe *pipe, unsigned end, const struct sim_passing *passing)
{
    uint32_t from = pipe->ends[1 - end].host, to = pipe->ends[end].host;
    uint64_t at = sim->now + passing->delay_ns;
    sim->wire_bytes += wire_size(pipe, passing->size);
    if (pipe->framing == RELOAD_FRAMING_DATAGRAM) {
        uint64_t arrivals[2];
        unsigned copies = sim_network_datagram(&sim->network, from, to, at, arrivals);
        for (unsigned i = 0; i < copies; i++)
            sim_queue_push(&sim->queue, arrivals[i] + sim_oddity_delay(sim, SIM_ODDITY_SHUFFLED),
                           delivery(sim, pipe, end, passing));
        return;
    }
    struct sim_event *event = delivery(sim, pipe, end, passing);
    uint64_t spike_ns = sim_network_spike(&sim->network);
    if (sim_pipe_stands_still(sim, pipe) || !sim_network_reaches(&sim->network, from, to))
        sim_pipe_hold(pipe, event);
    else if (passing->delay_ns > 0 || (spike_ns > 0 && pipe->framing == RELOAD_FRAMING_NONE))
        sim_queue_push(&sim->queue, at + spike_ns + sim_network_delay(&sim->network, from, to),
                       event); /* others may overtake it */
    else
        sim_queue_push(
            &sim->queue,
            sim_network_message(&sim->network, from, to, at + spike_ns, &pipe->ends[end].last),
            event);
}

static void
transmit_tapped(struct sim *sim, struct sim_pipe *pipe, unsigned end, struct reload_bytes bytes)
{
    uint32_t index = (uint32_t)(pipe - sim->pipes);
    struct sim_passing passing = {.from = pipe->ends[1 - end].host,
                                  .to = pipe->ends[end].host,
                                  .application = pipe->application,
                                  .size = bytes.size,
                                  .capacity = bytes.size + TAP_ROOM,
                                  .copies = 1};
    passing.bytes = malloc(passing.capacity);
    if (!passing.bytes)
        abort();
    memcpy(passing.bytes, bytes.data, bytes.size);
    bool passes = true;
    for (unsigned i = 0; i < SIM_TAPS_MAX && passes; i++)
        if (sim->taps[i].fn)
            passes = sim->taps[i].fn(sim, &passing, sim->taps[i].argument);
    for (unsigned i = 0; i < passing.copies && passes; i++)
        transmit(sim, &sim->pipes[index], end, &passing);
    free(passing.bytes);
}

void
sim_pipe_send(struct sim_host *host, const struct reload_effect *effect)
{
    struct sim *sim = host->sim;
    unsigned end = 0;
    struct sim_pipe *pipe = sim_pipe_of(sim, host, effect->link, &end);
    if (!pipe || !pipe->ends[end].up || pipe->ends[1 - end].gone)
        return;
    if (sim->tap_count > 0)
        transmit_tapped(sim, pipe, 1 - end, effect->bytes);
    else
        transmit(sim, pipe, 1 - end,
                 &(struct sim_passing){.bytes = (uint8_t *)(uintptr_t)effect->bytes.data,
                                       .size = effect->bytes.size});
}

static void
hear(struct sim *sim, struct sim_host *host, const struct sim_pipe *pipe,
     const struct sim_event *event)
{
    struct sim_puppet *puppet = host->puppet;
    uint8_t *copy = malloc(event->size ? event->size : 1);
    if (!copy || puppet->heard_count >= SIM_HEARD_MAX)
        abort();
    memcpy(copy, event->bytes, event->size);
    struct sim_heard *heard = &puppet->heard[puppet->heard_count++];
    *heard = (struct sim_heard){pipe->ends[event->end].link,
                                pipe->ends[1 - event->end].host,
                                sim->now,
                                {copy, event->size}};
    if (puppet->fn)
        puppet->fn(sim, host->index, heard, puppet->argument);
}

/* Writes where |message| is to go in the end. */
static void
log_destination(struct sim *sim, uint32_t overlay, const struct reload_message *message)
{
    struct reload_wire wire = {.node_id_length = sim_config(sim, overlay)->node_id_length};
    struct reload_reader list = reload_reader_of(message->header.destination_list);
    struct reload_destination last = {0};
    while (reload_destination_next(&list, &wire, &last))
        continue;
    if (last.type == RELOAD_DESTINATION_TYPE_NODE) {
        uint32_t host = sim_find_node(sim, overlay, &last.destination_data.node_id);
        fprintf(sim->options.log, " for %d", host == SIM_NOBODY ? -1 : (int)host);
    } else if (last.type == RELOAD_DESTINATION_TYPE_RESOURCE) {
        fputs(" for resource ", sim->options.log);
        for (size_t i = 0; i < last.destination_data.resource_id.size; i++)
            fprintf(sim->options.log, "%02x", last.destination_data.resource_id.data[i]);
    }
}

/* What stands in a frame of data; |bytes| themselves on a link without frames. */
static struct reload_bytes
unframe(enum reload_framing framing, struct reload_bytes bytes)
{
    if (framing == RELOAD_FRAMING_NONE || bytes.size < FRAME_HEADER_SIZE)
        return bytes;
    return (struct reload_bytes){bytes.data + FRAME_HEADER_SIZE, bytes.size - FRAME_HEADER_SIZE};
}

/* For people who look for a fault: what arrives where. */
static void
log_delivery(struct sim *sim, const struct sim_pipe *pipe, const struct sim_event *event)
{
    struct reload_message message;
    uint32_t from = pipe->ends[1 - event->end].host, to = pipe->ends[event->end].host;
    uint32_t overlay = sim_overlay_of(sim, to);
    struct reload_bytes bytes =
        unframe(pipe->framing, (struct reload_bytes){event->bytes, event->size});
    if (!sim->options.log || sim->options.log_level < RELOAD_LOG_DEBUG)
        return;
    fprintf(sim->options.log, "%10.3f %" PRIu32 " -> %" PRIu32 ": ",
            (double)(sim->now - SIM_TIME_BEGIN) / 1e9, from, to);
    if (!pipe->application && sim_decode(sim, overlay, bytes, &message)) {
        fprintf(sim->options.log, "%s %016" PRIx64,
                reload_message_code_name(message.contents.message_code),
                message.header.transaction_id);
        log_destination(sim, overlay, &message);
        fputc('\n', sim->options.log);
        return;
    }
    struct reload_reader reader = reload_reader_of(bytes);
    struct reload_wire wire = {.node_id_length = sim_config(sim, overlay)->node_id_length};
    struct reload_forwarding_header header;
    if (!pipe->application && reload_forwarding_header_decode(&reader, &wire, &header) == 0)
        fprintf(sim->options.log, "fragment %016" PRIx64 " at %" PRIu32 "%s\n",
                header.transaction_id, header.fragment & RELOAD_FRAGMENT_OFFSET,
                header.fragment & RELOAD_FRAGMENT_LAST ? ", last" : "");
    else
        fprintf(sim->options.log, "%zu octets\n", event->size);
}

void
sim_log_link(const struct sim *sim, const char *what, uint32_t host, uint32_t peer, int error)
{
    if (sim->options.log && sim->options.log_level >= RELOAD_LOG_DEBUG)
        fprintf(sim->options.log, "%10.3f %" PRIu32 " -- %" PRIu32 ": link %s%s%s\n",
                (double)(sim->now - SIM_TIME_BEGIN) / 1e9, host, peer, what, error ? ": " : "",
                error ? reload_error_text(error) : "");
}

static void
deliver(struct sim *sim, struct sim_pipe *pipe, const struct sim_event *event)
{
    const struct sim_end *own = &pipe->ends[event->end];
    struct sim_host *host = sim_pipe_live_host(sim, own);
    if (!host || own->gone || !own->up)
        return;
    log_delivery(sim, pipe, event);
    if (host->puppet) {
        hear(sim, host, pipe, event);
        return;
    }
    uint32_t link = own->link;
    struct reload_bytes bytes = {event->bytes, event->size};
    struct sim_arrival arrival = {.from = pipe->ends[1 - event->end].host,
                                  .to = host->index,
                                  .framing = pipe->framing,
                                  .spoiled = event->spoiled,
                                  .bytes = bytes};
    bool inspected = sim->inspect && !pipe->application;
    if (inspected)
        sim->inspect(sim, &arrival, false, sim->inspect_argument);
    int error = pipe->application ? reload_node_app_recv(host->node, link, bytes, sim->now)
                                  : reload_node_recv(host->node, link, bytes, sim->now);
    sim_host_turn(host);
    if (inspected && sim->inspect)
        sim->inspect(sim, &arrival, true, sim->inspect_argument);
    if (error && reload_error_class(error) == RELOAD_CLASS_LINK && host->alive)
        sim_pipe_close(host, link);
}

/* ---- ending one ---- */

static void
forget_expected(struct sim_host *host, uint32_t link)
{
    for (size_t i = 0; i < host->expected_count; i++)
        if (host->expected[i].link == link) {
            memmove(&host->expected[i], &host->expected[i + 1],
                    (host->expected_count - i - 1) * sizeof *host->expected);
            host->expected_count--;
            return;
        }
}

/* The other side hears of it behind what was sent before, or, by a datagram, perhaps never. */
static void
say_goodbye(struct sim *sim, struct sim_pipe *pipe, unsigned end)
{
    uint32_t from = pipe->ends[1 - end].host, to = pipe->ends[end].host;
    uint64_t arrivals[2] = {0};
    if (!sim_network_reaches(&sim->network, from, to)) {
        if (pipe->framing == RELOAD_FRAMING_NONE) /* with frames, its own timers will notice */
            sim_pipe_tell_down(sim, pipe, end, RELOAD_E_LINK, sim->now + sim->options.detect_ns);
        return;
    }
    if (pipe->framing != RELOAD_FRAMING_DATAGRAM)
        arrivals[0] = sim_network_message(&sim->network, from, to, sim->now, &pipe->ends[end].last);
    else if (sim_network_datagram(&sim->network, from, to, sim->now, arrivals) == 0)
        return;
    sim_pipe_tell_down(sim, pipe, end, RELOAD_E_CLOSED, arrivals[0]);
}

void
sim_pipe_close(struct sim_host *host, uint32_t link)
{
    struct sim *sim = host->sim;
    unsigned end = 0;
    struct sim_pipe *pipe = sim_pipe_of(sim, host, link, &end);
    forget_expected(host, link);
    if (!pipe)
        return;
    sim_log_link(sim, "closed", host->index, pipe->ends[1 - end].host, 0);
    sim_pipe_leave(sim, pipe, end);
    if (pipe->accepted && !pipe->ends[1 - end].gone)
        say_goodbye(sim, pipe, 1 - end);
    release(sim, pipe);
}

void
sim_pipe_host_died(struct sim_host *host)
{
    struct sim *sim = host->sim;
    for (uint32_t i = 0; i < sim->pipe_count; i++) {
        struct sim_pipe *pipe = &sim->pipes[i];
        for (unsigned end = 0; end < 2 && pipe->used; end++) {
            if (pipe->ends[end].host != host->index || pipe->ends[end].gone ||
                pipe->ends[end].epoch != host->epoch)
                continue;
            sim_pipe_leave(sim, pipe, end);
            if (host->leaving && pipe->accepted && !pipe->ends[1 - end].gone)
                say_goodbye(sim, pipe, 1 - end);
            else if (pipe->framing == RELOAD_FRAMING_NONE && !pipe->ends[1 - end].gone)
                sim_pipe_tell_down(sim, pipe, 1 - end, RELOAD_E_LINK,
                                   sim->now + sim->options.detect_ns);
            release(sim, pipe);
        }
    }
}

static void
down(struct sim *sim, struct sim_pipe *pipe, const struct sim_event *event)
{
    struct sim_end *own = &pipe->ends[event->end];
    if (own->gone || (event->end == 0 && own->up && event->error == RELOAD_E_TIMEOUT))
        return; /* gone already; or it was expected in time after all */
    struct sim_host *host = sim_pipe_live_host(sim, own);
    bool told = own->up || event->end == 0;
    uint32_t link = own->link;
    if (event->end == 0 && !pipe->accepted)
        pipe->ends[1].gone = true;
    sim_pipe_leave(sim, pipe, event->end);
    release(sim, pipe);
    if (!host || host->puppet || !told)
        return;
    sim_log_link(sim, "down", host->index, pipe->ends[1 - event->end].host, event->error);
    reload_node_link_down(host->node, link, event->error, sim->now);
    sim_host_turn(host);
}

void
sim_pipe_event(struct sim *sim, struct sim_event *event)
{
    struct sim_pipe *pipe = &sim->pipes[event->pipe];
    if (!pipe->used || pipe->generation != event->generation)
        return;
    switch (event->type) {
    case SIM_EVENT_DELIVER:
        deliver(sim, pipe, event);
        break;
    case SIM_EVENT_ACCEPT:
        if (event->link)
            sim_handshake_finish(sim, pipe);
        else
            sim_handshake_accept(sim, pipe);
        break;
    case SIM_EVENT_CONNECTED:
        sim_handshake_connected(sim, pipe);
        break;
    case SIM_EVENT_DOWN:
        down(sim, pipe, event);
        break;
    case SIM_EVENT_DETECT:
        sim_pipe_detect(sim, pipe);
        break;
    default:
        assert(0);
    }
}
