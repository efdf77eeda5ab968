/* command.h: the subcommands of reload-enrolld.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_ENROLLD_COMMAND_H
#define TOOLS_ENROLLD_COMMAND_H

/* Each gets the arguments from its name on and returns the exit code: 0, 1 when it could not be
 * done, 2 for wrong arguments. It explains failures on the standard error output. */
int command_init(int argc, char **argv);
int command_user(int argc, char **argv);
int command_renew(int argc, char **argv);
int command_serve(int argc, char **argv);

enum { EXIT_USAGE = 2 };

#endif
