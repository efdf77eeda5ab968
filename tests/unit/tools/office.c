/* office.c: an enrolment server without its network, for tests.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/tools/office.h"

#include <stdio.h>
#include <string.h>

#include "certs/certificate.h"
#include "tests/unit/tools/suite.h"

void
office_open(struct office *office, unsigned limit)
{
    char path[64], message[512] = "";
    memset(office, 0, sizeof *office);
    snprintf(path, sizeof path, "%s/office", suite_folder());
    overlay_plan_default(&office->plan);
    ck_assert(overlay_plan_set_name(&office->plan, OFFICE_OVERLAY));
    ck_assert(overlay_plan_add_bootstrap(&office->plan, "127.0.0.1:6084"));
    snprintf(office->plan.settings.host, sizeof office->plan.settings.host, "127.0.0.1");
    snprintf(office->plan.settings.listen, sizeof office->plan.settings.listen, "127.0.0.1");
    office->plan.settings.node_ids_per_user = limit;
    int error =
        overlay_plan_make(&office->plan, path, OFFICE_NOW, &office->home, message, sizeof message);
    ck_assert_msg(error == 0, "%s", message);
    error = enrolment_open(&office->enrolment, &office->home, OFFICE_NOW, message, sizeof message);
    ck_assert_msg(error == 0, "%s", message);
    office_add_user(office, OFFICE_USER);
    ck_assert_int_eq(reload_key_new(RELOAD_KEY_P256, &office->key), 0);
}

void
office_close(struct office *office)
{
    OPENSSL_free(office->answer.certificate);
    EVP_PKEY_free(office->key);
    enrolment_close(&office->enrolment);
}

void
office_add_user(struct office *office, const char *name)
{
    char encoded[PASSWORD_ENCODED_MAX];
    ck_assert_int_eq(password_hash(reload_bytes_of_string(OFFICE_PASSWORD), encoded), 0);
    ck_assert_int_eq(accounts_add(office->enrolment.accounts, name, encoded), 0);
}

static void
add_text(struct form *form, const char *name, const char *text, const char *usual)
{
    const char *value = text != NULL ? text : usual;
    if (value != NULL)
        form_add(form, name, NULL, NULL, value, 0, strlen(value));
}

static void
add_csr(const struct office *office, const struct office_request *request, struct form *form)
{
    const char *type = request->csr_type != NULL ? request->csr_type : "application/pkcs10";
    uint8_t *der = NULL;
    size_t size;
    if (request->csr.data != NULL) {
        form_add(form, "csr", type, NULL, (const char *)request->csr.data, 0, request->csr.size);
        return;
    }
    EVP_PKEY *key = request->key != NULL ? request->key : office->key;
    ck_assert_int_eq(reload_csr_make(key, request->user_name, &der, &size), 0);
    form_add(form, "csr", type, NULL, (const char *)der, 0, size);
    OPENSSL_free(der);
}

unsigned
office_ask(struct office *office, const struct office_request *request)
{
    struct form form;
    form_init(&form);
    if (!request->without_username)
        add_text(&form, "username", request->username, "alice");
    if (!request->without_password)
        add_text(&form, "password", request->password, OFFICE_PASSWORD);
    add_text(&form, "nodeids", request->nodeids, NULL);
    if (!request->without_csr)
        add_csr(office, request, &form);
    OPENSSL_free(office->answer.certificate);
    enrolment_decide(&office->enrolment, &form,
                     request->address != NULL ? request->address : "192.0.2.1", office->now,
                     OFFICE_NOW, &office->answer);
    form_fini(&form);
    return office->answer.status;
}

void
office_refuses(struct office *office, const struct office_request *request, const char *token)
{
    ck_assert_uint_eq(office_ask(office, request), 403);
    ck_assert_str_eq(office->answer.token, token);
    ck_assert_ptr_null(office->answer.certificate);
}

X509 *
office_certificate(const struct office *office, struct reload_identity *identity)
{
    X509 *x509;
    X509_STORE *store;
    const struct reload_config *config = office->enrolment.config;
    struct reload_bytes der = {office->answer.certificate, office->answer.size};
    ck_assert_int_eq(reload_certificate_parse(der, &x509), 0);
    ck_assert_int_eq(reload_certificate_identify(x509, config, identity), 0);
    ck_assert_int_eq(reload_certificate_store(config, &store), 0);
    ck_assert_int_eq(reload_certificate_check_chain(x509, store, config, identity, OFFICE_NOW), 0);
    X509_STORE_free(store);
    return x509;
}
