/* daemon.h: one running node with all that belongs to it.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RELOADD_DAEMON_H
#define TOOLS_RELOADD_DAEMON_H

#include "reload/run/driver.h"
#include "reload/run/env_host.h"
#include "tools/reloadd/settings.h"
#include "usages/turn_service.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

struct control;
struct control_request;
struct reload_record_store;
struct role;

/* The usages in every node, by their place in struct reload_node_options. */
enum {
    DAEMON_USAGE_CERTIFICATES,
    DAEMON_USAGE_TURN,
    DAEMON_USAGE_SIP,
    DAEMON_USAGE_MEDIA,
    DAEMON_USAGE_COUNT,
};

struct daemon {
    struct settings settings;
    struct reload_env_host env;
    struct reload_loop *loop;
    struct reload_config *config;
    EVP_PKEY *key;
    X509 *certificate;
    struct reload_keyring *keyring;
    struct reload_record_store *records; /* NULL: values are in memory only */
    struct reload_turn_options turn;
    struct reload_driver *driver;
    struct control *control;
    void *roles[SETTINGS_ROLES_MAX]; /* what each role's start gave, by place in role.c's table */
    struct control_request *leaving; /* answered when we have left */
    struct reload_timer *stop;
    struct reload_node_id unreachable; /* the neighbour without whom we are a client; else zero */
    bool resolving;                    /* |resolve| runs */
    struct reload_timer *resolve;      /* asks again for bootstrap nodes' addresses */
    reload_time started;
    unsigned signals;
};

/* daemon_open makes everything up to the sockets; the node does nothing yet. On failure |reason|,
 * of SETTINGS_REASON_SIZE octets, says in one line what is wrong, where and what to do. Returns 0
 * or RELOAD_E_*. Ended by daemon_close in any case. */
RELOAD_CHECKED int daemon_open(struct daemon *daemon, char *reason);

/* daemon_run joins the overlay and serves until it has left, by signal or `reload leave`. */
RELOAD_CHECKED int daemon_run(struct daemon *daemon, char *reason);

/* daemon_leave leaves the overlay in good order and then ends daemon_run. */
void daemon_leave(struct daemon *daemon);

void daemon_close(struct daemon *daemon);

struct reload_node *daemon_node(struct daemon *daemon);
reload_time daemon_now(const struct daemon *daemon);

/* ---- credentials.c: the files that say who we are -------------------------------------------- */

RELOAD_CHECKED int credentials_open(struct daemon *daemon, char *reason);
void credentials_close(struct daemon *daemon);

/* ---- records.c: what survives restarts ------------------------------------------------------- */

/* records_open opens the state file, before the driver is made; records_restore gives its content
 * to the node. */
RELOAD_CHECKED int records_open(struct daemon *daemon, char *reason);
void records_restore(struct daemon *daemon);
void records_close(struct daemon *daemon);

/* ---- role.c: what a node does beside being a peer -------------------------------------------- */

/* Checks that all roles asked for exist. */
RELOAD_CHECKED int roles_check(const struct daemon *daemon, char *reason);
RELOAD_CHECKED int roles_open(struct daemon *daemon, char *reason);
void roles_close(struct daemon *daemon);

struct reload_json;
/* Writes the member "records", when there are any. */
void records_print(const struct daemon *daemon, struct reload_json *json);
/* Writes the member "turn": the overlay's relays. */
void relays_print(const struct daemon *daemon, struct reload_json *json);
/* Writes a member for each role that is on. */
void roles_print(const struct daemon *daemon, struct reload_json *json);

#endif
