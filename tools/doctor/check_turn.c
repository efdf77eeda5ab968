/* check_turn.c: do the overlay's relays give us addresses, by UDP and by TCP?
 *
 * RFC 6940 9. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/doctor/checkup.h"

#ifdef RELOAD_ICE

#include "reload/run/socket_address.h"
#include "tools/doctor/relay.h"

static const char *
protocol_of(bool tcp)
{
    return tcp ? "TCP" : "UDP";
}

/* A relay of our own is asked from its own host, as nobody else would. */
static void
tell_good(struct checkup *checkup, const struct doctor_relay *relay, const char *address, bool tcp,
          const struct reload_relay_outcome *outcome)
{
    checkup_find(checkup, "turn", FINDING_GOOD, NULL, "%s%s by %s: %s (%.0f ms)%s",
                 relay->own ? "our own, " : "", address, protocol_of(tcp),
                 tcp ? "gives us an address" : "what we send through it comes back",
                 (double)outcome->taken_ns / 1e6,
                 relay->own ? "; asked from this host, so others' way to it is not known" : "");
}

/* Where UDP is blocked it is no wonder that relays do not answer by it. */
static void
tell_silent(struct checkup *checkup, const struct doctor_relay *relay, const char *address,
            bool tcp)
{
    bool blocked = !tcp && checkup->reached_tcp && !checkup->reached_udp && !relay->own;
    const char *advice = relay->own ? "look at this node's log, and at [turn] in its configuration"
                         : blocked  ? NULL
                                    : "something on the way lets nothing through to that port, or "
                                      "the relay is down or full";
    checkup_find(checkup, "turn", blocked ? FINDING_NOTE : FINDING_WARNING, advice,
                 "%s%s by %s gives us no address%s", relay->own ? "our own, " : "", address,
                 protocol_of(tcp), blocked ? ": UDP is blocked" : "");
}

static const char *
verdict_of(enum reload_relay_verdict verdict)
{
    return verdict == RELOAD_RELAY_WORKS   ? "works"
           : verdict == RELOAD_RELAY_GIVES ? "gives"
                                           : "silent";
}

static void
check_relay(struct checkup *checkup, const struct doctor_relay *relay, bool tcp)
{
    char address[RELOAD_ADDRESS_TEXT_SIZE];
    struct reload_relay_outcome outcome = doctor_relay_try(relay, tcp);
    (void)reload_address_text(&relay->address, address);
    if (outcome.verdict == RELOAD_RELAY_WORKS || (tcp && outcome.verdict == RELOAD_RELAY_GIVES))
        tell_good(checkup, relay, address, tcp, &outcome);
    else if (outcome.verdict == RELOAD_RELAY_GIVES)
        checkup_find(checkup, "turn", FINDING_WARNING,
                     "whoever runs it should look at its addresses and ports; the node uses others "
                     "where it can",
                     "%s%s by UDP gives us an address, but what we send there does not come back",
                     relay->own ? "our own, " : "", address);
    else
        tell_silent(checkup, relay, address, tcp);
    checkup_text(checkup, "address", address);
    checkup_text(checkup, "protocol", protocol_of(tcp));
    checkup_text(checkup, "verdict", verdict_of(outcome.verdict));
}

void
check_turn(struct checkup *checkup)
{
    struct doctor_relay relays[DOCTOR_RELAYS_MAX];
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
    size_t count = doctor_relays(checkup, relays, DOCTOR_RELAYS_MAX, reason);
    if (count == 0)
        checkup_find(checkup, "turn", FINDING_WARNING,
                     "behind symmetric NATs and where UDP is blocked, links need a node with role "
                     "'turn'; one that has just joined finds it after some seconds",
                     "no relay is known%s%s", *reason ? ": " : "", reason);
    for (size_t i = 0; i < count; i++) {
        check_relay(checkup, &relays[i], false);
        check_relay(checkup, &relays[i], true);
    }
}

#else

void
check_turn(struct checkup *checkup)
{
    checkup_find(checkup, "turn", FINDING_SKIPPED, NULL, "this program was built without libnice");
}

#endif
