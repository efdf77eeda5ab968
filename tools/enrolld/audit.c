/* audit.c: the log of what the enrolment server did.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/enrolld/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "reload/base/json.h"

enum { LINE_MAX_SIZE = 2048 };

int
audit_open(struct audit *audit, const char *path, char *message, size_t size)
{
    audit->descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (audit->descriptor >= 0)
        return 0;
    snprintf(message, size, "%s: %s", path, strerror(errno));
    return RELOAD_E_IO;
}

void
audit_close(struct audit *audit)
{
    if (audit->descriptor >= 0)
        close(audit->descriptor);
    audit->descriptor = -1;
}

static void
write_time(struct reload_json *json, const char *key, time_t seconds)
{
    char text[32];
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    reload_json_key(json, key);
    reload_json_text(json, text);
}

static void
write_member(struct reload_json *json, const char *key, const char *value)
{
    if (value == NULL)
        return;
    reload_json_key(json, key);
    reload_json_text(json, value);
}

int
audit_write(struct audit *audit, const struct audit_event *event)
{
    char line[LINE_MAX_SIZE];
    struct reload_json json = reload_json_fixed(line, sizeof line - 1);
    reload_json_begin_object(&json);
    write_time(&json, "time", time(NULL));
    write_member(&json, "event", event->what);
    write_member(&json, "user", event->user);
    write_member(&json, "address", event->address);
    write_member(&json, "reason", event->reason);
    write_member(&json, "serial", event->serial);
    if (event->node_id.size != 0) {
        reload_json_key(&json, "node_id");
        reload_json_hex(&json, event->node_id);
    }
    if (event->not_after_ms != 0)
        write_time(&json, "not_after", (time_t)(event->not_after_ms / 1000));
    reload_json_end_object(&json);
    if (json.failed)
        return RELOAD_E_IO;
    line[json.size] = '\n'; /* takes the place of the NUL */
    ssize_t written = write(audit->descriptor, line, json.size + 1);
    return written == (ssize_t)(json.size + 1) ? 0 : RELOAD_E_IO;
}
