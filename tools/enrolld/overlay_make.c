/* overlay_make.c: makes an overlay: CA, keys, certificates, the signed document, an empty database.
 *
 * RFC 6940 11.1, 11.3. SPDX-License-Identifier: BSD-2-Clause */
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/config_document.h"
#include "tools/enrolld/accounts.h"
#include "tools/enrolld/audit.h"
#include "tools/enrolld/overlay_document.h"
#include "tools/enrolld/overlay_plan.h"

/* An overlay in the making; everything in it is freed at the end. */
struct making {
    struct overlay_plan *plan;
    struct home *home;
    uint64_t wall_ms;
    EVP_PKEY *ca_key, *server_key, *signer_key;
    X509 *ca, *server, *signer;
    struct reload_node_id signer_id;
    uint8_t *ca_der;
    char *message;
    size_t size;
};

static int
say(struct making *making, const char *what, int error)
{
    snprintf(making->message, making->size, "%s: %s", what, reload_error_text(error));
    return error;
}

static int
make_root(struct making *making)
{
    const struct overlay_plan *plan = making->plan;
    int error = reload_key_new(plan->key_type, &making->ca_key);
    if (error == 0)
        error = reload_authority_root(making->ca_key, plan->settings.overlay, making->wall_ms,
                                      plan->root_days, &making->ca);
    int size = error == 0 ? i2d_X509(making->ca, &making->ca_der) : 0;
    if (size <= 0)
        return say(making, "the CA cannot be made", error != 0 ? error : RELOAD_E_CRYPTO);
    making->plan->config.root_certs[0] = (struct reload_bytes){making->ca_der, (size_t)size};
    making->plan->config.root_cert_count = 1;
    return 0;
}

static int
make_server(struct making *making)
{
    const struct overlay_plan *plan = making->plan;
    int error = reload_key_new(plan->key_type, &making->server_key);
    if (error == 0)
        error = reload_authority_server(making->ca_key, making->ca, making->server_key,
                                        plan->settings.host, plan->settings.overlay,
                                        making->wall_ms, plan->root_days, &making->server);
    return error == 0 ? 0 : say(making, "the server's certificate cannot be made", error);
}

/* Who signs documents and Kinds is a node like any other, known by its Node-ID (11.1). */
static int
make_signer(struct making *making)
{
    struct overlay_plan *plan = making->plan;
    struct reload_config *config = &plan->config;
    char name[RELOAD_USER_NAME_MAX + 1];
    snprintf(name, sizeof name, "configuration-signer@%.128s", plan->settings.overlay);
    int error = reload_key_new(plan->key_type, &making->signer_key);
    if (error == 0 && RAND_priv_bytes(making->signer_id.octets, config->node_id_length) != 1)
        error = RELOAD_E_CRYPTO;
    if (error == 0)
        error = reload_authority_issue(making->ca_key, making->ca, making->signer_key,
                                       &making->signer_id, 1, config->node_id_length, name,
                                       plan->settings.overlay, making->wall_ms, plan->root_days,
                                       &making->signer);
    if (error != 0)
        return say(making, "the signer's certificate cannot be made", error);
    config->configuration_signers[0] = config->kind_signers[0] = making->signer_id;
    config->configuration_signer_count = config->kind_signer_count = 1;
    return 0;
}

static int
write_credentials(struct making *making)
{
    const struct row {
        const char *key_name, *certificate_name;
        EVP_PKEY *key;
        X509 *certificate;
    } rows[] = {
        {"ca.key", "ca.crt", making->ca_key, making->ca},
        {"server.key", "server.crt", making->server_key, making->server},
        {"signer.key", "signer.crt", making->signer_key, making->signer},
    };
    int error = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && error == 0; i++) {
        char path[PATH_MAX];
        home_file(making->home, rows[i].key_name, path);
        error = reload_key_write(rows[i].key, path, false, making->message, making->size);
        if (error == 0)
            error = home_write_certificate(making->home, rows[i].certificate_name,
                                           rows[i].certificate, making->message, making->size);
    }
    return error;
}

static void
set_url(struct overlay_plan *plan)
{
    const char *host = plan->settings.host;
    const char *format = strchr(host, ':') != NULL ? "https://[%s]:%u%s" : "https://%s:%u%s";
    snprintf(plan->config.enrollment_urls[0], sizeof plan->config.enrollment_urls[0], format, host,
             plan->settings.port, HOME_ENROLMENT_PATH);
    plan->config.enrollment_url_count = 1;
}

static int
write_document(struct making *making)
{
    struct overlay_plan *plan = making->plan;
    set_url(plan);
    plan->config.overlay = reload_config_overlay(plan->settings.overlay);
    return overlay_document_write(making->home, &plan->config, making->signer_key, making->signer,
                                  making->wall_ms, plan->document_days, false, making->message,
                                  making->size);
}

static int
make_database(struct making *making)
{
    char path[PATH_MAX];
    struct accounts *accounts = NULL;
    struct audit audit = {.descriptor = -1};
    struct audit_event event = {.what = "overlay made"};
    home_file(making->home, "users.db", path);
    int error = accounts_open(path, true, &accounts, making->message, making->size);
    home_file(making->home, "audit.log", path);
    if (error == 0)
        error = audit_open(&audit, path, making->message, making->size);
    if (error == 0 && audit_write(&audit, &event) != 0)
        error = say(making, "audit.log", RELOAD_E_IO);
    audit_close(&audit);
    accounts_close(accounts);
    return error;
}

int
overlay_plan_make(struct overlay_plan *plan, const char *path, uint64_t wall_ms, struct home *home,
                  char *message, size_t size)
{
    struct making making = {
        .plan = plan, .home = home, .wall_ms = wall_ms, .message = message, .size = size};
    static int (*const steps[])(struct making * making) = {
        make_root, make_server, make_signer, write_credentials, write_document, make_database};
    home->settings = plan->settings;
    int error = home_create(home, path, message, size);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && error == 0; i++)
        error = steps[i](&making);
    EVP_PKEY_free(making.ca_key);
    EVP_PKEY_free(making.server_key);
    EVP_PKEY_free(making.signer_key);
    X509_free(making.ca);
    X509_free(making.server);
    X509_free(making.signer);
    OPENSSL_free(making.ca_der);
    return error;
}
