/* main.c: reload, the command line of a RELOAD node.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/reload/command.h"

static const struct command commands[] = {
    {"decode", "show the bytes of a message as JSON", command_decode},
#ifdef RELOAD_ENROL
    {"enrol", "get a key, a certificate and the overlay's configuration document", command_enrol},
#endif
};

static void
print_usage(FILE *out)
{
    fprintf(out, "usage: reload COMMAND [ARGUMENTS]\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\nreload COMMAND --help says more.\n");
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
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "reload: unknown command '%s'; reload --help lists them\n", argv[1]);
    return EXIT_USAGE;
}
