/* wire_samples.c: prints random messages of every kind, framed, in the form that text2pcap reads;
 * before each a comment with what another decoder should find in it.
 *
 * RFC 6940 6.3, 6.6.2, 14.8. SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "reload/base/prng.h"
#include "reload/wire/structures.h"
#include "reload/wire/wire.h"

enum { SAMPLES = 8, ARENA_SIZE = 1 << 14, BUFFER_SIZE = 1 << 16, CODE_MAX = 0x22 };

static const struct reload_wire wire = {.node_id_length = RELOAD_NODE_ID_SIZE_MIN};
static uint8_t arena_memory[ARENA_SIZE], body[BUFFER_SIZE], message_octets[BUFFER_SIZE],
    frame[BUFFER_SIZE];

static void
print_frame(const struct reload_message *message, struct reload_bytes bytes)
{
    printf("#SAMPLE code %u transaction %016llx length %zu\n", message->contents.message_code,
           (unsigned long long)message->header.transaction_id, bytes.size);
    for (size_t i = 0; i < bytes.size; i++) {
        if (i % 16 == 0)
            printf("%s%06zx ", i ? "\n" : "", i);
        printf(" %02x", bytes.data[i]);
    }
    printf("\n");
}

/* Wraps the message as the data of a frame. */
static void
print_message(struct reload_prng *prng, struct reload_message *message)
{
    struct reload_writer writer = reload_writer_of(message_octets, sizeof message_octets);
    reload_message_encode(&writer, &wire, message);
    struct reload_framed_message framed = {.type = RELOAD_FRAMED_MESSAGE_TYPE_DATA};
    framed.data.sequence = (uint32_t)reload_prng_next(prng);
    framed.data.message = reload_writer_written(&writer);
    struct reload_writer out = reload_writer_of(frame, sizeof frame);
    reload_framed_message_encode(&out, &wire, &framed);
    if (writer.failed || out.failed || out.size > 60000)
        abort();
    print_frame(message, reload_writer_written(&out));
}

/* Whether Wireshark can be asked about it: it reads certificates (ours are random octets), and
 * takes the short form of a destination in RouteQueryReq for the long one. */
static bool
is_fair(uint16_t code, const struct reload_structure_value *value)
{
    if (code == RELOAD_MESSAGE_ROUTE_QUERY_REQ)
        return !((const struct reload_route_query_req *)value)->destination.compressed;
    struct reload_bytes kinds = {NULL, 0};
    if (code == RELOAD_MESSAGE_STORE_REQ)
        kinds = ((const struct reload_store_req *)value)->kind_data;
    if (code == RELOAD_MESSAGE_FETCH_ANS)
        kinds = ((const struct reload_fetch_ans *)value)->kind_responses;
    struct reload_reader list = reload_reader_of(kinds);
    struct reload_store_kind_data data; /* a FetchKindResponse has the same form */
    while (reload_store_kind_data_next(&list, &wire, &data))
        if (data.model == RELOAD_DATA_MODEL_ARRAY)
            return false;
    return true;
}

static void
print_sample(struct reload_prng *prng, uint16_t code, const struct reload_structure *structure)
{
    struct reload_message message = {0};
    struct reload_structure_value value;
    struct reload_writer arena = reload_writer_of(arena_memory, sizeof arena_memory);
    struct reload_writer writer = reload_writer_of(body, sizeof body);
    do {
        arena.size = 0;
        arena.capacity = sizeof arena_memory;
        structure->arbitrary(prng, &arena, &wire, 0, &value);
    } while (!is_fair(code, &value));
    structure->encode(&writer, &wire, &value);
    reload_forwarding_header_arbitrary(prng, &arena, &wire, &message.header);
    message.header.fragment = RELOAD_FRAGMENT_WHOLE;
    message.header.transaction_id = reload_prng_next(prng); /* never twice the same */
    message.contents.message_code = code;
    message.contents.message_body = reload_writer_written(&writer);
    struct reload_signature *signature = &message.security.signature;
    signature->algorithm.hash = RELOAD_HASH_ALGORITHM_SHA256;
    signature->algorithm.signature = RELOAD_SIGNATURE_ALGORITHM_RSA;
    signature->identity.identity_type = RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH;
    signature->identity.identity.cert_hash.hash_alg = RELOAD_HASH_ALGORITHM_SHA256;
    uint8_t octets[32 + 256];
    reload_prng_fill(prng, octets, sizeof octets);
    signature->identity.identity.cert_hash.certificate_hash = (struct reload_bytes){octets, 32};
    signature->signature_value = (struct reload_bytes){octets + 32, 256};
    print_message(prng, &message);
}

int
main(void)
{
    struct reload_prng prng = reload_prng_of(6940);
    for (unsigned code = 1; code <= CODE_MAX + 1; code++) {
        uint16_t message_code = code > CODE_MAX ? RELOAD_MESSAGE_ERROR : (uint16_t)code;
        const struct reload_structure *structure = reload_structure_of_message(message_code);
        for (int i = 0; structure && i < SAMPLES; i++)
            print_sample(&prng, message_code, structure);
    }
    return EXIT_SUCCESS;
}
