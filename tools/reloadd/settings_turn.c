/* settings_turn.c: the section [turn] of reloadd's configuration.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/reloadd/settings_turn.h"

#include "reload/run/socket_address.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A node may have many links under way, with two allocations at a relay each. */
const struct turn_settings turn_settings_default = {
    .listen = {.family = 4, .port = TURN_PORT},
    .port_min = 49152,
    .port_max = 65535,
    .max_bitrate_kbps = 3000,
    .user_quota = 128,
    .total_quota = 1000,
};

bool
turn_settings_number(const char *value, uint32_t max, uint32_t *number)
{
    char *end;
    errno = 0;
    unsigned long read = strtoul(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || errno || read > max)
        return false;
    *number = (uint32_t)read;
    return true;
}

bool
turn_settings_ports(const char *value, struct turn_settings *settings)
{
    char first[8];
    uint32_t min, max;
    size_t length = strcspn(value, "-");
    if (length >= sizeof first || value[length] != '-')
        return false;
    memcpy(first, value, length);
    first[length] = '\0';
    if (!turn_settings_number(first, UINT16_MAX, &min) ||
        !turn_settings_number(value + length + 1, UINT16_MAX, &max) || min < 1024 || min >= max)
        return false;
    settings->port_min = (uint16_t)min;
    settings->port_max = (uint16_t)max;
    return true;
}

static bool
parse_network(char *text, struct reload_network *network)
{
    struct reload_address address;
    uint32_t bits;
    char *slash = strchr(text, '/');
    if (slash)
        *slash = '\0';
    if (reload_address_parse(text, 1, &address) || address.port != 1)
        return false;
    uint32_t all = address.family == 4 ? 32 : 128;
    if (!slash)
        bits = all;
    else if (!turn_settings_number(slash + 1, all, &bits))
        return false;
    *network = (struct reload_network){.family = address.family, .bits = (uint8_t)bits};
    for (size_t bit = 0; bit < bits; bit++)
        network->octets[bit / 8] |= (uint8_t)(address.octets[bit / 8] & 0x80u >> bit % 8);
    return true;
}

bool
turn_settings_networks(const char *value, struct reload_networks *networks)
{
    char text[1024], *rest = NULL;
    if (strlen(value) >= sizeof text)
        return false;
    memcpy(text, value, strlen(value) + 1);
    networks->count = 0;
    for (char *one = strtok_r(text, ", \t", &rest); one; one = strtok_r(NULL, ", \t", &rest))
        if (networks->count == RELOAD_NETWORKS_MAX ||
            !parse_network(one, &networks->networks[networks->count++]))
            return false;
    return true;
}
