/* control.h: the control socket: a local program asks the running node, a line of JSON at a time.
 *
 *   {"command": "ping", "node": "0123..."}  ->  {"ok": true, "result": {...}}
 *                                           or  {"ok": false, "error": "no answer in time"}
 *
 * The socket has mode 0600, and a peer's user must be ours or root (attack row M1).
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RELOADD_CONTROL_H
#define TOOLS_RELOADD_CONTROL_H

#include "reload/base/json.h"
#include "tools/reloadd/daemon.h"

#include <jansson.h>

#define CONTROL_CONNECTIONS_MAX 16
#define CONTROL_REQUESTS_MAX 64
#define CONTROL_LINE_MAX (1u << 20)

struct control;
struct control_connection;

/* One request. Its command answers it once, now or later, by control_answer or control_refuse,
 * which end it; who asked may be gone by then. */
struct control_request {
    struct daemon *daemon;
    json_t *arguments;                     /* an object */
    struct reload_json result;             /* to be written by the command */
    struct control_connection *connection; /* NULL: gone */
    struct control_request *next, *previous;
    uint8_t resource[20]; /* room for commands */
    size_t resource_size;
    reload_time began;
};

typedef void control_fn(struct control_request *request);

/* control_new begins to listen at |path|; a socket that a node left there is replaced, anything
 * else is not. |reason| as for daemon_open. Returns 0, RELOAD_E_IO, RELOAD_E_NOMEM. */
RELOAD_CHECKED int control_new(struct daemon *daemon, const char *path, struct control **control,
                               char *reason);

/* control_close ends all connections and listens no longer; commands that are under way may still
 * answer, to nobody. NULL is allowed. */
void control_close(struct control *control);

/* control_free ends the requests, too; no command may answer any more. NULL is allowed. */
void control_free(struct control *control);

/* control_answer sends |request->result|. */
void control_answer(struct control_request *request);

/* control_refuse sends an error for people. */
void control_refuse(struct control_request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* control_text returns the string argument |name|, or NULL. */
const char *control_text(const struct control_request *request, const char *name);

/* control_hex reads the argument |name| in hex into |data|, of |capacity| octets. Returns false
 * when it is missing, no hex, or too long. */
RELOAD_CHECKED bool control_hex(const struct control_request *request, const char *name,
                                uint8_t *data, size_t capacity, size_t *size);

/* ---- the commands --------------------------------------------------------------------------- */

control_fn control_status, control_peers, control_routes; /* control_status.c */
control_fn control_fetch, control_store, control_remove;  /* control_data.c */
control_fn control_relays;                                /* control_relays.c */
control_fn control_ping, control_lookup, control_leave;   /* control_overlay.c */
control_fn control_attach, control_own_relay;             /* control_doctor.c */

/* control_link_error says why a link did not come about, or ended. */
const char *control_link_error(int error);

/* control_path_name says in a word which way |info|'s link takes: "direct", "same LAN", "relay". */
const char *control_path_name(const struct reload_link_info *info);

#endif
