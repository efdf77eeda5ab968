/* sip_adaptor_forward.c: the copy of a request that goes on.
 *
 * RFC 3261 16.6; two Record-Routes, one for each side (RFC 5658).
 * SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_adaptor_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNVERIFIED "[unverified]"

/* Requests that begin or refresh a dialog. */
static bool
makes_dialog(const struct sip_message *request)
{
    static const char *const methods[] = {"INVITE", "SUBSCRIBE", "NOTIFY", "REFER"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (sip_message_is(request, methods[i]))
            return true;
    return false;
}

void
sip_loop_seal(struct reload_sip_adaptor *adaptor, const struct sip_message *request,
              uint8_t seal[SIP_TOKEN_SEAL_SIZE])
{
    const osip_message_t *head = request->head;
    char target[1024] = "";
    (void)!sip_uri_text(head->req_uri, target, sizeof target);
    struct reload_bytes parts[] = {
        reload_bytes_of_string(target),
        reload_bytes_of_string(head->call_id->number),
        reload_bytes_of_string(head->cseq->number),
        reload_bytes_of_string(head->cseq->method),
        reload_bytes_of_string(sip_message_tag(head->from)),
        reload_bytes_of_string(sip_message_tag(head->to)),
    };
    if (sip_seal(adaptor->secret, parts, sizeof parts / sizeof *parts, seal) != 0)
        memset(seal, 0, SIP_TOKEN_SEAL_SIZE);
}

/* Only our own branches hold a seal made with our secret. A request that comes back with another
 * target spirals, which is allowed. */
bool
sip_loop_found(struct reload_sip_adaptor *adaptor, const struct sip_message *request)
{
    uint8_t seal[SIP_TOKEN_SEAL_SIZE];
    char text[32] = "z9hG4bK";
    sip_loop_seal(adaptor, request, seal);
    sip_hex_format(seal, 8, text + 7);
    for (int i = 0; i < osip_list_size(&request->head->vias); i++) {
        osip_via_t *via = osip_list_get(&request->head->vias, i);
        osip_generic_param_t *branch = NULL;
        osip_via_param_get_byname(via, (char *)"branch", &branch);
        if (branch && branch->gvalue && strncmp(branch->gvalue, text, 23) == 0)
            return true;
    }
    return false;
}

static int
push_local_route(const struct sip_branch *branch, struct sip_message *copy,
                 const struct sip_flow *phone, const struct reload_node_id *node_id, bool by_phone)
{
    struct reload_sip_adaptor *adaptor = branch->transaction->adaptor;
    char token[SIP_TOKEN_MAX], value[SIP_TOKEN_MAX + 128];
    struct sip_parties parties = sip_parties_of(copy, by_phone);
    int error = sip_token_format(adaptor->secret, phone, node_id, &parties, token);
    if (error)
        return error;
    snprintf(value, sizeof value, "<sip:%s@%s%s;lr>", token, adaptor->sent_by,
             phone->type == SIP_FLOW_TCP ? ";transport=tcp" : "");
    return sip_message_push_record_route(copy, value);
}

static int
push_overlay_route(const struct sip_branch *branch, struct sip_message *copy)
{
    struct reload_sip_adaptor *adaptor = branch->transaction->adaptor;
    const struct reload_sip_destination self = reload_sip_destination_of_node(
        adaptor->ops->wire(adaptor->overlay), adaptor->ops->node_id(adaptor->overlay));
    char uri[SIP_AOR_URI_MAX], parameter[RELOAD_SIP_GRUU_PARAMETER_MAX];
    char value[sizeof uri + sizeof parameter + 16];
    sip_aor_uri(adaptor->ops->aor(adaptor->overlay), uri);
    reload_sip_gruu_format(&self, parameter);
    snprintf(value, sizeof value, "<%s;gr=%s;lr>", uri, parameter);
    return sip_message_push_record_route(copy, value);
}

/* The side that a request came from is at the bottom. Between two phones of this node there is
 * nothing to be found again. */
static int
push_record_routes(const struct sip_branch *branch, struct sip_message *copy)
{
    const struct sip_transaction *transaction = branch->transaction;
    int error = 0;
    if (branch->flow.type == SIP_FLOW_LINK) {
        struct sip_flow phone = transaction->source;
        sip_contact_flow(copy, &phone);
        error = push_local_route(branch, copy, &phone, &branch->flow.node_id, true);
        return error ? error : push_overlay_route(branch, copy);
    }
    if (!transaction->is_from_link)
        return 0;
    error = push_overlay_route(branch, copy);
    return error
               ? error
               : push_local_route(branch, copy, &branch->flow, &transaction->source.node_id, false);
}

/* DTLS has no name of its own for a Via; what matters to a reader is that it is secured. */
static int
push_via(const struct sip_branch *branch, struct sip_message *copy)
{
    struct reload_sip_adaptor *adaptor = branch->transaction->adaptor;
    static const char *const names[] = {"UDP", "TCP", "TLS"};
    bool is_link = branch->flow.type == SIP_FLOW_LINK;
    char via[sizeof adaptor->overlay_host + RELOAD_SIP_BRANCH_MAX + 64];
    snprintf(via, sizeof via, "SIP/2.0/%s %s;branch=%s%s", names[branch->flow.type],
             is_link ? adaptor->overlay_host : adaptor->sent_by, branch->id,
             branch->flow.type == SIP_FLOW_UDP ? ";rport" : "");
    return sip_message_push_via(copy, via);
}

/* Who somebody claims to be beside From is for networks that trust each other (attack row U8). */
static int
drop_claims(struct sip_message *copy)
{
    static const char *const names[] = {"P-Asserted-Identity", "P-Preferred-Identity",
                                        "Remote-Party-ID"};
    int error = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names && error == 0; i++)
        error = sip_message_set_header(copy, names[i], NULL);
    return error;
}

/* Display names are what every phone shows, so that is where the person who is called can see that
 * nobody proved who calls. Dialogs are found by tags, which stay. */
static int
mark_unverified(struct sip_message *copy)
{
    osip_from_t *from = copy->head->from;
    const char *name = from->displayname ? from->displayname : "";
    size_t size = strlen(name), capacity = size + sizeof "\"" UNVERIFIED " \"";
    bool quoted = size >= 2 && name[0] == '"' && name[size - 1] == '"';
    char *marked = osip_malloc(capacity);
    if (!marked)
        return RELOAD_E_NOMEM;
    if (quoted)
        snprintf(marked, capacity, "\"" UNVERIFIED " %.*s\"", (int)size - 2, name + 1);
    else
        snprintf(marked, capacity, "\"" UNVERIFIED "%s%s\"", *name ? " " : "", name);
    osip_free(from->displayname);
    from->displayname = marked;
    return 0;
}

static int
dress(const struct sip_branch *branch, struct sip_message *copy)
{
    char hops[16];
    snprintf(hops, sizeof hops, "%d", sip_message_max_forwards(copy) - 1);
    int error = sip_message_set_header(copy, "Max-Forwards", hops);
    if (error == 0)
        error = drop_claims(copy);
    if (error == 0 && branch->transaction->is_unverified && branch->flow.type != SIP_FLOW_LINK)
        error = mark_unverified(copy);
    if (error == 0 && *branch->uri)
        error = sip_message_set_target(copy, branch->uri);
    if (error == 0 && makes_dialog(copy))
        error = push_record_routes(branch, copy);
    return error ? error : push_via(branch, copy);
}

struct sip_message *
sip_forward_copy(struct sip_branch *branch)
{
    const struct sip_message *request = branch->transaction->request;
    struct sip_message *copy = request ? sip_message_copy(request, true) : NULL;
    if (copy && dress(branch, copy) != 0) {
        sip_message_free(copy);
        return NULL;
    }
    return copy;
}
