/* usage.h: an application of the overlay, as a plug-in of the core (RFC 6940 5.2).
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGE_H
#define RELOAD_USAGE_H

#include "reload/node.h"

/* One Kind that a usage defines. A document's required-kinds may set other limits (11.1). */
struct reload_kind {
    uint32_t kind;
    const char *name;      /* as registered, "SIP-REGISTRATION" */
    uint8_t data_model;    /* enum reload_data_model */
    uint8_t access_policy; /* enum reload_access_policy */
    uint32_t max_count, max_size;
    uint32_t max_node_multiple; /* NODE-MULTIPLE only: the largest i (7.3.4) */
    /* Whether |value| (of an existing value, with its dictionary |key|) is well-formed for this
     * Kind. May be NULL. 0 or RELOAD_E_MALFORMED, RELOAD_E_FORBIDDEN. */
    int (*check)(const struct reload_wire *wire, struct reload_bytes key,
                 struct reload_bytes value);
    /* Whether the overlay's document lets |signer| store this Kind at all, beside its access policy
     * (RFC 7904 3.3: domains). Asked for each value stored. May be NULL. 0 or RELOAD_E_FORBIDDEN.
     */
    int (*permit)(const struct reload_config *config, const struct reload_identity *signer);
};

struct reload_usage_ops {
    const char *name;
    size_t size; /* of the state: zeroed bytes that the core allocates */
    const struct reload_kind *kinds;
    size_t kind_count;
    const uint16_t *applications; /* Application-IDs that we accept by AppAttach */
    size_t application_count;

    int (*init)(void *state, struct reload_node *node, void *argument, reload_time now);
    void (*fini)(void *state);
    /* Asked before an AppAttach for one of our applications is answered; 0 or RELOAD_E_*. */
    int (*app_attach)(void *state, uint16_t application, const struct reload_identity *peer,
                      reload_time now);
    /* An application link is up, whichever side asked for it; for ours the function given to
     * reload_node_app_attach is called right after. |peer| is valid for the call. */
    void (*app_link_up)(void *state, uint16_t application, uint32_t link,
                        const struct reload_identity *peer, reload_time now);
    void (*app_link_down)(void *state, uint32_t link, int error, reload_time now);
    /* Bytes of an application link: a record (DTLS) or part of a stream (TLS). */
    void (*app_recv)(void *state, uint32_t link, struct reload_bytes bytes, reload_time now);
    void (*joined)(void *state, reload_time now);
    /* The node leaves in good order: withdraw what nobody should find any more. The topology leaves
     * when the requests made here, and in answer to them, are answered, or after 1.5 seconds. May
     * be NULL. */
    void (*leave)(void *state, reload_time now);
    /* The type of a MessageExtension on Ping that we answer, 0 for none (6.3.3; not critical). */
    uint16_t ping_extension;
    /* A Ping for us brought it, signed by |signer|. Writes the content of the same extension in the
     * answer and returns 0; else the answer goes without it. */
    int (*ping)(void *state, const struct reload_identity *signer,
                const struct reload_node_id *signer_id, struct reload_bytes content,
                struct reload_writer *answer, reload_time now);
    reload_time (*next_timeout)(void *state);
    void (*timeout)(void *state, reload_time now);
};

#endif
