/* record_crash_test.c: the process ends, or the disk errs, at every single write of the state file.
 *
 * Below sqlite stands a layer that counts and then does it.
 * D35, attack row M8. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/loop_libevent.h"
#include "reload/run/record_store.h"

#include "tests/suite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct reload_node_id alice = {{1, 2, 3}};
static char folder[64], path[80];

/* ---- the disk -------------------------------------------------------------------------------- */

enum trouble {
    TROUBLE_NONE,
    TROUBLE_END,        /* the process ends before the write */
    TROUBLE_TEAR,       /* ... in the middle of it */
    TROUBLE_WRITE_ERRS, /* EIO, this time and from then on */
    TROUBLE_READ_ERRS,
};

#define ENDED 9 /* exit status of who ended like that */

static struct {
    enum trouble trouble;
    unsigned at, count; /* it happens at the |at|-th, from 1 */
} disk;

static bool
is_time(enum trouble first, enum trouble last)
{
    if (disk.trouble < first || disk.trouble > last)
        return false;
    disk.count++;
    bool lasts = disk.trouble == TROUBLE_WRITE_ERRS;
    return disk.count == disk.at || (lasts && disk.count > disk.at);
}

struct layer_file {
    sqlite3_file base;
    sqlite3_io_methods methods;
    sqlite3_file *real;
};

static sqlite3_vfs *real_vfs, layer_vfs;

static sqlite3_file *
real_of(sqlite3_file *file)
{
    return ((struct layer_file *)file)->real;
}

static int
layer_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int
layer_read(sqlite3_file *file, void *data, int size, sqlite3_int64 at)
{
    if (is_time(TROUBLE_READ_ERRS, TROUBLE_READ_ERRS))
        return SQLITE_IOERR_READ;
    return real_of(file)->pMethods->xRead(real_of(file), data, size, at);
}

static int
layer_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 at)
{
    if (is_time(TROUBLE_END, TROUBLE_WRITE_ERRS)) {
        if (disk.trouble == TROUBLE_WRITE_ERRS)
            return SQLITE_IOERR_WRITE;
        if (disk.trouble == TROUBLE_TEAR)
            (void)real_of(file)->pMethods->xWrite(real_of(file), data, size / 2, at);
        _exit(ENDED);
    }
    return real_of(file)->pMethods->xWrite(real_of(file), data, size, at);
}

static int
layer_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (is_time(TROUBLE_END, TROUBLE_TEAR))
        _exit(ENDED);
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int
layer_sync(sqlite3_file *file, int flags)
{
    return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int
layer_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int
layer_lock(sqlite3_file *file, int lock)
{
    return real_of(file)->pMethods->xLock(real_of(file), lock);
}

static int
layer_unlock(sqlite3_file *file, int lock)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), lock);
}

static int
layer_reserved(sqlite3_file *file, int *result)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), result);
}

static int
layer_control(sqlite3_file *file, int code, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), code, argument);
}

static int
layer_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int
layer_device(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

/* Version 1: no memory is shared with other processes, which the store does not do. */
static const sqlite3_io_methods layer_methods = {
    .iVersion = 1,
    .xClose = layer_close,
    .xRead = layer_read,
    .xWrite = layer_write,
    .xTruncate = layer_truncate,
    .xSync = layer_sync,
    .xFileSize = layer_size,
    .xLock = layer_lock,
    .xUnlock = layer_unlock,
    .xCheckReservedLock = layer_reserved,
    .xFileControl = layer_control,
    .xSectorSize = layer_sector,
    .xDeviceCharacteristics = layer_device,
};

static int
layer_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct layer_file *layer = (struct layer_file *)file;
    (void)vfs;
    layer->base.pMethods = NULL;
    layer->real = (sqlite3_file *)(layer + 1);
    int result = real_vfs->xOpen(real_vfs, name, layer->real, flags, out);
    if (result == SQLITE_OK)
        layer->base.pMethods = &layer_methods;
    return result;
}

static int
layer_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    (void)vfs;
    if (is_time(TROUBLE_END, TROUBLE_TEAR))
        _exit(ENDED);
    return real_vfs->xDelete(real_vfs, name, sync_folder);
}

static void
remove_files(void)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".aside", ".aside-wal"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char file[128];
        (void)snprintf(file, sizeof file, "%s%s", path, ends[i]);
        (void)unlink(file);
    }
}

/* Before and after all tests, in the process that outlives them: a failing one leaves nothing. In
 * memory if there is such a place, since each write is waited for. */
static void
make_folder(void)
{
    bool in_memory = access("/dev/shm", W_OK) == 0;
    (void)snprintf(folder, sizeof folder, "%s/record_crash_test.XXXXXX",
                   in_memory ? "/dev/shm" : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/state", folder);
}

static void
remove_folder(void)
{
    remove_files();
    (void)rmdir(folder);
}

static void
setup(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    layer_vfs = *real_vfs;
    layer_vfs.zName = "layer";
    layer_vfs.szOsFile = (int)sizeof(struct layer_file) + real_vfs->szOsFile;
    layer_vfs.xOpen = layer_open;
    layer_vfs.xDelete = layer_delete;
    ck_assert_int_eq(sqlite3_vfs_register(&layer_vfs, 1), SQLITE_OK);
}

static void
teardown(void)
{
    ck_assert_int_eq(sqlite3_vfs_unregister(&layer_vfs), SQLITE_OK);
}

/* ---- lives with the file --------------------------------------------------------------------- */

struct life {
    struct reload_loop *loop;
    struct reload_record_store *store;
    char reason[RELOAD_RECORD_REASON_SIZE];
    unsigned reports;
};

static void
note(void *argument, const char *text)
{
    (void)text;
    ((struct life *)argument)->reports++;
}

static int
try_to_live(struct life *life)
{
    *life = (struct life){0};
    ck_assert_int_eq(reload_loop_new(&life->loop), 0);
    struct reload_record_store_options options = {.loop = life->loop,
                                                  .path = path,
                                                  .overlay = "example.org",
                                                  .node_id = &alice,
                                                  .durable = true,
                                                  .report = note,
                                                  .argument = life};
    int error = reload_record_store_new(&options, life->reason, &life->store);
    if (error)
        reload_loop_free(life->loop);
    return error;
}

static void
die(struct life *life)
{
    reload_record_store_free(life->store);
    reload_loop_free(life->loop);
}

static int
put(struct life *life, const char *key, const char *value)
{
    return reload_record_store_ops.put(life->store, reload_bytes_of_string(key),
                                       reload_bytes_of_string(value));
}

static int
list(void *argument, struct reload_bytes key, struct reload_bytes value)
{
    char *text = argument;
    (void)sprintf(text + strlen(text), "%.*s=%.*s ", (int)key.size, (const char *)key.data,
                  (int)value.size, (const char *)value.data);
    return 0;
}

static const char *
listed(struct life *life)
{
    static char text[1000];
    text[0] = '\0';
    ck_assert_int_eq(reload_record_store_each(life->store, list, text), 0);
    return text;
}

/* What a later life finds; |*reports| is what it was told. */
static const char *
found(unsigned *reports)
{
    struct life life;
    disk.trouble = TROUBLE_NONE;
    ck_assert_msg(try_to_live(&life) == 0, "%s", life.reason);
    const char *text = listed(&life);
    *reports = life.reports;
    die(&life);
    return text;
}

static void
leave_records(void)
{
    struct life life;
    remove_files();
    disk.trouble = TROUBLE_NONE;
    ck_assert_int_eq(try_to_live(&life), 0);
    ck_assert_int_eq(put(&life, "a", "1"), 0);
    ck_assert_int_eq(put(&life, "b", "2"), 0);
    die(&life);
}

/* A child changes three records by one batch, has that confirmed, and ends in order. Returns true
 * when it did not come to that; |*confirmed|: the records were said to be kept. */
static bool
change_and_end(enum trouble trouble, unsigned at, bool *confirmed)
{
    int answer[2];
    ck_assert_int_eq(pipe(answer), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct life life;
        disk.trouble = trouble;
        disk.at = at;
        disk.count = 0;
        if (try_to_live(&life) || put(&life, "a", "3") || put(&life, "c", "4") ||
            put(&life, "b", "") || reload_record_store_ops.sync(life.store) ||
            write(answer[1], "!", 1) != 1)
            _exit(1);
        die(&life);
        _exit(0);
    }
    close(answer[1]);
    char octet;
    *confirmed = read(answer[0], &octet, 1) == 1;
    close(answer[0]);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == ENDED);
    return WEXITSTATUS(status) == ENDED;
}

/* ---- the process ends ------------------------------------------------------------------------ */

static const enum trouble ends[] = {TROUBLE_END, TROUBLE_TEAR};

/* All of the batch or nothing of it; all when that was confirmed; and nobody is bothered. */
START_TEST(ended_at_every_write)
{
    unsigned at = 1, kept = 0;
    for (bool confirmed, ended = true; ended; at++) {
        unsigned reports;
        leave_records();
        ended = change_and_end(ends[_i], at, &confirmed);
        const char *text = found(&reports);
        bool is_new = strcmp(text, "a=3 c=4 ") == 0;
        ck_assert_msg(is_new || strcmp(text, "a=1 b=2 ") == 0, "at write %u: %s", at, text);
        ck_assert(is_new || !confirmed);
        ck_assert_uint_eq(reports, 0);
        kept += is_new;
        ck_assert_uint_lt(at, 200);
    }
    ck_assert_uint_ge(at, 6);
    ck_assert_uint_ge(kept, 2);      /* one ended after the commit */
    ck_assert_uint_lt(kept, at - 1); /* one before it */
}
END_TEST

/* In the very first life, when there is no file: the next one may have to put aside what is there,
 * and no later one. */
START_TEST(ended_while_the_file_is_made)
{
    unsigned at = 1;
    for (bool confirmed, ended = true; ended; at++) {
        unsigned first, second;
        remove_files();
        ended = change_and_end(ends[_i], at, &confirmed);
        const char *text = found(&first);
        ck_assert_msg(strcmp(text, "a=3 c=4 ") == 0 || (!confirmed && text[0] == '\0'),
                      "at write %u: %s", at, text);
        ck_assert_uint_le(first, 1);
        (void)found(&second);
        ck_assert_uint_eq(second, 0);
        ck_assert_uint_lt(at, 200);
    }
    ck_assert_uint_ge(at, 8);
}
END_TEST

/* ---- the disk errs --------------------------------------------------------------------------- */

/* EIO from the |at|-th write on: it is told once, nothing that was there is lost, and when the disk
 * is well again what waited is written. */
START_TEST(writes_that_fail)
{
    unsigned failed = 0;
    for (unsigned at = 1; at < 12; at++) {
        struct life life;
        unsigned reports;
        leave_records();
        disk.trouble = TROUBLE_WRITE_ERRS;
        disk.at = at;
        disk.count = 0;
        if (try_to_live(&life) != 0) { /* it could not even be opened: this life is without it */
            ck_assert_ptr_nonnull(strstr(life.reason, path));
            ck_assert_str_eq(found(&reports), "a=1 b=2 ");
            continue;
        }
        ck_assert_int_eq(put(&life, "a", "3"), 0);
        ck_assert_int_eq(put(&life, "b", ""), 0);
        int error = reload_record_store_ops.sync(life.store);
        ck_assert(error == 0 || error == RELOAD_E_IO);
        ck_assert_uint_eq(life.reports, error ? 1 : 0);
        failed += error != 0;
        disk.trouble = TROUBLE_NONE;
        die(&life);
        ck_assert_uint_eq(life.reports, error ? 2 : 0);
        ck_assert_str_eq(found(&reports), "a=3 ");
        ck_assert_uint_eq(reports, 0);
    }
    ck_assert_uint_ge(failed, 1);
}
END_TEST

/* EIO at the |at|-th read, once: the file is not taken for damaged, and the next life has it. */
START_TEST(reads_that_fail)
{
    unsigned failed = 0;
    for (unsigned at = 1;; at++) {
        struct life life;
        unsigned reports;
        leave_records();
        disk.trouble = TROUBLE_READ_ERRS;
        disk.at = at;
        disk.count = 0;
        int error = try_to_live(&life);
        bool read_all = disk.count < at;
        ck_assert(error == 0 || error == RELOAD_E_IO);
        failed += error != 0;
        if (!error) {
            ck_assert_uint_eq(life.reports, 0);
            die(&life);
        }
        ck_assert_str_eq(found(&reports), "a=1 b=2 ");
        ck_assert_uint_eq(reports, 0);
        if (read_all)
            break;
    }
    ck_assert_uint_ge(failed, 1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("record_crash");
    TCase *tcase = tcase_create("record_crash");
    tcase_add_unchecked_fixture(tcase, make_folder, remove_folder);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, ended_at_every_write, 0, 2);
    tcase_add_loop_test(tcase, ended_while_the_file_is_made, 0, 2);
    tcase_add_test(tcase, writes_that_fail);
    tcase_add_test(tcase, reads_that_fail);
    return end_suite(suite, tcase);
}
