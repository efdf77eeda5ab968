/* sip_adaptor_message.c: SIP messages by libosip2.
 *
 * RFC 3261 7, 8.2.6, 9.1, 17.1.1.3. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_adaptor_message.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* libosip2 writes what it thinks of others' messages to standard output unless told not to. */
static void
ignore_trace(const char *file, int line, osip_trace_level_t level, const char *format, va_list list)
{
    (void)file, (void)line, (void)level, (void)format, (void)list;
}

void
sip_library_init(void)
{
    osip_trace_initialize_func(OSIP_FATAL, ignore_trace);
    for (int level = OSIP_FATAL; level < END_TRACE_LEVEL; level++)
        osip_trace_disable_level((osip_trace_level_t)level);
    parser_init();
}

static bool
is_length_line(const uint8_t *line, size_t size)
{
    const uint8_t *colon = memchr(line, ':', size);
    size_t name = colon ? (size_t)(colon - line) : 0;
    while (name && (line[name - 1] == ' ' || line[name - 1] == '\t'))
        name--;
    return (name == 14 && strncasecmp((const char *)line, "content-length", 14) == 0) ||
           (name == 1 && (*line == 'l' || *line == 'L'));
}

/* libosip2 decodes a user's escapes into C strings: an escaped NUL would end them early. */
static bool
hides_nul(const char *head)
{
    return strstr(head, "%00") != NULL;
}

/* Copies a head without its Content-Length lines. Returns NULL when there is no memory. */
static char *
copy_head(struct reload_bytes head, size_t *size)
{
    char *copy = malloc(head.size + 1);
    *size = 0;
    for (size_t at = 0, next; copy && at < head.size; at = next) {
        const uint8_t *line = head.data + at;
        const uint8_t *feed = memchr(line, '\n', head.size - at);
        assert(feed); /* the head was found by its line ends */
        next = (size_t)(feed + 1 - head.data);
        if (is_length_line(line, next - at))
            continue;
        memcpy(copy + *size, line, next - at);
        *size += next - at;
    }
    if (copy)
        copy[*size] = '\0';
    return copy;
}

static bool
has_uri(const osip_from_t *header)
{
    return header && header->url && header->url->scheme;
}

static bool
is_number(const char *text)
{
    size_t size = text ? strlen(text) : 0;
    return size > 0 && size <= 10 && strspn(text, "0123456789") == size;
}

static bool
has_mandatory_headers(const osip_message_t *head)
{
    const osip_via_t *via = osip_list_get(&head->vias, 0);
    if (!via || !via->host || !via->protocol || osip_list_size(&head->vias) > RELOAD_SIP_VIAS_MAX)
        return false;
    if (!has_uri(head->from) || !has_uri(head->to) || !head->call_id || !head->call_id->number)
        return false;
    return head->cseq && head->cseq->method && is_number(head->cseq->number);
}

static bool
is_acceptable(const osip_message_t *head)
{
    if (!has_mandatory_headers(head) || !head->sip_version ||
        strcasecmp(head->sip_version, "SIP/2.0") != 0)
        return false;
    if (MSG_IS_RESPONSE(head))
        return head->status_code >= 100 && head->status_code <= 699;
    return head->sip_method && head->req_uri && head->req_uri->scheme &&
           strcmp(head->sip_method, head->cseq->method) == 0;
}

int
sip_message_parse(struct reload_bytes bytes, struct sip_message **result)
{
    size_t head_size, body_size, copied;
    bool has_length;
    while (bytes.size && (*bytes.data == '\r' || *bytes.data == '\n'))
        bytes = (struct reload_bytes){bytes.data + 1, bytes.size - 1};
    if (reload_sip_head(bytes, &head_size, &has_length, &body_size) != 0 ||
        head_size > RELOAD_SIP_HEAD_MAX || body_size > bytes.size - head_size)
        return RELOAD_E_MALFORMED;
    if (!has_length)
        body_size = bytes.size - head_size;
    struct sip_message *message = calloc(1, sizeof *message);
    char *head = copy_head((struct reload_bytes){bytes.data, head_size}, &copied);
    uint8_t *body = malloc(body_size + 1);
    if (!message || !head || !body || osip_message_init(&message->head) != 0) {
        free(message);
        free(head);
        free(body);
        return RELOAD_E_NOMEM;
    }
    memcpy(body, bytes.data + head_size, body_size);
    message->body = body;
    message->body_size = body_size;
    bool good = !hides_nul(head) && osip_message_parse(message->head, head, copied) == 0 &&
                is_acceptable(message->head);
    free(head);
    if (!good) {
        sip_message_free(message);
        return RELOAD_E_MALFORMED;
    }
    *result = message;
    return 0;
}

struct sip_message *
sip_message_copy(const struct sip_message *message, bool with_body)
{
    struct sip_message *copy = calloc(1, sizeof *copy);
    if (!copy || osip_message_clone(message->head, &copy->head) != 0) {
        free(copy);
        return NULL;
    }
    copy->body_size = with_body ? message->body_size : 0;
    copy->body = malloc(copy->body_size + 1);
    if (!copy->body) {
        sip_message_free(copy);
        return NULL;
    }
    memcpy(copy->body, message->body, copy->body_size);
    return copy;
}

void
sip_message_free(struct sip_message *message)
{
    if (!message)
        return;
    osip_message_free(message->head);
    free(message->body);
    free(message);
}

/* libosip2 ends each head with the length of the bodies that it knows of: none. */
uint8_t *
sip_message_format(const struct sip_message *message, size_t *size)
{
    static const char ending[] = "Content-Length: 0\r\n\r\n";
    char *text = NULL;
    size_t text_size = 0;
    osip_message_force_update(message->head);
    if (osip_message_to_str(message->head, &text, &text_size) != 0)
        return NULL;
    size_t cut = text_size - (sizeof ending - 1);
    uint8_t *result = NULL;
    if (text_size >= sizeof ending && strcmp(text + cut, ending) == 0)
        result = malloc(cut + 48 + message->body_size);
    if (result) {
        memcpy(result, text, cut);
        int written =
            snprintf((char *)result + cut, 48, "Content-Length: %zu\r\n\r\n", message->body_size);
        *size = cut + (size_t)written;
        memcpy(result + *size, message->body, message->body_size);
        *size += message->body_size;
    }
    osip_free(text);
    return result;
}

bool
sip_message_is(const struct sip_message *message, const char *method)
{
    return message->head->sip_method && strcmp(message->head->sip_method, method) == 0;
}

const char *
sip_message_branch(const struct sip_message *message)
{
    osip_via_t *via = osip_list_get(&message->head->vias, 0);
    osip_generic_param_t *branch = NULL;
    if (via)
        osip_via_param_get_byname(via, (char *)"branch", &branch);
    return branch && branch->gvalue ? branch->gvalue : "";
}

const char *
sip_message_tag(const osip_from_t *header)
{
    osip_generic_param_t *tag = NULL;
    osip_generic_param_get_byname((osip_list_t *)&header->gen_params, (char *)"tag", &tag);
    return tag && tag->gvalue ? tag->gvalue : "";
}

const char *
sip_message_header(const struct sip_message *message, const char *name)
{
    osip_header_t *header = NULL;
    if (osip_message_header_get_byname(message->head, name, 0, &header) < 0 || !header)
        return NULL;
    return header->hvalue;
}

int
sip_message_set_header(struct sip_message *message, const char *name, const char *value)
{
    osip_header_t *header;
    int at;
    while ((at = osip_message_header_get_byname(message->head, name, 0, &header)) >= 0) {
        osip_list_remove(&message->head->headers, at);
        osip_header_free(header);
    }
    return !value || osip_message_set_header(message->head, name, value) == 0 ? 0 : RELOAD_E_NOMEM;
}

int
sip_message_max_forwards(const struct sip_message *message)
{
    const char *value = sip_message_header(message, "max-forwards");
    if (!value)
        return 70;
    if (!is_number(value) || strlen(value) > 3)
        return -1;
    long number = strtol(value, NULL, 10);
    return number <= 255 ? (int)number : -1;
}

uint16_t
sip_port(const char *text)
{
    if (!text)
        return 5060;
    long number = is_number(text) && strlen(text) <= 5 ? strtol(text, NULL, 10) : 0;
    return number <= 65535 ? (uint16_t)number : 0;
}

int
sip_message_push_via(struct sip_message *message, const char *text)
{
    osip_via_t *via;
    if (osip_via_init(&via) != 0)
        return RELOAD_E_NOMEM;
    if (osip_via_parse(via, text) != 0 || osip_list_add(&message->head->vias, via, 0) < 0) {
        osip_via_free(via);
        return RELOAD_E_NOMEM;
    }
    return 0;
}

void
sip_message_pop_via(struct sip_message *message)
{
    osip_via_t *via = osip_list_get(&message->head->vias, 0);
    if (!via)
        return;
    osip_list_remove(&message->head->vias, 0);
    osip_via_free(via);
}

int
sip_message_push_record_route(struct sip_message *message, const char *value)
{
    osip_record_route_t *route;
    if (osip_record_route_init(&route) != 0)
        return RELOAD_E_NOMEM;
    if (osip_record_route_parse(route, value) != 0 ||
        osip_list_add(&message->head->record_routes, route, 0) < 0) {
        osip_record_route_free(route);
        return RELOAD_E_NOMEM;
    }
    return 0;
}

int
sip_message_set_target(struct sip_message *message, const char *text)
{
    osip_uri_t *uri;
    if (osip_uri_init(&uri) != 0)
        return RELOAD_E_NOMEM;
    if (osip_uri_parse(uri, text) != 0) {
        osip_uri_free(uri);
        return RELOAD_E_MALFORMED;
    }
    osip_uri_free(message->head->req_uri);
    message->head->req_uri = uri;
    return 0;
}
