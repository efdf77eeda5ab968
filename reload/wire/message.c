/* message.c: whole messages, and the rules of the forwarding header that its structure cannot say.
 *
 * RFC 6940 6.3.2-6.3.4, 6.7. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/wire/message.h"

#include "reload/wire/support.h"

static int
list_fail(const struct reload_wire *wire, const struct reload_reader *at, const char *field)
{
    return reload_wire_fail(wire, at, RELOAD_E_MALFORMED, "ForwardingHeader", field);
}

/* RFC6940-6.3.2.2-04: a Via List holds no resources. */
static int
via_list_check(struct reload_reader list, const struct reload_wire *wire)
{
    struct reload_destination entry;
    for (size_t count = 0; reload_reader_left(&list); count++) {
        struct reload_reader at = list;
        int error = reload_destination_decode(&list, wire, &entry);
        if (error)
            return error;
        if (entry.type == RELOAD_DESTINATION_TYPE_RESOURCE || count == RELOAD_DESTINATIONS_MAX)
            return list_fail(wire, &at, "via_list");
    }
    return 0;
}

/* RFC6940-6.3.2.2-04: a Destination List has an entry, a resource only at its end, and a type that
 * nobody knows not where the message goes next. */
static int
destination_list_check(struct reload_reader list, const struct reload_wire *wire)
{
    struct reload_destination entry;
    if (reload_reader_left(&list) == 0)
        return list_fail(wire, &list, "destination_list");
    for (size_t count = 0; reload_reader_left(&list); count++) {
        struct reload_reader at = list;
        int error = reload_destination_decode(&list, wire, &entry);
        if (error)
            return error;
        bool is_known = entry.type <= RELOAD_DESTINATION_TYPE_OPAQUE_ID_TYPE;
        bool is_last = reload_reader_left(&list) == 0;
        if (count == RELOAD_DESTINATIONS_MAX || (count == 0 && !is_known) ||
            (entry.type == RELOAD_DESTINATION_TYPE_RESOURCE && !is_last))
            return list_fail(wire, &at, "destination_list");
    }
    return 0;
}

static int
options_check(struct reload_reader list, const struct reload_wire *wire)
{
    struct reload_forwarding_option option;
    for (size_t count = 0; reload_reader_left(&list); count++) {
        struct reload_reader at = list;
        int error = reload_forwarding_option_decode(&list, wire, &option);
        if (error)
            return error;
        if (count == RELOAD_FORWARDING_OPTIONS_MAX)
            return list_fail(wire, &at, "options");
    }
    return 0;
}

int
reload_forwarding_header_check(const struct reload_reader *reader, const struct reload_wire *wire,
                               const struct reload_forwarding_header *header)
{
    if (header->relo_token != RELOAD_TOKEN) /* RFC6940-6.3.2-01 */
        return reload_wire_fail(wire, reader, RELOAD_E_MALFORMED, "ForwardingHeader", "relo_token");
    int error = via_list_check(reload_reader_sub(reader, header->via_list), wire);
    if (error == 0)
        error = destination_list_check(reload_reader_sub(reader, header->destination_list), wire);
    if (error == 0)
        error = options_check(reload_reader_sub(reader, header->options), wire);
    return error;
}

/* Fails at |offset| octets into the message, where the header's |field| is. */
static int
header_fail(const struct reload_wire *wire, struct reload_bytes bytes, size_t offset, int error,
            const char *field)
{
    struct reload_reader at = reload_reader_of(bytes);
    at.at += offset;
    return reload_wire_fail(wire, &at, error, "ForwardingHeader", field);
}

/* Whether |bytes| may be a message at all: what is none is told by that, not by a list that random
 * lengths broke. What is too short to tell passes. */
static bool
has_token(struct reload_bytes bytes)
{
    struct reload_reader in = reload_reader_of(bytes);
    uint32_t token;
    return reload_reader_u32(&in, &token) != 0 || token == RELOAD_TOKEN;
}

static int
extensions_check(struct reload_reader list, const struct reload_wire *wire)
{
    struct reload_message_extension extension;
    struct reload_reader at = list;
    for (size_t count = 0; reload_message_extension_next(&list, wire, &extension); at = list)
        if (count++ == RELOAD_MESSAGE_EXTENSIONS_MAX)
            return reload_wire_fail(wire, &at, RELOAD_E_MALFORMED, "MessageContents", "extensions");
    return 0;
}

/* The SignerIdentity inside of |signature|, which starts at |at|: behind the two algorithm octets,
 * up to the signature value with its two length octets. */
static struct reload_bytes
signer_identity_bytes(const uint8_t *at, size_t size, const struct reload_signature *signature)
{
    return (struct reload_bytes){at + 2, size - 2 - 2 - signature->signature_value.size};
}

/* Reads contents and security block, up to the end of |in|. */
static int
decode_payload(struct reload_reader *in, const struct reload_wire *wire, struct reload_message *out)
{
    const uint8_t *contents = in->at;
    int error = reload_message_contents_decode(in, wire, &out->contents);
    if (error)
        return error;
    out->contents_bytes = (struct reload_bytes){contents, (size_t)(in->at - contents)};
    error = extensions_check(reload_reader_sub(in, out->contents.extensions), wire);
    if (error)
        return error;
    const uint8_t *security = in->at;
    error = reload_security_block_decode(in, wire, &out->security);
    if (error)
        return error;
    const uint8_t *signature = security + 2 + out->security.certificates.size;
    out->signer_identity_bytes =
        signer_identity_bytes(signature, (size_t)(in->at - signature), &out->security.signature);
    if (reload_reader_left(in))
        return reload_wire_fail(wire, in, RELOAD_E_TRAILING, "SecurityBlock", "signature");
    return 0;
}

int
reload_message_decode(struct reload_bytes bytes, const struct reload_wire *wire,
                      struct reload_message *message)
{
    struct reload_reader in = reload_reader_of(bytes);
    struct reload_message out = {0};
    int error = reload_forwarding_header_decode(&in, wire, &out.header);
    if (error)
        return has_token(bytes) ? error
                                : header_fail(wire, bytes, 0, RELOAD_E_MALFORMED, "relo_token");
    if (out.header.length != bytes.size)
        return header_fail(wire, bytes, 16, RELOAD_E_MALFORMED, "length");
    if (out.header.version != RELOAD_VERSION) { /* RFC6940-6.3.2-04 */
        message->header = out.header;
        return header_fail(wire, bytes, 10, RELOAD_E_VERSION, "version");
    }
    /* RFC6940-6.3.2-09, and the only fragment; the reserved bits do not count. */
    uint32_t fragment = RELOAD_FRAGMENT_WHOLE | RELOAD_FRAGMENT_OFFSET;
    if ((out.header.fragment & fragment) != RELOAD_FRAGMENT_WHOLE)
        return header_fail(wire, bytes, 12, RELOAD_E_MALFORMED, "fragment");
    error = decode_payload(&in, wire, &out);
    if (error)
        return error;
    *message = out;
    return 0;
}

void
reload_message_encode(struct reload_writer *writer, const struct reload_wire *wire,
                      const struct reload_message *message)
{
    size_t start = writer->size;
    reload_forwarding_header_encode(writer, wire, &message->header);
    reload_message_contents_encode(writer, wire, &message->contents);
    reload_security_block_encode(writer, wire, &message->security);
    if (writer->failed)
        return;
    struct reload_writer length = reload_writer_of(writer->data + start + 16, 4);
    reload_writer_uint(&length, 4, writer->size - start);
    writer->failed = length.failed;
}

void
reload_message_signed_parts(const struct reload_message *message,
                            uint8_t head[RELOAD_MESSAGE_SIGNED_HEAD_SIZE],
                            struct reload_bytes parts[RELOAD_MESSAGE_SIGNED_PARTS])
{
    struct reload_writer writer = reload_writer_of(head, RELOAD_MESSAGE_SIGNED_HEAD_SIZE);
    reload_writer_u32(&writer, message->header.overlay);
    reload_writer_u64(&writer, message->header.transaction_id);
    parts[0] = reload_writer_written(&writer);
    parts[1] = message->contents_bytes;
    parts[2] = message->signer_identity_bytes;
}
