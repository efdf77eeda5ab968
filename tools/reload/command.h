/* command.h: a subcommand of the reload program.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RELOAD_COMMAND_H
#define TOOLS_RELOAD_COMMAND_H

/* |run| gets the arguments from the subcommand's name on and returns the exit code: 0, 1 when it
 * could not be done, 2 for wrong arguments. It explains failures on the standard error output. */
struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
};

enum { EXIT_USAGE = 2 };

/* reload decode: shows a message or structure. */
int command_decode(int argc, char **argv);

/* reload enrol: gets credentials from an enrolment server, or checks a folder of them. */
int command_enrol(int argc, char **argv);

/* reload status, peers, routes, lookup, fetch, store, remove, ping, relays, leave: ask a running
 * node. */
int command_control(int argc, char **argv);

/* reload doctor: says step by step what works and what does not. */
int command_doctor(int argc, char **argv);

#endif
