/* sim_liar.c: what liars say.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_liar.h"

#include "reload/wire/structures.h"
#include "tools/sim/sim_internal.h"

#define FRAME_HEADER_SIZE 8 /* of a frame of data (6.6.2) */
#define NAMED_MAX 40
#define GARBAGE_MAX 1500
#define GARBAGE_GAP_NS SIM_MS(300)

/* What passes, when it is a message. */
struct said {
    struct sim_passing *passing;
    size_t skip; /* octets of its frame before it */
    struct reload_message message;
    struct reload_wire wire;
};

static bool
understand(struct sim *sim, struct sim_passing *passing, struct said *said)
{
    uint32_t overlay = sim_overlay_of(sim, passing->from);
    said->passing = passing;
    said->wire = (struct reload_wire){.node_id_length = sim_config(sim, overlay)->node_id_length};
    for (said->skip = 0; said->skip <= FRAME_HEADER_SIZE; said->skip += FRAME_HEADER_SIZE)
        if (passing->size > said->skip &&
            sim_decode(
                sim, overlay,
                (struct reload_bytes){passing->bytes + said->skip, passing->size - said->skip},
                &said->message))
            return true;
    return false;
}

/* Whether its sender signed it: a request without a way yet, or an answer with its certificate. */
static bool
is_own(struct sim *sim, const struct said *said)
{
    const struct sim_host *host = sim_host_of(sim, said->passing->from);
    if (reload_message_is_request(said->message.contents.message_code))
        return said->message.header.via_list.size == 0;
    struct reload_reader reader = reload_reader_of(said->message.security.certificates);
    struct reload_generic_certificate first;
    return reload_generic_certificate_next(&reader, &said->wire, &first) &&
           reload_bytes_equal(first.certificate,
                              (struct reload_bytes){host->certificate, host->certificate_size});
}

/* Puts a message of its own with |code| and |body| in place of what was said. */
static void
say_instead(struct sim_liar *liar, const struct said *said, uint16_t code, struct reload_bytes body)
{
    struct sim_passing *passing = said->passing;
    struct sim_draft *draft = sim_draft_new(liar->sim, passing->from, code, body);
    draft->message.header = said->message.header;
    struct reload_bytes sealed = sim_draft_seal(draft);
    size_t size = said->skip + sealed.size;
    if (size <= passing->capacity) {
        memcpy(passing->bytes + said->skip, sealed.data, sealed.size);
        if (said->skip)
            for (size_t i = 0; i < 3; i++) /* the frame's length */
                passing->bytes[said->skip - 3 + i] = (uint8_t)(sealed.size >> (16 - 8 * i));
        passing->size = size;
        liar->told++;
    }
    sim_draft_free(draft);
}

/* ---- tables ---- */

/* Somebody: alive, dead, another liar, nobody, the wildcard, the hearer. */
static struct reload_node_id
anybody(struct sim_liar *liar, uint32_t hearer)
{
    struct reload_node_id id = {0};
    uint64_t kind = sim_random_below(&liar->random, 8);
    uint32_t host = (uint32_t)sim_random_below(&liar->random, sim_node_count(liar->sim));
    if (kind == 0)
        return *sim_node_id(liar->sim, hearer);
    if (kind == 1) {
        memset(id.octets, 0xff, 16);
        return id;
    }
    if (kind < 4) {
        sim_random_fill(&liar->random, id.octets, 16);
        return id;
    }
    for (uint32_t i = 0; kind < 6 && i < SIM_HOSTS_MAX && i < sim_node_count(liar->sim); i++)
        if (liar->lies[(host + i) % sim_node_count(liar->sim) % SIM_HOSTS_MAX])
            return *sim_node_id(liar->sim, (host + i) % sim_node_count(liar->sim));
    return *sim_node_id(liar->sim, host);
}

static struct reload_bytes
name_anybody(struct sim_liar *liar, const struct said *said, struct reload_writer *arena)
{
    uint8_t *begin = arena->data + arena->size;
    size_t before = arena->size;
    uint64_t count = sim_random_below(&liar->random, NAMED_MAX);
    for (uint64_t i = 0; i < count; i++) {
        struct reload_node_id id = anybody(liar, said->passing->to);
        reload_node_id_encode(arena, &said->wire, &id);
    }
    return (struct reload_bytes){begin, arena->size - before};
}

static void
lie_about_tables(struct sim_liar *liar, const struct said *said)
{
    uint8_t octets[3 * NAMED_MAX * 16], body[3 * NAMED_MAX * 16 + 64];
    struct reload_writer arena = reload_writer_of(octets, sizeof octets);
    struct reload_writer writer = reload_writer_of(body, sizeof body);
    uint16_t code = said->message.contents.message_code;
    if (code == RELOAD_MESSAGE_UPDATE_REQ) {
        struct reload_chord_update update = {
            .uptime = (uint32_t)sim_random_next(&liar->random),
            .type = (uint8_t)sim_random_between(&liar->random, 1, RELOAD_CHORD_UPDATE_TYPE_FULL)};
        if (update.type != RELOAD_CHORD_UPDATE_TYPE_PEER_READY) {
            update.full.predecessors = name_anybody(liar, said, &arena);
            update.full.successors = name_anybody(liar, said, &arena);
        }
        if (update.type == RELOAD_CHORD_UPDATE_TYPE_FULL)
            update.full.fingers = name_anybody(liar, said, &arena);
        reload_chord_update_encode(&writer, &said->wire, &update);
    } else if (code == RELOAD_MESSAGE_ROUTE_QUERY_ANS) {
        struct reload_chord_route_query_ans answer = {anybody(liar, said->passing->to)};
        reload_chord_route_query_ans_encode(&writer, &said->wire, &answer);
    } else {
        return;
    }
    say_instead(liar, said, code, reload_writer_written(&writer));
}

/* ---- answers ---- */

static void
refuse(struct sim_liar *liar, const struct said *said)
{
    static const uint16_t errors[] = {RELOAD_ERROR_FORBIDDEN, RELOAD_ERROR_NOT_FOUND,
                                      RELOAD_ERROR_GENERATION_COUNTER_TOO_LOW,
                                      RELOAD_ERROR_DATA_TOO_LARGE, RELOAD_ERROR_TTL_EXCEEDED};
    uint16_t code = said->message.contents.message_code;
    if (code != RELOAD_MESSAGE_STORE_ANS && code != RELOAD_MESSAGE_FETCH_ANS)
        return;
    uint16_t error = errors[sim_random_below(&liar->random, sizeof errors / sizeof *errors)];
    uint8_t body[4] = {(uint8_t)(error >> 8), (uint8_t)error};
    say_instead(liar, said, RELOAD_MESSAGE_ERROR, (struct reload_bytes){body, sizeof body});
}

/* ---- what is not its own ---- */

static void
spoil(struct sim_liar *liar, const struct said *said)
{
    bool contents = sim_random_below(&liar->random, 2) == 0;
    struct reload_bytes part =
        contents ? said->message.contents_bytes : said->message.security.signature.signature_value;
    if (part.size == 0 || sim_random_below(&liar->random, 3) > 0)
        return;
    uint64_t bit = sim_random_below(&liar->random, 8 * part.size);
    ((uint8_t *)(uintptr_t)part.data)[bit / 8] ^= (uint8_t)(1u << bit % 8);
    said->passing->spoiled = true;
    liar->told++;
}

/* A host that |from| is linked with. */
static uint32_t
a_neighbor(struct sim_liar *liar, uint32_t from)
{
    uint32_t count = sim_node_count(liar->sim);
    uint32_t begin = (uint32_t)sim_random_below(&liar->random, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t other = (begin + i) % count;
        if (other != from && sim_is_alive(liar->sim, other) && sim_link(liar->sim, from, other))
            return other;
    }
    return SIM_NOBODY;
}

/* Returns whether the message still goes where it should. Frames are numbered for one link. */
static bool
misroute(struct sim_liar *liar, const struct said *said)
{
    uint32_t from = said->passing->from, other = a_neighbor(liar, from);
    if (said->skip || said->message.header.via_list.size == 0 || other == SIM_NOBODY)
        return true;
    liar->told++;
    liar->busy = true;
    sim_send(liar->sim, from, other,
             (struct reload_bytes){said->passing->bytes, said->passing->size});
    liar->busy = false;
    return false;
}

/* ---- garbage ---- */

static void
send_garbage(struct sim_liar *liar, uint32_t from)
{
    uint8_t octets[GARBAGE_MAX];
    size_t size = (size_t)sim_random_below(&liar->random, sizeof octets + 1);
    uint32_t other = a_neighbor(liar, from);
    if (other == SIM_NOBODY)
        return;
    sim_random_fill(&liar->random, octets, size);
    if (size >= 4 && sim_random_below(&liar->random, 2) == 0) /* looks like a message */
        memcpy(octets, (uint8_t[]){0xd2, 0x45, 0x4c, 0x4f}, 4);
    liar->busy = true;
    sim_send(liar->sim, from, other, (struct reload_bytes){octets, size});
    liar->busy = false;
    liar->told++;
}

static void
tick(struct sim *sim, void *argument)
{
    struct sim_liar *liar = argument;
    liar->ticking = liar->liars > 0;
    if (!liar->ticking)
        return;
    for (uint32_t i = 0; i < sim_node_count(sim) && i < SIM_HOSTS_MAX; i++)
        if (liar->lies[i] == SIM_LIE_GARBAGE && sim_is_alive(sim, i) && !sim_is_paused(sim, i))
            send_garbage(liar, i);
    sim_call(sim, sim_now(sim) + GARBAGE_GAP_NS, tick, liar);
}

/* ---- all ---- */

static bool
tap(struct sim *sim, struct sim_passing *passing, void *argument)
{
    struct sim_liar *liar = argument;
    enum sim_lie lie = passing->from < SIM_HOSTS_MAX ? liar->lies[passing->from] : SIM_LIE_NONE;
    struct said said;
    if (lie == SIM_LIE_NONE || liar->busy || passing->application)
        return true;
    if (lie == SIM_LIE_DEAF)
        return passing->size == 0 || passing->bytes[0] != RELOAD_FRAMED_MESSAGE_TYPE_ACK;
    if (!understand(sim, passing, &said))
        return true;
    if (lie == SIM_LIE_MISROUTED)
        return misroute(liar, &said);
    if (lie == SIM_LIE_SPOILED)
        spoil(liar, &said);
    else if (lie == SIM_LIE_TABLES && is_own(sim, &said))
        lie_about_tables(liar, &said);
    else if (lie == SIM_LIE_ANSWERS && is_own(sim, &said))
        refuse(liar, &said);
    return true;
}

void
sim_liar_begin(struct sim_liar *liar, struct sim *sim, uint64_t seed)
{
    *liar = (struct sim_liar){.sim = sim, .random = sim_random_fork(seed, 0x11a2)};
}

void
sim_liar_set(struct sim_liar *liar, uint32_t node, enum sim_lie lie)
{
    assert(node < SIM_HOSTS_MAX);
    uint32_t before = liar->liars;
    liar->liars += (lie != SIM_LIE_NONE);
    liar->liars -= (liar->lies[node] != SIM_LIE_NONE);
    liar->lies[node] = (uint8_t)lie;
    if (before == 0 && liar->liars > 0)
        sim_tap_add(liar->sim, tap, liar);
    else if (before > 0 && liar->liars == 0)
        sim_tap_remove(liar->sim, liar);
    if (liar->liars > 0 && !liar->ticking) {
        liar->ticking = true;
        sim_call(liar->sim, sim_now(liar->sim), tick, liar);
    }
}

void
sim_liar_end(struct sim_liar *liar)
{
    for (uint32_t i = 0; i < SIM_HOSTS_MAX; i++)
        sim_liar_set(liar, i, SIM_LIE_NONE);
}
