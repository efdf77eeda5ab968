/* check_nat.c: what kind of NAT is between this host and the overlay.
 *
 * Who is asked: the bootstrap nodes, the peers that the node knows to answer STUN (RFC 6940
 * 6.5.1.4), and the overlay's relays. RFC 4787 4, 5. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/doctor/checkup.h"

#ifdef RELOAD_ICE

#include "reload/run/socket_address.h"
#include "tools/doctor/nat_survey.h"

#define OWN_MAX 32
#define RELAYS_MS 3000

/* Whether |address| is one of this host, whatever its port. */
static bool
is_local(const struct reload_address *address)
{
    struct reload_address own[OWN_MAX];
    size_t count = reload_address_interfaces(0, address->port, own, OWN_MAX);
    for (size_t i = 0; i < count; i++)
        if (reload_address_equal(&own[i], address))
            return true;
    return reload_address_is_loopback(address);
}

/* Servers at this host tell nothing of a NAT; on loopback there is nobody else. */
static void
add_server(const struct checkup *checkup, struct nat_survey *survey,
           const struct reload_address *server)
{
    bool on_loopback = reload_address_is_loopback(&checkup->daemon.settings.listen);
    if (!is_local(server) || (on_loopback && reload_address_is_loopback(server)))
        nat_survey_add(survey, server);
}

static void
find_servers(const struct checkup *checkup, struct nat_survey *survey)
{
    size_t index;
    const json_t *row;
    struct reload_address server;
    for (size_t i = 0; i < checkup->bootstrap_count; i++)
        add_server(checkup, survey, &checkup->bootstrap[i]);
    json_array_foreach(json_object_get(checkup->status, "stun"), index, row)
    {
        const char *text = json_string_value(json_object_get(row, "address"));
        if (text && reload_address_parse(text, 0, &server) == 0)
            add_server(checkup, survey, &server);
    }
    for (size_t i = 0; i < survey->relay_count; i++)
        if (!survey->relays[i].own)
            add_server(checkup, survey, &survey->relays[i].address);
}

/* ---- what was found ------------------------------------------------------------------------- */

static size_t
count_hosts(const struct nat_survey *survey)
{
    size_t hosts = 0;
    for (size_t i = 0; i < survey->view_count; i++) {
        bool first = true;
        for (size_t k = 0; k < i; k++)
            first &= memcmp(survey->views[i].server.octets, survey->views[k].server.octets,
                            sizeof survey->views[i].server.octets) != 0;
        hosts += first;
    }
    return hosts;
}

/* Returns the mapping's name in JSON. */
static const char *
tell_mapping(struct checkup *checkup, const struct nat_survey *survey)
{
    char text[RELOAD_ADDRESS_TEXT_SIZE];
    const struct reload_address *mapped = &survey->views[0].mapped;
    bool same = true;
    for (size_t i = 1; i < survey->view_count; i++)
        same &= reload_address_equal(mapped, &survey->views[i].mapped);
    (void)reload_address_text(mapped, text);
    const char *mapping = is_local(mapped)         ? "none"
                          : !same                  ? "dependent"
                          : survey->view_count < 2 ? "unknown"
                                                   : "independent";
    if (is_local(mapped))
        checkup_find(checkup, "nat", FINDING_GOOD, NULL, "none: others see %s, this host's own",
                     text);
    else if (!same)
        checkup_find(
            checkup, "nat", FINDING_WARNING, "links to some nodes will need a relay (TURN)",
            "symmetric: each destination sees another address of ours, the first %s", text);
    else if (survey->view_count < 2)
        checkup_find(checkup, "nat", FINDING_NOTE, NULL,
                     "others see %s; whether all see the same is not known: only one answers STUN",
                     text);
    else
        checkup_find(checkup, "nat", FINDING_GOOD, NULL, "a kind one: %s see us as %s",
                     count_hosts(survey) == 1 ? "all ports of one host" : "all", text);
    checkup_text(checkup, "mapping", mapping);
    checkup_text(checkup, "reflexive", text);
    return mapping;
}

static void
tell_filtering(struct checkup *checkup, enum nat_filtering filtering)
{
    static const struct {
        enum finding finding;
        const char *name, *text;
    } rows[] = {
        [NAT_FILTERING_UNKNOWN] = {FINDING_NOTE, "unknown",
                                   "not known: nobody answers from another port than was asked"},
        [NAT_FILTERING_NONE] = {FINDING_GOOD, "none", "none: whoever knows our address gets in"},
        [NAT_FILTERING_ADDRESS] = {FINDING_GOOD, "address",
                                   "only hosts that we wrote to get in, by any of their ports"},
        [NAT_FILTERING_AT_MOST_ADDRESS] = {FINDING_GOOD, "at most address",
                                           "other ports of a host that we wrote to get in, too; "
                                           "whether other hosts do is not known, there was no "
                                           "relay to try"},
        [NAT_FILTERING_PORT] = {FINDING_NOTE, "address and port",
                                "only what we wrote to gets in, by address and port; ICE copes "
                                "with that"},
    };
    checkup_find(checkup, "filtering", rows[filtering].finding, NULL, "%s", rows[filtering].text);
    checkup_text(checkup, "filtering", rows[filtering].name);
}

static void
check_family(struct checkup *checkup, uint8_t family, const struct doctor_relay *relays,
             size_t relay_count, bool *asked, bool *answered)
{
    struct nat_survey survey = {.family = family, .relays = relays, .relay_count = relay_count};
    find_servers(checkup, &survey);
    nat_survey_map(&survey);
    *asked |= survey.server_count > 0;
    *answered |= survey.view_count > 0;
    if (survey.view_count == 0)
        return;
    checkup_find(checkup, "stun", FINDING_GOOD, NULL, "%zu of %zu addresses of IPv%u answer",
                 survey.view_count, survey.server_count, family);
    checkup_number(checkup, "hosts", (double)count_hosts(&survey));
    (void)tell_mapping(checkup, &survey);
    if (!reload_address_is_loopback(&survey.views[0].mapped))
        tell_filtering(checkup, nat_survey_filter(&survey));
}

static void
tell_silence(struct checkup *checkup)
{
    if (checkup->reached_tcp && !checkup->reached_udp)
        checkup_find(checkup, "nat", FINDING_WARNING,
                     "all links need a relay that is reached by TCP: audio may lag",
                     "UDP is blocked here: no bootstrap node answers by it, nor any STUN server");
    else
        checkup_find(checkup, "nat",
                     checkup->reached_udp || checkup->joined ? FINDING_WARNING : FINDING_FAILURE,
                     "UDP is blocked, or the other nodes are built without ICE; without STUN only "
                     "nodes in the same network and relays reach us",
                     "nobody answers STUN");
    checkup_text(checkup, "mapping", "blocked");
}

/* A node that has just joined hears of STUN servers with each link, and finds relays a moment
 * later. */
static size_t
wait_for_relays(struct checkup *checkup, struct doctor_relay *relays)
{
    char reason[SETTINGS_REASON_SIZE];
    bool hopes = checkup->child && checkup->daemon.config->turn_density > 0;
    double until_ms = checkup_now_ms() + RELAYS_MS;
    size_t count;
    while ((count = doctor_relays(checkup, relays, DOCTOR_RELAYS_MAX, reason)) == 0 && hopes &&
           checkup_now_ms() < until_ms)
        checkup_pause(100);
    (void)checkup_look(checkup);
    return count;
}

void
check_nat(struct checkup *checkup)
{
    struct doctor_relay relays[DOCTOR_RELAYS_MAX];
    bool asked = false, answered = false;
    bool no_ice = checkup->has_credentials && checkup->daemon.config->no_ice;
    size_t count = checkup->joined && !no_ice ? wait_for_relays(checkup, relays) : 0;
    check_family(checkup, 4, relays, count, &asked, &answered);
    check_family(checkup, 6, relays, count, &asked, &answered);
    if (!asked)
        checkup_find(checkup, "nat", FINDING_SKIPPED, NULL,
                     "there is no other node that could be asked how it sees us");
    else if (!answered)
        tell_silence(checkup);
}

#else

void
check_nat(struct checkup *checkup)
{
    checkup_find(checkup, "nat", FINDING_SKIPPED, NULL, "this program was built without libnice");
}

#endif
