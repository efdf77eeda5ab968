/* check_turn.c: do the overlay's relays give us addresses, by UDP and by TCP?
 *
 * RFC 6940 9. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/doctor/checkup.h"

#ifdef RELOAD_ICE

#include "ice/nice_agent.h"
#include "reload/run/loop_libevent.h"
#include "reload/run/socket_address.h"

#include <stdio.h>

#define RELAYS_SHOWN 3
#define LEAVE_MS 5000

/* One gathering, with one relay. */
struct allocation {
    struct reload_loop *loop;
    bool done, relayed;
    struct reload_address address;
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

/* The agent gives up after 3 seconds, and gives its allocation back in the background. */
static struct allocation
allocate(const struct reload_ice_relay *relay)
{
    static const struct reload_ice_user user = {on_gathered, on_ready, on_recv, on_failed};
    struct allocation allocation = {.loop = NULL};
    struct reload_ice_agent *agent = NULL;
    size_t alive = 0;
    if (reload_loop_new(&allocation.loop))
        return allocation;
    struct reload_ice_options options = {.loop = allocation.loop,
                                         .controlling = true,
                                         .loopback = reload_address_is_loopback(&relay->address),
                                         .relays = {*relay},
                                         .relay_count = 1,
                                         .overlay_link = RELOAD_OVERLAY_LINK_TYPE_DTLS_UDP_SR,
                                         .alive = &alive};
    int error = reload_nice_agent.open(&options, &user, &allocation, &agent);
    while (!error && !allocation.done)
        error = reload_loop_turn(allocation.loop);
    if (agent)
        reload_nice_agent.close(agent);
    double until_ms = checkup_now_ms() + LEAVE_MS;
    while (alive > 0 && checkup_now_ms() < until_ms && !reload_loop_turn(allocation.loop))
        continue;
    reload_loop_free(allocation.loop);
    return allocation;
}

static void
check_relay(struct checkup *checkup, const json_t *row, bool tcp)
{
    struct reload_ice_relay relay = {.tcp = tcp};
    const char *address = json_string_value(json_object_get(row, "address"));
    const char *username = json_string_value(json_object_get(row, "username"));
    const char *password = json_string_value(json_object_get(row, "password"));
    const char *protocol = tcp ? "TCP" : "UDP";
    char relayed[RELOAD_ADDRESS_TEXT_SIZE];
    if (!address || !username || !password || reload_address_parse(address, 0, &relay.address))
        return;
    (void)snprintf(relay.username, sizeof relay.username, "%s", username);
    (void)snprintf(relay.password, sizeof relay.password, "%s", password);
    double began_ms = checkup_now_ms();
    struct allocation allocation = allocate(&relay);
    if (allocation.relayed)
        checkup_find(checkup, "turn", FINDING_GOOD, NULL, "%s by %s gives us %s", address, protocol,
                     reload_address_text(&allocation.address, relayed));
    else
        checkup_find(checkup, "turn", FINDING_WARNING,
                     "something on the way lets nothing through to that port, or the relay is down "
                     "or full",
                     "%s by %s gives us no address (%.0f ms)", address, protocol,
                     checkup_now_ms() - began_ms);
    checkup_text(checkup, "address", address);
    checkup_text(checkup, "protocol", protocol);
}

void
check_turn(struct checkup *checkup)
{
    char reason[SETTINGS_REASON_SIZE];
    if (!checkup->joined || checkup->daemon.config->no_ice) {
        checkup_find(checkup, "turn", FINDING_SKIPPED, NULL, "%s",
                     checkup->joined ? "the overlay is one without ICE"
                                     : "the node has not joined");
        return;
    }
    if (checkup->daemon.config->turn_density == 0) {
        checkup_find(checkup, "turn", FINDING_NOTE, NULL,
                     "the overlay has no relays (turn-density is 0 in its document)");
        return;
    }
    json_t *answer =
        checkup_ask(checkup, json_pack("{s:s}", "command", "relays"), reason, sizeof reason);
    json_t *relays = json_object_get(answer, "relays");
    size_t count = json_array_size(relays);
    if (count == 0)
        checkup_find(checkup, "turn", FINDING_WARNING,
                     "behind symmetric NATs and where UDP is blocked, links need a node with role "
                     "'turn'; one that has just joined finds it after some seconds",
                     "no relay is known%s%s", answer ? "" : ": ", answer ? "" : reason);
    for (size_t i = 0; i < count && i < RELAYS_SHOWN; i++) {
        check_relay(checkup, json_array_get(relays, i), false);
        check_relay(checkup, json_array_get(relays, i), true);
    }
    json_decref(answer);
}

#else

void
check_turn(struct checkup *checkup)
{
    checkup_find(checkup, "turn", FINDING_SKIPPED, NULL, "this program was built without libnice");
}

#endif
