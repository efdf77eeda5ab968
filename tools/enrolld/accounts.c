/* accounts.c: the users of an overlay and their Node-IDs, in an sqlite file.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/enrolld/accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { BUSY_MS = 5000, VERSION = 1 };

/* What every enrolment asks. */
enum question { NODE_ID_OF_KEY, NODE_IDS_OF_USER, QUESTIONS };

struct accounts {
    sqlite3 *database;
    sqlite3_stmt *questions[QUESTIONS]; /* prepared when first asked */
};

/* A removed user's Node-IDs keep their rows, with an empty user, so that nobody gets them again. */
static const char schema[] =
    "CREATE TABLE users (name TEXT PRIMARY KEY COLLATE NOCASE, password TEXT NOT NULL,"
    " created INTEGER NOT NULL);"
    "CREATE TABLE node_ids (node_id BLOB PRIMARY KEY, user TEXT NOT NULL, key_digest BLOB NOT NULL,"
    " created INTEGER NOT NULL);"
    "CREATE INDEX node_ids_by_user ON node_ids (user, key_digest);"
    "PRAGMA user_version = 1;";

/* ---- statements ------------------------------------------------------------------------------ */

/* Binds a value for each letter of |types|: s a string, i an integer, b octets and their number. */
static void
bind(sqlite3_stmt *statement, const char *types, va_list values)
{
    for (int i = 1; *types != '\0'; i++, types++) {
        if (*types == 's') {
            sqlite3_bind_text(statement, i, va_arg(values, const char *), -1, SQLITE_TRANSIENT);
        } else if (*types == 'i') {
            sqlite3_bind_int64(statement, i, va_arg(values, int64_t));
        } else {
            const void *octets = va_arg(values, const void *);
            sqlite3_bind_blob(statement, i, octets, va_arg(values, int), SQLITE_TRANSIENT);
        }
    }
}

/* Prepares |sql| with values of |types|. Returns NULL on an error. */
static sqlite3_stmt *
prepare(struct accounts *accounts, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(accounts->database, sql, -1, &statement, NULL) != SQLITE_OK)
        return NULL;
    va_list values;
    va_start(values, types);
    bind(statement, types, values);
    va_end(values);
    return statement;
}

/* Like prepare, for what every enrolment asks: the statement stays, and is reset, not finalized. */
static sqlite3_stmt *
prepare_question(struct accounts *accounts, enum question question, const char *types, ...)
{
    static const char *const sql[QUESTIONS] = {
        [NODE_ID_OF_KEY] = "SELECT node_id FROM node_ids WHERE user = ? AND key_digest = ?",
        [NODE_IDS_OF_USER] = "SELECT count(*) FROM node_ids WHERE user = ?",
    };
    sqlite3_stmt **kept = &accounts->questions[question];
    if (*kept == NULL && sqlite3_prepare_v3(accounts->database, sql[question], -1,
                                            SQLITE_PREPARE_PERSISTENT, kept, NULL) != SQLITE_OK)
        return NULL;
    va_list values;
    va_start(values, types);
    bind(*kept, types, values);
    va_end(values);
    return *kept;
}

/* Runs a statement without rows to its end. 0, RELOAD_E_DUPLICATE, RELOAD_E_IO. */
static int
finish(sqlite3_stmt *statement)
{
    int result = sqlite3_step(statement);
    sqlite3_finalize(statement);
    if (result == SQLITE_CONSTRAINT)
        return RELOAD_E_DUPLICATE;
    return result == SQLITE_DONE ? 0 : RELOAD_E_IO;
}

static int
finish_one_row(struct accounts *accounts, sqlite3_stmt *statement)
{
    int error = finish(statement);
    if (error == 0 && sqlite3_changes(accounts->database) == 0)
        return RELOAD_E_NOT_FOUND;
    return error;
}

static int
execute(struct accounts *accounts, const char *sql)
{
    return sqlite3_exec(accounts->database, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : RELOAD_E_IO;
}

/* Ends the transaction that was begun: keeps what it did only if |error| is 0. */
static int
settle(struct accounts *accounts, int error)
{
    if (error == 0)
        error = execute(accounts, "COMMIT");
    if (error != 0)
        reload_ignore(execute(accounts, "ROLLBACK"));
    return error;
}

/* ---- the file -------------------------------------------------------------------------------- */

static int
create_file(const char *path, char *message, size_t size)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        snprintf(message, size, "%s: %s", path, strerror(errno));
        return RELOAD_E_IO;
    }
    close(descriptor);
    return 0;
}

static int
check_version(struct accounts *accounts)
{
    sqlite3_stmt *statement = prepare(accounts, "PRAGMA user_version", "");
    if (statement == NULL)
        return RELOAD_E_IO;
    bool good =
        sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int(statement, 0) == VERSION;
    sqlite3_finalize(statement);
    return good ? 0 : RELOAD_E_IO;
}

int
accounts_open(const char *path, bool create, struct accounts **accounts, char *message, size_t size)
{
    if (create && create_file(path, message, size) != 0)
        return RELOAD_E_IO;
    *accounts = calloc(1, sizeof **accounts);
    if (*accounts == NULL) {
        snprintf(message, size, "out of memory");
        return RELOAD_E_NOMEM;
    }
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_NOFOLLOW;
    int error = RELOAD_E_IO;
    if (sqlite3_open_v2(path, &(*accounts)->database, flags, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout((*accounts)->database, BUSY_MS);
        error = create ? execute(*accounts, schema) : check_version(*accounts);
    }
    if (error == 0)
        return 0;
    const char *reason = sqlite3_errmsg((*accounts)->database);
    snprintf(message, size, "%s: not a database of users (%s)", path,
             sqlite3_errcode((*accounts)->database) % 256 >= SQLITE_ROW ? "wrong version" : reason);
    accounts_close(*accounts);
    *accounts = NULL;
    return error;
}

void
accounts_close(struct accounts *accounts)
{
    if (accounts == NULL)
        return;
    for (size_t i = 0; i < QUESTIONS; i++)
        sqlite3_finalize(accounts->questions[i]);
    sqlite3_close(accounts->database);
    free(accounts);
}

/* ---- users ----------------------------------------------------------------------------------- */

int
accounts_add(struct accounts *accounts, const char *name, const char *password)
{
    sqlite3_stmt *statement = prepare(accounts, "INSERT INTO users VALUES (?, ?, ?)", "ssi", name,
                                      password, (int64_t)time(NULL));
    return statement != NULL ? finish(statement) : RELOAD_E_IO;
}

int
accounts_set_password(struct accounts *accounts, const char *name, const char *password)
{
    sqlite3_stmt *statement =
        prepare(accounts, "UPDATE users SET password = ? WHERE name = ? COLLATE BINARY", "ss",
                password, name);
    return statement != NULL ? finish_one_row(accounts, statement) : RELOAD_E_IO;
}

int
accounts_remove(struct accounts *accounts, const char *name)
{
    int error = execute(accounts, "BEGIN IMMEDIATE");
    if (error != 0)
        return error;
    sqlite3_stmt *user =
        prepare(accounts, "DELETE FROM users WHERE name = ? COLLATE BINARY", "s", name);
    error = user != NULL ? finish_one_row(accounts, user) : RELOAD_E_IO;
    if (error == 0) {
        sqlite3_stmt *ids =
            prepare(accounts, "UPDATE node_ids SET user = '' WHERE user = ?", "s", name);
        error = ids != NULL ? finish(ids) : RELOAD_E_IO;
    }
    return settle(accounts, error);
}

int
accounts_password(struct accounts *accounts, const char *name, char *password)
{
    sqlite3_stmt *statement =
        prepare(accounts, "SELECT password FROM users WHERE name = ? COLLATE BINARY", "s", name);
    if (statement == NULL)
        return RELOAD_E_IO;
    int result = sqlite3_step(statement), error = RELOAD_E_IO;
    if (result == SQLITE_ROW) {
        snprintf(password, PASSWORD_ENCODED_MAX, "%s",
                 (const char *)sqlite3_column_text(statement, 0));
        error = 0;
    } else if (result == SQLITE_DONE) {
        error = RELOAD_E_NOT_FOUND;
    }
    sqlite3_finalize(statement);
    return error;
}

int
accounts_each(struct accounts *accounts, accounts_fn *fn, void *argument)
{
    sqlite3_stmt *statement = prepare(
        accounts,
        "SELECT name, created, (SELECT count(*) FROM node_ids WHERE user = name COLLATE BINARY)"
        " FROM users ORDER BY name",
        "");
    if (statement == NULL)
        return RELOAD_E_IO;
    int result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW)
        fn(argument, (const char *)sqlite3_column_text(statement, 0),
           sqlite3_column_int64(statement, 1), (unsigned)sqlite3_column_int64(statement, 2));
    sqlite3_finalize(statement);
    return result == SQLITE_DONE ? 0 : RELOAD_E_IO;
}

/* ---- Node-IDs -------------------------------------------------------------------------------- */

static int
find_node_id(struct accounts *accounts, const char *user, const uint8_t *key_digest,
             struct reload_node_id *node_id)
{
    sqlite3_stmt *statement = prepare_question(accounts, NODE_ID_OF_KEY, "sb", user, key_digest,
                                               ACCOUNTS_KEY_DIGEST_SIZE);
    if (statement == NULL)
        return RELOAD_E_IO;
    int result = sqlite3_step(statement), error = RELOAD_E_IO;
    if (result == SQLITE_ROW) {
        *node_id = reload_node_id_of((struct reload_bytes){
            sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0)});
        error = 0;
    } else if (result == SQLITE_DONE) {
        error = RELOAD_E_NOT_FOUND;
    }
    sqlite3_reset(statement);
    return error;
}

static int
check_limit(struct accounts *accounts, const char *user, unsigned limit)
{
    sqlite3_stmt *statement = prepare_question(accounts, NODE_IDS_OF_USER, "s", user);
    if (statement == NULL)
        return RELOAD_E_IO;
    int error = RELOAD_E_IO;
    if (sqlite3_step(statement) == SQLITE_ROW)
        error = sqlite3_column_int64(statement, 0) < (int64_t)limit ? 0 : RELOAD_E_BUSY;
    sqlite3_reset(statement);
    return error;
}

/* 0: there is one; RELOAD_E_NOT_FOUND: the user may get one; RELOAD_E_BUSY: not one more. */
static int
ask(struct accounts *accounts, const char *user, const uint8_t *key_digest, unsigned limit,
    struct reload_node_id *node_id)
{
    int error = find_node_id(accounts, user, key_digest, node_id);
    if (error != RELOAD_E_NOT_FOUND)
        return error;
    error = check_limit(accounts, user, limit);
    return error == 0 ? RELOAD_E_NOT_FOUND : error;
}

int
accounts_node_id(struct accounts *accounts, const char *user, const uint8_t *key_digest,
                 const struct reload_node_id *candidate, uint8_t length, unsigned limit,
                 struct reload_node_id *node_id)
{
    /* Only who gets a new one writes. */
    int error = ask(accounts, user, key_digest, limit, node_id);
    if (error != RELOAD_E_NOT_FOUND)
        return error;
    error = execute(accounts, "BEGIN IMMEDIATE");
    if (error != 0)
        return error;
    error = ask(accounts, user, key_digest, limit, node_id); /* again: others may have written */
    if (error != RELOAD_E_NOT_FOUND)
        return settle(accounts, error);
    sqlite3_stmt *statement =
        prepare(accounts, "INSERT INTO node_ids VALUES (?, ?, ?, ?)", "bsbi", candidate->octets,
                (int)length, user, key_digest, ACCOUNTS_KEY_DIGEST_SIZE, (int64_t)time(NULL));
    error = statement != NULL ? finish(statement) : RELOAD_E_IO;
    if (error == 0)
        *node_id = *candidate;
    return settle(accounts, error);
}
