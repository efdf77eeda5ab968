/* program.h: what the commands of the program reload-sim share: options, progress.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_PROGRAM_H
#define RELOAD_TOOLS_SIM_PROGRAM_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

/* program_seconds returns the time on a monotonic clock of the real world. */
double program_seconds(void);

/* program_number reads |text| as a number of |low|..|high|. Returns false when it is none. */
bool program_number(const char *text, uint64_t low, uint64_t high, uint64_t *value);

/* program_progress writes on standard error how far |what| is, now and then, when the program has
 * run for a second; program_progress_end takes that line away. */
void program_progress(const char *what, uint64_t done, uint64_t all);
void program_progress_end(void);

/* program_refuse complains about the |argument| of |option| of the command |name| and returns the
 * exit code 2. */
int program_refuse(const char *name, const char *option, const char *argument);

/* program_end writes out what was printed. Returns |code|, the exit code, or 2, complaining, when
 * not all could be written. */
int program_end(int code);

/* Takes one option, by its |val|, into |settings|. Returns false when its argument is wrong. */
typedef bool program_take_fn(void *settings, int option, const char *argument);

/* What a command can be asked for. --help is understood beside |options|, which an empty one ends.
 */
struct program_options {
    const char *name;  /* of the command, for messages */
    const char *usage; /* what --help prints */
    const struct option *options;
    program_take_fn *take;
};

/* program_read reads the options of a command. Returns -1 to go on, or the exit code: 0 after
 * --help, 2 when something is wrong, of which the user has been told. */
int program_read(const struct program_options *program, int argc, char **argv, void *settings);

/* The commands, each with its own options; they return the exit code. |argv[0]| is its name. */
int check_command(int argc, char **argv);
int report_command(int argc, char **argv);
int scale_command(int argc, char **argv);

#endif
