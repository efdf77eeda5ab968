/* sdp.c: session descriptions, line by line.
 *
 * RFC 4566 5, RFC 3605, RFC 8839 5. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sdp.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL "x-reload-relay:"
#define LINE_MAX 512 /* of those that are understood */

/* One line: |whole| with its end, |value| what stands behind the equals sign. */
struct line {
    char type;
    struct reload_bytes whole, value;
};

/* Takes the next line off |text|. Returns 0, RELOAD_E_NOT_FOUND at the end, RELOAD_E_MALFORMED. */
static int
next_line(struct reload_bytes *text, struct line *line)
{
    if (text->size == 0)
        return RELOAD_E_NOT_FOUND;
    const uint8_t *feed = memchr(text->data, '\n', text->size);
    size_t whole = feed ? (size_t)(feed - text->data) + 1 : text->size, size = whole;
    while (size && (text->data[size - 1] == '\n' || text->data[size - 1] == '\r'))
        size--;
    if (size == 1 || (size > 1 && text->data[1] != '=') || memchr(text->data, 0, size))
        return RELOAD_E_MALFORMED;
    line->whole = (struct reload_bytes){text->data, whole};
    line->type = size ? (char)text->data[0] : '\0'; /* an empty line is nothing */
    line->value = size ? (struct reload_bytes){text->data + 2, size - 2}
                       : (struct reload_bytes){text->data, 0};
    *text = (struct reload_bytes){text->data + whole, text->size - whole};
    return 0;
}

/* The value as a string; false when it is longer than anything that is understood. */
static bool
text_of(const struct line *line, char text[LINE_MAX])
{
    if (line->value.size >= LINE_MAX)
        return false;
    memcpy(text, line->value.data, line->value.size);
    text[line->value.size] = '\0';
    return true;
}

static bool
is_attribute(const struct line *line, const char *name)
{
    size_t size = strlen(name);
    return line->type == 'a' && line->value.size >= size &&
           memcmp(line->value.data, name, size) == 0 &&
           (name[size - 1] == ':' || line->value.size == size);
}

/* Reads "IN IP4 192.0.2.1" into |address|, whose port stays. */
static bool
read_address(const char *text, struct reload_address *address)
{
    char family[4], host[64];
    uint8_t octets[16] = {0};
    if (sscanf(text, " IN %3s %63[0-9a-fA-F:.]", family, host) != 2)
        return false;
    bool is_ipv6 = strcmp(family, "IP6") == 0;
    if ((!is_ipv6 && strcmp(family, "IP4") != 0) ||
        inet_pton(is_ipv6 ? AF_INET6 : AF_INET, host, octets) != 1)
        return false;
    address->family = is_ipv6 ? 6 : 4;
    memcpy(address->octets, octets, sizeof octets);
    return true;
}

static void
read_media(const struct line *line, struct reload_sdp_stream *stream)
{
    char text[LINE_MAX], *port_text, *protocol;
    *stream = (struct reload_sdp_stream){.is_relayable = false};
    if (!text_of(line, text) || !(port_text = strchr(text, ' ')) || port_text == text)
        return;
    size_t digits = strspn(port_text + 1, "0123456789");
    if (digits == 0 || digits > 5)
        return;
    unsigned long port = strtoul(port_text + 1, &protocol, 10);
    if (port > 65534 || *protocol != ' ')
        return; /* also one of several ports, 4000/2 */
    stream->rtp.port = (uint16_t)port;
    stream->rtcp.port = (uint16_t)(port ? port + 1 : 0);
    stream->is_relayable = port != 0 && strncmp(protocol, " RTP/", 5) == 0;
}

/* a=rtcp:53020 IN IP6 2001:db8::1; the address may be missing (RFC 3605). */
static void
read_rtcp(const struct line *line, struct reload_address *rtcp)
{
    char text[LINE_MAX], *rest;
    if (!text_of(line, text))
        return;
    unsigned long port = strtoul(text + strlen("rtcp:"), &rest, 10);
    if (port == 0 || port > 65535)
        return;
    rtcp->port = (uint16_t)port;
    (void)read_address(rest, rtcp);
}

static void
read_label(const struct line *line, uint32_t *label)
{
    char text[LINE_MAX], *rest;
    if (!text_of(line, text) || text[strlen(LABEL)] < '1' || text[strlen(LABEL)] > '9')
        return;
    unsigned long value = strtoul(text + strlen(LABEL), &rest, 10);
    if (*rest == '\0' && value <= UINT32_MAX)
        *label = (uint32_t)value;
}

/* What is known of the section that is being read: the session's part or an m-line's. */
struct reading {
    struct reload_sdp *sdp;
    struct reload_address session; /* its c-line */
    struct reload_sdp_stream *stream;
};

static void
set_host(struct reload_address *to, const struct reload_address *from)
{
    to->family = from->family;
    memcpy(to->octets, from->octets, sizeof to->octets);
}

static void
read_connection(struct reading *reading, const struct line *line)
{
    char text[LINE_MAX];
    struct reload_address address = {.family = 0};
    if (!text_of(line, text) || !read_address(text, &address))
        address.family = 0;
    if (reading->sdp->m_lines == 0)
        reading->session = address;
    else if (reading->stream)
        set_host(&reading->stream->rtp, &address);
}

static void
read_line(struct reading *reading, const struct line *line)
{
    struct reload_sdp *sdp = reading->sdp;
    struct reload_sdp_stream *stream = reading->stream;
    if (is_attribute(line, "ice-ufrag:") || is_attribute(line, "candidate:")) {
        sdp->has_ice = true;
    } else if (line->type == 'm') {
        reading->stream = NULL;
        if (sdp->m_lines++ < RELOAD_SDP_STREAMS_MAX) {
            reading->stream = &sdp->streams[sdp->stream_count++];
            read_media(line, reading->stream);
            set_host(&reading->stream->rtp, &reading->session);
        }
    } else if (line->type == 'c') {
        read_connection(reading, line);
    } else if (stream && is_attribute(line, "rtcp:")) {
        read_rtcp(line, &stream->rtcp);
    } else if (stream && is_attribute(line, LABEL)) {
        read_label(line, &stream->label);
    }
}

int
reload_sdp_read(struct reload_bytes text, struct reload_sdp *sdp)
{
    struct reading reading = {.sdp = sdp};
    struct line line;
    int error;
    *sdp = (struct reload_sdp){.has_ice = false};
    if (text.size > RELOAD_SDP_SIZE_MAX)
        return RELOAD_E_TOO_LARGE;
    while ((error = next_line(&text, &line)) == 0)
        read_line(&reading, &line);
    if (error != RELOAD_E_NOT_FOUND)
        return error;
    for (size_t i = 0; i < sdp->stream_count; i++)
        if (sdp->streams[i].rtcp.family == 0)
            set_host(&sdp->streams[i].rtcp, &sdp->streams[i].rtp);
    return 0;
}

bool
reload_sdp_is_any(const struct reload_address *address)
{
    static const uint8_t any[16] = {0};
    return address->family != 0 && memcmp(address->octets, any, sizeof any) == 0;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* |failed| when something did not fit. |stream| is the section's place, SIZE_MAX in the session's
 * part and behind the streams that are looked at. */
struct writing {
    const struct reload_sdp *sdp;
    const struct reload_sdp_change *changes;
    char *out;
    size_t size, capacity;
    bool failed;
    size_t m_lines, stream;
    bool wants_connection, wants_label; /* the section's, not written yet */
    bool all_redirected;                /* the session's address is nobody's any more */
};

static void
put(struct writing *writing, struct reload_bytes bytes)
{
    if (writing->failed || bytes.size > writing->capacity - writing->size) {
        writing->failed = true;
        return;
    }
    memcpy(writing->out + writing->size, bytes.data, bytes.size);
    writing->size += bytes.size;
}

/* The last line of a description may have no end. */
static void
put_line(struct writing *writing, const char *text)
{
    if (writing->size && writing->out[writing->size - 1] != '\n')
        put(writing, reload_bytes_of_string("\r\n"));
    put(writing, reload_bytes_of_string(text));
    put(writing, reload_bytes_of_string("\r\n"));
}

static bool
is_redirected(const struct writing *writing, size_t stream)
{
    return stream < writing->sdp->stream_count && writing->changes[stream].local.family != 0;
}

static void
put_connection(struct writing *writing, const struct reload_address *local)
{
    char host[INET6_ADDRSTRLEN], text[sizeof host + 16];
    bool is_ipv6 = local->family == 6;
    inet_ntop(is_ipv6 ? AF_INET6 : AF_INET, local->octets, host, sizeof host);
    snprintf(text, sizeof text, "c=IN %s %s", is_ipv6 ? "IP6" : "IP4", host);
    put_line(writing, text);
}

/* Writes what has its place before |line| (NULL: the end): the address behind the m-line and its
 * title, the label as the first attribute (RFC 4566 5). */
static void
put_changes(struct writing *writing, const struct line *line)
{
    size_t stream = writing->stream;
    char text[64];
    if (stream >= writing->sdp->stream_count)
        return;
    const struct reload_sdp_change *change = &writing->changes[stream];
    if (writing->wants_connection && (!line || line->type != 'i')) {
        put_connection(writing, &change->local);
        writing->wants_connection = false;
    }
    if (writing->wants_label && (!line || line->type == 'a' || line->type == 'm')) {
        snprintf(text, sizeof text, "a=" LABEL "%lu", (unsigned long)change->label);
        put_line(writing, text);
        writing->wants_label = false;
    }
}

/* The m-line with another port. */
static void
put_media(struct writing *writing, const struct line *line)
{
    const uint8_t *data = line->value.data, *end = data + line->value.size;
    const uint8_t *port = memchr(data, ' ', line->value.size);
    size_t stream = writing->m_lines++;
    bool known = stream < writing->sdp->stream_count;
    writing->stream = stream;
    writing->wants_connection =
        is_redirected(writing, stream) && !reload_sdp_is_any(&writing->sdp->streams[stream].rtp);
    writing->wants_label = known && writing->changes[stream].label;
    if (!is_redirected(writing, stream) || !port) {
        put(writing, line->whole);
        return;
    }
    const uint8_t *behind = port + 1;
    char text[16];
    while (behind < end && *behind >= '0' && *behind <= '9')
        behind++;
    snprintf(text, sizeof text, " %u", (unsigned)writing->changes[stream].local.port);
    put(writing, (struct reload_bytes){line->whole.data, (size_t)(port - line->whole.data)});
    put(writing, reload_bytes_of_string(text));
    put(writing,
        (struct reload_bytes){behind, line->whole.size - (size_t)(behind - line->whole.data)});
}

/* Whether a line goes, because another takes its place or it would not be true any more. */
static bool
is_replaced(const struct writing *writing, const struct line *line)
{
    size_t stream = writing->stream;
    if (is_attribute(line, LABEL))
        return true;
    if (!is_redirected(writing, stream))
        return false;
    return is_attribute(line, "rtcp:") || is_attribute(line, "rtcp-mux") ||
           (line->type == 'c' && !reload_sdp_is_any(&writing->sdp->streams[stream].rtp));
}

static bool
are_all_redirected(const struct writing *writing)
{
    const struct reload_sdp *sdp = writing->sdp;
    bool any = false;
    if (sdp->m_lines > sdp->stream_count)
        return false;
    for (size_t i = 0; i < sdp->stream_count; i++) {
        bool redirected = is_redirected(writing, i) && !reload_sdp_is_any(&sdp->streams[i].rtp);
        if (!redirected && sdp->streams[i].rtp.port != 0)
            return false;
        any |= redirected;
    }
    return any;
}

/* The first address that a stream gets, for the session's c-line. */
static const struct reload_address *
first_local(const struct writing *writing)
{
    size_t i = 0;
    while (writing->changes[i].local.family == 0)
        i++;
    return &writing->changes[i].local;
}

int
reload_sdp_write(struct reload_bytes text, const struct reload_sdp *sdp,
                 const struct reload_sdp_change *changes, char *out, size_t capacity, size_t *size)
{
    struct writing writing = {
        .sdp = sdp, .changes = changes, .out = out, .capacity = capacity, .stream = SIZE_MAX};
    struct line line;
    writing.all_redirected = are_all_redirected(&writing);
    while (next_line(&text, &line) == 0) {
        put_changes(&writing, &line);
        if (line.type == 'm')
            put_media(&writing, &line);
        else if (line.type == 'c' && writing.m_lines == 0 && writing.all_redirected)
            put_connection(&writing, first_local(&writing));
        else if (!is_replaced(&writing, &line))
            put(&writing, line.whole);
    }
    put_changes(&writing, NULL);
    *size = writing.size;
    return writing.failed ? RELOAD_E_TOO_LARGE : 0;
}
