/* credentials.c: a node's folder: key, certificate, configuration document.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/reload/credentials.h"

#include <assert.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "certs/certificate.h"
#include "certs/config_document.h"
#include "certs/file.h"
#include "certs/key.h"
#include "certs/keyring.h"
#include "reload/base/json.h"

void
credentials_file(const struct credentials *credentials, const char *name, char *path)
{
    int length = snprintf(path, PATH_MAX, "%s/%s", credentials->folder, name);
    assert(length > 0 && length < PATH_MAX);
}

int
credentials_make_folder(const struct credentials *credentials, char *message, size_t size)
{
    struct stat stat_of;
    if (mkdir(credentials->folder, 0700) == 0 ||
        (errno == EEXIST && stat(credentials->folder, &stat_of) == 0 && S_ISDIR(stat_of.st_mode)))
        return 0;
    snprintf(message, size, "%.300s: %s; name another folder by --out", credentials->folder,
             errno == EEXIST ? "is not a folder" : strerror(errno));
    return RELOAD_E_IO;
}

/* ---- what we were sent ----------------------------------------------------------------------- */

static int
refuse(char *message, size_t size, int error, const char *reason)
{
    snprintf(message, size, "the server's answer is refused: %s", reason);
    return error;
}

static int
check_chain(const struct credentials *credentials, X509 *x509,
            const struct reload_identity *identity, uint64_t wall_ms)
{
    X509_STORE *store;
    int error = reload_certificate_store(credentials->config, &store);
    if (error != 0)
        return error;
    error = reload_certificate_check_chain(x509, store, credentials->config, identity, wall_ms);
    X509_STORE_free(store);
    return error;
}

static int
check(const struct credentials *credentials, X509 *x509, const struct credentials_wanted *wanted,
      char *message, size_t size)
{
    struct reload_identity identity;
    if ((X509_get_extension_flags(x509) & EXFLAG_CA) != 0)
        return refuse(message, size, RELOAD_E_CERTIFICATE, "the certificate is a CA's");
    if (EVP_PKEY_eq(X509_get0_pubkey(x509), credentials->key) != 1)
        return refuse(message, size, RELOAD_E_CERTIFICATE, "the certificate is for another key");
    if (reload_certificate_identify(x509, credentials->config, &identity) != 0)
        return refuse(message, size, RELOAD_E_CERTIFICATE,
                      reload_certificate_flaw(x509, credentials->config));
    if (strcmp(identity.user_name, wanted->user_name) != 0)
        return refuse(message, size, RELOAD_E_CERTIFICATE, "the certificate is for another user");
    if (wanted->wall_ms < identity.not_before_ms || wanted->wall_ms > identity.not_after_ms)
        return refuse(message, size, RELOAD_E_EXPIRED,
                      "the certificate is not valid now; are both clocks right?");
    if (check_chain(credentials, x509, &identity, wanted->wall_ms) != 0)
        return refuse(message, size, RELOAD_E_CERTIFICATE,
                      "no root-cert of the configuration document issued the certificate");
    return 0;
}

int
credentials_take(struct credentials *credentials, struct reload_bytes der,
                 const struct credentials_wanted *wanted, char *message, size_t size)
{
    X509 *x509;
    if (reload_certificate_parse(der, &x509) != 0)
        return refuse(message, size, RELOAD_E_CERTIFICATE, "it is not a certificate in DER");
    int error = check(credentials, x509, wanted, message, size);
    if (error != 0) {
        X509_free(x509);
        return error;
    }
    X509_free(credentials->certificate);
    credentials->certificate = x509;
    return 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int
write_certificate(const struct credentials *credentials, char *message, size_t size)
{
    char path[PATH_MAX], *pem = NULL;
    BIO *memory = BIO_new(BIO_s_mem());
    long length = 0;
    if (memory != NULL && PEM_write_bio_X509(memory, credentials->certificate) == 1)
        length = BIO_get_mem_data(memory, &pem);
    int error = RELOAD_E_CRYPTO;
    credentials_file(credentials, "node.crt", path);
    if (length > 0)
        error = reload_file_write(path, (struct reload_bytes){(const uint8_t *)pem, (size_t)length},
                                  0644, true, message, size);
    else
        snprintf(message, size, "the certificate cannot be written as PEM");
    BIO_free(memory);
    return error;
}

static int
write_sample(const struct credentials *credentials, char *message, size_t size)
{
    static const char text[] = "; reloadd: paths are relative to this file.\n"
                               "[node]\n"
                               "document = overlay.xml\n"
                               "certificate = node.crt\n"
                               "key = node.key\n"
                               "; listen = 0.0.0.0:6084\n"
                               "; first-node = yes\n"
                               "; roles = registrar, proxy\n"
                               "\n"
                               "; where phones register\n"
                               "[sip]\n"
                               "; listen = 127.0.0.1:5060\n"
                               "; rtp-relay = on\n";
    char path[PATH_MAX];
    credentials_file(credentials, "reloadd.conf", path);
    if (access(path, F_OK) == 0)
        return 0;
    return reload_file_write(path, reload_bytes_of_string(text), 0600, false, message, size);
}

int
credentials_write(const struct credentials *credentials, char *message, size_t size)
{
    char path[PATH_MAX];
    credentials_file(credentials, "overlay.xml", path);
    int error = reload_file_write(path, credentials->config->document, 0644, true, message, size);
    if (error == 0)
        error = write_certificate(credentials, message, size);
    return error == 0 ? write_sample(credentials, message, size) : error;
}

/* ---- reading --------------------------------------------------------------------------------- */

int
credentials_load(struct credentials *credentials, uint64_t wall_ms,
                 void (*warn)(void *argument, const char *text), char *message, size_t size)
{
    struct reload_config_reading reading = {.wall_ms = wall_ms, .warn = warn};
    struct reload_keyring *keyring = NULL;
    char path[PATH_MAX], key_path[PATH_MAX];
    uint32_t kind;
    credentials_file(credentials, "overlay.xml", path);
    int error = reload_config_read(path, &reading, &credentials->config, message, size);
    if (error == 0 && reload_config_verify(credentials->config, credentials->config, wall_ms) ==
                          RELOAD_CONFIG_BAD) {
        snprintf(message, size, "%s: its signature does not verify; get it again", path);
        error = RELOAD_E_CONFIG;
    }
    if (error == 0 &&
        !reload_config_kinds_hold(credentials->config, credentials->config, wall_ms, &kind)) {
        snprintf(message, size, "%s: the signature of its Kind %u does not verify; get it again",
                 path, kind);
        error = RELOAD_E_CONFIG;
    }
    credentials_file(credentials, "node.key", key_path);
    if (error == 0)
        error = reload_key_read(key_path, &credentials->key, message, size);
    credentials_file(credentials, "node.crt", path);
    if (error == 0)
        error = reload_certificate_read_pem(path, &credentials->certificate, message, size);
    if (error == 0)
        error = reload_certificate_check_key(credentials->certificate, path, credentials->key,
                                             key_path, message, size);
    if (error == 0)
        error = reload_keyring_new(credentials->key, credentials->certificate, credentials->config,
                                   wall_ms, &keyring, message, size);
    reload_keyring_free(keyring);
    return error;
}

/* ---- showing --------------------------------------------------------------------------------- */

static void
format_node_id(const struct reload_node_id *id, uint8_t length, char *text)
{
    for (uint8_t i = 0; i < length; i++)
        snprintf(text + 2 * i, 3, "%02x", id->octets[i]);
}

static void
print_json(const struct credentials *credentials, const struct reload_identity *identity,
           const char *node_id, const char *date)
{
    const char *const members[][2] = {{"overlay", credentials->config->instance_name},
                                      {"user", identity->user_name},
                                      {"node_id", node_id},
                                      {"not_after", date},
                                      {"folder", credentials->folder}};
    char text[2 * PATH_MAX];
    struct reload_json json = reload_json_fixed(text, sizeof text);
    reload_json_begin_object(&json);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        reload_json_key(&json, members[i][0]);
        reload_json_text(&json, members[i][1]);
    }
    reload_json_end_object(&json);
    if (!json.failed)
        puts(text);
}

int
credentials_print(const struct credentials *credentials, bool as_json)
{
    struct reload_identity identity;
    char node_id[2 * RELOAD_NODE_ID_SIZE_MAX + 1], date[32];
    struct tm tm;
    int error =
        reload_certificate_identify(credentials->certificate, credentials->config, &identity);
    if (error != 0)
        return error;
    time_t seconds = (time_t)(identity.not_after_ms / 1000);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
    format_node_id(&identity.node_ids[0], credentials->config->node_id_length, node_id);
    if (as_json)
        print_json(credentials, &identity, node_id, date);
    else
        printf("overlay  %s\nuser     %s\nNode-ID  %s\nvalid    until %s\nfolder   %s\n",
               credentials->config->instance_name, identity.user_name, node_id, date,
               credentials->folder);
    return 0;
}

void
credentials_fini(struct credentials *credentials)
{
    EVP_PKEY_free(credentials->key);
    X509_free(credentials->certificate);
    reload_config_free(credentials->config);
    credentials->key = NULL;
    credentials->certificate = NULL;
    credentials->config = NULL;
}
