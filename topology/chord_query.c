/* chord_query.c: RouteQuery.
 *
 * RFC 6940 6.4.2.4, 10.8. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_query.h"

#include "topology/chord.h"
#include "topology/chord_update.h"

#include <assert.h>

#define UPDATES_MAX 32                  /* in a row */
#define UPDATE_REFILL (200 * RELOAD_MS) /* and one more each */

static bool
may_update(struct reload_chord *chord, reload_time now)
{
    reload_time periods = (now - chord->queries_since) / UPDATE_REFILL;
    if (periods > UPDATES_MAX)
        periods = UPDATES_MAX;
    if (periods)
        chord->queries_since = now;
    chord->queries_left += (unsigned)periods;
    if (chord->queries_left > UPDATES_MAX)
        chord->queries_left = UPDATES_MAX;
    if (chord->queries_left == 0)
        return false;
    chord->queries_left--;
    return true;
}

static int
destination_id(const struct reload_destination *destination, struct reload_node_id *id)
{
    if (destination->type == RELOAD_DESTINATION_TYPE_NODE) {
        *id = destination->destination_data.node_id;
        return 0;
    }
    if (destination->type != RELOAD_DESTINATION_TYPE_RESOURCE)
        return RELOAD_E_FORBIDDEN;
    if (destination->destination_data.resource_id.size != RELOAD_CHORD_ID_SIZE)
        return RELOAD_E_MALFORMED;
    *id = reload_node_id_of(destination->destination_data.resource_id);
    return 0;
}

int
reload_chord_query_ask(struct reload_chord *chord, struct reload_chord_place place, reload_time now)
{
    const struct reload_wire *wire = reload_node_wire(chord->node);
    uint32_t link = reload_chord_link_to(chord, place);
    if (!link)
        return RELOAD_E_CLOSED;
    uint8_t data[64];
    struct reload_writer body = reload_writer_of(data, sizeof data);
    struct reload_route_query_req query = {.send_update = true};
    query.destination.type = RELOAD_DESTINATION_TYPE_NODE;
    query.destination.destination_data.node_id = *reload_node_id(chord->node);
    reload_route_query_req_encode(&body, wire, &query);
    assert(!body.failed);
    struct reload_node_id id = reload_chord_node_id_of(place);
    struct reload_route route = reload_route_to_node(&id);
    route.first_link = link;
    return reload_node_request(chord->node, &route, RELOAD_MESSAGE_ROUTE_QUERY_REQ,
                               reload_writer_written(&body), NULL, NULL, now, NULL);
}

int
reload_chord_query_answer(struct reload_chord *chord, struct reload_bytes body,
                          struct reload_node_id *next)
{
    const struct reload_wire *wire = reload_node_wire(chord->node);
    struct reload_reader reader = reload_reader_of(body);
    struct reload_chord_route_query_ans answer;
    if (reload_chord_route_query_ans_decode(&reader, wire, &answer) != 0 ||
        reload_reader_left(&reader) > 0)
        return RELOAD_E_MALFORMED;
    *next = answer.next_peer;
    return 0;
}

int
reload_chord_query_received(struct reload_chord *chord, const struct reload_incoming *incoming,
                            struct reload_writer *answer, reload_time now)
{
    const struct reload_wire *wire = reload_node_wire(chord->node);
    struct reload_reader reader = reload_reader_of(incoming->message->contents.message_body);
    struct reload_route_query_req request;
    if (reload_route_query_req_decode(&reader, wire, &request) != 0 ||
        reload_reader_left(&reader) > 0)
        return RELOAD_E_MALFORMED;
    struct reload_node_id id;
    int error = destination_id(&request.destination, &id);
    if (error)
        return error;
    struct reload_chord_route_query_ans route = {.next_peer = *reload_node_id(chord->node)};
    if (!reload_node_id_equal(&id, &route.next_peer)) {
        /* A Resource-ID may be the Node-ID of a client, which is nobody's next hop (6.5.1). */
        if (request.destination.type == RELOAD_DESTINATION_TYPE_NODE &&
            reload_node_link_to(chord->node, &id))
            route.next_peer = id;
        else if (reload_chord.next_hop(chord, &id, 0, &route.next_peer) == RELOAD_HOP_NONE)
            return RELOAD_E_NOT_FOUND;
    }
    reload_chord_route_query_ans_encode(answer, wire, &route);
    if (request.send_update && incoming->from_signer && incoming->link && may_update(chord, now))
        reload_chord_update_send(chord, incoming->link, &incoming->signer_id,
                                 RELOAD_CHORD_UPDATE_TYPE_FULL, now);
    return 0;
}
