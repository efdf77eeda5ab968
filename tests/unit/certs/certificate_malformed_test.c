/* certificate_malformed_test.c: certificates that are no DER, or no longer what was signed.
 *
 * RFC 6940 11.3. SPDX-License-Identifier: BSD-2-Clause */
#include "certs/certificate.h"

#include "tests/suite.h"
#include "tests/unit/certs/pki.h"

#include <openssl/err.h>
#include <stdlib.h>

static struct reload_config config;
static X509 *root; /* of pki_key(1) */

static void
begin(void)
{
    root = pki_root(pki_key(1), "CA");
    pki_config(&config, root);
}

static void
end(void)
{
    X509_free(root);
}

static int
parse_and_identify(const uint8_t *der, size_t size)
{
    X509 *x509 = NULL;
    struct reload_identity identity;
    uint8_t *exact = malloc(size ? size : 1);
    if (size)
        memcpy(exact, der, size);
    int error = reload_certificate_parse((struct reload_bytes){exact, size}, &x509);
    if (!error)
        error = reload_certificate_identify(x509, &config, &identity);
    X509_free(x509);
    free(exact);
    ERR_clear_error();
    return error;
}

START_TEST(prefixes_and_trailing)
{
    begin();
    X509 *x509 = pki_make(&(struct pki_spec){.issuer_key = pki_key(1), .issuer = root});
    struct reload_bytes der = pki_der(x509);
    uint8_t longer[2048];
    ck_assert_int_eq(parse_and_identify(der.data, der.size), 0);
    for (size_t size = 0; size < der.size; size++)
        ck_assert_int_eq(parse_and_identify(der.data, size), RELOAD_E_CERTIFICATE);
    memcpy(longer, der.data, der.size);
    longer[der.size] = 0;
    ck_assert_int_eq(parse_and_identify(longer, der.size + 1), RELOAD_E_CERTIFICATE);
    X509_free(x509);
    end();
}
END_TEST

/* Every octet changed in a few ways: refused, or it still says who it is; never out of bounds. The
 * chain of a changed one never holds. */
START_TEST(changed_octets)
{
    static const uint8_t changes[] = {0x01, 0x80, 0xff, 0x30};
    begin();
    X509 *x509 = pki_make(&(struct pki_spec){.issuer_key = pki_key(1), .issuer = root});
    struct reload_bytes der = pki_der(x509);
    X509_STORE *store;
    ck_assert_int_eq(reload_certificate_store(&config, &store), 0);
    uint8_t copy[2048];
    for (size_t i = 0; i < der.size * sizeof changes; i++) {
        struct reload_identity identity;
        X509 *parsed = NULL;
        memcpy(copy, der.data, der.size);
        copy[i / sizeof changes] ^= changes[i % sizeof changes];
        if (reload_certificate_parse((struct reload_bytes){copy, der.size}, &parsed) != 0)
            continue;
        int error = reload_certificate_identify(parsed, &config, &identity);
        if (!error)
            error = reload_certificate_check_chain(parsed, store, &config, &identity, PKI_NOW);
        X509_free(parsed);
        ERR_clear_error();
        ck_assert_msg(error == RELOAD_E_CERTIFICATE, "octet %zu", i / sizeof changes);
    }
    X509_STORE_free(store);
    X509_free(x509);
    end();
}
END_TEST

START_TEST(odd_encodings)
{
    static const uint8_t huge_length[] = {0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x30, 0x00};
    static const uint8_t endless[] = {0x30, 0x80, 0x30, 0x80, 0x30, 0x80, 0x00, 0x00};
    static const uint8_t null[] = {0x05, 0x00};
    uint8_t nested[RELOAD_CERTIFICATE_SIZE_MAX], large[RELOAD_CERTIFICATE_SIZE_MAX + 1];
    begin();
    ck_assert_int_eq(parse_and_identify(huge_length, sizeof huge_length), RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(parse_and_identify(endless, sizeof endless), RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(parse_and_identify(null, sizeof null), RELOAD_E_CERTIFICATE);
    for (size_t i = 0; i < sizeof nested; i += 2) {
        nested[i] = 0x30;
        nested[i + 1] = 0x80;
    }
    ck_assert_int_eq(parse_and_identify(nested, sizeof nested), RELOAD_E_CERTIFICATE);
    memset(large, 0, sizeof large);
    large[0] = 0x30;
    ck_assert_int_eq(parse_and_identify(large, sizeof large), RELOAD_E_CERTIFICATE);
    ck_assert_int_eq(parse_and_identify(NULL, 0), RELOAD_E_CERTIFICATE);
    end();
}
END_TEST

/* C13: BER where DER is due: the same certificate, with another hash. */
START_TEST(not_canonical)
{
    begin();
    X509 *x509 = pki_make(&(struct pki_spec){.issuer_key = pki_key(1), .issuer = root});
    struct reload_bytes der = pki_der(x509);
    uint8_t longer[2048];
    ck_assert_uint_eq(der.data[0], 0x30);
    ck_assert_uint_eq(der.data[1], 0x82); /* two octets of length */
    longer[0] = 0x30;
    longer[1] = 0x83;
    longer[2] = 0;
    memcpy(longer + 3, der.data + 2, der.size - 2);
    ck_assert_int_eq(parse_and_identify(longer, der.size + 1), RELOAD_E_CERTIFICATE);
    longer[1] = 0x80; /* no length: up to two zero octets */
    memcpy(longer + 2, der.data + 4, der.size - 4);
    longer[der.size - 2] = longer[der.size - 1] = 0;
    ck_assert_int_eq(parse_and_identify(longer, der.size), RELOAD_E_CERTIFICATE);
    X509_free(x509);
    end();
}
END_TEST

START_TEST(malformed_anchor)
{
    static const uint8_t junk[] = "bad cert\n";
    X509_STORE *store = NULL;
    pki_config(&config, NULL);
    config.root_certs[config.root_cert_count++] = (struct reload_bytes){junk, sizeof junk - 1};
    ck_assert_int_eq(reload_certificate_store(&config, &store), RELOAD_E_CONFIG);
    ck_assert_ptr_null(store);
}
END_TEST

int
main(void)
{
    pki_begin();
    int result = RUN_SUITE("certificate_malformed", prefixes_and_trailing, changed_octets,
                           odd_encodings, not_canonical, malformed_anchor);
    pki_end();
    return result;
}
