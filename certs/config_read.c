/* config_read.c: the elements of a configuration, by table. RFC 6940 11.1, RFC 7904 3.4.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/config_internal.h"

#include "certs/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#define DEFAULT_PORT 6084
#define MESSAGE_SIZE_MIN 2000u /* a signed Attach with candidates has to fit */
#define MESSAGE_SIZE_MAX (1u << 20)
#define SIP_NAMESPACE "urn:ietf:params:xml:ns:p2p:config-base:sip"

typedef int element_fn(struct reload_config_reader *reader, xmlNode *node);

static struct reload_config *
config_of(struct reload_config_reader *reader)
{
    return &reader->document->config;
}

/* ---- plain values --------------------------------------------------------------------------- */

static int
read_boolean(struct reload_config_reader *reader, xmlNode *node, bool *value)
{
    char text[16];
    int error = reload_config_text(reader, node, text, sizeof text);
    if (error)
        return error;
    if (strcmp(text, "true") == 0 || strcmp(text, "1") == 0)
        *value = true;
    else if (strcmp(text, "false") == 0 || strcmp(text, "0") == 0)
        *value = false;
    else
        return reload_config_refuse(reader, node, "'%s' is neither true nor false", text);
    return 0;
}

static int
read_topology(struct reload_config_reader *reader, xmlNode *node)
{
    return reload_config_text(reader, node, config_of(reader)->topology_plugin,
                              sizeof config_of(reader)->topology_plugin);
}

static int
read_node_id_length(struct reload_config_reader *reader, xmlNode *node)
{
    uint64_t value;
    int error = reload_config_number(reader, node, RELOAD_NODE_ID_SIZE_MIN,
                                     RELOAD_NODE_ID_SIZE_MAX, &value);
    if (!error)
        config_of(reader)->node_id_length = (uint8_t)value;
    return error;
}

static int
read_max_message_size(struct reload_config_reader *reader, xmlNode *node)
{
    uint64_t value;
    int error = reload_config_number(reader, node, MESSAGE_SIZE_MIN, MESSAGE_SIZE_MAX, &value);
    if (!error)
        config_of(reader)->max_message_size = (uint32_t)value;
    return error;
}

static int
read_initial_ttl(struct reload_config_reader *reader, xmlNode *node)
{
    uint64_t value;
    int error = reload_config_number(reader, node, 1, 255, &value);
    if (!error)
        config_of(reader)->initial_ttl = (uint8_t)value;
    return error;
}

static int
read_reliability_timer(struct reload_config_reader *reader, xmlNode *node)
{
    uint64_t value;
    int error = reload_config_number(reader, node, 200, 60000, &value);
    if (!error)
        config_of(reader)->overlay_reliability_timer_ms = (uint32_t)value;
    return error;
}

static int
read_turn_density(struct reload_config_reader *reader, xmlNode *node)
{
    uint64_t value;
    int error = reload_config_number(reader, node, 0, 255, &value);
    if (!error)
        config_of(reader)->turn_density = (uint32_t)value;
    return error;
}

static int
read_update_interval(struct reload_config_reader *reader, xmlNode *node)
{
    uint64_t value;
    int error = reload_config_number(reader, node, 1, 1000000, &value);
    if (!error)
        config_of(reader)->chord_update_interval_s = (uint32_t)value;
    return error;
}

static int
read_ping_interval(struct reload_config_reader *reader, xmlNode *node)
{
    uint64_t value;
    int error = reload_config_number(reader, node, 1, 1000000, &value);
    if (!error)
        config_of(reader)->chord_ping_interval_s = (uint32_t)value;
    return error;
}

static int
read_reactive(struct reload_config_reader *reader, xmlNode *node)
{
    return read_boolean(reader, node, &config_of(reader)->chord_reactive);
}

static int
read_clients_permitted(struct reload_config_reader *reader, xmlNode *node)
{
    return read_boolean(reader, node, &config_of(reader)->clients_permitted);
}

static int
read_no_ice(struct reload_config_reader *reader, xmlNode *node)
{
    return read_boolean(reader, node, &config_of(reader)->no_ice);
}

/* ---- lists ---------------------------------------------------------------------------------- */

/* 11.1's sample has <root-cert>YmFkIGNlcnQK</root-cert>, "bad cert": such ones are left out. */
static int
read_root_cert(struct reload_config_reader *reader, xmlNode *node)
{
    struct reload_config *config = config_of(reader);
    if (config->root_cert_count == RELOAD_CONFIG_CERTIFICATES_MAX)
        return reload_config_refuse(reader, node, "more than %d of them",
                                    RELOAD_CONFIG_CERTIFICATES_MAX);
    uint8_t *data;
    size_t size;
    int error = reload_config_base64(reader, node, &data, &size);
    if (error)
        return error;
    X509 *x509 = NULL;
    if (reload_certificate_parse((struct reload_bytes){data, size}, &x509) != 0) {
        reload_config_warn(reader, node, "is not an X.509 certificate; left out");
        free(data);
        return 0;
    }
    X509_free(x509);
    reader->document->root_certs[config->root_cert_count] = data;
    config->root_certs[config->root_cert_count++] = (struct reload_bytes){data, size};
    return 0;
}

static int
read_enrollment_server(struct reload_config_reader *reader, xmlNode *node)
{
    struct reload_config *config = config_of(reader);
    if (config->enrollment_url_count == RELOAD_CONFIG_URLS_MAX)
        return reload_config_refuse(reader, node, "more than %d of them", RELOAD_CONFIG_URLS_MAX);
    char *url = config->enrollment_urls[config->enrollment_url_count];
    int error = reload_config_text(reader, node, url, sizeof config->enrollment_urls[0]);
    if (error)
        return error;
    if (strncasecmp(url, "https://", 8) != 0)
        return reload_config_refuse(reader, node, "'%s' is not an https: URL", url);
    config->enrollment_url_count++;
    return 0;
}

static int
read_self_signed(struct reload_config_reader *reader, xmlNode *node)
{
    struct reload_config *config = config_of(reader);
    xmlChar *digest = xmlGetNoNsProp(node, (const xmlChar *)"digest");
    const char *name = digest ? (const char *)digest : "";
    int error = 0;
    if (strcmp(name, "sha1") == 0)
        config->self_signed_digest = 2;
    else if (strcmp(name, "sha256") == 0)
        config->self_signed_digest = 4;
    else
        error = reload_config_refuse(reader, node, "digest '%s' is neither sha1 nor sha256", name);
    xmlFree(digest);
    return error ? error : read_boolean(reader, node, &config->self_signed_permitted);
}

static int
read_bootstrap_node(struct reload_config_reader *reader, xmlNode *node)
{
    struct reload_config *config = config_of(reader);
    if (config->bootstrap_node_count == RELOAD_CONFIG_BOOTSTRAP_MAX)
        return reload_config_refuse(reader, node, "more than %d of them",
                                    RELOAD_CONFIG_BOOTSTRAP_MAX);
    struct reload_config_bootstrap *entry =
        &config->bootstrap_nodes[config->bootstrap_node_count];
    xmlChar *address = xmlGetNoNsProp(node, (const xmlChar *)"address");
    xmlChar *port = xmlGetNoNsProp(node, (const xmlChar *)"port");
    long number = port ? strtol((const char *)port, NULL, 10) : DEFAULT_PORT;
    int error = 0;
    if (!address || !address[0] || strlen((const char *)address) >= sizeof entry->address)
        error = reload_config_refuse(reader, node, "needs an address attribute");
    else if (number < 1 || number > 65535)
        error = reload_config_refuse(reader, node, "port '%s' is not from 1 to 65535",
                                     (const char *)port);
    if (!error) {
        snprintf(entry->address, sizeof entry->address, "%s", (const char *)address);
        entry->port = (uint16_t)number;
        config->bootstrap_node_count++;
    }
    xmlFree(address);
    xmlFree(port);
    return error;
}

static int
read_node_id(struct reload_config_reader *reader, xmlNode *node, struct reload_node_id *list,
             size_t max, size_t *count)
{
    char text[2 * RELOAD_NODE_ID_SIZE_MAX + 1];
    if (*count == max)
        return reload_config_refuse(reader, node, "more than %zu of them", max);
    int error = reload_config_text(reader, node, text, sizeof text);
    if (error)
        return error;
    struct reload_node_id id = {{0}};
    size_t length = strlen(text);
    if (length == 0 || length % 2 != 0 || strspn(text, "0123456789abcdefABCDEF") != length)
        return reload_config_refuse(reader, node, "'%s' is not a Node-ID in hexadecimal", text);
    for (size_t i = 0; i < length / 2; i++) {
        unsigned octet;
        (void)sscanf(text + 2 * i, "%2x", &octet);
        id.octets[i] = (uint8_t)octet;
    }
    list[(*count)++] = id;
    return 0;
}

static int
read_configuration_signer(struct reload_config_reader *reader, xmlNode *node)
{
    struct reload_config *config = config_of(reader);
    return read_node_id(reader, node, config->configuration_signers, RELOAD_CONFIG_SIGNERS_MAX,
                        &config->configuration_signer_count);
}

static int
read_kind_signer(struct reload_config_reader *reader, xmlNode *node)
{
    struct reload_config *config = config_of(reader);
    return read_node_id(reader, node, config->kind_signers, RELOAD_CONFIG_SIGNERS_MAX,
                        &config->kind_signer_count);
}

static int
read_bad_node(struct reload_config_reader *reader, xmlNode *node)
{
    struct reload_config *config = config_of(reader);
    return read_node_id(reader, node, config->bad_nodes, RELOAD_CONFIG_BAD_NODES_MAX,
                        &config->bad_node_count);
}

static void
add_link_protocol(struct reload_config *config, uint8_t protocol)
{
    size_t max = sizeof config->link_protocols;
    for (size_t i = 0; i < config->link_protocol_count && i < max; i++)
        if (config->link_protocols[i] == protocol)
            return;
    if (config->link_protocol_count < max)
        config->link_protocols[config->link_protocol_count++] = protocol;
}

/* "TLS" means TLS and DTLS (11.1). */
static int
read_link_protocol(struct reload_config_reader *reader, xmlNode *node)
{
    char text[64];
    int error = reload_config_text(reader, node, text, sizeof text);
    if (error)
        return error;
    if (strcasecmp(text, "TLS") == 0) {
        add_link_protocol(config_of(reader), RELOAD_LINK_PROTOCOL_DTLS);
        add_link_protocol(config_of(reader), RELOAD_LINK_PROTOCOL_TLS);
    } else if (strcasecmp(text, "DTLS") == 0) {
        add_link_protocol(config_of(reader), RELOAD_LINK_PROTOCOL_DTLS);
    } else {
        reload_config_warn(reader, node, "link protocol '%s' is not supported; left out", text);
    }
    return 0;
}

static int
read_mandatory_extension(struct reload_config_reader *reader, xmlNode *node)
{
    char text[512];
    int error = reload_config_text(reader, node, text, sizeof text);
    if (error || strcmp(text, SIP_NAMESPACE) == 0)
        return error;
    return reload_config_refuse(reader, node,
                                "this overlay demands the extension '%s', which is not supported; "
                                "it cannot be joined",
                                text);
}

static int
read_shared_secret(struct reload_config_reader *reader, xmlNode *node)
{
    return reload_config_refuse(reader, node,
                                "overlays with a shared secret (RFC 6940 13.4) are not supported; "
                                "use certificates");
}

/* D33: both names of the element, its patterns as they are. */
static int
read_domain_restrictions(struct reload_config_reader *reader, xmlNode *node)
{
    struct reload_config *config = config_of(reader);
    xmlChar *enable = xmlGetNoNsProp(node, (const xmlChar *)"enable");
    config->domain_restrictions_present = true;
    config->domain_restrictions_enable =
        enable && (strcmp((const char *)enable, "true") == 0 ||
                   strcmp((const char *)enable, "1") == 0);
    xmlFree(enable);
    for (xmlNode *child = node->children; child; child = child->next) {
        if (child->type != XML_ELEMENT_NODE || strcmp((const char *)child->name, "pattern") != 0)
            continue;
        if (config->domain_pattern_count == RELOAD_CONFIG_DOMAINS_MAX)
            return reload_config_refuse(reader, child, "more than %d of them",
                                        RELOAD_CONFIG_DOMAINS_MAX);
        int error = reload_config_text(reader, child,
                                       config->domain_patterns[config->domain_pattern_count],
                                       sizeof config->domain_patterns[0]);
        if (error)
            return error;
        config->domain_pattern_count++;
    }
    return 0;
}

/* ---- the element ---------------------------------------------------------------------------- */

static const struct {
    const char *name;
    element_fn *read;
    bool once;
} elements[] = {
    {"topology-plugin", read_topology, true},
    {"node-id-length", read_node_id_length, true},
    {"max-message-size", read_max_message_size, true},
    {"initial-ttl", read_initial_ttl, true},
    {"overlay-reliability-timer", read_reliability_timer, true},
    {"turn-density", read_turn_density, true},
    {"chord-update-interval", read_update_interval, true},
    {"chord-ping-interval", read_ping_interval, true},
    {"chord-reactive", read_reactive, true},
    {"clients-permitted", read_clients_permitted, true},
    {"no-ice", read_no_ice, true},
    {"root-cert", read_root_cert, false},
    {"enrollment-server", read_enrollment_server, false},
    {"self-signed-permitted", read_self_signed, true},
    {"bootstrap-node", read_bootstrap_node, false},
    {"configuration-signer", read_configuration_signer, false},
    {"kind-signer", read_kind_signer, false},
    {"bad-node", read_bad_node, false},
    {"overlay-link-protocol", read_link_protocol, false},
    {"mandatory-extension", read_mandatory_extension, false},
    {"shared-secret", read_shared_secret, true},
    {"required-kinds", reload_config_read_kinds, true},
    {"domain-restrictions", read_domain_restrictions, true},
    {"domain-restriction", read_domain_restrictions, true},
};
#define ELEMENTS (sizeof elements / sizeof elements[0])

static int
read_expiration(struct reload_config_reader *reader, xmlNode *node, const char *text)
{
    struct tm broken = {0};
    int used = 0;
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &broken.tm_year, &broken.tm_mon,
               &broken.tm_mday, &broken.tm_hour, &broken.tm_min, &broken.tm_sec, &used) != 6)
        return reload_config_refuse(reader, node, "expiration '%s' is not a time in UTC", text);
    const char *rest = text + used;
    if (*rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    broken.tm_year -= 1900;
    broken.tm_mon -= 1;
    time_t seconds = timegm(&broken);
    if (strcmp(rest, "Z") != 0 || seconds <= 0)
        return reload_config_refuse(reader, node, "expiration '%s' is not a time in UTC", text);
    config_of(reader)->expiration_ms = (uint64_t)seconds * 1000;
    return 0;
}

static int
read_attributes(struct reload_config_reader *reader, xmlNode *node)
{
    struct reload_config *config = config_of(reader);
    xmlChar *name = xmlGetNoNsProp(node, (const xmlChar *)"instance-name");
    xmlChar *sequence = xmlGetNoNsProp(node, (const xmlChar *)"sequence");
    xmlChar *expiration = xmlGetNoNsProp(node, (const xmlChar *)"expiration");
    int error = 0;
    char *end = NULL;
    unsigned long number = sequence ? strtoul((const char *)sequence, &end, 10) : 0;
    if (!name || !name[0] || strlen((const char *)name) > RELOAD_CONFIG_NAME_MAX ||
        strspn((const char *)name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789-._") != strlen((const char *)name))
        error = reload_config_refuse(reader, node, "instance-name must be a domain name");
    else if (sequence && (*end || end == (char *)sequence || number > 65534))
        error = reload_config_refuse(reader, node, "sequence '%s' is not a number from 0 to 65534",
                                     (const char *)sequence);
    else if (expiration)
        error = read_expiration(reader, node, (const char *)expiration);
    if (!error) {
        snprintf(config->instance_name, sizeof config->instance_name, "%s", (const char *)name);
        config->overlay = reload_config_overlay(config->instance_name);
        config->sequence = (uint16_t)number;
    }
    xmlFree(name);
    xmlFree(sequence);
    xmlFree(expiration);
    return error;
}

static int
read_child(struct reload_config_reader *reader, xmlNode *node, bool *seen)
{
    for (size_t i = 0; i < ELEMENTS; i++) {
        if (strcmp((const char *)node->name, elements[i].name) != 0)
            continue;
        if (elements[i].once && seen[i])
            return reload_config_refuse(reader, node, "stands twice");
        seen[i] = true;
        return elements[i].read(reader, node);
    }
    return 0; /* an extension */
}

/* What must hold between the values. */
static int
check_whole(struct reload_config_reader *reader, xmlNode *node)
{
    struct reload_config *config = config_of(reader);
    if (strcmp(config->topology_plugin, "CHORD-RELOAD") == 0 && config->node_id_length != 16)
        return reload_config_refuse(reader, node,
                                    "CHORD-RELOAD needs a node-id-length of 16, not %u (D6)",
                                    config->node_id_length);
    if (config->root_cert_count == 0 && !config->self_signed_permitted)
        return reload_config_refuse(reader, node,
                                    "has no usable root-cert, and self-signed certificates are not "
                                    "permitted: nobody could be trusted");
    if (config->link_protocol_count == 0)
        return reload_config_refuse(reader, node,
                                    "none of its overlay-link-protocols is supported");
    return 0;
}

int
reload_config_read_element(struct reload_config_reader *reader, xmlNode *node)
{
    struct reload_config *config = config_of(reader);
    config->node_id_length = 16;
    config->max_message_size = 5000;
    config->initial_ttl = 100;
    config->overlay_reliability_timer_ms = 3000;
    config->clients_permitted = true;
    config->turn_density = 1;
    config->chord_update_interval_s = 600;
    config->chord_ping_interval_s = 3600;
    config->chord_reactive = true;
    snprintf(config->topology_plugin, sizeof config->topology_plugin, "CHORD-RELOAD");
    int error = read_attributes(reader, node);
    bool seen[ELEMENTS] = {false};
    bool any_protocol = false;
    for (xmlNode *child = node->children; !error && child; child = child->next) {
        if (child->type != XML_ELEMENT_NODE)
            continue;
        any_protocol |= strcmp((const char *)child->name, "overlay-link-protocol") == 0;
        error = read_child(reader, child, seen);
    }
    if (!error && !any_protocol) {
        add_link_protocol(config, RELOAD_LINK_PROTOCOL_DTLS);
        add_link_protocol(config, RELOAD_LINK_PROTOCOL_TLS);
    }
    return error ? error : check_whole(reader, node);
}
