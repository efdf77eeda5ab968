/* overlay_plan.c: what a new overlay shall be like.
 *
 * RFC 6940 11.1. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/enrolld/overlay_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "reload/wire/wire.h"

enum { PRIVATE_COUNT = 8, PRIVATE_SIZE = 4000 };

void
overlay_plan_default(struct overlay_plan *plan)
{
    static const struct reload_config_kind kinds[] = {
        {.kind = RELOAD_KIND_SIP_REGISTRATION,
         .data_model = RELOAD_DATA_MODEL_DICTIONARY,
         .access_policy = RELOAD_ACCESS_USER_NODE_MATCH,
         .max_count = 16,
         .max_size = 1000},
        {.kind = RELOAD_KIND_CERTIFICATE_BY_NODE,
         .data_model = RELOAD_DATA_MODEL_ARRAY,
         .access_policy = RELOAD_ACCESS_NODE_MATCH,
         .max_count = 4,
         .max_size = 2000},
        {.kind = RELOAD_KIND_CERTIFICATE_BY_USER,
         .data_model = RELOAD_DATA_MODEL_ARRAY,
         .access_policy = RELOAD_ACCESS_USER_MATCH,
         .max_count = 16,
         .max_size = 2000},
        {.kind = RELOAD_KIND_TURN_SERVICE,
         .data_model = RELOAD_DATA_MODEL_SINGLE_VALUE,
         .access_policy = RELOAD_ACCESS_NODE_MULTIPLE,
         .max_count = 1,
         .max_size = 100,
         .max_node_multiple = 20},
    };
    memset(plan, 0, sizeof *plan);
    home_settings_default(&plan->settings);
    plan->settings.port = 8443;
    plan->key_type = RELOAD_KEY_P256;
    plan->document_days = 365;
    plan->root_days = 3650;
    struct reload_config *config = &plan->config;
    config->sequence = 1;
    snprintf(config->topology_plugin, sizeof config->topology_plugin, "CHORD-RELOAD");
    config->node_id_length = 16;
    config->max_message_size = 16000; /* room for a ConfigUpdate with the document (D14) */
    config->initial_ttl = 100;
    config->overlay_reliability_timer_ms = 3000;
    config->clients_permitted = true;
    config->no_ice = true;
    config->link_protocols[0] = RELOAD_LINK_PROTOCOL_DTLS;
    config->link_protocols[1] = RELOAD_LINK_PROTOCOL_TLS;
    config->link_protocol_count = 2;
    config->turn_density = 1;
    config->chord_update_interval_s = 600;
    config->chord_ping_interval_s = 3600;
    config->chord_reactive = true;
    memcpy(config->kinds, kinds, sizeof kinds);
    config->kind_count = sizeof kinds / sizeof kinds[0];
}

/* A name of letters, digits, '-' and '.', as in the domain name system. */
bool
overlay_plan_set_name(struct overlay_plan *plan, const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > 128 || name[0] == '.' || name[0] == '-' || name[size - 1] == '.' ||
        strstr(name, "..") != NULL)
        return false;
    for (const char *at = name; *at != '\0'; at++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.", *at) == NULL)
            return false;
    snprintf(plan->settings.overlay, sizeof plan->settings.overlay, "%s", name);
    snprintf(plan->config.instance_name, sizeof plan->config.instance_name, "%s", name);
    return true;
}

static bool
read_number(const char *text, unsigned long least, unsigned long most, unsigned long *number)
{
    char *end;
    errno = 0;
    *number = strtoul(text, &end, 0);
    return errno == 0 && end != text && *end == '\0' && *text != '-' && *number >= least &&
           *number <= most;
}

bool
overlay_plan_add_bootstrap(struct overlay_plan *plan, const char *argument)
{
    struct reload_config *config = &plan->config;
    const char *colon = strrchr(argument, ':');
    unsigned long port;
    if (config->bootstrap_node_count == RELOAD_CONFIG_BOOTSTRAP_MAX || colon == NULL ||
        !read_number(colon + 1, 1, 65535, &port))
        return false;
    size_t size = (size_t)(colon - argument);
    if (size >= 2 && argument[0] == '[' && argument[size - 1] == ']') {
        argument++;
        size -= 2;
    } else if (memchr(argument, ':', size) != NULL) {
        return false; /* an IPv6 address without brackets */
    }
    struct reload_config_bootstrap *node = &config->bootstrap_nodes[config->bootstrap_node_count];
    if (size == 0 || size >= sizeof node->address)
        return false;
    memcpy(node->address, argument, size);
    node->address[size] = '\0';
    node->port = (uint16_t)port;
    config->bootstrap_node_count++;
    return true;
}

bool
overlay_plan_add_gateway(struct overlay_plan *plan, const char *user)
{
    struct reload_config *config = &plan->config;
    size_t size = strlen(user);
    const char *at = strchr(user, '@');
    if (config->gateway_count == RELOAD_CONFIG_GATEWAYS_MAX || !at || at == user || !at[1] ||
        size >= sizeof config->gateways[0])
        return false;
    memcpy(config->gateways[config->gateway_count++], user, size + 1);
    config->domain_restrictions_present = true;
    return true;
}

/* The number of |name| in |names|, from 1 on; 0: it is not there. */
static uint8_t
number_of(const char *name, const char *const *names, uint8_t count)
{
    for (uint8_t i = 0; i < count; i++)
        if (strcasecmp(name, names[i]) == 0)
            return (uint8_t)(i + 1);
    return 0;
}

bool
overlay_plan_add_kind(struct overlay_plan *plan, const char *argument)
{
    static const char *const models[] = {"single", "array", "dictionary"};
    static const char *const policies[] = {"user-match", "node-match", "user-node-match",
                                           "node-multiple"};
    struct reload_config *config = &plan->config;
    char text[128], *rest = text;
    unsigned long id, count = PRIVATE_COUNT, limit = PRIVATE_SIZE;
    int length = snprintf(text, sizeof text, "%s", argument);
    if (config->kind_count == RELOAD_CONFIG_KINDS_MAX || length < 0 ||
        (size_t)length >= sizeof text)
        return false;
    const char *number = strsep(&rest, "="), *model = strsep(&rest, ",");
    const char *policy = strsep(&rest, ","), *counts = strsep(&rest, ",");
    const char *size = strsep(&rest, ",");
    if (policy == NULL || rest != NULL || !read_number(number, 1, UINT32_MAX - 1, &id) ||
        (counts != NULL && !read_number(counts, 1, 65535, &count)) ||
        (size != NULL && !read_number(size, 0, 65535, &limit)))
        return false;
    struct reload_config_kind kind = {.kind = (uint32_t)id,
                                      .data_model = number_of(model, models, 3),
                                      .access_policy = number_of(policy, policies, 4),
                                      .max_count = (uint32_t)count,
                                      .max_size = (uint32_t)limit,
                                      .max_node_multiple = 3};
    if (kind.data_model == 0 || kind.access_policy == 0)
        return false;
    for (size_t i = 0; i < config->kind_count; i++)
        if (config->kinds[i].kind == kind.kind)
            return false;
    config->kinds[config->kind_count++] = kind;
    return true;
}
