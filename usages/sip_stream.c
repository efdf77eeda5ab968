/* sip_stream.c: SIP's framing on TCP and TLS.
 *
 * RFC 3261 18.3. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_stream.h"

#include <assert.h>
#include <strings.h>

#define LINES_MAX 256
#define CAPACITY_MIN 2048

/* Reads a Content-Length line's value, blanks around it. Returns 0 or RELOAD_E_MALFORMED. */
static int
read_length(const uint8_t *at, const uint8_t *end, size_t *length)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    while (at < end && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    if (at == end || end - at > 9)
        return RELOAD_E_MALFORMED;
    for (*length = 0; at < end; at++) {
        if (*at < '0' || *at > '9')
            return RELOAD_E_MALFORMED;
        *length = *length * 10 + (size_t)(*at - '0');
    }
    return 0;
}

/* Whether the line is a Content-Length header; |*value| then is what stands behind the colon. */
static bool
is_length(const uint8_t *at, const uint8_t *end, const uint8_t **value)
{
    static const char *const names[] = {"content-length", "l"};
    const uint8_t *colon = memchr(at, ':', (size_t)(end - at));
    if (!colon)
        return false;
    *value = colon + 1;
    while (colon > at && (colon[-1] == ' ' || colon[-1] == '\t'))
        colon--;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if ((size_t)(colon - at) == strlen(names[i]) &&
            strncasecmp((const char *)at, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

int
reload_sip_head(struct reload_bytes bytes, size_t *head_size, bool *has_length, size_t *body_size)
{
    const uint8_t *at = bytes.data, *end = bytes.size ? bytes.data + bytes.size : bytes.data;
    size_t length = 0;
    bool found = false;
    for (unsigned lines = 0; at < end; lines++) {
        const uint8_t *feed = memchr(at, '\n', (size_t)(end - at)), *value;
        if (lines == LINES_MAX || memchr(at, '\0', (size_t)((feed ? feed : end) - at)))
            return RELOAD_E_MALFORMED;
        if (!feed)
            return RELOAD_E_TRUNCATED;
        if (feed == at || (feed == at + 1 && *at == '\r')) {
            *head_size = (size_t)(feed + 1 - bytes.data);
            *has_length = found;
            *body_size = length;
            return 0;
        }
        if (is_length(at, feed, &value)) {
            size_t other = 0;
            if (read_length(value, feed, &other) != 0 || (found && other != length))
                return RELOAD_E_MALFORMED;
            length = other;
            found = true;
        }
        at = feed + 1;
    }
    return RELOAD_E_TRUNCATED;
}

int
reload_sip_stream_put(struct reload_sip_stream *stream, const struct reload_env *env,
                      struct reload_bytes bytes)
{
    /* A driver hands over at most a record or a read buffer: one message and what follows it. */
    if (bytes.size > RELOAD_SIP_MESSAGE_MAX ||
        stream->size + bytes.size > 2 * RELOAD_SIP_MESSAGE_MAX)
        return RELOAD_E_TOO_LARGE;
    if (stream->size + bytes.size > stream->capacity) {
        size_t capacity = stream->capacity ? stream->capacity : CAPACITY_MIN;
        while (capacity < stream->size + bytes.size)
            capacity *= 2;
        uint8_t *data = env->allocate(env->context, stream->data, capacity);
        if (!data)
            return RELOAD_E_NOMEM;
        stream->data = data;
        stream->capacity = capacity;
    }
    if (bytes.size)
        memcpy(stream->data + stream->size, bytes.data, bytes.size);
    stream->size += bytes.size;
    return 0;
}

int
reload_sip_stream_next(struct reload_sip_stream *stream, unsigned *pings,
                       struct reload_bytes *message)
{
    size_t blank = 0, head_size = 0, body_size = 0;
    bool has_length = false;
    while (blank < stream->size && (stream->data[blank] == '\r' || stream->data[blank] == '\n'))
        blank++;
    /* A double CRLF that is not cut in two is a ping; line ends at the very end wait for more. */
    size_t whole = blank == stream->size ? blank - blank % 4 : blank;
    if (pings)
        *pings += (unsigned)(whole / 4);
    reload_sip_stream_done(stream, whole);
    if (stream->size == 0 || blank > whole)
        return RELOAD_E_TRUNCATED;
    int error = reload_sip_head((struct reload_bytes){stream->data, stream->size}, &head_size,
                                &has_length, &body_size);
    if (error == RELOAD_E_TRUNCATED && stream->size > RELOAD_SIP_HEAD_MAX)
        return RELOAD_E_TOO_LARGE;
    if (error)
        return error;
    if (head_size > RELOAD_SIP_HEAD_MAX || body_size > RELOAD_SIP_MESSAGE_MAX - head_size)
        return RELOAD_E_TOO_LARGE;
    if (stream->size < head_size + body_size)
        return RELOAD_E_TRUNCATED;
    *message = (struct reload_bytes){stream->data, head_size + body_size};
    return 0;
}

void
reload_sip_stream_done(struct reload_sip_stream *stream, size_t size)
{
    assert(size <= stream->size);
    stream->size -= size;
    if (stream->size && size)
        memmove(stream->data, stream->data + size, stream->size);
}

void
reload_sip_stream_fini(struct reload_sip_stream *stream, const struct reload_env *env)
{
    if (stream->data)
        (void)env->allocate(env->context, stream->data, 0);
    *stream = (struct reload_sip_stream){.data = NULL};
}
