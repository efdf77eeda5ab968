/* media.c: links for media, one for each node that calls are held with.
 *
 * RFC 6940 6.5.2; D72. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/media.h"

#include "reload/base/alarm.h"
#include "usages/media_record.h"

#include <assert.h>

#define FAILURES_MAX 3 /* that make the pause longer */

enum { KEEPING_ANSWERS, KEEPING_ASKS };

/* One link. |buffer| is TLS's, allocated with the first octet. */
struct media_link {
    uint32_t number; /* 0: not up */
    bool is_stream;
    reload_time heard_at;
    struct media_buffer buffer;
};

/* One node. An AppAttach cannot be recalled: a peer that is |attaching| stays. */
struct media_peer {
    struct media_peer *next;
    struct reload_media *media;
    struct reload_node_id node_id;
    struct reload_sip_destination destination; /* |size| 0: not known, its Node-ID has to do */
    struct media_link links[RELOAD_MEDIA_LINKS_PER_PEER_MAX];
    unsigned uses, failures;
    bool attaching;
    reload_time retry_at, used_at;
    struct reload_alarm look;
};

struct reload_media {
    struct reload_node *node;
    const struct reload_env *env;
    struct reload_media_handler handler;
    struct reload_alarms alarms;
    struct media_peer *peers;
    size_t peer_count;
    struct reload_media_counters counters;
};

static struct media_peer *
find_peer(const struct reload_media *media, const struct reload_node_id *node_id)
{
    struct media_peer *peer = media->peers;
    while (peer && !reload_node_id_equal(&peer->node_id, node_id))
        peer = peer->next;
    return peer;
}

/* Finds a link by number; number 0 is a place without link at |*peer|. */
static struct media_link *
link_of_peer(struct media_peer *peer, uint32_t number)
{
    for (size_t i = 0; i < RELOAD_MEDIA_LINKS_PER_PEER_MAX; i++)
        if (peer->links[i].number == number)
            return &peer->links[i];
    return NULL;
}

static struct media_link *
find_link(struct reload_media *media, uint32_t number, struct media_peer **owner)
{
    struct media_link *link = NULL;
    for (struct media_peer *peer = media->peers; peer && number && !link; peer = peer->next) {
        link = link_of_peer(peer, number);
        *owner = peer;
    }
    return link;
}

static const struct media_link *
best_link(const struct media_peer *peer)
{
    for (size_t i = 0; i < RELOAD_MEDIA_LINKS_PER_PEER_MAX; i++)
        if (peer->links[i].number)
            return &peer->links[i];
    return NULL;
}

static void
forget_link(struct reload_media *media, struct media_link *link)
{
    if (link->buffer.data)
        (void)media->env->allocate(media->env->context, link->buffer.data, 0);
    *link = (struct media_link){.number = 0};
}

static void
peer_free(struct media_peer *peer)
{
    struct reload_media *media = peer->media;
    struct media_peer **at = &media->peers;
    while (*at != peer)
        at = &(*at)->next;
    *at = peer->next;
    media->peer_count--;
    for (size_t i = 0; i < RELOAD_MEDIA_LINKS_PER_PEER_MAX; i++)
        forget_link(media, &peer->links[i]);
    reload_alarm_clear(&media->alarms, &peer->look);
    (void)media->env->allocate(media->env->context, peer, 0);
}

static struct media_peer *
owner_of_look(struct reload_alarm *alarm)
{
    return (struct media_peer *)((char *)alarm - offsetof(struct media_peer, look));
}

static void attach(struct media_peer *peer, reload_time now);
static int write_record(struct reload_media *media, const struct media_link *link,
                        const struct media_record *record, reload_time now);
static void look(struct reload_alarm *alarm, void *owner, uint64_t now);

/* Ends |link| on our side, too. */
static void
close_link(struct reload_media *media, struct media_link *link, reload_time now)
{
    uint32_t number = link->number;
    forget_link(media, link);
    reload_node_close(media->node, number, now);
}

/* Asks whether the links still carry, and gives up those that do not. */
static void
keep_links(struct media_peer *peer, reload_time now)
{
    struct reload_media *media = peer->media;
    for (size_t i = 0; i < RELOAD_MEDIA_LINKS_PER_PEER_MAX; i++) {
        struct media_link *link = &peer->links[i];
        if (link->number && now - link->heard_at > RELOAD_MEDIA_SILENCE)
            close_link(media, link, now);
        else if (link->number)
            (void)write_record(media, link, &(struct media_record){.stream = KEEPING_ASKS}, now);
    }
    if (!best_link(peer))
        attach(peer, now);
}

/* The alarm is set from the peer's begin to its end, so that setting it anew cannot fail. */
static void
look(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct reload_media *media = owner;
    struct media_peer *peer = owner_of_look(alarm);
    int error = reload_alarm_set(&media->alarms, alarm, now + RELOAD_MEDIA_KEEP_ALIVE, look);
    assert(error == 0);
    (void)error;
    if (peer->uses) {
        peer->used_at = now;
        keep_links(peer, now);
    } else if (!peer->attaching && now - peer->used_at >= RELOAD_MEDIA_IDLE) {
        for (size_t i = 0; i < RELOAD_MEDIA_LINKS_PER_PEER_MAX; i++)
            if (peer->links[i].number)
                close_link(media, &peer->links[i], now);
        peer_free(peer);
    }
}

static struct media_peer *
peer_new(struct reload_media *media, const struct reload_node_id *node_id, reload_time now)
{
    if (media->peer_count == RELOAD_MEDIA_PEERS_MAX)
        return NULL;
    struct media_peer *peer = media->env->allocate(media->env->context, NULL, sizeof *peer);
    if (!peer)
        return NULL;
    *peer = (struct media_peer){.media = media, .node_id = *node_id, .used_at = now};
    if (reload_alarm_set(&media->alarms, &peer->look, now + RELOAD_MEDIA_KEEP_ALIVE, look) != 0) {
        (void)media->env->allocate(media->env->context, peer, 0);
        return NULL;
    }
    peer->next = media->peers;
    media->peers = peer;
    media->peer_count++;
    return peer;
}

/* ---- making links --------------------------------------------------------------------------- */

/* A node that cannot be reached, or does not relay, is asked less and less often. */
static void
failed(struct media_peer *peer, reload_time now)
{
    peer->media->counters.links_failed++;
    peer->retry_at = now + (RELOAD_MEDIA_RETRY << peer->failures);
    if (peer->failures < FAILURES_MAX)
        peer->failures++;
}

/* link_up came first when it went well. A link to somebody else than the callee is not to be used
 * (RFC 7904 5.1). */
static void
attached(void *argument, int error, uint32_t number, const struct reload_node_id *node_id,
         reload_time now)
{
    struct media_peer *peer = argument, *owner;
    struct reload_media *media = peer->media;
    peer->attaching = false;
    if (error) {
        failed(peer, now);
    } else if (!reload_node_id_equal(node_id, &peer->node_id)) {
        struct media_link *link = find_link(media, number, &owner);
        if (link)
            close_link(media, link, now);
    }
}

/* Asks for a link, but not again and again when there is none to be had. */
static void
attach(struct media_peer *peer, reload_time now)
{
    struct reload_media *media = peer->media;
    if (peer->attaching || now < peer->retry_at)
        return;
    struct reload_route route =
        peer->destination.size
            ? reload_sip_destination_route(reload_node_wire(media->node), &peer->destination)
            : reload_route_to_node(&peer->node_id);
    peer->attaching = true;
    if (reload_node_app_attach(media->node, &route, RELOAD_APPLICATION_MEDIA, attached, peer,
                               now) != 0) {
        peer->attaching = false;
        failed(peer, now);
    }
}

static int
media_open(void *overlay, const struct reload_sip_destination *destination, bool waits,
           reload_time now)
{
    struct reload_media *media = overlay;
    struct media_peer *peer = find_peer(media, &destination->node_id);
    if (!peer)
        peer = peer_new(media, &destination->node_id, now);
    if (!peer)
        return RELOAD_E_BUSY;
    peer->destination = *destination;
    if (peer->uses++ == 0 && waits && peer->retry_at < now + RELOAD_MEDIA_RETRY)
        peer->retry_at = now + RELOAD_MEDIA_RETRY;
    if (!best_link(peer) && !waits)
        attach(peer, now);
    return 0;
}

static void
media_close(void *overlay, const struct reload_node_id *node_id, reload_time now)
{
    struct media_peer *peer = find_peer(overlay, node_id);
    assert(peer && peer->uses > 0);
    peer->uses--;
    peer->used_at = now;
}

static int
write_record(struct reload_media *media, const struct media_link *link,
             const struct media_record *record, reload_time now)
{
    uint8_t octets[MEDIA_LENGTH_SIZE + MEDIA_RECORD_MAX];
    size_t size = media_record_write(record, link->is_stream, octets);
    return reload_node_app_send(media->node, link->number, (struct reload_bytes){octets, size},
                                now);
}

static int
media_send(void *overlay, const struct reload_node_id *node_id, uint32_t stream,
           enum reload_media_type type, struct reload_bytes packet, reload_time now)
{
    struct reload_media *media = overlay;
    struct media_peer *peer = find_peer(media, node_id);
    assert(peer && peer->uses > 0 && packet.size <= RELOAD_MEDIA_PACKET_MAX);
    const struct media_link *link = best_link(peer);
    if (!link) {
        media->counters.dropped_no_link++;
        attach(peer, now);
        return RELOAD_E_CLOSED;
    }
    const struct media_record record = {stream, type, packet};
    int error = write_record(media, link, &record, now);
    if (error == 0)
        media->counters.packets_sent++;
    return error;
}

static void
media_set_handler(void *overlay, const struct reload_media_handler *handler)
{
    struct reload_media *media = overlay;
    media->handler = handler ? *handler : (struct reload_media_handler){.receive = NULL};
}

static const struct reload_media_counters *
media_counters(void *overlay)
{
    return &((struct reload_media *)overlay)->counters;
}

const struct reload_media_ops reload_media_overlay = {.set_handler = media_set_handler,
                                                      .open = media_open,
                                                      .close = media_close,
                                                      .send = media_send,
                                                      .counters = media_counters};

/* ---- the usage ------------------------------------------------------------------------------ */

static int
media_init(void *state, struct reload_node *node, void *argument, reload_time now)
{
    struct reload_media *media = state;
    (void)argument, (void)now;
    media->node = node;
    media->env = reload_node_env(node);
    reload_alarms_init(&media->alarms, media, media->env->context, media->env->allocate);
    return 0;
}

static void
media_fini(void *state)
{
    struct reload_media *media = state;
    while (media->peers)
        peer_free(media->peers);
    reload_alarms_fini(&media->alarms);
}

/* An application that nobody serves here is one that is not supported (6.5.2.2). */
static int
media_app_attach(void *state, uint16_t application, const struct reload_identity *identity,
                 reload_time now)
{
    struct reload_media *media = state;
    (void)application, (void)now;
    if (!media->handler.receive)
        return RELOAD_E_NOT_FOUND;
    for (struct media_peer *peer = media->peers; peer; peer = peer->next)
        if (reload_identity_has(identity, &peer->node_id))
            return link_of_peer(peer, 0) ? 0 : RELOAD_E_BUSY;
    return media->peer_count < RELOAD_MEDIA_PEERS_MAX ? 0 : RELOAD_E_BUSY;
}

static void
media_link_up(void *state, uint16_t application, uint32_t number,
              const struct reload_identity *identity, reload_time now)
{
    struct reload_media *media = state;
    struct reload_node_id node_id;
    bool is_stream;
    (void)application, (void)identity;
    if (!reload_node_app_link(media->node, number, &is_stream, &node_id))
        return;
    struct media_peer *peer = find_peer(media, &node_id);
    if (!peer)
        peer = peer_new(media, &node_id, now);
    struct media_link *place = peer ? link_of_peer(peer, 0) : NULL;
    if (!place) {
        reload_node_close(media->node, number, now);
        return;
    }
    media->counters.links_up++;
    *place = (struct media_link){.number = number, .is_stream = is_stream, .heard_at = now};
    peer->used_at = now;
    peer->failures = 0;
}

static void
media_link_down(void *state, uint32_t number, int error, reload_time now)
{
    struct reload_media *media = state;
    struct media_peer *peer;
    struct media_link *link = find_link(media, number, &peer);
    (void)error, (void)now;
    if (link)
        forget_link(media, link);
}

static void
take_record(struct reload_media *media, const struct media_peer *peer, struct media_link *link,
            struct reload_bytes bytes, reload_time now)
{
    struct media_record record;
    if (media_record_read(bytes, &record) != 0) {
        media->counters.dropped_malformed++;
        return;
    }
    link->heard_at = now;
    if (record.type == RELOAD_MEDIA_KEEPING) {
        if (record.stream == KEEPING_ASKS)
            (void)write_record(media, link, &(struct media_record){.stream = KEEPING_ANSWERS}, now);
        return;
    }
    media->counters.packets_received++;
    if (media->handler.receive)
        media->handler.receive(media->handler.argument, &peer->node_id, record.stream, record.type,
                               record.packet, now);
}

/* The handler cannot end links, so |link| stays. */
static int
take_stream(struct reload_media *media, const struct media_peer *peer, struct media_link *link,
            struct reload_bytes bytes, reload_time now)
{
    struct reload_bytes record;
    int error;
    if (!link->buffer.data)
        link->buffer.data =
            media->env->allocate(media->env->context, NULL, MEDIA_LENGTH_SIZE + MEDIA_RECORD_MAX);
    if (!link->buffer.data)
        return RELOAD_E_NOMEM;
    while ((error = media_buffer_fill(&link->buffer, &bytes, &record)) == 0)
        take_record(media, peer, link, record, now);
    return error == RELOAD_E_TRUNCATED ? 0 : error;
}

static void
media_recv(void *state, uint32_t number, struct reload_bytes bytes, reload_time now)
{
    struct reload_media *media = state;
    struct media_peer *peer;
    struct media_link *link = find_link(media, number, &peer);
    if (!link)
        return;
    if (!link->is_stream) {
        take_record(media, peer, link, bytes, now);
    } else if (take_stream(media, peer, link, bytes, now) != 0) {
        media->counters.dropped_malformed++;
        close_link(media, link, now);
    }
}

static reload_time
media_next_timeout(void *state)
{
    return reload_alarms_next(&((struct reload_media *)state)->alarms);
}

static void
media_timeout(void *state, reload_time now)
{
    reload_alarms_fire(&((struct reload_media *)state)->alarms, now);
}

static const uint16_t applications[] = {RELOAD_APPLICATION_MEDIA};

const struct reload_usage_ops reload_media_usage = {
    .name = "media",
    .size = sizeof(struct reload_media),
    .applications = applications,
    .application_count = sizeof applications / sizeof *applications,
    .init = media_init,
    .fini = media_fini,
    .app_attach = media_app_attach,
    .app_link_up = media_link_up,
    .app_link_down = media_link_down,
    .app_recv = media_recv,
    .next_timeout = media_next_timeout,
    .timeout = media_timeout,
};
