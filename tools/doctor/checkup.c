/* checkup.c: what was found, for people and for programs.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/doctor/checkup.h"

#include "tools/reload/control_client.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX 600

static const struct {
    const char *name, *mark, *colour;
} findings[] = {
    [FINDING_GOOD] = {"good", "good", "32"},
    [FINDING_NOTE] = {"note", "note", "36"},
    [FINDING_WARNING] = {"warning", "warning", "33"},
    [FINDING_FAILURE] = {"failure", "FAILURE", "31"},
    [FINDING_SKIPPED] = {"skipped", "skipped", "2"},
};

static void
print_finding(const char *step, enum finding finding, const char *text, const char *advice)
{
    bool colours = isatty(STDOUT_FILENO) == 1;
    printf("%s%s%s%-8s%s %-14s %s\n", colours ? "\033[" : "",
           colours ? findings[finding].colour : "", colours ? "m" : "", findings[finding].mark,
           colours ? "\033[0m" : "", step, text);
    if (advice)
        printf("%-8s %-14s -> %s\n", "", "", advice);
    (void)fflush(stdout);
}

void
checkup_find(struct checkup *checkup, const char *step, enum finding finding, const char *advice,
             const char *format, ...)
{
    char text[TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    checkup->counts[finding]++;
    json_t *row = json_pack("{s:s, s:s, s:s, s:s?}", "step", step, "state", findings[finding].name,
                            "text", text, "advice", advice);
    if (!row || json_array_append_new(checkup->findings, row) != 0)
        checkup->failed = true;
    if (!checkup->json)
        print_finding(step, finding, text, advice);
}

static void
add_to_last(struct checkup *checkup, const char *name, json_t *value)
{
    size_t count = json_array_size(checkup->findings);
    json_t *row = count ? json_array_get(checkup->findings, count - 1) : NULL;
    if (!row || json_object_set_new(row, name, value) != 0)
        checkup->failed = true;
}

void
checkup_number(struct checkup *checkup, const char *name, double value)
{
    add_to_last(checkup, name, json_real(value));
}

void
checkup_text(struct checkup *checkup, const char *name, const char *value)
{
    add_to_last(checkup, name, json_string(value));
}

json_t *
checkup_ask(const struct checkup *checkup, json_t *request, char *reason, size_t size)
{
    json_t *answer = NULL;
    (void)snprintf(reason, size, "out of memory");
    if (request && control_ask(checkup->control, request, &answer, reason, size) != 0)
        answer = NULL;
    json_decref(request);
    return answer;
}

bool
checkup_look(struct checkup *checkup)
{
    char reason[SETTINGS_REASON_SIZE];
    json_t *status =
        checkup_ask(checkup, json_pack("{s:s}", "command", "status"), reason, sizeof reason);
    if (!status)
        return false;
    json_decref(checkup->status);
    checkup->status = status;
    return true;
}

double
checkup_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void
checkup_pause(long duration_ms)
{
    struct timespec pause = {duration_ms / 1000, duration_ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}
