/* sim_liar_bulk.c: liars that forge where a message has been, send far too much, and say again what
 * others stored.
 *
 * RFC 6940 6.3.2.2, 6.7, 13.6.4. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_liar_internal.h"

#include "reload/wire/structures.h"
#include "tools/sim/sim_internal.h"

#include <stdlib.h>

#define VIA_MAX 120       /* entries of a forged Via List */
#define HUGE_MAX 60000    /* octets; overlays here allow 5,000 */
#define FRAGMENT_SIZE 900 /* of a first fragment's part */

static struct reload_destination
somebody(struct sim_liar *liar)
{
    struct reload_destination entry = {.type = RELOAD_DESTINATION_TYPE_NODE};
    uint32_t host = (uint32_t)sim_random_below(&liar->random, sim_node_count(liar->sim));
    if (sim_random_below(&liar->random, 3) == 0)
        sim_random_fill(&liar->random, entry.destination_data.node_id.octets, 16);
    else
        entry.destination_data.node_id = *sim_node_id(liar->sim, host);
    return entry;
}

void
sim_liar_forge_via(struct sim_liar *liar, const struct sim_said *said)
{
    static const uint64_t most[] = {1, 3, VIA_MAX};
    uint8_t via[VIA_MAX * 20], *bytes = malloc(said->passing->capacity);
    struct reload_message message = said->message;
    if (!bytes)
        abort();
    if (sim_random_below(&liar->random, 3) > 0) {
        free(bytes);
        return;
    }
    struct reload_writer list = reload_writer_of(via, sizeof via);
    uint64_t count = sim_random_below(&liar->random, most[sim_random_below(&liar->random, 3)]);
    for (uint64_t i = 0; i < count; i++) {
        struct reload_destination entry = somebody(liar);
        reload_destination_encode(&list, &said->wire, &entry);
    }
    message.header.via_list = reload_writer_written(&list);
    struct reload_writer writer = reload_writer_of(bytes, said->passing->capacity);
    reload_message_encode(&writer, &said->wire, &message);
    if (!list.failed && !writer.failed)
        sim_liar_replace(liar, said, reload_writer_written(&writer));
    free(bytes);
}

/* ---- too much ---- */

static enum reload_framing
framing_of(struct sim *sim, uint32_t from, uint32_t to)
{
    unsigned end = 0;
    const struct sim_pipe *pipe =
        sim_pipe_of(sim, sim_host_of(sim, from), sim_link(sim, from, to), &end);
    return pipe ? pipe->framing : RELOAD_FRAMING_NONE;
}

/* A Ping to a neighbour or to anybody, with so much padding; or the first part of one. */
static struct sim_draft *
draft_ping(struct sim_liar *liar, uint32_t from, uint32_t to, size_t padding)
{
    uint8_t *body = calloc(1, padding + 2);
    if (!body)
        abort();
    body[0] = (uint8_t)(padding >> 8);
    body[1] = (uint8_t)padding;
    struct sim_draft *draft = sim_draft_new(liar->sim, from, RELOAD_MESSAGE_PING_REQ,
                                            (struct reload_bytes){body, padding + 2});
    free(body);
    if (sim_random_below(&liar->random, 2) == 0) {
        sim_draft_to_node(draft, sim_node_id(liar->sim, to));
        return draft;
    }
    struct reload_destination entry = somebody(liar);
    sim_draft_to(draft, &entry);
    return draft;
}

void
sim_liar_send_huge(struct sim_liar *liar, uint32_t from)
{
    struct sim *sim = liar->sim;
    uint32_t to = sim_liar_neighbor(liar, from);
    uint8_t frame[2 * FRAGMENT_SIZE];
    if (to == SIM_NOBODY)
        return;
    enum reload_framing framing = framing_of(sim, from, to);
    bool in_parts = framing != RELOAD_FRAMING_NONE || sim_random_below(&liar->random, 2) == 0;
    size_t padding =
        in_parts ? FRAGMENT_SIZE / 2 : (size_t)sim_random_between(&liar->random, 4000, HUGE_MAX);
    struct sim_draft *draft = draft_ping(liar, from, to, padding);
    if (in_parts) /* the last part never comes */
        draft->message.header.fragment = RELOAD_FRAGMENT_ALWAYS;
    struct reload_bytes sealed = sim_draft_seal(draft);
    if (framing != RELOAD_FRAMING_NONE && sealed.size < FRAGMENT_SIZE) {
        uint32_t sequence = (uint32_t)sim_random_next(&liar->random);
        sealed.size = sim_frame_data(sequence, sealed, frame, sizeof frame);
        sealed.data = frame;
    }
    sim_liar_send(liar, from, to, sealed);
    sim_draft_free(draft);
}

/* ---- again ---- */

/* With a fresh header, to who is responsible, or as if it were meant for a neighbour (D3). */
void
sim_liar_replay_store(struct sim_liar *liar, uint32_t from)
{
    struct sim *sim = liar->sim;
    const struct sim_liar_memory *memory = &liar->memory;
    size_t known =
        memory->store_count < SIM_LIAR_STORES_MAX ? memory->store_count : SIM_LIAR_STORES_MAX;
    uint32_t to = sim_liar_neighbor(liar, from);
    uint8_t destination[RELOAD_NODE_ID_SIZE_MAX + 8], bytes[2 * SIM_LIAR_OCTETS_MAX];
    struct reload_message message;
    if (known == 0 || to == SIM_NOBODY || framing_of(sim, from, to) != RELOAD_FRAMING_NONE)
        return;
    size_t at = (size_t)sim_random_below(&liar->random, known);
    struct reload_bytes store = {memory->stores[at].octets, memory->stores[at].size};
    struct reload_wire wire = sim_draft_wire(sim, sim_overlay_of(sim, from));
    if (reload_message_decode(store, &wire, &message))
        return;
    struct reload_destination entry = {.type = RELOAD_DESTINATION_TYPE_NODE,
                                       .destination_data.node_id = *sim_node_id(sim, to)};
    struct reload_writer list = reload_writer_of(destination, sizeof destination);
    reload_destination_encode(&list, &wire, &entry);
    message.header.via_list = (struct reload_bytes){0};
    message.header.ttl = sim_config(sim, sim_overlay_of(sim, from))->initial_ttl;
    if (sim_random_below(&liar->random, 2) == 0)
        message.header.destination_list = reload_writer_written(&list);
    struct reload_writer writer = reload_writer_of(bytes, sizeof bytes);
    reload_message_encode(&writer, &wire, &message);
    if (!writer.failed)
        sim_liar_send(liar, from, to, reload_writer_written(&writer));
}
