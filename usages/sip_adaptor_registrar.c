/* sip_adaptor_registrar.c: REGISTER of the node's own user: contacts kept here, the address stored
 * in the overlay.
 *
 * RFC 3261 10.3, RFC 7904 3. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_adaptor_state.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define EXPIRES_DEFAULT_S 3600
#define EXPIRES_MIN_S 10

bool
sip_uri_flow(const osip_uri_t *uri, struct sip_flow *flow)
{
    uint8_t octets[16] = {0};
    const char *transport = uri && uri->host ? sip_uri_parameter(uri, "transport") : NULL;
    bool by_tcp = transport && strcasecmp(transport, "tcp") == 0;
    if (!uri || !uri->host || flow->type == SIP_FLOW_LINK ||
        (flow->type == SIP_FLOW_TCP && !by_tcp))
        return false;
    int family = flow->address.family == 6 ? AF_INET6 : AF_INET;
    if (inet_pton(family, uri->host, octets) != 1 ||
        memcmp(octets, flow->address.octets, sizeof octets) != 0)
        return false;
    if (!sip_port(uri->port))
        return false;
    flow->address.port = sip_port(uri->port);
    if (flow->type == SIP_FLOW_UDP && by_tcp)
        *flow =
            (struct sip_flow){.type = SIP_FLOW_TCP, .is_reliable = true, .address = flow->address};
    return true;
}

void
sip_contact_flow(const struct sip_message *message, struct sip_flow *flow)
{
    const osip_contact_t *contact = osip_list_get(&message->head->contacts, 0);
    if (contact)
        (void)sip_uri_flow(contact->url, flow);
}

/* Reads seconds: -1 when it is no number; huge ones are cut. */
static long
seconds(const char *text)
{
    size_t size = strlen(text);
    if (size == 0 || strspn(text, "0123456789") != size)
        return -1;
    return size > 9 ? 999999999 : strtol(text, NULL, 10);
}

/* What one contact asks for, or else the message (10.3 step 7). */
static long
expires_of(const struct sip_message *request, const osip_contact_t *contact)
{
    osip_generic_param_t *parameter = NULL;
    const char *header = sip_message_header(request, "expires");
    if (contact)
        osip_generic_param_get_byname((osip_list_t *)&contact->gen_params, (char *)"expires",
                                      &parameter);
    long value = parameter && parameter->gvalue ? seconds(parameter->gvalue)
                 : header                       ? seconds(header)
                                                : EXPIRES_DEFAULT_S;
    if (value < 0)
        value = EXPIRES_DEFAULT_S;
    return value < RELOAD_SIP_LIFETIME_MAX_S ? value : RELOAD_SIP_LIFETIME_MAX_S;
}

size_t
sip_registrar_bindings(struct reload_sip_adaptor *adaptor, reload_time now,
                       const struct sip_binding *bindings[SIP_BINDINGS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < SIP_BINDINGS_MAX; i++)
        if (adaptor->bindings[i].used && adaptor->bindings[i].until > now)
            bindings[count++] = &adaptor->bindings[i];
    return count;
}

/* What ran out goes. The overlay's record of the address ends with the last of them by itself. */
static void
sweep(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct reload_sip_adaptor *adaptor = owner;
    reload_time next = RELOAD_NEVER;
    (void)alarm;
    for (size_t i = 0; i < SIP_BINDINGS_MAX; i++) {
        struct sip_binding *binding = &adaptor->bindings[i];
        if (binding->used && binding->until <= now)
            binding->used = false;
        if (binding->used && binding->until < next)
            next = binding->until;
    }
    if (next == RELOAD_NEVER)
        reload_alarm_clear(&adaptor->alarms, &adaptor->binding_end);
    else
        (void)!reload_alarm_set(&adaptor->alarms, &adaptor->binding_end, next, sweep);
}

/* A phone that told where it listens is connected again when needed; another is not there. */
void
sip_registrar_lost(struct reload_sip_adaptor *adaptor, const struct sip_flow *flow)
{
    for (size_t i = 0; i < SIP_BINDINGS_MAX && flow->type == SIP_FLOW_TCP; i++) {
        struct sip_binding *binding = &adaptor->bindings[i];
        if (binding->used && binding->flow.type == SIP_FLOW_TCP && !binding->listens &&
            binding->flow.connection == flow->connection)
            binding->used = false;
    }
}

void
sip_registrar_fini(struct reload_sip_adaptor *adaptor)
{
    reload_alarm_clear(&adaptor->alarms, &adaptor->binding_end);
}

/* The 200 with all contacts and what is left of them. */
static void
confirm(struct sip_transaction *transaction, reload_time now)
{
    const struct sip_binding *bindings[SIP_BINDINGS_MAX];
    size_t count = sip_registrar_bindings(transaction->adaptor, now, bindings);
    struct sip_message *response = sip_message_response(transaction->request, 200, "reload");
    for (size_t i = 0; response && i < count; i++) {
        char text[sizeof bindings[i]->uri + 64];
        snprintf(text, sizeof text, "<%s>;expires=%llu", bindings[i]->uri,
                 (unsigned long long)((bindings[i]->until - now) / RELOAD_SECOND));
        if (osip_message_set_contact(response->head, text) != 0)
            break;
    }
    sip_transaction_answer(transaction, 200, response, now);
}

static void
refuse(struct sip_transaction *transaction, int status, reload_time now)
{
    struct sip_message *response = sip_message_response(transaction->request, status, "reload");
    char text[16];
    snprintf(text, sizeof text, "%d", EXPIRES_MIN_S);
    if (response && status == 423)
        (void)!sip_message_set_header(response, "Min-Expires", text);
    if (response && status == 503)
        (void)!sip_message_set_header(response, "Retry-After", "5");
    transaction->adaptor->counters.refused++;
    sip_transaction_answer(transaction, status, response, now);
}

static void
finish(struct reload_sip_adaptor *adaptor, struct sip_transaction *transaction, int error,
       reload_time now)
{
    if (error == 0) {
        adaptor->counters.registers++;
        confirm(transaction, now);
    } else if (error == RELOAD_E_FORBIDDEN) {
        memset(adaptor->bindings, 0, sizeof adaptor->bindings);
        refuse(transaction, 403, now);
    } else {
        refuse(transaction, 503, now);
    }
}

static void
stored(void *argument, int error, reload_time now)
{
    struct reload_sip_adaptor *adaptor = argument;
    struct sip_transaction *transaction = adaptor->registering;
    adaptor->registering = NULL;
    if (transaction)
        finish(adaptor, transaction, error, now);
    while (!adaptor->registering && adaptor->register_queue_size) {
        transaction = sip_transaction_of_number(adaptor, adaptor->register_queue[0]);
        memmove(adaptor->register_queue, adaptor->register_queue + 1,
                --adaptor->register_queue_size * sizeof *adaptor->register_queue);
        if (transaction)
            sip_registrar_request(transaction, now);
    }
    sip_adaptor_arm(adaptor);
}

/* Puts into the overlay what the contacts say now. */
static void
publish(struct sip_transaction *transaction, reload_time now)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    reload_time until = 0;
    for (size_t i = 0; i < SIP_BINDINGS_MAX; i++)
        if (adaptor->bindings[i].used && adaptor->bindings[i].until > until)
            until = adaptor->bindings[i].until;
    adaptor->registering = transaction;
    int error = until > now ? adaptor->ops->register_aor(adaptor->overlay,
                                                         (uint32_t)((until - now) / RELOAD_SECOND),
                                                         stored, adaptor, now)
                            : adaptor->ops->unregister(adaptor->overlay, stored, adaptor, now);
    if (error)
        stored(adaptor, error, now);
}

static struct sip_binding *
find_binding(struct reload_sip_adaptor *adaptor, const char *uri)
{
    for (size_t i = 0; i < SIP_BINDINGS_MAX; i++)
        if (adaptor->bindings[i].used && strcmp(adaptor->bindings[i].uri, uri) == 0)
            return &adaptor->bindings[i];
    return NULL;
}

static struct sip_binding *
free_binding(struct reload_sip_adaptor *adaptor)
{
    for (size_t i = 0; i < SIP_BINDINGS_MAX; i++)
        if (!adaptor->bindings[i].used)
            return &adaptor->bindings[i];
    return NULL;
}

/* Applies one contact. Returns a status, 0 when it is good (10.3 step 7). */
static int
bind_contact(struct sip_transaction *transaction, const osip_contact_t *contact, reload_time now)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    const struct sip_message *request = transaction->request;
    const char *call_id = request->head->call_id->number;
    uint32_t cseq = (uint32_t)strtoul(request->head->cseq->number, NULL, 10);
    long expires = expires_of(request, contact);
    char uri[sizeof adaptor->bindings[0].uri];
    if (!contact->url || sip_uri_text(contact->url, uri, sizeof uri) != 0 ||
        strlen(call_id) >= sizeof adaptor->bindings[0].call_id)
        return 400;
    struct sip_binding *binding = find_binding(adaptor, uri);
    if (binding && strcmp(binding->call_id, call_id) == 0 && cseq < binding->cseq)
        return 500; /* out of order */
    if (expires == 0) {
        if (binding)
            binding->used = false;
        return 0;
    }
    if (expires < EXPIRES_MIN_S)
        return 423;
    binding = binding ? binding : free_binding(adaptor);
    if (!binding)
        return 503;
    *binding = (struct sip_binding){.used = true,
                                    .cseq = cseq,
                                    .flow = transaction->source,
                                    .until = now + (reload_time)expires * RELOAD_SECOND};
    snprintf(binding->uri, sizeof binding->uri, "%s", uri);
    snprintf(binding->call_id, sizeof binding->call_id, "%s", call_id);
    binding->listens = sip_uri_flow(contact->url, &binding->flow);
    return 0;
}

static bool
is_star(const osip_contact_t *contact)
{
    return !contact->url && contact->displayname && strcmp(contact->displayname, "*") == 0;
}

/* Applies all contacts, or none (10.3). Returns a status, 0 when all are good. */
static int
bind_contacts(struct sip_transaction *transaction, reload_time now)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    const osip_list_t *contacts = &transaction->request->head->contacts;
    struct sip_binding before[SIP_BINDINGS_MAX];
    int status = 0, count = osip_list_size(contacts);
    memcpy(before, adaptor->bindings, sizeof before);
    const osip_contact_t *first = osip_list_get(contacts, 0);
    if (first && is_star(first)) {
        if (count != 1 || expires_of(transaction->request, NULL) != 0)
            return 400;
        memset(adaptor->bindings, 0, sizeof adaptor->bindings);
        return 0;
    }
    for (int i = 0; i < count && status == 0; i++)
        status = bind_contact(transaction, osip_list_get(contacts, i), now);
    if (status)
        memcpy(adaptor->bindings, before, sizeof before);
    return status;
}

/* Only the node's own user registers here: others have nodes of their own (D30). */
static bool
is_own(struct sip_transaction *transaction)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    const osip_message_t *head = transaction->request->head;
    const struct reload_aor *own = adaptor->ops->aor(adaptor->overlay);
    struct reload_aor to, from;
    return sip_uri_aor(head->to->url, &to) == 0 && reload_aor_equal(&to, own) &&
           sip_uri_aor(head->from->url, &from) == 0 && reload_aor_equal(&from, own);
}

void
sip_registrar_request(struct sip_transaction *transaction, reload_time now)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    bool is_query = osip_list_size(&transaction->request->head->contacts) == 0;
    if (!adaptor->options.registrar || !is_own(transaction)) {
        refuse(transaction, 403, now);
        return;
    }
    if (!sip_digest_pass(transaction, now))
        return;
    if (is_query) {
        confirm(transaction, now);
        return;
    }
    /* One Store at a time: others wait for it. */
    if (adaptor->registering && adaptor->register_queue_size < SIP_BINDINGS_MAX) {
        adaptor->register_queue[adaptor->register_queue_size++] = transaction->number;
        return;
    }
    int status = adaptor->registering ? 503 : bind_contacts(transaction, now);
    if (status) {
        refuse(transaction, status, now);
        return;
    }
    sweep(&adaptor->binding_end, adaptor, now);
    publish(transaction, now);
}
