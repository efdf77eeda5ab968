/* mesh.c: a full mesh, for tests.
 *
 *   OFFLINE -> LEARNING (RouteQuery to the bootstrap node, its Update lists the members)
 *           -> LINKING (Attach to each) -> ASKING (Join to the bootstrap node; it sends all that it
 *           stores, then an Update) -> MEMBER (Update to everybody)
 *
 * An Update's body is a list of Node-IDs with a length of two octets. Whoever sends one over its
 * own link is a member.
 *
 * RFC 6940 6.4.1. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/mesh/mesh.h"

#include <assert.h>

#define LOOK_AGAIN (1 * RELOAD_SECOND)
#define DEADLINE (30 * RELOAD_SECOND)
#define TELL_PERIOD (20 * RELOAD_SECOND)
#define BODY_MAX (2 + RELOAD_MESH_MEMBERS_MAX * RELOAD_NODE_ID_SIZE_MAX)

enum phase {
    OFFLINE,
    LEARNING,
    LINKING,
    ASKING,
    MEMBER,
    CONNECTED, /* a client */
};

struct ids {
    struct reload_node_id ids[RELOAD_MESH_MEMBERS_MAX];
    size_t count;
};

struct mesh {
    struct reload_node *node;
    enum phase phase;
    bool founded;
    struct reload_node_id bootstrap;
    struct ids members; /* without ourselves */
    struct ids wanted;  /* members that we were told of */
    struct reload_node_id pushing_to;
    bool pushing;
    reload_time wake, deadline;
};

/* ---- sets of Node-IDs ----------------------------------------------------------------------- */

static bool
contains(const struct ids *set, const struct reload_node_id *id)
{
    for (size_t i = 0; i < set->count; i++)
        if (reload_node_id_equal(&set->ids[i], id))
            return true;
    return false;
}

static void
include(struct ids *set, const struct reload_node_id *id)
{
    if (set->count < RELOAD_MESH_MEMBERS_MAX && !contains(set, id))
        set->ids[set->count++] = *id;
}

static void
exclude(struct ids *set, const struct reload_node_id *id)
{
    for (size_t i = 0; i < set->count; i++)
        if (reload_node_id_equal(&set->ids[i], id)) {
            set->ids[i] = set->ids[--set->count];
            return;
        }
}

/* Whether |a| is nearer to |id| than |b|. */
static bool
is_nearer(const struct reload_node_id *id, const struct reload_node_id *a,
          const struct reload_node_id *b)
{
    for (size_t i = 0; i < sizeof id->octets; i++) {
        uint8_t to_a = id->octets[i] ^ a->octets[i], to_b = id->octets[i] ^ b->octets[i];
        if (to_a != to_b)
            return to_a < to_b;
    }
    return false;
}

/* ---- messages ------------------------------------------------------------------------------- */

static void
request(struct mesh *mesh, const struct reload_node_id *to, uint16_t code,
        const struct reload_writer *body, reload_result_fn *done, reload_time now)
{
    struct reload_route route = reload_route_to_node(to);
    route.first_link = reload_node_link_to(mesh->node, to);
    int error = reload_node_request(mesh->node, &route, code, reload_writer_written(body), done,
                                    mesh, now, NULL);
    if (error && mesh->phase != MEMBER)
        mesh->wake = now + LOOK_AGAIN;
}

static void
send_update(struct mesh *mesh, const struct reload_node_id *to, reload_time now)
{
    uint8_t data[BODY_MAX];
    struct reload_writer body = reload_writer_of(data, sizeof data);
    size_t mark = reload_writer_begin(&body, 2);
    for (size_t i = 0; i < mesh->members.count; i++)
        reload_node_id_encode(&body, reload_node_wire(mesh->node), &mesh->members.ids[i]);
    reload_writer_end(&body, mark, 2);
    assert(!body.failed);
    request(mesh, to, RELOAD_MESSAGE_UPDATE_REQ, &body, NULL, now);
}

static void
tell_everybody(struct mesh *mesh, reload_time now)
{
    struct ids members = mesh->members;
    for (size_t i = 0; i < members.count; i++)
        send_update(mesh, &members.ids[i], now);
}

static void
ask_members(struct mesh *mesh, reload_time now)
{
    uint8_t data[64];
    struct reload_writer body = reload_writer_of(data, sizeof data);
    struct reload_route_query_req query = {.send_update = true};
    query.destination.type = RELOAD_DESTINATION_TYPE_NODE;
    query.destination.destination_data.node_id = *reload_node_id(mesh->node);
    reload_route_query_req_encode(&body, reload_node_wire(mesh->node), &query);
    request(mesh, &mesh->bootstrap, RELOAD_MESSAGE_ROUTE_QUERY_REQ, &body, NULL, now);
}

static void
joined(void *argument, const struct reload_result *result, reload_time now)
{
    struct mesh *mesh = argument;
    if (mesh->phase != ASKING || result->error == 0)
        return;
    mesh->phase = LINKING;
    mesh->wake = now + LOOK_AGAIN;
}

static void
ask_join(struct mesh *mesh, reload_time now)
{
    uint8_t data[64];
    struct reload_writer body = reload_writer_of(data, sizeof data);
    struct reload_join_req join = {.joining_peer_id = *reload_node_id(mesh->node)};
    reload_join_req_encode(&body, reload_node_wire(mesh->node), &join);
    mesh->phase = ASKING;
    request(mesh, &mesh->bootstrap, RELOAD_MESSAGE_JOIN_REQ, &body, joined, now);
}

/* ---- joining -------------------------------------------------------------------------------- */

static void
attached(void *argument, int error, uint32_t link, const struct reload_node_id *node_id,
         reload_time now)
{
    struct mesh *mesh = argument;
    (void)error, (void)link, (void)node_id;
    if (mesh->phase == LINKING)
        mesh->wake = now;
}

static void
attach_to(struct mesh *mesh, const struct reload_node_id *id, reload_time now)
{
    struct reload_route route = reload_route_to_node(&mesh->bootstrap);
    route.first_link = reload_node_link_to(mesh->node, &mesh->bootstrap);
    if (!route.first_link || reload_node_id_equal(id, &mesh->bootstrap))
        route = reload_route_to_node(id);
    else if (!reload_route_append_node(&route, id))
        return;
    int error = reload_node_attach(mesh->node, &route, true, attached, mesh, now);
    if (error)
        mesh->wake = now + LOOK_AGAIN;
}

/* Attaches to whom we know of and are not linked with. Returns how many those are. */
static size_t
link_wanted(struct mesh *mesh, reload_time now)
{
    struct ids wanted = mesh->wanted;
    size_t missing = 0;
    for (size_t i = 0; i < wanted.count; i++)
        if (!contains(&mesh->members, &wanted.ids[i])) {
            missing++;
            if (!reload_node_link_to(mesh->node, &wanted.ids[i]))
                attach_to(mesh, &wanted.ids[i], now);
        }
    return missing;
}

static void
begin(void *state, uint32_t link, reload_time now)
{
    struct mesh *mesh = state;
    struct reload_link_info info;
    size_t cursor = 0;
    while (reload_node_link_next(mesh->node, &cursor, &info))
        if (info.link == link)
            mesh->bootstrap = info.node_id;
    mesh->founded = false;
    mesh->deadline = now + DEADLINE;
    mesh->wanted.count = 0;
    include(&mesh->wanted, &mesh->bootstrap);
    if (reload_node_is_client(mesh->node)) {
        mesh->phase = CONNECTED;
        reload_topology_joined(mesh->node, now);
        return;
    }
    mesh->phase = LEARNING;
    mesh->wake = now;
}

static void
found(void *state, reload_time now)
{
    struct mesh *mesh = state;
    mesh->phase = MEMBER;
    mesh->founded = true;
    mesh->wake = now + TELL_PERIOD;
    reload_topology_joined(mesh->node, now);
}

static void
become_member(struct mesh *mesh, reload_time now)
{
    mesh->phase = MEMBER;
    mesh->wake = now + TELL_PERIOD;
    tell_everybody(mesh, now);
    reload_topology_changed(mesh->node, now);
    reload_topology_joined(mesh->node, now);
}

static void
wake(void *state, reload_time now)
{
    struct mesh *mesh = state;
    mesh->wake = RELOAD_NEVER;
    switch (mesh->phase) {
    case LEARNING:
        ask_members(mesh, now);
        mesh->wake = now + LOOK_AGAIN;
        break;
    case LINKING:
        if (link_wanted(mesh, now) == 0)
            ask_join(mesh, now);
        mesh->wake = now + LOOK_AGAIN;
        break;
    case ASKING:
        mesh->wake = now + LOOK_AGAIN;
        break;
    case MEMBER:
        (void)link_wanted(mesh, now);
        tell_everybody(mesh, now);
        mesh->wake = now + TELL_PERIOD;
        return;
    default:
        return;
    }
    if (now > mesh->deadline) {
        mesh->phase = OFFLINE;
        mesh->wake = RELOAD_NEVER;
        reload_topology_failed(mesh->node, RELOAD_E_TIMEOUT, now);
    }
}

/* ---- requests ------------------------------------------------------------------------------- */

static void
pushed(void *argument, int error, reload_time now)
{
    struct mesh *mesh = argument;
    (void)error; /* who is gone needs no Update, who refuses something gets it nevertheless */
    mesh->pushing = false;
    if (mesh->phase == MEMBER && reload_node_link_to(mesh->node, &mesh->pushing_to))
        send_update(mesh, &mesh->pushing_to, now);
}

static int
receive_join(struct mesh *mesh, const struct reload_incoming *incoming,
             struct reload_writer *answer, reload_time now)
{
    struct reload_reader reader = reload_reader_of(incoming->message->contents.message_body);
    struct reload_join_req join;
    if (reload_join_req_decode(&reader, reload_node_wire(mesh->node), &join) != 0)
        return RELOAD_E_MALFORMED;
    if (!incoming->from_signer ||
        !reload_node_id_equal(&join.joining_peer_id, &incoming->signer_id))
        return RELOAD_E_FORBIDDEN;
    if (mesh->phase != MEMBER || mesh->pushing)
        return RELOAD_E_BUSY;
    struct reload_join_ans nothing = {0};
    reload_join_ans_encode(answer, reload_node_wire(mesh->node), &nothing);
    struct reload_node_id zero = {{0}};
    mesh->pushing = true;
    mesh->pushing_to = incoming->signer_id;
    int error =
        reload_topology_push(mesh->node, &incoming->signer_id, &zero, &zero, 1, pushed, mesh, now);
    if (error)
        mesh->pushing = false;
    return error;
}

static int
receive_update(struct mesh *mesh, const struct reload_incoming *incoming, reload_time now)
{
    struct reload_reader reader = reload_reader_of(incoming->message->contents.message_body);
    struct reload_bytes list;
    if (reload_reader_vector(&reader, 2, &list) != 0 || reload_reader_left(&reader) > 0)
        return RELOAD_E_MALFORMED;
    if (!incoming->from_signer)
        return 0;
    bool known = contains(&mesh->members, &incoming->signer_id);
    include(&mesh->members, &incoming->signer_id);
    struct reload_node_id id;
    reader = reload_reader_of(list);
    while (reload_node_id_next(&reader, reload_node_wire(mesh->node), &id))
        if (!reload_node_id_equal(&id, reload_node_id(mesh->node)))
            include(&mesh->wanted, &id);
    if (mesh->phase == LEARNING) {
        mesh->phase = LINKING;
        mesh->wake = now;
    } else if (mesh->phase == LINKING) {
        mesh->wake = now;
    } else if (mesh->phase == ASKING &&
               reload_node_id_equal(&incoming->signer_id, &mesh->bootstrap)) {
        become_member(mesh, now);
    } else if (mesh->phase == MEMBER && !known) {
        reload_topology_changed(mesh->node, now);
        send_update(mesh, &incoming->signer_id, now);
    }
    return 0;
}

static int
receive(void *state, const struct reload_incoming *incoming, struct reload_writer *answer,
        reload_time now)
{
    struct mesh *mesh = state;
    switch (incoming->message->contents.message_code) {
    case RELOAD_MESSAGE_JOIN_REQ:
        return receive_join(mesh, incoming, answer, now);
    case RELOAD_MESSAGE_UPDATE_REQ:
        return receive_update(mesh, incoming, now);
    case RELOAD_MESSAGE_LEAVE_REQ:
        if (!incoming->from_signer)
            return RELOAD_E_FORBIDDEN;
        exclude(&mesh->members, &incoming->signer_id);
        exclude(&mesh->wanted, &incoming->signer_id);
        reload_topology_changed(mesh->node, now);
        return 0;
    case RELOAD_MESSAGE_ROUTE_QUERY_REQ:
        reload_node_id_encode(answer, reload_node_wire(mesh->node), reload_node_id(mesh->node));
        if (mesh->phase == MEMBER)
            send_update(mesh, &incoming->signer_id, now);
        return 0;
    default:
        return RELOAD_E_MALFORMED;
    }
}

static void
leave(void *state, reload_time now)
{
    struct mesh *mesh = state;
    struct ids members = mesh->members;
    mesh->phase = OFFLINE;
    mesh->wake = RELOAD_NEVER;
    for (size_t i = 0; i < members.count; i++) {
        uint8_t data[64];
        struct reload_writer body = reload_writer_of(data, sizeof data);
        struct reload_leave_req request_body = {.leaving_peer_id = *reload_node_id(mesh->node)};
        reload_leave_req_encode(&body, reload_node_wire(mesh->node), &request_body);
        request(mesh, &members.ids[i], RELOAD_MESSAGE_LEAVE_REQ, &body, NULL, now);
    }
}

/* ---- what the core asks --------------------------------------------------------------------- */

static const struct reload_node_id *
nearest(const struct mesh *mesh, const struct reload_node_id *id)
{
    const struct reload_node_id *best = reload_node_id(mesh->node);
    for (size_t i = 0; i < mesh->members.count; i++)
        if (mesh->phase != MEMBER || is_nearer(id, &mesh->members.ids[i], best))
            best = &mesh->members.ids[i];
    return best;
}

static bool
is_responsible(void *state, const struct reload_node_id *id)
{
    const struct mesh *mesh = state;
    return mesh->phase == MEMBER &&
           reload_node_id_equal(nearest(mesh, id), reload_node_id(mesh->node));
}

static enum reload_hop
next_hop(void *state, const struct reload_node_id *id, uint32_t from, struct reload_node_id *next)
{
    const struct mesh *mesh = state;
    if (is_responsible(state, id))
        return RELOAD_HOP_SELF;
    if (from && mesh->phase != MEMBER)
        return RELOAD_HOP_NONE;
    *next = *nearest(mesh, id);
    if (mesh->phase != MEMBER)
        *next = mesh->bootstrap;
    uint32_t link = reload_node_link_to(mesh->node, next);
    return link == 0 || link == from ? RELOAD_HOP_NONE : RELOAD_HOP_LINK;
}

static bool
is_plausible(void *state, const struct reload_node_id *id, const struct reload_node_id *responder)
{
    const struct mesh *mesh = state;
    return mesh->phase != MEMBER || !is_nearer(id, nearest(mesh, id), responder);
}

static size_t
replicas(void *state, const struct reload_node_id *id, struct reload_node_id *node_ids)
{
    const struct mesh *mesh = state;
    size_t count = 0;
    (void)id;
    for (; count < mesh->members.count && count < RELOAD_REPLICAS_MAX; count++)
        node_ids[count] = mesh->members.ids[count];
    return mesh->phase == MEMBER ? count : 0;
}

static bool
accepts_replica(void *state, const struct reload_node_id *id, const struct reload_node_id *sender)
{
    const struct mesh *mesh = state;
    (void)id;
    return contains(&mesh->members, sender);
}

static bool
keeps(void *state, const struct reload_node_id *id)
{
    (void)state, (void)id;
    return true;
}

static int
resource_id(void *state, struct reload_bytes name, uint8_t *resource, size_t *size)
{
    struct reload_keyring *keyring = reload_node_keyring(((struct mesh *)state)->node);
    uint8_t digest[RELOAD_DIGEST_MAX];
    int error = keyring->ops->digest(keyring, RELOAD_HASH_ALGORITHM_SHA1, &name, 1, digest, size);
    if (error)
        return error;
    *size = RELOAD_NODE_ID_SIZE_MIN;
    memcpy(resource, digest, *size);
    return 0;
}

static uint32_t
responsible_ppb(void *state)
{
    const struct mesh *mesh = state;
    return 1000000000u / (uint32_t)(mesh->members.count + 1);
}

static void
link_up(void *state, uint32_t link, const struct reload_node_id *node_id, bool wants_update,
        reload_time now)
{
    struct mesh *mesh = state;
    (void)link;
    if (mesh->phase == MEMBER && wants_update)
        send_update(mesh, node_id, now);
}

static void
link_down(void *state, uint32_t link, const struct reload_node_id *node_id, int error,
          reload_time now)
{
    struct mesh *mesh = state;
    (void)link, (void)error;
    exclude(&mesh->members, node_id);
    exclude(&mesh->wanted, node_id);
    bool alone = mesh->members.count == 0 && !mesh->founded;
    bool lost = reload_node_id_equal(node_id, &mesh->bootstrap);
    if ((mesh->phase == MEMBER && alone) || (mesh->phase == CONNECTED && lost)) {
        mesh->phase = OFFLINE;
        reload_topology_rejoin(mesh->node, now);
    } else if (mesh->phase == MEMBER) {
        reload_topology_changed(mesh->node, now);
    } else if (mesh->phase != OFFLINE && lost) {
        mesh->phase = OFFLINE;
        mesh->wake = RELOAD_NEVER;
        reload_topology_failed(mesh->node, RELOAD_E_CLOSED, now);
    }
}

static int
init(void *state, struct reload_node *node, reload_time now)
{
    struct mesh *mesh = state;
    (void)now;
    mesh->node = node;
    mesh->wake = RELOAD_NEVER;
    return 0;
}

static void
fini(void *state)
{
    (void)state;
}

static reload_time
next_timeout(void *state)
{
    return ((const struct mesh *)state)->wake;
}

const struct reload_topology_ops reload_mesh = {
    .name = RELOAD_MESH_NAME,
    .size = sizeof(struct mesh),
    .init = init,
    .fini = fini,
    .join = begin,
    .found = found,
    .leave = leave,
    .next_hop = next_hop,
    .is_responsible = is_responsible,
    .is_plausible = is_plausible,
    .replicas = replicas,
    .accepts_replica = accepts_replica,
    .keeps = keeps,
    .resource_id = resource_id,
    .responsible_ppb = responsible_ppb,
    .link_up = link_up,
    .link_down = link_down,
    .recv = receive,
    .next_timeout = next_timeout,
    .timeout = wake,
};
