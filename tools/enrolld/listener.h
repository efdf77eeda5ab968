/* listener.h: the socket that the HTTPS server listens on.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_ENROLLD_LISTENER_H
#define TOOLS_ENROLLD_LISTENER_H

#include <stddef.h>

#include "reload/base/error.h"

/* listener_open listens on the numeric |address| and |port|. The caller closes |*descriptor|. On an
 * error |message| says what and what to do. 0, RELOAD_E_IO, RELOAD_E_CONFIG. */
RELOAD_CHECKED int listener_open(const char *address, unsigned port, int *descriptor, char *message,
                                 size_t size);

#endif
