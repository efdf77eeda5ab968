/* file.c: whole files of credentials.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <stdio.h>
#include <unistd.h>

int
reload_file_read(const char *path, size_t limit, uint8_t **data, size_t *length, char *message,
                 size_t size)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        snprintf(message, size, "%s: cannot be read: %s", path, strerror(errno));
        return RELOAD_E_IO;
    }
    uint8_t *buffer = malloc(limit + 2);
    size_t got = 0;
    ssize_t n = 0;
    while (buffer && got <= limit && (n = read(descriptor, buffer + got, limit + 1 - got)) > 0)
        got += (size_t)n;
    int cause = errno;
    close(descriptor);
    int error = 0;
    if (!buffer) {
        snprintf(message, size, "%s: out of memory", path);
        error = RELOAD_E_NOMEM;
    } else if (n < 0) {
        snprintf(message, size, "%s: cannot be read: %s", path, strerror(cause));
        error = RELOAD_E_IO;
    } else if (got > limit) {
        snprintf(message, size, "%s: is larger than the %zu octets allowed", path, limit);
        error = RELOAD_E_TOO_LARGE;
    }
    if (error) {
        free(buffer);
        return error;
    }
    buffer[got] = 0;
    *data = buffer;
    *length = got;
    return 0;
}

static int
write_all(int descriptor, struct reload_bytes bytes)
{
    while (bytes.size > 0) {
        ssize_t n = write(descriptor, bytes.data, bytes.size);
        if (n < 0)
            return -1;
        bytes.data += n;
        bytes.size -= (size_t)n;
    }
    return fsync(descriptor);
}

int
reload_file_write(const char *path, struct reload_bytes bytes, unsigned mode, bool overwrite,
                  char *message, size_t size)
{
    char beside[4096];
    if (!overwrite && access(path, F_OK) == 0) {
        snprintf(message, size, "%s: exists already; move it away first", path);
        return RELOAD_E_IO;
    }
    int length = snprintf(beside, sizeof beside, "%s.XXXXXX", path);
    int descriptor =
        length > 0 && (size_t)length < sizeof beside ? mkostemp(beside, O_CLOEXEC) : -1;
    if (descriptor < 0) {
        snprintf(message, size, "%s: cannot be written: %s", path, strerror(errno));
        return RELOAD_E_IO;
    }
    bool good = fchmod(descriptor, (mode_t)mode) == 0 && write_all(descriptor, bytes) == 0;
    int cause = errno;
    good = close(descriptor) == 0 && good;
    if (good && rename(beside, path) == 0)
        return 0;
    if (good)
        cause = errno;
    unlink(beside);
    snprintf(message, size, "%s: cannot be written: %s", path, strerror(cause));
    return RELOAD_E_IO;
}
