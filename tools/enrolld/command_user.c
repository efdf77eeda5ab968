/* command_user.c: reload-enrolld user: adds, lists, resets and removes users.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "reload/base/json.h"
#include "tools/enrolld/accounts.h"
#include "tools/enrolld/audit.h"
#include "tools/enrolld/command.h"
#include "tools/enrolld/home.h"
#include "tools/enrolld/user_name.h"
#include "tools/reload/secret.h"

static const char help[] =
    "usage: reload-enrolld user add NAME [--password-file FILE] [--dir DIR]\n"
    "       reload-enrolld user reset NAME [--password-file FILE] [--dir DIR]\n"
    "       reload-enrolld user remove NAME [--dir DIR]\n"
    "       reload-enrolld user list [--json] [--dir DIR]\n"
    "\n"
    "NAME is 'alice' or 'alice@OVERLAY'. reset sets a new password. The password is asked for, or\n"
    "is the first line of FILE; it has at least 8 characters. DIR is " HOME_DEFAULT
    " unless told.\n"
    "These work also while the server is running.\n";

struct user_command {
    struct accounts *accounts;
    struct audit audit;
    const char *password_file;
    bool as_json;
    char name[RELOAD_USER_NAME_MAX + 1];
    char message[512];
};

/* ---- what they do ---------------------------------------------------------------------------- */

static int
new_password(struct user_command *command, char *encoded)
{
    struct secret secret;
    char prompt[RELOAD_USER_NAME_MAX + 32];
    snprintf(prompt, sizeof prompt, "new password of %s", command->name);
    int error = secret_get(command->password_file, prompt, true, &secret, command->message,
                           sizeof command->message);
    if (error != 0)
        return error;
    error =
        password_hash((struct reload_bytes){(const uint8_t *)secret.text, secret.size}, encoded);
    secret_wipe(&secret);
    if (error == RELOAD_E_USAGE)
        snprintf(command->message, sizeof command->message,
                 "the password needs at least %d characters", PASSWORD_SIZE_MIN);
    else if (error != 0)
        snprintf(command->message, sizeof command->message, "the password cannot be hashed");
    return error;
}

static int
add(struct user_command *command)
{
    char encoded[PASSWORD_ENCODED_MAX];
    int error = new_password(command, encoded);
    if (error != 0)
        return error;
    error = accounts_add(command->accounts, command->name, encoded);
    if (error == RELOAD_E_DUPLICATE)
        snprintf(command->message, sizeof command->message,
                 "%s exists already; reset gives a new password", command->name);
    return error;
}

static int
reset(struct user_command *command)
{
    char encoded[PASSWORD_ENCODED_MAX];
    int error = new_password(command, encoded);
    return error == 0 ? accounts_set_password(command->accounts, command->name, encoded) : error;
}

static int
remove_user(struct user_command *command)
{
    return accounts_remove(command->accounts, command->name);
}

static void
print_user(void *argument, const char *name, int64_t created_s, unsigned node_ids)
{
    const struct user_command *command = argument;
    time_t seconds = (time_t)created_s;
    struct tm tm;
    char date[32], text[1024];
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
    if (!command->as_json) {
        printf("%-40s %s %8u\n", name, date, node_ids);
        return;
    }
    struct reload_json json = reload_json_fixed(text, sizeof text);
    reload_json_begin_object(&json);
    reload_json_key(&json, "user");
    reload_json_text(&json, name);
    reload_json_key(&json, "created");
    reload_json_text(&json, date);
    reload_json_key(&json, "node_ids");
    reload_json_uint(&json, node_ids);
    reload_json_end_object(&json);
    puts(text);
}

static int
list(struct user_command *command)
{
    if (!command->as_json)
        printf("%-40s %-20s %8s\n", "USER", "CREATED", "NODE-IDS");
    return accounts_each(command->accounts, print_user, command);
}

static const struct verb {
    const char *name;
    int (*run)(struct user_command *command);
    bool needs_name;
    const char *logged; /* what the audit log calls it; NULL: nothing changes */
} verbs[] = {
    {"add", add, true, "user added"},
    {"reset", reset, true, "password reset"},
    {"remove", remove_user, true, "user removed"},
    {"list", list, false, NULL},
};

/* ---- arguments ------------------------------------------------------------------------------- */

static int
run(const struct verb *verb, struct user_command *command, const struct home *home)
{
    char path[PATH_MAX];
    home_file(home, "users.db", path);
    int error =
        accounts_open(path, false, &command->accounts, command->message, sizeof command->message);
    home_file(home, "audit.log", path);
    if (error == 0)
        error = audit_open(&command->audit, path, command->message, sizeof command->message);
    if (error != 0)
        return error;
    error = verb->run(command);
    struct audit_event event = {.what = verb->logged, .user = command->name};
    if (error == 0 && verb->logged != NULL)
        error = audit_write(&command->audit, &event);
    if (error == RELOAD_E_NOT_FOUND)
        snprintf(command->message, sizeof command->message,
                 "there is no user %s; reload-enrolld user list shows them", command->name);
    else if (error != 0 && command->message[0] == '\0')
        snprintf(command->message, sizeof command->message, "%.300s/users.db or audit.log: %s",
                 home->path, reload_error_text(error));
    return error;
}

static int
start(const struct verb *verb, struct user_command *command, const char *name, const char *path)
{
    struct home home;
    int error = home_open(&home, path, command->message, sizeof command->message);
    if (error == 0 && name != NULL) {
        error =
            user_name_complete(reload_bytes_of_string(name), home.settings.overlay, command->name);
        if (error != 0)
            snprintf(command->message, sizeof command->message,
                     "'%s' cannot be a user name: use letters, digits and . _ + - before @%s", name,
                     home.settings.overlay);
    }
    if (error == 0)
        error = run(verb, command, &home);
    if (error != 0)
        fprintf(stderr, "reload-enrolld: %s\n", command->message);
    audit_close(&command->audit);
    accounts_close(command->accounts);
    return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
usage_error(const char *what)
{
    fprintf(stderr, "reload-enrolld user: %s; see reload-enrolld user --help\n", what);
    return EXIT_USAGE;
}

int
command_user(int argc, char **argv)
{
    static const struct option options[] = {{"password-file", required_argument, NULL, 'p'},
                                            {"password", required_argument, NULL, 'P'},
                                            {"dir", required_argument, NULL, 'd'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct user_command command = {.audit = {.descriptor = -1}};
    const char *path = HOME_DEFAULT;
    int letter;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (letter == 'p')
            command.password_file = optarg;
        else if (letter == 'd')
            path = optarg;
        else if (letter == 'j')
            command.as_json = true;
        else if (letter == 'h')
            return fputs(help, stdout), EXIT_SUCCESS;
        else if (letter == 'P') /* everybody on the host can read arguments */
            return usage_error("a password is never an argument: use --password-file FILE");
        else
            return EXIT_USAGE;
    }
    if (optind >= argc)
        return usage_error("add, list, reset or remove?");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].name, argv[optind]) != 0)
            continue;
        if (argc - optind - 1 != (verbs[i].needs_name ? 1 : 0))
            return usage_error(verbs[i].needs_name ? "one NAME" : "too many arguments");
        return start(&verbs[i], &command, verbs[i].needs_name ? argv[optind + 1] : NULL, path);
    }
    return usage_error("add, list, reset or remove?");
}
