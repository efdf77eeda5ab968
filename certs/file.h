/* file.h: whole files of credentials, read with a limit and written all or nothing.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CERTS_FILE_H
#define RELOAD_CERTS_FILE_H

#include "reload/base/bytes.h"
#include "reload/base/error.h"

#include <stdlib.h>

/* reload_file_read reads all of |path|, at most |limit| octets, into |*data|, to be freed by
 * free(); a NUL stands behind it. On an error |message| says what, where and what to do. 0,
 * RELOAD_E_IO, RELOAD_E_TOO_LARGE, RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_file_read(const char *path, size_t limit, uint8_t **data, size_t *length,
                                    char *message, size_t size);

/* reload_file_write makes |path| contain |bytes|, with |mode|, by way of a file beside it that is
 * renamed at the end. Without |overwrite| an existing file is an error. 0 or RELOAD_E_IO. */
RELOAD_CHECKED int reload_file_write(const char *path, struct reload_bytes bytes, unsigned mode,
                                     bool overwrite, char *message, size_t size);

#endif
