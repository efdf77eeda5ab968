/* program.c: options, progress.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/program.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define OPTIONS_MAX 24 /* of one command */
#define HELP 0x100

/* Only the program has these; the library keeps nothing outside of its structs. */
static double started_at, printed_at;
static bool line_open;

double
program_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

bool
program_number(const char *text, uint64_t low, uint64_t high, uint64_t *value)
{
    char *end = NULL;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || number < low || number > high)
        return false;
    *value = number;
    return true;
}

void
program_progress(const char *what, uint64_t done, uint64_t all)
{
    double now = program_seconds();
    bool terminal = isatty(STDERR_FILENO);
    if (started_at == 0)
        started_at = now;
    if (now - started_at < 1 || now - printed_at < (terminal ? 0.2 : 2))
        return;
    printed_at = now;
    line_open = terminal;
    fprintf(stderr,
            terminal ? "\r\033[K%s: %" PRIu64 " of %" PRIu64 : "%s: %" PRIu64 " of %" PRIu64 "\n",
            what, done, all);
}

void
program_progress_end(void)
{
    if (line_open)
        fputs("\r\033[K", stderr);
    line_open = false;
}

int
program_refuse(const char *name, const char *option, const char *argument)
{
    fprintf(stderr, "%s: --%s %s: not a value that this option takes; see --help\n", name, option,
            argument);
    return 2;
}

int
program_end(int code)
{
    bool failed = ferror(stdout) != 0;
    if (fflush(stdout) == 0 && !failed)
        return code;
    fprintf(stderr, "reload-sim: standard output: %s\n", errno ? strerror(errno) : "not written");
    return 2;
}

/* Copies |options| into |all| and adds --help. Returns false when there are too many. */
static bool
add_help(const struct option *options, struct option *all, size_t room)
{
    size_t count = 0;
    for (; options[count].name; count++) {
        if (count + 2 >= room)
            return false;
        all[count] = options[count];
    }
    all[count] = (struct option){"help", no_argument, NULL, HELP};
    all[count + 1] = (struct option){0};
    return true;
}

int
program_read(const struct program_options *program, int argc, char **argv, void *settings)
{
    struct option all[OPTIONS_MAX];
    bool room = add_help(program->options, all, OPTIONS_MAX);
    assert(room);
    (void)room;
    int index = 0;
    opterr = 0; /* its messages do not know which command it is */
    for (int option; (option = getopt_long(argc, argv, ":", all, &index)) != -1;) {
        if (option == HELP) {
            fputs(program->usage, stdout);
            return 0;
        }
        if (option == '?' || option == ':') {
            fprintf(stderr, "%s: %s: %s; see --help\n", program->name, argv[optind - 1],
                    option == ':' ? "what is its value?" : "no such option, or not like this");
            return 2;
        }
        if (!program->take(settings, option, optarg))
            return program_refuse(program->name, all[index].name, optarg);
    }
    if (optind < argc) {
        fprintf(stderr, "%s: %s: what is this? see --help\n", program->name, argv[optind]);
        return 2;
    }
    return -1;
}
