/* enrolment.h: decides on certificate requests: who asks, for what, and whether he gets it.
 *
 * RFC 6940 11.3; D25, D30; attacks E1-E5. SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_ENROLLD_ENROLMENT_H
#define TOOLS_ENROLLD_ENROLMENT_H

#include "reload/env.h"
#include "tools/enrolld/accounts.h"
#include "tools/enrolld/audit.h"
#include "tools/enrolld/form.h"
#include "tools/enrolld/home.h"
#include "tools/enrolld/throttle.h"

/* What an enrolment server has at hand. Used by one thread at a time. */
struct enrolment {
    struct home_settings settings;
    struct accounts *accounts;
    struct audit audit;
    struct throttle *users, *addresses;
    EVP_PKEY *ca_key;
    X509 *ca;
    struct reload_config *config;
};

/* An answer: |certificate| (to be freed by OPENSSL_free) for 200, else the text |token|. */
struct enrolment_answer {
    unsigned status; /* of HTTP */
    const char *token;
    uint8_t *certificate; /* DER */
    size_t size;
    unsigned retry_after_s; /* with 429 */
};

/* enrolment_open opens all that |home| holds, and checks that it fits together at |wall_ms|.
 * On an error |message| says what is wrong, where, and what to do. Ended by enrolment_close, also
 * after an error. RELOAD_E_IO, RELOAD_E_CONFIG, RELOAD_E_EXPIRED, RELOAD_E_NOMEM. */
RELOAD_CHECKED int enrolment_open(struct enrolment *enrolment, const struct home *home,
                                  uint64_t wall_ms, char *message, size_t size);
void enrolment_close(struct enrolment *enrolment);

/* enrolment_decide answers the request |form| from |address| (numeric). |now| is monotonic. */
void enrolment_decide(struct enrolment *enrolment, const struct form *form, const char *address,
                      reload_time now, uint64_t wall_ms, struct enrolment_answer *answer);

#endif
