/* aor.c: the canonical form of an Address of Record.
 *
 * RFC 3261 19.1.1 and 25.1 (user, hostname), RFC 7904 7. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/aor.h"

#include <strings.h>

/* The overlay never depends on the locale: ASCII by hand. */
static bool
is_digit(uint8_t octet)
{
    return octet >= '0' && octet <= '9';
}

static bool
is_letter(uint8_t octet)
{
    return (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z');
}

static int
hex_value(uint8_t octet)
{
    if (is_digit(octet))
        return octet - '0';
    if (octet >= 'a' && octet <= 'f')
        return octet - 'a' + 10;
    if (octet >= 'A' && octet <= 'F')
        return octet - 'A' + 10;
    return -1;
}

/* What may stand in a decoded user part: visible ASCII, but nothing that would end the user part,
 * or start an escape, when the form is read again. */
static bool
is_user_octet(uint8_t octet)
{
    return octet > 0x20 && octet < 0x7f && !memchr("@%:<>\"\\", octet, 7);
}

static int
append(struct reload_aor *aor, uint8_t octet)
{
    if (aor->size == RELOAD_AOR_SIZE_MAX)
        return RELOAD_E_MALFORMED;
    aor->text[aor->size++] = (char)octet;
    return 0;
}

static struct reload_bytes
without_scheme(struct reload_bytes text)
{
    static const char *const schemes[] = {"sip:", "sips:"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t size = strlen(schemes[i]);
        if (text.size >= size && strncasecmp((const char *)text.data, schemes[i], size) == 0)
            return (struct reload_bytes){text.data + size, text.size - size};
    }
    return text;
}

static int
append_user(struct reload_aor *aor, struct reload_bytes user)
{
    if (user.size == 0)
        return RELOAD_E_MALFORMED;
    for (size_t i = 0; i < user.size; i++) {
        uint8_t octet = user.data[i];
        if (octet == '%') {
            if (user.size - i < 3 || hex_value(user.data[i + 1]) < 0 ||
                hex_value(user.data[i + 2]) < 0)
                return RELOAD_E_MALFORMED;
            octet = (uint8_t)(hex_value(user.data[i + 1]) << 4 | hex_value(user.data[i + 2]));
            i += 2;
        }
        if (!is_user_octet(octet) || append(aor, octet))
            return RELOAD_E_MALFORMED;
    }
    return 0;
}

/* Labels of letters, digits and hyphens between single dots; a final dot is dropped. */
static int
append_host(struct reload_aor *aor, struct reload_bytes host)
{
    if (host.size && host.data[host.size - 1] == '.')
        host.size--;
    if (host.size == 0)
        return RELOAD_E_MALFORMED;
    for (size_t i = 0; i < host.size; i++) {
        uint8_t octet = host.data[i];
        bool at_edge =
            i == 0 || i + 1 == host.size || host.data[i - 1] == '.' || host.data[i + 1] == '.';
        bool plain = is_letter(octet) || is_digit(octet);
        if (!plain && (at_edge || (octet != '-' && octet != '.')))
            return RELOAD_E_MALFORMED;
        if (append(aor, is_letter(octet) ? (uint8_t)(octet | 0x20) : octet))
            return RELOAD_E_MALFORMED;
    }
    return 0;
}

/* Splits "host:port;parameters?headers" at the host's end, and looks at the port. */
static int
cut_host(struct reload_bytes rest, struct reload_bytes *host)
{
    size_t size = 0;
    while (size < rest.size && !memchr(":;?", rest.data[size], 3))
        size++;
    *host = (struct reload_bytes){rest.data, size};
    if (size == rest.size || rest.data[size] != ':')
        return 0;
    size_t port = ++size;
    while (size < rest.size && is_digit(rest.data[size]))
        size++;
    if (size == port || size - port > 5)
        return RELOAD_E_MALFORMED;
    return size == rest.size || memchr(";?", rest.data[size], 2) ? 0 : RELOAD_E_MALFORMED;
}

int
reload_aor_parse(struct reload_bytes text, struct reload_aor *aor)
{
    struct reload_aor result = {.size = 0};
    struct reload_bytes rest = without_scheme(text), host;
    const uint8_t *at = rest.size ? memchr(rest.data, '@', rest.size) : NULL;
    if (!at)
        return RELOAD_E_MALFORMED;
    struct reload_bytes user = {rest.data, (size_t)(at - rest.data)};
    rest = (struct reload_bytes){at + 1, rest.size - user.size - 1};
    if (append_user(&result, user) || append(&result, '@'))
        return RELOAD_E_MALFORMED;
    result.host = result.size;
    if (cut_host(rest, &host) || append_host(&result, host))
        return RELOAD_E_MALFORMED;
    result.text[result.size] = '\0';
    *aor = result;
    return 0;
}

bool
reload_aor_equal(const struct reload_aor *a, const struct reload_aor *b)
{
    return reload_bytes_equal(reload_aor_bytes(a), reload_aor_bytes(b));
}

struct reload_bytes
reload_aor_bytes(const struct reload_aor *aor)
{
    return (struct reload_bytes){(const uint8_t *)aor->text, aor->size};
}
