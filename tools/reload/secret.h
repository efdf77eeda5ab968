/* secret.h: asks for a password on the terminal, without showing it, or reads it from a file. It is
 * never an argument: arguments are visible to everybody on the host.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RELOAD_SECRET_H
#define TOOLS_RELOAD_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "reload/base/error.h"

#define SECRET_SIZE_MAX 1024

/* A password; |text| ends with a NUL. */
struct secret {
    char text[SECRET_SIZE_MAX + 2];
    size_t size;
};

/* secret_read takes the first line of the file |path|. On an error |message| says what and what to
 * do. RELOAD_E_IO, RELOAD_E_USAGE (empty, too long, or with a NUL in it). */
RELOAD_CHECKED int secret_read(const char *path, struct secret *secret, char *message, size_t size);

/* secret_ask shows |prompt| on the terminal and reads a line; with |twice| it asks again and
 * compares. RELOAD_E_IO (there is no terminal, or it was interrupted), RELOAD_E_USAGE. */
RELOAD_CHECKED int secret_ask(const char *prompt, bool twice, struct secret *secret, char *message,
                              size_t size);

/* secret_get is secret_read when |path| is not NULL, else secret_ask. */
RELOAD_CHECKED int secret_get(const char *path, const char *prompt, bool twice,
                              struct secret *secret, char *message, size_t size);

/* secret_wipe forgets it. */
void secret_wipe(struct secret *secret);

#endif
