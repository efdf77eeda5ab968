/* enrolment_open.c: opens what an enrolment server needs, and checks that it fits together.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include <openssl/rand.h>
#include <stdio.h>

#include "certs/certificate.h"
#include "certs/config_document.h"
#include "certs/key.h"
#include "tools/enrolld/enrolment.h"

static int
open_throttles(struct enrolment *enrolment, char *message, size_t size)
{
    const struct home_settings *settings = &enrolment->settings;
    uint64_t salt;
    if (RAND_bytes((unsigned char *)&salt, sizeof salt) != 1) {
        snprintf(message, size, "no random numbers");
        return RELOAD_E_CRYPTO;
    }
    /* A user's wait stays short, or strangers could keep him out; an address's may be long. */
    struct throttle_rule user = {.failures_free = settings->failures_per_user,
                                 .wait_ns = RELOAD_SECOND,
                                 .wait_max_ns = 30 * RELOAD_SECOND,
                                 .forget_ns = 3600 * RELOAD_SECOND};
    struct throttle_rule address = {.failures_free = settings->failures_per_address,
                                    .wait_ns = RELOAD_SECOND,
                                    .wait_max_ns = 3600 * RELOAD_SECOND,
                                    .forget_ns = 3600 * RELOAD_SECOND,
                                    .requests_burst = settings->requests_per_minute,
                                    .requests_ns =
                                        60 * RELOAD_SECOND / settings->requests_per_minute};
    enrolment->users = throttle_new(&user, salt);
    enrolment->addresses = throttle_new(&address, salt);
    if (enrolment->users != NULL && enrolment->addresses != NULL)
        return 0;
    snprintf(message, size, "out of memory");
    return RELOAD_E_NOMEM;
}

static int
open_authority(struct enrolment *enrolment, const struct home *home, char *message, size_t size)
{
    char path[PATH_MAX];
    home_file(home, "ca.key", path);
    int error = reload_key_read(path, &enrolment->ca_key, message, size);
    home_file(home, "ca.crt", path);
    if (error == 0)
        error = reload_certificate_read_pem(path, &enrolment->ca, message, size);
    if (error == 0 && X509_check_private_key(enrolment->ca, enrolment->ca_key) != 1) {
        snprintf(message, size,
                 "%s: is not the certificate of ca.key beside it; take both from the same backup",
                 path);
        error = RELOAD_E_CONFIG;
    }
    return error;
}

static int
open_document(struct enrolment *enrolment, const struct home *home, uint64_t wall_ms, char *message,
              size_t size)
{
    char path[PATH_MAX];
    home_file(home, "overlay.xml", path);
    struct reload_config_reading reading = {.instance_name = enrolment->settings.overlay,
                                            .wall_ms = wall_ms};
    int error = reload_config_read(path, &reading, &enrolment->config, message, size);
    if (error != 0)
        return error;
    if (reload_config_verify(enrolment->config, enrolment->config, wall_ms) == RELOAD_CONFIG_BAD) {
        snprintf(message, size, "%s: its signature does not verify; restore the file", path);
        return RELOAD_E_CONFIG;
    }
    return 0;
}

int
enrolment_open(struct enrolment *enrolment, const struct home *home, uint64_t wall_ms,
               char *message, size_t size)
{
    char path[PATH_MAX];
    *enrolment = (struct enrolment){.settings = home->settings, .audit = {.descriptor = -1}};
    int error = open_authority(enrolment, home, message, size);
    if (error == 0)
        error = open_document(enrolment, home, wall_ms, message, size);
    home_file(home, "users.db", path);
    if (error == 0)
        error = accounts_open(path, false, &enrolment->accounts, message, size);
    home_file(home, "audit.log", path);
    if (error == 0)
        error = audit_open(&enrolment->audit, path, message, size);
    return error == 0 ? open_throttles(enrolment, message, size) : error;
}

void
enrolment_close(struct enrolment *enrolment)
{
    throttle_free(enrolment->users);
    throttle_free(enrolment->addresses);
    audit_close(&enrolment->audit);
    accounts_close(enrolment->accounts);
    reload_config_free(enrolment->config);
    X509_free(enrolment->ca);
    EVP_PKEY_free(enrolment->ca_key);
    *enrolment = (struct enrolment){.audit = {.descriptor = -1}};
}
