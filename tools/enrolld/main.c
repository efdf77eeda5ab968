/* main.c: reload-enrolld, the enrolment and configuration server of an overlay.
 *
 * RFC 6940 11.2, 11.3. SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tools/enrolld/command.h"

static const struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"init", "make CA, server key and a signed configuration document", command_init},
    {"user", "add, list, reset and remove users", command_user},
    {"renew", "sign the configuration document anew", command_renew},
    {"serve", "answer requests for certificates and for the document", command_serve},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void
print_usage(FILE *out)
{
    fprintf(out, "usage: reload-enrolld COMMAND [ARGUMENTS]\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-6s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\nreload-enrolld COMMAND --help says more.\n");
}

/* Keys and passwords pass through here: no core dumps, no debuggers of other processes, and no
 * file that others can read unless it says so. */
static void
protect(void)
{
    struct rlimit none = {0, 0};
    umask(077);
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return EXIT_SUCCESS;
    }
    protect();
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        char name[64]; /* what getopt begins its messages with */
        snprintf(name, sizeof name, "reload-enrolld %s", commands[i].name);
        argv[1] = name;
        return commands[i].run(argc - 1, argv + 1);
    }
    fprintf(stderr, "reload-enrolld: unknown command '%s'; reload-enrolld --help lists them\n",
            argv[1]);
    return EXIT_USAGE;
}
