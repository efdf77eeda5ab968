/* records.c: what the node stores for others survives its restarts. D35.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/reloadd/daemon.h"

#include <stdio.h>

#ifdef RELOAD_RECORDS

#include "reload/base/json.h"
#include "reload/run/record_store.h"

static void
report(void *argument, const char *text)
{
    struct daemon *daemon = argument;
    reload_env_log(&daemon->env.env, RELOAD_LOG_WARNING, "%s", text);
}

/* Without a file the node serves from memory: two other peers hold each value. It is an error when
 * another process has the file open, since that is our clone, or when what is stored has to be
 * durable. */
int
records_open(struct daemon *daemon, char *reason)
{
    const struct settings *settings = &daemon->settings;
    if (!*settings->state && settings->durable) {
        (void)snprintf(reason, SETTINGS_REASON_SIZE,
                       "'durable = yes' in [node] needs a file: 'state' says none");
        return RELOAD_E_CONFIG;
    }
    if (!*settings->state)
        return 0;
    struct reload_record_store_options options = {
        .loop = daemon->loop,
        .path = settings->state,
        .overlay = daemon->config->instance_name,
        .node_id = &daemon->keyring->ops->self(daemon->keyring)->node_ids[0],
        .durable = settings->durable,
        .report = report,
        .argument = daemon};
    char why[RELOAD_RECORD_REASON_SIZE];
    int error = reload_record_store_new(&options, why, &daemon->records);
    if (error == RELOAD_E_BUSY) {
        (void)snprintf(reason, SETTINGS_REASON_SIZE,
                       "%.300s; is this node running already? 'state' in [node] names the file",
                       why);
        return error;
    }
    if (error && settings->durable) {
        (void)snprintf(reason, SETTINGS_REASON_SIZE, "%.300s; 'durable = yes' in [node] needs it",
                       why);
        return error;
    }
    if (error)
        reload_env_log(&daemon->env.env, RELOAD_LOG_WARNING,
                       "%s; values are kept in memory only ('state' in [node] says where)", why);
    return 0;
}

struct restoring {
    struct daemon *daemon;
    size_t taken;
};

static int
restore(void *argument, struct reload_bytes key, struct reload_bytes value)
{
    struct restoring *restoring = argument;
    struct daemon *daemon = restoring->daemon;
    int error = reload_node_restore(daemon_node(daemon), key, value, daemon_now(daemon));
    restoring->taken += !error;
    return error == RELOAD_E_NOMEM ? 0 : error;
}

void
records_restore(struct daemon *daemon)
{
    struct restoring restoring = {.daemon = daemon};
    if (!daemon->records)
        return;
    if (reload_record_store_each(daemon->records, restore, &restoring))
        reload_env_log(&daemon->env.env, RELOAD_LOG_WARNING,
                       "the state file %s could not be read to its end", daemon->settings.state);
    uint64_t forgotten = reload_record_store_counters(daemon->records).forgotten;
    if (restoring.taken + forgotten > 0)
        reload_env_log(&daemon->env.env, RELOAD_LOG_INFO,
                       "%zu records from %s; %llu that are no longer good were left out",
                       restoring.taken, daemon->settings.state, (unsigned long long)forgotten);
}

void
records_print(const struct daemon *daemon, struct reload_json *json)
{
    if (!daemon->records)
        return;
    struct reload_record_counters counters = reload_record_store_counters(daemon->records);
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {{"written", counters.written},
                {"waiting", counters.waiting},
                {"failures", counters.failures},
                {"lost", counters.lost}};
    reload_json_key(json, "records");
    reload_json_begin_object(json);
    reload_json_key(json, "file");
    reload_json_text(json, daemon->settings.state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reload_json_key(json, rows[i].name);
        reload_json_uint(json, rows[i].value);
    }
    reload_json_end_object(json);
}

void
records_close(struct daemon *daemon)
{
    reload_record_store_free(daemon->records);
}

#else

int
records_open(struct daemon *daemon, char *reason)
{
    if (!daemon->settings.durable)
        return 0;
    (void)snprintf(reason, SETTINGS_REASON_SIZE,
                   "'durable = yes' in [node] needs a program that was built with sqlite3");
    return RELOAD_E_CONFIG;
}

void
records_restore(struct daemon *daemon)
{
    (void)daemon;
}

void
records_print(const struct daemon *daemon, struct reload_json *json)
{
    (void)daemon;
    (void)json;
}

void
records_close(struct daemon *daemon)
{
    (void)daemon;
}

#endif
