/* relay.c: trying relays, and letting them write to us: by an ICE agent, which asks for a relayed
 * candidate.
 *
 * RFC 6940 9, RFC 8656 7. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/doctor/relay.h"

#include "ice/nice_agent.h"
#include "reload/run/loop_libevent.h"
#include "reload/run/socket_address.h"

#include <stdio.h>
#include <sys/socket.h>

#define LEAVE_MS 5000
/* libnice repeats its checks after 0.5 s and then after 1 s. */
#define KNOCK_TIME (1200 * RELOAD_MS)
#define INVITED_TIME (2800 * RELOAD_MS)

/* ---- which there are ------------------------------------------------------------------------ */

static bool
read_relay(const json_t *row, bool own, struct doctor_relay *relay)
{
    const char *address = json_string_value(json_object_get(row, "address"));
    const char *username = json_string_value(json_object_get(row, "username"));
    const char *password = json_string_value(json_object_get(row, "password"));
    *relay = (struct doctor_relay){.own = own};
    if (!address || !username || !password || reload_address_parse(address, 0, &relay->address))
        return false;
    (void)snprintf(relay->username, sizeof relay->username, "%s", username);
    (void)snprintf(relay->password, sizeof relay->password, "%s", password);
    return true;
}

/* Adds what is in |array|. */
static size_t
add_relays(const json_t *array, struct doctor_relay *relays, size_t count, size_t max)
{
    size_t index;
    const json_t *row;
    json_array_foreach(array, index, row)
    {
        if (count < max && read_relay(row, false, &relays[count]))
            count++;
    }
    return count;
}

size_t
doctor_relays(const struct checkup *checkup, struct doctor_relay *relays, size_t max, char *reason)
{
    size_t count = 0;
    json_t *own = checkup_ask(checkup, json_pack("{s:s}", "command", "own-relay"), reason,
                              SETTINGS_REASON_SIZE);
    if (max > 0 && read_relay(own, true, &relays[0]))
        count = 1;
    json_decref(own);
    json_t *answer =
        checkup_ask(checkup, json_pack("{s:s}", "command", "relays"), reason, SETTINGS_REASON_SIZE);
    count = add_relays(json_object_get(answer, "relays"), relays, count, max);
    count = add_relays(json_object_get(answer, "doubtful"), relays, count, max);
    if (answer)
        *reason = '\0';
    json_decref(answer);
    return count;
}

static struct reload_ice_relay
credentials_of(const struct doctor_relay *relay, bool tcp)
{
    struct reload_ice_relay asked = {.address = relay->address, .tcp = tcp};
    (void)snprintf(asked.username, sizeof asked.username, "%s", relay->username);
    (void)snprintf(asked.password, sizeof asked.password, "%s", relay->password);
    return asked;
}

/* ---- one trial ------------------------------------------------------------------------------ */

struct attempt {
    bool done;
    struct reload_relay_outcome outcome;
};

static void
on_tried(void *argument, const struct reload_relay_outcome *outcome)
{
    struct attempt *attempt = argument;
    attempt->done = true;
    attempt->outcome = *outcome;
}

struct reload_relay_outcome
doctor_relay_try(const struct doctor_relay *relay, bool tcp)
{
    struct attempt attempt = {.outcome.verdict = RELOAD_RELAY_SILENT};
    struct reload_relay_trial_options options = {.relay = credentials_of(relay, tcp)};
    struct reload_relay_trial *trial = NULL;
    if (reload_loop_new(&options.loop))
        return attempt.outcome;
    int error = reload_nice_agent.try_relay(&options, on_tried, &attempt, &trial);
    while (!error && !attempt.done)
        error = reload_loop_turn(options.loop);
    if (trial)
        reload_nice_agent.end_trial(trial);
    reload_loop_free(options.loop);
    return attempt.outcome;
}

/* ---- one allocation ------------------------------------------------------------------------- */

struct allocation {
    struct reload_loop *loop;
    struct reload_ice_agent *agent;
    size_t alive;
    bool done, relayed;
    struct reload_address address;
    /* Of a knock: */
    int descriptor;
    const struct reload_address *host; /* the relay's */
    struct reload_timer *timer;
    bool heard, invited, expired;
};

static void
on_gathered(void *argument, const struct reload_offer *offer)
{
    struct allocation *allocation = argument;
    allocation->done = true;
    for (size_t i = 0; offer && i < offer->candidate_count; i++)
        if (offer->candidates[i].type == RELOAD_CAND_TYPE_RELAY) {
            allocation->relayed = true;
            allocation->address = offer->candidates[i].address;
        }
}

static void
on_failed(void *argument, int error)
{
    struct allocation *allocation = argument;
    (void)error;
    allocation->done = true;
}

static void
on_ready(void *argument, const struct reload_ice_pair *pair)
{
    (void)argument;
    (void)pair;
}

static void
on_recv(void *argument, struct reload_bytes bytes)
{
    (void)argument;
    (void)bytes;
}

/* The agent gives up after 3 seconds. */
static void
allocate(struct allocation *allocation, const struct doctor_relay *relay)
{
    static const struct reload_ice_user user = {on_gathered, on_ready, on_recv, on_failed};
    struct reload_ice_options options = {.controlling = true,
                                         .loopback = reload_address_is_loopback(&relay->address),
                                         .relays = {credentials_of(relay, false)},
                                         .relay_count = 1,
                                         .overlay_link = RELOAD_OVERLAY_LINK_TYPE_DTLS_UDP_SR,
                                         .alive = &allocation->alive};
    *allocation = (struct allocation){.alive = 0, .descriptor = -1};
    options.alive = &allocation->alive;
    if (reload_loop_new(&allocation->loop))
        return;
    options.loop = allocation->loop;
    int error = reload_nice_agent.open(&options, &user, allocation, &allocation->agent);
    while (!error && !allocation->done)
        error = reload_loop_turn(allocation->loop);
}

/* The allocation is given back in the background. */
static void
leave(struct allocation *allocation)
{
    double until_ms = checkup_now_ms() + LEAVE_MS;
    if (allocation->agent)
        reload_nice_agent.close(allocation->agent);
    while (allocation->alive > 0 && checkup_now_ms() < until_ms &&
           !reload_loop_turn(allocation->loop))
        continue;
    reload_loop_free(allocation->loop);
}

/* ---- letting it write to us ----------------------------------------------------------------- */

/* Anything that comes from the relay's host: our socket never wrote to it. */
static void
on_datagram(void *argument, int descriptor, unsigned events)
{
    struct allocation *allocation = argument;
    uint8_t octets[600];
    struct sockaddr_storage storage = {0};
    socklen_t length = sizeof storage;
    struct reload_address from;
    (void)events;
    if (recvfrom(descriptor, octets, sizeof octets, 0, (struct sockaddr *)&storage, &length) > 0 &&
        reload_address_of_socket(&storage, &from) == 0 &&
        from.family == allocation->address.family &&
        memcmp(from.octets, allocation->address.octets, sizeof from.octets) == 0)
        allocation->heard = true;
}

/* Nothing came. Once we have written to that host, it must get in, whatever kind of NAT this is. */
static void
on_expiry(void *argument)
{
    struct allocation *allocation = argument;
    struct sockaddr_storage host;
    socklen_t length = reload_address_to_socket(
        allocation->host, allocation->host->family == 4 ? AF_INET : AF_INET6, &host);
    allocation->expired = allocation->invited;
    allocation->invited = true;
    /* Should it be lost, we are wiser no more than before. */
    (void)sendto(allocation->descriptor, "", 1, 0, (struct sockaddr *)&host, length);
    reload_timer_set(allocation->timer, reload_loop_now(allocation->loop) + INVITED_TIME);
}

/* The agent's checks of that address also leave from its relayed candidate. */
static int
check(struct allocation *allocation, const struct reload_address *to)
{
    struct reload_offer offer = {.candidate_count = 1, .ufrag = "knock"};
    offer.candidates[0] =
        (struct reload_candidate){.address = *to,
                                  .priority = 1,
                                  .overlay_link = RELOAD_OVERLAY_LINK_TYPE_DTLS_UDP_SR,
                                  .type = RELOAD_CAND_TYPE_HOST,
                                  .foundation = "1"};
    (void)snprintf(offer.password, sizeof offer.password, "nobody-answers-these-checks");
    return reload_nice_agent.check(allocation->agent, &offer);
}

enum doctor_knock
doctor_relay_knock(const struct doctor_relay *relay, const struct reload_address *to,
                   int descriptor)
{
    struct allocation allocation;
    struct reload_watch *watch = NULL;
    allocate(&allocation, relay);
    allocation.descriptor = descriptor;
    allocation.host = &relay->address;
    if (allocation.relayed &&
        !reload_loop_watch(allocation.loop, descriptor, RELOAD_WATCH_READ, on_datagram, &allocation,
                           &watch) &&
        !reload_loop_timer(allocation.loop, on_expiry, &allocation, &allocation.timer) &&
        !check(&allocation, to)) {
        reload_timer_set(allocation.timer, reload_loop_now(allocation.loop) + KNOCK_TIME);
        while (!allocation.heard && !allocation.expired && !reload_loop_turn(allocation.loop))
            continue;
    }
    reload_watch_free(watch);
    reload_timer_free(allocation.timer);
    leave(&allocation);
    return !allocation.heard    ? DOCTOR_KNOCK_SILENT
           : allocation.invited ? DOCTOR_KNOCK_INVITED
                                : DOCTOR_KNOCK_HEARD;
}
