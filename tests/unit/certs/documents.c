/* documents.c: configuration documents for tests.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/certs/documents.h"

#include "tests/unit/certs/pki.h"

#include <check.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

void
documents_forget(struct documents_outcome *outcome)
{
    reload_config_free(outcome->config);
    outcome->config = NULL;
}

const char *
documents_root(X509 *root)
{
    static char text[8192];
    struct reload_bytes der = pki_der(root);
    ck_assert_uint_lt(der.size, 4096);
    EVP_EncodeBlock((uint8_t *)text, der.data, (int)der.size);
    return text;
}

char *
documents_of(X509 *root, const char *attributes, const char *body, const char *tail)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fprintf(out, DOCUMENTS_HEAD "<configuration %s>\n", attributes);
    if (root)
        fprintf(out, "<root-cert>%s</root-cert>\n", documents_root(root));
    fprintf(out, "%s</configuration>%s\n</overlay>\n", body, tail);
    fclose(out);
    return text;
}

static void
note_warning(void *argument, const char *text)
{
    struct documents_outcome *outcome = argument;
    ck_assert_ptr_null(strchr(text, '\n'));
    outcome->warnings++;
    snprintf(outcome->warning, sizeof outcome->warning, "%s", text);
}

void
documents_read(const char *text, size_t size, bool strict, uint64_t wall_ms,
               struct documents_outcome *outcome)
{
    *outcome = (struct documents_outcome){0};
    struct reload_config_reading reading = {
        .strict = strict, .wall_ms = wall_ms, .warn = note_warning, .argument = outcome};
    struct reload_bytes bytes = {(const uint8_t *)text, size ? size : strlen(text)};
    outcome->error = reload_config_parse(bytes, &reading, &outcome->config, outcome->message,
                                         sizeof outcome->message);
    if (outcome->error) {
        ck_assert_ptr_null(outcome->config);
        ck_assert_uint_gt(strlen(outcome->message), 0);
        ck_assert_ptr_null(strchr(outcome->message, '\n'));
    }
}
