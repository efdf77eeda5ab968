/* https.h: requests to configuration and enrolment servers: HTTPS only, no redirects, bounded.
 *
 * RFC 6940 11.2, 11.3; attacks F7. SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RELOAD_HTTPS_H
#define TOOLS_RELOAD_HTTPS_H

#include "reload/base/bytes.h"
#include "reload/base/error.h"

/* A part of a form. */
struct https_field {
    const char *name;
    struct reload_bytes value;
    const char *type;     /* NULL: text */
    const char *filename; /* NULL: none */
};

struct https_request {
    const char *url;
    const char *ca_file; /* PEM; only it is believed. NULL: the host's own list */
    /* The server's certificate must be for this name; NULL: for the URL's host. */
    const char *certificate_name;
    /* Connect to "HOST:PORT" instead of the URL's; NULL: don't. */
    const char *connect_to;
    const char *accept;               /* media type */
    const struct https_field *fields; /* none: GET, else POST of multipart/form-data */
    size_t field_count;
    size_t size_max; /* of the answer's body */
};

/* An answer; |body| is to be freed by https_answer_fini. */
struct https_answer {
    long status;
    char type[128]; /* Content-Type, without parameters, in lower case */
    long retry_after_s;
    uint8_t *body;
    size_t size;
};

/* https_do makes |request| and waits for the whole answer, at most a minute. An answer with an
 * error's status is an answer. On an error |message| says what, where, and what to do.
 * 0, RELOAD_E_USAGE (not an https URL), RELOAD_E_TOO_LARGE, RELOAD_E_IO, RELOAD_E_NOMEM. */
RELOAD_CHECKED int https_do(const struct https_request *request, struct https_answer *answer,
                            char *message, size_t size);

void https_answer_fini(struct https_answer *answer);

#endif
