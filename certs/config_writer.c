/* config_writer.c: configuration documents, written and signed.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/config_writer.h"

#include "certs/key.h"

#include "reload/wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

static void
write_kinds(FILE *out, const struct reload_config *config)
{
    fputs("    <required-kinds>\n", out);
    for (size_t i = 0; i < config->kind_count; i++) {
        const struct reload_config_kind *kind = &config->kinds[i];
        const char *name = kind_name(kind->kind);
        fputs("      <kind-block>\n", out);
        if (name)
            fprintf(out, "        <kind name=\"%s\">\n", name);
        else
            fprintf(out, "        <kind id=\"%u\">\n", kind->kind);
        fprintf(out, "          <data-model>%s</data-model>\n", models[kind->data_model]);
        fprintf(out, "          <access-control>%s</access-control>\n",
                policies[kind->access_policy]);
        if (kind->access_policy == RELOAD_ACCESS_NODE_MULTIPLE)
            fprintf(out, "          <max-node-multiple>%u</max-node-multiple>\n",
                    kind->max_node_multiple);
        fprintf(out, "          <max-count>%u</max-count>\n", kind->max_count);
        fprintf(out, "          <max-size>%u</max-size>\n        </kind>\n      </kind-block>\n",
                kind->max_size);
    }
    fputs("    </required-kinds>\n", out);
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
write_lists(FILE *out, const struct reload_config *config)
{
    for (size_t i = 0; i < config->root_cert_count; i++) {
        fputs("    <root-cert>\n", out);
        write_base64(out, config->root_certs[i]);
        fputs("    </root-cert>\n", out);
    }
    for (size_t i = 0; i < config->enrollment_url_count; i++)
        write_element(out, "enrollment-server", config->enrollment_urls[i]);
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

static void
write_configuration(FILE *out, const struct reload_config *config)
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
    write_kinds(out, config);
    fputs("  </configuration>", out);
}

/* ---- the signatures ------------------------------------------------------------------------- */

/* Signs |bytes| followed by our SignerIdentity (D25) and writes a SecurityBlock. */
static int
sign(struct reload_bytes bytes, EVP_PKEY *key, X509 *x509, struct reload_writer *block)
{
    uint8_t der[8192], hash[EVP_MAX_MD_SIZE], data[256], value[1024];
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
    signature.identity.identity.cert_hash.certificate_hash =
        (struct reload_bytes){hash, hash_size};
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
    struct reload_generic_certificate certificate = {
        .type = RELOAD_CERTIFICATE_TYPE_X509, .certificate = {der, (size_t)length}};
    reload_generic_certificate_encode(block, &wire, &certificate);
    reload_writer_end(block, mark, 2);
    reload_signature_encode(block, &wire, &signature);
    return good && !block->failed ? 0 : RELOAD_E_CRYPTO;
}

/* The text of what |fn| would have to write twice: the element alone is signed. */
static int
configuration_text(const struct reload_config *config, char **text, size_t *size)
{
    FILE *out = open_memstream(text, size);
    if (!out)
        return RELOAD_E_NOMEM;
    write_configuration(out, config);
    return fclose(out) == 0 ? 0 : RELOAD_E_NOMEM;
}

int
reload_config_write(const struct reload_config *config, EVP_PKEY *signer_key, X509 *signer,
                    uint8_t **document, size_t *size)
{
    char *text = NULL, *whole = NULL;
    size_t length = 0;
    int error = configuration_text(config, &text, &length);
    uint8_t data[16384];
    struct reload_writer block = reload_writer_of(data, sizeof data);
    if (!error && signer_key)
        error = sign((struct reload_bytes){(const uint8_t *)text, length}, signer_key, signer,
                     &block);
    FILE *out = error ? NULL : open_memstream(&whole, size);
    if (out) {
        fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
              "<overlay xmlns=\"urn:ietf:params:xml:ns:p2p:config-base\"\n"
              "    xmlns:chord=\"urn:ietf:params:xml:ns:p2p:config-chord\"\n"
              "    xmlns:sip=\"urn:ietf:params:xml:ns:p2p:config-base:sip\">\n  ",
              out);
        fwrite(text, 1, length, out);
        if (block.size) {
            fputs("\n  <signature>\n", out);
            write_base64(out, reload_writer_written(&block));
            fputs("  </signature>", out);
        }
        fputs("\n</overlay>\n", out);
        if (fclose(out) != 0)
            error = RELOAD_E_NOMEM;
        *document = (uint8_t *)whole;
    } else if (!error) {
        error = RELOAD_E_NOMEM;
    }
    free(text);
    return error;
}
