/* role_turn.c: the role turn: a relay for the overlay, by coturn's turnserver. It is announced
 * while it answers.
 *
 *   start -> asked every 200 ms, until it answers -> announced -> asked every 5 s
 *     ^-- a pause, longer and longer <- it ended, or does not answer --'
 *
 * RFC 6940 9, docs/turn.md. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/base/json.h"
#include "reload/run/socket_address.h"
#include "reload/run/stun_message.h"
#include "tools/reloadd/role.h"
#include "tools/reloadd/turnserver.h"
#include "usages/turn_service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CREDENTIALS_LIFETIME_S 3600u
#define START_PAUSE (200 * RELOAD_MS)
#define CHECK_PAUSE (5 * RELOAD_SECOND)
#define ANSWER_TIME (2 * RELOAD_SECOND)
#define START_TIME (15 * RELOAD_SECOND)
#define MISSES_MAX 3
#define RESTART_PAUSE RELOAD_SECOND
#define RESTART_PAUSE_MAX (60 * RELOAD_SECOND)
/* Not withdrawn when it is back within this time. */
#define GRACE (5 * RELOAD_SECOND)

enum { SECRET_OCTETS = 32 };

struct turn {
    struct daemon *daemon;
    struct turnserver *server;
    struct reload_address listen, external;
    char secret[2 * SECRET_OCTETS + 1];
    int descriptor; /* the socket of the self-test */
    struct reload_watch *watch;
    struct reload_timer *timer;
    uint8_t transaction[RELOAD_STUN_TRANSACTION_SIZE];
    bool asked, answers, announced;
    unsigned misses;
    uint64_t restarts;
    reload_time started, lost; /* since when it does not answer */
    reload_time pause;         /* before the next start */
};

static reload_time
now_of(const struct turn *turn)
{
    return daemon_now(turn->daemon);
}

static void *
usage_of(const struct turn *turn)
{
    return reload_node_usage(daemon_node(turn->daemon), DAEMON_USAGE_TURN);
}

/* ---- up and down ------------------------------------------------------------------------------
 */

static void
announce(struct turn *turn)
{
    struct reload_turn_offer offer = {.address = turn->external,
                                      .secret = reload_bytes_of_string(turn->secret),
                                      .lifetime_s = CREDENTIALS_LIFETIME_S};
    char text[RELOAD_ADDRESS_TEXT_SIZE];
    if (turn->announced)
        return;
    int error = reload_turn_service_begin(usage_of(turn), &offer, now_of(turn));
    turn->announced = error == 0;
    const struct reload_env *env = &turn->daemon->env.env;
    if (error)
        reload_env_log(env, RELOAD_LOG_ERROR, "the relay is not announced: %s",
                       reload_error_text(error));
    else
        reload_env_log(env, RELOAD_LOG_INFO, "relay at %s for the overlay",
                       reload_address_text(&turn->external, text));
    reload_driver_turn(turn->daemon->driver);
}

static void
withdraw(struct turn *turn)
{
    if (!turn->announced)
        return;
    turn->announced = false;
    reload_turn_service_end(usage_of(turn), now_of(turn));
    reload_env_log(&turn->daemon->env.env, RELOAD_LOG_WARNING,
                   "the relay does not answer: withdrawn");
    reload_driver_turn(turn->daemon->driver);
}

/* Each start that does not last makes the next pause longer. */
static void
restart_later(struct turn *turn)
{
    reload_time now = now_of(turn);
    if (turn->answers)
        turn->lost = now;
    turn->answers = turn->asked = false;
    turn->restarts++;
    turn->pause = now - turn->started > RESTART_PAUSE_MAX ? RESTART_PAUSE : 2 * turn->pause;
    if (turn->pause > RESTART_PAUSE_MAX)
        turn->pause = RESTART_PAUSE_MAX;
    reload_timer_set(turn->timer, now + turn->pause);
}

static void
on_ended(void *argument)
{
    restart_later(argument);
}

/* ---- the self-test ----------------------------------------------------------------------------
 */

static void
ask(struct turn *turn)
{
    uint8_t request[RELOAD_STUN_REQUEST_SIZE];
    const struct reload_env *env = &turn->daemon->env.env;
    env->random(env->context, turn->transaction, sizeof turn->transaction);
    reload_stun_request(turn->transaction, request);
    turn->asked = true;
    /* When it does not go out, nothing comes back. */
    (void)!write(turn->descriptor, request, sizeof request);
}

static void
on_answer(void *argument, int descriptor, unsigned events)
{
    struct turn *turn = argument;
    uint8_t octets[512], transaction[RELOAD_STUN_TRANSACTION_SIZE];
    struct reload_address seen;
    (void)events;
    ssize_t size = read(descriptor, octets, sizeof octets);
    if (size <= 0 || !turn->asked ||
        reload_stun_answer((struct reload_bytes){octets, (size_t)size}, transaction, &seen) ||
        memcmp(transaction, turn->transaction, sizeof transaction) != 0)
        return;
    turn->asked = false;
    turn->answers = true;
    turn->misses = 0;
    announce(turn);
    reload_timer_set(turn->timer, now_of(turn) + CHECK_PAUSE);
}

static void
start(struct turn *turn)
{
    reload_time now = now_of(turn);
    turn->started = now;
    turn->misses = 0;
    turn->asked = false;
    if (turnserver_start(turn->server) == 0) {
        reload_timer_set(turn->timer, now + START_PAUSE);
        return;
    }
    reload_env_log(&turn->daemon->env.env, RELOAD_LOG_ERROR, "turnserver cannot be started");
    restart_later(turn);
}

static void
on_timer(void *argument)
{
    struct turn *turn = argument;
    reload_time now = now_of(turn);
    if (turn->announced && !turn->answers && now - turn->lost >= GRACE)
        withdraw(turn);
    if (turnserver_process(turn->server) == 0) {
        start(turn);
        return;
    }
    if (turn->asked)
        turn->misses++;
    bool dead = turn->answers ? turn->misses >= MISSES_MAX : now - turn->started > START_TIME;
    if (dead) {
        reload_env_log(&turn->daemon->env.env, RELOAD_LOG_WARNING,
                       "turnserver does not answer: started again");
        turnserver_stop(turn->server);
        restart_later(turn);
        return;
    }
    ask(turn);
    reload_timer_set(turn->timer, now + (turn->answers ? ANSWER_TIME : START_PAUSE));
}

/* ---- life -------------------------------------------------------------------------------------
 */

/* The address to listen at when none is said: the first of ours that others may use. */
static bool
choose_listen(struct turn *turn)
{
    const struct turn_settings *settings = &turn->daemon->settings.turn;
    struct reload_address own[16];
    turn->listen = settings->listen;
    if (!reload_address_is_any(&settings->listen))
        return true;
    size_t count =
        reload_address_interfaces(settings->listen.family, settings->listen.port, own, 16);
    for (size_t i = 0; i < count; i++)
        if (settings->external.family == own[i].family ||
            reload_turn_address_is_allowed(&own[i], &settings->allow)) {
            turn->listen = own[i];
            return true;
        }
    return false;
}

static int
choose_addresses(struct turn *turn, char *reason)
{
    const struct turn_settings *settings = &turn->daemon->settings.turn;
    char text[RELOAD_ADDRESS_TEXT_SIZE];
    if (!choose_listen(turn)) {
        (void)snprintf(reason, SETTINGS_REASON_SIZE,
                       "role 'turn': this host has no public address; 'listen' in [turn] says "
                       "where, 'external-address' how others see it");
        return RELOAD_E_CONFIG;
    }
    turn->external = settings->external.family ? settings->external : turn->listen;
    if (turn->external.port == 0)
        turn->external.port = turn->listen.port;
    if (turn->external.family == turn->listen.family &&
        reload_turn_address_is_allowed(&turn->external, &settings->allow))
        return 0;
    (void)snprintf(reason, SETTINGS_REASON_SIZE,
                   "role 'turn': %s is no public address, nobody would use it; 'external-address' "
                   "in [turn] says how others see it, 'allow' what is right in a laboratory",
                   reload_address_text(&turn->external, text));
    return RELOAD_E_CONFIG;
}

static int
open_socket(struct turn *turn)
{
    struct reload_address any = turn->listen, bound;
    struct sockaddr_storage there;
    any.port = 0;
    turn->descriptor = reload_socket_bind(SOCK_DGRAM, &any, &bound);
    socklen_t size = reload_address_to_socket(
        &turn->listen, turn->listen.family == 4 ? AF_INET : AF_INET6, &there);
    if (turn->descriptor < 0 ||
        connect(turn->descriptor, (const struct sockaddr *)&there, size) != 0)
        return RELOAD_E_IO;
    int error = reload_loop_watch(turn->daemon->loop, turn->descriptor, RELOAD_WATCH_READ,
                                  on_answer, turn, &turn->watch);
    return error ? error : reload_loop_timer(turn->daemon->loop, on_timer, turn, &turn->timer);
}

static void
draw_secret(struct turn *turn)
{
    const struct reload_env *env = &turn->daemon->env.env;
    uint8_t octets[SECRET_OCTETS];
    env->random(env->context, octets, sizeof octets);
    for (size_t i = 0; i < sizeof octets; i++)
        (void)snprintf(turn->secret + 2 * i, 3, "%02x", octets[i]);
    explicit_bzero(octets, sizeof octets);
}

static void
turn_close(void *state)
{
    struct turn *turn = state;
    turnserver_free(turn->server);
    reload_watch_free(turn->watch);
    reload_timer_free(turn->timer);
    if (turn->descriptor >= 0)
        (void)close(turn->descriptor);
    explicit_bzero(turn->secret, sizeof turn->secret);
    free(turn);
}

static int
open_parts(struct turn *turn, char *reason)
{
    int error = choose_addresses(turn, reason);
    if (!error)
        error = turnserver_check(&turn->listen, reason);
    if (error)
        return error;
    draw_secret(turn);
    struct turnserver_options options = {.loop = turn->daemon->loop,
                                         .env = &turn->daemon->env.env,
                                         .settings = &turn->daemon->settings.turn,
                                         .listen = turn->listen,
                                         .external = turn->external,
                                         .realm = turn->daemon->config->instance_name,
                                         .secret = turn->secret,
                                         .ended = on_ended,
                                         .argument = turn};
    error = turnserver_new(&options, &turn->server);
    if (!error)
        error = open_socket(turn);
    if (error)
        (void)snprintf(reason, SETTINGS_REASON_SIZE, "role 'turn': %s", reload_error_text(error));
    else
        reload_timer_set(turn->timer, 0);
    return error;
}

static int
turn_open(struct daemon *daemon, void **state, char *reason)
{
    struct turn *turn = calloc(1, sizeof *turn);
    if (!turn)
        return RELOAD_E_NOMEM;
    turn->daemon = daemon;
    turn->descriptor = -1;
    turn->pause = RESTART_PAUSE / 2;
    int error = open_parts(turn, reason);
    if (error)
        turn_close(turn);
    else
        *state = turn;
    return error;
}

static void
turn_print(const void *state, struct reload_json *json)
{
    const struct turn *turn = state;
    struct reload_turn_counters counters = reload_turn_service_counters(usage_of(turn));
    char text[RELOAD_ADDRESS_TEXT_SIZE];
    reload_json_begin_object(json);
    reload_json_key(json, "address");
    reload_json_text(json, reload_address_text(&turn->external, text));
    reload_json_key(json, "answers");
    reload_json_boolean(json, turn->answers);
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {{"process", (uint64_t)turnserver_process(turn->server)},
                {"restarts", turn->restarts},
                {"announcements", counters.announced},
                {"credentials_given", counters.granted},
                {"credentials_refused", counters.refused}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reload_json_key(json, rows[i].name);
        reload_json_uint(json, rows[i].value);
    }
    reload_json_end_object(json);
}

/* Our own node wants none of the credentials that others get over the overlay. */
bool
turn_own_relay(const struct daemon *daemon, struct turn_credential *relay)
{
    const struct turn *turn = role_state(daemon, &turn_service);
    if (!turn || !turn->announced || !turn->answers)
        return false;
    const struct reload_node_id *node_id = reload_node_id(daemon_node(turn->daemon));
    const struct reload_env *env = &turn->daemon->env.env;
    *relay = (struct turn_credential){.lifetime_s = TURN_LIFETIME_MIN_S, .address = turn->external};
    return turn_credential_make(
               relay, daemon->keyring, reload_bytes_of_string(turn->secret),
               (struct reload_bytes){node_id->octets, daemon->config->node_id_length},
               env->wall_ms(env->context)) == 0;
}

const struct service turn_service = {
    .name = "relay", .open = turn_open, .close = turn_close, .print = turn_print};
