/* message.h: whole messages: forwarding header, contents and security block.
 *
 * RFC 6940 6.3. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_WIRE_MESSAGE_H
#define RELOAD_WIRE_MESSAGE_H

#include "reload/wire/gen_forwarding.h"
#include "reload/wire/gen_message.h"

#define RELOAD_TOKEN 0xd2454c4fu
#define RELOAD_VERSION 0x0a

/* ForwardingHeader.fragment: two bits and an offset (6.3.2, 6.7). */
#define RELOAD_FRAGMENT_ALWAYS 0x80000000u
#define RELOAD_FRAGMENT_LAST 0x40000000u
#define RELOAD_FRAGMENT_OFFSET 0x00ffffffu
#define RELOAD_FRAGMENT_WHOLE (RELOAD_FRAGMENT_ALWAYS | RELOAD_FRAGMENT_LAST)

/* Octets of a header with empty lists. */
#define RELOAD_FORWARDING_HEADER_SIZE_MIN 38

/* More entries in a Via List or Destination List, options or extensions make a message malformed:
 * no path is that long (initial-ttl is at most 100), and walking them must stay cheap. */
#define RELOAD_DESTINATIONS_MAX 256
#define RELOAD_FORWARDING_OPTIONS_MAX 32
#define RELOAD_MESSAGE_EXTENSIONS_MAX 32

/* A decoded message; everything borrows the buffer that it was decoded from. */
struct reload_message {
    struct reload_forwarding_header header;
    struct reload_message_contents contents;
    struct reload_security_block security;
    struct reload_bytes contents_bytes;        /* MessageContents as encoded: signed */
    struct reload_bytes signer_identity_bytes; /* SignerIdentity as encoded: signed */
};

/* reload_message_decode reads |bytes|, which must be one whole message that is no fragment, with
 * nothing behind it. Does not look at overlay, TTL, configuration sequence or signature, and does
 * not read the message's body.
 * Returns 0; RELOAD_E_VERSION, where |message->header| is filled so that an error can be answered,
 * and nothing else; RELOAD_E_TRUNCATED, RELOAD_E_MALFORMED, RELOAD_E_TRAILING, where |message| is
 * untouched. RFC 6940 6.3.2-6.3.4. */
RELOAD_CHECKED int reload_message_decode(struct reload_bytes bytes, const struct reload_wire *wire,
                                         struct reload_message *message);

/* reload_message_encode writes |message|'s header, contents and security block (not the two
 * |..._bytes|), with header.length set to what is written. */
void reload_message_encode(struct reload_writer *writer, const struct reload_wire *wire,
                           const struct reload_message *message);

#define RELOAD_MESSAGE_SIGNED_PARTS 3
#define RELOAD_MESSAGE_SIGNED_HEAD_SIZE 12

/* reload_message_signed_parts tells what a message's signature covers: overlay || transaction_id,
 * which are written to |head|, MessageContents, SignerIdentity. Uses |message|'s header,
 * |contents_bytes| and |signer_identity_bytes|. RFC 6940 6.3.4. */
void reload_message_signed_parts(const struct reload_message *message,
                                 uint8_t head[RELOAD_MESSAGE_SIGNED_HEAD_SIZE],
                                 struct reload_bytes parts[RELOAD_MESSAGE_SIGNED_PARTS]);

/* reload_message_is_request tells requests (odd codes up to 0x7fff) from answers and errors. */
static inline bool
reload_message_is_request(uint16_t message_code)
{
    return message_code < 0x8000 && message_code % 2 == 1;
}

#endif
