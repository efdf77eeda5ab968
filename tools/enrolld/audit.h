/* audit.h: the log of what the enrolment server did: one JSON object a line, only ever appended,
 * without secrets. RFC 6940 11.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_ENROLLD_AUDIT_H
#define TOOLS_ENROLLD_AUDIT_H

#include "reload/base/bytes.h"
#include "reload/base/error.h"

struct audit {
    int descriptor;
};

/* One event. Strings that do not apply are NULL, runs of octets empty. |user| is the name of an
 * account that exists: what a stranger typed is not logged, since it may be a password. */
struct audit_event {
    const char *what; /* "certificate", "refused", "user added" ... */
    const char *user;
    const char *address;
    const char *reason;
    const char *serial;
    struct reload_bytes node_id;
    uint64_t not_after_ms;
};

/* audit_open opens or makes (0600) the file |path| for appending. On an error |message| says what.
 * 0 or RELOAD_E_IO. */
RELOAD_CHECKED int audit_open(struct audit *audit, const char *path, char *message, size_t size);
void audit_close(struct audit *audit);

/* audit_write appends |event| with the time of day. 0 or RELOAD_E_IO: then do not do it. */
RELOAD_CHECKED int audit_write(struct audit *audit, const struct audit_event *event);

#endif
