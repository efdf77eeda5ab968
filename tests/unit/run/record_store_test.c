/* record_store_test.c: records come back after a restart, whatever became of the file.
 *
 * D35, rows S17, S18, S19. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/loop_libevent.h"
#include "reload/run/record_store.h"

#include "tests/suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct reload_node_id alice = {{1, 2, 3}}, bob = {{4, 5, 6}};

/* One process's life with the file. */
struct life {
    struct reload_loop *loop;
    struct reload_record_store *store;
    char reason[RELOAD_RECORD_REASON_SIZE];
    char report[2 * RELOAD_RECORD_REASON_SIZE];
    unsigned reports;
};

static char folder[64], path[80];

static void
make_folder(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/record_store_test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/state", folder);
}

static void
remove_folder(void)
{
    static const char *const names[] = {"state", "state-wal", "state-shm", "state.aside",
                                        "state.aside-wal"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char file[128];
        (void)snprintf(file, sizeof file, "%s/%s", folder, names[i]);
        (void)unlink(file);
    }
    ck_assert_int_eq(rmdir(folder), 0);
}

static void
note(void *argument, const char *text)
{
    struct life *life = argument;
    (void)snprintf(life->report, sizeof life->report, "%s", text);
    life->reports++;
}

static int
try_to_live(struct life *life, const struct reload_node_id *node_id, bool durable)
{
    *life = (struct life){0};
    ck_assert_int_eq(reload_loop_new(&life->loop), 0);
    struct reload_record_store_options options = {.loop = life->loop,
                                                  .path = path,
                                                  .overlay = "example.org",
                                                  .node_id = node_id,
                                                  .durable = durable,
                                                  .report = note,
                                                  .argument = life};
    return reload_record_store_new(&options, life->reason, &life->store);
}

static void
live(struct life *life)
{
    ck_assert_msg(try_to_live(life, &alice, false) == 0, "%s", life->reason);
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

/* Everything in the file as "key=value ". */
static int
list(void *argument, struct reload_bytes key, struct reload_bytes value)
{
    char *text = argument;
    (void)sprintf(text + strlen(text), "%.*s=%.*s ", (int)key.size, (const char *)key.data,
                  (int)value.size, (const char *)value.data);
    return memcmp(value.data, "bad", 3) == 0 ? RELOAD_E_MALFORMED : 0;
}

static const char *
listed(struct life *life)
{
    static char text[1000];
    text[0] = '\0';
    ck_assert_int_eq(reload_record_store_each(life->store, list, text), 0);
    return text;
}

static void
leave_file(const char *records)
{
    struct life life;
    live(&life);
    ck_assert_int_eq(put(&life, "key", records), 0);
    die(&life);
}

static void
write_at(const char *name, off_t offset, const char *octets, size_t size)
{
    int file = open(name, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(pwrite(file, octets, size, offset), (ssize_t)size);
    close(file);
}

/* A new life finds nothing, says |why| and works. */
static void
begins_anew(const struct reload_node_id *node_id, const char *why)
{
    struct life life;
    ck_assert_msg(try_to_live(&life, node_id, false) == 0, "%s", life.reason);
    ck_assert_uint_eq(life.reports, 1);
    ck_assert_ptr_nonnull(strstr(life.report, why));
    ck_assert_ptr_nonnull(strstr(life.report, "state.aside"));
    ck_assert_str_eq(listed(&life), "");
    ck_assert_int_eq(put(&life, "new", "value"), 0);
    die(&life);
    ck_assert_int_eq(try_to_live(&life, node_id, false), 0);
    ck_assert_str_eq(listed(&life), "new=value ");
    ck_assert_uint_eq(life.reports, 0);
    die(&life);
}

START_TEST(records_come_back)
{
    struct life life;
    live(&life);
    ck_assert_str_eq(listed(&life), "");
    ck_assert_int_eq(put(&life, "b", "1"), 0);
    ck_assert_int_eq(put(&life, "a", "2"), 0);
    ck_assert_int_eq(put(&life, "b", "3"), 0);
    ck_assert_int_eq(put(&life, "c", "4"), 0);
    ck_assert_int_eq(put(&life, "c", ""), 0);
    die(&life);
    live(&life);
    ck_assert_str_eq(listed(&life), "a=2 b=3 ");
    ck_assert_int_eq(put(&life, "a", ""), 0);
    die(&life);
    live(&life);
    ck_assert_str_eq(listed(&life), "b=3 ");
    die(&life);
    struct stat state;
    ck_assert_int_eq(stat(path, &state), 0);
    ck_assert_uint_eq(state.st_mode & 0777, 0600);
}
END_TEST

START_TEST(what_the_node_refuses_is_forgotten)
{
    struct life life;
    live(&life);
    ck_assert_int_eq(put(&life, "a", "bad"), 0);
    ck_assert_int_eq(put(&life, "b", "good"), 0);
    die(&life);
    live(&life);
    ck_assert_str_eq(listed(&life), "a=bad b=good ");
    ck_assert_uint_eq(reload_record_store_counters(life.store).forgotten, 1);
    die(&life);
    live(&life);
    ck_assert_str_eq(listed(&life), "b=good ");
    die(&life);
}
END_TEST

START_TEST(a_second_later_the_records_are_in_the_file)
{
    struct life life;
    live(&life);
    ck_assert_int_eq(put(&life, "a", "1"), 0);
    ck_assert_uint_eq(reload_record_store_counters(life.store).waiting, 1);
    reload_time end = reload_loop_now(life.loop) + 10 * RELOAD_SECOND;
    while (reload_record_store_counters(life.store).waiting > 0 && reload_loop_now(life.loop) < end)
        ck_assert_int_eq(reload_loop_turn(life.loop), 0);
    ck_assert_uint_eq(reload_record_store_counters(life.store).written, 1);
    die(&life);
}
END_TEST

/* A child is killed without a word right after |sync|. */
static void
be_killed(bool durable)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct life life;
        if (try_to_live(&life, &alice, durable) || put(&life, "a", "1") || put(&life, "b", "2") ||
            reload_record_store_ops.sync(life.store))
            _exit(1);
        _exit(0); /* nothing is flushed or closed */
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

START_TEST(durable_records_survive_a_kill_right_after_the_answer)
{
    struct life life;
    be_killed(true);
    live(&life);
    ck_assert_str_eq(listed(&life), "a=1 b=2 ");
    die(&life);
}
END_TEST

START_TEST(a_kill_never_leaves_half_a_batch)
{
    struct life life;
    be_killed(false);
    live(&life);
    ck_assert_str_eq(listed(&life), "");
    ck_assert_uint_eq(life.reports, 0);
    die(&life);
}
END_TEST

START_TEST(a_damaged_file_is_put_aside)
{
    leave_file("value");
    write_at(path, 0, "this is no database, and never was", 34);
    begins_anew(&alice, "is damaged");
}
END_TEST

START_TEST(a_torn_file_is_put_aside)
{
    leave_file("value");
    ck_assert_int_eq(truncate(path, 5000), 0);
    begins_anew(&alice, "is damaged");
}
END_TEST

START_TEST(another_nodes_file_is_put_aside)
{
    leave_file("value");
    begins_anew(&bob, "another node or overlay");
}
END_TEST

START_TEST(a_file_of_a_newer_program_is_put_aside)
{
    leave_file("value");
    write_at(path, 60, "\0\0\0\2", 4); /* the user_version of sqlite's header */
    begins_anew(&alice, "another version");
}
END_TEST

START_TEST(two_processes_do_not_share_a_file)
{
    struct life first, second;
    live(&first);
    ck_assert_int_eq(put(&first, "a", "1"), 0);
    ck_assert_int_eq(try_to_live(&second, &alice, false), RELOAD_E_BUSY);
    ck_assert_ptr_nonnull(strstr(second.reason, "locked"));
    ck_assert_uint_eq(second.reports, 0);
    reload_loop_free(second.loop);
    die(&first);
    live(&first);
    ck_assert_str_eq(listed(&first), "a=1 ");
    die(&first);
}
END_TEST

START_TEST(a_path_that_cannot_be_made_is_named)
{
    struct life life;
    (void)snprintf(path, sizeof path, "%s/none/state", folder);
    ck_assert_int_eq(try_to_live(&life, &alice, false), RELOAD_E_IO);
    ck_assert_ptr_nonnull(strstr(life.reason, path));
    reload_loop_free(life.loop);
}
END_TEST

/* The disk takes nothing any more: a limit on the size of files does what a full disk does. */
START_TEST(a_full_disk_is_told_once_and_tried_again)
{
    struct life life;
    leave_file("value");
    ck_assert_int_eq(try_to_live(&life, &alice, true), 0);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit, none = {0, RLIM_INFINITY};
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    none.rlim_max = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    ck_assert_int_eq(put(&life, "key", "newer"), 0);
    ck_assert_int_eq(reload_record_store_ops.sync(life.store), RELOAD_E_IO);
    ck_assert_uint_eq(life.reports, 1);
    ck_assert_int_eq(put(&life, "other", "value"), 0);
    ck_assert_int_eq(reload_record_store_ops.sync(life.store), RELOAD_E_IO);
    ck_assert_uint_eq(life.reports, 1);
    ck_assert_uint_eq(reload_record_store_counters(life.store).waiting, 2);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    die(&life);
    ck_assert_uint_eq(life.reports, 2);
    live(&life);
    ck_assert_str_eq(listed(&life), "key=newer other=value ");
    die(&life);
}
END_TEST

START_TEST(what_waits_is_bounded)
{
    struct life life;
    static uint8_t octets[1024 * 1024];
    live(&life);
    struct reload_bytes value = {octets, sizeof octets};
    int error = 0;
    unsigned taken = 0;
    for (; !error && taken < 100; taken += !error) {
        char key[16];
        (void)snprintf(key, sizeof key, "%u", taken);
        error = reload_record_store_ops.put(life.store, reload_bytes_of_string(key), value);
    }
    ck_assert_int_eq(error, RELOAD_E_BUSY);
    ck_assert_uint_eq(taken, 15);
    ck_assert_uint_eq(reload_record_store_counters(life.store).lost, 1);
    ck_assert_uint_eq(life.reports, 1);
    die(&life);
}
END_TEST

int
main(void)
{
    return RUN_SUITE_IN(
        make_folder, remove_folder, "record_store", records_come_back,
        what_the_node_refuses_is_forgotten, a_second_later_the_records_are_in_the_file,
        durable_records_survive_a_kill_right_after_the_answer, a_kill_never_leaves_half_a_batch,
        a_damaged_file_is_put_aside, a_torn_file_is_put_aside, another_nodes_file_is_put_aside,
        a_file_of_a_newer_program_is_put_aside, two_processes_do_not_share_a_file,
        a_path_that_cannot_be_made_is_named, a_full_disk_is_told_once_and_tried_again,
        what_waits_is_bounded);
}
