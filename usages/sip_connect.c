/* sip_connect.c: application links to other nodes, kept as long as they are used.
 *
 *   AppAttach asked for -> up -> gone
 *
 * One link serves all calls between two nodes (RFC 7904 5.1: a SIP connection may be used for a new
 * call), whoever opened it. RFC 7904 5, RFC 6940 6.5.2. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_state.h"

#include <assert.h>
#include <stdio.h>

/* |peer.link| is 0 until the link is up. An AppAttach cannot be recalled: a connection that is not
 * up stays in the list until its end is told. */
struct sip_connection {
    struct sip_connection *next;
    struct reload_sip *sip;
    bool attaching;
    struct reload_sip_peer peer;
    struct reload_alarm idle;
    struct reload_sip_stream stream;
};

struct sip_waiter {
    struct sip_waiter *next;
    struct sip_connection *connection;
    uint64_t number;
    reload_sip_connect_fn *done;
    void *argument;
    struct reload_alarm deadline;
};

static struct sip_connection *
find_link(const struct reload_sip *sip, uint32_t link)
{
    struct sip_connection *connection = sip->connections;
    while (connection && (link == 0 || connection->peer.link != link))
        connection = connection->next;
    return connection;
}

static struct sip_connection *
find_peer(const struct reload_sip *sip, const struct reload_node_id *node_id, uint16_t application,
          bool up)
{
    struct sip_connection *connection = sip->connections;
    while (connection &&
           (connection->peer.application != application || (connection->peer.link != 0) != up ||
            !reload_node_id_equal(&connection->peer.node_id, node_id)))
        connection = connection->next;
    return connection;
}

/* Whether one more link of |peer|'s is welcome: no node may fill the table alone. */
bool
reload_sip_connection_room(const struct reload_sip *sip, const struct reload_identity *peer)
{
    size_t own = 0;
    for (const struct sip_connection *it = sip->connections; it; it = it->next)
        own += reload_identity_has(peer, &it->peer.node_id);
    return sip->connection_count < RELOAD_SIP_CONNECTIONS_MAX &&
           own < RELOAD_SIP_LINKS_PER_NODE_MAX;
}

static struct sip_connection *
connection_new(struct reload_sip *sip, const struct reload_node_id *node_id, uint16_t application)
{
    if (sip->connection_count == RELOAD_SIP_CONNECTIONS_MAX)
        return NULL;
    struct sip_connection *connection = reload_sip_allocate(sip, sizeof *connection);
    if (!connection)
        return NULL;
    connection->sip = sip;
    connection->peer.node_id = *node_id;
    connection->peer.application = application;
    connection->next = sip->connections;
    sip->connections = connection;
    sip->connection_count++;
    return connection;
}

static void
connection_free(struct sip_connection *connection)
{
    struct reload_sip *sip = connection->sip;
    struct sip_connection **at = &sip->connections;
    while (*at != connection)
        at = &(*at)->next;
    *at = connection->next;
    sip->connection_count--;
    reload_alarm_clear(&sip->alarms, &connection->idle);
    reload_sip_stream_fini(&connection->stream, sip->env);
    reload_sip_free(sip, connection);
}

static void
waiter_free(struct reload_sip *sip, struct sip_waiter *waiter)
{
    struct sip_waiter **at = &sip->waiters;
    while (*at != waiter)
        at = &(*at)->next;
    *at = waiter->next;
    sip->waiter_count--;
    reload_alarm_clear(&sip->alarms, &waiter->deadline);
    reload_sip_free(sip, waiter);
}

/* Tells everybody who waits for |connection| how it ended. They may start anything from within, so
 * the list is walked from its begin each time. */
static void
tell_waiters(struct reload_sip *sip, const struct sip_connection *connection, int error,
             const struct reload_sip_peer *peer, reload_time now)
{
    for (;;) {
        struct sip_waiter *waiter = sip->waiters;
        while (waiter && waiter->connection != connection)
            waiter = waiter->next;
        if (!waiter)
            return;
        reload_sip_connect_fn *done = waiter->done;
        void *argument = waiter->argument;
        waiter_free(sip, waiter);
        done(argument, error, error ? NULL : peer, now);
    }
}

static void
expire_waiter(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct reload_sip *sip = owner;
    struct sip_waiter *waiter = sip->waiters;
    while (&waiter->deadline != alarm)
        waiter = waiter->next;
    reload_sip_connect_fn *done = waiter->done;
    void *argument = waiter->argument;
    waiter_free(sip, waiter);
    done(argument, RELOAD_E_TIMEOUT, NULL, now);
}

static void
close_idle(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct reload_sip *sip = owner;
    struct sip_connection *connection = sip->connections;
    while (&connection->idle != alarm)
        connection = connection->next;
    uint32_t link = connection->peer.link;
    connection_free(connection);
    if (sip->handler.lost)
        sip->handler.lost(sip->handler.argument, link, RELOAD_E_CLOSED, now);
    reload_node_close(sip->node, link, now);
}

/* Fails only the first time, when there may be no room for the alarm. */
static int
touch(struct sip_connection *connection, reload_time now)
{
    return reload_alarm_set(&connection->sip->alarms, &connection->idle, now + RELOAD_SIP_LINK_IDLE,
                            close_idle);
}

/* Makes |connection| one that is up on |link|. Returns 0 or RELOAD_E_NOMEM. */
static int
raise_connection(struct sip_connection *connection, uint32_t link, const char *user,
                 reload_time now)
{
    struct reload_sip_peer *peer = &connection->peer;
    struct reload_node_id node_id;
    if (!reload_node_app_link(connection->sip->node, link, &peer->is_stream, &node_id))
        return RELOAD_E_CLOSED;
    if (!reload_node_id_equal(&node_id, &peer->node_id))
        return RELOAD_E_FORBIDDEN;
    int error = touch(connection, now);
    if (error)
        return error;
    peer->link = link;
    peer->heard_at = now;
    snprintf(peer->user, sizeof peer->user, "%s", user);
    connection->sip->counters.links_up++;
    return 0;
}

/* A link is up. It is the one of our own AppAttach to that node, if one is under way (two that
 * cross are as good as each other), or a new one that the peer opened. */
void
reload_sip_connection_up(struct reload_sip *sip, uint16_t application, uint32_t link,
                         const struct reload_identity *identity, reload_time now)
{
    bool is_stream;
    struct reload_node_id node_id;
    if (!reload_node_app_link(sip->node, link, &is_stream, &node_id))
        return;
    struct sip_connection *connection = connection_new(sip, &node_id, application);
    if (!connection) {
        sip->counters.dropped_busy++;
        reload_node_close(sip->node, link, now);
        return;
    }
    struct reload_aor aor;
    const char *user = identity->user_name;
    if (reload_aor_parse(reload_bytes_of_string(user), &aor) == 0)
        user = aor.text;
    if (raise_connection(connection, link, user, now) != 0) {
        connection_free(connection);
        reload_node_close(sip->node, link, now);
        return;
    }
    /* Who waits for our own AppAttach to the same node need not wait any longer. */
    struct sip_connection *attaching = find_peer(sip, &node_id, application, false);
    struct reload_sip_peer peer = connection->peer;
    if (attaching)
        tell_waiters(sip, attaching, 0, &peer, now);
}

/* Our AppAttach ended. reload_sip_connection_up came first when it went well, with who is there. */
static void
attached(void *argument, int error, uint32_t link, const struct reload_node_id *node_id,
         reload_time now)
{
    struct sip_connection *attaching = argument;
    struct reload_sip *sip = attaching->sip;
    struct sip_connection *up = error ? NULL : find_link(sip, link);
    bool is_expected = up && reload_node_id_equal(node_id, &attaching->peer.node_id);
    if (error == 0 && !is_expected) {
        /* Not the callee (RFC 7904 5.1): not to be used. */
        error = RELOAD_E_FORBIDDEN;
        reload_sip_drop(sip, link, now);
    }
    if (error)
        sip->counters.links_failed++;
    struct reload_sip_peer peer = error ? attaching->peer : up->peer;
    attaching->attaching = false;
    tell_waiters(sip, attaching, error, &peer, now);
    connection_free(attaching);
}

void
reload_sip_connection_down(struct reload_sip *sip, uint32_t link, int error, reload_time now)
{
    struct sip_connection *connection = find_link(sip, link);
    if (!connection)
        return;
    connection_free(connection);
    if (sip->handler.lost)
        sip->handler.lost(sip->handler.argument, link, error, now);
}

static void
deliver(struct reload_sip *sip, const struct reload_sip_peer *peer, struct reload_bytes message,
        reload_time now)
{
    sip->counters.messages_received++;
    if (sip->handler.receive)
        sip->handler.receive(sip->handler.argument, peer, message, now);
}

/* Hands out all messages that are whole. The handler may close the link from within. */
static int
drain(struct reload_sip *sip, uint32_t link, reload_time now)
{
    for (;;) {
        struct sip_connection *connection = find_link(sip, link);
        struct reload_bytes message;
        if (!connection)
            return 0;
        int error = reload_sip_stream_next(&connection->stream, NULL, &message);
        if (error)
            return error == RELOAD_E_TRUNCATED ? 0 : error;
        struct reload_sip_peer peer = connection->peer;
        deliver(sip, &peer, message, now);
        connection = find_link(sip, link);
        if (connection)
            reload_sip_stream_done(&connection->stream, message.size);
    }
}

void
reload_sip_connection_recv(struct reload_sip *sip, uint32_t link, struct reload_bytes bytes,
                           reload_time now)
{
    struct sip_connection *connection = find_link(sip, link);
    if (!connection)
        return;
    int error = touch(connection, now);
    connection->peer.heard_at = now;
    if (!connection->peer.is_stream) {
        struct reload_sip_peer peer = connection->peer;
        if (bytes.size > RELOAD_SIP_MESSAGE_MAX)
            sip->counters.dropped_malformed++;
        else
            deliver(sip, &peer, bytes, now);
        return;
    }
    error = reload_sip_stream_put(&connection->stream, sip->env, bytes);
    if (error == 0)
        error = drain(sip, link, now);
    if (error) {
        sip->counters.dropped_malformed++;
        reload_sip_connection_down(sip, link, error, now);
        reload_node_close(sip->node, link, now);
    }
}

static struct sip_waiter *
waiter_new(struct reload_sip *sip, struct sip_connection *connection, reload_time deadline,
           reload_sip_connect_fn *done, void *argument)
{
    if (sip->waiter_count == RELOAD_SIP_WAITERS_MAX)
        return NULL;
    struct sip_waiter *waiter = reload_sip_allocate(sip, sizeof *waiter);
    if (!waiter)
        return NULL;
    waiter->connection = connection;
    waiter->number = ++sip->last_number;
    waiter->done = done;
    waiter->argument = argument;
    if (reload_alarm_set(&sip->alarms, &waiter->deadline, deadline, expire_waiter) != 0) {
        reload_sip_free(sip, waiter);
        return NULL;
    }
    waiter->next = sip->waiters;
    sip->waiters = waiter;
    sip->waiter_count++;
    return waiter;
}

/* Begins an AppAttach. Returns 0 with |*connection|, or why not. */
static int
attach(struct reload_sip *sip, const struct reload_sip_destination *destination,
       uint16_t application, reload_time now, struct sip_connection **connection)
{
    struct reload_route route =
        reload_sip_destination_route(reload_node_wire(sip->node), destination);
    struct sip_connection *attaching = connection_new(sip, &destination->node_id, application);
    if (!attaching)
        return RELOAD_E_BUSY;
    attaching->attaching = true;
    int error = reload_node_app_attach(sip->node, &route, application, attached, attaching, now);
    if (error) {
        connection_free(attaching);
        return error;
    }
    *connection = attaching;
    return 0;
}

int
reload_sip_connect(struct reload_sip *sip, const struct reload_sip_destination *destination,
                   uint16_t application, reload_time deadline, reload_sip_connect_fn *done,
                   void *argument, reload_time now, uint32_t *link, uint64_t *attempt)
{
    *link = 0;
    *attempt = 0;
    if (reload_node_id_equal(&destination->node_id, reload_node_id(sip->node)))
        return RELOAD_E_USAGE;
    struct sip_connection *connection = find_peer(sip, &destination->node_id, application, true);
    if (connection) {
        *link = connection->peer.link;
        return touch(connection, now);
    }
    connection = find_peer(sip, &destination->node_id, application, false);
    int error = connection ? 0 : attach(sip, destination, application, now, &connection);
    if (error)
        return error;
    /* Without a waiter the AppAttach goes on, and its link may be of use later. */
    struct sip_waiter *waiter = waiter_new(sip, connection, deadline, done, argument);
    if (!waiter) {
        sip->counters.dropped_busy++;
        return RELOAD_E_BUSY;
    }
    *attempt = waiter->number;
    return 0;
}

void
reload_sip_connect_cancel(struct reload_sip *sip, uint64_t attempt)
{
    struct sip_waiter *waiter = sip->waiters;
    while (waiter && (attempt == 0 || waiter->number != attempt))
        waiter = waiter->next;
    if (waiter)
        waiter_free(sip, waiter);
}

bool
reload_sip_peer(const struct reload_sip *sip, uint32_t link, struct reload_sip_peer *peer)
{
    const struct sip_connection *connection = find_link(sip, link);
    if (connection)
        *peer = connection->peer;
    return connection != NULL;
}

int
reload_sip_send(struct reload_sip *sip, uint32_t link, struct reload_bytes message, reload_time now)
{
    struct sip_connection *connection = find_link(sip, link);
    if (!connection)
        return RELOAD_E_CLOSED;
    if (message.size > RELOAD_SIP_MESSAGE_MAX ||
        (!connection->peer.is_stream && message.size > RELOAD_SIP_RECORD_MAX))
        return RELOAD_E_TOO_LARGE;
    int error = reload_node_app_send(sip->node, link, message, now);
    if (error == 0)
        sip->counters.messages_sent++;
    return error ? error : touch(connection, now);
}

void
reload_sip_drop(struct reload_sip *sip, uint32_t link, reload_time now)
{
    struct sip_connection *connection = find_link(sip, link);
    if (connection)
        connection_free(connection);
    reload_node_close(sip->node, link, now);
}

void
reload_sip_connections_fini(struct reload_sip *sip)
{
    while (sip->waiters)
        waiter_free(sip, sip->waiters);
    while (sip->connections)
        connection_free(sip->connections);
}
