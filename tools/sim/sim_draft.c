/* sim_draft.c: forging, for tests.
 *
 * RFC 6940 6.3, 7.1. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_draft.h"

#include "tools/sim/sim_internal.h"

#include <stdlib.h>

#define ASK_NS SIM_SECONDS(5)
#define HASH_SHA256 4

static int
kind_model(const void *kinds, uint32_t kind)
{
    const struct reload_config *config = kinds;
    for (size_t i = 0; i < config->kind_count; i++)
        if (config->kinds[i].kind == kind)
            return config->kinds[i].data_model;
    return 0;
}

static struct reload_wire
wire_of(const struct sim *sim, uint32_t overlay)
{
    const struct reload_config *config = sim->overlays[overlay].config;
    return (struct reload_wire){
        .node_id_length = config->node_id_length, .kind_model = kind_model, .kinds = config};
}

struct reload_wire
sim_draft_wire(const struct sim *sim, uint32_t overlay)
{
    return wire_of(sim, overlay);
}

static struct reload_wire
wire_of_draft(const struct sim_draft *draft)
{
    return wire_of(draft->sim, sim_host_of(draft->sim, draft->signer)->options.overlay);
}

struct sim_draft *
sim_draft_new(struct sim *sim, uint32_t host, uint16_t code, struct reload_bytes body)
{
    struct sim_draft *draft = calloc(1, sizeof *draft);
    if (!draft)
        abort();
    struct sim_host *maker = sim_host_of(sim, host);
    const struct reload_config *config = sim->overlays[maker->options.overlay].config;
    draft->sim = sim;
    draft->signer = host;
    struct reload_writer *writers[4] = {&draft->body, &draft->via, &draft->destinations,
                                        &draft->options};
    for (size_t i = 0; i < 4; i++)
        *writers[i] = reload_writer_of(draft->buffers[i], sizeof draft->buffers[i]);
    reload_writer_bytes(&draft->body, body);
    draft->message.header =
        (struct reload_forwarding_header){.relo_token = RELOAD_TOKEN,
                                          .overlay = config->overlay,
                                          .configuration_sequence = config->sequence,
                                          .version = RELOAD_VERSION,
                                          .ttl = config->initial_ttl,
                                          .fragment = RELOAD_FRAGMENT_WHOLE,
                                          .transaction_id = sim_random_next(&maker->random) | 1};
    draft->message.contents.message_code = code;
    draft->message.contents.message_body = reload_writer_written(&draft->body);
    return draft;
}

/* Appends the entries of |list| in reverse order. */
static void
append_reversed(struct sim_draft *draft, struct reload_bytes list)
{
    struct reload_wire wire = wire_of_draft(draft);
    struct reload_destination entries[RELOAD_DESTINATIONS_MAX];
    size_t count = 0;
    struct reload_reader reader = reload_reader_of(list);
    while (count < RELOAD_DESTINATIONS_MAX &&
           reload_destination_next(&reader, &wire, &entries[count]))
        count++;
    while (count > 0)
        sim_draft_to(draft, &entries[--count]);
}

struct sim_draft *
sim_draft_answer(struct sim *sim, uint32_t host, const struct sim_heard *request, uint16_t code,
                 struct reload_bytes body)
{
    struct reload_message message;
    if (!sim_decode(sim, sim_host_of(sim, host)->options.overlay, request->bytes, &message))
        return NULL;
    struct sim_draft *draft = sim_draft_new(sim, host, code, body);
    draft->message.header.transaction_id = message.header.transaction_id;
    sim_draft_to_node(draft, sim_node_id(sim, request->from));
    append_reversed(draft, message.header.via_list);
    return draft;
}

void
sim_draft_free(struct sim_draft *draft)
{
    free(draft);
}

void
sim_draft_to(struct sim_draft *draft, const struct reload_destination *destination)
{
    struct reload_wire wire = wire_of_draft(draft);
    reload_destination_encode(&draft->destinations, &wire, destination);
    draft->message.header.destination_list = reload_writer_written(&draft->destinations);
}

void
sim_draft_to_node(struct sim_draft *draft, const struct reload_node_id *node_id)
{
    struct reload_destination destination = {.type = RELOAD_DESTINATION_TYPE_NODE,
                                             .destination_data.node_id = *node_id};
    sim_draft_to(draft, &destination);
}

void
sim_draft_to_resource(struct sim_draft *draft, struct reload_bytes resource)
{
    struct reload_destination destination = {.type = RELOAD_DESTINATION_TYPE_RESOURCE,
                                             .destination_data.resource_id = resource};
    sim_draft_to(draft, &destination);
}

void
sim_draft_via_node(struct sim_draft *draft, const struct reload_node_id *node_id)
{
    struct reload_wire wire = wire_of_draft(draft);
    struct reload_destination destination = {.type = RELOAD_DESTINATION_TYPE_NODE,
                                             .destination_data.node_id = *node_id};
    reload_destination_encode(&draft->via, &wire, &destination);
    draft->message.header.via_list = reload_writer_written(&draft->via);
}

void
sim_draft_option(struct sim_draft *draft, uint8_t type, uint8_t flags, struct reload_bytes option)
{
    struct reload_wire wire = wire_of_draft(draft);
    struct reload_forwarding_option value = {.type = type, .flags = flags, .option = option};
    reload_forwarding_option_encode(&draft->options, &wire, &value);
    draft->message.header.options = reload_writer_written(&draft->options);
}

/* The SignerIdentity of |host|: by certificate, or by Node-ID and certificate. */
static struct reload_signer_identity
identify(struct sim *sim, const struct sim_host *host, bool with_node_id, uint8_t hash[64])
{
    struct reload_wire wire = wire_of(sim, host->options.overlay);
    struct reload_bytes parts[2] = {reload_node_id_bytes(&host->node_id, wire.node_id_length),
                                    {host->certificate, host->certificate_size}};
    size_t size = 0;
    int error = sim_certificates_digest(sim->certificates, HASH_SHA256, parts + !with_node_id,
                                        with_node_id ? 2 : 1, hash, &size);
    assert(error == 0);
    (void)error;
    struct reload_signer_identity identity = {0};
    if (with_node_id) {
        identity.identity_type = RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH_NODE_ID;
        identity.identity.cert_hash_node_id.hash_alg = HASH_SHA256;
        identity.identity.cert_hash_node_id.certificate_node_id_hash =
            (struct reload_bytes){hash, size};
    } else {
        identity.identity_type = RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH;
        identity.identity.cert_hash.hash_alg = HASH_SHA256;
        identity.identity.cert_hash.certificate_hash = (struct reload_bytes){hash, size};
    }
    return identity;
}

static size_t
sign_as(struct sim *sim, struct sim_host *host, const struct reload_bytes *parts, size_t count,
        uint8_t *signature)
{
    (void)sim;
    size_t size = 0;
    struct reload_keyring *keyring = &host->keyring.keyring;
    int error = keyring->ops->sign(keyring, parts, count, signature, &size); /* the dead may, too */
    assert(error == 0);
    (void)error;
    return size;
}

static void
add_certificate(const struct sim_draft *draft, struct reload_writer *writer,
                const struct reload_wire *wire, uint32_t of)
{
    const struct sim_host *host = sim_host_of(draft->sim, of);
    struct reload_generic_certificate certificate = {RELOAD_CERTIFICATE_TYPE_X509,
                                                     {host->certificate, host->certificate_size}};
    reload_generic_certificate_encode(writer, wire, &certificate);
}

struct reload_bytes
sim_draft_seal(struct sim_draft *draft)
{
    struct sim *sim = draft->sim;
    struct sim_host *host = sim_host_of(sim, draft->signer);
    struct reload_wire wire = wire_of_draft(draft);
    uint8_t contents[SIM_DRAFT_SIZE_MAX], certificates[5 * (SIM_CERTIFICATE_SIZE_MAX + 8)];
    uint8_t hash[64], identity_bytes[128], head[RELOAD_MESSAGE_SIGNED_HEAD_SIZE];
    uint8_t signature[RELOAD_SIGNATURE_MAX];
    struct reload_message *message = &draft->message;
    struct reload_security_block *security = &message->security;

    struct reload_writer writer = reload_writer_of(certificates, sizeof certificates);
    if (!draft->without_certificate)
        add_certificate(draft, &writer, &wire, draft->signer);
    for (size_t i = 0; i < draft->more_certificate_count; i++)
        add_certificate(draft, &writer, &wire, draft->more_certificates[i]);
    security->certificates = reload_writer_written(&writer);
    security->signature.algorithm.hash = HASH_SHA256;
    security->signature.algorithm.signature = 3;
    security->signature.identity = identify(sim, host, draft->with_node_id_hash, hash);

    writer = reload_writer_of(contents, sizeof contents);
    reload_message_contents_encode(&writer, &wire, &message->contents);
    message->contents_bytes = reload_writer_written(&writer);
    writer = reload_writer_of(identity_bytes, sizeof identity_bytes);
    reload_signer_identity_encode(&writer, &wire, &security->signature.identity);
    message->signer_identity_bytes = reload_writer_written(&writer);

    struct reload_bytes parts[RELOAD_MESSAGE_SIGNED_PARTS];
    reload_message_signed_parts(message, head, parts);
    head[0] = (uint8_t)(head[0] ^ (draft->other_overlay ? 1 : 0));
    size_t size = sign_as(sim, host, parts, RELOAD_MESSAGE_SIGNED_PARTS, signature);
    signature[0] = (uint8_t)(signature[0] ^ (draft->spoiled ? 1 : 0));
    security->signature.signature_value = (struct reload_bytes){signature, size};

    writer = reload_writer_of(draft->bytes, sizeof draft->bytes);
    reload_message_encode(&writer, &wire, message);
    assert(!writer.failed);
    draft->size = writer.size;
    return reload_writer_written(&writer);
}

/* ---- asking ---- */

bool
sim_decode(struct sim *sim, uint32_t overlay, struct reload_bytes bytes,
           struct reload_message *message)
{
    struct reload_wire wire = wire_of(sim, overlay);
    return reload_message_decode(bytes, &wire, message) == 0;
}

/* Waits for an answer to one transaction at a puppet. */
struct wait {
    uint32_t puppet;
    uint64_t transaction_id;
    size_t from; /* heard before */
    const struct sim_heard *answer;
};

static bool
has_answer(struct sim *sim, void *argument)
{
    struct wait *wait = argument;
    uint32_t overlay = sim_overlay_of(sim, wait->puppet);
    for (; wait->from < sim_puppet_heard_count(sim, wait->puppet); wait->from++) {
        const struct sim_heard *heard = sim_puppet_heard(sim, wait->puppet, wait->from);
        struct reload_message message;
        if (!sim_decode(sim, overlay, heard->bytes, &message) ||
            message.header.transaction_id != wait->transaction_id ||
            reload_message_is_request(message.contents.message_code))
            continue;
        wait->answer = heard;
        return true;
    }
    return false;
}

static const struct sim_heard *
say_and_wait(struct sim *sim, uint32_t puppet, uint32_t link, struct reload_bytes bytes,
             uint64_t transaction_id)
{
    struct wait wait = {.puppet = puppet,
                        .transaction_id = transaction_id,
                        .from = sim_puppet_heard_count(sim, puppet)};
    sim_puppet_say(sim, puppet, link, bytes);
    return sim_run_until(sim, has_answer, &wait, ASK_NS) ? wait.answer : NULL;
}

const struct sim_heard *
sim_puppet_ask(struct sim *sim, uint32_t puppet, uint32_t link, struct sim_draft *draft)
{
    return say_and_wait(sim, puppet, link, sim_draft_seal(draft),
                        draft->message.header.transaction_id);
}

const struct sim_heard *
sim_replay(struct sim *sim, uint32_t puppet, uint32_t link, struct reload_bytes recorded,
           const struct reload_node_id *node_id)
{
    struct reload_wire wire = wire_of(sim, sim_overlay_of(sim, puppet));
    struct reload_message message;
    uint8_t to[RELOAD_NODE_ID_SIZE_MAX + 8], bytes[SIM_DRAFT_SIZE_MAX];
    if (reload_message_decode(recorded, &wire, &message))
        return NULL;
    struct reload_destination destination = {.type = RELOAD_DESTINATION_TYPE_NODE,
                                             .destination_data.node_id = *node_id};
    struct reload_writer list = reload_writer_of(to, sizeof to);
    reload_destination_encode(&list, &wire, &destination);
    message.header.via_list = (struct reload_bytes){0};
    message.header.destination_list = reload_writer_written(&list);
    message.header.ttl = sim_config(sim, sim_overlay_of(sim, puppet))->initial_ttl;
    struct reload_writer writer = reload_writer_of(bytes, sizeof bytes);
    reload_message_encode(&writer, &wire, &message);
    assert(!writer.failed);
    return say_and_wait(sim, puppet, link, reload_writer_written(&writer),
                        message.header.transaction_id);
}

size_t
sim_frame_data(uint32_t sequence, struct reload_bytes message, uint8_t *data, size_t capacity)
{
    struct reload_writer writer = reload_writer_of(data, capacity);
    reload_writer_u8(&writer, RELOAD_FRAMED_MESSAGE_TYPE_DATA);
    reload_writer_u32(&writer, sequence);
    reload_writer_vector(&writer, 3, message);
    assert(!writer.failed);
    return writer.size;
}

size_t
sim_frame_ack(uint32_t sequence, uint32_t received, uint8_t *data, size_t capacity)
{
    struct reload_writer writer = reload_writer_of(data, capacity);
    reload_writer_u8(&writer, RELOAD_FRAMED_MESSAGE_TYPE_ACK);
    reload_writer_u32(&writer, sequence);
    reload_writer_u32(&writer, received);
    assert(!writer.failed);
    return writer.size;
}

static bool
decode_heard(struct sim *sim, const struct sim_heard *heard, struct reload_message *message)
{
    return heard && sim_decode(sim, sim_overlay_of(sim, heard->from), heard->bytes, message);
}

uint16_t
sim_message_code(struct sim *sim, const struct sim_heard *heard)
{
    struct reload_message message;
    return decode_heard(sim, heard, &message) ? message.contents.message_code : 0;
}

uint16_t
sim_error_code(struct sim *sim, const struct sim_heard *heard)
{
    struct reload_message message;
    struct reload_error_response response;
    if (!decode_heard(sim, heard, &message) ||
        message.contents.message_code != RELOAD_MESSAGE_ERROR)
        return 0;
    struct reload_wire wire = wire_of(sim, sim_overlay_of(sim, heard->from));
    struct reload_reader reader = reload_reader_of(message.contents.message_body);
    return reload_error_response_decode(&reader, &wire, &response) ? 0 : response.error_code;
}

/* ---- stored values ---- */

static void
sign_value(struct sim *sim, const struct sim_value *value, const struct reload_wire *wire,
           struct reload_stored_data *data, uint8_t hash[64], uint8_t *signature)
{
    struct sim_host *signer = sim_host_of(sim, value->signer);
    uint8_t input[2 * SIM_VALUE_MAX + 512];
    data->signature.algorithm.hash = HASH_SHA256;
    data->signature.algorithm.signature = 3;
    data->signature.identity = identify(sim, signer, false, hash);
    struct reload_writer writer = reload_writer_of(input, sizeof input);
    reload_writer_vector(&writer, 1, value->resource); /* in its wire form: I1 */
    reload_writer_u32(&writer, value->kind);
    reload_writer_u64(&writer, data->storage_time);
    reload_stored_data_value_encode(&writer, wire, &data->value);
    reload_signer_identity_encode(&writer, wire, &data->signature.identity);
    assert(!writer.failed);
    struct reload_bytes whole = reload_writer_written(&writer);
    size_t size = sign_as(sim, signer, &whole, 1, signature);
    signature[0] = (uint8_t)(signature[0] ^ (value->spoiled ? 1 : 0));
    data->signature.signature_value = (struct reload_bytes){signature, size};
}

size_t
sim_stored_data(struct sim *sim, const struct sim_value *value, uint8_t *out, size_t capacity)
{
    struct sim_host *signer = sim_host_of(sim, value->signer);
    struct reload_wire wire = wire_of(sim, signer->options.overlay);
    uint8_t hash[64], signature[RELOAD_SIGNATURE_MAX];
    struct reload_stored_data data = {.storage_time = value->storage_time_ms,
                                      .lifetime = value->lifetime_s ? value->lifetime_s : 3600,
                                      .value = value->value};
    if (data.storage_time == 0)
        data.storage_time = signer->env.wall_ms(signer);
    sign_value(sim, value, &wire, &data, hash, signature);
    struct reload_writer writer = reload_writer_of(out, capacity);
    reload_stored_data_encode(&writer, &wire, &data);
    assert(!writer.failed);
    return writer.size;
}

size_t
sim_store_body(struct sim *sim, const struct sim_value *value, struct reload_bytes resource,
               uint64_t generation, uint8_t replica_number, uint8_t *out, size_t capacity)
{
    struct reload_wire wire = wire_of(sim, sim_overlay_of(sim, value->signer));
    uint8_t values[2 * SIM_VALUE_MAX + 1024], kinds[2 * SIM_VALUE_MAX + 1200];
    size_t size = sim_stored_data(sim, value, values, sizeof values);
    struct reload_store_kind_data kind = {.kind = value->kind,
                                          .model = value->value.model,
                                          .generation_counter = generation,
                                          .values = {values, size}};
    struct reload_writer kind_writer = reload_writer_of(kinds, sizeof kinds);
    reload_store_kind_data_encode(&kind_writer, &wire, &kind);
    struct reload_store_req request = {.resource = resource,
                                       .replica_number = replica_number,
                                       .kind_data = reload_writer_written(&kind_writer)};
    struct reload_writer body = reload_writer_of(out, capacity);
    reload_store_req_encode(&body, &wire, &request);
    assert(!kind_writer.failed && !body.failed);
    return body.size;
}
