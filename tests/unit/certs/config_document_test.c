/* config_document_test.c: configuration documents: what is read from them, and what is refused.
 *
 * RFC 6940 11.1, RFC 7904 3.4; I7, D6, D33. SPDX-License-Identifier: BSD-2-Clause */
#include "certs/config_document.h"

#include "reload/wire/wire.h"
#include "tests/suite.h"
#include "tests/unit/certs/documents.h"
#include "tests/unit/certs/pki.h"

#include <stdio.h>
#include <string.h>

/* One root certificate for all tests of a process. */
static X509 *
root(void)
{
    static X509 *made;
    if (!made)
        made = pki_root(pki_key(1), "CA");
    return made;
}

/* Reads a document of one configuration with |attributes| beside its name, and |body|. */
static void
read_with(const char *attributes, const char *body, bool strict, struct documents_outcome *outcome)
{
    char all[1024];
    snprintf(all, sizeof all, DOCUMENTS_NAME " %s", attributes);
    char *text = documents_of(root(), all, body, "");
    documents_read(text, 0, strict, PKI_NOW, outcome);
    free(text);
}

/* RFC 6940 6.3.2: the last 32 bits of the SHA-1 of the name. */
START_TEST(overlay_value)
{
    ck_assert_uint_eq(reload_config_overlay("overlay.example.org"), 0x9aa32b8d);
    ck_assert_uint_eq(reload_config_overlay(""), 0xafd80709);
    ck_assert_uint_ne(reload_config_overlay("overlay.example.net"), 0x9aa32b8d);
}
END_TEST

START_TEST(defaults)
{
    struct documents_outcome outcome;
    read_with("", "", true, &outcome);
    ck_assert_msg(outcome.error == 0, "%s", outcome.message);
    const struct reload_config *config = outcome.config;
    ck_assert_uint_eq(outcome.warnings, 0);
    ck_assert_str_eq(config->instance_name, PKI_OVERLAY);
    ck_assert_uint_eq(config->overlay, 0x9aa32b8d);
    ck_assert_uint_eq(config->sequence, 0);
    ck_assert_uint_eq(config->expiration_ms, 0);
    ck_assert_str_eq(config->topology_plugin, "CHORD-RELOAD");
    ck_assert_uint_eq(config->node_id_length, 16);
    ck_assert_uint_eq(config->max_message_size, 5000);
    ck_assert_uint_eq(config->initial_ttl, 100);
    ck_assert_uint_eq(config->overlay_reliability_timer_ms, 3000);
    ck_assert(config->clients_permitted && !config->no_ice && config->chord_reactive);
    ck_assert_uint_eq(config->turn_density, 1);
    ck_assert_uint_eq(config->chord_update_interval_s, 600);
    ck_assert_uint_eq(config->chord_ping_interval_s, 3600);
    ck_assert(!config->self_signed_permitted && !config->domain_restrictions_present);
    ck_assert_uint_eq(config->link_protocol_count, 2);
    ck_assert_uint_eq(config->root_cert_count, 1);
    ck_assert(reload_bytes_equal(config->root_certs[0], pki_der(root())));
    ck_assert_uint_eq(config->kind_count, 0);
    documents_forget(&outcome);
}
END_TEST

static const char everything[] =
    "<topology-plugin> CHORD-RELOAD </topology-plugin>\n"
    "<node-id-length>\n 16 </node-id-length>"
    "<enrollment-server> https://example.org/enrol </enrollment-server>"
    "<enrollment-server>https://example.net</enrollment-server>"
    "<self-signed-permitted digest=\"sha256\"> true </self-signed-permitted>"
    "<bootstrap-node address=\"192.0.0.1\" port=\"6085\" />"
    "<bootstrap-node address=\"2001:DB8::1\"/>"
    "<turn-density> 20 </turn-density>"
    "<clients-permitted> 0 </clients-permitted>"
    "<no-ice> true </no-ice>"
    "<chord:chord-update-interval>400</chord:chord-update-interval>"
    "<chord:chord-ping-interval>30</chord:chord-ping-interval>"
    "<chord:chord-reactive> false </chord:chord-reactive>"
    "<max-message-size>4000</max-message-size>"
    "<initial-ttl> 30 </initial-ttl>"
    "<overlay-reliability-timer> 3001 </overlay-reliability-timer>"
    "<overlay-link-protocol>DTLS</overlay-link-protocol>"
    "<configuration-signer>a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0</configuration-signer>"
    "<kind-signer> B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0 </kind-signer>"
    "<bad-node> 6ebc45d31a900c066ebc45d31a900c06 </bad-node>"
    "<ext:example-extension> foo <ext:b c='d'/></ext:example-extension>"
    "<sip:domain-restrictions enable=\"true\"><sip:pattern> dht\\.example\\.com </sip:pattern>"
    "<sip:pattern>.*\\.my\\.example</sip:pattern></sip:domain-restrictions>";

START_TEST(values)
{
    struct documents_outcome outcome;
    read_with("sequence=\" 22 \" expiration=\"2100-10-10T07:00:00Z\" ext:a=\"b\"", everything, true,
              &outcome);
    ck_assert_msg(outcome.error == 0, "%s", outcome.message);
    const struct reload_config *config = outcome.config;
    struct reload_node_id a = pki_node_id(PKI_ID_A), b = pki_node_id(PKI_ID_B);
    ck_assert_uint_eq(outcome.warnings, 0);
    ck_assert_uint_eq(config->sequence, 22);
    ck_assert_uint_eq(config->expiration_ms, 4126834800000);
    ck_assert_uint_eq(config->enrollment_url_count, 2);
    ck_assert_str_eq(config->enrollment_urls[0], "https://example.org/enrol");
    ck_assert(config->self_signed_permitted && config->self_signed_digest == 4);
    ck_assert_uint_eq(config->bootstrap_node_count, 2);
    ck_assert_str_eq(config->bootstrap_nodes[0].address, "192.0.0.1");
    ck_assert_uint_eq(config->bootstrap_nodes[0].port, 6085);
    ck_assert_str_eq(config->bootstrap_nodes[1].address, "2001:DB8::1");
    ck_assert_uint_eq(config->bootstrap_nodes[1].port, 6084);
    ck_assert_uint_eq(config->turn_density, 20);
    ck_assert(!config->clients_permitted && config->no_ice && !config->chord_reactive);
    ck_assert_uint_eq(config->chord_update_interval_s, 400);
    ck_assert_uint_eq(config->chord_ping_interval_s, 30);
    ck_assert_uint_eq(config->max_message_size, 4000);
    ck_assert_uint_eq(config->initial_ttl, 30);
    ck_assert_uint_eq(config->overlay_reliability_timer_ms, 3001);
    ck_assert_uint_eq(config->link_protocol_count, 1);
    ck_assert_uint_eq(config->link_protocols[0], RELOAD_LINK_PROTOCOL_DTLS);
    ck_assert(config->configuration_signer_count == 1 && config->kind_signer_count == 1);
    ck_assert(reload_node_id_equal(&config->configuration_signers[0], &a));
    ck_assert(reload_node_id_equal(&config->kind_signers[0], &b));
    ck_assert_uint_eq(config->bad_node_count, 1);
    ck_assert_uint_eq(config->bad_nodes[0].octets[0], 0x6e);
    ck_assert(config->domain_restrictions_present && config->domain_restrictions_enable);
    ck_assert_uint_eq(config->domain_pattern_count, 2);
    ck_assert_str_eq(config->domain_patterns[0], "dht\\.example\\.com");
    documents_forget(&outcome);
}
END_TEST

/* 11.1.1: elements of other namespaces are somebody else's, also by the names of ours. */
START_TEST(foreign_elements)
{
    struct documents_outcome outcome;
    read_with("",
              "<ext:initial-ttl>none</ext:initial-ttl><ext:bad-node>x</ext:bad-node>"
              "<ext:topology-plugin>NONE</ext:topology-plugin><ext:node-id-length>17"
              "</ext:node-id-length><ext:shared-secret/><ext:mandatory-extension>x"
              "</ext:mandatory-extension><ext:required-kinds><kind-block/></ext:required-kinds>",
              true, &outcome);
    ck_assert_msg(outcome.error == 0, "%s", outcome.message);
    ck_assert_uint_eq(outcome.config->initial_ttl, 100);
    ck_assert_uint_eq(outcome.config->node_id_length, 16);
    ck_assert_uint_eq(outcome.config->bad_node_count, 0);
    ck_assert_str_eq(outcome.config->topology_plugin, "CHORD-RELOAD");
    documents_forget(&outcome);
}
END_TEST

#define KIND(attributes, inside)                                                                   \
    "<required-kinds><kind-block><kind " attributes ">" inside "</kind></kind-block>"              \
    "</required-kinds>"
#define LIMITS "<max-count>22</max-count><max-size>4</max-size>"

/* 11.1: registered Kinds keep their model and policy, whatever the document says, as the RFC's own
 * sample does; private ones by number, in any range (I7). RFC6940-11.1-29 */
START_TEST(kinds)
{
    static const struct {
        const char *body;
        uint32_t kind;
        uint8_t model, policy;
        uint32_t multiple;
        size_t warnings;
    } cases[] = {
        {KIND("name=\"SIP-REGISTRATION\"", "<data-model>SINGLE</data-model><access-control>"
                                           "USER-MATCH</access-control>" LIMITS),
         1, RELOAD_DATA_MODEL_DICTIONARY, RELOAD_ACCESS_USER_NODE_MATCH, 0, 1},
        {KIND("name=\"CERTIFICATE_BY_NODE\"", "<data-model>ARRAY</data-model><access-control>"
                                              "NODE-MATCH</access-control>" LIMITS),
         3, RELOAD_DATA_MODEL_ARRAY, RELOAD_ACCESS_NODE_MATCH, 0, 0},
        {KIND("name=\"CERTIFICATE_BY_USER\"", "<data-model>ARRAY</data-model><access-control>"
                                              "USER-MATCH</access-control>" LIMITS),
         16, RELOAD_DATA_MODEL_ARRAY, RELOAD_ACCESS_USER_MATCH, 0, 0},
        {KIND("name=\"TURN-SERVICE\"",
              "<data-model>SINGLE</data-model><access-control>NODE-MULTIPLE</access-control>"
              "<max-node-multiple>7</max-node-multiple>" LIMITS),
         2, RELOAD_DATA_MODEL_SINGLE_VALUE, RELOAD_ACCESS_NODE_MULTIPLE, 7, 0},
        {KIND("id=\"2000\"", "<data-model>ARRAY</data-model><access-control>NODE-MULTIPLE"
                             "</access-control><max-node-multiple> 3 </max-node-multiple>" LIMITS
                             "<ext:example-kind-extension> 1 </ext:example-kind-extension>"),
         2000, RELOAD_DATA_MODEL_ARRAY, RELOAD_ACCESS_NODE_MULTIPLE, 3, 0},
        {KIND("id=\" 4026531841 \"", "<data-model> DICTIONARY </data-model><access-control>"
                                     " USER-NODE-MATCH </access-control>" LIMITS),
         0xf0000001, RELOAD_DATA_MODEL_DICTIONARY, RELOAD_ACCESS_USER_NODE_MATCH, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct documents_outcome outcome;
        read_with("", cases[i].body, true, &outcome);
        ck_assert_msg(outcome.error == 0, "case %zu: %s", i, outcome.message);
        ck_assert_uint_eq(outcome.config->kind_count, 1);
        const struct reload_config_kind *kind = &outcome.config->kinds[0];
        ck_assert_uint_eq(kind->kind, cases[i].kind);
        ck_assert_uint_eq(kind->data_model, cases[i].model);
        ck_assert_uint_eq(kind->access_policy, cases[i].policy);
        ck_assert_uint_eq(kind->max_node_multiple, cases[i].multiple);
        ck_assert(kind->max_count == 22 && kind->max_size == 4);
        ck_assert_uint_eq(outcome.warnings, cases[i].warnings);
        documents_forget(&outcome);
    }
}
END_TEST

#define SINGLE "<data-model>SINGLE</data-model><access-control>USER-MATCH</access-control>"

static const struct {
    const char *body, *word;
} wrong[] = {
    {"<node-id-length>15</node-id-length>", "15"},
    {"<node-id-length>21</node-id-length>", "21"},
    {"<node-id-length>-16</node-id-length>", "-16"},
    {"<node-id-length/>", "node-id-length"},
    {"<node-id-length>20</node-id-length>", "CHORD-RELOAD"}, /* D6 */
    {"<initial-ttl>0</initial-ttl>", "initial-ttl"},
    {"<initial-ttl>256</initial-ttl>", "256"},
    {"<initial-ttl>1000</initial-ttl>", "1000"},
    {"<initial-ttl>1e2</initial-ttl>", "1e2"},
    {"<initial-ttl>+5</initial-ttl>", "+5"},
    {"<initial-ttl>5 5</initial-ttl>", "5 5"},
    {"<initial-ttl>18446744073709551617</initial-ttl>", "184467"},
    {"<initial-ttl>99999999999999999999999999999999999</initial-ttl>", "characters"},
    {"<overlay-reliability-timer>199</overlay-reliability-timer>", "199"},
    {"<max-message-size>10</max-message-size>", "max-message-size"},
    {"<max-message-size>4294967295</max-message-size>", "4294967295"},
    {"<turn-density>256</turn-density>", "256"},
    {"<turn-density>-1</turn-density>", "-1"},
    {"<no-ice>maybe</no-ice>", "maybe"},
    {"<no-ice>TRUE</no-ice>", "TRUE"},
    {"<no-ice>true</no-ice><no-ice>true</no-ice>", "twice"},
    {"<chord:chord-ping-interval>0</chord:chord-ping-interval>", "chord-ping-interval"},
    {"<enrollment-server>http://example.org</enrollment-server>", "https"},
    {"<enrollment-server></enrollment-server>", "https"},
    {"<self-signed-permitted>true</self-signed-permitted>", "digest"},
    {"<self-signed-permitted digest=\"md5\">true</self-signed-permitted>", "md5"},
    {"<bootstrap-node/>", "address"},
    {"<bootstrap-node address=\"\"/>", "address"},
    {"<bootstrap-node address=\"a\" port=\"0\"/>", "port"},
    {"<bootstrap-node address=\"a\" port=\"65536\"/>", "65536"},
    {"<bootstrap-node address=\"a\" port=\"-1\"/>", "-1"},
    {"<bootstrap-node address=\"a\" port=\"60x\"/>", "60x"},
    {"<bootstrap-node address=\"a\" port=\"\"/>", "port"},
    {"<root-cert>bad cert!</root-cert>", "base64"},
    {"<root-cert>YmFkIGNlcnQK=</root-cert>", "base64"},
    {"<root-cert></root-cert>", "base64"},
    {"<bad-node>xyz</bad-node>", "hexadecimal"},
    {"<bad-node>a0a</bad-node>", "hexadecimal"},
    {"<bad-node></bad-node>", "hexadecimal"},
    {"<bad-node>a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0</bad-node>", "characters"},
    {"<topology-plugin>"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx</"
     "topology-plugin>",
     "characters"},
    {"<overlay-link-protocol>SCTP</overlay-link-protocol>", "overlay-link-protocol"},
    {"<mandatory-extension>urn:x</mandatory-extension>", "urn:x"},
    {"<shared-secret>password</shared-secret>", "shared secret"},
    {"<required-kinds/><required-kinds/>", "twice"},
    {"<required-kinds><kind-block/></required-kinds>", "<kind>"},
    {KIND("", SINGLE LIMITS), "name or an id"},
    {KIND("id=\"2000\" name=\"X\"", SINGLE LIMITS), "name or an id"},
    {KIND("name=\"X-UNKNOWN\"", SINGLE LIMITS), "X-UNKNOWN"},
    {KIND("id=\"0\"", SINGLE LIMITS), "Kind-ID"},
    {KIND("id=\"-1\"", SINGLE LIMITS), "Kind-ID"},
    {KIND("id=\"4294967296\"", SINGLE LIMITS), "Kind-ID"},
    {KIND("id=\"99999999999999999999\"", SINGLE LIMITS), "Kind-ID"},
    {KIND("id=\"2000x\"", SINGLE LIMITS), "Kind-ID"},
    {KIND("id=\"2000\"", SINGLE), "max-count"},
    {KIND("id=\"2000\"", SINGLE "<max-count>1</max-count>"), "max-size"},
    {KIND("id=\"2000\"", SINGLE "<max-count>0</max-count><max-size>1</max-size>"), "max-count"},
    {KIND("id=\"2000\"", SINGLE "<max-count>1</max-count><max-size>-1</max-size>"), "max-size"},
    {KIND("id=\"2000\"", SINGLE "<max-count>2147483648</max-count><max-size>1</max-size>"),
     "max-count"},
    {KIND("id=\"2000\"", "<data-model>TREE</data-model>" LIMITS), "TREE"},
    {KIND("id=\"2000\"", "<data-model>SINGLE</data-model>" LIMITS), "access-control"},
    {KIND("id=\"2000\"", "<data-model>SINGLE</data-model><access-control>NODE-MULTIPLE"
                         "</access-control>" LIMITS),
     "max-node-multiple"},
    {"<required-kinds><kind-block><kind id=\"2000\">" SINGLE LIMITS "</kind></kind-block>"
     "<kind-block><kind id=\"2000\">" SINGLE LIMITS "</kind></kind-block></required-kinds>",
     "twice"},
    {"<required-kinds><kind-block><kind id=\"2000\">" SINGLE LIMITS "</kind>"
     "<kind id=\"2001\">" SINGLE LIMITS "</kind></kind-block></required-kinds>",
     "twice"},
};

/* P25, F5: each is refused, with the line and a word that tells what.
 * RFC6940-11.1-07, -08, -18, -24, -26, -27, -28 */
START_TEST(wrong_values)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct documents_outcome outcome;
        read_with("", wrong[i].body, false, &outcome);
        ck_assert_msg(outcome.error == RELOAD_E_CONFIG, "accepted: %s", wrong[i].body);
        ck_assert_msg(strstr(outcome.message, wrong[i].word) != NULL, "'%s' for %s",
                      outcome.message, wrong[i].body);
        ck_assert_msg(strstr(outcome.message, "line ") == outcome.message, "no line in '%s'",
                      outcome.message);
    }
}
END_TEST

/* RFC6940-11.1-06 */
START_TEST(wrong_attributes)
{
    static const char *const cases[] = {
        "sequence=\"65535\"",
        "sequence=\"-1\"",
        "sequence=\"x\"",
        "sequence=\"\"",
        "sequence=\"18446744073709551616\"",
        "expiration=\"tomorrow\"",
        "expiration=\"\"",
        "expiration=\"2100-13-10T07:00:00Z\"",
        "expiration=\"2100-02-30T07:00:00Z\"",
        "expiration=\"2100-10-10T25:00:00Z\"",
        "expiration=\"2100-10-10T07:00:00\"",
        "expiration=\"2100-10-10T07:00:00+01:00\"",
        "expiration=\"1900-10-10T07:00:00Z\"",
    };
    struct documents_outcome outcome;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read_with(cases[i], "", false, &outcome);
        ck_assert_msg(outcome.error == RELOAD_E_CONFIG, "accepted: %s", cases[i]);
        ck_assert_ptr_nonnull(strstr(outcome.message, "line 6"));
    }
    static const char *const names[] = {"", "instance-name=\"\"", "instance-name=\"a b\"",
                                        "instance-name=\"a/b\"", "instance-name=\"&lt;x\"",
                                        /* M5: names become folders */
                                        "instance-name=\"..\"", "instance-name=\".\"",
                                        "instance-name=\".hidden\"", "instance-name=\"a..b\"",
                                        "instance-name=\"-rf\""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *text = documents_of(root(), names[i], "", "");
        documents_read(text, 0, false, PKI_NOW, &outcome);
        ck_assert_msg(outcome.error == RELOAD_E_CONFIG, "accepted: %s", names[i]);
        free(text);
    }
}
END_TEST

START_TEST(expiration)
{
    struct documents_outcome outcome;
    read_with("expiration=\"2027-01-15T07:59:59Z\"", "", false, &outcome);
    ck_assert_int_eq(outcome.error, RELOAD_E_EXPIRED);
    ck_assert_ptr_nonnull(strstr(outcome.message, PKI_OVERLAY));
    read_with("expiration=\"2027-01-15T08:00:00.123Z\"", "", true, &outcome);
    ck_assert_msg(outcome.error == 0, "%s", outcome.message);
    ck_assert_uint_eq(outcome.config->expiration_ms, PKI_NOW);
    documents_forget(&outcome);
}
END_TEST

/* Too many of what may stand often. */
START_TEST(bounds)
{
    static const struct {
        const char *element;
        size_t max;
    } cases[] = {
        {"<bad-node>a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0</bad-node>", RELOAD_CONFIG_BAD_NODES_MAX},
        {"<kind-signer>a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0</kind-signer>", RELOAD_CONFIG_SIGNERS_MAX},
        {"<configuration-signer>a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0</configuration-signer>",
         RELOAD_CONFIG_SIGNERS_MAX},
        {"<bootstrap-node address=\"a\"/>", RELOAD_CONFIG_BOOTSTRAP_MAX},
        {"<enrollment-server>https://a</enrollment-server>", RELOAD_CONFIG_URLS_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t extra = 0; extra < 2; extra++) {
            char *body = NULL;
            size_t size;
            struct documents_outcome outcome;
            FILE *out = open_memstream(&body, &size);
            for (size_t n = 0; n < cases[i].max + extra; n++)
                fputs(cases[i].element, out);
            fclose(out);
            read_with("", body, true, &outcome);
            ck_assert_msg((outcome.error == 0) == (extra == 0), "%s: %s", cases[i].element,
                          outcome.message);
            documents_forget(&outcome);
            free(body);
        }
}
END_TEST

/* I7: faults that only the schema sees are warnings, or refused. */
START_TEST(strictness)
{
    static const char *const bodies[] = {
        "<unknown-element/>",
        "text",
        "<bootstrap-node address=\"a\" color=\"red\"/>",
        "<root-cert>YmFkIGNlcnQK</root-cert><root-cert algorithm=\"x\">YmFkIGNlcnQK</root-cert>",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct documents_outcome outcome;
        read_with("", bodies[i], false, &outcome);
        ck_assert_msg(outcome.error == 0, "%s", outcome.message);
        ck_assert_uint_ge(outcome.warnings, 1);
        documents_forget(&outcome);
        read_with("", bodies[i], true, &outcome);
        ck_assert_int_eq(outcome.error, RELOAD_E_CONFIG);
    }
    struct documents_outcome outcome;
    read_with("", "<root-cert> YmFkIGNlcnQK </root-cert>", true, &outcome);
    ck_assert_int_eq(outcome.error, 0);
    ck_assert_uint_eq(outcome.config->root_cert_count, 1); /* the RFC's "bad cert" is left out */
    ck_assert_uint_eq(outcome.warnings, 1);
    documents_forget(&outcome);
    read_with("", "<bad-node>6ebc45d31a900c06</bad-node>", true, &outcome);
    ck_assert_int_eq(outcome.error, 0);
    ck_assert_uint_eq(outcome.warnings, 1); /* of another length: names nobody */
    documents_forget(&outcome);
}
END_TEST

START_TEST(nobody_to_trust)
{
    struct documents_outcome outcome;
    char *text = documents_of(NULL, DOCUMENTS_NAME, "<root-cert>YmFkIGNlcnQK</root-cert>", "");
    documents_read(text, 0, false, PKI_NOW, &outcome);
    ck_assert_int_eq(outcome.error, RELOAD_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(outcome.message, "root-cert"));
    free(text);
    text = documents_of(NULL, DOCUMENTS_NAME,
                        "<self-signed-permitted digest=\"sha1\">1</self-signed-permitted>", "");
    documents_read(text, 0, false, PKI_NOW, &outcome);
    ck_assert_msg(outcome.error == 0, "%s", outcome.message);
    ck_assert_uint_eq(outcome.config->self_signed_digest, 2);
    documents_forget(&outcome);
    free(text);
}
END_TEST

/* Several overlays in one document: by name, else the first. RFC6940-11.1-03 */
START_TEST(several_configurations)
{
    char tail[16384];
    snprintf(tail, sizeof tail,
             "<configuration instance-name=\"other.example.net\" sequence=\"7\"><root-cert>%s"
             "</root-cert></configuration>",
             documents_root(root()));
    char *text = documents_of(root(), DOCUMENTS_NAME, "", tail);
    static const struct {
        const char *wanted, *found;
    } cases[] = {{NULL, "overlay.example.org"},
                 {"overlay.example.org", "overlay.example.org"},
                 {"other.example.net", "other.example.net"},
                 {"OTHER.example.net", "other.example.net"},
                 {"none.example", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reload_config *config = NULL;
        struct reload_config_reading reading = {
            .instance_name = cases[i].wanted, .strict = true, .wall_ms = PKI_NOW};
        char message[256];
        int error = reload_config_parse(reload_bytes_of_string(text), &reading, &config, message,
                                        sizeof message);
        ck_assert_int_eq(error, cases[i].found ? 0 : RELOAD_E_CONFIG);
        if (cases[i].found)
            ck_assert_str_eq(config->instance_name, cases[i].found);
        else
            ck_assert_ptr_nonnull(strstr(message, cases[i].wanted));
        reload_config_free(config);
    }
    free(text);
}
END_TEST

int
main(void)
{
    pki_begin();
    int result = RUN_SUITE("config_document", overlay_value, defaults, values, foreign_elements,
                           kinds, wrong_values, wrong_attributes, expiration, bounds, strictness,
                           nobody_to_trust, several_configurations);
    pki_end();
    return result;
}
