/* home.c: the folder of an enrolment server.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/enrolld/home.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/file.h"

/* Each setting is a string of |size| octets or, with size 0, a number in [least, most]. */
static const struct setting {
    const char *name;
    size_t offset, size;
    unsigned least, most, usual;
    const char *comment;
} rows[] = {
#define ROW(field) offsetof(struct home_settings, field)
#define TEXT(field) ROW(field), sizeof((struct home_settings *)0)->field, 0, 0, 0
    {"overlay", TEXT(overlay), "name of the overlay"},
    {"host", TEXT(host), "name in the URLs and in server.crt"},
    {"listen", TEXT(listen), "numeric address to listen on"},
    {"port", ROW(port), 0, 1, 65535, 443, "of HTTPS"},
    {"node-ids-per-user", ROW(node_ids_per_user), 0, 1, 10000, 8, "devices of one user"},
    {"certificate-days", ROW(certificate_days), 0, 1, 3650, 365, "validity of certificates"},
    {"failures-per-user", ROW(failures_per_user), 0, 1, 1000, 5,
     "wrong passwords before a user has to wait"},
    {"failures-per-address", ROW(failures_per_address), 0, 1, 100000, 20,
     "wrong passwords before an address has to wait"},
    {"requests-per-minute", ROW(requests_per_minute), 0, 1, 1000000, 240, "of one address"},
    {"connection-seconds", ROW(connection_seconds), 0, 1, 3600, 30,
     "in which a request has to be complete"},
#undef TEXT
#undef ROW
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static char *
text_of(struct home_settings *settings, const struct setting *row)
{
    return (char *)settings + row->offset;
}

static unsigned *
number_of(struct home_settings *settings, const struct setting *row)
{
    return (unsigned *)(void *)((char *)settings + row->offset);
}

void
home_settings_default(struct home_settings *settings)
{
    memset(settings, 0, sizeof *settings);
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].size == 0)
            *number_of(settings, &rows[i]) = rows[i].usual;
}

void
home_file(const struct home *home, const char *name, char *path)
{
    int length = snprintf(path, PATH_MAX, "%s/%s", home->path, name);
    assert(length > 0 && length < PATH_MAX);
}

/* ---- reading --------------------------------------------------------------------------------- */

struct reading {
    struct home_settings *settings;
    bool seen[ROWS];
    char problem[256];
};

static bool
read_number(const char *text, const struct setting *row, unsigned *number)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text == '-' || value < row->least ||
        value > row->most)
        return false;
    *number = (unsigned)value;
    return true;
}

/* inih's handler: 1 goes on, 0 makes the line wrong. */
static int
read_setting(void *argument, const char *section, const char *name, const char *value)
{
    struct reading *reading = argument;
    for (size_t i = 0; i < ROWS && *section == '\0'; i++) {
        const struct setting *row = &rows[i];
        if (strcmp(row->name, name) != 0)
            continue;
        reading->seen[i] = true;
        if (row->size != 0) {
            int length = snprintf(text_of(reading->settings, row), row->size, "%s", value);
            if (length > 0 && (size_t)length < row->size)
                return 1;
            snprintf(reading->problem, sizeof reading->problem, "%s is empty or too long", name);
        } else {
            if (read_number(value, row, number_of(reading->settings, row)))
                return 1;
            snprintf(reading->problem, sizeof reading->problem, "%s must be a number from %u to %u",
                     name, row->least, row->most);
        }
        return 0;
    }
    snprintf(reading->problem, sizeof reading->problem, "there is no setting '%.64s'", name);
    return 0;
}

static int
set_path(struct home *home, const char *path, char *message, size_t size)
{
    int length = snprintf(home->path, sizeof home->path, "%s", path);
    if (length > 0 && (size_t)length < sizeof home->path)
        return 0;
    snprintf(message, size, "the folder's path is empty or too long");
    return RELOAD_E_CONFIG;
}

int
home_open(struct home *home, const char *path, char *message, size_t size)
{
    char file[PATH_MAX];
    if (set_path(home, path, message, size) != 0)
        return RELOAD_E_CONFIG;
    home_settings_default(&home->settings);
    home_file(home, "enrolld.conf", file);
    struct reading reading = {.settings = &home->settings};
    int line = ini_parse(file, read_setting, &reading);
    if (line < 0) {
        snprintf(message, size, "%s: %s; make one with: reload-enrolld init %s --overlay NAME",
                 file, strerror(errno), path);
        return RELOAD_E_IO;
    }
    if (line > 0) {
        snprintf(message, size, "%s:%d: %s", file, line,
                 *reading.problem != '\0' ? reading.problem : "not NAME = VALUE");
        return RELOAD_E_CONFIG;
    }
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].size == 0 || reading.seen[i])
            continue;
        snprintf(message, size, "%s: the line '%s = ...' is missing", file, rows[i].name);
        return RELOAD_E_CONFIG;
    }
    return 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int
make_folder(const char *path, char *message, size_t size)
{
    if (mkdir(path, 0700) == 0)
        return 0;
    const char *reason = strerror(errno);
    DIR *folder = errno == EEXIST ? opendir(path) : NULL;
    if (folder != NULL) {
        unsigned entries = 0;
        while (readdir(folder) != NULL)
            entries++;
        closedir(folder);
        if (entries <= 2 && chmod(path, 0700) == 0) /* . and .. */
            return 0;
        reason = "exists and is not empty; name another folder";
    }
    snprintf(message, size, "%s: %s", path, reason);
    return RELOAD_E_IO;
}

static int
write_settings(struct home *home, char *message, size_t size)
{
    char text[4096], file[PATH_MAX];
    int used = snprintf(text, sizeof text, "; Settings of reload-enrolld; serve reads them.\n");
    for (size_t i = 0; i < ROWS; i++) {
        size_t room = sizeof text - (size_t)used;
        if (rows[i].size != 0)
            used += snprintf(text + used, room, "%s = %s ; %s\n", rows[i].name,
                             text_of(&home->settings, &rows[i]), rows[i].comment);
        else
            used += snprintf(text + used, room, "%s = %u ; %s\n", rows[i].name,
                             *number_of(&home->settings, &rows[i]), rows[i].comment);
        assert(used > 0 && (size_t)used < sizeof text);
    }
    home_file(home, "enrolld.conf", file);
    return reload_file_write(file, reload_bytes_of_string(text), 0600, false, message, size);
}

int
home_create(struct home *home, const char *path, char *message, size_t size)
{
    int error = set_path(home, path, message, size);
    if (error == 0)
        error = make_folder(path, message, size);
    return error == 0 ? write_settings(home, message, size) : error;
}

int
home_write_certificate(const struct home *home, const char *name, X509 *x509, char *message,
                       size_t size)
{
    char file[PATH_MAX];
    home_file(home, name, file);
    BIO *memory = BIO_new(BIO_s_mem());
    char *pem = NULL;
    long length = 0;
    if (memory != NULL && PEM_write_bio_X509(memory, x509) == 1)
        length = BIO_get_mem_data(memory, &pem);
    int error = RELOAD_E_CRYPTO;
    if (length > 0)
        error = reload_file_write(file, (struct reload_bytes){(const uint8_t *)pem, (size_t)length},
                                  0644, false, message, size);
    else
        snprintf(message, size, "%s: the certificate cannot be written as PEM", file);
    BIO_free(memory);
    return error;
}
