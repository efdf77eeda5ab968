/* stun_message.c: a STUN Binding request and what its answer says.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/stun_message.h"

#include "reload/base/reader.h"

#define BINDING_REQUEST 0x0001
#define BINDING_SUCCESS 0x0101
#define CLASS_ANSWER 0x0100 /* success and error responses have this bit, RFC 8489 5 */
#define MAPPED_ADDRESS 0x0001
#define XOR_MAPPED_ADDRESS 0x0020
#define COOKIE_SIZE 4
#define ATTRIBUTES_MAX 32

static const uint8_t cookie[COOKIE_SIZE] = {0x21, 0x12, 0xa4, 0x42};

void
reload_stun_request(const uint8_t *transaction, uint8_t *request)
{
    const uint8_t head[] = {0, BINDING_REQUEST, 0, 0};
    memcpy(request, head, sizeof head);
    memcpy(request + sizeof head, cookie, COOKIE_SIZE);
    memcpy(request + sizeof head + COOKIE_SIZE, transaction, RELOAD_STUN_TRANSACTION_SIZE);
}

bool
reload_stun_is_answer(struct reload_bytes message)
{
    return message.size >= 2 && (message.data[0] & CLASS_ANSWER >> 8) != 0;
}

/* The value of MAPPED-ADDRESS, or of XOR-MAPPED-ADDRESS with the octets to |mask| it with: cookie
 * and transaction (RFC 8489 14.2). */
static int
read_address(struct reload_bytes value, const uint8_t *mask, struct reload_address *address)
{
    uint8_t family = value.size >= 4 ? value.data[1] : 0;
    size_t size = family == 1 ? 4 : family == 2 ? 16 : 0;
    if (size == 0 || value.size != 4 + size)
        return RELOAD_E_MALFORMED;
    *address = (struct reload_address){.family = family == 1 ? 4 : 6};
    address->port = (uint16_t)((value.data[2] ^ mask[0]) << 8 | (value.data[3] ^ mask[1]));
    for (size_t i = 0; i < size; i++)
        address->octets[i] = value.data[4 + i] ^ mask[i];
    return address->port ? 0 : RELOAD_E_MALFORMED;
}

/* One attribute and its padding. */
static int
next_attribute(struct reload_reader *reader, uint16_t *type, struct reload_bytes *value)
{
    uint16_t size;
    if (reload_reader_u16(reader, type) != 0 || reload_reader_u16(reader, &size) != 0)
        return RELOAD_E_MALFORMED;
    size_t padded = (size_t)(size + 3) / 4 * 4;
    if (reload_reader_left(reader) < padded)
        return RELOAD_E_MALFORMED;
    *value = (struct reload_bytes){reader->at, size};
    reader->at += padded;
    return 0;
}

int
reload_stun_answer(struct reload_bytes message, uint8_t *transaction, struct reload_address *seen)
{
    struct reload_reader reader = reload_reader_of(message);
    uint8_t mask[COOKIE_SIZE + RELOAD_STUN_TRANSACTION_SIZE];
    static const uint8_t no_mask[sizeof mask];
    uint16_t type, length;
    if (reload_reader_u16(&reader, &type) != 0 || type != BINDING_SUCCESS ||
        reload_reader_u16(&reader, &length) != 0 ||
        reload_reader_octets(&reader, sizeof mask, mask) != 0 ||
        memcmp(mask, cookie, COOKIE_SIZE) != 0 || reload_reader_left(&reader) != length)
        return RELOAD_E_MALFORMED;
    memcpy(transaction, mask + COOKIE_SIZE, RELOAD_STUN_TRANSACTION_SIZE);
    bool plain = false;
    for (size_t i = 0; i < ATTRIBUTES_MAX && reload_reader_left(&reader) > 0; i++) {
        struct reload_bytes value;
        if (next_attribute(&reader, &type, &value) != 0)
            return RELOAD_E_MALFORMED;
        if (type == XOR_MAPPED_ADDRESS)
            return read_address(value, mask, seen);
        if (type == MAPPED_ADDRESS && !plain && read_address(value, no_mask, seen) == 0)
            plain = true;
    }
    return plain ? 0 : RELOAD_E_MALFORMED;
}
