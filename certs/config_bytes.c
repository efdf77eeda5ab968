/* config_bytes.c: where in a document's bytes an element stands, for its signature.
 *
 * Signatures cover bytes (RFC 6940 11.1), values are read from the tree that libxml2 made of them.
 * Both have to speak of the same element, or somebody could sign one and have another one read: one
 * in a comment, in a processing instruction, in a foreign element, with a prefix. So tags are
 * counted in the bytes as the tree counts elements: the n-th of one is the n-th of the other.
 * libxml2 has accepted the document before, as UTF-8 and without a DTD.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/config_internal.h"

#include <assert.h>

enum tag {
    TAG_NONE, /* no further one */
    TAG_OPEN,
    TAG_CLOSE,
    TAG_EMPTY,
};

/* Moves |rest| behind the next |text|, or to the end. */
static void
skip_behind(struct reload_bytes *rest, const char *text)
{
    const uint8_t *found = memmem(rest->data, rest->size, text, strlen(text));
    const uint8_t *end = rest->data + rest->size;
    const uint8_t *behind = found ? found + strlen(text) : end;
    *rest = (struct reload_bytes){behind, (size_t)(end - behind)};
}

static bool
begins(struct reload_bytes rest, const char *text)
{
    size_t size = strlen(text);
    return rest.size >= size && memcmp(rest.data, text, size) == 0;
}

/* Moves |rest| behind the '>' of the tag that it begins with: one in a quoted value does not count.
 */
static enum tag
skip_tag(struct reload_bytes *rest)
{
    bool closes = begins(*rest, "</");
    uint8_t quote = 0;
    for (size_t i = 1; i < rest->size; i++) {
        uint8_t c = rest->data[i];
        if (quote) {
            quote = c == quote ? 0 : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '>') {
            bool empty = rest->data[i - 1] == '/';
            *rest = (struct reload_bytes){rest->data + i + 1, rest->size - i - 1};
            return closes ? TAG_CLOSE : empty ? TAG_EMPTY : TAG_OPEN;
        }
    }
    return TAG_NONE;
}

/* Finds the next tag in |rest|, notes where it begins, and moves |rest| behind it. */
static enum tag
next_tag(struct reload_bytes *rest, const uint8_t **begin)
{
    static const char *const others[][2] = {{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}};
    while (rest->size > 0) {
        const uint8_t *open = memchr(rest->data, '<', rest->size);
        if (!open)
            return TAG_NONE;
        *rest = (struct reload_bytes){open, (size_t)(rest->data + rest->size - open)};
        size_t i = 0;
        while (i < 3 && !begins(*rest, others[i][0]))
            i++;
        if (i == 3) {
            *begin = open;
            return skip_tag(rest);
        }
        size_t size = strlen(others[i][0]);
        *rest = (struct reload_bytes){rest->data + size, rest->size - size};
        skip_behind(rest, others[i][1]);
    }
    return TAG_NONE;
}

/* The node that follows |node| in document order. */
static const xmlNode *
following(const xmlNode *node)
{
    if (node->children)
        return node->children;
    while (node && !node->next)
        node = node->parent && node->parent->type == XML_ELEMENT_NODE ? node->parent : NULL;
    return node ? node->next : NULL;
}

static size_t
elements_before(const xmlNode *element)
{
    size_t count = 0;
    for (const xmlNode *node = xmlDocGetRootElement(element->doc); node && node != element;
         node = following(node))
        count += node->type == XML_ELEMENT_NODE;
    return count;
}

struct reload_bytes
reload_config_bytes(struct reload_bytes document, const xmlNode *element)
{
    assert(element->type == XML_ELEMENT_NODE);
    size_t before = elements_before(element), depth = 0;
    const uint8_t *begin, *found = NULL;
    for (enum tag tag; (tag = next_tag(&document, &begin)) != TAG_NONE;) {
        if (!found && tag != TAG_CLOSE && before-- == 0)
            found = begin;
        if (!found)
            continue;
        if (tag == TAG_OPEN)
            depth++;
        else if (tag == TAG_CLOSE)
            depth--;
        if (depth == 0)
            return (struct reload_bytes){found, (size_t)(document.data - found)};
    }
    return (struct reload_bytes){NULL, 0};
}
