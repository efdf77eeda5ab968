/* config_sip_test.c: the overlay's domains and its gateways in configuration documents.
 *
 * RFC 7904 3.4; D33, D71. SPDX-License-Identifier: BSD-2-Clause */
#include "certs/config_document.h"

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

/* D33: both names of the element; enable absent or false. RFC7904-3.4-03 */
START_TEST(domain_restrictions)
{
    static const struct {
        const char *body;
        bool enable;
    } cases[] = {
        {"<sip:domain-restrictions/>", false},
        {"<sip:domain-restriction/>", false},
        {"<sip:domain-restriction enable=\"false\"/>", false},
        {"<sip:domain-restriction enable=\" 1 \"/>", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct documents_outcome outcome;
        read_with("", cases[i].body, true, &outcome);
        ck_assert_msg(outcome.error == 0, "%s", outcome.message);
        ck_assert(outcome.config->domain_restrictions_present);
        ck_assert(outcome.config->domain_restrictions_enable == cases[i].enable);
        documents_forget(&outcome);
    }
}
END_TEST

#define GATEWAY(inside)                                                                            \
    "<g:sip-gateway xmlns:g='urn:x-reload:sip-gateway'>" inside "</g:sip-gateway>"

/* D71: users in our namespace only; no more than there is room for. */
START_TEST(gateways)
{
    struct documents_outcome outcome;
    char many[RELOAD_CONFIG_GATEWAYS_MAX * 128 + 256] = "";
    read_with("",
              GATEWAY(" gw@example.com ") "<g:sip-gateway xmlns:g='urn:other'>a@b</g:sip-gateway>",
              true, &outcome);
    ck_assert_msg(outcome.error == 0, "%s", outcome.message);
    ck_assert_uint_eq(outcome.config->gateway_count, 1);
    ck_assert_str_eq(outcome.config->gateways[0], "gw@example.com");
    documents_forget(&outcome);
    read_with("", GATEWAY("gateway"), true, &outcome);
    ck_assert_int_eq(outcome.error, RELOAD_E_CONFIG);
    documents_forget(&outcome);
    for (unsigned i = 0; i <= RELOAD_CONFIG_GATEWAYS_MAX; i++)
        strcat(many, GATEWAY("gw@example.com"));
    read_with("", many, true, &outcome);
    ck_assert_int_eq(outcome.error, RELOAD_E_CONFIG);
    documents_forget(&outcome);
}
END_TEST

int
main(void)
{
    pki_begin();
    int result = RUN_SUITE("config_sip", domain_restrictions, gateways);
    pki_end();
    return result;
}
