/* driver_relay.c: what TURN servers are worth: tries them out, one at a time, and tells how those
 * turned out that agents used. docs/turn.md.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/driver_internal.h"

#include "reload/run/env_host.h"
#include "reload/run/socket_address.h"

/* ---- trials --------------------------------------------------------------------------------- */

static void try_out(struct reload_driver *driver, bool tcp);

static void
judge(struct reload_driver *driver, enum reload_relay_verdict verdict)
{
    static const char *const words[] = {[RELOAD_RELAY_SILENT] = "gives no address",
                                        [RELOAD_RELAY_LIES] = "tells us a wrong address",
                                        [RELOAD_RELAY_GIVES] = "gives an address",
                                        [RELOAD_RELAY_WORKS] = "works"};
    char address[RELOAD_ADDRESS_TEXT_SIZE];
    bool tcp = driver->tried.tcp;
    reload_env_log(driver->options.node.env, RELOAD_LOG_DEBUG, "relay %s by %s %s",
                   reload_address_text(&driver->tried.address, address), tcp ? "TCP" : "UDP",
                   words[verdict]);
    driver->options.relay_tried(driver->options.relays_argument, &driver->tried, verdict);
    if (!tcp && verdict != RELOAD_RELAY_WORKS)
        try_out(driver, true);
}

/* A relay by UDP tells agents how they are seen, and no STUN server is asked beside it: it has to
 * say what those say. */
static void
on_tried(void *argument, const struct reload_relay_outcome *outcome)
{
    struct reload_driver *driver = argument;
    enum reload_relay_verdict verdict = outcome->verdict;
    if (!driver->tried.tcp && outcome->mapped.family &&
        !reload_stun_peers_confirm(&driver->stun_peers, &outcome->mapped))
        verdict = RELOAD_RELAY_LIES;
    driver_relay_fini(driver);
    judge(driver, verdict);
}

static void
try_out(struct reload_driver *driver, bool tcp)
{
    struct reload_relay_trial_options options = {.loop = driver->options.loop};
    driver->tried.tcp = tcp;
    options.relay = driver->tried;
    if (!reload_address_is_any(&driver->address))
        options.local = driver->address;
    if (driver->options.ice->try_relay(&options, on_tried, driver, &driver->trial))
        judge(driver, RELOAD_RELAY_SILENT);
}

void
driver_relay_turn(struct reload_driver *driver)
{
    const struct reload_driver_options *options = &driver->options;
    if (driver->trial || !options->relay_untried || !options->ice ||
        !options->relay_untried(options->relays_argument, &driver->tried))
        return;
    try_out(driver, driver_stun_udp(driver) == RELOAD_STUN_UDP_BLOCKED);
}

void
driver_relay_fini(struct reload_driver *driver)
{
    if (driver->trial)
        driver->options.ice->end_trial(driver->trial);
    driver->trial = NULL;
}

/* ---- use ------------------------------------------------------------------------------------ */

static void
tell(struct reload_driver *driver, const struct reload_ice_relay *relay, enum reload_relay_use use)
{
    char address[RELOAD_ADDRESS_TEXT_SIZE];
    if (use == RELOAD_RELAY_STALLED || use == RELOAD_RELAY_LIED)
        reload_env_log(driver->options.node.env, RELOAD_LOG_DEBUG, "relay %s by %s %s an agent",
                       reload_address_text(&relay->address, address), relay->tcp ? "TCP" : "UDP",
                       use == RELOAD_RELAY_LIED ? "tells a wrong address to"
                                                : "gives no address to");
    if (driver->options.relay_used)
        driver->options.relay_used(driver->options.relays_argument, relay, use);
}

/* A reflexive address in |offer| is one that STUN servers see, or there is none. With several
 * uplinks others may be right, too: servers are asked through one of them only. */
static bool
is_confirmed(const struct reload_driver *driver, const struct reload_offer *offer)
{
    bool any = false;
    for (size_t i = 0; i < offer->candidate_count; i++) {
        if (offer->candidates[i].type != RELOAD_CAND_TYPE_SRFLX)
            continue;
        if (reload_stun_peers_confirm(&driver->stun_peers, &offer->candidates[i].address))
            return true;
        any = true;
    }
    return !any;
}

static bool
has_type(const struct reload_offer *offer, uint8_t type)
{
    for (size_t i = 0; offer && i < offer->candidate_count; i++)
        if (offer->candidates[i].type == type)
            return true;
    return false;
}

bool
driver_relay_gathered(struct reload_driver *driver, struct ice_session *ice,
                      const struct reload_offer *offer)
{
    unsigned given = ice->relay_count > 0 ? driver->options.ice->relays_given(ice->agent) : 0;
    bool lied = given && ice->stun_dropped && offer && !is_confirmed(driver, offer);
    for (size_t i = 0; i < ice->relay_count; i++)
        tell(driver, &ice->relays[i],
             !(given & 1u << i)            ? RELOAD_RELAY_STALLED
             : lied && !ice->relays[i].tcp ? RELOAD_RELAY_LIED
                                           : RELOAD_RELAY_GAVE);
    ice->relayed = has_type(offer, RELOAD_CAND_TYPE_RELAY);
    bool stalled = ice->relay_count > 0 && !given;
    return !lied && !(stalled && (ice->stun_dropped || ice->gathered_anew == 0));
}

void
driver_relay_no_link(struct driver_link *link)
{
    struct ice_session *ice = link->ice;
    for (size_t i = 0; ice && link->state == DRIVER_LINK_CONNECTING && i < ice->relay_count; i++)
        tell(link->driver, &ice->relays[i], RELOAD_RELAY_NO_LINK);
}
