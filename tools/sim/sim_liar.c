/* sim_liar.c: what liars say.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_liar_internal.h"

#include "reload/wire/structures.h"
#include "tools/sim/sim_internal.h"

#define FRAME_HEADER_SIZE 8 /* of a frame of data (6.6.2) */
#define NAMED_MAX 40
#define GARBAGE_MAX 1500
/* Whom nobody answers for is tried three times, then its witness is asked (D125). */
#define BELIEVED_NS SIM_SECONDS(150)
#define TICK_NS SIM_MS(300)

static bool
understand(struct sim *sim, struct sim_passing *passing, struct sim_said *said)
{
    uint32_t overlay = sim_overlay_of(sim, passing->from);
    said->passing = passing;
    said->wire = sim_draft_wire(sim, overlay);
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
is_own(struct sim *sim, const struct sim_said *said)
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

void
sim_liar_replace(struct sim_liar *liar, const struct sim_said *said, struct reload_bytes bytes)
{
    struct sim_passing *passing = said->passing;
    size_t size = said->skip + bytes.size;
    if (size > passing->capacity)
        return;
    memcpy(passing->bytes + said->skip, bytes.data, bytes.size);
    if (said->skip)
        for (size_t i = 0; i < 3; i++) /* the frame's length */
            passing->bytes[said->skip - 3 + i] = (uint8_t)(bytes.size >> (16 - 8 * i));
    passing->size = size;
    liar->told++;
}

void
sim_liar_say_instead(struct sim_liar *liar, const struct sim_said *said, uint16_t code,
                     struct reload_bytes body, const struct sim_liar_signers *signers)
{
    struct sim_draft *draft = sim_draft_new(liar->sim, said->passing->from, code, body);
    draft->message.header = said->message.header;
    for (size_t i = 0; signers && i < signers->count; i++)
        draft->more_certificates[draft->more_certificate_count++] = signers->hosts[i];
    sim_liar_replace(liar, said, sim_draft_seal(draft));
    sim_draft_free(draft);
}

void
sim_liar_send(struct sim_liar *liar, uint32_t from, uint32_t to, struct reload_bytes bytes)
{
    bool busy = liar->busy;
    liar->busy = true;
    sim_send(liar->sim, from, to, bytes);
    liar->busy = busy;
    liar->told++;
}

/* ---- tables ---- */

/* A liar of the group that |from| is of; perhaps itself. */
static uint32_t
a_member(struct sim_liar *liar, uint32_t from)
{
    uint32_t count = sim_node_count(liar->sim);
    uint32_t begin = (uint32_t)sim_random_below(&liar->random, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t other = (begin + i) % count;
        if (other < SIM_HOSTS_MAX && liar->lies[other] == SIM_LIE_ECLIPSE &&
            sim_is_alive(liar->sim, other))
            return other;
    }
    return from;
}

/* Somebody: alive, dead, another liar, nobody, the wildcard, the hearer. */
static struct reload_node_id
anybody(struct sim_liar *liar, uint32_t from, uint32_t hearer)
{
    struct reload_node_id id = {0};
    if (liar->lies[from] == SIM_LIE_ECLIPSE)
        return *sim_node_id(liar->sim, a_member(liar, from));
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
name_anybody(struct sim_liar *liar, const struct sim_said *said, struct reload_writer *arena)
{
    uint8_t *begin = arena->data + arena->size;
    size_t before = arena->size;
    uint64_t count = sim_random_below(&liar->random, NAMED_MAX);
    for (uint64_t i = 0; i < count; i++) {
        struct reload_node_id id = anybody(liar, said->passing->from, said->passing->to);
        reload_node_id_encode(arena, &said->wire, &id);
    }
    return (struct reload_bytes){begin, arena->size - before};
}

static void
lie_about_tables(struct sim_liar *liar, const struct sim_said *said)
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
        struct reload_chord_route_query_ans answer = {
            anybody(liar, said->passing->from, said->passing->to)};
        reload_chord_route_query_ans_encode(&writer, &said->wire, &answer);
    } else {
        return;
    }
    sim_liar_say_instead(liar, said, code, reload_writer_written(&writer), NULL);
}

/* ---- answers ---- */

static void
refuse(struct sim_liar *liar, const struct sim_said *said)
{
    static const uint16_t errors[] = {RELOAD_ERROR_FORBIDDEN, RELOAD_ERROR_NOT_FOUND,
                                      RELOAD_ERROR_GENERATION_COUNTER_TOO_LOW,
                                      RELOAD_ERROR_DATA_TOO_LARGE, RELOAD_ERROR_TTL_EXCEEDED};
    uint16_t code = said->message.contents.message_code;
    if (code != RELOAD_MESSAGE_STORE_ANS && code != RELOAD_MESSAGE_FETCH_ANS)
        return;
    uint16_t error = errors[sim_random_below(&liar->random, sizeof errors / sizeof *errors)];
    uint8_t body[4] = {(uint8_t)(error >> 8), (uint8_t)error};
    sim_liar_say_instead(liar, said, RELOAD_MESSAGE_ERROR, (struct reload_bytes){body, sizeof body},
                         NULL);
}

/* ---- what is not its own ---- */

static void
spoil(struct sim_liar *liar, const struct sim_said *said)
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
uint32_t
sim_liar_neighbor(struct sim_liar *liar, uint32_t from)
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
misroute(struct sim_liar *liar, const struct sim_said *said)
{
    uint32_t from = said->passing->from, other = sim_liar_neighbor(liar, from);
    if (said->skip || said->message.header.via_list.size == 0 || other == SIM_NOBODY)
        return true;
    sim_liar_send(liar, from, other,
                  (struct reload_bytes){said->passing->bytes, said->passing->size});
    return false;
}

/* To another one of the group, when it is linked with that. */
static bool
pass_round(struct sim_liar *liar, const struct sim_said *said)
{
    uint32_t from = said->passing->from, other = a_member(liar, from);
    if (said->skip || said->message.header.via_list.size == 0 || other == from ||
        sim_link(liar->sim, from, other) == 0)
        return true;
    sim_liar_send(liar, from, other,
                  (struct reload_bytes){said->passing->bytes, said->passing->size});
    return false;
}

/* ---- what is measured ---- */

static void
lie_about_measures(struct sim_liar *liar, const struct sim_said *said)
{
    uint8_t octets[64], body[80];
    struct reload_writer list = reload_writer_of(octets, sizeof octets);
    struct reload_writer writer = reload_writer_of(body, sizeof body);
    uint16_t code = said->message.contents.message_code;
    if (code == RELOAD_MESSAGE_PING_ANS) {
        struct reload_ping_ans answer = {sim_random_next(&liar->random),
                                         sim_random_next(&liar->random)};
        reload_ping_ans_encode(&writer, &said->wire, &answer);
    } else if (code == RELOAD_MESSAGE_PROBE_ANS) {
        for (uint64_t i = sim_random_below(&liar->random, 4); i > 0; i--) {
            struct reload_probe_information information = {
                .type = (uint8_t)i, .value.uptime = (uint32_t)sim_random_next(&liar->random)};
            reload_probe_information_encode(&list, &said->wire, &information);
        }
        struct reload_probe_ans answer = {reload_writer_written(&list)};
        reload_probe_ans_encode(&writer, &said->wire, &answer);
    } else {
        return;
    }
    sim_liar_say_instead(liar, said, code, reload_writer_written(&writer), NULL);
}

/* ---- garbage ---- */

static void
send_garbage(struct sim_liar *liar, uint32_t from)
{
    uint8_t octets[GARBAGE_MAX];
    size_t size = (size_t)sim_random_below(&liar->random, sizeof octets + 1);
    uint32_t other = sim_liar_neighbor(liar, from);
    if (other == SIM_NOBODY)
        return;
    sim_random_fill(&liar->random, octets, size);
    if (size >= 4 && sim_random_below(&liar->random, 2) == 0) /* looks like a message */
        memcpy(octets, (uint8_t[]){0xd2, 0x45, 0x4c, 0x4f}, 4);
    sim_liar_send(liar, from, other, (struct reload_bytes){octets, size});
}

static void
tick(struct sim *sim, void *argument)
{
    static const struct {
        void (*say)(struct sim_liar *liar, uint32_t from);
        unsigned every; /* so many ticks */
    } sayings[SIM_LIES] = {[SIM_LIE_GARBAGE] = {send_garbage, 1},
                           [SIM_LIE_REPLAYS] = {sim_liar_replay_store, 2},
                           [SIM_LIE_HUGE] = {sim_liar_send_huge, 4}};
    struct sim_liar *liar = argument;
    liar->ticking = liar->liars > 0;
    if (!liar->ticking)
        return;
    liar->ticks++;
    for (uint32_t i = 0; i < sim_node_count(sim) && i < SIM_HOSTS_MAX; i++) {
        uint8_t lie = liar->lies[i];
        if (sayings[lie].say && liar->ticks % sayings[lie].every == 0 && sim_is_alive(sim, i) &&
            !sim_is_paused(sim, i))
            sayings[lie].say(liar, i);
    }
    sim_call(sim, sim_now(sim) + TICK_NS, tick, liar);
}

/* ---- all ---- */

static bool
remembers(enum sim_lie lie)
{
    return lie == SIM_LIE_VALUES || lie == SIM_LIE_STALE || lie == SIM_LIE_REPLAYS;
}

static enum sim_lie
lie_of(const struct sim_liar *liar, uint32_t host)
{
    return host < SIM_HOSTS_MAX ? (enum sim_lie)liar->lies[host] : SIM_LIE_NONE;
}

/* What reaches a liar. Returns whether it does. */
static bool
overhear(struct sim_liar *liar, enum sim_lie lie, const struct sim_said *said)
{
    sim_liar_remember(liar, said);
    return lie == SIM_LIE_REPLAYS || !sim_liar_intercept(liar, said);
}

/* Returns whether what a liar says goes out, changed or not. */
static bool
lie_as(struct sim_liar *liar, enum sim_lie lie, const struct sim_said *said)
{
    static void (*const of_others[SIM_LIES])(struct sim_liar *, const struct sim_said *) = {
        [SIM_LIE_SPOILED] = spoil, [SIM_LIE_VIA] = sim_liar_forge_via};
    static void (*const of_own[SIM_LIES])(struct sim_liar *, const struct sim_said *) = {
        [SIM_LIE_TABLES] = lie_about_tables,          [SIM_LIE_ANSWERS] = refuse,
        [SIM_LIE_VALUES] = sim_liar_lie_about_values, [SIM_LIE_STALE] = sim_liar_lie_about_values,
        [SIM_LIE_PROBES] = lie_about_measures,        [SIM_LIE_ECLIPSE] = lie_about_tables};
    if (remembers(lie))
        sim_liar_remember(liar, said);
    if (lie == SIM_LIE_MISROUTED)
        return misroute(liar, said);
    if (of_others[lie])
        of_others[lie](liar, said);
    else if (of_own[lie] && is_own(liar->sim, said))
        of_own[lie](liar, said);
    else if (lie == SIM_LIE_ECLIPSE)
        return pass_round(liar, said);
    return true;
}

static bool
tap(struct sim *sim, struct sim_passing *passing, void *argument)
{
    struct sim_liar *liar = argument;
    enum sim_lie lie = lie_of(liar, passing->from), hearer = lie_of(liar, passing->to);
    struct sim_said said;
    if (liar->busy || passing->application || (lie == SIM_LIE_NONE && !remembers(hearer)))
        return true;
    if (lie == SIM_LIE_DEAF)
        return passing->size == 0 || passing->bytes[0] != RELOAD_FRAMED_MESSAGE_TYPE_ACK;
    if (!understand(sim, passing, &said))
        return true;
    if (remembers(hearer) && !overhear(liar, hearer, &said))
        return false;
    return lie == SIM_LIE_NONE || lie_as(liar, lie, &said);
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
    if (lie == SIM_LIE_STALE)
        liar->stale_until_ns = UINT64_MAX;
    else if (liar->lies[node] == SIM_LIE_STALE) /* for what is under way */
        liar->stale_until_ns = sim_now(liar->sim) + SIM_SECONDS(60);
    if (liar->lies[node] == SIM_LIE_TABLES || liar->lies[node] == SIM_LIE_ECLIPSE)
        liar->believed_until_ns = sim_now(liar->sim) + BELIEVED_NS;
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

bool
sim_liar_is_stale(const struct sim_liar *liar)
{
    return liar->stale_until_ns > 0 && sim_now(liar->sim) < liar->stale_until_ns;
}

void
sim_liar_end(struct sim_liar *liar)
{
    for (uint32_t i = 0; i < SIM_HOSTS_MAX; i++)
        sim_liar_set(liar, i, SIM_LIE_NONE);
}
