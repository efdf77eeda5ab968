/* config_signature_test.c: configuration documents that we write, and whose signature holds.
 *
 * RFC 6940 11.1; I10, D25. SPDX-License-Identifier: BSD-2-Clause */
#include "certs/config_writer.h"

#include "certs/config_document.h"
#include "reload/wire/wire.h"
#include "tests/suite.h"
#include "tests/unit/certs/documents.h"
#include "tests/unit/certs/pki.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static struct reload_config plain;
static X509 *root, *signer; /* signer: PKI_ID_A, key 0 */

static void
fill_lists(void)
{
    plain.enrollment_url_count = 1;
    strcpy(plain.enrollment_urls[0], "https://enrol.example.org:8443/?a=1&b=<2>\"");
    plain.bootstrap_node_count = 2;
    strcpy(plain.bootstrap_nodes[0].address, "192.0.2.1");
    plain.bootstrap_nodes[0].port = 6084;
    strcpy(plain.bootstrap_nodes[1].address, "2001:db8::1");
    plain.bootstrap_nodes[1].port = 7000;
    plain.configuration_signers[plain.configuration_signer_count++] = pki_node_id(PKI_ID_A);
    plain.kind_signers[plain.kind_signer_count++] = pki_node_id(PKI_ID_A);
    plain.bad_nodes[plain.bad_node_count++] = pki_node_id(0x66);
    plain.kinds[plain.kind_count++] = (struct reload_config_kind){RELOAD_KIND_SIP_REGISTRATION,
                                                                  RELOAD_DATA_MODEL_DICTIONARY,
                                                                  RELOAD_ACCESS_USER_NODE_MATCH,
                                                                  10,
                                                                  512,
                                                                  0,
                                                                  {0}};
    plain.kinds[plain.kind_count++] = (struct reload_config_kind){RELOAD_KIND_TURN_SERVICE,
                                                                  RELOAD_DATA_MODEL_SINGLE_VALUE,
                                                                  RELOAD_ACCESS_NODE_MULTIPLE,
                                                                  1,
                                                                  100,
                                                                  20,
                                                                  {0}};
    plain.kinds[plain.kind_count++] = (struct reload_config_kind){
        0xf0000123, RELOAD_DATA_MODEL_ARRAY, RELOAD_ACCESS_NODE_MATCH, 5, 0, 0, {0}};
    plain.domain_restrictions_present = plain.domain_restrictions_enable = true;
    plain.domain_pattern_count = 1;
    strcpy(plain.domain_patterns[0], "[^<&]*\\.example\\.(com|org)");
    plain.gateway_count = 2;
    strcpy(plain.gateways[0], "gateway@example.com");
    strcpy(plain.gateways[1], "a&<b@example.com");
}

static void
begin(void)
{
    root = pki_root(pki_key(1), "CA");
    pki_config(&plain, root);
    signer = pki_make(&(struct pki_spec){.issuer_key = pki_key(1), .issuer = root});
    strcpy(plain.topology_plugin, "CHORD-RELOAD");
    plain.sequence = 65534;
    plain.expiration_ms = PKI_NOW + 365 * PKI_DAY;
    plain.max_message_size = 16000;
    plain.initial_ttl = 60;
    plain.overlay_reliability_timer_ms = 2000;
    plain.turn_density = 3;
    plain.chord_update_interval_s = 61;
    plain.chord_ping_interval_s = 62;
    plain.clients_permitted = true;
    plain.no_ice = true;
    plain.link_protocols[plain.link_protocol_count++] = RELOAD_LINK_PROTOCOL_DTLS;
    fill_lists();
}

static void
end(void)
{
    X509_free(signer);
    X509_free(root);
}

/* |plain| as a document, signed by |key| and |x509|. Freed by free(). */
static char *
written(EVP_PKEY *key, X509 *x509)
{
    uint8_t *document = NULL;
    size_t size;
    ck_assert_int_eq(reload_config_write(&plain, key, x509, &document, &size), 0);
    ck_assert_uint_eq(strlen((char *)document), size);
    return (char *)document;
}

static enum reload_config_trust
trust_in(const char *text)
{
    struct documents_outcome outcome;
    documents_read(text, 0, false, PKI_NOW, &outcome);
    ck_assert_msg(outcome.error == 0, "%s\n%s", outcome.message, text);
    enum reload_config_trust trust = reload_config_verify(outcome.config, &plain, PKI_NOW);
    documents_forget(&outcome);
    return trust;
}

/* |text| with |from| replaced by |to|, once. Freed by free(); |text| is freed. */
static char *
edited(char *text, const char *from, const char *to)
{
    char *at = strstr(text, from), *result = NULL;
    size_t size;
    ck_assert_msg(at != NULL, "no '%s'", from);
    FILE *out = open_memstream(&result, &size);
    fwrite(text, 1, (size_t)(at - text), out);
    fputs(to, out);
    fputs(at + strlen(from), out);
    fclose(out);
    free(text);
    return result;
}

static void
expect_trust(char *text, enum reload_config_trust expected)
{
    enum reload_config_trust trust = trust_in(text);
    ck_assert_msg(trust == expected, "%d instead of %d:\n%s", trust, expected, text);
    free(text);
}

/* ---- what is written is read ---------------------------------------------------------------- */

static void
expect_same_lists(const struct reload_config *config)
{
    ck_assert_uint_eq(config->root_cert_count, 1);
    ck_assert(reload_bytes_equal(config->root_certs[0], plain.root_certs[0]));
    ck_assert(config->enrollment_url_count == 1 && config->bootstrap_node_count == 2);
    ck_assert_str_eq(config->enrollment_urls[0], plain.enrollment_urls[0]);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_str_eq(config->bootstrap_nodes[i].address, plain.bootstrap_nodes[i].address);
        ck_assert_uint_eq(config->bootstrap_nodes[i].port, plain.bootstrap_nodes[i].port);
    }
    ck_assert(config->configuration_signer_count == 1 && config->kind_signer_count == 1);
    ck_assert(reload_node_id_equal(&config->configuration_signers[0], &plain.kind_signers[0]));
    ck_assert_uint_eq(config->bad_node_count, 1);
    ck_assert(reload_node_id_equal(&config->bad_nodes[0], &plain.bad_nodes[0]));
    ck_assert_uint_eq(config->kind_count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct reload_config_kind *a = &config->kinds[i], *b = &plain.kinds[i];
        ck_assert(a->kind == b->kind && a->data_model == b->data_model &&
                  a->access_policy == b->access_policy && a->max_count == b->max_count &&
                  a->max_size == b->max_size && a->max_node_multiple == b->max_node_multiple);
    }
    ck_assert(config->domain_restrictions_present && config->domain_restrictions_enable);
    ck_assert_uint_eq(config->domain_pattern_count, 1);
    ck_assert_str_eq(config->domain_patterns[0], plain.domain_patterns[0]);
    ck_assert_uint_eq(config->gateway_count, 2);
    ck_assert_str_eq(config->gateways[0], plain.gateways[0]);
    ck_assert_str_eq(config->gateways[1], plain.gateways[1]);
}

START_TEST(round_trip)
{
    struct documents_outcome outcome;
    begin();
    char *text = written(pki_key(0), signer);
    documents_read(text, 0, true, PKI_NOW, &outcome);
    ck_assert_msg(outcome.error == 0, "%s", outcome.message);
    ck_assert_uint_eq(outcome.warnings, 0);
    const struct reload_config *config = outcome.config;
    ck_assert_str_eq(config->instance_name, plain.instance_name);
    ck_assert_uint_eq(config->sequence, plain.sequence);
    ck_assert_uint_eq(config->expiration_ms, plain.expiration_ms);
    ck_assert_uint_eq(config->max_message_size, plain.max_message_size);
    ck_assert_uint_eq(config->initial_ttl, plain.initial_ttl);
    ck_assert_uint_eq(config->overlay_reliability_timer_ms, plain.overlay_reliability_timer_ms);
    ck_assert_uint_eq(config->turn_density, plain.turn_density);
    ck_assert(config->chord_update_interval_s == 61 && config->chord_ping_interval_s == 62);
    ck_assert(config->clients_permitted && config->no_ice && !config->chord_reactive);
    ck_assert(!config->self_signed_permitted);
    ck_assert(config->link_protocol_count == 1 &&
              config->link_protocols[0] == RELOAD_LINK_PROTOCOL_DTLS);
    expect_same_lists(config);
    documents_forget(&outcome);
    free(text);
    end();
}
END_TEST

/* RFC6940-11.1-10, -12 */
START_TEST(self_signed_mode)
{
    struct documents_outcome outcome;
    begin();
    plain.root_cert_count = 0;
    plain.self_signed_permitted = true;
    for (plain.self_signed_digest = 2; plain.self_signed_digest <= 4;
         plain.self_signed_digest += 2) {
        char *text = written(NULL, NULL);
        documents_read(text, 0, true, PKI_NOW, &outcome);
        ck_assert_msg(outcome.error == 0, "%s", outcome.message);
        ck_assert(outcome.config->self_signed_permitted);
        ck_assert_uint_eq(outcome.config->self_signed_digest, plain.self_signed_digest);
        documents_forget(&outcome);
        free(text);
    }
    end();
}
END_TEST

/* ---- signatures ----------------------------------------------------------------------------- */

START_TEST(signed_by_signer)
{
    begin();
    expect_trust(written(pki_key(0), signer), RELOAD_CONFIG_SIGNED);
    expect_trust(written(NULL, NULL), RELOAD_CONFIG_UNSIGNED);
    X509 *rsa = pki_make(
        &(struct pki_spec){.key = pki_rsa_key(), .issuer_key = pki_key(1), .issuer = root});
    expect_trust(written(pki_rsa_key(), rsa), RELOAD_CONFIG_SIGNED);
    X509_free(rsa);
    end();
}
END_TEST

/* F1: by one that is no configuration-signer, or only of the new document; of another CA; revoked;
 * expired. RFC6940-11.1-37, -38 */
START_TEST(signed_by_others)
{
    begin();
    struct pki_spec other = {.issuer_key = pki_key(1),
                             .issuer = root,
                             .names = {{GEN_URI, PKI_URI_B, 0}, {GEN_EMAIL, PKI_USER, 0}}};
    X509 *node = pki_make(&other);
    expect_trust(written(pki_key(0), node), RELOAD_CONFIG_BAD);
    /* The new document says that B may sign; the one in force does not. */
    plain.configuration_signers[1] = pki_node_id(PKI_ID_B);
    plain.configuration_signer_count = 2;
    char *text = written(pki_key(0), node);
    ck_assert_int_eq(trust_in(text), RELOAD_CONFIG_SIGNED);
    plain.configuration_signer_count = 1;
    expect_trust(text, RELOAD_CONFIG_BAD);
    X509 *impostor = pki_root(pki_key(2), "CA");
    X509 *forged = pki_make(&(struct pki_spec){.issuer_key = pki_key(2), .issuer = impostor});
    expect_trust(written(pki_key(0), forged), RELOAD_CONFIG_BAD);
    X509 *old = pki_make(&(struct pki_spec){
        .issuer_key = pki_key(1), .issuer = root, .not_after_ms = PKI_NOW - 1000});
    expect_trust(written(pki_key(0), old), RELOAD_CONFIG_BAD);
    expect_trust(written(pki_key(2), signer), RELOAD_CONFIG_BAD); /* not its key */
    text = written(pki_key(0), signer);
    plain.bad_nodes[plain.bad_node_count++] = pki_node_id(PKI_ID_A);
    expect_trust(text, RELOAD_CONFIG_BAD);
    X509_free(old);
    X509_free(forged);
    X509_free(impostor);
    X509_free(node);
    end();
}
END_TEST

/* I10: the bytes are signed: any change breaks it, also one of white space only.
 * RFC6940-11.1-34, -35 */
START_TEST(changed_bytes)
{
    static const char *const changes[][2] = {
        {"sequence=\"65534\"", "sequence=\"65533\""},
        {"<initial-ttl>60</initial-ttl>", "<initial-ttl>61</initial-ttl>"},
        {"<initial-ttl>60</initial-ttl>", "<initial-ttl> 60</initial-ttl>"},
        {"<initial-ttl>60</initial-ttl>", "<initial-ttl>60</initial-ttl><!-- -->"},
        {"  </configuration>", " </configuration>"},
        {"  </configuration>", "  </configuration >"},
        {"<configuration instance", "<configuration  instance"},
    };
    begin();
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        expect_trust(edited(written(pki_key(0), signer), changes[i][0], changes[i][1]),
                     RELOAD_CONFIG_BAD);
    /* Outside of the element nothing is signed. */
    expect_trust(edited(written(pki_key(0), signer), "<signature>", "<!-- x -->\n  <signature>"),
                 RELOAD_CONFIG_SIGNED);
    end();
}
END_TEST

/* A signed element that is somewhere, and another one that is read. */
START_TEST(lent_signatures)
{
    static const char *const wraps[][2] = {
        {"<!-- ", " -->"},
        {"<?x ", " ?>"},
        {"<ext:a xmlns:ext=\"urn:x\">", "</ext:a>"},
        {"<ext:a xmlns:ext=\"urn:x\"><![CDATA[", "]]></ext:a>"},
        {"<ext:a xmlns:ext=\"urn:x\" b='", "'/>"}, /* not well-formed */
    };
    begin();
    for (size_t i = 0; i < sizeof wraps / sizeof *wraps; i++)
        for (int after = 0; after < 2; after++) {
            char *text = written(pki_key(0), signer), *copy = strdup(text);
            char *start = strstr(copy, "<configuration"), *stop = strstr(copy, "</configuration>");
            char all[65536], evil[32768];
            stop[strlen("</configuration>")] = 0;
            snprintf(evil, sizeof evil, "%s", start);
            memcpy(strstr(evil, "<initial-ttl>60"), "<initial-ttl>99", 15);
            snprintf(all, sizeof all, "%s%s%s%s%s", after ? evil : "", wraps[i][0], start,
                     wraps[i][1], after ? "" : evil);
            text = edited(text, start, all);
            struct documents_outcome outcome;
            documents_read(text, 0, false, PKI_NOW, &outcome);
            if (outcome.error == 0) {
                ck_assert_uint_eq(outcome.config->initial_ttl, 99);
                ck_assert_int_eq(reload_config_verify(outcome.config, &plain, PKI_NOW),
                                 RELOAD_CONFIG_BAD);
            } else {
                ck_assert_uint_eq(i, 4);
            }
            documents_forget(&outcome);
            free(copy);
            free(text);
        }
    end();
}
END_TEST

/* The signed one stands behind one with a prefix, which is read: it is not the one signed. */
START_TEST(prefixed_configuration)
{
    begin();
    char *text = written(pki_key(0), signer), evil[16384];
    snprintf(evil, sizeof evil,
             "<x:configuration xmlns:x=\"urn:ietf:params:xml:ns:p2p:config-base\" "
             "instance-name=\"overlay.example.org\" sequence=\"9\"><root-cert>%s</root-cert>"
             "</x:configuration><configuration instance",
             documents_root(root));
    text = edited(text, "<configuration instance", evil);
    struct documents_outcome outcome;
    documents_read(text, 0, false, PKI_NOW, &outcome);
    ck_assert_msg(outcome.error == 0, "%s", outcome.message);
    ck_assert_uint_eq(outcome.config->sequence, 9);
    ck_assert_int_eq(reload_config_verify(outcome.config, &plain, PKI_NOW), RELOAD_CONFIG_UNSIGNED);
    documents_forget(&outcome);
    free(text);
    end();
}
END_TEST

/* A SecurityBlock by |key| over |bytes| alone or followed by the SignerIdentity, in base64. */
static char *
signature_of(struct reload_bytes bytes, EVP_PKEY *key, X509 *x509, bool with_identity)
{
    static char text[8192];
    struct reload_wire wire = {.node_id_length = 16};
    struct reload_bytes der = pki_der(x509);
    uint8_t hash[32], identity[64], value[512], block[4096];
    size_t size = sizeof value;
    ck_assert_int_eq(EVP_Digest(der.data, der.size, hash, NULL, EVP_sha256(), NULL), 1);
    struct reload_signature signature = {.algorithm = {4, 3}};
    signature.identity.identity_type = RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH;
    signature.identity.identity.cert_hash.hash_alg = 4;
    signature.identity.identity.cert_hash.certificate_hash = (struct reload_bytes){hash, 32};
    struct reload_writer writer = reload_writer_of(identity, sizeof identity);
    reload_signer_identity_encode(&writer, &wire, &signature.identity);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    ck_assert_int_eq(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
    EVP_DigestSignUpdate(context, bytes.data, bytes.size);
    if (with_identity)
        EVP_DigestSignUpdate(context, writer.data, writer.size);
    ck_assert_int_eq(EVP_DigestSignFinal(context, value, &size), 1);
    EVP_MD_CTX_free(context);
    signature.signature_value = (struct reload_bytes){value, size};
    struct reload_generic_certificate certificate = {.type = RELOAD_CERTIFICATE_TYPE_X509,
                                                     .certificate = der};
    writer = reload_writer_of(block, sizeof block);
    size_t mark = reload_writer_begin(&writer, 2);
    reload_generic_certificate_encode(&writer, &wire, &certificate);
    reload_writer_end(&writer, mark, 2);
    reload_signature_encode(&writer, &wire, &signature);
    ck_assert(!writer.failed);
    EVP_EncodeBlock((uint8_t *)text, block, (int)writer.size);
    return text;
}

/* D25: over the bytes followed by SignerIdentity, or over the bytes alone. */
START_TEST(both_inputs)
{
    begin();
    for (int with_identity = 0; with_identity < 2; with_identity++) {
        char *text = written(NULL, NULL), tail[10000];
        char *start = strstr(text, "<configuration"), *stop = strstr(text, "</configuration>");
        struct reload_bytes bytes = {(uint8_t *)start,
                                     (size_t)(stop - start) + strlen("</configuration>")};
        snprintf(tail, sizeof tail,
                 "<signature>YmFkCg==</signature>\n<signature> %s </signature></overlay>",
                 signature_of(bytes, pki_key(0), signer, with_identity));
        expect_trust(edited(text, "</overlay>", tail), RELOAD_CONFIG_SIGNED);
    }
    end();
}
END_TEST

START_TEST(malformed_signatures)
{
    static const char *const cases[] = {"VGhpcyBpcyBub3QgcmlnaHQhCg==", "AAAA", "AAAAAAAAAAA="};
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char tail[256];
        snprintf(tail, sizeof tail, "<signature>%s</signature></overlay>", cases[i]);
        expect_trust(edited(written(NULL, NULL), "</overlay>", tail), RELOAD_CONFIG_BAD);
    }
    end();
}
END_TEST

/* A signature belongs to the configuration in front of it. */
START_TEST(of_the_other_configuration)
{
    begin();
    char *text = written(pki_key(0), signer), first[16384];
    snprintf(first, sizeof first,
             "<configuration instance-name=\"overlay.example.org\" sequence=\"9\"><root-cert>%s"
             "</root-cert></configuration>\n<configuration instance",
             documents_root(root));
    text = edited(text, "<configuration instance", first);
    expect_trust(text, RELOAD_CONFIG_UNSIGNED);
    end();
}
END_TEST

/* ---- Kinds, F4 ------------------------------------------------------------------------------ */

static enum reload_config_trust
trust_in_kind(const char *text, size_t index)
{
    struct documents_outcome outcome;
    documents_read(text, 0, false, PKI_NOW, &outcome);
    ck_assert_msg(outcome.error == 0, "%s", outcome.message);
    enum reload_config_trust trust =
        reload_config_verify_kind(outcome.config, index, &plain, PKI_NOW);
    documents_forget(&outcome);
    return trust;
}

/* The first Kind whose signature does not hold; 0: none. */
static uint32_t
bad_kind(const char *text)
{
    struct documents_outcome outcome;
    uint32_t kind = 0;
    documents_read(text, 0, false, PKI_NOW, &outcome);
    ck_assert_msg(outcome.error == 0, "%s", outcome.message);
    ck_assert(reload_config_kinds_hold(outcome.config, &plain, PKI_NOW, &kind) == (kind == 0));
    ck_assert(kind == 0 || kind == outcome.config->kinds[0].kind ||
              kind == outcome.config->kinds[1].kind);
    documents_forget(&outcome);
    return kind;
}

/* RFC6940-11.1-31, -32, -33 */
START_TEST(kinds)
{
    begin();
    char *text = written(pki_key(0), signer);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(trust_in_kind(text, i), RELOAD_CONFIG_SIGNED);
    ck_assert_uint_eq(bad_kind(text), 0);
    text = edited(text, "<max-size>100</max-size>", "<max-size>900</max-size>");
    ck_assert_int_eq(trust_in_kind(text, 0), RELOAD_CONFIG_SIGNED);
    ck_assert_int_eq(trust_in_kind(text, 1), RELOAD_CONFIG_BAD);
    ck_assert_int_eq(trust_in_kind(text, 2), RELOAD_CONFIG_SIGNED);
    ck_assert_uint_ne(bad_kind(text), 0);
    plain.kind_signers[0] = pki_node_id(PKI_ID_B);
    ck_assert_int_eq(trust_in_kind(text, 0), RELOAD_CONFIG_BAD);
    free(text);
    text = written(NULL, NULL);
    ck_assert_int_eq(trust_in_kind(text, 0), RELOAD_CONFIG_UNSIGNED);
    ck_assert_uint_eq(bad_kind(text), 0);
    free(text);
    end();
}
END_TEST

/* Whoever signs Kinds need not sign the whole: the certificate may stand in either signature. */
START_TEST(kind_signer)
{
    begin();
    char *text = written(NULL, NULL), block[10000];
    char *start = strstr(text, "<kind id="), *stop = strstr(start, "</kind>") + strlen("</kind>");
    struct reload_bytes bytes = {(uint8_t *)start, (size_t)(stop - start)};
    X509 *node =
        pki_make(&(struct pki_spec){.key = pki_key(2),
                                    .issuer_key = pki_key(1),
                                    .issuer = root,
                                    .names = {{GEN_URI, PKI_URI_B, 0}, {GEN_EMAIL, PKI_USER, 0}}});
    snprintf(block, sizeof block, "%.*s<kind-signature>%s</kind-signature>", (int)bytes.size, start,
             signature_of(bytes, pki_key(2), node, true));
    char *kind = strndup(start, bytes.size);
    text = edited(text, kind, block);
    ck_assert_int_eq(trust_in_kind(text, 2), RELOAD_CONFIG_BAD);
    plain.kind_signers[0] = pki_node_id(PKI_ID_B);
    ck_assert_int_eq(trust_in_kind(text, 2), RELOAD_CONFIG_SIGNED);
    free(kind);
    free(text);
    X509_free(node);
    end();
}
END_TEST

/* The bytes of a Kind are those of its element, not of one in a comment before it. */
START_TEST(lent_kind_signature)
{
    begin();
    char *text = written(pki_key(0), signer);
    char *start = strstr(text, "<kind id="), kind[512], all[2048];
    size_t size = (size_t)(strstr(start, "</kind>") - start) + strlen("</kind>");
    snprintf(kind, sizeof kind, "%.*s", (int)size, start);
    snprintf(all, sizeof all, "<!-- %s -->%s", kind, kind);
    memcpy(strstr(strstr(all, "-->"), "<max-count>5"), "<max-count>6", 12);
    text = edited(text, kind, all);
    ck_assert_int_eq(trust_in_kind(text, 2), RELOAD_CONFIG_BAD);
    free(text);
    end();
}
END_TEST

int
main(void)
{
    pki_begin();
    int result = RUN_SUITE("config_signature", round_trip, self_signed_mode, signed_by_signer,
                           signed_by_others, changed_bytes, lent_signatures, prefixed_configuration,
                           both_inputs, malformed_signatures, of_the_other_configuration, kinds,
                           kind_signer, lent_kind_signature);
    pki_end();
    return result;
}
