/* check_node.c: does the node run, did it join, and does its clock go right? When it does not run,
 * one with its credentials is run for the time of the checkup.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/doctor/checkup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS 5000
#define SETTLED_S 60 /* a node that has run for so long has found the relays that there are */
#define CLOCK_NOTE_MS 2000
#define CLOCK_WARNING_MS 60000

/* ---- a node of our own ---------------------------------------------------------------------- */

/* In the child: never returns. What it says goes into a file beside its socket. */
static void
be_node(struct checkup *checkup)
{
    struct daemon *daemon = calloc(1, sizeof *daemon);
    char reason[SETTINGS_REASON_SIZE] = "", log[PATH_MAX];
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)snprintf(log, sizeof log, "%s/log", checkup->folder);
    int file = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (!daemon || file < 0 || dup2(file, STDOUT_FILENO) < 0 || dup2(file, STDERR_FILENO) < 0)
        _exit(EXIT_FAILURE);
    daemon->settings = checkup->daemon.settings;
    daemon->settings.role_count = 0;
    /* Its file is locked while the node runs; a new one would belong to whoever runs the doctor. */
    if (access(daemon->settings.state, F_OK) != 0)
        daemon->settings.state[0] = '\0';
    (void)snprintf(daemon->settings.control, sizeof daemon->settings.control, "%s",
                   checkup->control);
    reload_env_host_init(&daemon->env, RELOAD_LOG_INFO, "reloadd");
    int error = daemon_open(daemon, reason);
    if (!error)
        error = daemon_run(daemon, reason);
    if (error)
        fprintf(stderr, "%s\n", reason);
    (void)fflush(NULL);
    _exit(error ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* The last line that our node wrote. */
static void
last_words(const struct checkup *checkup, char *words, size_t size)
{
    char path[PATH_MAX], line[SETTINGS_REASON_SIZE];
    (void)snprintf(path, sizeof path, "%s/log", checkup->folder);
    FILE *file = fopen(path, "re");
    (void)snprintf(words, size, "it said nothing");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = '\0';
        if (*line)
            (void)snprintf(words, size, "%s", line);
    }
    if (file)
        (void)fclose(file);
}

static bool
start_node(struct checkup *checkup)
{
    (void)snprintf(checkup->folder, sizeof checkup->folder, "/tmp/reload-doctor.XXXXXX");
    if (!mkdtemp(checkup->folder)) {
        checkup->folder[0] = '\0';
        return false;
    }
    (void)snprintf(checkup->control, sizeof checkup->control, "%s/control", checkup->folder);
    (void)fflush(NULL);
    checkup->child = fork();
    if (checkup->child == 0)
        be_node(checkup);
    double until_ms = checkup_now_ms() + START_MS;
    while (checkup->child > 0 && checkup_now_ms() < until_ms) {
        if (waitpid(checkup->child, NULL, WNOHANG) == checkup->child) {
            checkup->child = 0;
            return false;
        }
        if (checkup_look(checkup))
            return true;
        checkup_pause(20);
    }
    return false;
}

void
checkup_end_node(struct checkup *checkup)
{
    static const char *const files[] = {"control", "log"};
    if (checkup->child > 0) {
        (void)kill(checkup->child, SIGTERM);
        double until_ms = checkup_now_ms() + START_MS;
        while (waitpid(checkup->child, NULL, WNOHANG) == 0) {
            if (checkup_now_ms() > until_ms)
                (void)kill(checkup->child, SIGKILL);
            checkup_pause(10);
        }
        checkup->child = 0;
    }
    int folder = checkup->folder[0] ? open(checkup->folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    for (size_t i = 0; folder >= 0 && i < sizeof files / sizeof *files; i++)
        (void)unlinkat(folder, files[i], 0);
    if (folder >= 0) {
        (void)close(folder);
        (void)rmdir(checkup->folder);
    }
    checkup->folder[0] = '\0';
}

void
check_node(struct checkup *checkup)
{
    if (!checkup->has_credentials) {
        checkup_find(checkup, "node", FINDING_SKIPPED, NULL, "without credentials no node can run");
        return;
    }
    (void)snprintf(checkup->control, sizeof checkup->control, "%s",
                   checkup->socket ? checkup->socket : checkup->daemon.settings.control);
    if (checkup_look(checkup)) {
        checkup_find(checkup, "node", FINDING_GOOD, NULL, "runs; asked by %s", checkup->control);
        return;
    }
    char words[SETTINGS_REASON_SIZE];
    if (start_node(checkup)) {
        checkup_find(checkup, "node", FINDING_NOTE, NULL,
                     "does not run: one is run for the time of this checkup");
        return;
    }
    last_words(checkup, words, sizeof words);
    checkup->control[0] = '\0';
    checkup_find(checkup, "node", FINDING_FAILURE, "reloadd --check says the same",
                 "cannot run: %s", words);
}

/* ---- joined? -------------------------------------------------------------------------------- */

static bool
has(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

static json_int_t
number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* A client has no place in the ring: a link is what it wants. */
static bool
is_in(const json_t *status)
{
    return has(status, "joined") || (has(status, "client") && number(status, "overlay_links") > 0);
}

static const char *
missing_neighbour(const json_t *status)
{
    return json_string_value(json_object_get(status, "unreachable_neighbour"));
}

/* A node that began a moment ago may be a client only until it has found a relay (D76); one that
 * has been one for long will hardly change now. */
static bool
may_improve(const struct checkup *checkup)
{
    return !is_in(checkup->status) ||
           (missing_neighbour(checkup->status) && number(checkup->status, "uptime_s") < SETTLED_S);
}

static void
tell_client(struct checkup *checkup, const char *neighbour)
{
    bool has_relays = number(json_object_get(checkup->status, "turn"), "usable") > 0;
    checkup_find(checkup, "join", FINDING_WARNING,
                 has_relays ? "it tries again by itself; 'turn' below says whether its relays work"
                            : "to be a peer it needs a relay: role 'turn' on some node",
                 "only a client: no link to its neighbour %.8s... can be made; calls to it may "
                 "fail until it is a peer",
                 neighbour);
}

static void
tell_joined(struct checkup *checkup)
{
    json_int_t links = number(checkup->status, "overlay_links");
    const char *neighbour = missing_neighbour(checkup->status);
    if (neighbour)
        tell_client(checkup, neighbour);
    else
        checkup_find(checkup, "join", links ? FINDING_GOOD : FINDING_NOTE, NULL,
                     "%s of the overlay, with %lld link%s%s",
                     has(checkup->status, "client") ? "a client" : "a peer", (long long)links,
                     links == 1 ? "" : "s", links ? "" : ": nobody else is there");
    checkup_number(checkup, "links", (double)links);
}

void
check_join(struct checkup *checkup)
{
    if (!checkup->control[0]) {
        checkup_find(checkup, "join", FINDING_SKIPPED, NULL, "no node runs");
        return;
    }
    double began_ms = checkup_now_ms();
    while (may_improve(checkup) && checkup_now_ms() < began_ms + checkup->patience_s * 1000.0) {
        checkup_pause(50);
        if (!checkup_look(checkup))
            break;
    }
    checkup->joined = is_in(checkup->status);
    if (checkup->joined) {
        tell_joined(checkup);
        if (checkup->child)
            checkup_number(checkup, "ms", checkup_now_ms() - began_ms);
        return;
    }
    char words[SETTINGS_REASON_SIZE] = "its log says why";
    if (checkup->child)
        last_words(checkup, words, sizeof words);
    checkup_find(checkup, "join", FINDING_FAILURE,
                 "mend what failed above first; the other nodes' clocks and documents matter, too",
                 "not in the overlay after %u seconds: %s", checkup->patience_s, words);
}

/* ---- the clock ------------------------------------------------------------------------------ */

/* The first linked node's clock, by the time in its Ping answer. */
void
check_clock(struct checkup *checkup)
{
    char reason[SETTINGS_REASON_SIZE];
    if (checkup->joined)
        checkup->peers =
            checkup_ask(checkup, json_pack("{s:s}", "command", "peers"), reason, sizeof reason);
    json_t *first = json_array_get(json_object_get(checkup->peers, "peers"), 0);
    if (!first) {
        checkup_find(checkup, "clock", FINDING_SKIPPED, NULL,
                     "there is no other node's to compare");
        return;
    }
    json_t *pong = checkup_ask(
        checkup,
        json_pack("{s:s, s:O}", "command", "ping", "node", json_object_get(first, "node_id")),
        reason, sizeof reason);
    if (!pong) {
        checkup_find(checkup, "clock", FINDING_WARNING, "`reload peers` shows the link's state",
                     "a linked node does not answer: %s", reason);
        return;
    }
    double ahead_ms = json_number_value(json_object_get(pong, "clock_ahead_ms"));
    double off_ms = ahead_ms < 0 ? -ahead_ms : ahead_ms;
    enum finding finding = off_ms >= CLOCK_WARNING_MS ? FINDING_WARNING
                           : off_ms >= CLOCK_NOTE_MS  ? FINDING_NOTE
                                                      : FINDING_GOOD;
    checkup_find(checkup, "clock", finding,
                 finding == FINDING_WARNING
                     ? "set this host's clock (NTP): values that it stores are dated by it"
                     : NULL,
                 "%.3f seconds %s that of a linked node", off_ms / 1000,
                 ahead_ms < 0 ? "behind" : "ahead of");
    checkup_number(checkup, "ahead_ms", ahead_ms);
    json_decref(pong);
}
