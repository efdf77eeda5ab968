/* record_read_only_test.c: a state file that may not be written: others' rights, a file system that
 * is mounted to be read.
 *
 * Needs root, to be somebody else and to mount; all that in children.
 * D35, attack row M8. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/loop_libevent.h"
#include "reload/run/record_store.h"

#include "tests/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define SKIPPED 77

static const struct reload_node_id alice = {{1, 2, 3}};
static char folder[64], path[80], before[8192], after[8192];

/* One life with the file: stores |value|. Returns what opening it came to. */
static int
live(const char *value, char *reason)
{
    struct reload_loop *loop;
    struct reload_record_store *store;
    if (reload_loop_new(&loop))
        _exit(2);
    struct reload_record_store_options options = {
        .loop = loop, .path = path, .overlay = "example.org", .node_id = &alice, .durable = true};
    int error = reload_record_store_new(&options, reason, &store);
    if (!error) {
        reload_ignore(reload_record_store_ops.put(store, reload_bytes_of_string("key"),
                                                  reload_bytes_of_string(value)));
        reload_record_store_free(store);
    }
    reload_loop_free(loop);
    return error;
}

static size_t
read_file(char *data, size_t capacity)
{
    int file = open(path, O_RDONLY);
    ck_assert_int_ge(file, 0);
    ssize_t size = read(file, data, capacity);
    close(file);
    ck_assert_int_gt(size, 0);
    return (size_t)size;
}

/* Before and after all tests, in the process that outlives them: a failing one leaves nothing. */
static void
make_folder(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/record_read_only_test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/state", folder);
}

static void
remove_folder(void)
{
    (void)unlink(path);
    (void)rmdir(folder);
}

static void
setup(void)
{
    char reason[RELOAD_RECORD_REASON_SIZE];
    ck_assert_int_eq(live("value", reason), 0);
}

static void
teardown(void)
{
    ck_assert_int_eq(unlink(path), 0);
}

static bool
become_nobody(void)
{
    return chmod(folder, 0755) == 0 && chmod(path, 0444) == 0 && setgid(NOBODY) == 0 &&
           setuid(NOBODY) == 0;
}

/* In a name space of our own, which ends with the process. */
static bool
mount_read_only(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount(folder, folder, NULL, MS_BIND, NULL) == 0 &&
           mount(folder, folder, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) == 0;
}

static const struct {
    bool (*forbid)(void);
    const char *text;
} ways[] = {{become_nobody, "Permission denied"}, {mount_read_only, "Read-only file system"}};

/* It is said why, and nothing is changed: the node goes on without the file, and a later life, when
 * it may be written again, finds it. */
START_TEST(a_file_that_may_only_be_read)
{
    size_t size = read_file(before, sizeof before);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        char reason[RELOAD_RECORD_REASON_SIZE] = "";
        if (!ways[_i].forbid())
            _exit(SKIPPED);
        for (int i = 0; i < 3; i++) /* however often it is tried */
            if (live("newer", reason) != RELOAD_E_IO || !strstr(reason, ways[_i].text) ||
                !strstr(reason, path))
                _exit(1);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED) {
        (void)printf("not allowed here: %s\n", ways[_i].text);
        return;
    }
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    ck_assert_uint_eq(read_file(after, sizeof after), size);
    ck_assert_mem_eq(before, after, size);
    char reason[RELOAD_RECORD_REASON_SIZE];
    ck_assert_int_eq(live("newer", reason), 0);
}
END_TEST

int
main(void)
{
    if (geteuid() != 0) {
        (void)printf("skipped: needs root, to be somebody else\n");
        return SKIPPED;
    }
    Suite *suite = suite_create("record_read_only");
    TCase *tcase = tcase_create("record_read_only");
    tcase_add_unchecked_fixture(tcase, make_folder, remove_folder);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_file_that_may_only_be_read, 0, 2);
    return end_suite(suite, tcase);
}
