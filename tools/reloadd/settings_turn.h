/* settings_turn.h: the section [turn] of reloadd's configuration.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RELOADD_SETTINGS_TURN_H
#define TOOLS_RELOADD_SETTINGS_TURN_H

#include "usages/turn_address.h"

#define TURN_PORT 3478

struct turn_settings {
    struct reload_address listen;     /* any: the first public one of this host */
    struct reload_address external;   /* family 0: |listen|; port 0: its port */
    uint16_t port_min, port_max;      /* for relayed addresses */
    uint32_t max_bitrate_kbps;        /* of one allocation; 0: no limit */
    uint32_t user_quota, total_quota; /* allocations */
    struct reload_networks allow;
};

extern const struct turn_settings turn_settings_default;

/* Each reads one value; false when it is none. */
RELOAD_CHECKED bool turn_settings_ports(const char *value, struct turn_settings *settings);
RELOAD_CHECKED bool turn_settings_number(const char *value, uint32_t max, uint32_t *number);
/* "10.0.0.0/8, 2001:db8::/32": replaces what was there. */
RELOAD_CHECKED bool turn_settings_networks(const char *value, struct reload_networks *networks);

#endif
