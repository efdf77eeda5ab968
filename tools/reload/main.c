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
#ifdef RELOAD_CONTROL
    {"status", "what the running node is and does", command_control},
    {"peers", "the nodes that it is linked to", command_control},
    {"routes", "its neighbours and fingers in the ring", command_control},
    {"lookup", "where a SIP address is reached", command_control},
    {"fetch", "get values from the overlay", command_control},
    {"store", "put a value into the overlay", command_control},
    {"remove", "remove a value of yours from the overlay", command_control},
    {"ping", "ask another node whether it is there", command_control},
    {"relays", "the overlay's TURN servers, with credentials for a phone's own ICE",
     command_control},
    {"leave", "leave the overlay in good order and end the node", command_control},
#endif
#ifdef RELOAD_DOCTOR
    {"doctor", "says step by step what works and what does not", command_doctor},
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
