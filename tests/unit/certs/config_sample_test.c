/* config_sample_test.c: the sample document of RFC 6940 11.1.
 *
 * It asks for what we do not have, has short Node-IDs, one root-cert that is none, and gives
 * SIP-REGISTRATION a wrong data model (I7). SPDX-License-Identifier: BSD-2-Clause */
#include "certs/file.h"
#include "reload/wire/wire.h"
#include "tests/suite.h"
#include "tests/unit/certs/documents.h"

#include <string.h>

#define WALL_MS UINT64_C(1000000000000) /* 2001-09-09, before the sample's expiration */

static char *
sample(void)
{
    uint8_t *data;
    size_t size;
    char message[256];
    int error = reload_file_read(SAMPLE, 65536, &data, &size, message, sizeof message);
    ck_assert_msg(error == 0, "%s", message);
    return (char *)data;
}

/* Blanks the element |name|, so that lines stay where they are. */
static void
blank(char *text, const char *name)
{
    char tag[64];
    snprintf(tag, sizeof tag, "<%s>", name);
    char *begin = strstr(text, tag);
    snprintf(tag, sizeof tag, "</%s>", name);
    char *end = strstr(text, tag);
    ck_assert(begin && end);
    memset(begin, ' ', (size_t)(end - begin) + strlen(tag));
}

START_TEST(as_it_is)
{
    struct documents_outcome outcome;
    char *text = sample();
    documents_read(text, 0, true, WALL_MS, &outcome);
    ck_assert_int_eq(outcome.error, RELOAD_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(outcome.message, "shared secret"));
    blank(text, "shared-secret");
    documents_read(text, 0, true, WALL_MS, &outcome);
    ck_assert_int_eq(outcome.error, RELOAD_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(outcome.message, "urn:ietf:params:xml:ns:p2p:config-ext1"));
    free(text);
}
END_TEST

START_TEST(without_what_we_do_not_have)
{
    struct documents_outcome outcome;
    char *text = sample();
    blank(text, "shared-secret");
    blank(text, "mandatory-extension");
    documents_read(text, 0, true, UINT64_C(1800000000000), &outcome);
    ck_assert_int_eq(outcome.error, RELOAD_E_EXPIRED);
    documents_read(text, 0, true, WALL_MS, &outcome);
    ck_assert_msg(outcome.error == 0, "%s", outcome.message);
    const struct reload_config *config = outcome.config;
    ck_assert_uint_eq(outcome.warnings, 7); /* root-cert, five Node-IDs, SIP-REGISTRATION */
    ck_assert_uint_eq(config->overlay, 0x9aa32b8d);
    ck_assert_uint_eq(config->sequence, 22);
    ck_assert_uint_eq(config->expiration_ms, UINT64_C(1034233200000));
    ck_assert_uint_eq(config->root_cert_count, 1);
    ck_assert_uint_eq(config->bootstrap_node_count, 3);
    ck_assert_uint_eq(config->chord_update_interval_s, 400);
    ck_assert_uint_eq(config->overlay_reliability_timer_ms, 3000);
    ck_assert_uint_eq(config->link_protocol_count, 2);
    ck_assert_uint_eq(config->kind_count, 2);
    ck_assert_uint_eq(config->kinds[0].kind, RELOAD_KIND_SIP_REGISTRATION);
    ck_assert_uint_eq(config->kinds[0].data_model, RELOAD_DATA_MODEL_DICTIONARY);
    ck_assert_uint_eq(config->kinds[1].kind, 2000);
    ck_assert_uint_eq(config->kinds[1].max_node_multiple, 3);
    /* "This is not right!" says the base64 of its signatures. */
    ck_assert_int_eq(reload_config_verify(config, config, WALL_MS), RELOAD_CONFIG_BAD);
    ck_assert_int_eq(reload_config_verify_kind(config, 0, config, WALL_MS), RELOAD_CONFIG_BAD);
    ck_assert(reload_bytes_equal((struct reload_bytes){config->kinds[1].block.data, 16},
                                 reload_bytes_of_string("<kind id=\"2000\">")));
    documents_forget(&outcome);
    free(text);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("config_sample", as_it_is, without_what_we_do_not_have);
}
