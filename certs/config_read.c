/* config_read.c: the elements of a configuration, by table. RFC 6940 11.1, RFC 7904 3.4.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/config_internal.h"

#include "certs/certificate.h"
#include "reload/wire/wire.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#define DEFAULT_PORT 6084
#define SEQUENCE_MAX 65534u
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
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

/* Numbers by the name of their element: where they go, and from what to what they may be. */
static const struct {
    const char *name;
    size_t offset, size;
    uint64_t min, max;
} numbers[] = {
#define NUMBER(name, field, min, max)                                                              \
    {                                                                                              \
        name, offsetof(struct reload_config, field), sizeof(((struct reload_config *)0)->field),   \
            min, max                                                                               \
    }
    NUMBER("node-id-length", node_id_length, RELOAD_NODE_ID_SIZE_MIN, RELOAD_NODE_ID_SIZE_MAX),
    NUMBER("max-message-size", max_message_size, MESSAGE_SIZE_MIN, MESSAGE_SIZE_MAX),
    NUMBER("initial-ttl", initial_ttl, 1, 255),
    NUMBER("overlay-reliability-timer", overlay_reliability_timer_ms, 200, 60000),
    NUMBER("turn-density", turn_density, 0, 255),
    NUMBER("chord-update-interval", chord_update_interval_s, 1, 1000000),
    NUMBER("chord-ping-interval", chord_ping_interval_s, 1, 1000000),
#undef NUMBER
};

static int
read_number(struct reload_config_reader *reader, xmlNode *node)
{
    size_t row = 0;
    while (strcmp((const char *)node->name, numbers[row].name) != 0)
        row++;
    uint64_t value;
    int error = reload_config_number(reader, node, numbers[row].min, numbers[row].max, &value);
    if (error)
        return error;
    uint8_t *place = (uint8_t *)config_of(reader) + numbers[row].offset;
    uint32_t wide = (uint32_t)value;
    uint8_t narrow = (uint8_t)value;
    if (numbers[row].size == sizeof wide)
        memcpy(place, &wide, sizeof wide);
    else
        *place = narrow;
    return 0;
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
    char digest[16];
    int error = reload_config_attribute(reader, node, "digest", digest, sizeof digest, NULL);
    if (error)
        return error;
    if (strcmp(digest, "sha1") == 0)
        config->self_signed_digest = RELOAD_HASH_ALGORITHM_SHA1;
    else if (strcmp(digest, "sha256") == 0)
        config->self_signed_digest = RELOAD_HASH_ALGORITHM_SHA256;
    else
        return reload_config_refuse(reader, node, "digest '%s' is neither sha1 nor sha256", digest);
    return read_boolean(reader, node, &config->self_signed_permitted);
}

static int
read_bootstrap_node(struct reload_config_reader *reader, xmlNode *node)
{
    struct reload_config *config = config_of(reader);
    if (config->bootstrap_node_count == RELOAD_CONFIG_BOOTSTRAP_MAX)
        return reload_config_refuse(reader, node, "more than %d of them",
                                    RELOAD_CONFIG_BOOTSTRAP_MAX);
    struct reload_config_bootstrap *entry = &config->bootstrap_nodes[config->bootstrap_node_count];
    char port[16];
    bool has_port;
    int error = reload_config_attribute(reader, node, "address", entry->address,
                                        sizeof entry->address, NULL);
    if (!error)
        error = reload_config_attribute(reader, node, "port", port, sizeof port, &has_port);
    if (error)
        return error;
    if (!entry->address[0])
        return reload_config_refuse(reader, node, "needs an address attribute");
    char *end = port;
    unsigned long number = has_port ? strtoul(port, &end, 10) : DEFAULT_PORT;
    if (*end || port[0] == '-' || number < 1 || number > 65535)
        return reload_config_refuse(reader, node, "port '%s' is not from 1 to 65535", port);
    entry->port = (uint16_t)number;
    config->bootstrap_node_count++;
    return 0;
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
    if (length != 2u * config_of(reader)->node_id_length)
        reload_config_warn(reader, node,
                           "'%s' is not as long as this overlay's Node-IDs: it names nobody", text);
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

/* ---- the element ---------------------------------------------------------------------------- */

static const struct {
    const char *name;
    element_fn *read;
    bool once;
} elements[] = {
    {"topology-plugin", read_topology, true},
    {"node-id-length", read_number, true},
    {"max-message-size", read_number, true},
    {"initial-ttl", read_number, true},
    {"overlay-reliability-timer", read_number, true},
    {"turn-density", read_number, true},
    {"chord-update-interval", read_number, true},
    {"chord-ping-interval", read_number, true},
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
    {"domain-restrictions", reload_config_read_domains, true},
    {"domain-restriction", reload_config_read_domains, true},
};
#define ELEMENTS (sizeof elements / sizeof elements[0])

/* RFC 3339 in UTC: 2026-11-21T12:00:00Z, perhaps with fractions of a second. */
static int
read_expiration(struct reload_config_reader *reader, xmlNode *node, const char *text)
{
    struct tm broken = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &broken);
    if (rest && *rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    struct tm same = broken;
    time_t seconds = rest ? timegm(&same) : 0;
    if (seconds <= 0 || same.tm_mday != broken.tm_mday || strcasecmp(rest, "Z") != 0)
        return reload_config_refuse(
            reader, node, "expiration '%s' is not a time in UTC like 2030-12-31T23:59:59Z", text);
    config_of(reader)->expiration_ms = (uint64_t)seconds * 1000;
    return 0;
}

/* Labels of letters, digits, '-' and '_', none empty. The name is also that of a folder: it may not
 * lead out of the one that it stands in, hide, or look like an option. */
static bool
is_domain_name(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && name[strspn(name, NAME_CHARACTERS)] == 0 && name[0] != '.' &&
           name[0] != '-' && name[length - 1] != '.' && !strstr(name, "..");
}

static int
read_attributes(struct reload_config_reader *reader, xmlNode *node)
{
    struct reload_config *config = config_of(reader);
    char sequence[32], expiration[64], *end = sequence;
    bool has_sequence, expires;
    int error = reload_config_attribute(reader, node, "instance-name", config->instance_name,
                                        sizeof config->instance_name, NULL);
    if (!error)
        error = reload_config_attribute(reader, node, "sequence", sequence, sizeof sequence,
                                        &has_sequence);
    if (!error)
        error = reload_config_attribute(reader, node, "expiration", expiration, sizeof expiration,
                                        &expires);
    if (error)
        return error;
    if (!is_domain_name(config->instance_name))
        return reload_config_refuse(reader, node, "instance-name must be a domain name");
    unsigned long number = has_sequence ? strtoul(sequence, &end, 10) : 0;
    if (has_sequence && (sequence[0] < '0' || sequence[0] > '9' || *end || number > SEQUENCE_MAX))
        return reload_config_refuse(reader, node, "sequence '%s' is not a number from 0 to %u",
                                    sequence, SEQUENCE_MAX);
    config->overlay = reload_config_overlay(config->instance_name);
    config->sequence = (uint16_t)number;
    return expires ? read_expiration(reader, node, expiration) : 0;
}

static int
read_child(struct reload_config_reader *reader, xmlNode *node, bool *seen)
{
    if (reload_config_is_foreign(node))
        return reload_config_read_foreign(reader, node);
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

static void
set_defaults(struct reload_config *config)
{
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
}

int
reload_config_read_element(struct reload_config_reader *reader, xmlNode *node)
{
    struct reload_config *config = config_of(reader);
    set_defaults(config);
    int error = read_attributes(reader, node);
    bool seen[ELEMENTS] = {false};
    bool any_protocol = false;
    /* First what the others are read by. */
    for (xmlNode *child = node->children; !error && child; child = child->next)
        if (reload_config_is(child, "node-id-length"))
            error = read_number(reader, child);
    for (xmlNode *child = node->children; !error && child; child = child->next) {
        if (child->type != XML_ELEMENT_NODE)
            continue;
        any_protocol |= reload_config_is(child, "overlay-link-protocol");
        error = read_child(reader, child, seen);
    }
    if (!error && !any_protocol) {
        add_link_protocol(config, RELOAD_LINK_PROTOCOL_DTLS);
        add_link_protocol(config, RELOAD_LINK_PROTOCOL_TLS);
    }
    return error ? error : check_whole(reader, node);
}
