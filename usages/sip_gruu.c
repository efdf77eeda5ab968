/* sip_gruu.c: destination lists inside of URIs.
 *
 * RFC 7904 6: base64 (RFC 4648, table 1) with "~" for "=". SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_registration.h"

#include <assert.h>
#include <strings.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int
digit_of(uint8_t octet)
{
    const char *at = octet ? strchr(alphabet, octet) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

/* Decodes |text| strictly: whole groups, padding only at the end and with zero bits in front of
 * it, so that a destination has a single spelling. Returns 0 or RELOAD_E_MALFORMED. */
static int
decode(struct reload_bytes text, uint8_t *octets, size_t capacity, size_t *size)
{
    *size = 0;
    if (text.size == 0 || text.size % 4 != 0 || text.size / 4 * 3 > capacity)
        return RELOAD_E_MALFORMED;
    for (size_t i = 0; i < text.size; i += 4) {
        bool last = i + 4 == text.size;
        size_t padding = !last || text.data[i + 3] != '~' ? 0 : text.data[i + 2] == '~' ? 2 : 1;
        uint32_t group = 0;
        for (size_t k = 0; k < 4; k++) {
            int digit = k < 4 - padding ? digit_of(text.data[i + k]) : 0;
            if (digit < 0)
                return RELOAD_E_MALFORMED;
            group = group << 6 | (uint32_t)digit;
        }
        if (padding && group & ((1u << 8 * padding) - 1))
            return RELOAD_E_MALFORMED;
        for (size_t k = 0; k < 3 - padding; k++)
            octets[(*size)++] = (uint8_t)(group >> (16 - 8 * k));
    }
    return 0;
}

/* Finds the value of URI parameter "gr" behind the host; the user part may hold ";" too. */
static bool
find_parameter(struct reload_bytes uri, struct reload_bytes *value)
{
    const uint8_t *end = uri.data + uri.size;
    const uint8_t *at = uri.size ? memchr(uri.data, '@', uri.size) : NULL;
    while (at && at < end && (at = memchr(at, ';', (size_t)(end - at)))) {
        const uint8_t *stop = ++at;
        while (stop < end && *stop != ';' && *stop != '?')
            stop++;
        if (stop - at > 3 && strncasecmp((const char *)at, "gr=", 3) == 0) {
            *value = (struct reload_bytes){at + 3, (size_t)(stop - at - 3)};
            return true;
        }
        at = stop < end && *stop == ';' ? stop : NULL;
    }
    return false;
}

int
reload_sip_gruu_parse(const struct reload_wire *wire, struct reload_bytes uri,
                      struct reload_sip_destination *destination)
{
    struct reload_bytes value;
    uint8_t octets[RELOAD_SIP_DESTINATION_LIST_MAX];
    size_t size;
    if (!find_parameter(uri, &value))
        return RELOAD_E_NOT_FOUND;
    if (decode(value, octets, sizeof octets, &size) != 0)
        return RELOAD_E_MALFORMED;
    return reload_sip_destination_parse(wire, (struct reload_bytes){octets, size}, destination);
}

void
reload_sip_gruu_format(const struct reload_sip_destination *destination,
                       char text[RELOAD_SIP_GRUU_PARAMETER_MAX])
{
    size_t at = 0;
    for (size_t i = 0; i < destination->size; i += 3) {
        size_t left = destination->size - i < 3 ? destination->size - i : 3;
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < left ? destination->list[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            text[at++] = k <= left ? alphabet[group >> (18 - 6 * k) & 63] : '~';
    }
    assert(at < RELOAD_SIP_GRUU_PARAMETER_MAX);
    text[at] = '\0';
}
