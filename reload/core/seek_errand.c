/* seek_errand.c: what a search sends.
 *
 * RFC 6940 10.4; D92. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/seek_state.h"

#include <assert.h>

/* ---- errands -------------------------------------------------------------------------------- */

/* Nobody waits for one that could not be sent. */
static void
send(struct reload_seek *seek, const struct reload_seek_errand *wanted,
     const struct reload_route *route, const struct reload_request *request, reload_time now)
{
    size_t i = 0;
    while (i < RELOAD_SEEK_ERRANDS_MAX && seek->errands[i].request)
        i++;
    if (i == RELOAD_SEEK_ERRANDS_MAX)
        return;
    struct reload_seek_errand *errand = &seek->errands[i];
    *errand = *wanted;
    errand->of = seek;
    if (reload_transaction_start(seek->job.node, route, request, reload_seek_answered, errand, now,
                                 &errand->request) != 0) {
        errand->request = 0;
        return;
    }
    seek->outstanding++;
    seek->pings += errand->type == RELOAD_ERRAND_PING;
}

struct reload_destination
reload_seek_destination(const struct reload_seek *seek, const struct reload_node_id *place)
{
    struct reload_destination destination = {.type = RELOAD_DESTINATION_TYPE_RESOURCE};
    destination.destination_data.resource_id =
        reload_node_id_bytes(place, seek->job.node->wire.node_id_length);
    return destination;
}

static struct reload_route
route_by(const struct reload_seek_contact *contact)
{
    return contact->has_via ? reload_route_to_node(&contact->via) : (struct reload_route){0};
}

static struct reload_route
route_to(const struct reload_seek_contact *contact)
{
    struct reload_route route = route_by(contact);
    bool fits = reload_route_append_node(&route, &contact->id);
    assert(fits);
    (void)fits;
    return route;
}

void
reload_seek_ping(struct reload_seek *seek, const struct reload_node_id *place,
                 const struct reload_seek_contact *way, reload_time now)
{
    static const uint8_t no_padding[2] = {0};
    const struct reload_request request = {.code = RELOAD_MESSAGE_PING_REQ,
                                           .body = {no_padding, sizeof no_padding}};
    struct reload_route route = route_by(way);
    route.entries[route.count++] = reload_seek_destination(seek, place);
    send(seek, &(struct reload_seek_errand){.type = RELOAD_ERRAND_PING, .whom = *way}, &route,
         &request, now);
}

void
reload_seek_query(struct reload_seek *seek, const struct reload_seek_errand *errand,
                  reload_time now)
{
    struct reload_node *node = seek->job.node;
    uint8_t data[1 + 2 + 255 + 2];
    struct reload_node_id place =
        node->topology->place_before(node->topology_state, &errand->below);
    struct reload_route_query_req asked = {.destination = reload_seek_destination(seek, &place)};
    struct reload_writer body = reload_writer_of(data, sizeof data);
    reload_route_query_req_encode(&body, &node->wire, &asked);
    assert(!body.failed);
    struct reload_request request = {.code = RELOAD_MESSAGE_ROUTE_QUERY_REQ,
                                     .body = reload_writer_written(&body)};
    struct reload_route route = route_to(&errand->whom);
    send(seek, errand, &route, &request, now);
}

/* ---- those who hold it ---------------------------------------------------------------------- */

struct reload_seek_holder *
reload_seek_holder(struct reload_seek *seek, const struct reload_node_id *id)
{
    for (size_t i = 0; i < seek->holder_count; i++)
        if (reload_node_id_equal(&seek->holders[i].id, id))
            return &seek->holders[i];
    return NULL;
}

void
reload_seek_request(struct reload_seek *seek, const struct reload_node_id *id,
                    const struct reload_seek_contact *witness, reload_time now)
{
    struct reload_node *node = seek->job.node;
    struct reload_seek_holder *holder = reload_seek_holder(seek, id);
    if (!holder && seek->holder_count < RELOAD_SEEK_HOLDERS_MAX) {
        holder = &seek->holders[seek->holder_count++];
        *holder = (struct reload_seek_holder){.id = *id};
    }
    if (!holder || holder->answered || holder->times == RELOAD_SEEK_TIMES_MAX)
        return;
    holder->times++;
    struct reload_route route = route_to(witness);
    if (reload_node_id_equal(id, &node->id) || reload_node_link_to(node, id))
        route = reload_route_to_node(id);
    else if (!reload_node_id_equal(id, &witness->id)) {
        bool fits = reload_route_append_node(&route, id);
        assert(fits);
        (void)fits;
    }
    struct reload_request request = {.code = seek->code, .body = {seek->body, seek->body_size}};
    send(seek, &(struct reload_seek_errand){.type = RELOAD_ERRAND_REQUEST, .whom.id = *id}, &route,
         &request, now);
}
