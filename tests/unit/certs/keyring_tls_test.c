/* keyring_tls_test.c: who gets a link with the keyring's credentials, and whose it is.
 *
 * RFC 6940 6.5.1.13, 11.3. The clock is the host's: OpenSSL asks for no other.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/keyring.h"

#include "tests/suite.h"
#include "tests/unit/certs/pki.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <time.h>

static struct reload_config configs[2];
static uint64_t now_ms;

/* A root for |key| whose dates are those of the host. */
static X509 *
make_root(EVP_PKEY *key)
{
    return pki_make(&(struct pki_spec){.key = key,
                                       .common_name = "CA",
                                       .no_names = true,
                                       .basic_constraints = "critical,CA:TRUE",
                                       .key_usage = "critical,keyCertSign",
                                       .not_before_ms = now_ms - PKI_DAY,
                                       .not_after_ms = now_ms + 30 * PKI_DAY});
}

/* The keyring of Node-ID |uri| with |key|, under a root of |root_key|. */
static struct reload_keyring *
make_keyring(size_t side, EVP_PKEY *root_key, EVP_PKEY *key, const char *uri)
{
    struct reload_keyring *keyring = NULL;
    char message[256] = "";
    X509 *root = make_root(root_key);
    X509 *own = pki_make(&(struct pki_spec){.key = key,
                                            .issuer_key = root_key,
                                            .issuer = root,
                                            .names = {{GEN_URI, uri, 0}, {GEN_EMAIL, PKI_USER, 0}},
                                            .not_before_ms = now_ms - PKI_DAY,
                                            .not_after_ms = now_ms + PKI_DAY});
    pki_config(&configs[side], root);
    int error =
        reload_keyring_new(key, own, &configs[side], now_ms, &keyring, message, sizeof message);
    ck_assert_msg(error == 0, "%s", message);
    X509_free(own);
    X509_free(root);
    return keyring;
}

static void
begin(void)
{
    now_ms = (uint64_t)time(NULL) * 1000;
}

static SSL_CTX *
make_context(struct reload_keyring *keyring)
{
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    ck_assert_int_eq(keyring->ops->tls_configure(keyring, context), 0);
    return context;
}

/* Shakes hands in memory. Returns whether both sides are content; |*client|, |*server| stay. */
static bool
shake_hands(SSL_CTX *client_context, SSL_CTX *server_context, SSL **client, SSL **server)
{
    BIO *a, *b;
    int client_done = 0, server_done = 0;
    *client = SSL_new(client_context);
    *server = SSL_new(server_context);
    ck_assert_int_eq(BIO_new_bio_pair(&a, 65536, &b, 65536), 1);
    SSL_set_bio(*client, a, a);
    SSL_set_bio(*server, b, b);
    for (int turn = 0; turn < 20 && !(client_done == 1 && server_done == 1); turn++) {
        client_done = SSL_connect(*client);
        server_done = SSL_accept(*server);
        if ((client_done < 0 && SSL_get_error(*client, client_done) == SSL_ERROR_SSL) ||
            (server_done < 0 && SSL_get_error(*server, server_done) == SSL_ERROR_SSL))
            break;
    }
    ERR_clear_error();
    return client_done == 1 && server_done == 1;
}

static bool
try_link(SSL_CTX *client_context, SSL_CTX *server_context)
{
    SSL *client, *server;
    bool good = shake_hands(client_context, server_context, &client, &server);
    SSL_free(client);
    SSL_free(server);
    return good;
}

static void
expect_peer(struct reload_keyring *keyring, SSL *ssl, uint8_t octet)
{
    const struct reload_identity *identity;
    struct reload_node_id id = pki_node_id(octet);
    ck_assert_int_eq(keyring->ops->tls_peer(keyring, ssl, now_ms, &identity), 0);
    ck_assert(reload_identity_has(identity, &id));
    ck_assert_uint_eq(identity->node_id_count, 1);
}

/* RSA and P-256 meet, by TLS 1.2 and 1.3. */
START_TEST(both_know_each_other)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    begin();
    struct reload_keyring *a = make_keyring(0, pki_key(2), pki_key(0), PKI_URI_A);
    struct reload_keyring *b = make_keyring(1, pki_key(2), pki_rsa_key(), PKI_URI_B);
    for (size_t i = 0; i < 2; i++) {
        SSL_CTX *client_context = make_context(a), *server_context = make_context(b);
        SSL *client, *server;
        configs[0].root_certs[0] = configs[1].root_certs[0];
        SSL_CTX_set_max_proto_version(client_context, versions[i]);
        ck_assert_int_eq(reload_keyring_reconfigure(a, &configs[0], now_ms), 0);
        ck_assert(shake_hands(client_context, server_context, &client, &server));
        ck_assert_int_eq(SSL_version(client), versions[i]);
        expect_peer(a, client, PKI_ID_B);
        expect_peer(b, server, PKI_ID_A);
        SSL_free(client);
        SSL_free(server);
        SSL_CTX_free(client_context);
        SSL_CTX_free(server_context);
    }
    reload_keyring_free(a);
    reload_keyring_free(b);
}
END_TEST

/* C3: a certificate of another authority, on either side. */
START_TEST(another_authority)
{
    begin();
    struct reload_keyring *a = make_keyring(0, pki_key(1), pki_key(0), PKI_URI_A);
    struct reload_keyring *b = make_keyring(1, pki_key(2), pki_key(0), PKI_URI_B);
    SSL_CTX *one = make_context(a), *other = make_context(b);
    ck_assert(!try_link(one, other));
    ck_assert(!try_link(other, one));
    ck_assert(try_link(one, one));
    SSL_CTX_free(one);
    SSL_CTX_free(other);
    reload_keyring_free(a);
    reload_keyring_free(b);
}
END_TEST

/* C9: one that was revoked, though its certificate is in the cache. */
START_TEST(bad_node)
{
    begin();
    struct reload_keyring *a = make_keyring(0, pki_key(1), pki_key(0), PKI_URI_A);
    struct reload_keyring *b = make_keyring(1, pki_key(1), pki_key(0), PKI_URI_B);
    SSL_CTX *one = make_context(a), *other = make_context(b);
    SSL *client, *server;
    const struct reload_identity *identity;
    ck_assert(shake_hands(one, other, &client, &server));
    expect_peer(a, client, PKI_ID_B);
    configs[0].bad_nodes[configs[0].bad_node_count++] = pki_node_id(PKI_ID_B);
    ck_assert_int_eq(a->ops->tls_peer(a, client, now_ms, &identity), RELOAD_E_CERTIFICATE);
    ck_assert(!try_link(one, other));
    ck_assert(!try_link(other, one));
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(one);
    SSL_CTX_free(other);
    reload_keyring_free(a);
    reload_keyring_free(b);
}
END_TEST

/* C14: nobody without a certificate, and no server of the web. RFC6940-6.5.1.13-03 */
START_TEST(no_certificate)
{
    begin();
    struct reload_keyring *a = make_keyring(0, pki_key(1), pki_key(0), PKI_URI_A);
    SSL_CTX *ours = make_context(a), *bare = SSL_CTX_new(TLS_method());
    SSL_CTX *web = SSL_CTX_new(TLS_method());
    X509 *x509 = pki_make(&(struct pki_spec){.names = {{GEN_DNS, PKI_OVERLAY, 0}},
                                             .not_before_ms = now_ms - PKI_DAY,
                                             .not_after_ms = now_ms + PKI_DAY});
    SSL_CTX_use_certificate(web, x509);
    SSL_CTX_use_PrivateKey(web, pki_key(0));
    ck_assert(!try_link(bare, ours));
    ck_assert(!try_link(ours, web));
    ck_assert(!try_link(web, ours));
    X509_free(x509);
    SSL_CTX_free(web);
    SSL_CTX_free(bare);
    SSL_CTX_free(ours);
    reload_keyring_free(a);
}
END_TEST

/* C5: a right certificate of the right authority, but for a name in its subject. RFC6940-11.3-23 */
START_TEST(subject_is_not_empty)
{
    begin();
    struct reload_keyring *a = make_keyring(0, pki_key(1), pki_key(0), PKI_URI_A);
    SSL_CTX *ours = make_context(a), *theirs = make_context(a);
    X509 *root = make_root(pki_key(1));
    for (size_t i = 0; i < 2; i++) {
        X509 *x509 = pki_make(&(struct pki_spec){.issuer_key = pki_key(1),
                                                 .issuer = root,
                                                 .common_name = i == 0 ? NULL : PKI_USER,
                                                 .not_before_ms = now_ms - PKI_DAY,
                                                 .not_after_ms = now_ms + PKI_DAY});
        ck_assert_int_eq(SSL_CTX_use_certificate(theirs, x509), 1);
        ck_assert_int_eq(try_link(ours, theirs), i == 0);
        ck_assert_int_eq(try_link(theirs, ours), i == 0);
        X509_free(x509);
    }
    X509_free(root);
    SSL_CTX_free(ours);
    SSL_CTX_free(theirs);
    reload_keyring_free(a);
}
END_TEST

/* C4: an expired certificate, whose holder does not look at the clock. */
START_TEST(expired)
{
    begin();
    struct reload_keyring *a = make_keyring(0, pki_key(1), pki_key(0), PKI_URI_A);
    SSL_CTX *ours = make_context(a), *theirs = make_context(a);
    X509 *root = make_root(pki_key(1));
    X509 *old = pki_make(&(struct pki_spec){.issuer_key = pki_key(1),
                                            .issuer = root,
                                            .not_before_ms = now_ms - 2 * PKI_DAY,
                                            .not_after_ms = now_ms - PKI_DAY});
    ck_assert_int_eq(SSL_CTX_use_certificate(theirs, old), 1);
    ck_assert(!try_link(ours, theirs));
    ck_assert(!try_link(theirs, ours));
    X509_free(old);
    X509_free(root);
    SSL_CTX_free(ours);
    SSL_CTX_free(theirs);
    reload_keyring_free(a);
}
END_TEST

START_TEST(before_the_handshake)
{
    begin();
    struct reload_keyring *a = make_keyring(0, pki_key(1), pki_key(0), PKI_URI_A);
    SSL_CTX *ours = make_context(a);
    SSL *ssl = SSL_new(ours);
    const struct reload_identity *identity;
    ck_assert_int_eq(a->ops->tls_peer(a, ssl, now_ms, &identity), RELOAD_E_CERTIFICATE);
    SSL_free(ssl);
    SSL_CTX_free(ours);
    reload_keyring_free(a);
}
END_TEST

int
main(void)
{
    pki_begin();
    int result = RUN_SUITE("keyring_tls", both_know_each_other, another_authority, bad_node,
                           no_certificate, subject_is_not_empty, expired, before_the_handshake);
    pki_end();
    return result;
}
