/* node_uri.c: Node-IDs in certificates.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/node_uri.h"

#include <assert.h>
#include <stdio.h>
#include <strings.h>

#define SCHEME "reload://"
#define DESTINATION_NODE 1

void
reload_node_uri_format(const struct reload_node_id *node_id, uint8_t length, const char *overlay,
                       char *uri)
{
    size_t at =
        (size_t)snprintf(uri, RELOAD_NODE_URI_MAX, SCHEME "%02x%02x", DESTINATION_NODE, length);
    assert(length <= RELOAD_NODE_ID_SIZE_MAX && strlen(overlay) <= 255);
    for (uint8_t i = 0; i < length; i++)
        at += (size_t)snprintf(uri + at, RELOAD_NODE_URI_MAX - at, "%02x", node_id->octets[i]);
    snprintf(uri + at, RELOAD_NODE_URI_MAX - at, "@%s/", overlay);
}

static int
hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes hex digits up to '@'. Returns how many octets, or SIZE_MAX. */
static size_t
decode_hex(struct reload_bytes *text, uint8_t *octets, size_t capacity)
{
    size_t count = 0;
    while (text->size >= 2 && text->data[0] != '@') {
        int high = hex_digit(text->data[0]), low = hex_digit(text->data[1]);
        if (high < 0 || low < 0 || count == capacity)
            return SIZE_MAX;
        octets[count++] = (uint8_t)(high << 4 | low);
        text->data += 2;
        text->size -= 2;
    }
    if (text->size == 0 || text->data[0] != '@')
        return SIZE_MAX;
    text->data++;
    text->size--;
    return count;
}

int
reload_node_uri_parse(struct reload_bytes uri, const char *overlay, uint8_t length,
                      struct reload_node_id *node_id)
{
    size_t scheme = sizeof SCHEME - 1;
    if (uri.size < scheme || strncasecmp((const char *)uri.data, SCHEME, scheme) != 0)
        return RELOAD_E_CERTIFICATE;
    struct reload_bytes rest = {uri.data + scheme, uri.size - scheme};
    uint8_t octets[2 + RELOAD_NODE_ID_SIZE_MAX];
    size_t count = decode_hex(&rest, octets, sizeof octets);
    const uint8_t *id = octets;
    if (count == 2u + length && octets[0] == DESTINATION_NODE && octets[1] == length)
        id += 2;
    else if (count != length)
        return RELOAD_E_CERTIFICATE;
    if (rest.size > 0 && rest.data[rest.size - 1] == '/')
        rest.size--;
    if (rest.size != strlen(overlay) ||
        strncasecmp((const char *)rest.data, overlay, rest.size) != 0)
        return RELOAD_E_CERTIFICATE;
    struct reload_node_id parsed = reload_node_id_of((struct reload_bytes){id, length});
    if (reload_node_id_is_zero(&parsed) || reload_node_id_is_wildcard(&parsed, length))
        return RELOAD_E_CERTIFICATE;
    *node_id = parsed;
    return 0;
}
