/* sim_liar_value.c: what liars say is stored.
 *
 * RFC 6940 7.4.2, 13.5.3. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_liar_internal.h"

#include "reload/wire/structures.h"
#include "tools/sim/sim_internal.h"

#define INTERCEPTED_ONE_IN 4
#define RECORDS 12 /* numbers that a forged text may have */

/* ---- what is remembered ---- */

static bool
take_resource(struct sim_liar_resource *resource, struct reload_bytes bytes)
{
    if (bytes.size > sizeof resource->octets)
        return false;
    resource->size = (uint8_t)bytes.size;
    memcpy(resource->octets, bytes.data, bytes.size);
    return true;
}

static struct reload_bytes
bytes_of(const struct sim_liar_resource *resource)
{
    return (struct reload_bytes){resource->octets, resource->size};
}

/* Whose certificate that is; SIM_NOBODY. */
static uint32_t
host_of(struct sim *sim, struct reload_bytes certificate)
{
    for (uint32_t i = 0; i < sim_node_count(sim); i++) {
        const struct sim_host *host = sim_host_of(sim, i);
        if (reload_bytes_equal(certificate,
                               (struct reload_bytes){host->certificate, host->certificate_size}))
            return i;
    }
    return SIM_NOBODY;
}

/* Those whose certificates |said| carries, but not the first one's, who signed it. */
static struct sim_liar_signers
signers_of(struct sim *sim, const struct sim_said *said)
{
    struct sim_liar_signers signers = {.count = 0};
    struct reload_reader reader = reload_reader_of(said->message.security.certificates);
    struct reload_generic_certificate entry;
    bool first = true;
    while (signers.count < SIM_LIAR_SIGNERS_MAX &&
           reload_generic_certificate_next(&reader, &said->wire, &entry)) {
        uint32_t host = first ? SIM_NOBODY : host_of(sim, entry.certificate);
        if (host != SIM_NOBODY)
            signers.hosts[signers.count++] = host;
        first = false;
    }
    return signers;
}

static struct sim_heirloom *
find_heirloom(struct sim_liar_memory *memory, struct reload_bytes resource, uint32_t kind)
{
    for (size_t i = 0; i < memory->heirloom_count; i++)
        if (memory->heirlooms[i].kind == kind &&
            reload_bytes_equal(bytes_of(&memory->heirlooms[i].resource), resource))
            return &memory->heirlooms[i];
    return NULL;
}

/* The first value of a Kind, when nothing older is known. Its signer is who sent the Store, or who
 * comes behind a replica's. */
static void
keep_heirloom(struct sim_liar *liar, const struct sim_said *said,
              const struct sim_liar_resource *resource, const struct reload_store_kind_data *kind)
{
    struct sim_liar_memory *memory = &liar->memory;
    struct reload_reader all = reload_reader_of(said->message.security.certificates);
    struct sim_liar_signers others = signers_of(liar->sim, said);
    struct reload_reader values = reload_reader_of(kind->values);
    struct reload_stored_data data;
    struct reload_generic_certificate first;
    if (memory->heirloom_count == SIM_LIAR_HEIRLOOMS_MAX ||
        find_heirloom(memory, bytes_of(resource), kind->kind) ||
        !reload_generic_certificate_next(&all, &said->wire, &first) ||
        !reload_stored_data_next(&values, &said->wire, kind->model, &data))
        return;
    struct sim_heirloom *heirloom = &memory->heirlooms[memory->heirloom_count];
    struct reload_writer writer = reload_writer_of(heirloom->octets, sizeof heirloom->octets);
    reload_stored_data_encode(&writer, &said->wire, &data);
    heirloom->resource = *resource;
    heirloom->kind = kind->kind;
    heirloom->size = writer.size;
    heirloom->signer = others.count ? others.hosts[0] : host_of(liar->sim, first.certificate);
    memory->heirloom_count += !writer.failed && heirloom->signer != SIM_NOBODY;
}

static void
remember_store(struct sim_liar *liar, const struct sim_said *said)
{
    struct sim_liar_memory *memory = &liar->memory;
    struct reload_reader body = reload_reader_of(said->message.contents.message_body);
    struct sim_liar_resource resource;
    struct reload_store_req request;
    struct reload_store_kind_data kind;
    size_t size = said->passing->size - said->skip;
    if (reload_store_req_decode(&body, &said->wire, &request) ||
        !take_resource(&resource, request.resource))
        return;
    struct reload_reader kinds = reload_reader_of(request.kind_data);
    while (reload_store_kind_data_next(&kinds, &said->wire, &kind))
        keep_heirloom(liar, said, &resource, &kind);
    if (size > SIM_LIAR_OCTETS_MAX)
        return;
    size_t at = memory->store_count++ % SIM_LIAR_STORES_MAX;
    memory->stores[at].size = size;
    memcpy(memory->stores[at].octets, said->passing->bytes + said->skip, size);
}

void
sim_liar_remember(struct sim_liar *liar, const struct sim_said *said)
{
    struct sim_liar_memory *memory = &liar->memory;
    struct reload_reader body = reload_reader_of(said->message.contents.message_body);
    struct reload_fetch_req request;
    if (said->message.contents.message_code == RELOAD_MESSAGE_STORE_REQ)
        remember_store(liar, said);
    if (said->message.contents.message_code != RELOAD_MESSAGE_FETCH_REQ ||
        reload_fetch_req_decode(&body, &said->wire, &request))
        return;
    size_t at = memory->asked_count % SIM_LIAR_ASKED_MAX;
    memory->asked[at].transaction_id = said->message.header.transaction_id;
    memory->asked_count += take_resource(&memory->asked[at].resource, request.resource);
}

static const struct sim_liar_resource *
find_asked(const struct sim_liar_memory *memory, uint64_t transaction_id)
{
    for (size_t i = 0; i < memory->asked_count && i < SIM_LIAR_ASKED_MAX; i++)
        if (memory->asked[i].transaction_id == transaction_id)
            return &memory->asked[i].resource;
    return NULL;
}

/* ---- forged values ---- */

/* One lie about one Kind. */
struct forgery {
    struct sim_liar *liar;
    uint32_t who;
    const struct sim_liar_resource *resource;
    struct reload_fetch_kind_response response; /* what is said in the end */
    struct sim_liar_signers *signers;
    uint8_t octets[2 * SIM_LIAR_OCTETS_MAX]; /* its values */
};

static void
add_signer(struct sim_liar_signers *signers, uint32_t host)
{
    if (signers->count < SIM_LIAR_SIGNERS_MAX)
        signers->hosts[signers->count++] = host;
}

/* Whether it may store there itself, in a slot or by its Node-ID: what it signs is no forgery. */
static bool
is_its_own(const struct forgery *forgery)
{
    struct sim *sim = forgery->liar->sim;
    uint8_t octets[RELOAD_DIGEST_MAX];
    size_t size = 0;
    for (unsigned slot = 1; slot <= SIM_SLOTS_MAX; slot++) {
        sim_slot_resource(sim, forgery->who, (uint8_t)slot, octets);
        if (reload_bytes_equal(bytes_of(forgery->resource), (struct reload_bytes){octets, 16}))
            return true;
    }
    struct reload_bytes name = reload_node_id_bytes(sim_node_id(sim, forgery->who), 16);
    return reload_node_resource(sim_node(sim, forgery->who), name, octets, &size) == 0 &&
           reload_bytes_equal(bytes_of(forgery->resource), (struct reload_bytes){octets, size});
}

/* A value that looks like the owner's, signed by the liar. */
static void
sign_itself(struct forgery *forgery)
{
    struct sim_liar *liar = forgery->liar;
    char text[48];
    int size = snprintf(text, sizeof text, "record %u version 1",
                        (unsigned)sim_random_below(&liar->random, RECORDS));
    struct reload_data_value content = {true, {(uint8_t *)text, (size_t)size}};
    struct reload_stored_data_value value = {.model = forgery->response.model};
    if (value.model == RELOAD_DATA_MODEL_SINGLE_VALUE)
        value.single_value_entry = content;
    else if (value.model == RELOAD_DATA_MODEL_ARRAY)
        value.array_entry.value = content;
    else if (value.model == RELOAD_DATA_MODEL_DICTIONARY)
        value.dictionary_entry = (struct reload_dictionary_entry){
            reload_node_id_bytes(sim_node_id(liar->sim, forgery->who), 16), content};
    else
        return;
    struct sim_value signed_value = {.signer = forgery->who,
                                     .resource = bytes_of(forgery->resource),
                                     .kind = forgery->response.kind,
                                     .value = value};
    forgery->response.values.data = forgery->octets;
    forgery->response.values.size =
        sim_stored_data(liar->sim, &signed_value, forgery->octets, sizeof forgery->octets);
}

static void
use_heirloom(struct forgery *forgery, const struct sim_heirloom *heirloom)
{
    forgery->response.values = (struct reload_bytes){heirloom->octets, heirloom->size};
    add_signer(forgery->signers, heirloom->signer);
}

/* What another owner stored, of this Kind, elsewhere. */
static bool
use_anothers(struct forgery *forgery)
{
    const struct sim_liar_memory *memory = &forgery->liar->memory;
    size_t begin = (size_t)sim_random_below(&forgery->liar->random, SIM_LIAR_HEIRLOOMS_MAX);
    for (size_t i = 0; i < memory->heirloom_count; i++) {
        const struct sim_heirloom *other = &memory->heirlooms[(begin + i) % memory->heirloom_count];
        if (other->kind != forgery->response.kind ||
            reload_bytes_equal(bytes_of(&other->resource), bytes_of(forgery->resource)))
            continue;
        use_heirloom(forgery, other);
        return true;
    }
    return false;
}

static bool
flip_a_bit(struct forgery *forgery)
{
    struct reload_bytes values = forgery->response.values;
    if (values.size == 0 || values.size > sizeof forgery->octets)
        return false;
    uint64_t bit = sim_random_below(&forgery->liar->random, 8 * values.size);
    memcpy(forgery->octets, values.data, values.size);
    forgery->octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
    forgery->response.values.data = forgery->octets;
    return true;
}

/* Changes what is said about a Kind. Returns whether it did. */
static bool
forge(struct forgery *forgery)
{
    struct sim_random *random = &forgery->liar->random;
    if (forgery->liar->lies[forgery->who] == SIM_LIE_STALE) {
        const struct sim_heirloom *old = find_heirloom(
            &forgery->liar->memory, bytes_of(forgery->resource), forgery->response.kind);
        if (old)
            use_heirloom(forgery, old);
        return old;
    }
    if (sim_random_below(random, 2) == 0)
        forgery->response.generation = sim_random_next(random) >> sim_random_below(random, 64);
    uint64_t how = sim_random_below(random, 4);
    if (how == 0)
        forgery->response.values.size = 0;
    else if (!(how == 1 && flip_a_bit(forgery)) && !(how == 2 && use_anothers(forgery)) &&
             !is_its_own(forgery))
        sign_itself(forgery);
    return true;
}

/* The Kinds that |answer| is about, with other values. */
struct forged_body {
    uint8_t octets[SIM_DRAFT_SIZE_MAX / 2];
    struct reload_writer responses;
    struct sim_liar_signers signers;
    bool changed;
};

static void
add_kind(struct forged_body *body, struct sim_liar *liar, uint32_t who,
         const struct sim_liar_resource *resource, const struct reload_wire *wire,
         struct reload_fetch_kind_response response)
{
    struct forgery forgery = {.liar = liar,
                              .who = who,
                              .resource = resource,
                              .response = response,
                              .signers = &body->signers};
    body->changed = forge(&forgery) || body->changed;
    reload_fetch_kind_response_encode(&body->responses, wire, &forgery.response);
}

/* The body of the FetchAns; empty when nothing was changed. */
static struct reload_bytes
encode(const struct forged_body *body, const struct reload_wire *wire, uint8_t *octets,
       size_t capacity)
{
    struct reload_fetch_ans answer = {reload_writer_written(&body->responses)};
    struct reload_writer writer = reload_writer_of(octets, capacity);
    reload_fetch_ans_encode(&writer, wire, &answer);
    if (!body->changed || body->responses.failed || writer.failed)
        return (struct reload_bytes){0};
    return reload_writer_written(&writer);
}

void
sim_liar_lie_about_values(struct sim_liar *liar, const struct sim_said *said)
{
    const struct sim_liar_resource *resource =
        find_asked(&liar->memory, said->message.header.transaction_id);
    struct reload_reader reader = reload_reader_of(said->message.contents.message_body);
    struct forged_body body = {.signers = signers_of(liar->sim, said)};
    struct reload_fetch_kind_response response;
    struct reload_fetch_ans answer;
    uint8_t octets[SIM_DRAFT_SIZE_MAX / 2];
    if (said->message.contents.message_code != RELOAD_MESSAGE_FETCH_ANS || !resource ||
        reload_fetch_ans_decode(&reader, &said->wire, &answer))
        return;
    body.responses = reload_writer_of(body.octets, sizeof body.octets);
    struct reload_reader responses = reload_reader_of(answer.kind_responses);
    while (reload_fetch_kind_response_next(&responses, &said->wire, &response))
        add_kind(&body, liar, said->passing->from, resource, &said->wire, response);
    struct reload_bytes forged = encode(&body, &said->wire, octets, sizeof octets);
    if (forged.size > 0)
        sim_liar_say_instead(liar, said, RELOAD_MESSAGE_FETCH_ANS, forged, &body.signers);
}

bool
sim_liar_intercept(struct sim_liar *liar, const struct sim_said *said)
{
    const struct sim_passing *passing = said->passing;
    struct reload_reader reader = reload_reader_of(said->message.contents.message_body);
    struct forged_body body = {.changed = false};
    struct reload_stored_data_specifier specifier;
    struct sim_liar_resource resource;
    struct reload_fetch_req request;
    uint8_t octets[SIM_DRAFT_SIZE_MAX / 2];
    if (said->message.contents.message_code != RELOAD_MESSAGE_FETCH_REQ || said->skip ||
        sim_random_below(&liar->random, INTERCEPTED_ONE_IN) > 0 ||
        sim_link(liar->sim, passing->to, passing->from) == 0 ||
        reload_fetch_req_decode(&reader, &said->wire, &request) ||
        !take_resource(&resource, request.resource))
        return false;
    body.responses = reload_writer_of(body.octets, sizeof body.octets);
    struct reload_reader specifiers = reload_reader_of(request.specifiers);
    while (reload_stored_data_specifier_next(&specifiers, &said->wire, &specifier))
        add_kind(
            &body, liar, passing->to, &resource, &said->wire,
            (struct reload_fetch_kind_response){.kind = specifier.kind, .model = specifier.model});
    struct reload_bytes forged = encode(&body, &said->wire, octets, sizeof octets);
    struct sim_heard heard = {.from = passing->from, .bytes = {passing->bytes, passing->size}};
    if (forged.size == 0)
        return false;
    struct sim_draft *draft =
        sim_draft_answer(liar->sim, passing->to, &heard, RELOAD_MESSAGE_FETCH_ANS, forged);
    if (!draft)
        return false;
    for (size_t i = 0; i < body.signers.count; i++)
        draft->more_certificates[draft->more_certificate_count++] = body.signers.hosts[i];
    sim_liar_send(liar, passing->to, passing->from, sim_draft_seal(draft));
    sim_draft_free(draft);
    return true;
}
