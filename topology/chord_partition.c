/* chord_partition.c: the search for other parts of the overlay.
 *
 *   timer -> a link to some bootstrap node B -> Ping [B, Resource n+1] -> the answer's sender is
 * not our first successor: Attach to it through B; our Update on that link tells it of us.
 *
 * A Ping for our own Node-ID, as the RFC has it, would be dropped exactly when the ring is split:
 * the other part has no such node. The peer behind us is looked for instead; that finds rings wound
 * twice around as well (D5).
 *
 * RFC 6940 10.7.4.4. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_partition.h"

#include "topology/chord_attempt.h"

#include <assert.h>

/* A search that found the ring whole says nothing of the part whose bootstrap nodes it did not ask;
 * one that reached no bootstrap node says that there may be such a part, for as long as that lasts:
 * the next ones come soon, so that a ring is one again within a minute after it can be (D53). */
#define SOON (25 * RELOAD_SECOND)
#define DOUBTS 4

void
reload_chord_partition_suspect(struct reload_chord *chord, reload_time now)
{
    chord->partition_doubts = DOUBTS;
    reload_chord_arm(chord, RELOAD_CHORD_TIMER_PARTITION, now + reload_chord_jitter(chord, SOON));
}

static void
answered(void *argument, const struct reload_result *result, reload_time now)
{
    struct reload_chord *chord = argument;
    chord->partition_search = false;
    if (chord->phase != RELOAD_CHORD_JOINED)
        return;
    if (result->error) { /* it is of no overlay itself, or does not reach the peer behind us */
        reload_chord_partition_suspect(chord, now);
        return;
    }
    struct reload_chord_place found = reload_chord_place_of(&result->responder_id);
    if (reload_chord_equal(found, chord->table.self) ||
        reload_chord_table_find(&chord->table, found))
        return;
    reload_chord_log(chord, "another part of the ring at", found);
    reload_chord_attempt_merge(chord, found, chord->partition_bootstrap, chord->partition_link,
                               now);
}

static void
linked(void *argument, int error, uint32_t link, const struct reload_node_id *node_id,
       reload_time now)
{
    struct reload_chord *chord = argument;
    chord->partition_search = false;
    if (error && chord->phase == RELOAD_CHORD_JOINED)
        reload_chord_partition_suspect(chord, now);
    if (link == 0 || chord->phase != RELOAD_CHORD_JOINED ||
        reload_node_id_equal(node_id, reload_node_id(chord->node)))
        return;
    chord->partition_link = link;
    chord->partition_bootstrap = reload_chord_place_of(node_id);
    reload_chord_attempt_mark_ours(chord, chord->partition_bootstrap);
    struct reload_node_id behind = reload_chord_node_id_of(reload_chord_after(chord->table.self));
    struct reload_route route = reload_route_to_node(node_id);
    route.first_link = link;
    route.any_responder = true; /* D5 */
    bool fits =
        reload_route_append_resource(&route, reload_node_id_bytes(&behind, RELOAD_CHORD_ID_SIZE));
    assert(fits);
    uint8_t data[8];
    struct reload_writer body = reload_writer_of(data, sizeof data);
    struct reload_ping_req ping = {0};
    reload_ping_req_encode(&body, reload_node_wire(chord->node), &ping);
    assert(!body.failed);
    chord->partition_search =
        reload_node_request(chord->node, &route, RELOAD_MESSAGE_PING_REQ,
                            reload_writer_written(&body), answered, chord, now, NULL) == 0;
}

void
reload_chord_partition_due(struct reload_chord *chord, reload_time now)
{
    const struct reload_config *config = reload_node_config(chord->node);
    if (chord->phase != RELOAD_CHORD_JOINED)
        return;
    reload_time interval = config->chord_update_interval_s * RELOAD_SECOND;
    if (chord->partition_doubts > 0) {
        chord->partition_doubts--;
        interval = interval < SOON ? interval : SOON;
    }
    reload_chord_arm(chord, RELOAD_CHORD_TIMER_PARTITION,
                     now + reload_chord_jitter(chord, interval ? interval : RELOAD_SECOND));
    if (chord->partition_search)
        return;
    chord->partition_search = reload_topology_bootstrap(chord->node, linked, chord, now) == 0;
}
