/* driver.c: drives one node on real sockets: its life, its timer, its effects.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/driver_internal.h"

#include "reload/run/env_host.h"
#include "reload/run/loop_libevent.h"
#include "reload/run/socket_address.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define PORT_TRIES 16
#define BOOTSTRAP_CANDIDATES_MAX 64
/* A stream may carry a message that is somewhat too large: the node then says so (P6). */
#define MESSAGE_SLACK 4096

reload_time
driver_now(const struct reload_driver *driver)
{
    return reload_loop_now(driver->options.loop);
}

/* ---- effects -------------------------------------------------------------------------------- */

static void
persist(struct reload_driver *driver, const struct reload_effect *effect)
{
    const struct reload_driver_options *options = &driver->options;
    if (options->store && options->store->put(options->store_context, effect->key, effect->value))
        reload_env_log(options->node.env, RELOAD_LOG_ERROR, "a record could not be kept");
    driver->unsynced = options->store && options->store->sync;
}

/* A disk that fails holds nobody up: the replicas have the values, and the store has told of it. */
static void
sync_records(struct reload_driver *driver)
{
    if (driver->unsynced)
        reload_ignore(driver->options.store->sync(driver->options.store_context));
    driver->unsynced = false;
}

/* The answer to a Store comes after the records that it made. */
static void
send_kept(struct reload_driver *driver, const struct reload_effect *effect)
{
    sync_records(driver);
    driver_send(driver, effect);
}

static void
tell_event(struct reload_driver *driver, const struct reload_effect *effect)
{
    if (driver->options.event)
        driver->options.event(driver->options.argument, effect);
}

typedef void effect_fn(struct reload_driver *driver, const struct reload_effect *effect);

static effect_fn *const effects[] = {
    [RELOAD_EFFECT_SEND] = send_kept,         [RELOAD_EFFECT_GATHER] = driver_gather,
    [RELOAD_EFFECT_CONNECT] = driver_connect, [RELOAD_EFFECT_EXPECT] = driver_expect,
    [RELOAD_EFFECT_CHECK] = driver_ice_check, [RELOAD_EFFECT_CLOSE] = driver_close,
    [RELOAD_EFFECT_PERSIST] = persist,        [RELOAD_EFFECT_EVENT] = tell_event,
};

void
reload_driver_turn(struct reload_driver *driver)
{
    if (driver->turning)
        return;
    driver->turning = true;
    struct reload_effect effect;
    while (reload_node_poll(driver->node, &effect, driver_now(driver))) {
        assert(effect.type < sizeof effects / sizeof *effects && effects[effect.type]);
        effects[effect.type](driver, &effect);
    }
    driver->turning = false;
}

void
reload_driver_sync(struct reload_driver *driver)
{
    reload_driver_turn(driver);
    sync_records(driver);
}

static void
on_turn_end(void *argument)
{
    struct reload_driver *driver = argument;
    reload_driver_turn(driver);
    driver_relay_turn(driver);
    reload_timer_set(driver->timer, reload_node_next_timeout(driver->node));
}

static void
on_timer(void *argument)
{
    struct reload_driver *driver = argument;
    reload_node_timeout(driver->node, driver_now(driver));
    reload_driver_turn(driver);
}

/* ---- sockets -------------------------------------------------------------------------------- */

static bool
has_protocol(const struct reload_driver *driver, enum reload_link_protocol protocol)
{
    for (size_t i = 0; i < driver->protocol_count; i++)
        if (driver->protocols[i] == protocol)
            return true;
    return false;
}

static int
open_dtls(struct reload_driver *driver, const struct reload_address *address)
{
    struct reload_udp_users users = {
        .dtls = reload_dtls_recv, .stun = driver_stun_recv, .stun_argument = driver};
    struct reload_dtls_options options = {.loop = driver->options.loop,
                                          .context = &driver->context,
                                          .accept = true,
                                          .user = &driver_incoming_user,
                                          .argument = driver,
                                          .framing = RELOAD_FRAMING_DATAGRAM,
                                          .overlay_link =
                                              driver_overlay_link(RELOAD_LINK_PROTOCOL_DTLS)};
    /* The socket wants its user and the user its socket: the user's place is known later. */
    int error = reload_udp_new(driver->options.loop, address, &users, &driver->udp);
    if (error)
        return error;
    options.path = reload_udp_datagram(driver->udp);
    error = reload_dtls_new(&options, &driver->dtls);
    if (!error)
        reload_udp_set_argument(driver->udp, driver->dtls);
    return error;
}

static int
open_tls(struct reload_driver *driver, const struct reload_address *address)
{
    struct reload_tls_options options = {
        .loop = driver->options.loop,
        .context = &driver->context,
        .listen = address,
        .user = &driver_incoming_user,
        .argument = driver,
        .framing = RELOAD_FRAMING_STREAM,
        .message_max = driver->options.node.config->max_message_size + MESSAGE_SLACK,
        .overlay_link = driver_overlay_link(RELOAD_LINK_PROTOCOL_TLS)};
    return reload_tls_new(&options, &driver->tls);
}

static void
close_sockets(struct reload_driver *driver)
{
    reload_dtls_free(driver->dtls);
    reload_udp_free(driver->udp);
    reload_udp_free(driver->stun_other);
    reload_tls_free(driver->tls);
    driver->dtls = NULL;
    driver->stun_other = NULL;
    driver->udp = NULL;
    driver->tls = NULL;
}

/* Both on the same port: a free TCP port may be taken for UDP, so try several when any will do. */
static int
open_sockets(struct reload_driver *driver)
{
    bool any_port = driver->options.listen.port == 0;
    int error = RELOAD_E_CONFIG;
    for (int i = 0; i < (any_port ? PORT_TRIES : 1); i++) {
        struct reload_address address = driver->options.listen;
        error = 0;
        if (has_protocol(driver, RELOAD_LINK_PROTOCOL_TLS))
            error = open_tls(driver, &address);
        if (!error && driver->tls)
            address = *reload_tls_address(driver->tls);
        if (!error && has_protocol(driver, RELOAD_LINK_PROTOCOL_DTLS))
            error = open_dtls(driver, &address);
        if (!error) {
            driver->address = driver->tls ? address : *reload_udp_address(driver->udp);
            return 0;
        }
        int reason = errno;
        close_sockets(driver);
        errno = reason;
        if (error != RELOAD_E_IO || reason != EADDRINUSE)
            break;
    }
    return error;
}

/* ---- life ----------------------------------------------------------------------------------- */

static void
choose_protocols(struct reload_driver *driver)
{
    const struct reload_config *config = driver->options.node.config;
    for (size_t i = 0; i < config->link_protocol_count && driver->protocol_count < 2; i++) {
        enum reload_link_protocol protocol = (enum reload_link_protocol)config->link_protocols[i];
        if (!has_protocol(driver, protocol))
            driver->protocols[driver->protocol_count++] = protocol;
    }
    if (driver->protocol_count == 2 && driver->protocols[1] == driver->options.prefer) {
        driver->protocols[1] = driver->protocols[0];
        driver->protocols[0] = driver->options.prefer;
    }
}

static int
build(struct reload_driver *driver, char *reason)
{
    const struct reload_driver_options *options = &driver->options;
    char address[RELOAD_ADDRESS_TEXT_SIZE], text[96];
    choose_protocols(driver);
    if (!options->node.config->no_ice &&
        (!options->ice || !has_protocol(driver, RELOAD_LINK_PROTOCOL_DTLS))) {
        (void)snprintf(reason, RELOAD_DRIVER_REASON_SIZE, "the overlay uses ICE, %s",
                       options->ice ? "which needs the link protocol DTLS, but has not got it"
                                    : "which this program was built without");
        return RELOAD_E_CONFIG;
    }
    int error = reload_tls_context_init(&driver->context, options->node.keyring, options->node.env);
    if (error) {
        (void)snprintf(reason, RELOAD_DRIVER_REASON_SIZE, "TLS cannot use the credentials: %s (%s)",
                       reload_error_text(error), reload_tls_reason(text, sizeof text));
        return error;
    }
    error = open_sockets(driver);
    if (error) {
        (void)snprintf(reason, RELOAD_DRIVER_REASON_SIZE, "cannot listen on %s: %s",
                       reload_address_text(&options->listen, address),
                       error == RELOAD_E_IO ? strerror(errno) : reload_error_text(error));
        return error;
    }
    error = reload_loop_timer(options->loop, on_timer, driver, &driver->timer);
    if (!error)
        error = driver_stun_init(driver);
    if (!error)
        error = reload_node_new(&options->node, driver_now(driver), &driver->node);
    if (!error)
        error = reload_loop_after(options->loop, on_turn_end, driver, &driver->after);
    if (error)
        (void)snprintf(reason, RELOAD_DRIVER_REASON_SIZE, "the node cannot be made: %s",
                       reload_error_text(error));
    return error;
}

int
reload_driver_new(const struct reload_driver_options *options, char *reason,
                  struct reload_driver **driver)
{
    struct reload_driver *made = calloc(1, sizeof *made);
    if (!made) {
        (void)snprintf(reason, RELOAD_DRIVER_REASON_SIZE, "out of memory");
        return RELOAD_E_NOMEM;
    }
    made->options = *options;
    for (size_t i = 0; i < LINK_BUCKETS; i++)
        LIST_INIT(&made->links[i]);
    int error = build(made, reason);
    if (error) {
        reload_driver_free(made);
        return error;
    }
    *driver = made;
    return 0;
}

void
reload_driver_free(struct reload_driver *driver)
{
    if (!driver)
        return;
    assert(!driver->turning);
    driver_relay_fini(driver);
    for (size_t i = 0; i < LINK_BUCKETS; i++)
        while (!LIST_EMPTY(&driver->links[i]))
            driver_link_free(LIST_FIRST(&driver->links[i]));
    close_sockets(driver);
    reload_after_free(driver->after);
    reload_timer_free(driver->timer);
    reload_timer_free(driver->stun_timer);
    driver->turning = true; /* whatever the node asks for now is too late */
    driver_ice_drain(driver);
    reload_node_free(driver->node);
    reload_tls_context_fini(&driver->context);
    free(driver);
}

int
reload_driver_start(struct reload_driver *driver)
{
    struct reload_candidate *candidates = calloc(BOOTSTRAP_CANDIDATES_MAX, sizeof *candidates);
    if (!candidates)
        return RELOAD_E_NOMEM;
    size_t count = driver_resolve(driver, candidates, BOOTSTRAP_CANDIDATES_MAX);
    driver_stun_servers(driver, candidates, count);
    int error = reload_node_start(driver->node, candidates, count, driver_now(driver));
    free(candidates);
    on_turn_end(driver);
    return error;
}

bool
reload_driver_is_unresolved(const struct reload_driver *driver)
{
    return driver->unresolved;
}

struct reload_node *
reload_driver_node(struct reload_driver *driver)
{
    return driver->node;
}

const struct reload_address *
reload_driver_address(const struct reload_driver *driver)
{
    return &driver->address;
}

struct reload_driver_counters
reload_driver_counters(const struct reload_driver *driver)
{
    return (struct reload_driver_counters){
        .udp = driver->udp ? reload_udp_counters(driver->udp) : NULL,
        .dtls = driver->dtls ? reload_dtls_counters(driver->dtls) : NULL,
        .tls = driver->tls ? reload_tls_counters(driver->tls) : NULL,
        .stun = driver->stun,
        .links = driver->link_count};
}
