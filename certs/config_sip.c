/* config_sip.c: what a configuration says for SIP: the overlay's domains, and gateways to others.
 *
 * RFC 7904 3.4, D33, D71. SPDX-License-Identifier: BSD-2-Clause */
#include "certs/config_internal.h"

/* D33: both names of the element, its patterns as they are. */
int
reload_config_read_domains(struct reload_config_reader *reader, xmlNode *node)
{
    struct reload_config *config = &reader->document->config;
    char enable[16];
    int error = reload_config_attribute(reader, node, "enable", enable, sizeof enable, NULL);
    if (error)
        return error;
    config->domain_restrictions_present = true;
    config->domain_restrictions_enable = strcmp(enable, "true") == 0 || strcmp(enable, "1") == 0;
    for (xmlNode *child = node->children; child; child = child->next) {
        if (!reload_config_is(child, "pattern"))
            continue;
        if (config->domain_pattern_count == RELOAD_CONFIG_DOMAINS_MAX)
            return reload_config_refuse(reader, child, "more than %d of them",
                                        RELOAD_CONFIG_DOMAINS_MAX);
        error =
            reload_config_text(reader, child, config->domain_patterns[config->domain_pattern_count],
                               sizeof config->domain_patterns[0]);
        if (error)
            return error;
        config->domain_pattern_count++;
    }
    return 0;
}

/* D71: the one foreign element that is known here. */
int
reload_config_read_foreign(struct reload_config_reader *reader, xmlNode *node)
{
    struct reload_config *config = &reader->document->config;
    if (strcmp((const char *)node->name, "sip-gateway") != 0 ||
        strcmp((const char *)node->ns->href, RELOAD_CONFIG_GATEWAY_NAMESPACE) != 0)
        return 0;
    if (config->gateway_count == RELOAD_CONFIG_GATEWAYS_MAX)
        return reload_config_refuse(reader, node, "more than %d of them",
                                    RELOAD_CONFIG_GATEWAYS_MAX);
    char *user = config->gateways[config->gateway_count];
    int error = reload_config_text(reader, node, user, sizeof config->gateways[0]);
    if (error)
        return error;
    if (!strchr(user, '@'))
        return reload_config_refuse(reader, node, "'%s' is not a user such as gateway@example.net",
                                    user);
    config->gateway_count++;
    return 0;
}
