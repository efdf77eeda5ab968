/* config.h: the overlay configuration document (RFC 6940 11.1, RFC 7904 3.4) as a struct.
 *
 * certs/ parses and verifies documents into it; the core and the programs read it.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CONFIG_H
#define RELOAD_CONFIG_H

#include "reload/base/bytes.h"
#include "reload/wire/node_id.h"

#define RELOAD_CONFIG_NAME_MAX 255
#define RELOAD_CONFIG_CERTIFICATES_MAX 16
#define RELOAD_CONFIG_BOOTSTRAP_MAX 64
#define RELOAD_CONFIG_KINDS_MAX 64
#define RELOAD_CONFIG_SIGNERS_MAX 16
#define RELOAD_CONFIG_BAD_NODES_MAX 1024
#define RELOAD_CONFIG_URLS_MAX 8
#define RELOAD_CONFIG_DOMAINS_MAX 16
#define RELOAD_CONFIG_GATEWAYS_MAX 16
#define RELOAD_CONFIG_GATEWAY_NAMESPACE "urn:x-reload:sip-gateway" /* of <sip-gateway>, D71 */

/* A host (name or address literal, as in the document) and a port. */
struct reload_config_bootstrap {
    char address[RELOAD_CONFIG_NAME_MAX + 1];
    uint16_t port;
};

/* Access policies (RFC 6940 7.3). */
enum reload_access_policy {
    RELOAD_ACCESS_UNKNOWN,
    RELOAD_ACCESS_USER_MATCH,
    RELOAD_ACCESS_NODE_MATCH,
    RELOAD_ACCESS_USER_NODE_MATCH,
    RELOAD_ACCESS_NODE_MULTIPLE,
};

/* One Kind of required-kinds. |data_model| is an enum reload_data_model. */
struct reload_config_kind {
    uint32_t kind;
    uint8_t data_model;
    uint8_t access_policy;      /* enum reload_access_policy */
    uint32_t max_count;         /* values a resource, 1.. */
    uint32_t max_size;          /* octets of one value, 0.. */
    uint32_t max_node_multiple; /* NODE-MULTIPLE only */
    /* The kind-block's bytes as signed, inside |document|; empty when unsigned. */
    struct reload_bytes block;
};

enum reload_link_protocol {
    RELOAD_LINK_PROTOCOL_TLS = 1,  /* TLS-TCP-FH-NO-ICE */
    RELOAD_LINK_PROTOCOL_DTLS = 2, /* DTLS-UDP-SR or DTLS-UDP-SR-NO-ICE, by no_ice */
};

/* One configuration, all values of it checked. The byte runs borrow from |document|'s owner: they
 * stay valid as long as the struct, until reload_config_free (certs/config_document.h). */
struct reload_config {
    char instance_name[RELOAD_CONFIG_NAME_MAX + 1];
    uint32_t overlay;       /* the forwarding header's value: from SHA-1 of instance_name */
    uint16_t sequence;      /* 1..65534 */
    uint64_t expiration_ms; /* wall clock; 0 when the document has none */
    char topology_plugin[64];
    uint8_t node_id_length;       /* 16..20 */
    struct reload_bytes document; /* the whole document, as received */

    struct reload_bytes root_certs[RELOAD_CONFIG_CERTIFICATES_MAX]; /* DER */
    size_t root_cert_count;
    char enrollment_urls[RELOAD_CONFIG_URLS_MAX][512];
    size_t enrollment_url_count;
    bool self_signed_permitted;
    uint8_t self_signed_digest; /* TLS HashAlgorithm */

    struct reload_config_bootstrap bootstrap_nodes[RELOAD_CONFIG_BOOTSTRAP_MAX];
    size_t bootstrap_node_count;
    struct reload_config_kind kinds[RELOAD_CONFIG_KINDS_MAX];
    size_t kind_count;
    struct reload_node_id bad_nodes[RELOAD_CONFIG_BAD_NODES_MAX];
    size_t bad_node_count;
    struct reload_node_id configuration_signers[RELOAD_CONFIG_SIGNERS_MAX];
    size_t configuration_signer_count;
    struct reload_node_id kind_signers[RELOAD_CONFIG_SIGNERS_MAX];
    size_t kind_signer_count;

    uint32_t max_message_size; /* octets */
    uint8_t initial_ttl;
    uint32_t overlay_reliability_timer_ms;
    bool clients_permitted;
    bool no_ice;
    uint8_t link_protocols[2]; /* enum reload_link_protocol, in order */
    size_t link_protocol_count;
    uint32_t turn_density;
    uint32_t chord_update_interval_s, chord_ping_interval_s;
    bool chord_reactive;

    bool domain_restrictions_present, domain_restrictions_enable; /* RFC 7904 3.4, D33 */
    char domain_patterns[RELOAD_CONFIG_DOMAINS_MAX][256];         /* POSIX ERE, D18 */
    size_t domain_pattern_count;
    /* Users whose nodes may speak for callers of foreign domains (D32, D71), as in the document. */
    char gateways[RELOAD_CONFIG_GATEWAYS_MAX][256];
    size_t gateway_count;
};

#endif
