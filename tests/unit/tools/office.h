/* office.h: an enrolment server without its network, for tests: an overlay made by init's own code,
 * with the user alice@example.org, and requests as they come from a form.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_TOOLS_OFFICE_H
#define TESTS_UNIT_TOOLS_OFFICE_H

#include "tools/enrolld/enrolment.h"
#include "tools/enrolld/overlay_plan.h"

#define OFFICE_OVERLAY "example.org"
#define OFFICE_USER "alice@example.org"
#define OFFICE_PASSWORD "correct horse"
#define OFFICE_NOW UINT64_C(1800000000000) /* wall clock, ms */

struct office {
    struct overlay_plan plan;
    struct home home;
    struct enrolment enrolment;
    EVP_PKEY *key; /* alice's */
    reload_time now;
    struct enrolment_answer answer; /* the last one; freed by the next */
};

/* A request; what is NULL or empty gets alice's right value. */
struct office_request {
    const char *username, *password, *nodeids, *csr_type, *address;
    EVP_PKEY *key;           /* of a good request for a certificate */
    const char *user_name;   /* in it; NULL: none */
    struct reload_bytes csr; /* instead of a good one */
    bool without_csr, without_username, without_password;
};

/* office_open makes the overlay below suite_folder(), with P-256 keys; |limit| Node-IDs per user.
 */
void office_open(struct office *office, unsigned limit);
void office_close(struct office *office);

/* office_add_user adds another user with OFFICE_PASSWORD. */
void office_add_user(struct office *office, const char *name);

/* office_ask sends |request| and returns the status; the answer is in |office|. office_refuses
 * asserts that the answer is 403 with |token|. */
unsigned office_ask(struct office *office, const struct office_request *request);
void office_refuses(struct office *office, const struct office_request *request, const char *token);

/* office_certificate returns the certificate of the last answer, to be freed, and its identity. */
X509 *office_certificate(const struct office *office, struct reload_identity *identity);

#endif
