/* credentials_test.c: what a node takes from an enrolment server, and what it finds in its folder.
 *
 * RFC 6940 11.3; attacks E9, M6. SPDX-License-Identifier: BSD-2-Clause */
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/certificate.h"
#include "certs/config_document.h"
#include "tests/unit/tools/office.h"
#include "tests/unit/tools/suite.h"
#include "tools/reload/credentials.h"

static const struct credentials_wanted wanted = {OFFICE_USER, OFFICE_NOW};

/* A node that has a key and the document, and asks the office. */
static void
begin(struct office *office, struct credentials *credentials)
{
    char message[512], path[PATH_MAX];
    office_open(office, 8);
    *credentials = (struct credentials){.key = office->key};
    EVP_PKEY_up_ref(office->key);
    snprintf(credentials->folder, sizeof credentials->folder, "%s/node", suite_folder());
    home_file(&office->home, "overlay.xml", path);
    struct reload_config_reading reading = {.wall_ms = OFFICE_NOW};
    ck_assert_int_eq(
        reload_config_read(path, &reading, &credentials->config, message, sizeof message), 0);
}

static void
end(struct office *office, struct credentials *credentials)
{
    credentials_fini(credentials);
    office_close(office);
}

static struct reload_bytes
answer_of(const struct office *office)
{
    return (struct reload_bytes){office->answer.certificate, office->answer.size};
}

static void
refuses(struct credentials *credentials, struct reload_bytes der,
        const struct credentials_wanted *whom, const char *said)
{
    char message[512] = "";
    ck_assert_int_ne(credentials_take(credentials, der, whom, message, sizeof message), 0);
    ck_assert_msg(strstr(message, said) != NULL, "%s", message);
    ck_assert_ptr_null(credentials->certificate);
}

static void
enrol(struct office *office, struct credentials *credentials)
{
    char message[512] = "";
    struct office_request request = {.user_name = OFFICE_USER};
    ck_assert_uint_eq(office_ask(office, &request), 200);
    int error = credentials_take(credentials, answer_of(office), &wanted, message, sizeof message);
    ck_assert_msg(error == 0, "%s", message);
}

START_TEST(good_certificate)
{
    struct office office;
    struct credentials credentials;
    begin(&office, &credentials);
    enrol(&office, &credentials);
    ck_assert_ptr_nonnull(credentials.certificate);
    end(&office, &credentials);
}
END_TEST

/* E9: a certificate for another key, for another user, not valid now, no certificate at all. */
START_TEST(wrong_certificates)
{
    struct office office;
    struct credentials credentials;
    struct office_request request = {.user_name = OFFICE_USER};
    begin(&office, &credentials);
    ck_assert_uint_eq(office_ask(&office, &request), 200);
    struct credentials_wanted bob = {"bob@example.org", OFFICE_NOW};
    struct credentials_wanted late = {OFFICE_USER, OFFICE_NOW + UINT64_C(366) * 86400 * 1000};
    struct credentials_wanted early = {OFFICE_USER, OFFICE_NOW - UINT64_C(2) * 3600 * 1000};
    refuses(&credentials, answer_of(&office), &bob, "another user");
    refuses(&credentials, answer_of(&office), &late, "not valid now");
    refuses(&credentials, answer_of(&office), &early, "not valid now");
    struct reload_bytes cut = answer_of(&office);
    cut.size--;
    refuses(&credentials, cut, &wanted, "not a certificate");
    refuses(&credentials, (struct reload_bytes){NULL, 0}, &wanted, "not a certificate");
    EVP_PKEY_free(credentials.key);
    ck_assert_int_eq(reload_key_new(RELOAD_KEY_P256, &credentials.key), 0);
    refuses(&credentials, answer_of(&office), &wanted, "another key");
    end(&office, &credentials);
}
END_TEST

static struct reload_bytes
der_of(X509 *x509)
{
    uint8_t *der = NULL;
    int size = i2d_X509(x509, &der);
    ck_assert_int_gt(size, 0);
    return (struct reload_bytes){der, (size_t)size};
}

/* C5; RFC6940-11.3-23: the overlay's own CA put a name into the subject. */
START_TEST(subject_is_not_empty)
{
    struct office office;
    struct credentials credentials;
    struct office_request request = {.user_name = OFFICE_USER};
    X509 *x509;
    begin(&office, &credentials);
    ck_assert_uint_eq(office_ask(&office, &request), 200);
    ck_assert_int_eq(reload_certificate_parse(answer_of(&office), &x509), 0);
    ck_assert_int_eq(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                                                (const uint8_t *)"alice", -1, -1, 0),
                     1);
    ck_assert_int_gt(X509_sign(x509, office.enrolment.ca_key, EVP_sha256()), 0);
    struct reload_bytes der = der_of(x509);
    refuses(&credentials, der, &wanted, "subject is not empty");
    OPENSSL_free((void *)(uintptr_t)der.data);
    X509_free(x509);
    end(&office, &credentials);
}
END_TEST

/* E9, RFC6940-11.3-27: issued by another CA, or itself a CA. */
START_TEST(wrong_issuers)
{
    struct office office;
    struct credentials credentials;
    begin(&office, &credentials);
    struct reload_node_id id = {{1}};
    EVP_PKEY *other_key;
    X509 *other, *issued;
    ck_assert_int_eq(reload_key_new(RELOAD_KEY_P256, &other_key), 0);
    /* The same names as the right CA, another key. */
    ck_assert_int_eq(reload_authority_root(other_key, OFFICE_OVERLAY, OFFICE_NOW, 10, &other), 0);
    ck_assert_int_eq(reload_authority_issue(other_key, other, office.key, &id, 1, 16, OFFICE_USER,
                                            OFFICE_OVERLAY, OFFICE_NOW, 10, &issued),
                     0);
    struct reload_bytes der = der_of(issued);
    refuses(&credentials, der, &wanted, "no root-cert");
    OPENSSL_free((void *)(uintptr_t)der.data);
    X509_free(issued);
    X509_free(other);
    EVP_PKEY_free(other_key);

    X509 *ca;
    ck_assert_int_eq(reload_authority_root(office.key, OFFICE_OVERLAY, OFFICE_NOW, 10, &ca), 0);
    der = der_of(ca);
    refuses(&credentials, der, &wanted, "is a CA's");
    OPENSSL_free((void *)(uintptr_t)der.data);
    X509_free(ca);
    end(&office, &credentials);
}
END_TEST

/* ---- the folder ------------------------------------------------------------------------------ */

static void
write_folder(struct office *office, struct credentials *credentials)
{
    char message[512], path[PATH_MAX];
    begin(office, credentials);
    enrol(office, credentials);
    ck_assert_int_eq(credentials_make_folder(credentials, message, sizeof message), 0);
    credentials_file(credentials, "node.key", path);
    ck_assert_int_eq(reload_key_write(credentials->key, path, false, message, sizeof message), 0);
    ck_assert_int_eq(credentials_write(credentials, message, sizeof message), 0);
}

static int
load(const struct credentials *written, char *message, size_t size)
{
    struct credentials loaded = {.key = NULL};
    snprintf(loaded.folder, sizeof loaded.folder, "%s", written->folder);
    int error = credentials_load(&loaded, OFFICE_NOW, NULL, message, size);
    credentials_fini(&loaded);
    return error;
}

START_TEST(folder_round_trip)
{
    struct office office;
    struct credentials credentials;
    struct stat status;
    char message[512] = "", path[PATH_MAX];
    write_folder(&office, &credentials);
    ck_assert_msg(load(&credentials, message, sizeof message) == 0, "%s", message);
    ck_assert_int_eq(stat(credentials.folder, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0700);
    credentials_file(&credentials, "node.key", path);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    end(&office, &credentials);
}
END_TEST

static void
damage(const struct credentials *credentials, const char *name, const char *text)
{
    char path[PATH_MAX];
    credentials_file(credentials, name, path);
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
}

/* M6: each file missing or damaged is refused, and named. */
START_TEST(folder_with_damage)
{
    static const char *const names[] = {"node.key", "node.crt", "overlay.xml"};
    struct office office;
    struct credentials credentials;
    char message[512], path[PATH_MAX], kept[PATH_MAX];
    write_folder(&office, &credentials);
    for (size_t i = 0; i < 3; i++) {
        credentials_file(&credentials, names[i], path);
        credentials_file(&credentials, "kept", kept);
        ck_assert_int_eq(rename(path, kept), 0);
        ck_assert_int_ne(load(&credentials, message, sizeof message), 0);
        ck_assert_msg(strstr(message, names[i]) != NULL, "%s", message);
        damage(&credentials, names[i], "-----BEGIN NOTHING-----\n");
        ck_assert_int_eq(chmod(path, 0600), 0);
        ck_assert_int_ne(load(&credentials, message, sizeof message), 0);
        ck_assert_msg(strstr(message, names[i]) != NULL, "%s", message);
        ck_assert_int_eq(rename(kept, path), 0);
    }
    ck_assert_int_eq(load(&credentials, message, sizeof message), 0);
    end(&office, &credentials);
}
END_TEST

/* M6: a key that others can read, and one that is not the certificate's. */
START_TEST(folder_with_wrong_keys)
{
    struct office office;
    struct credentials credentials;
    char message[512], path[PATH_MAX];
    EVP_PKEY *other;
    write_folder(&office, &credentials);
    credentials_file(&credentials, "node.key", path);
    static const mode_t open_modes[] = {0640, 0604, 0644, 0660, 0666};
    for (size_t i = 0; i < sizeof open_modes / sizeof open_modes[0]; i++) {
        ck_assert_int_eq(chmod(path, open_modes[i]), 0);
        ck_assert_int_ne(load(&credentials, message, sizeof message), 0);
        ck_assert_msg(strstr(message, "node.key") != NULL, "%s", message);
    }
    ck_assert_int_eq(reload_key_new(RELOAD_KEY_P256, &other), 0);
    ck_assert_int_eq(reload_key_write(other, path, true, message, sizeof message), 0);
    ck_assert_int_ne(load(&credentials, message, sizeof message), 0);
    EVP_PKEY_free(other);
    end(&office, &credentials);
}
END_TEST

SUITE_MAIN("credentials", good_certificate, wrong_certificates, subject_is_not_empty, wrong_issuers,
           folder_round_trip, folder_with_damage, folder_with_wrong_keys)
