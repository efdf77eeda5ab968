/* sip_adaptor_derive.c: responses, ACK and CANCEL made from a request; URIs.
 *
 * RFC 3261 8.2.6, 9.1, 17.1.1.3, 19.1. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_adaptor_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static struct sip_message *
message_new(void)
{
    struct sip_message *message = calloc(1, sizeof *message);
    if (!message || osip_message_init(&message->head) != 0) {
        free(message);
        return NULL;
    }
    message->body = calloc(1, 1);
    message->head->sip_version = osip_strdup("SIP/2.0");
    if (!message->body || !message->head->sip_version) {
        sip_message_free(message);
        return NULL;
    }
    return message;
}

static int
clone_via(void *via, void **copy)
{
    return osip_via_clone(via, (osip_via_t **)copy);
}

static int
clone_route(void *route, void **copy)
{
    return osip_from_clone(route, (osip_from_t **)copy);
}

/* Copies From, To, Call-ID and the number of CSeq. */
static bool
copy_dialog(const osip_message_t *from, osip_message_t *to, const char *method)
{
    if (osip_from_clone(from->from, &to->from) != 0 || osip_to_clone(from->to, &to->to) != 0 ||
        osip_call_id_clone(from->call_id, &to->call_id) != 0 ||
        osip_cseq_clone(from->cseq, &to->cseq) != 0)
        return false;
    char *copy = osip_strdup(method);
    osip_free(to->cseq->method);
    to->cseq->method = copy;
    return copy != NULL;
}

static bool
add_tag(osip_to_t *to, const char *tag)
{
    if (!tag || *sip_message_tag(to))
        return true;
    char *copy = osip_strdup(tag);
    return copy && osip_to_set_tag(to, copy) == 0;
}

struct sip_message *
sip_message_response(const struct sip_message *request, int status, const char *to_tag)
{
    struct sip_message *response = message_new();
    if (!response)
        return NULL;
    const char *reason = osip_message_get_reason(status);
    osip_message_t *head = response->head;
    head->status_code = status;
    head->reason_phrase = osip_strdup(reason ? reason : "Unknown");
    if (!head->reason_phrase || !copy_dialog(request->head, head, request->head->cseq->method) ||
        osip_list_clone(&request->head->vias, &head->vias, clone_via) != 0 ||
        !add_tag(head->to, to_tag)) {
        sip_message_free(response);
        return NULL;
    }
    return response;
}

struct sip_message *
sip_message_derive(const struct sip_message *request, const struct sip_message *response)
{
    const char *method = response ? "ACK" : "CANCEL";
    const osip_message_t *from = request->head;
    struct sip_message *derived = message_new();
    if (!derived)
        return NULL;
    osip_message_t *head = derived->head;
    osip_via_t *via = NULL;
    head->sip_method = osip_strdup(method);
    bool good = head->sip_method && copy_dialog(from, head, method) &&
                osip_uri_clone(from->req_uri, &head->req_uri) == 0 &&
                osip_list_clone(&from->routes, &head->routes, clone_route) == 0 &&
                osip_via_clone(osip_list_get(&from->vias, 0), &via) == 0 &&
                osip_list_add(&head->vias, via, 0) >= 0 &&
                sip_message_set_header(derived, "Max-Forwards", "70") == 0;
    if (good && response) {
        osip_to_free(head->to);
        head->to = NULL;
        good = osip_to_clone(response->head->to, &head->to) == 0;
    }
    if (!good) {
        sip_message_free(derived);
        return NULL;
    }
    return derived;
}

int
sip_uri_text(const osip_uri_t *uri, char *text, size_t capacity)
{
    char *written = NULL;
    if (!uri || osip_uri_to_str(uri, &written) != 0 || !written)
        return RELOAD_E_MALFORMED;
    size_t size = strlen(written);
    if (size < capacity)
        memcpy(text, written, size + 1);
    osip_free(written);
    return size < capacity ? 0 : RELOAD_E_MALFORMED;
}

int
sip_uri_aor(const osip_uri_t *uri, struct reload_aor *aor)
{
    char text[2 * SIP_AOR_URI_MAX];
    if (!uri || !uri->scheme ||
        (strcasecmp(uri->scheme, "sip") != 0 && strcasecmp(uri->scheme, "sips") != 0))
        return RELOAD_E_MALFORMED;
    if (sip_uri_text(uri, text, sizeof text) != 0)
        return RELOAD_E_MALFORMED;
    return reload_aor_parse(reload_bytes_of_string(text), aor);
}

const char *
sip_uri_parameter(const osip_uri_t *uri, const char *name)
{
    osip_uri_param_t *parameter = NULL;
    osip_uri_param_get_byname((osip_list_t *)&uri->url_params, (char *)name, &parameter);
    if (!parameter)
        return NULL;
    return parameter->gvalue ? parameter->gvalue : "";
}

/* Escapes what RFC 3261 25.1 does not let stand in a user part. */
void
sip_aor_uri(const struct reload_aor *aor, char text[SIP_AOR_URI_MAX])
{
    static const char plain[] = "-_.!~*'()&=+$,;?/";
    size_t at = (size_t)snprintf(text, SIP_AOR_URI_MAX, "sip:");
    for (size_t i = 0; i < aor->size; i++) {
        unsigned char octet = (unsigned char)aor->text[i];
        bool letter = (octet >= '0' && octet <= '9') || (octet >= 'a' && octet <= 'z') ||
                      (octet >= 'A' && octet <= 'Z');
        if (letter || i + 1 >= aor->host || strchr(plain, octet))
            text[at++] = (char)octet;
        else
            at += (size_t)snprintf(text + at, 4, "%%%02X", octet);
    }
    text[at] = '\0';
}
