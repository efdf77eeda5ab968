/* handler.h: the shape of a request's handler, and the table that maps message codes to them: the
 * map of the protocol. RFC 6940 6.3.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_HANDLER_H
#define RELOAD_CORE_HANDLER_H

#include "reload/core/limits.h"
#include "reload/topology.h"

/* Where a handler puts its answer. |body| and |error_info| write into buffers of the node that hold
 * the overlay's max-message-size. |extensions| (encoded MessageExtensions) go with |body| only, so
 * they share the memory of |error_info|: an answer has one or the other. |certificates| (borrowed
 * until the handler's caller has sent the answer) go into the answer's security block, beside our
 * own. */
struct reload_answer {
    struct reload_writer body;
    struct reload_writer error_info;
    struct reload_writer extensions;
    struct reload_bytes certificates[RELOAD_CERTIFICATES_MAX];
    size_t certificate_count;
};

/* Returned instead of 0 by a handler that will answer by itself, or not at all. */
#define RELOAD_ANSWER_LATER 1

/* A handler decodes the request's body (|incoming->message->contents.message_body|), acts, and
 * writes the answer's body. Returns 0, RELOAD_ANSWER_LATER, or a RELOAD_E_* which becomes an error
 * answer by reload_error_code_of (error_code.h), with |answer->error_info|. */
typedef int reload_handler_fn(struct reload_node *node, const struct reload_incoming *incoming,
                              struct reload_answer *answer, reload_time now);

/* One request of the protocol. */
struct reload_method {
    uint16_t request_code; /* its answer is one above */
    const char *name;
    const char *section; /* RFC 6940 */
    reload_handler_fn *handle;
    bool remember;   /* not idempotent: the answer is kept for retransmissions (6.2.1) */
    bool unattached; /* allowed from a node that has several Node-IDs and did not Attach */
};

/* reload_ping_understands tells whether the MessageExtension |type| means something to us in a
 * message of |code|. */
bool reload_ping_understands(const struct reload_node *node, uint16_t code, uint16_t type);

/* reload_method_find returns the method of request |code|, or NULL. */
const struct reload_method *reload_method_find(uint16_t code);

/* The handlers, each in a file of its noun. */
reload_handler_fn reload_handle_ping;
reload_handler_fn reload_handle_probe;
reload_handler_fn reload_handle_attach;
reload_handler_fn reload_handle_app_attach;
reload_handler_fn reload_handle_store;
reload_handler_fn reload_handle_fetch;
reload_handler_fn reload_handle_stat;
reload_handler_fn reload_handle_find;
reload_handler_fn reload_handle_topology;
reload_handler_fn reload_handle_config_update;

#endif
