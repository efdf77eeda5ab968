/* nat_survey.h: what a NAT does, found out from this host: how others see it, and what gets in.
 *
 * RFC 4787 4, 5; RFC 5780 4. SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_DOCTOR_NAT_SURVEY_H
#define TOOLS_DOCTOR_NAT_SURVEY_H

#include "tools/doctor/relay.h"

#define NAT_SERVERS_MAX 12

/* How one STUN server sees our socket. */
struct nat_view {
    struct reload_address server, mapped;
};

enum nat_filtering {
    NAT_FILTERING_UNKNOWN,
    NAT_FILTERING_NONE,            /* whoever knows our address gets in */
    NAT_FILTERING_ADDRESS,         /* hosts that we wrote to, by all their ports */
    NAT_FILTERING_AT_MOST_ADDRESS, /* as above, or none: there was no other host to try */
    NAT_FILTERING_PORT,            /* only the ports that we wrote to */
};

struct nat_survey {
    uint8_t family;
    struct reload_address servers[NAT_SERVERS_MAX]; /* to be asked; nodes before relays */
    size_t server_count;
    const struct doctor_relay *relays;
    size_t relay_count;
    struct nat_view views[NAT_SERVERS_MAX]; /* who answered, in the order above */
    size_t view_count;
};

/* nat_survey_add notes a server to be asked: of the survey's family, not there yet. */
void nat_survey_add(struct nat_survey *survey, const struct reload_address *server);

/* nat_survey_map asks all of them from one socket; fills |views|. */
void nat_survey_map(struct nat_survey *survey);

/* nat_survey_filter finds out what gets in, from new sockets: another port of the first server that
 * can answer from one (CHANGE-REQUEST), then a relay at a host that the socket never wrote to. */
enum nat_filtering nat_survey_filter(const struct nat_survey *survey);

#endif
