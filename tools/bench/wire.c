/* wire.c: reload-bench wire: what decoding costs, beside a memcpy and a SHA-256 of the same bytes.
 *
 * RFC 6940 6.3, 7.4.1.1. SPDX-License-Identifier: BSD-2-Clause */
#include <malloc.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "reload/base/json.h"
#include "reload/wire/wire.h"
#include "tools/bench/bench.h"

enum { MESSAGE_SIZE = 2048, VALUE_COUNT = 4, CERTIFICATE_SIZE = 600, BUDGET_NS = 400000000 };

static const struct reload_wire wire = {.node_id_length = 16};

/* The message that all is measured on, and where results go, lest they are optimised away. */
struct sample {
    uint8_t octets[2 * MESSAGE_SIZE];
    uint8_t copy[2 * MESSAGE_SIZE];
    struct reload_bytes bytes;
    EVP_MD *sha256;
    EVP_MD_CTX *context;
    uint64_t sink;
};

/* ---- the message ------------------------------------------------------------------------------
 */

static struct reload_signature
signature(const uint8_t *octets)
{
    struct reload_signature result = {0};
    result.algorithm.hash = RELOAD_HASH_ALGORITHM_SHA256;
    result.algorithm.signature = RELOAD_SIGNATURE_ALGORITHM_ECDSA;
    result.identity.identity_type = RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH;
    result.identity.identity.cert_hash.hash_alg = RELOAD_HASH_ALGORITHM_SHA256;
    result.identity.identity.cert_hash.certificate_hash = (struct reload_bytes){octets, 32};
    result.signature_value = (struct reload_bytes){octets, 71};
    return result;
}

/* The body of a StoreReq: |VALUE_COUNT| dictionary entries with |size| octets each. */
static void
write_body(struct reload_writer *writer, const uint8_t *octets, size_t size)
{
    uint8_t values[MESSAGE_SIZE], kinds[MESSAGE_SIZE];
    struct reload_writer value_writer = reload_writer_of(values, sizeof values);
    struct reload_writer kind_writer = reload_writer_of(kinds, sizeof kinds);
    for (uint8_t i = 0; i < VALUE_COUNT; i++) {
        struct reload_stored_data data = {.storage_time = 1700000000000, .lifetime = 3600};
        data.value.model = RELOAD_DATA_MODEL_DICTIONARY;
        data.value.dictionary_entry.key = (struct reload_bytes){octets + i, 16};
        data.value.dictionary_entry.value.exists = true;
        data.value.dictionary_entry.value.value = (struct reload_bytes){octets, size};
        data.signature = signature(octets);
        reload_stored_data_encode(&value_writer, &wire, &data);
    }
    struct reload_store_kind_data kind = {.kind = RELOAD_KIND_SIP_REGISTRATION,
                                          .model = RELOAD_DATA_MODEL_DICTIONARY,
                                          .values = reload_writer_written(&value_writer)};
    reload_store_kind_data_encode(&kind_writer, &wire, &kind);
    struct reload_store_req request = {.resource = {octets, 16},
                                       .kind_data = reload_writer_written(&kind_writer)};
    reload_store_req_encode(writer, &wire, &request);
    writer->failed |= value_writer.failed || kind_writer.failed;
}

/* Writes a StoreReq as it would come over the fourth hop; |size| is that of each value. */
static void
write_message(struct sample *sample, size_t size)
{
    uint8_t octets[MESSAGE_SIZE] = {0x30}, body[MESSAGE_SIZE], lists[128], bucket[MESSAGE_SIZE];
    struct reload_writer body_writer = reload_writer_of(body, sizeof body);
    struct reload_writer list_writer = reload_writer_of(lists, sizeof lists);
    struct reload_writer bucket_writer = reload_writer_of(bucket, sizeof bucket);
    write_body(&body_writer, octets, size);
    struct reload_destination node = {.type = RELOAD_DESTINATION_TYPE_NODE};
    for (int i = 0; i < 4; i++)
        reload_destination_encode(&list_writer, &wire, &node);
    size_t via_size = list_writer.size;
    struct reload_destination resource = {.type = RELOAD_DESTINATION_TYPE_RESOURCE};
    resource.destination_data.resource_id = (struct reload_bytes){octets, 16};
    reload_destination_encode(&list_writer, &wire, &resource);
    struct reload_generic_certificate certificate = {.type = RELOAD_CERTIFICATE_TYPE_X509,
                                                     .certificate = {octets, CERTIFICATE_SIZE}};
    reload_generic_certificate_encode(&bucket_writer, &wire, &certificate);
    struct reload_message message = {
        .header = {.relo_token = RELOAD_TOKEN,
                   .version = RELOAD_VERSION,
                   .ttl = 97,
                   .fragment = RELOAD_FRAGMENT_WHOLE,
                   .transaction_id = 1,
                   .via_list = {lists, via_size},
                   .destination_list = {lists + via_size, list_writer.size - via_size}},
        .contents = {.message_code = RELOAD_MESSAGE_STORE_REQ,
                     .message_body = reload_writer_written(&body_writer)},
        .security = {.certificates = reload_writer_written(&bucket_writer),
                     .signature = signature(octets)}};
    struct reload_writer writer = reload_writer_of(sample->octets, sizeof sample->octets);
    reload_message_encode(&writer, &wire, &message);
    if (writer.failed || body_writer.failed || list_writer.failed || bucket_writer.failed)
        abort();
    sample->bytes = reload_writer_written(&writer);
}

/* ---- what is measured -------------------------------------------------------------------------
 */

static void
parse_header(void *argument)
{
    struct sample *sample = argument;
    struct reload_reader reader = reload_reader_of(sample->bytes);
    struct reload_forwarding_header header;
    if (reload_forwarding_header_decode(&reader, &wire, &header))
        abort();
    sample->sink += header.ttl;
}

/* Everything: header, contents, security block with its certificates, and each value of the body
 * with its signature. */
static void
decode_all(void *argument)
{
    struct sample *sample = argument;
    struct reload_message message;
    struct reload_store_req request;
    if (reload_message_decode(sample->bytes, &wire, &message))
        abort();
    struct reload_reader body = reload_reader_of(message.contents.message_body);
    if (reload_store_req_decode(&body, &wire, &request) || reload_reader_left(&body))
        abort();
    struct reload_reader kinds = reload_reader_of(request.kind_data);
    struct reload_store_kind_data kind;
    while (reload_store_kind_data_next(&kinds, &wire, &kind)) {
        struct reload_reader values = reload_reader_of(kind.values);
        struct reload_stored_data data;
        while (reload_stored_data_next(&values, &wire, kind.model, &data))
            sample->sink += data.lifetime;
    }
}

static void
copy(void *argument)
{
    struct sample *sample = argument;
    memcpy(sample->copy, sample->bytes.data, sample->bytes.size);
    sample->sink += sample->copy[sample->sink % sample->bytes.size];
}

static void
hash(void *argument)
{
    struct sample *sample = argument;
    uint8_t digest[EVP_MAX_MD_SIZE];
    if (EVP_DigestInit_ex2(sample->context, sample->sha256, NULL) != 1 ||
        EVP_DigestUpdate(sample->context, sample->bytes.data, sample->bytes.size) != 1 ||
        EVP_DigestFinal_ex(sample->context, digest, NULL) != 1)
        abort();
    sample->sink += digest[0];
}

/* Bytes that one full decode takes from the heap. */
static size_t
allocated_by_decode(struct sample *sample)
{
    size_t before = mallinfo2().uordblks;
    decode_all(sample);
    return mallinfo2().uordblks - before;
}

static void
print_json(struct sample *sample, double header_ns, double decode_ns, double copy_ns,
           double hash_ns)
{
    struct reload_json json = reload_json_growing(NULL, NULL);
    reload_json_begin_object(&json);
    reload_json_key(&json, "header_parses_per_second");
    reload_json_number(&json, 1e9 / header_ns, 0);
    reload_json_key(&json, "store_req_bytes");
    reload_json_uint(&json, sample->bytes.size);
    reload_json_key(&json, "store_req_decode_ns");
    reload_json_number(&json, decode_ns, 1);
    reload_json_key(&json, "memcpy_ns");
    reload_json_number(&json, copy_ns, 1);
    reload_json_key(&json, "sha256_ns");
    reload_json_number(&json, hash_ns, 1);
    reload_json_key(&json, "allocated_bytes");
    reload_json_uint(&json, allocated_by_decode(sample));
    reload_json_end_object(&json);
    if (!json.failed)
        puts(json.text);
    reload_json_free(&json);
}

int
bench_wire(int argc, char **argv)
{
    static struct sample sample;
    write_message(&sample, 0);
    write_message(&sample, (MESSAGE_SIZE - sample.bytes.size) / VALUE_COUNT);
    sample.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    sample.context = EVP_MD_CTX_new();
    if (!sample.sha256 || !sample.context)
        return EXIT_FAILURE;
    double header_ns = bench_measure(parse_header, &sample, BUDGET_NS);
    double decode_ns = bench_measure(decode_all, &sample, BUDGET_NS);
    double copy_ns = bench_measure(copy, &sample, BUDGET_NS);
    double hash_ns = bench_measure(hash, &sample, BUDGET_NS);
    if (argc > 1 && strcmp(argv[1], "--json") == 0) {
        print_json(&sample, header_ns, decode_ns, copy_ns, hash_ns);
    } else {
        printf("forwarding header, 4 in the Via List  %12.0f parses/s  (%.1f ns)\n",
               1e9 / header_ns, header_ns);
        printf("StoreReq of %zu bytes, full decode    %12.1f ns\n", sample.bytes.size, decode_ns);
        printf("  memcpy of the same bytes            %12.1f ns\n", copy_ns);
        printf("  SHA-256 of the same bytes           %12.1f ns\n", hash_ns);
        printf("  bytes allocated by the decode       %12zu\n", allocated_by_decode(&sample));
    }
    EVP_MD_CTX_free(sample.context);
    EVP_MD_free(sample.sha256);
    return EXIT_SUCCESS;
}
