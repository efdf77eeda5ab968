/* key_test.c: private keys: made, checked, written, read.
 *
 * RFC 6940 6.3.4; D16, D36. SPDX-License-Identifier: BSD-2-Clause */
#include "certs/key.h"

#include "certs/file.h"
#include "tests/suite.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static char path[96];
static char message[512];

static void
make_folder(void)
{
    strcpy(folder, "/tmp/reload-key-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/key.pem", folder);
    message[0] = 0;
}

static void
remove_folder(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing was left beside the file */
}

static unsigned
mode_of(const char *file)
{
    struct stat status;
    ck_assert_int_eq(stat(file, &status), 0);
    return status.st_mode & 07777;
}

START_TEST(both_types)
{
    static const struct {
        const char *name;
        int bits;
        uint8_t algorithm;
    } types[] = {{"p256", 256, 3}, {"rsa", 2048, 1}};
    enum reload_key_type type;
    for (size_t i = 0; i < 2; i++) {
        EVP_PKEY *key;
        ck_assert(reload_key_type_of(types[i].name, &type));
        ck_assert_int_eq(reload_key_new(type, &key), 0);
        ck_assert_int_eq(EVP_PKEY_get_bits(key), types[i].bits);
        ck_assert_uint_eq(reload_key_signature_algorithm(key), types[i].algorithm);
        ck_assert_int_eq(reload_key_check(key), 0);
        EVP_PKEY_free(key);
    }
    ck_assert(!reload_key_type_of("ed25519", &type));
    ck_assert(!reload_key_type_of("", &type));
}
END_TEST

static EVP_PKEY *
rsa_with_exponent(unsigned bits, unsigned exponent)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_uint(OSSL_PKEY_PARAM_RSA_BITS, &bits),
                           OSSL_PARAM_construct_uint(OSSL_PKEY_PARAM_RSA_E, &exponent),
                           OSSL_PARAM_construct_end()};
    ck_assert_int_eq(EVP_PKEY_keygen_init(context), 1);
    ck_assert_int_eq(EVP_PKEY_CTX_set_params(context, params), 1);
    ck_assert_int_eq(EVP_PKEY_generate(context, &key), 1);
    EVP_PKEY_CTX_free(context);
    return key;
}

/* An RSA public key with the modulus of |of| and another exponent. */
static EVP_PKEY *
rsa_public_with_exponent(const EVP_PKEY *of, unsigned exponent)
{
    BIGNUM *modulus = NULL, *e = BN_new();
    ck_assert_int_eq(EVP_PKEY_get_bn_param(of, OSSL_PKEY_PARAM_RSA_N, &modulus), 1);
    BN_set_word(e, exponent);
    uint8_t n_octets[512];
    OSSL_PARAM params[3];
    ck_assert_int_eq(BN_bn2nativepad(modulus, n_octets, BN_num_bytes(modulus)),
                     BN_num_bytes(modulus));
    params[0] =
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n_octets, (size_t)BN_num_bytes(modulus));
    params[1] = OSSL_PARAM_construct_uint(OSSL_PKEY_PARAM_RSA_E, &exponent);
    params[2] = OSSL_PARAM_construct_end();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    ck_assert_int_eq(EVP_PKEY_fromdata_init(context), 1);
    ck_assert_int_eq(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    EVP_PKEY_CTX_free(context);
    BN_free(modulus);
    BN_free(e);
    return key;
}

/* C6 */
START_TEST(weak_keys)
{
    EVP_PKEY *good = rsa_with_exponent(2048, 65537);
    EVP_PKEY *weak[] = {
        rsa_with_exponent(1024, 65537),
        rsa_with_exponent(2047, 65537),
        rsa_with_exponent(2048, 3),
        rsa_public_with_exponent(good, 1),
        rsa_public_with_exponent(good, 65538),
        EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-192"),
        EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-224"),
        EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1"),
        EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"),
        EVP_PKEY_Q_keygen(NULL, NULL, "X25519"),
    };
    ck_assert_int_eq(reload_key_check(good), 0);
    for (size_t i = 0; i < sizeof weak / sizeof *weak; i++) {
        ck_assert_msg(weak[i] != NULL, "no key %zu", i);
        ck_assert_msg(reload_key_check(weak[i]) == RELOAD_E_CERTIFICATE, "accepted: key %zu", i);
        EVP_PKEY_free(weak[i]);
    }
    EVP_PKEY_free(good);
}
END_TEST

/* A public key of some odd modulus of |bits|; checking a signature with it costs what it costs. */
static EVP_PKEY *
rsa_public(int bits, uint64_t exponent)
{
    BIGNUM *n = BN_new(), *e = BN_new();
    ck_assert_int_eq(BN_rand(n, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
    ck_assert_int_eq(BN_set_word(e, exponent), 1);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    ck_assert_int_eq(EVP_PKEY_fromdata_init(context), 1);
    ck_assert_int_eq(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return key;
}

/* C12: nobody makes others pay more than a bounded price for each of his signatures. */
START_TEST(costly_keys)
{
    static const struct {
        int bits;
        uint64_t exponent;
        int error;
    } cases[] = {
        {2048, 65537, 0},
        {4096, 65537, 0},
        {4096, UINT64_C(0xffffffff), 0},
        {4097, 65537, RELOAD_E_CERTIFICATE},
        {16384, 65537, RELOAD_E_CERTIFICATE},
        {50000, 65537, RELOAD_E_CERTIFICATE},
        {2048, UINT64_C(0x100000001), RELOAD_E_CERTIFICATE},
        {2048, UINT64_C(0xffffffffffffffff), RELOAD_E_CERTIFICATE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        EVP_PKEY *key = rsa_public(cases[i].bits, cases[i].exponent);
        ck_assert_msg(reload_key_check(key) == cases[i].error, "case %zu", i);
        EVP_PKEY_free(key);
    }
}
END_TEST

START_TEST(strong_curves)
{
    static const char *const curves[] = {"P-256", "P-384", "P-521"};
    for (size_t i = 0; i < 3; i++) {
        EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curves[i]);
        ck_assert_int_eq(reload_key_check(key), 0);
        EVP_PKEY_free(key);
    }
}
END_TEST

START_TEST(write_and_read)
{
    EVP_PKEY *key, *again;
    make_folder();
    ck_assert_int_eq(reload_key_new(RELOAD_KEY_P256, &key), 0);
    ck_assert_int_eq(reload_key_write(key, path, false, message, sizeof message), 0);
    ck_assert_uint_eq(mode_of(path), 0600);
    ck_assert_int_eq(reload_key_read(path, &again, message, sizeof message), 0);
    ck_assert_int_eq(EVP_PKEY_eq(key, again), 1);
    EVP_PKEY_free(again);
    EVP_PKEY_free(key);
    remove_folder();
}
END_TEST

START_TEST(no_overwrite)
{
    EVP_PKEY *first, *second, *again;
    make_folder();
    ck_assert_int_eq(reload_key_new(RELOAD_KEY_P256, &first), 0);
    ck_assert_int_eq(reload_key_new(RELOAD_KEY_P256, &second), 0);
    ck_assert_int_eq(reload_key_write(first, path, false, message, sizeof message), 0);
    ck_assert_int_eq(reload_key_write(second, path, false, message, sizeof message), RELOAD_E_IO);
    ck_assert_ptr_nonnull(strstr(message, path));
    ck_assert_int_eq(reload_key_read(path, &again, message, sizeof message), 0);
    ck_assert_int_eq(EVP_PKEY_eq(first, again), 1);
    EVP_PKEY_free(again);
    ck_assert_int_eq(reload_key_write(second, path, true, message, sizeof message), 0);
    ck_assert_uint_eq(mode_of(path), 0600);
    ck_assert_int_eq(reload_key_read(path, &again, message, sizeof message), 0);
    ck_assert_int_eq(EVP_PKEY_eq(second, again), 1);
    EVP_PKEY_free(again);
    EVP_PKEY_free(first);
    EVP_PKEY_free(second);
    remove_folder();
}
END_TEST

/* M6 */
/* M5: a link that somebody has put in the key's place is replaced, what it points to stays. */
START_TEST(links_are_not_followed)
{
    char target[128], text[16] = {0};
    EVP_PKEY *key;
    make_folder();
    snprintf(target, sizeof target, "%s/target", folder);
    FILE *file = fopen(target, "w");
    ck_assert(file && fputs("precious", file) >= 0 && fclose(file) == 0);
    ck_assert_int_eq(symlink(target, path), 0);
    ck_assert_int_eq(reload_key_new(RELOAD_KEY_P256, &key), 0);
    ck_assert_int_lt(reload_key_write(key, path, false, message, sizeof message), 0);
    ck_assert_int_eq(reload_key_write(key, path, true, message, sizeof message), 0);
    struct stat status;
    ck_assert(lstat(path, &status) == 0 && S_ISREG(status.st_mode));
    ck_assert_uint_eq(mode_of(path), 0600);
    file = fopen(target, "r");
    ck_assert(file && fread(text, 1, sizeof text - 1, file) == 8 && fclose(file) == 0);
    ck_assert_str_eq(text, "precious");
    EVP_PKEY_free(key);
    unlink(target);
    remove_folder();
}
END_TEST

START_TEST(others_can_read)
{
    static const unsigned modes[] = {0640, 0604, 0660, 0606, 0644, 0610, 0601};
    EVP_PKEY *key, *again = NULL;
    make_folder();
    ck_assert_int_eq(reload_key_new(RELOAD_KEY_P256, &key), 0);
    ck_assert_int_eq(reload_key_write(key, path, false, message, sizeof message), 0);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        ck_assert_int_eq(chmod(path, modes[i]), 0);
        ck_assert_int_eq(reload_key_read(path, &again, message, sizeof message), RELOAD_E_CONFIG);
        ck_assert_ptr_nonnull(strstr(message, path));
        ck_assert_ptr_nonnull(strstr(message, "chmod 600"));
    }
    EVP_PKEY_free(key);
    remove_folder();
}
END_TEST

/* M6: somebody else's key, for a process that could read it all the same. */
START_TEST(wrong_owner)
{
    EVP_PKEY *key, *again = NULL;
    make_folder();
    ck_assert_int_eq(reload_key_new(RELOAD_KEY_P256, &key), 0);
    ck_assert_int_eq(reload_key_write(key, path, false, message, sizeof message), 0);
    if (geteuid() == 0) { /* only root can make the case */
        ck_assert_int_eq(chmod(folder, 0755), 0);
        ck_assert_int_eq(chown(path, 12345, 12345), 0);
        ck_assert_int_eq(seteuid(54321), 0);
        ck_assert_int_eq(reload_key_read(path, &again, message, sizeof message), RELOAD_E_CONFIG);
        ck_assert_int_eq(seteuid(0), 0);
        ck_assert_ptr_nonnull(strstr(message, path));
        ck_assert_ptr_nonnull(strstr(message, "12345"));
    }
    EVP_PKEY_free(key);
    remove_folder();
}
END_TEST

static void
expect_unreadable(const char *content, size_t size, int error)
{
    EVP_PKEY *key = NULL;
    message[0] = 0;
    ck_assert_int_eq(reload_file_write(path, (struct reload_bytes){(const uint8_t *)content, size},
                                       0600, true, message, sizeof message),
                     0);
    ck_assert_int_eq(reload_key_read(path, &key, message, sizeof message), error);
    ck_assert_ptr_nonnull(strstr(message, path));
    ck_assert_ptr_null(strchr(message, '\n'));
}

/* M6: cut anywhere, it is refused with one line that names the file. */
START_TEST(truncated)
{
    EVP_PKEY *key;
    uint8_t *data;
    size_t size;
    make_folder();
    ck_assert_int_eq(reload_key_new(RELOAD_KEY_P256, &key), 0);
    ck_assert_int_eq(reload_key_write(key, path, false, message, sizeof message), 0);
    ck_assert_int_eq(reload_file_read(path, 65536, &data, &size, message, sizeof message), 0);
    for (size_t cut = 0; cut < size - 2; cut += 7)
        expect_unreadable((char *)data, cut, RELOAD_E_CONFIG);
    free(data);
    EVP_PKEY_free(key);
    remove_folder();
}
END_TEST

START_TEST(not_a_key)
{
    static char large[65538];
    EVP_PKEY *key = NULL;
    make_folder();
    expect_unreadable("hello\n", 6, RELOAD_E_CONFIG);
    memset(large, 'x', sizeof large);
    expect_unreadable(large, sizeof large, RELOAD_E_TOO_LARGE);
    unlink(path);
    ck_assert_int_eq(reload_key_read(path, &key, message, sizeof message), RELOAD_E_IO);
    ck_assert_ptr_nonnull(strstr(message, path));
    ck_assert_int_eq(reload_key_read(folder, &key, message, sizeof message) != 0, 1);
    remove_folder();
}
END_TEST

/* C6, M6: a weak key and one of another kind are refused when read. */
START_TEST(weak_file)
{
    EVP_PKEY *weak[] = {rsa_with_exponent(1024, 65537), EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
    EVP_PKEY *key = NULL;
    make_folder();
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(reload_key_write(weak[i], path, true, message, sizeof message), 0);
        ck_assert_int_eq(reload_key_read(path, &key, message, sizeof message), RELOAD_E_CONFIG);
        ck_assert_ptr_null(key);
        EVP_PKEY_free(weak[i]);
    }
    remove_folder();
}
END_TEST

/* Keys of the openssl command in the formats of before PKCS#8 are read, too; encrypted ones are
 * not: there is nobody to ask. */
START_TEST(foreign_formats)
{
    EVP_PKEY *key, *again;
    make_folder();
    ck_assert_int_eq(reload_key_new(RELOAD_KEY_RSA, &key), 0);
    for (int encrypted = 0; encrypted < 2; encrypted++) {
        BIO *memory = BIO_new(BIO_s_mem());
        const EVP_CIPHER *cipher = encrypted ? EVP_aes_128_cbc() : NULL;
        ck_assert_int_eq(PEM_write_bio_PrivateKey_traditional(
                             memory, key, cipher, encrypted ? (const uint8_t *)"secret" : NULL,
                             encrypted ? 6 : 0, NULL, NULL),
                         1);
        char *data;
        long size = BIO_get_mem_data(memory, &data);
        if (encrypted) {
            expect_unreadable(data, (size_t)size, RELOAD_E_CONFIG);
        } else {
            struct reload_bytes bytes = {(uint8_t *)data, (size_t)size};
            ck_assert_int_eq(reload_file_write(path, bytes, 0600, true, message, sizeof message),
                             0);
            ck_assert_int_eq(reload_key_read(path, &again, message, sizeof message), 0);
            ck_assert_int_eq(EVP_PKEY_eq(key, again), 1);
            EVP_PKEY_free(again);
        }
        BIO_free(memory);
    }
    EVP_PKEY_free(key);
    remove_folder();
}
END_TEST

START_TEST(unwritable)
{
    EVP_PKEY *key;
    make_folder();
    ck_assert_int_eq(reload_key_new(RELOAD_KEY_P256, &key), 0);
    ck_assert_int_eq(reload_key_write(key, "/nonexistent/key.pem", false, message, sizeof message),
                     RELOAD_E_IO);
    ck_assert_ptr_nonnull(strstr(message, "/nonexistent/key.pem"));
    ck_assert_int_eq(reload_key_write(key, folder, true, message, sizeof message), RELOAD_E_IO);
    EVP_PKEY_free(key);
    remove_folder();
}
END_TEST

int
main(void)
{
    return RUN_SUITE("key", both_types, weak_keys, costly_keys, strong_curves, write_and_read,
                     no_overwrite, links_are_not_followed, others_can_read, wrong_owner, truncated,
                     not_a_key, weak_file, foreign_formats, unwritable);
}
