/* enrolment.c: decides on certificate requests.
 *
 * RFC 6940 11.3. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/enrolld/enrolment.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/enrolld/user_name.h"

enum { NODE_ID_TRIES = 4, SERIAL_TEXT_MAX = 64 };

/* RFC6940 11.3: the tokens of a 403. */
static const char failed_authentication[] = "failed_authentication";
static const char username_not_available[] = "username_not_available";
static const char node_ids_not_available[] = "Node-IDs_not_available";
static const char bad_csr[] = "bad_CSR";

/* A request while it is looked at. */
struct decision {
    struct enrolment *enrolment;
    const struct form *form;
    const char *address;
    struct enrolment_answer *answer;
    bool known; /* the account exists and the password was right */
    char user[RELOAD_USER_NAME_MAX + 1];
};

static void
refuse(struct decision *decision, unsigned status, const char *token)
{
    decision->answer->status = status;
    decision->answer->token = token;
    struct audit_event event = {.what = "refused",
                                .user = decision->known ? decision->user : NULL,
                                .address = decision->address,
                                .reason = token};
    reload_ignore(audit_write(&decision->enrolment->audit, &event));
}

static void
refuse_for(struct decision *decision, reload_time wait)
{
    decision->answer->retry_after_s = (unsigned)(wait / RELOAD_SECOND) + 1;
    refuse(decision, 429, "too many tries; wait");
}

/* ---- who asks -------------------------------------------------------------------------------- */

/* An IPv6 host has a whole /64 to itself. A socket for both families tells of IPv4 hosts by mapped
 * addresses, which all begin alike: there the last four octets count. */
static struct reload_bytes
address_key(const char *address, uint8_t key[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
    if (inet_pton(AF_INET6, address, key) == 1)
        return memcmp(key, mapped, sizeof mapped) == 0
                   ? (struct reload_bytes){key + sizeof mapped, 4}
                   : (struct reload_bytes){key, 8};
    if (inet_pton(AF_INET, address, key) == 1)
        return (struct reload_bytes){key, 4};
    return (struct reload_bytes){NULL, 0};
}

/* Looks up the account and compares the password; the same work whether or not there is one. */
static int
compare_password(struct decision *decision, bool *right)
{
    struct enrolment *enrolment = decision->enrolment;
    char encoded[PASSWORD_ENCODED_MAX];
    int error = RELOAD_E_NOT_FOUND;
    if (decision->user[0] != '\0')
        error = accounts_password(enrolment->accounts, decision->user, encoded);
    if (error != 0 && error != RELOAD_E_NOT_FOUND)
        return error;
    *right = password_matches(error == 0 ? encoded : NULL, form_get(decision->form, FORM_PASSWORD));
    OPENSSL_cleanse(encoded, sizeof encoded);
    return 0;
}

/* Tells whether the request goes on; else the answer is set. */
static bool
authenticate(struct decision *decision, reload_time now)
{
    struct enrolment *enrolment = decision->enrolment;
    uint8_t key[16];
    struct reload_bytes address = address_key(decision->address, key);
    struct reload_bytes user = form_get(decision->form, FORM_USERNAME);
    if (user_name_complete(user, enrolment->settings.overlay, decision->user) == 0)
        user = reload_bytes_of_string(decision->user);
    reload_time wait = throttle_take(enrolment->addresses, address, now);
    if (wait == 0)
        wait = throttle_wait(enrolment->addresses, address, now);
    if (wait == 0)
        wait = throttle_wait(enrolment->users, user, now);
    if (wait != 0) {
        refuse_for(decision, wait);
        return false;
    }
    bool right = false;
    if (compare_password(decision, &right) != 0) {
        refuse(decision, 500, "internal error");
        return false;
    }
    if (!right) {
        throttle_failed(enrolment->users, user, now);
        throttle_failed(enrolment->addresses, address, now);
        refuse(decision, 403, failed_authentication);
        return false;
    }
    throttle_succeeded(enrolment->users, user, now);
    decision->known = true;
    return true;
}

/* ---- what it asks for ------------------------------------------------------------------------ */

/* One certificate has one Node-ID (D30). */
static bool
wants_one_node_id(const struct form *form)
{
    return !form->fields[FORM_NODEIDS].present ||
           reload_bytes_equal(form_get(form, FORM_NODEIDS), reload_bytes_of_string("1"));
}

/* The user's and the key's Node-ID: the one of before, or a new random one. */
static int
find_node_id(struct decision *decision, const EVP_PKEY *key, struct reload_node_id *node_id)
{
    struct enrolment *enrolment = decision->enrolment;
    uint8_t length = enrolment->config->node_id_length, digest[ACCOUNTS_KEY_DIGEST_SIZE];
    int error = reload_csr_key_digest(key, digest);
    for (int i = 0; i < NODE_ID_TRIES && error == 0; i++) {
        struct reload_node_id candidate = {{0}};
        if (RAND_priv_bytes(candidate.octets, length) != 1)
            return RELOAD_E_CRYPTO;
        if (reload_node_id_is_zero(&candidate) || reload_node_id_is_wildcard(&candidate, length))
            continue; /* D20 */
        error = accounts_node_id(enrolment->accounts, decision->user, digest, &candidate, length,
                                 enrolment->settings.node_ids_per_user, node_id);
        if (error != RELOAD_E_DUPLICATE)
            return error;
        error = 0;
    }
    return error != 0 ? error : RELOAD_E_CRYPTO;
}

static void
serial_text(const X509 *x509, char text[SERIAL_TEXT_MAX])
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), NULL);
    char *digits = number != NULL ? BN_bn2hex(number) : NULL;
    snprintf(text, SERIAL_TEXT_MAX, "%s", digits != NULL ? digits : "?");
    OPENSSL_free(digits);
    BN_free(number);
}

static uint64_t
not_after_ms(const X509 *x509)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(x509), &tm) != 1)
        return 0;
    return (uint64_t)timegm(&tm) * 1000;
}

/* Makes the certificate; it is given out only once it stands in the log. */
static int
issue(struct decision *decision, EVP_PKEY *key, const struct reload_node_id *node_id,
      uint64_t wall_ms)
{
    struct enrolment *enrolment = decision->enrolment;
    struct enrolment_answer *answer = decision->answer;
    uint8_t length = enrolment->config->node_id_length;
    X509 *x509;
    int error = reload_authority_issue(enrolment->ca_key, enrolment->ca, key, node_id, 1, length,
                                       decision->user, enrolment->settings.overlay, wall_ms,
                                       enrolment->settings.certificate_days, &x509);
    if (error != 0)
        return error;
    char serial[SERIAL_TEXT_MAX];
    serial_text(x509, serial);
    struct audit_event event = {.what = "certificate",
                                .user = decision->user,
                                .address = decision->address,
                                .serial = serial,
                                .node_id = reload_node_id_bytes(node_id, length),
                                .not_after_ms = not_after_ms(x509)};
    error = audit_write(&enrolment->audit, &event);
    int size = error == 0 ? i2d_X509(x509, &answer->certificate) : 0;
    X509_free(x509);
    if (size <= 0)
        return error != 0 ? error : RELOAD_E_CRYPTO;
    answer->size = (size_t)size;
    answer->status = 200;
    return 0;
}

/* The request's key is strong and signed the request; its wish for a name is the account's. */
static void
answer_csr(struct decision *decision, uint64_t wall_ms)
{
    struct reload_csr csr;
    struct reload_node_id node_id;
    int error = reload_csr_parse(form_get(decision->form, FORM_CSR), &csr);
    if (decision->form->csr_type_wrong || error != 0) {
        if (error == 0)
            reload_csr_fini(&csr);
        refuse(decision, 403, error == RELOAD_E_FORBIDDEN ? username_not_available : bad_csr);
        return;
    }
    if (csr.user_name[0] != '\0' && strcmp(csr.user_name, decision->user) != 0) {
        refuse(decision, 403, username_not_available);
    } else {
        error = find_node_id(decision, csr.key, &node_id);
        if (error == 0)
            error = issue(decision, csr.key, &node_id, wall_ms);
        if (error == RELOAD_E_BUSY)
            refuse(decision, 403, node_ids_not_available);
        else if (error != 0)
            refuse(decision, 500, "internal error");
    }
    reload_csr_fini(&csr);
}

void
enrolment_decide(struct enrolment *enrolment, const struct form *form, const char *address,
                 reload_time now, uint64_t wall_ms, struct enrolment_answer *answer)
{
    struct decision decision = {
        .enrolment = enrolment, .form = form, .address = address, .answer = answer};
    *answer = (struct enrolment_answer){0};
    if (form->duplicate || form->too_large) {
        refuse(&decision, 400, "a field came twice or is too long");
        return;
    }
    if (!authenticate(&decision, now))
        return;
    if (!wants_one_node_id(form)) {
        refuse(&decision, 403, node_ids_not_available);
        return;
    }
    answer_csr(&decision, wall_ms);
}
