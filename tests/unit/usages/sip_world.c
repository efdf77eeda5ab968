/* sip_world.c: see sip_world.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "sip_world.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum event_type { EVENT_LOOKUP, EVENT_CONNECT, EVENT_STORE, EVENT_MESSAGE };

/* Something the overlay does later. */
struct event {
    struct event *next;
    struct world *world;
    struct reload_timer *timer;
    enum event_type type;
    uint64_t number;
    struct node *node; /* who asked, or gets the message */
    struct node *peer;
    struct reload_aor aor;
    int error;
    uint16_t application;
    uint32_t link;
    reload_sip_lookup_fn *lookup_done;
    reload_sip_connect_fn *connect_done;
    reload_sip_register_fn *store_done;
    void *argument;
    uint8_t *bytes;
    size_t size;
};

static void *
allocate(void *context, void *data, size_t size)
{
    (void)context;
    if (size == 0) {
        free(data);
        return NULL;
    }
    return realloc(data, size);
}

static void
make_random(void *context, void *data, size_t size)
{
    struct world *world = context;
    uint8_t *octets = data;
    for (size_t i = 0; i < size; i++) {
        world->random = world->random * 6364136223846793005u + 1442695040888963407u;
        octets[i] = (uint8_t)(world->random >> 56);
    }
}

static uint64_t
wall_ms(void *context)
{
    (void)context;
    return 1700000000000u;
}

static void
event_free(struct event *event)
{
    struct event **at = &event->world->events;
    while (*at != event)
        at = &(*at)->next;
    *at = event->next;
    reload_timer_free(event->timer);
    free(event->bytes);
    free(event);
}

static struct node *
node_of_id(struct world *world, const struct reload_node_id *node_id)
{
    for (size_t i = 0; i < world->node_count; i++)
        if (reload_node_id_equal(&world->nodes[i].node_id, node_id))
            return &world->nodes[i];
    return NULL;
}

static bool
peer_of(struct node *node, uint32_t link, struct reload_sip_peer *peer)
{
    struct world *world = node->world;
    if (link == 0 || link > world->link_count || !world->links[link - 1].up)
        return false;
    struct link *it = &world->links[link - 1];
    size_t other = it->ends[0] == node ? 1 : 0;
    *peer = (struct reload_sip_peer){.link = link,
                                     .application = RELOAD_APPLICATION_SIP,
                                     .is_stream = world->is_stream,
                                     .heard_at = it->heard_at[1 - other],
                                     .node_id = it->ends[other]->node_id};
    snprintf(peer->user, sizeof peer->user, "%s",
             it->user[other] ? it->user[other] : it->ends[other]->aor.text);
    return true;
}

/* Follows registrations like the real thing, by the real thing. */
static void
lookup_now(struct event *event, reload_time now)
{
    struct world *world = event->world;
    struct reload_sip_resolution resolution;
    size_t place;
    reload_sip_resolution_init(&resolution, &event->aor);
    while (reload_sip_resolution_next(&resolution, &place)) {
        for (size_t i = 0; i < world->node_count; i++) {
            struct node *node = &world->nodes[i];
            uint8_t value[RELOAD_SIP_REGISTRATION_MAX];
            struct reload_writer writer = reload_writer_of(value, sizeof value);
            struct reload_aor forward;
            if (node->lifetime_s == 0 || !reload_aor_equal(&node->aor, &resolution.asked[place]))
                continue;
            struct reload_sip_destination self =
                reload_sip_destination_of_node(&world->wire, &node->node_id);
            if (node->forward_to &&
                reload_aor_parse(reload_bytes_of_string(node->forward_to), &forward) == 0)
                reload_sip_registration_write_uri(&writer, &world->wire, &forward);
            else
                reload_sip_registration_write_route(&writer, &world->wire, &self, "");
            reload_sip_resolution_add(&resolution, place, &world->wire, &world->config,
                                      reload_node_id_bytes(&node->node_id, 16),
                                      reload_writer_written(&writer), node->aor.text);
        }
    }
    int error = event->error ? event->error : resolution.target_count > 0 ? 0 : RELOAD_E_NOT_FOUND;
    event->lookup_done(event->argument, error, resolution.targets,
                       error ? 0 : resolution.target_count, now);
}

static void
connect_now(struct event *event, reload_time now)
{
    struct world *world = event->world;
    struct reload_sip_peer peer;
    if (event->error) {
        event->connect_done(event->argument, event->error, NULL, now);
        return;
    }
    ck_assert_uint_lt(world->link_count, LINKS_MAX);
    world->links[world->link_count++] =
        (struct link){.up = true, .ends = {event->node, event->peer}, .heard_at = {now, now}};
    ck_assert(peer_of(event->node, (uint32_t)world->link_count, &peer));
    event->connect_done(event->argument, 0, &peer, now);
}

static void
message_now(struct event *event, reload_time now)
{
    struct reload_sip_peer peer;
    if (event->link == 0 || event->world->links[event->link - 1].dead || event->node->deaf)
        return;
    struct link *link = &event->world->links[event->link - 1];
    link->heard_at[link->ends[0] == event->node ? 0 : 1] = now;
    if (peer_of(event->node, event->link, &peer) && event->node->handler.receive)
        event->node->handler.receive(event->node->handler.argument, &peer,
                                     (struct reload_bytes){event->bytes, event->size}, now);
}

static void
fire(void *argument)
{
    struct event *event = argument;
    reload_time now = reload_loop_now(event->world->loop);
    if (event->type == EVENT_LOOKUP)
        lookup_now(event, now);
    else if (event->type == EVENT_CONNECT)
        connect_now(event, now);
    else if (event->type == EVENT_STORE)
        event->store_done(event->argument, event->error, now);
    else
        message_now(event, now);
    event_free(event);
}

static struct event *
event_new(struct node *node, enum event_type type, reload_time at)
{
    struct world *world = node->world;
    struct event *event = calloc(1, sizeof *event);
    ck_assert_ptr_nonnull(event);
    event->world = world;
    event->node = node;
    event->type = type;
    event->number = ++world->last_number;
    ck_assert_int_eq(reload_loop_timer(world->loop, fire, event, &event->timer), 0);
    reload_timer_set(event->timer, at);
    event->next = world->events;
    world->events = event;
    return event;
}

static void
cancel(void *overlay, uint64_t number)
{
    struct node *node = overlay;
    struct event *event = node->world->events;
    while (event && (number == 0 || event->number != number))
        event = event->next;
    if (event)
        event_free(event);
}

static void
set_handler(void *overlay, const struct reload_sip_handler *handler)
{
    struct node *node = overlay;
    node->handler = handler ? *handler : (struct reload_sip_handler){.argument = NULL};
}

static const struct reload_aor *
aor(void *overlay)
{
    return &((struct node *)overlay)->aor;
}

static const struct reload_config *
config(void *overlay)
{
    return &((struct node *)overlay)->world->config;
}

static const struct reload_wire *
wire(void *overlay)
{
    return &((struct node *)overlay)->world->wire;
}

static const struct reload_node_id *
node_id(void *overlay)
{
    return &((struct node *)overlay)->node_id;
}

static int
store(struct node *node, uint32_t lifetime_s, reload_sip_register_fn *done, void *argument,
      reload_time now)
{
    struct event *event = event_new(node, EVENT_STORE, now + LOOKUP_TIME);
    event->store_done = done;
    event->argument = argument;
    event->error = node->store_error;
    node->stores++;
    if (node->store_error == 0)
        node->lifetime_s = lifetime_s;
    return 0;
}

static int
register_aor(void *overlay, uint32_t lifetime_s, reload_sip_register_fn *done, void *argument,
             reload_time now)
{
    return store(overlay, lifetime_s, done, argument, now);
}

static int
unregister(void *overlay, reload_sip_register_fn *done, void *argument, reload_time now)
{
    return store(overlay, 0, done, argument, now);
}

static int
lookup(void *overlay, struct reload_bytes uri, reload_time deadline, reload_sip_lookup_fn *done,
       void *argument, reload_time now, uint64_t *number)
{
    struct node *node = overlay;
    struct reload_aor asked;
    int error = reload_aor_parse(uri, &asked);
    if (error == 0)
        error = reload_aor_permitted(&node->world->config, &asked);
    if (error)
        return error;
    struct event *event =
        event_new(node, EVENT_LOOKUP, node->silent_lookup ? deadline : now + LOOKUP_TIME);
    event->aor = asked;
    event->error = node->silent_lookup ? RELOAD_E_TIMEOUT : 0;
    event->lookup_done = done;
    event->argument = argument;
    *number = event->number;
    return 0;
}

static uint32_t
find_link(struct node *node, struct node *peer)
{
    struct world *world = node->world;
    for (size_t i = 0; i < world->link_count; i++) {
        struct link *it = &world->links[i];
        if (it->up && ((it->ends[0] == node && it->ends[1] == peer) ||
                       (it->ends[1] == node && it->ends[0] == peer)))
            return (uint32_t)(i + 1);
    }
    return 0;
}

static int
connect_node(void *overlay, const struct reload_sip_destination *destination, uint16_t application,
             reload_time deadline, reload_sip_connect_fn *done, void *argument, reload_time now,
             uint32_t *link, uint64_t *attempt)
{
    struct node *node = overlay, *peer = node_of_id(node->world, &destination->node_id);
    *attempt = 0;
    node->application = application;
    *link = peer ? find_link(node, peer) : 0;
    if (*link)
        return 0;
    bool silent = !peer || peer->unreachable;
    struct event *event = event_new(node, EVENT_CONNECT, silent ? deadline : now + CONNECT_TIME);
    event->error = silent ? RELOAD_E_TIMEOUT : 0;
    event->peer = peer;
    event->application = application;
    event->connect_done = done;
    event->argument = argument;
    *attempt = event->number;
    return 0;
}

static bool
peer(void *overlay, uint32_t link, struct reload_sip_peer *who)
{
    return peer_of(overlay, link, who);
}

static void
post(struct node *from, uint32_t link, const void *bytes, size_t size, reload_time now)
{
    struct link *it = &from->world->links[link - 1];
    struct event *event =
        event_new(it->ends[0] == from ? it->ends[1] : it->ends[0], EVENT_MESSAGE, now + LINK_TIME);
    event->link = link;
    event->bytes = malloc(size);
    event->size = size;
    ck_assert_ptr_nonnull(event->bytes);
    memcpy(event->bytes, bytes, size);
}

static int
send_message(void *overlay, uint32_t link, struct reload_bytes message, reload_time now)
{
    struct node *node = overlay;
    struct reload_sip_peer who;
    if (!peer_of(node, link, &who))
        return RELOAD_E_CLOSED;
    if (!who.is_stream && message.size > RELOAD_SIP_RECORD_MAX)
        return RELOAD_E_TOO_LARGE;
    node->sent++;
    if (node->lose)
        node->lose--;
    else
        post(node, link, message.data, message.size, now);
    return 0;
}

static void
drop(void *overlay, uint32_t link, reload_time now)
{
    (void)now;
    ((struct node *)overlay)->world->links[link - 1].up = false;
}

const struct reload_sip_overlay_ops world_overlay_ops = {
    .set_handler = set_handler,
    .aor = aor,
    .config = config,
    .wire = wire,
    .node_id = node_id,
    .register_aor = register_aor,
    .unregister = unregister,
    .lookup = lookup,
    .lookup_cancel = cancel,
    .connect = connect_node,
    .connect_cancel = cancel,
    .peer = peer,
    .send = send_message,
    .drop = drop,
};

static void
media_set_handler(void *overlay, const struct reload_media_handler *handler)
{
    struct node *node = overlay;
    node->media = handler ? *handler : (struct reload_media_handler){.receive = NULL};
}

static int
media_open(void *overlay, const struct reload_sip_destination *destination, bool waits,
           reload_time now)
{
    (void)destination, (void)waits, (void)now;
    ((struct node *)overlay)->media_opened++;
    return 0;
}

static void
media_close(void *overlay, const struct reload_node_id *peer, reload_time now)
{
    struct node *node = overlay;
    (void)peer, (void)now;
    ck_assert_uint_gt(node->media_opened, 0);
    node->media_opened--;
}

static int
media_send(void *overlay, const struct reload_node_id *peer, uint32_t stream,
           enum reload_media_type type, struct reload_bytes packet, reload_time now)
{
    struct node *node = overlay, *other = node_of_id(node->world, peer);
    ck_assert_uint_gt(node->media_opened, 0);
    if (!other || !other->media.receive)
        return RELOAD_E_CLOSED;
    other->media.receive(other->media.argument, &node->node_id, stream, type, packet, now);
    return 0;
}

static const struct reload_media_counters *
media_counters(void *overlay)
{
    static const struct reload_media_counters none;
    (void)overlay;
    return &none;
}

const struct reload_media_ops world_media_ops = {.set_handler = media_set_handler,
                                                 .open = media_open,
                                                 .close = media_close,
                                                 .send = media_send,
                                                 .counters = media_counters};

void
world_begin(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->loop = virtual_loop_new();
    world->env = (struct reload_env){
        .context = world, .wall_ms = wall_ms, .random = make_random, .allocate = allocate};
    world->wire.node_id_length = 16;
    world->random = 7904;
    strcpy(world->config.instance_name, "dht.example.com");
    world->config.domain_restrictions_present = true;
}

void
world_end(struct world *world)
{
    for (size_t i = 0; i < world->node_count; i++)
        reload_sip_adaptor_free(world->nodes[i].adaptor);
    while (world->events)
        event_free(world->events);
    for (size_t i = 0; i < world->phone_count; i++)
        close(world->phones[i].descriptor);
    virtual_loop_free(world->loop);
}

struct node *
world_node(struct world *world, const char *user, const char *password)
{
    struct node *node = &world->nodes[world->node_count];
    char reason[200];
    node->world = world;
    node->node_id.octets[0] = (uint8_t)(0xa0 + world->node_count++);
    ck_assert_int_eq(reload_aor_parse(reload_bytes_of_string(user), &node->aor), 0);
    struct reload_sip_adaptor_options options = {
        .loop = world->loop,
        .env = &world->env,
        .overlay_ops = &world_overlay_ops,
        .overlay = node,
        .address = {.family = 4, .octets = {127, 0, 0, 1}},
        .registrar = true,
        .proxy = true,
        .password = password,
        .media_ops = world->relays ? &world_media_ops : NULL,
        .media = node,
    };
    int error = reload_sip_adaptor_new(&options, reason, sizeof reason, &node->adaptor);
    ck_assert_msg(error == 0, "%s", reason);
    node->port = reload_sip_adaptor_address(node->adaptor)->port;
    return node;
}

void
world_run(struct world *world, reload_time span)
{
    (void)virtual_loop_run(world->loop, span, NULL, NULL);
}

uint32_t
world_link(struct world *world, struct node *from, struct node *to, const char *user)
{
    ck_assert_uint_lt(world->link_count, LINKS_MAX);
    world->links[world->link_count++] =
        (struct link){.up = true, .ends = {from, to}, .user = {user, NULL}};
    return (uint32_t)world->link_count;
}

void
world_lose_link(struct world *world, uint32_t link)
{
    struct link *it = &world->links[link - 1];
    ck_assert(it->up);
    it->up = false;
    for (size_t i = 0; i < 2; i++)
        it->ends[i]->handler.lost(it->ends[i]->handler.argument, link, RELOAD_E_TIMEOUT,
                                  reload_loop_now(world->loop));
}

void
world_inject(struct world *world, uint32_t link, struct node *from, const char *text)
{
    post(from, link, text, strlen(text), reload_loop_now(world->loop));
    world_run(world, 2 * LINK_TIME);
}
