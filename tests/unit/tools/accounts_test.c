/* accounts_test.c: users, passwords and Node-IDs in a real file. RFC 6940 11.3; D30; attack E5.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/unit/tools/suite.h"
#include "tools/enrolld/accounts.h"

static const char *
path_of(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", suite_folder(), name);
    return path;
}

static struct accounts *
make(void)
{
    struct accounts *accounts;
    char message[256];
    ck_assert_int_eq(accounts_open(path_of("users.db"), true, &accounts, message, sizeof message),
                     0);
    return accounts;
}

START_TEST(file_is_ours_alone)
{
    struct stat status;
    struct accounts *accounts = make();
    accounts_close(accounts);
    ck_assert_int_eq(stat(path_of("users.db"), &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0600);
}
END_TEST

START_TEST(file_that_is_none)
{
    struct accounts *accounts;
    char message[256];
    ck_assert_int_eq(accounts_open(path_of("none"), false, &accounts, message, sizeof message),
                     RELOAD_E_IO);
    FILE *file = fopen(path_of("text"), "w");
    fputs("this is not a database, however long one looks at it\n", file);
    fclose(file);
    ck_assert_int_eq(accounts_open(path_of("text"), false, &accounts, message, sizeof message),
                     RELOAD_E_IO);
    ck_assert_ptr_nonnull(strstr(message, "text"));
    ck_assert_int_eq(accounts_open(path_of("text"), true, &accounts, message, sizeof message),
                     RELOAD_E_IO);
}
END_TEST

START_TEST(users_come_and_go)
{
    char password[PASSWORD_ENCODED_MAX];
    struct accounts *accounts = make();
    ck_assert_int_eq(accounts_add(accounts, "alice@a", "one"), 0);
    ck_assert_int_eq(accounts_add(accounts, "alice@a", "two"), RELOAD_E_DUPLICATE);
    ck_assert_int_eq(accounts_add(accounts, "ALICE@a", "two"), RELOAD_E_DUPLICATE);
    ck_assert_int_eq(accounts_password(accounts, "alice@a", password), 0);
    ck_assert_str_eq(password, "one");
    ck_assert_int_eq(accounts_password(accounts, "ALICE@a", password), RELOAD_E_NOT_FOUND);
    ck_assert_int_eq(accounts_set_password(accounts, "alice@a", "three"), 0);
    ck_assert_int_eq(accounts_set_password(accounts, "bob@a", "three"), RELOAD_E_NOT_FOUND);
    ck_assert_int_eq(accounts_password(accounts, "alice@a", password), 0);
    ck_assert_str_eq(password, "three");
    ck_assert_int_eq(accounts_remove(accounts, "bob@a"), RELOAD_E_NOT_FOUND);
    ck_assert_int_eq(accounts_remove(accounts, "alice@a"), 0);
    ck_assert_int_eq(accounts_password(accounts, "alice@a", password), RELOAD_E_NOT_FOUND);
    accounts_close(accounts);
}
END_TEST

/* A name is a value, never a part of a statement. */
START_TEST(quotes_in_names)
{
    char password[PASSWORD_ENCODED_MAX];
    struct accounts *accounts = make();
    ck_assert_int_eq(accounts_add(accounts, "x'; DROP TABLE users; --", "one"), 0);
    ck_assert_int_eq(accounts_password(accounts, "' OR '1'='1", password), RELOAD_E_NOT_FOUND);
    ck_assert_int_eq(accounts_password(accounts, "x'; DROP TABLE users; --", password), 0);
    accounts_close(accounts);
}
END_TEST

static int
bind_id(struct accounts *accounts, const char *user, unsigned key, uint32_t candidate,
        unsigned limit, struct reload_node_id *node_id)
{
    uint8_t digest[ACCOUNTS_KEY_DIGEST_SIZE] = {0};
    struct reload_node_id id = {{0}};
    memcpy(digest, &key, sizeof key);
    memcpy(id.octets, &candidate, sizeof candidate);
    return accounts_node_id(accounts, user, digest, &id, 16, limit, node_id);
}

/* RFC6940-11.3-19: the same key gets the same Node-ID, whatever is drawn for it. */
START_TEST(node_ids_stay)
{
    struct reload_node_id first, again, other;
    struct accounts *accounts = make();
    ck_assert_int_eq(bind_id(accounts, "alice@a", 1, 100, 2, &first), 0);
    ck_assert_int_eq(bind_id(accounts, "alice@a", 1, 200, 2, &again), 0);
    ck_assert(reload_node_id_equal(&first, &again));
    ck_assert_int_eq(bind_id(accounts, "alice@a", 2, 100, 2, &other), RELOAD_E_DUPLICATE);
    ck_assert_int_eq(bind_id(accounts, "alice@a", 2, 300, 2, &other), 0);
    ck_assert(!reload_node_id_equal(&first, &other));
    ck_assert_int_eq(bind_id(accounts, "alice@a", 3, 400, 2, &other), RELOAD_E_BUSY);
    ck_assert_int_eq(bind_id(accounts, "alice@a", 1, 500, 2, &again), 0);
    ck_assert_int_eq(bind_id(accounts, "bob@a", 1, 600, 2, &other), 0);
    ck_assert(!reload_node_id_equal(&first, &other));
    accounts_close(accounts);
}
END_TEST

struct count {
    unsigned users, node_ids;
};

static void
count_user(void *argument, const char *name, int64_t created_s, unsigned node_ids)
{
    struct count *count = argument;
    ck_assert_str_eq(name, "alice@a");
    ck_assert_int_gt(created_s, 0);
    count->users++;
    count->node_ids += node_ids;
}

/* However often somebody tries again, he does not get more than his share (E5). */
START_TEST(many_tries_few_node_ids)
{
    struct accounts *accounts = make();
    struct reload_node_id id;
    struct count count = {0, 0};
    ck_assert_int_eq(accounts_add(accounts, "alice@a", "one"), 0);
    for (unsigned i = 0; i < 1000000; i++) {
        int error = bind_id(accounts, "alice@a", i, 1000 + i, 5, &id);
        if (error != (i < 5 ? 0 : RELOAD_E_BUSY)) /* an assertion costs more than the call */
            ck_abort_msg("try %u: %d", i, error);
    }
    ck_assert_int_eq(accounts_each(accounts, count_user, &count), 0);
    ck_assert_uint_eq(count.users, 1);
    ck_assert_uint_eq(count.node_ids, 5);
    accounts_close(accounts);
}
END_TEST

START_TEST(node_ids_of_the_removed_stay_taken)
{
    struct accounts *accounts = make();
    struct reload_node_id id;
    ck_assert_int_eq(accounts_add(accounts, "alice@a", "one"), 0);
    ck_assert_int_eq(bind_id(accounts, "alice@a", 1, 100, 5, &id), 0);
    ck_assert_int_eq(accounts_remove(accounts, "alice@a"), 0);
    ck_assert_int_eq(bind_id(accounts, "bob@a", 1, 100, 5, &id), RELOAD_E_DUPLICATE);
    ck_assert_int_eq(accounts_add(accounts, "alice@a", "two"), 0);
    ck_assert_int_eq(bind_id(accounts, "alice@a", 1, 200, 1, &id), 0);
    accounts_close(accounts);
}
END_TEST

START_TEST(passwords_match)
{
    char first[PASSWORD_ENCODED_MAX], second[PASSWORD_ENCODED_MAX];
    struct reload_bytes right = reload_bytes_of_string("correct horse");
    ck_assert_int_eq(password_hash(right, first), 0);
    ck_assert_int_eq(password_hash(right, second), 0);
    ck_assert_str_ne(first, second);
    ck_assert_int_eq(strncmp(first, "$argon2id$", 10), 0);
    ck_assert(password_matches(first, right));
    ck_assert(!password_matches(first, reload_bytes_of_string("correct horsf")));
    ck_assert(!password_matches(first, reload_bytes_of_string("")));
    ck_assert(!password_matches(NULL, right));
    ck_assert(!password_matches("nonsense", right));
    ck_assert_int_eq(password_hash(reload_bytes_of_string("short77"), first), RELOAD_E_USAGE);
}
END_TEST

static clock_t
cost_of(const char *encoded)
{
    clock_t begin = clock();
    for (int i = 0; i < 3; i++)
        ck_assert(!password_matches(encoded, reload_bytes_of_string("wrong password")));
    return clock() - begin;
}

/* Whether there is such an account cannot be told from the time (E1). */
START_TEST(no_account_costs_the_same)
{
    char encoded[PASSWORD_ENCODED_MAX];
    ck_assert_int_eq(password_hash(reload_bytes_of_string("correct horse"), encoded), 0);
    clock_t account = cost_of(encoded), none = cost_of(NULL);
    ck_assert_int_gt(none, account / 4);
    ck_assert_int_gt(account, none / 4);
}
END_TEST

SUITE_MAIN("accounts", file_is_ours_alone, file_that_is_none, users_come_and_go, quotes_in_names,
           node_ids_stay, many_tries_few_node_ids, node_ids_of_the_removed_stay_taken,
           passwords_match, no_account_costs_the_same)
