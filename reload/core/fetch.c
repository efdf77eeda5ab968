/* fetch.c: Fetch, answered: values with the certificates of those who signed them. RFC 6940 7.4.2.
 *
 * Answered from what this peer holds, responsible or replica: a Fetch that is addressed to a
 * Node-ID reads replicas (D26). SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/node_internal.h"
#include "reload/core/selection.h"

/* RFC6940 6.3.4: a message MUST include all referenced certificates. */
static int
write_value(struct reload_selection *selection, const struct reload_kind *row,
            struct reload_bytes key, const struct reload_stored *stored)
{
    struct reload_node *node = selection->node;
    struct reload_answer *answer = selection->answer;
    if (!stored) {
        reload_value_absent(&answer->body, &node->wire, row->data_model, key);
        return 0;
    }
    reload_stored_write(stored, &answer->body, selection->now);
    const struct reload_identity *self = node->keyring->ops->self(node->keyring);
    bool fits = reload_certificates_list(&node->storage.certificates, stored->certificate,
                                         self->certificate, answer->certificates,
                                         RELOAD_CERTIFICATES_MAX, &answer->certificate_count);
    return fits ? 0 : RELOAD_E_SPACE;
}

int
reload_handle_fetch(struct reload_node *node, const struct reload_incoming *incoming,
                    struct reload_answer *answer, reload_time now)
{
    struct reload_fetch_req request;
    struct reload_reader reader = reload_reader_of(incoming->message->contents.message_body);
    int error = reload_fetch_req_decode(&reader, &node->wire, &request);
    if (!error && reload_reader_left(&reader))
        error = RELOAD_E_TRAILING;
    if (error)
        return error;
    reload_certificates_begin(&node->storage.certificates);
    struct reload_selection selection = {
        .node = node, .answer = answer, .now = now, .write = write_value};
    return reload_selection_answer(&selection, request.resource, request.specifiers);
}
