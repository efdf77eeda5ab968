/* relay_trial.c: tries out a TURN server, by libnice's codec.
 *
 *   ASK -> 401 -> ALLOCATE -> PERMIT, for the address that it sees us with -> ECHO: what we send to
 *   the relayed address comes back through the relay
 *
 * By TCP it ends with the allocation: where UDP is blocked, nothing can be sent to the relayed
 * address. RFC 8656 7, 9, 11. SPDX-License-Identifier: BSD-2-Clause */
#include "ice/relay_trial.h"

#include "ice/nice_candidate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stun/usages/turn.h>

#define TRIAL_TIME (5 * RELOAD_SECOND)
#define FIRST_RTO (250 * RELOAD_MS)
#define TRIES 3
#define MESSAGE_MAX 1024
#define ECHO_SIZE 12
#define CREATE_PERMISSION_ANSWERED 0x0108
#define DATA_INDICATION 0x0017
#define TURN STUN_USAGE_TURN_COMPATIBILITY_RFC5766

enum step {
    ASK,
    ALLOCATE,
    PERMIT,
    ECHO,
    DONE,
};

struct reload_relay_trial {
    struct reload_relay_trial_options options;
    reload_relay_trial_fn *done;
    void *argument;
    struct sockaddr_storage relay, mapped, relayed;
    int descriptor;
    struct reload_watch *watch;
    struct reload_timer *timer;
    reload_time begun, deadline, rto;
    enum step step;
    unsigned tries;
    StunAgent stun;
    StunMessage request;
    uint8_t octets[MESSAGE_MAX]; /* what is sent, and repeated */
    size_t size;
    StunMessage challenge; /* the 401: realm and nonce; empty before */
    uint8_t challenge_octets[MESSAGE_MAX];
    uint8_t input[MESSAGE_MAX]; /* by TCP: the begin of an answer */
    size_t input_size;
    bool allocated;
    struct reload_relay_outcome outcome;
};

static socklen_t
length_of(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static bool
to_socket(const struct reload_address *address, struct sockaddr_storage *storage)
{
    NiceAddress nice;
    memset(storage, 0, sizeof *storage);
    if (!nice_address_from(address, &nice))
        return false;
    nice_address_copy_to_sockaddr(&nice, (struct sockaddr *)storage);
    return true;
}

static bool
from_socket(const struct sockaddr_storage *storage, struct reload_address *address)
{
    NiceAddress nice;
    nice_address_init(&nice);
    nice_address_set_from_sockaddr(&nice, (const struct sockaddr *)storage);
    return nice_address_to(&nice, address);
}

/* ---- what is sent --------------------------------------------------------------------------- */

static void
send_to(struct reload_relay_trial *trial, const struct sockaddr_storage *to, const uint8_t *octets,
        size_t size)
{
    /* What does not go is lost, and repeated. */
    if (trial->options.relay.tcp)
        (void)send(trial->descriptor, octets, size, MSG_NOSIGNAL);
    else
        (void)sendto(trial->descriptor, octets, size, MSG_NOSIGNAL, (const struct sockaddr *)to,
                     length_of(to));
}

/* RFC 8656 9.1: for the address that the relay sees us with. */
static size_t
write_permission(struct reload_relay_trial *trial)
{
    static const StunAttribute copied[] = {STUN_ATTRIBUTE_REALM, STUN_ATTRIBUTE_NONCE};
    struct reload_ice_relay *relay = &trial->options.relay;
    StunMessage *request = &trial->request;
    if (!stun_agent_init_request(&trial->stun, request, trial->octets, sizeof trial->octets,
                                 STUN_CREATEPERMISSION) ||
        stun_message_append_xor_addr(request, STUN_ATTRIBUTE_XOR_PEER_ADDRESS, &trial->mapped,
                                     length_of(&trial->mapped)) != STUN_MESSAGE_RETURN_SUCCESS ||
        stun_message_append_string(request, STUN_ATTRIBUTE_USERNAME, relay->username) !=
            STUN_MESSAGE_RETURN_SUCCESS)
        return 0;
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        uint16_t size = 0;
        const void *value = stun_message_find(&trial->challenge, copied[i], &size);
        if (!value || stun_message_append_bytes(request, copied[i], value, size) !=
                          STUN_MESSAGE_RETURN_SUCCESS)
            return 0;
    }
    return stun_agent_finish_message(&trial->stun, request, (const uint8_t *)relay->password,
                                     strlen(relay->password));
}

static size_t
write_allocate(struct reload_relay_trial *trial)
{
    struct reload_ice_relay *relay = &trial->options.relay;
    return stun_usage_turn_create(
        &trial->stun, &trial->request, trial->octets, sizeof trial->octets,
        trial->step == ALLOCATE ? &trial->challenge : NULL, STUN_USAGE_TURN_REQUEST_PORT_NORMAL, -1,
        -1, (uint8_t *)relay->username, strlen(relay->username), (uint8_t *)relay->password,
        strlen(relay->password), TURN);
}

/* The id of the last transaction: nobody knew it who has not heard us. */
static size_t
write_echo(struct reload_relay_trial *trial)
{
    memmove(trial->octets, trial->octets + STUN_MESSAGE_HEADER_LENGTH - ECHO_SIZE, ECHO_SIZE);
    return ECHO_SIZE;
}

static void
repeat(struct reload_relay_trial *trial)
{
    reload_time now = reload_loop_now(trial->options.loop);
    reload_time at = trial->deadline;
    send_to(trial, trial->step == ECHO ? &trial->relayed : &trial->relay, trial->octets,
            trial->size);
    trial->tries++;
    if (!trial->options.relay.tcp && now + trial->rto < at)
        at = now + trial->rto;
    trial->rto *= 2;
    reload_timer_set(trial->timer, at);
}

/* Gives the address back. One that is lost is freed by the server after ten minutes; by TCP it ends
 * with the connection. */
static void
give_back(struct reload_relay_trial *trial)
{
    struct reload_ice_relay *relay = &trial->options.relay;
    if (!trial->allocated || relay->tcp)
        return;
    trial->allocated = false;
    size_t size = stun_usage_turn_create_refresh(
        &trial->stun, &trial->request, trial->octets, sizeof trial->octets, &trial->challenge, 0,
        (uint8_t *)relay->username, strlen(relay->username), (uint8_t *)relay->password,
        strlen(relay->password), TURN);
    if (size > 0)
        send_to(trial, &trial->relay, trial->octets, size);
}

static void
finish(struct reload_relay_trial *trial)
{
    give_back(trial);
    trial->step = DONE;
    reload_watch_free(trial->watch);
    trial->watch = NULL;
    reload_timer_set(trial->timer, RELOAD_NEVER);
    struct reload_relay_outcome outcome = trial->outcome;
    trial->done(trial->argument, &outcome);
}

static void
step_to(struct reload_relay_trial *trial, enum step step)
{
    trial->step = step;
    trial->tries = 0;
    trial->rto = FIRST_RTO;
    trial->size = step == PERMIT ? write_permission(trial)
                  : step == ECHO ? write_echo(trial)
                                 : write_allocate(trial);
    if (trial->size == 0)
        finish(trial);
    else
        repeat(trial);
}

/* ---- what comes ----------------------------------------------------------------------------- */

static bool
is_loopback(const struct reload_address *address)
{
    static const uint8_t v6[16] = {[15] = 1};
    return address->family == 4 ? address->octets[0] == 127
                                : memcmp(address->octets, v6, sizeof v6) == 0;
}

/* What a server says is only sent to when it may be meant: not to services of our own host. */
static bool
may_echo(const struct reload_relay_trial *trial)
{
    struct reload_address relayed;
    return !trial->options.relay.tcp && trial->outcome.mapped.family != 0 &&
           trial->relayed.ss_family == trial->relay.ss_family &&
           from_socket(&trial->relayed, &relayed) && relayed.port != 0 &&
           (!is_loopback(&relayed) || is_loopback(&trial->options.relay.address));
}

static void
take_allocation(struct reload_relay_trial *trial, StunMessage *answer)
{
    socklen_t relayed_size = sizeof trial->relayed, mapped_size = sizeof trial->mapped;
    struct sockaddr_storage alternate;
    socklen_t alternate_size = sizeof alternate;
    uint32_t bandwidth, lifetime;
    StunUsageTurnReturn said = stun_usage_turn_process(
        answer, &trial->relayed, &relayed_size, &trial->mapped, &mapped_size, &alternate,
        &alternate_size, &bandwidth, &lifetime, TURN);
    if (said != STUN_USAGE_TURN_RETURN_RELAY_SUCCESS &&
        said != STUN_USAGE_TURN_RETURN_MAPPED_SUCCESS) {
        finish(trial);
        return;
    }
    trial->allocated = true;
    trial->outcome.verdict = RELOAD_RELAY_GIVES;
    trial->outcome.taken_ns = reload_loop_now(trial->options.loop) - trial->begun;
    if (said == STUN_USAGE_TURN_RETURN_MAPPED_SUCCESS &&
        !from_socket(&trial->mapped, &trial->outcome.mapped))
        trial->outcome.mapped = (struct reload_address){0};
    if (may_echo(trial))
        step_to(trial, PERMIT);
    else
        finish(trial);
}

/* The answer to the first request: who we are is to be said. */
static void
take_challenge(struct reload_relay_trial *trial, const uint8_t *octets, size_t size)
{
    int code = 0;
    memcpy(trial->challenge_octets, octets, size);
    trial->challenge =
        (StunMessage){.agent = &trial->stun, .buffer = trial->challenge_octets, .buffer_len = size};
    if (stun_message_get_class(&trial->challenge) == STUN_ERROR &&
        stun_message_find_error(&trial->challenge, &code) == STUN_MESSAGE_RETURN_SUCCESS &&
        code == STUN_ERROR_UNAUTHORIZED)
        step_to(trial, ALLOCATE);
    else
        finish(trial);
}

static bool
is_echo(const struct reload_relay_trial *trial, const uint8_t *octets, size_t size)
{
    StunMessage message = {
        .agent = (StunAgent *)&trial->stun, .buffer = (uint8_t *)octets, .buffer_len = size};
    uint16_t length = 0;
    const void *data = stun_message_find(&message, STUN_ATTRIBUTE_DATA, &length);
    return data && length == ECHO_SIZE && memcmp(data, trial->octets, ECHO_SIZE) == 0;
}

/* One whole message, whose lengths are right. */
static void
take(struct reload_relay_trial *trial, const uint8_t *octets, size_t size)
{
    unsigned type = (unsigned)octets[0] << 8 | octets[1];
    StunMessage answer;
    if (type == DATA_INDICATION) {
        if (trial->step == ECHO && is_echo(trial, octets, size)) {
            trial->outcome.verdict = RELOAD_RELAY_WORKS;
            finish(trial);
        }
        return;
    }
    if (trial->step == ECHO || stun_agent_validate(&trial->stun, &answer, octets, size, NULL,
                                                   NULL) != STUN_VALIDATION_SUCCESS)
        return; /* late, or not from the server */
    if (trial->step == ASK)
        take_challenge(trial, octets, size);
    else if (trial->step == ALLOCATE)
        take_allocation(trial, &answer);
    else if (type == CREATE_PERMISSION_ANSWERED)
        step_to(trial, ECHO);
    else
        finish(trial);
}

/* ---- the socket ----------------------------------------------------------------------------- */

static bool
is_from_relay(const struct reload_relay_trial *trial, const struct sockaddr_storage *from)
{
    struct reload_address address;
    const struct reload_address *relay = &trial->options.relay.address;
    return from_socket(from, &address) && address.family == relay->family &&
           address.port == relay->port &&
           memcmp(address.octets, relay->octets, sizeof address.octets) == 0;
}

static void
recv_datagram(struct reload_relay_trial *trial)
{
    uint8_t octets[MESSAGE_MAX];
    struct sockaddr_storage from = {0};
    socklen_t length = sizeof from;
    ssize_t got = recvfrom(trial->descriptor, octets, sizeof octets, MSG_TRUNC,
                           (struct sockaddr *)&from, &length);
    if (got <= 0 || (size_t)got > sizeof octets || !is_from_relay(trial, &from) ||
        stun_message_validate_buffer_length(octets, (size_t)got, true) != got)
        return;
    take(trial, octets, (size_t)got);
}

/* RFC 8656 2.1: by TCP messages come one behind the other, and each has its length. */
static void
recv_stream(struct reload_relay_trial *trial)
{
    ssize_t got = recv(trial->descriptor, trial->input + trial->input_size,
                       sizeof trial->input - trial->input_size, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        finish(trial);
        return;
    }
    trial->input_size += (size_t)got;
    int size = stun_message_validate_buffer_length(trial->input, trial->input_size, true);
    if (size > 0) {
        /* One answer to one request: what is behind it was not asked for. */
        trial->input_size = 0;
        take(trial, trial->input, (size_t)size);
    } else if (size == STUN_MESSAGE_BUFFER_INVALID || trial->input_size == sizeof trial->input) {
        finish(trial);
    }
}

static void
on_ready(void *argument, int descriptor, unsigned events)
{
    struct reload_relay_trial *trial = argument;
    (void)descriptor;
    if (events & RELOAD_WATCH_WRITE) { /* the connection is there, or has failed */
        reload_watch_set(trial->watch, RELOAD_WATCH_READ);
        step_to(trial, ASK);
    } else if (trial->options.relay.tcp) {
        recv_stream(trial);
    } else {
        recv_datagram(trial);
    }
}

static void
on_timer(void *argument)
{
    struct reload_relay_trial *trial = argument;
    if (trial->step == DONE)
        return;
    if (trial->options.relay.tcp || trial->tries >= TRIES ||
        reload_loop_now(trial->options.loop) >= trial->deadline)
        finish(trial);
    else
        repeat(trial);
}

/* ---- life ----------------------------------------------------------------------------------- */

static int
open_socket(struct reload_relay_trial *trial)
{
    bool tcp = trial->options.relay.tcp;
    struct reload_address local = trial->options.local;
    struct sockaddr_storage from;
    local.port = 0;
    trial->descriptor = socket(trial->relay.ss_family,
                               (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (trial->descriptor < 0)
        return RELOAD_E_IO;
    if (local.family == trial->options.relay.address.family && to_socket(&local, &from) &&
        bind(trial->descriptor, (struct sockaddr *)&from, length_of(&from)) != 0)
        return RELOAD_E_IO;
    if (tcp &&
        connect(trial->descriptor, (struct sockaddr *)&trial->relay, length_of(&trial->relay)) &&
        errno != EINPROGRESS)
        return RELOAD_E_IO;
    return reload_loop_watch(trial->options.loop, trial->descriptor,
                             tcp ? RELOAD_WATCH_WRITE : RELOAD_WATCH_READ, on_ready, trial,
                             &trial->watch);
}

int
relay_trial_begin(const struct reload_relay_trial_options *options, reload_relay_trial_fn *done,
                  void *argument, struct reload_relay_trial **made)
{
    struct reload_relay_trial *trial = calloc(1, sizeof *trial);
    if (!trial)
        return RELOAD_E_NOMEM;
    trial->options = *options;
    trial->done = done;
    trial->argument = argument;
    trial->outcome.verdict = RELOAD_RELAY_SILENT;
    trial->descriptor = -1;
    trial->begun = reload_loop_now(options->loop);
    trial->deadline = trial->begun + TRIAL_TIME;
    stun_agent_init(&trial->stun, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_LONG_TERM_CREDENTIALS | STUN_AGENT_USAGE_NO_INDICATION_AUTH);
    int error = to_socket(&options->relay.address, &trial->relay)
                    ? reload_loop_timer(options->loop, on_timer, trial, &trial->timer)
                    : RELOAD_E_IO;
    if (!error)
        error = open_socket(trial);
    if (!error && !options->relay.tcp)
        trial->size = write_allocate(trial);
    if (!error && !options->relay.tcp && trial->size == 0)
        error = RELOAD_E_IO;
    if (error) {
        relay_trial_end(trial);
        return error;
    }
    if (options->relay.tcp)
        reload_timer_set(trial->timer, trial->deadline);
    else
        trial->rto = FIRST_RTO, repeat(trial);
    *made = trial;
    return 0;
}

void
relay_trial_end(struct reload_relay_trial *trial)
{
    if (!trial)
        return;
    give_back(trial);
    reload_watch_free(trial->watch);
    reload_timer_free(trial->timer);
    if (trial->descriptor >= 0)
        (void)close(trial->descriptor);
    explicit_bzero(trial, sizeof *trial);
    free(trial);
}
