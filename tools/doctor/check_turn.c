/* check_turn.c: do the overlay's relays give us addresses, by UDP and by TCP?
 *
 * RFC 6940 9. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/doctor/checkup.h"

#ifdef RELOAD_ICE

#include "reload/run/socket_address.h"
#include "tools/doctor/relay.h"

/* Where UDP is blocked it is no wonder that relays do not answer by it. */
static void
tell_silent(struct checkup *checkup, const struct doctor_relay *relay, const char *address,
            bool tcp, double took_ms)
{
    bool blocked = !tcp && checkup->reached_tcp && !checkup->reached_udp;
    const char *advice = relay->own ? "look at this node's log, and at [turn] in its configuration"
                         : blocked  ? NULL
                                    : "something on the way lets nothing through to that port, or "
                                      "the relay is down or full";
    checkup_find(checkup, "turn", blocked && !relay->own ? FINDING_NOTE : FINDING_WARNING, advice,
                 "%s%s by %s gives us no address (%.0f ms)%s", relay->own ? "our own, " : "",
                 address, tcp ? "TCP" : "UDP", took_ms, blocked ? ": UDP is blocked" : "");
}

static void
check_relay(struct checkup *checkup, const struct doctor_relay *relay, bool tcp)
{
    char address[RELOAD_ADDRESS_TEXT_SIZE], text[RELOAD_ADDRESS_TEXT_SIZE];
    struct reload_address relayed;
    double began_ms = checkup_now_ms();
    (void)reload_address_text(&relay->address, address);
    if (doctor_relay_allocate(relay, tcp, &relayed))
        checkup_find(checkup, "turn", FINDING_GOOD, NULL, "%s%s by %s gives us %s%s",
                     relay->own ? "our own, " : "", address, tcp ? "TCP" : "UDP",
                     reload_address_text(&relayed, text),
                     relay->own ? ", asked from this host: nothing is known of others' way to it"
                                : "");
    else
        tell_silent(checkup, relay, address, tcp, checkup_now_ms() - began_ms);
    checkup_text(checkup, "address", address);
    checkup_text(checkup, "protocol", tcp ? "TCP" : "UDP");
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
