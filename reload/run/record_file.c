/* record_file.c: the sqlite file that a node's records are in.
 *
 * The write-ahead log keeps the file whole whenever the process or the machine stops; that a disk
 * or a person spoilt it is found when it is opened.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/record_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define APPLICATION_ID 0x52454c4f /* "RELO" */
#define VERSION 1

static const char schema[] = "CREATE TABLE records (key BLOB PRIMARY KEY, value BLOB NOT NULL)"
                             " WITHOUT ROWID;"
                             "CREATE TABLE owner (overlay TEXT NOT NULL, node_id BLOB NOT NULL);";

static int
execute(sqlite3 *database, const char *sql)
{
    return sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : RELOAD_E_IO;
}

static int
integer(sqlite3 *database, const char *sql, int64_t *value)
{
    sqlite3_stmt *statement;
    int error = RELOAD_E_IO;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        return error;
    if (sqlite3_step(statement) == SQLITE_ROW) {
        *value = sqlite3_column_int64(statement, 0);
        error = 0;
    }
    sqlite3_finalize(statement);
    return error;
}

/* ---- whose file it is ----------------------------------------------------------------------- */

static bool
is_sound(sqlite3 *database)
{
    sqlite3_stmt *statement;
    bool sound = false;
    if (sqlite3_prepare_v2(database, "PRAGMA quick_check(1)", -1, &statement, NULL) != SQLITE_OK)
        return false;
    if (sqlite3_step(statement) == SQLITE_ROW) {
        const char *verdict = (const char *)sqlite3_column_text(statement, 0);
        sound = verdict && strcmp(verdict, "ok") == 0;
    }
    sqlite3_finalize(statement);
    return sound;
}

static bool
is_ours(sqlite3 *database, const struct reload_record_store_options *options)
{
    sqlite3_stmt *statement;
    bool ours = false;
    if (sqlite3_prepare_v2(database, "SELECT overlay, node_id FROM owner", -1, &statement, NULL) !=
        SQLITE_OK)
        return false;
    if (sqlite3_step(statement) == SQLITE_ROW) {
        const char *overlay = (const char *)sqlite3_column_text(statement, 0);
        const void *node_id = sqlite3_column_blob(statement, 1);
        ours = overlay && strcmp(overlay, options->overlay) == 0 && node_id &&
               sqlite3_column_bytes(statement, 1) == sizeof options->node_id->octets &&
               memcmp(node_id, options->node_id->octets, sizeof options->node_id->octets) == 0;
    }
    sqlite3_finalize(statement);
    return ours;
}

/* What keeps us from using an existing file, NULL when nothing does. */
static const char *
objection(sqlite3 *database, const struct reload_record_store_options *options)
{
    int64_t application = 0, version = 0;
    if (integer(database, "PRAGMA application_id", &application) ||
        integer(database, "PRAGMA user_version", &version))
        return "is damaged";
    /* What could not be read this once is not damaged: the second look finds that. */
    if (!is_sound(database) && !is_sound(database))
        return "is damaged";
    if (application != APPLICATION_ID)
        return "is not a file of records";
    if (version != VERSION)
        return "is of another version of this program";
    return is_ours(database, options) ? NULL : "is that of another node or overlay";
}

static int
begin_owner(sqlite3 *database, const struct reload_record_store_options *options)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(database, "INSERT INTO owner VALUES (?, ?)", -1, &statement, NULL) !=
        SQLITE_OK)
        return RELOAD_E_IO;
    sqlite3_bind_text(statement, 1, options->overlay, -1, SQLITE_TRANSIENT);
    sqlite3_bind_blob(statement, 2, options->node_id->octets, sizeof options->node_id->octets,
                      SQLITE_TRANSIENT);
    int result = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return result == SQLITE_DONE ? 0 : RELOAD_E_IO;
}

/* ---- opening -------------------------------------------------------------------------------- */

static int
fail(struct record_file *file, const char *path, char *reason)
{
    (void)snprintf(reason, RELOAD_RECORD_REASON_SIZE, "cannot use the state file %s: %s", path,
                   file->database ? sqlite3_errmsg(file->database) : "out of memory");
    bool busy = file->database && sqlite3_errcode(file->database) == SQLITE_BUSY;
    record_file_close(file);
    return busy ? RELOAD_E_BUSY : RELOAD_E_IO;
}

/* Makes the file with our permissions, which sqlite would not do. |*exists|: it has content. */
static int
touch(const char *path, bool *exists, char *reason)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        (void)snprintf(reason, RELOAD_RECORD_REASON_SIZE, "cannot use the state file %s: %s", path,
                       strerror(errno));
        return RELOAD_E_IO;
    }
    *exists = lseek(descriptor, 0, SEEK_END) > 0;
    close(descriptor);
    return 0;
}

/* Takes the lock, which keeps other processes out, and recovers what a crash left in the log.
 * Returns sqlite's result. */
static int
take(sqlite3 *database, bool durable)
{
    int result = sqlite3_exec(database, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;",
                              NULL, NULL, NULL);
    if (result)
        return result;
    return sqlite3_exec(database, durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL",
                        NULL, NULL, NULL);
}

static int
prepare(struct record_file *file)
{
    bool good = sqlite3_prepare_v3(file->database,
                                   "INSERT INTO records VALUES (?, ?)"
                                   " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                                   -1, SQLITE_PREPARE_PERSISTENT, &file->put, NULL) == SQLITE_OK &&
                sqlite3_prepare_v3(file->database, "DELETE FROM records WHERE key = ?", -1,
                                   SQLITE_PREPARE_PERSISTENT, &file->forget, NULL) == SQLITE_OK;
    return good ? 0 : RELOAD_E_IO;
}

static int
begin(struct record_file *file, const struct reload_record_store_options *options)
{
    char head[100];
    (void)snprintf(head, sizeof head, "PRAGMA application_id=%d; PRAGMA user_version=%d;",
                   APPLICATION_ID, VERSION);
    int error = execute(file->database, "BEGIN IMMEDIATE");
    if (!error)
        error = execute(file->database, schema);
    if (!error)
        error = execute(file->database, head);
    if (!error)
        error = begin_owner(file->database, options);
    return error ? error : execute(file->database, "COMMIT");
}

/* Renames the file, and with it sqlite's log, whose records would else go into the next one. */
static int
put_aside(const char *path, const char *why, char *aside, char *reason)
{
    static const char *const parts[] = {"", "-wal"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char from[4096], to[4096];
        bool fits = snprintf(from, sizeof from, "%s%s", path, parts[i]) < (int)sizeof from &&
                    snprintf(to, sizeof to, "%s.aside%s", path, parts[i]) < (int)sizeof to;
        if (!fits || (rename(from, to) && errno != ENOENT)) {
            (void)snprintf(reason, RELOAD_RECORD_REASON_SIZE,
                           "the state file %s %s and cannot be put aside: %s", path, why,
                           fits ? strerror(errno) : "its path is too long");
            return RELOAD_E_IO;
        }
    }
    (void)snprintf(aside, RELOAD_RECORD_REASON_SIZE,
                   "the state file %s %s: it is now %s.aside, and a new one begins", path, why,
                   path);
    return 0;
}

/* The disk could not be read: that says nothing about what is on it. */
static bool
disk_errs(sqlite3 *database)
{
    return (sqlite3_errcode(database) & 0xff) == SQLITE_IOERR;
}

/* Opens the file as it is. |*why| is set when it must be put aside, with an error. */
static int
open_once(struct record_file *file, const struct reload_record_store_options *options,
          const char **why, char *reason)
{
    bool exists;
    *file = (struct record_file){0};
    *why = NULL;
    int error = touch(options->path, &exists, reason);
    if (error)
        return error;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX;
    int result = sqlite3_open_v2(options->path, &file->database, flags, NULL);
    if (!result)
        result = take(file->database, options->durable);
    bool damaged = result == SQLITE_NOTADB || result == SQLITE_CORRUPT;
    if (result && !damaged)
        return fail(file, options->path, reason);
    *why = damaged ? "is damaged" : exists ? objection(file->database, options) : NULL;
    if (*why && disk_errs(file->database)) {
        *why = NULL;
        return fail(file, options->path, reason);
    }
    if (*why) {
        record_file_close(file);
        return RELOAD_E_IO;
    }
    if ((!exists && begin(file, options)) || prepare(file))
        return fail(file, options->path, reason);
    return 0;
}

int
record_file_open(struct record_file *file, const struct reload_record_store_options *options,
                 char *aside, char *reason)
{
    const char *why;
    aside[0] = reason[0] = '\0';
    int error = open_once(file, options, &why, reason);
    if (!error || !why)
        return error;
    error = put_aside(options->path, why, aside, reason);
    return error ? error : open_once(file, options, &why, reason);
}

void
record_file_close(struct record_file *file)
{
    sqlite3_finalize(file->put);
    sqlite3_finalize(file->forget);
    sqlite3_close(file->database);
    *file = (struct record_file){0};
}

/* ---- records -------------------------------------------------------------------------------- */

static int
write_record(struct record_file *file, const struct record *record)
{
    sqlite3_stmt *statement = record->value_size > 0 ? file->put : file->forget;
    sqlite3_bind_blob64(statement, 1, record->octets, record->key_size, SQLITE_STATIC);
    if (record->value_size > 0)
        sqlite3_bind_blob64(statement, 2, record->octets + record->key_size, record->value_size,
                            SQLITE_STATIC);
    int result = sqlite3_step(statement);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return result == SQLITE_DONE ? 0 : RELOAD_E_IO;
}

int
record_file_write(struct record_file *file, const struct record_batch *batch, char *reason)
{
    int error = execute(file->database, "BEGIN IMMEDIATE");
    struct record *record;
    TAILQ_FOREACH(record, &batch->records, in_order)
    if (!error)
        error = write_record(file, record);
    if (!error)
        error = execute(file->database, "COMMIT");
    if (!error)
        return 0;
    (void)snprintf(reason, RELOAD_RECORD_REASON_SIZE, "%s", sqlite3_errmsg(file->database));
    if (!sqlite3_get_autocommit(file->database))
        reload_ignore(execute(file->database, "ROLLBACK"));
    return error;
}

int
record_file_each(struct record_file *file, reload_record_fn *each, void *argument,
                 uint64_t *forgotten)
{
    sqlite3_stmt *statement;
    struct record_batch refused;
    if (sqlite3_prepare_v2(file->database, "SELECT key, value FROM records ORDER BY key", -1,
                           &statement, NULL) != SQLITE_OK)
        return RELOAD_E_IO;
    record_batch_init(&refused);
    int result, error = 0;
    while (!error && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        struct reload_bytes key = {sqlite3_column_blob(statement, 0),
                                   (size_t)sqlite3_column_bytes(statement, 0)};
        struct reload_bytes value = {sqlite3_column_blob(statement, 1),
                                     (size_t)sqlite3_column_bytes(statement, 1)};
        if (each(argument, key, value))
            error = record_batch_put(&refused, key, (struct reload_bytes){0});
    }
    if (!error && result != SQLITE_DONE)
        error = RELOAD_E_IO;
    sqlite3_finalize(statement);
    char reason[RELOAD_RECORD_REASON_SIZE];
    if (refused.count > 0 && record_file_write(file, &refused, reason) == 0)
        *forgotten += refused.count;
    record_batch_clear(&refused);
    return error;
}
