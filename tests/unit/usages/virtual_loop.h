/* virtual_loop.h: reload/loop.h in virtual time over real descriptors: time passes only when no
 * descriptor has anything to say. So tests with sockets neither sleep nor depend on the host's
 * speed.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_VIRTUAL_LOOP_H
#define RELOAD_TESTS_VIRTUAL_LOOP_H

#include "reload/loop.h"

#include <stdbool.h>

struct reload_loop *virtual_loop_new(void);
void virtual_loop_free(struct reload_loop *loop);

/* Runs for |span| of virtual time, or until |done| (may be NULL) is true. Returns whether it is. */
bool virtual_loop_run(struct reload_loop *loop, reload_time span, bool (*done)(void *argument),
                      void *argument);

#endif
