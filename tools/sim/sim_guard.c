/* sim_guard.c: what arrives, and what it does.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_guard.h"

#include "reload/core/job.h"
#include "reload/core/node_internal.h"
#include "tools/sim/sim_draft.h"
#include "tools/sim/sim_oddity.h"
#include "tools/sim/sim_state.h"

#include <inttypes.h>
#include <string.h>

#define FRAME_HEADER_SIZE 8 /* of a frame of data (6.6.2) */

/* ---- V7 ---- */

/* The name of the first table of |node| that is fuller than it may be, or NULL. */
static const char *
overfull_table(const struct reload_node *node)
{
    const struct {
        const char *name;
        size_t count, max;
    } tables[] = {
        {"links", node->links.count, RELOAD_LINKS_MAX},
        {"transactions", node->transactions.count, RELOAD_TRANSACTIONS_MAX},
        {"answers kept", node->answers.count, RELOAD_ANSWERS_KEPT_MAX},
        {"octets of answers kept", node->answers.octets, RELOAD_ANSWERS_KEPT_OCTETS_MAX},
        {"reassemblies", node->reassembly.count, RELOAD_REASSEMBLIES_MAX},
        {"octets in reassembly", node->reassembly.octets, RELOAD_REASSEMBLY_OCTETS_MAX},
        {"resources", node->storage.resources.count, RELOAD_RESOURCES_MAX},
        {"octets stored", node->storage.octets + node->storage.certificates.octets,
         RELOAD_STORAGE_OCTETS_MAX},
        {"marks", node->storage.marks.set.count, RELOAD_HIGH_WATER_MAX},
        {"octets of marks", node->storage.marks.octets, RELOAD_MARKS_OCTETS_MAX},
        {"marks of what was seen", node->storage.seen.set.count, RELOAD_HIGH_WATER_MAX},
        {"octets of what was seen", node->storage.seen.octets, RELOAD_MARKS_OCTETS_MAX},
        {"effects", node->effects.count, RELOAD_EFFECTS_MAX},
        {"jobs", node->pushes.job_count, RELOAD_JOBS_MAX},
        {"bootstrap nodes known", node->bootstrap.known_count, RELOAD_BOOTSTRAP_KNOWN_MAX},
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (tables[i].count > tables[i].max)
            return tables[i].name;
    return NULL;
}

/* Likewise, of one of its links. */
static const char *
overfull_link(const struct reload_node *node)
{
    size_t cursor = 0;
    for (const struct reload_link *link; (link = reload_link_walk(node, &cursor)) != NULL;) {
        const struct reload_sender *sender = &link->sender;
        if (sender->flight_count > RELOAD_WINDOW_MAX)
            return "frames in flight on a link";
        if (sender->queue_count > RELOAD_LINK_QUEUE_MAX)
            return "frames waiting for a link";
        if (sender->queued_octets > RELOAD_LINK_QUEUE_OCTETS_MAX)
            return "octets on a link";
    }
    return NULL;
}

/* The same of what is stored: values of a Kind, by its row. */
static const char *
overfull_kind(const struct reload_node *node)
{
    const struct reload_resource *at =
        reload_storage_after(&node->storage, (struct reload_bytes){0});
    for (; at; at = reload_storage_after(&node->storage, reload_resource_id(at)))
        for (const struct reload_stored_kind *kind = at->kinds; kind; kind = kind->next)
            if (kind->existing > kind->row->max_count)
                return "values of a Kind";
    return NULL;
}

/* ---- V6 ---- */

static void
check_requests(struct sim_guard *guard, const struct reload_node *node, uint32_t number)
{
    uint64_t now = sim_now(guard->sim);
    for (size_t i = 0; i < node->transactions.bucket_count; i++)
        for (const struct reload_transaction *at = node->transactions.buckets[i]; at; at = at->next)
            if (now - at->sent_at > SIM_GUARD_REQUEST_NS + sim_lateness(guard->sim))
                sim_finding(&guard->finder, "V6", "a request of node %" PRIu32 " waits for %.1f s",
                            number, (double)(now - at->sent_at) / 1e9);
}

void
sim_guard_turn(struct sim_guard *guard, uint32_t node)
{
    const struct reload_node *real = sim_node(guard->sim, node);
    if (!real)
        return;
    size_t memory = sim_memory(guard->sim, node);
    if (memory > guard->memory_peak)
        guard->memory_peak = memory;
    if (memory > guard->memory_max) {
        sim_finding(&guard->finder, "V7", "node %" PRIu32 " holds %zu octets", node, memory);
        guard->memory_max = SIZE_MAX; /* once is enough */
    }
    bool looks = ++guard->turns % SIM_GUARD_LOOKS == 0;
    if (looks && !sim_was_paused(guard->sim, node, SIM_GUARD_REQUEST_NS))
        check_requests(guard, real, node);
    const char *table = overfull_table(real);
    if (!table && looks)
        table = overfull_link(real);
    if (!table && looks)
        table = overfull_kind(real);
    if (table)
        sim_finding(&guard->finder, "V7", "node %" PRIu32 " has too many %s", node, table);
}

/* ---- V8 ---- */

static uint64_t
number_of(const struct reload_node_id *id)
{
    uint64_t number = 0;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | id->octets[i];
    return number;
}

/* Where |message| goes when that is a single place; false when its way was chosen beforehand, or
 * when it has not been forwarded yet. */
static bool
is_forwarded(struct sim *sim, const struct reload_message *message, struct reload_node_id *target)
{
    struct reload_wire wire = {.node_id_length = sim_config(sim, 0)->node_id_length};
    struct reload_reader reader = reload_reader_of(message->header.destination_list);
    struct reload_destination entry;
    if (message->header.via_list.size == 0 || !reload_destination_next(&reader, &wire, &entry) ||
        reload_reader_left(&reader) > 0)
        return false;
    if (entry.type == RELOAD_DESTINATION_TYPE_NODE) {
        *target = entry.destination_data.node_id;
        return sim_find_node(sim, 0, target) != SIM_NOBODY; /* the dead are nowhere */
    }
    if (entry.type != RELOAD_DESTINATION_TYPE_RESOURCE)
        return false;
    *target = reload_node_id_of(entry.destination_data.resource_id);
    return true;
}

/* How far |id| is before |target|, in its first octets. */
static uint64_t
before(const struct reload_node_id *id, const struct reload_node_id *target)
{
    return number_of(target) - number_of(id);
}

/* Whether the one who forwards |message| got it from somebody nearer: its sender chose a first hop
 * that lies farther (a search for partitions does that), and it may not go straight back. */
static bool
came_from_nearer(const struct reload_message *message, const struct reload_node_id *forwarder,
                 const struct reload_node_id *target)
{
    struct reload_bytes via = message->header.via_list;
    struct reload_node_id last = {0};
    if (via.size < 16)
        return false;
    memcpy(last.octets, via.data + via.size - 16, 16);
    return before(&last, target) < before(forwarder, target);
}

/* 10.3: nearer before the target, or the one that is responsible for it. */
static void
check_hop(struct sim_guard *guard, const struct sim_arrival *arrival)
{
    struct sim *sim = guard->sim;
    struct reload_message message;
    struct reload_node_id target;
    struct reload_bytes bytes = arrival->bytes;
    if (arrival->framing != RELOAD_FRAMING_NONE) {
        if (bytes.size <= FRAME_HEADER_SIZE)
            return;
        bytes.data += FRAME_HEADER_SIZE;
        bytes.size -= FRAME_HEADER_SIZE;
    }
    if (!sim_decode(sim, 0, bytes, &message) ||
        !reload_message_is_request(message.contents.message_code) ||
        !is_forwarded(sim, &message, &target))
        return;
    const struct reload_node_id *from = sim_node_id(sim, arrival->from);
    const struct reload_node_id *to = sim_node_id(sim, arrival->to);
    if (came_from_nearer(&message, from, &target))
        return;
    guard->checked_hops++;
    uint32_t responsible = sim_responsible(sim, 0, reload_node_id_bytes(&target, 16));
    if (before(to, &target) >= before(from, &target) && arrival->to != responsible)
        sim_finding(&guard->finder, "V8",
                    "node %" PRIu32 " forwards to node %" PRIu32 " and away from the target, "
                    "transaction %016" PRIx64,
                    arrival->from, arrival->to, message.header.transaction_id);
}

/* The code of the message that arrives, without looking at the rest; 0 when there is none, as in a
 * fragment behind the first. */
static uint16_t
peek_code(const struct sim_arrival *arrival)
{
    size_t skip = arrival->framing == RELOAD_FRAMING_NONE ? 0 : FRAME_HEADER_SIZE, fixed = 38;
    if (arrival->bytes.size < skip + fixed + 2)
        return 0;
    const uint8_t *header = arrival->bytes.data + skip;
    if (header[13] | header[14] | header[15]) /* the fragment's offset */
        return 0;
    size_t lists = 0;
    for (size_t at = 32; at < fixed; at += 2)
        lists += (size_t)header[at] << 8 | header[at + 1];
    if (arrival->bytes.size < skip + fixed + lists + 2)
        return 0;
    return (uint16_t)(header[fixed + lists] << 8 | header[fixed + lists + 1]);
}

/* Whether |arrival| is an answer to nothing that its receiver asked: one that it waits for may let
 * it answer, by an error, another request that had to wait for that. */
static bool
is_unasked(const struct sim_guard *guard, const struct sim_arrival *arrival)
{
    uint16_t code = peek_code(arrival);
    if (code == 0 || reload_message_is_request(code))
        return false;
    const uint8_t *header =
        arrival->bytes.data + (arrival->framing == RELOAD_FRAMING_NONE ? 0 : FRAME_HEADER_SIZE);
    uint64_t transaction_id = 0;
    for (size_t i = 20; i < 28; i++)
        transaction_id = transaction_id << 8 | header[i];
    return !reload_transaction_find(sim_node(guard->sim, arrival->to), transaction_id);
}

/* What is only forwarded was not for it. */
static void
check_unasked(struct sim_guard *guard, const struct sim_arrival *arrival)
{
    const struct reload_counters *counters = sim_counters(guard->sim, arrival->to);
    guard->checked_errors++;
    if (counters->errors_sent > guard->errors_sent &&
        counters->messages_forwarded == guard->forwarded)
        sim_finding(&guard->finder, "V8", "node %" PRIu32 " answers an answer by an error",
                    arrival->to);
}

/* Whether |arrival| says anything, or only that something has arrived, or that somebody is there.
 */
static bool
is_said(const struct sim_arrival *arrival)
{
    return arrival->framing == RELOAD_FRAMING_NONE ||
           (arrival->bytes.size > FRAME_HEADER_SIZE &&
            arrival->bytes.data[0] != RELOAD_FRAMED_MESSAGE_TYPE_ACK);
}

/* ---- V9 ---- */

static void
inspect(struct sim *sim, const struct sim_arrival *arrival, bool after, void *argument)
{
    struct sim_guard *guard = argument;
    if (sim_overlay_of(sim, arrival->to) != 0 || !sim_node(sim, arrival->to))
        return; /* it left, or never was a node */
    if (!after) {
        guard->arrivals += is_said(arrival);
        if (sim_now(sim) >= guard->hops_from_ns && guard->leaving == 0)
            check_hop(guard, arrival);
        guard->unasked = is_unasked(guard, arrival);
        guard->errors_sent = sim_counters(sim, arrival->to)->errors_sent;
        guard->forwarded = sim_counters(sim, arrival->to)->messages_forwarded;
        guard->state = arrival->spoiled ? sim_state_of_node(sim, arrival->to) : 0;
        return;
    }
    if (guard->unasked)
        check_unasked(guard, arrival);
    if (!arrival->spoiled)
        return;
    guard->checked_rejections++;
    if (sim_state_of_node(sim, arrival->to) != guard->state)
        sim_finding(&guard->finder, "V9", "what does not verify changed node %" PRIu32,
                    arrival->to);
}

/* ---- all ---- */

void
sim_guard_begin(struct sim_guard *guard, struct sim *sim, struct sim_finder finder)
{
    *guard = (struct sim_guard){.sim = sim,
                                .finder = finder,
                                .memory_max = SIM_GUARD_MEMORY_MAX,
                                .hops_from_ns = UINT64_MAX};
    sim_inspect(sim, inspect, guard);
}

void
sim_guard_end(struct sim_guard *guard)
{
    sim_inspect(guard->sim, NULL, NULL);
}

void
sim_guard_calm(struct sim_guard *guard)
{
    guard->hops_from_ns = sim_now(guard->sim);
    guard->quiet_since_ns = sim_now(guard->sim);
    guard->arrivals = 0;
}

void
sim_guard_leaving(struct sim_guard *guard, bool begins)
{
    uint64_t settled = sim_now(guard->sim) + SIM_GUARD_SETTLE_NS;
    guard->leaving = begins ? guard->leaving + 1 : guard->leaving - 1;
    if (guard->hops_from_ns < settled)
        guard->hops_from_ns = settled;
}

void
sim_guard_hops(struct sim_guard *guard, bool whole)
{
    guard->hops_from_ns = whole ? sim_now(guard->sim) + SIM_GUARD_SETTLE_NS : UINT64_MAX;
}

void
sim_guard_judge(struct sim_guard *guard)
{
    uint64_t peers = 0, seconds = (sim_now(guard->sim) - guard->quiet_since_ns) / RELOAD_SECOND;
    for (uint32_t i = 0; i < sim_node_count(guard->sim); i++)
        peers += sim_is_alive(guard->sim, i);
    if (guard->arrivals > SIM_GUARD_QUIET_MAX * peers * (seconds + 1))
        sim_finding(&guard->finder, "V8",
                    "%" PRIu64 " messages among %" PRIu64 " peers in %" PRIu64 " quiet seconds",
                    guard->arrivals, peers, seconds);
}

void
sim_guard_restart(struct sim_guard *guard, double steady)
{
    guard->restart.at_ns = sim_now(guard->sim);
    guard->restart.octets = sim_wire_bytes(guard->sim);
    guard->restart.steady = steady;
}

void
sim_guard_judge_restart(struct sim_guard *guard)
{
    double seconds = (double)(sim_now(guard->sim) - guard->restart.at_ns) / 1e9;
    double rate = (double)(sim_wire_bytes(guard->sim) - guard->restart.octets) / seconds;
    if (rate > SIM_GUARD_RESTART_TIMES * guard->restart.steady)
        sim_finding(&guard->finder, "V8",
                    "%.0f octets a second in the %.0f s after all began anew, %.0f before", rate,
                    seconds, guard->restart.steady);
}
