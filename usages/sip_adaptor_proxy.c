/* sip_adaptor_proxy.c: requests that arrive: whether they may pass, and where to.
 *
 *   checks (16.3) -> own Routes off (16.4) -> who may send it (D32) -> targets (16.5) -> branches
 *
 * RFC 3261 16, RFC 7904 4.1. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_adaptor_state.h"

#include <stdio.h>
#include <strings.h>

/* What the Routes say that were ours. |token| is whether one held a token of this dialog, sealed by
 * us and brought by one of its two ends; then |phone| is where its phone is. */
struct dialog {
    bool token;
    struct sip_flow phone;
};

static bool
is_sip(const osip_uri_t *uri)
{
    return strcasecmp(uri->scheme, "sip") == 0 || strcasecmp(uri->scheme, "sips") == 0;
}

/* Whether |uri| is where we serve phones. */
static bool
is_local(const struct reload_sip_adaptor *adaptor, const osip_uri_t *uri)
{
    char text[sizeof adaptor->sent_by];
    if (!uri->host)
        return false;
    bool is_ipv6 = strchr(uri->host, ':') != NULL && *uri->host != '[';
    snprintf(text, sizeof text, is_ipv6 ? "[%s]:%s" : "%s:%s", uri->host,
             uri->port ? uri->port : "5060");
    return strcasecmp(text, adaptor->sent_by) == 0;
}

/* Finds the destination in a GRUU. Returns 0, RELOAD_E_NOT_FOUND, RELOAD_E_MALFORMED. */
static int
find_gruu(struct reload_sip_adaptor *adaptor, const osip_uri_t *uri,
          struct reload_sip_destination *destination)
{
    char text[2048];
    if (sip_uri_text(uri, text, sizeof text) != 0)
        return RELOAD_E_MALFORMED;
    return reload_sip_gruu_parse(adaptor->ops->wire(adaptor->overlay), reload_bytes_of_string(text),
                                 destination);
}

static bool
is_own_gruu(struct reload_sip_adaptor *adaptor, const osip_uri_t *uri)
{
    struct reload_sip_destination destination;
    return find_gruu(adaptor, uri, &destination) == 0 &&
           reload_node_id_equal(&destination.node_id, adaptor->ops->node_id(adaptor->overlay));
}

/* Opens a token. It counts when the request comes from the phone's host, or over a link to the node
 * that the other party of the dialog was at. */
static void
open_token(struct sip_transaction *transaction, const char *text, struct dialog *dialog)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    struct sip_flow phone;
    struct reload_node_id node_id;
    struct sip_parties parties = sip_parties_of(transaction->request, !transaction->is_from_link);
    const struct sip_flow *source = &transaction->source;
    if (sip_token_parse(adaptor->secret, text, &parties, &phone, &node_id) != 0)
        return;
    bool same_end = transaction->is_from_link
                        ? reload_node_id_equal(&node_id, &source->node_id)
                        : memcmp(phone.address.octets, source->address.octets, 16) == 0;
    if (same_end)
        *dialog = (struct dialog){.token = true, .phone = phone};
}

/* Takes our own entries off the top of the Route (16.4), those of both sides. */
static void
pop_routes(struct sip_transaction *transaction, struct dialog *dialog)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    osip_list_t *routes = &transaction->request->head->routes;
    osip_route_t *route;
    while ((route = osip_list_get(routes, 0)) && route->url && route->url->host) {
        bool local = is_local(adaptor, route->url);
        if (!local && !is_own_gruu(adaptor, route->url))
            break;
        if (local && route->url->username && !dialog->token)
            open_token(transaction, route->url->username, dialog);
        osip_list_remove(routes, 0);
        osip_route_free(route);
    }
}

/* The user part is the phone's or the link's user in the overlay's own form. */
static bool
is_from(const struct sip_message *request, const char *user)
{
    struct reload_aor from;
    return *user && sip_uri_aor(request->head->from->url, &from) == 0 &&
           strcmp(from.text, user) == 0;
}

/* D32: the phone or link speaks for its own |user|; a gateway's, which the document names, also for
 * people of other domains, never for one of this overlay's. */
static bool
may_speak(struct sip_transaction *transaction, const char *user)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    const struct reload_config *config = adaptor->ops->config(adaptor->overlay);
    const osip_uri_t *uri = transaction->request->head->from->url;
    struct reload_aor from;
    if (is_from(transaction->request, user))
        return true;
    transaction->is_unverified = reload_aor_is_gateway(config, user) &&
                                 sip_uri_aor(uri, &from) == 0 &&
                                 reload_aor_permitted(config, &from) != 0;
    return transaction->is_unverified;
}

/* Adds a branch for each phone that is registered here. */
static void
to_phones(struct sip_transaction *transaction, reload_time now)
{
    const struct sip_binding *bindings[SIP_BINDINGS_MAX];
    size_t count = sip_registrar_bindings(transaction->adaptor, now, bindings);
    for (size_t i = 0; i < count; i++)
        sip_branch_to_phone(transaction, &bindings[i]->flow, bindings[i]->uri, now);
}

/* SIP or SIPS, as the caller says or, if it says nothing, the callee prefers (RFC 7904 5.1).
 * |found| may be this very node: a user who calls the own address. */
static void
to_node(struct sip_transaction *transaction, const struct reload_sip_target *found, bool retarget,
        reload_time now)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    struct reload_sip_target target = *found;
    if (!transaction->request)
        return; /* it was answered while others were tried */
    if (strcasecmp(transaction->request->head->req_uri->scheme, "sips") == 0)
        target.application = RELOAD_APPLICATION_SIPS;
    if (reload_node_id_equal(&target.destination.node_id, adaptor->ops->node_id(adaptor->overlay)))
        to_phones(transaction, now);
    else
        sip_branch_to_node(transaction, &target, retarget, now);
}

static void
to_targets(struct sip_transaction *transaction, const struct reload_sip_target *targets,
           size_t count, reload_time now)
{
    struct reload_aor asked;
    int unknown = sip_uri_aor(transaction->request->head->req_uri, &asked);
    transaction->starting = true;
    for (size_t i = 0; i < count; i++)
        to_node(transaction, &targets[i], unknown || !reload_aor_equal(&asked, &targets[i].aor),
                now);
    transaction->starting = false;
    sip_response_decide(transaction, now);
}

static void
found(void *argument, int error, const struct reload_sip_target *targets, size_t count,
      reload_time now)
{
    struct sip_transaction *transaction = argument;
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    bool absent = error == RELOAD_E_NOT_FOUND;
    transaction->lookup = 0;
    if (error == 0) {
        to_targets(transaction, targets, count, now);
    } else {
        adaptor->counters.not_found += absent;
        adaptor->counters.unreachable += !absent;
        sip_transaction_answer(transaction, absent ? 404 : 480, NULL, now);
    }
    sip_adaptor_arm(adaptor);
}

static void
look_up(struct sip_transaction *transaction, reload_time now)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    char uri[2048];
    int error = sip_uri_text(transaction->request->head->req_uri, uri, sizeof uri);
    if (error == 0)
        error = adaptor->ops->lookup(adaptor->overlay, reload_bytes_of_string(uri),
                                     transaction->deadline, found, transaction, now,
                                     &transaction->lookup);
    if (error == 0)
        return;
    bool absent = error == RELOAD_E_MALFORMED || error == RELOAD_E_FORBIDDEN;
    adaptor->counters.not_found += absent;
    sip_transaction_answer(transaction,
                           absent                   ? 404
                           : error == RELOAD_E_BUSY ? 503
                                                    : 480,
                           NULL, now);
}

/* A destination that is named by the request itself. */
static void
to_gruu(struct sip_transaction *transaction, const struct reload_sip_destination *destination,
        reload_time now)
{
    struct reload_sip_target target = {.destination = *destination,
                                       .application = RELOAD_APPLICATION_SIP};
    transaction->starting = true;
    to_node(transaction, &target, false, now);
    transaction->starting = false;
    sip_response_decide(transaction, now);
}

static void
answer_options(struct sip_transaction *transaction, reload_time now)
{
    static const char *const headers[][2] = {
        {"Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, MESSAGE, INFO, PRACK, UPDATE, "
                  "SUBSCRIBE, NOTIFY, REFER"},
        {"Accept", "*/*"},
    };
    struct sip_message *response = sip_message_response(transaction->request, 200, "reload");
    for (size_t i = 0; response && i < sizeof headers / sizeof *headers; i++)
        if (sip_message_set_header(response, headers[i][0], headers[i][1]) != 0)
            break;
    sip_transaction_answer(transaction, 200, response, now);
}

/* Where a phone's request goes (RFC 7904 4.1). */
static void
route_from_phone(struct sip_transaction *transaction, reload_time now)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    const osip_message_t *head = transaction->request->head;
    osip_route_t *route = osip_list_get(&head->routes, 0);
    struct reload_sip_destination destination;
    const osip_uri_t *next = route ? route->url : head->req_uri;
    int error = find_gruu(adaptor, next, &destination);
    if (error == 0) {
        to_gruu(transaction, &destination, now);
    } else if (!route && is_local(adaptor, head->req_uri) && !head->req_uri->username &&
               sip_message_is(transaction->request, "OPTIONS")) {
        answer_options(transaction, now);
    } else if (route || error == RELOAD_E_MALFORMED) {
        adaptor->counters.not_found++;
        sip_transaction_answer(transaction, 404, NULL, now);
    } else {
        look_up(transaction, now);
    }
}

/* Where a link's request goes: to the phone of its dialog, or to our user's phones; nowhere else.
 */
static void
route_from_link(struct sip_transaction *transaction, const struct dialog *dialog, reload_time now)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    struct reload_aor aor;
    if (dialog->token) {
        sip_branch_to_phone(transaction, &dialog->phone, "", now);
        return;
    }
    if (sip_uri_aor(transaction->request->head->req_uri, &aor) != 0 ||
        !reload_aor_equal(&aor, adaptor->ops->aor(adaptor->overlay))) {
        adaptor->counters.not_found++;
        sip_transaction_answer(transaction, 404, NULL, now);
        return;
    }
    transaction->starting = true;
    to_phones(transaction, now);
    transaction->starting = false;
    sip_response_decide(transaction, now);
}

/* What is wrong with |request| whoever sent it: a status, or 0 (16.3). */
static int
find_fault(struct reload_sip_adaptor *adaptor, const struct sip_message *request)
{
    int max_forwards = sip_message_max_forwards(request);
    if (max_forwards < 0)
        return 400;
    if (!is_sip(request->head->req_uri))
        return 416;
    if (max_forwards == 0)
        return 483;
    if (sip_loop_found(adaptor, request))
        return 482;
    return sip_message_header(request, "proxy-require") ? 420 : 0;
}

static void
refuse(struct sip_transaction *transaction, int status, reload_time now)
{
    transaction->adaptor->counters.refused++;
    struct sip_message *response = NULL;
    const char *required = sip_message_header(transaction->request, "proxy-require");
    if (status == 420 && required) {
        response = sip_message_response(transaction->request, status, "reload");
        if (response)
            (void)!sip_message_set_header(response, "Unsupported", required);
    }
    sip_transaction_answer(transaction, status, response, now);
}

static void
begin(struct sip_transaction *transaction, const char *user, reload_time now)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    struct sip_message *request = transaction->request;
    struct dialog dialog = {.token = false};
    bool is_register = sip_message_is(request, "REGISTER");
    int fault = find_fault(adaptor, request);
    if (fault == 483 && user && sip_message_is(request, "OPTIONS")) {
        answer_options(transaction, now); /* it was for us (16.3 step 3) */
        return;
    }
    if (fault) {
        refuse(transaction, fault, now);
        return;
    }
    if (is_register && !user) {
        sip_registrar_request(transaction, now);
        return;
    }
    pop_routes(transaction, &dialog);
    const char *own = adaptor->ops->aor(adaptor->overlay)->text;
    if (is_register || (!dialog.token && !may_speak(transaction, user ? user : own))) {
        refuse(transaction, 403, now);
        return;
    }
    if (!adaptor->options.proxy) {
        refuse(transaction, 403, now);
        return;
    }
    if (!user && !sip_digest_pass(transaction, now))
        return;
    if (transaction->is_invite)
        sip_transaction_answer(transaction, 100, NULL, now);
    if (user) {
        route_from_link(transaction, &dialog, now);
    } else {
        adaptor->counters.calls_placed += transaction->is_invite && !dialog.token;
        route_from_phone(transaction, now);
    }
}

/* CANCEL is answered by us, and goes on as CANCELs of our own (16.10). */
static void
take_cancel(struct reload_sip_adaptor *adaptor, const struct sip_flow *flow,
            struct sip_transaction *invite, const struct sip_message *request, reload_time now)
{
    sip_answer_stateless(adaptor, flow, request, invite ? 200 : 481, now);
    if (invite)
        sip_transaction_cancel(invite, now);
}

void
sip_proxy_request(struct reload_sip_adaptor *adaptor, const struct sip_flow *flow, const char *user,
                  struct sip_message *request, reload_time now)
{
    struct sip_transaction *known = sip_transaction_find(adaptor, flow, request);
    bool is_ack = sip_message_is(request, "ACK");
    if (sip_message_is(request, "CANCEL")) {
        take_cancel(adaptor, flow, known, request, now);
        sip_message_free(request);
        return;
    }
    /* An ACK with the INVITE's branch is the one for a final answer that we gave (17.1.1.3); that
     * of a 2xx goes on, though old phones give it the same branch. */
    if (known && !(is_ack && known->is_accepted)) {
        sip_transaction_follow(known, flow);
        if (is_ack)
            sip_transaction_acknowledge(known, now);
        else
            sip_transaction_repeat(known, now);
        sip_message_free(request);
        return;
    }
    struct sip_transaction *transaction = sip_transaction_new(adaptor, flow, request, now);
    if (!transaction) {
        adaptor->counters.dropped_busy++;
        sip_answer_stateless(adaptor, flow, request, 503, now);
        sip_message_free(request);
        return;
    }
    begin(transaction, user, now);
}
