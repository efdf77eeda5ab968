/* config_writer.c: configuration documents, written and signed.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/config_writer.h"

#include "certs/certificate.h"
#include "certs/key.h"

#include "reload/wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Room for a SecurityBlock with one certificate. */
#define BLOCK_SIZE_MAX (RELOAD_CERTIFICATE_SIZE_MAX + 2048)

/* Who signs; no |key|: nobody. */
struct author {
    EVP_PKEY *key;
    X509 *certificate;
};

static const char *const models[] = {"", "SINGLE", "ARRAY", "DICTIONARY"};
static const char *const policies[] = {"", "USER-MATCH", "NODE-MATCH", "USER-NODE-MATCH",
                                       "NODE-MULTIPLE"};

static const char *
kind_name(uint32_t kind)
{
    switch (kind) {
    case RELOAD_KIND_SIP_REGISTRATION:
        return "SIP-REGISTRATION";
    case RELOAD_KIND_TURN_SERVICE:
        return "TURN-SERVICE";
    case RELOAD_KIND_CERTIFICATE_BY_NODE:
        return "CERTIFICATE_BY_NODE";
    case RELOAD_KIND_CERTIFICATE_BY_USER:
        return "CERTIFICATE_BY_USER";
    default:
        return NULL;
    }
}

static void
write_base64(FILE *out, struct reload_bytes bytes)
{
    /* 48 octets make a line of 64 characters. */
    for (size_t at = 0; at < bytes.size; at += 48) {
        size_t size = bytes.size - at < 48 ? bytes.size - at : 48;
        unsigned char line[65];
        EVP_EncodeBlock(line, bytes.data + at, (int)size);
        fprintf(out, "%s\n", (const char *)line);
    }
}

/* Text in XML: the five characters that mean something else. */
static void
write_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*text, out);
        }
    }
}

static void
write_element(FILE *out, const char *name, const char *text)
{
    fprintf(out, "    <%s>", name);
    write_text(out, text);
    fprintf(out, "</%s>\n", name);
}

static void
write_number(FILE *out, const char *name, uint64_t value)
{
    fprintf(out, "    <%s>%llu</%s>\n", name, (unsigned long long)value, name);
}

static void
write_boolean(FILE *out, const char *name, bool value)
{
    write_element(out, name, value ? "true" : "false");
}

static void
write_node_ids(FILE *out, const char *name, const struct reload_node_id *ids, size_t count,
               uint8_t length)
{
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "    <%s>", name);
        for (uint8_t o = 0; o < length; o++)
            fprintf(out, "%02x", ids[i].octets[o]);
        fprintf(out, "</%s>\n", name);
    }
}

/* ---- the signatures ------------------------------------------------------------------------- */

/* Signs |bytes| followed by our SignerIdentity (D25) and writes a SecurityBlock, |with_certificate|
 * or without it. */
static int
sign(struct reload_bytes bytes, EVP_PKEY *key, X509 *x509, bool with_certificate,
     struct reload_writer *block)
{
    uint8_t der[RELOAD_CERTIFICATE_SIZE_MAX], hash[EVP_MAX_MD_SIZE], data[256], value[1024];
    uint8_t *at = der;
    unsigned hash_size = 0;
    int length = i2d_X509(x509, NULL);
    if (length <= 0 || (size_t)length > sizeof der || i2d_X509(x509, &at) != length ||
        EVP_Digest(der, (size_t)length, hash, &hash_size, EVP_sha256(), NULL) != 1)
        return RELOAD_E_CRYPTO;
    struct reload_wire wire = {.node_id_length = 16};
    struct reload_signature signature = {
        .algorithm = {RELOAD_HASH_ALGORITHM_SHA256, reload_key_signature_algorithm(key)}};
    signature.identity.identity_type = RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH;
    signature.identity.identity.cert_hash.hash_alg = RELOAD_HASH_ALGORITHM_SHA256;
    signature.identity.identity.cert_hash.certificate_hash = (struct reload_bytes){hash, hash_size};
    struct reload_writer identity = reload_writer_of(data, sizeof data);
    reload_signer_identity_encode(&identity, &wire, &signature.identity);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t size = sizeof value;
    bool good = context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestSignUpdate(context, bytes.data, bytes.size) == 1 &&
                EVP_DigestSignUpdate(context, identity.data, identity.size) == 1 &&
                EVP_DigestSignFinal(context, value, &size) == 1;
    EVP_MD_CTX_free(context);
    signature.signature_value = (struct reload_bytes){value, size};
    size_t mark = reload_writer_begin(block, 2);
    struct reload_generic_certificate certificate = {.type = RELOAD_CERTIFICATE_TYPE_X509,
                                                     .certificate = {der, (size_t)length}};
    if (with_certificate)
        reload_generic_certificate_encode(block, &wire, &certificate);
    reload_writer_end(block, mark, 2);
    reload_signature_encode(block, &wire, &signature);
    return good && !block->failed ? 0 : RELOAD_E_CRYPTO;
}

/* Writes a |name| element with the signature of |bytes|, when there is somebody to sign. */
static int
write_signature(FILE *out, const char *name, struct reload_bytes bytes, const struct author *author,
                bool with_certificate)
{
    uint8_t data[BLOCK_SIZE_MAX];
    struct reload_writer block = reload_writer_of(data, sizeof data);
    if (!author->key)
        return 0;
    int error = sign(bytes, author->key, author->certificate, with_certificate, &block);
    if (error)
        return error;
    fprintf(out, "<%s>\n", name);
    write_base64(out, reload_writer_written(&block));
    fprintf(out, "</%s>\n", name);
    return 0;
}

/* ---- the elements --------------------------------------------------------------------------- */

static void
write_kind(FILE *out, const struct reload_config_kind *kind)
{
    const char *name = kind_name(kind->kind);
    if (name)
        fprintf(out, "<kind name=\"%s\">\n", name);
    else
        fprintf(out, "<kind id=\"%u\">\n", kind->kind);
    fprintf(out, "          <data-model>%s</data-model>\n", models[kind->data_model]);
    fprintf(out, "          <access-control>%s</access-control>\n", policies[kind->access_policy]);
    if (kind->access_policy == RELOAD_ACCESS_NODE_MULTIPLE)
        fprintf(out, "          <max-node-multiple>%u</max-node-multiple>\n",
                kind->max_node_multiple);
    fprintf(out, "          <max-count>%u</max-count>\n", kind->max_count);
    fprintf(out, "          <max-size>%u</max-size>\n        </kind>", kind->max_size);
}

/* A kind-block: the Kind, and the signature over its bytes (11.1). The certificate is in the
 * signature of the whole: it stands there once, so that a document fits into a ConfigUpdate (D14).
 */
static int
write_kind_block(FILE *out, const struct reload_config_kind *kind, const struct author *author)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return RELOAD_E_NOMEM;
    write_kind(memory, kind);
    int error = fclose(memory) == 0 ? 0 : RELOAD_E_NOMEM;
    if (!error) {
        fprintf(out, "      <kind-block>\n        %s\n", text);
        error = write_signature(out, "kind-signature",
                                (struct reload_bytes){(const uint8_t *)text, size}, author, false);
        fputs("      </kind-block>\n", out);
    }
    free(text);
    return error;
}

static int
write_kinds(FILE *out, const struct reload_config *config, const struct author *author)
{
    int error = 0;
    fputs("    <required-kinds>\n", out);
    for (size_t i = 0; !error && i < config->kind_count; i++)
        error = write_kind_block(out, &config->kinds[i], author);
    fputs("    </required-kinds>\n", out);
    return error;
}

static void
write_domains(FILE *out, const struct reload_config *config)
{
    if (!config->domain_restrictions_present)
        return;
    fprintf(out, "    <sip:domain-restrictions enable=\"%s\">\n",
            config->domain_restrictions_enable ? "true" : "false");
    for (size_t i = 0; i < config->domain_pattern_count; i++) {
        fputs("      <sip:pattern>", out);
        write_text(out, config->domain_patterns[i]);
        fputs("</sip:pattern>\n", out);
    }
    fputs("    </sip:domain-restrictions>\n", out);
}

static void
write_gateways(FILE *out, const struct reload_config *config)
{
    for (size_t i = 0; i < config->gateway_count; i++) {
        fputs("    <gw:sip-gateway xmlns:gw=\"" RELOAD_CONFIG_GATEWAY_NAMESPACE "\">", out);
        write_text(out, config->gateways[i]);
        fputs("</gw:sip-gateway>\n", out);
    }
}

static void
write_lists(FILE *out, const struct reload_config *config)
{
    for (size_t i = 0; i < config->root_cert_count; i++) {
        fputs("    <root-cert>\n", out);
        write_base64(out, config->root_certs[i]);
        fputs("    </root-cert>\n", out);
    }
    for (size_t i = 0; i < config->enrollment_url_count; i++)
        write_element(out, "enrollment-server", config->enrollment_urls[i]);
    if (config->self_signed_permitted)
        fprintf(out, "    <self-signed-permitted digest=\"%s\">true</self-signed-permitted>\n",
                config->self_signed_digest == RELOAD_HASH_ALGORITHM_SHA256 ? "sha256" : "sha1");
    for (size_t i = 0; i < config->bootstrap_node_count; i++) {
        fputs("    <bootstrap-node address=\"", out);
        write_text(out, config->bootstrap_nodes[i].address);
        fprintf(out, "\" port=\"%u\"/>\n", config->bootstrap_nodes[i].port);
    }
    uint8_t length = config->node_id_length;
    write_node_ids(out, "configuration-signer", config->configuration_signers,
                   config->configuration_signer_count, length);
    write_node_ids(out, "kind-signer", config->kind_signers, config->kind_signer_count, length);
    write_node_ids(out, "bad-node", config->bad_nodes, config->bad_node_count, length);
}

/* Whether the protocols are what one "TLS" says (11.1: TLS and DTLS). */
static const char *
link_protocol_name(const struct reload_config *config)
{
    return config->link_protocol_count == 1 &&
                   config->link_protocols[0] == RELOAD_LINK_PROTOCOL_DTLS
               ? "DTLS"
               : "TLS";
}

static int
write_configuration(FILE *out, const struct reload_config *config, const struct author *author)
{
    fprintf(out, "<configuration instance-name=\"%s\" sequence=\"%u\"", config->instance_name,
            config->sequence);
    if (config->expiration_ms) {
        time_t seconds = (time_t)(config->expiration_ms / 1000);
        struct tm broken;
        char text[32];
        gmtime_r(&seconds, &broken);
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &broken);
        fprintf(out, " expiration=\"%s\"", text);
    }
    fputs(">\n", out);
    write_element(out, "topology-plugin", config->topology_plugin);
    write_number(out, "node-id-length", config->node_id_length);
    write_lists(out, config);
    write_number(out, "turn-density", config->turn_density);
    write_boolean(out, "clients-permitted", config->clients_permitted);
    write_boolean(out, "no-ice", config->no_ice);
    write_number(out, "chord:chord-update-interval", config->chord_update_interval_s);
    write_number(out, "chord:chord-ping-interval", config->chord_ping_interval_s);
    write_boolean(out, "chord:chord-reactive", config->chord_reactive);
    write_number(out, "max-message-size", config->max_message_size);
    write_number(out, "initial-ttl", config->initial_ttl);
    write_number(out, "overlay-reliability-timer", config->overlay_reliability_timer_ms);
    write_element(out, "overlay-link-protocol", link_protocol_name(config));
    write_domains(out, config);
    write_gateways(out, config);
    int error = write_kinds(out, config, author);
    fputs("  </configuration>", out);
    return error;
}

/* ---- the document --------------------------------------------------------------------------- */

/* The configuration element alone: it is what is signed. */
static int
configuration_text(const struct reload_config *config, const struct author *author, char **text,
                   size_t *size)
{
    FILE *out = open_memstream(text, size);
    if (!out)
        return RELOAD_E_NOMEM;
    int error = write_configuration(out, config, author);
    if (fclose(out) != 0)
        error = RELOAD_E_NOMEM;
    return error;
}

static int
write_document(FILE *out, struct reload_bytes element, const struct author *author)
{
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
          "<overlay xmlns=\"urn:ietf:params:xml:ns:p2p:config-base\"\n"
          "    xmlns:chord=\"urn:ietf:params:xml:ns:p2p:config-chord\"\n"
          "    xmlns:sip=\"urn:ietf:params:xml:ns:p2p:config-base:sip\">\n  ",
          out);
    fwrite(element.data, 1, element.size, out);
    fputs("\n", out);
    int error = write_signature(out, "signature", element, author, true);
    fputs("</overlay>\n", out);
    return error;
}

int
reload_config_write(const struct reload_config *config, EVP_PKEY *signer_key, X509 *signer,
                    uint8_t **document, size_t *size)
{
    struct author author = {signer_key, signer};
    char *text = NULL, *whole = NULL;
    size_t length = 0;
    int error = configuration_text(config, &author, &text, &length);
    FILE *out = error ? NULL : open_memstream(&whole, size);
    if (out) {
        error = write_document(out, (struct reload_bytes){(const uint8_t *)text, length}, &author);
        if (fclose(out) != 0)
            error = RELOAD_E_NOMEM;
    } else if (!error) {
        error = RELOAD_E_NOMEM;
    }
    free(text);
    if (error) {
        free(whole);
        return error;
    }
    *document = (uint8_t *)whole;
    return 0;
}
