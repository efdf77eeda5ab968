/* storage_draft.c: requests to store, made by hand, and what became of them.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/storage_fixture.h"

#define STORER_LINK 7 /* the number that |ask| says a request came by */

/* ---- requests ------------------------------------------------------------------------------- */

struct reload_bytes
at(uint32_t index)
{
    static uint8_t octets[8][4];
    static unsigned next;
    next = (next + 1) % 8;
    return reload_value_index_key(index, octets[next]);
}

struct reload_bytes
text(const char *string)
{
    return reload_bytes_of_string(string);
}

void
draft_begin(struct draft *draft, struct fixture *fixture, struct reload_bytes resource,
            uint8_t replica_number)
{
    memset(draft->has, 0, sizeof draft->has);
    draft->fixture = fixture;
    draft->writer = reload_writer_of(draft->octets, sizeof draft->octets);
    draft->certificates = reload_writer_of(draft->bucket, sizeof draft->bucket);
    memcpy(draft->resource, resource.data, 16);
    reload_writer_vector(&draft->writer, 1, resource);
    reload_writer_u8(&draft->writer, replica_number);
    draft->list = reload_writer_begin(&draft->writer, 4);
}

void
draft_kind(struct draft *draft, uint32_t kind, uint64_t generation)
{
    reload_writer_u32(&draft->writer, kind);
    reload_writer_u64(&draft->writer, generation);
    draft->values = reload_writer_begin(&draft->writer, 4);
}

void
draft_kind_end(struct draft *draft)
{
    reload_writer_end(&draft->writer, draft->values, 4);
}

void
draft_certificate(struct draft *draft, enum peer_name name)
{
    struct peer *peer = &draft->fixture->peers[name];
    struct reload_generic_certificate certificate = {
        .certificate = {peer->certificate, peer->certificate_size}};
    if (!draft->has[name])
        reload_generic_certificate_encode(&draft->certificates, &peer->node->wire, &certificate);
    draft->has[name] = true;
}

static void
add_value(struct draft *draft, enum peer_name signer, uint32_t kind, struct reload_bytes key,
          struct reload_data_value data, uint64_t storage_time, uint32_t lifetime_s)
{
    struct reload_node *node = draft->fixture->peers[signer].node;
    struct reload_stored_data_value content = {.model =
                                                   (uint8_t)reload_kinds_model(&node->kinds, kind)};
    if (content.model == RELOAD_DATA_MODEL_ARRAY)
        content.array_entry = (struct reload_array_entry){reload_value_index(key), data};
    else if (content.model == RELOAD_DATA_MODEL_DICTIONARY)
        content.dictionary_entry = (struct reload_dictionary_entry){key, data};
    else
        content.single_value_entry = data;
    draft_certificate(draft, signer);
    ck_assert_int_eq(reload_value_sign(node, (struct reload_bytes){draft->resource, 16}, kind,
                                       storage_time, lifetime_s, &content, &draft->writer),
                     0);
}

void
draft_value(struct draft *draft, enum peer_name signer, uint32_t kind, struct reload_bytes key,
            const char *string, uint64_t storage_time, uint32_t lifetime_s)
{
    struct reload_data_value data = {true, reload_bytes_of_string(string)};
    add_value(draft, signer, kind, key, data, storage_time, lifetime_s);
}

void
draft_removal(struct draft *draft, enum peer_name signer, uint32_t kind, struct reload_bytes key,
              uint64_t storage_time, uint32_t lifetime_s)
{
    struct reload_data_value data = {0};
    add_value(draft, signer, kind, key, data, storage_time, lifetime_s);
}

struct reload_bytes
draft_end(struct draft *draft)
{
    reload_writer_end(&draft->writer, draft->list, 4);
    ck_assert(!draft->writer.failed && !draft->certificates.failed);
    return reload_writer_written(&draft->writer);
}

void
ask(struct fixture *fixture, struct question *question, reload_handler_fn *handle,
    enum peer_name signer, struct reload_bytes body, struct reload_bytes certificates)
{
    struct peer *storer = &fixture->peers[STORER], *peer = &fixture->peers[signer];
    struct reload_keyring *keyring = &storer->keyring.keyring;
    question->message = (struct reload_message){.contents.message_body = body,
                                                .security.certificates = certificates};
    question->incoming = (struct reload_incoming){.message = &question->message,
                                                  .signer_id = peer->id,
                                                  .link = STORER_LINK,
                                                  .link_id = peer->id,
                                                  .from_signer = true};
    question->answer = (struct reload_answer){
        .body = reload_writer_of(question->body, sizeof question->body),
        .error_info = reload_writer_of(question->info, sizeof question->info)};
    struct reload_reader reader = reload_reader_of(certificates);
    struct reload_generic_certificate certificate;
    const struct reload_identity *identity;
    while (reload_generic_certificate_next(&reader, &storer->node->wire, &certificate))
        (void)keyring->ops->add(keyring, certificate.certificate, fixture->wall_ms, &identity);
    ck_assert_int_eq(
        keyring->ops->add(keyring, (struct reload_bytes){peer->certificate, peer->certificate_size},
                          fixture->wall_ms, &question->incoming.signer),
        0);
    question->error = handle(storer->node, &question->incoming, &question->answer, fixture->now);
}

int
store(struct draft *draft, enum peer_name signer)
{
    static struct question question;
    struct reload_bytes body = draft_end(draft);
    ask(draft->fixture, &question, reload_handle_store, signer, body,
        reload_writer_written(&draft->certificates));
    return question.error;
}

int
store_one(struct fixture *fixture, enum peer_name signer, uint32_t kind, struct reload_bytes key,
          const char *string, uint64_t storage_time)
{
    static struct draft draft;
    uint8_t octets[16];
    draft_begin(&draft, fixture, user_resource(fixture, fixture_user(fixture, signer), octets), 0);
    draft_kind(&draft, kind, 0);
    draft_value(&draft, signer, kind, key, string, storage_time, 3600);
    draft_kind_end(&draft);
    return store(&draft, signer);
}

/* ---- looking -------------------------------------------------------------------------------- */

static struct reload_stored_kind *
kind_at(struct fixture *fixture, struct reload_bytes resource, uint32_t kind)
{
    struct reload_node *node = fixture->peers[STORER].node;
    return reload_resource_kind(reload_storage_find(&node->storage, resource),
                                reload_kinds_find(&node->kinds, kind));
}

const char *
value_at(struct fixture *fixture, struct reload_bytes resource, uint32_t kind,
         struct reload_bytes key)
{
    static char string[256];
    struct reload_stored *stored = reload_stored_find(kind_at(fixture, resource, kind), key);
    if (!stored)
        return "-";
    if (!stored->exists)
        return "x";
    ck_assert_uint_lt(stored->payload.size, sizeof string);
    memcpy(string, stored->payload.data, stored->payload.size);
    string[stored->payload.size] = '\0';
    return string;
}

uint64_t
generation_at(struct fixture *fixture, struct reload_bytes resource, uint32_t kind)
{
    struct reload_stored_kind *found = kind_at(fixture, resource, kind);
    return found ? found->generation : 0;
}

static void
mix(uint64_t *hash, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *hash = (*hash ^ ((const uint8_t *)data)[i]) * UINT64_C(1099511628211);
}

uint64_t
fingerprint(struct fixture *fixture)
{
    struct reload_storage *storage = fixture_storage(fixture);
    uint64_t hash = UINT64_C(14695981039346656037);
    struct reload_resource *resource = reload_storage_after(storage, (struct reload_bytes){0});
    for (; resource; resource = reload_storage_after(storage, reload_resource_id(resource))) {
        mix(&hash, resource->id, resource->id_size);
        for (struct reload_stored_kind *kind = resource->kinds; kind; kind = kind->next) {
            mix(&hash, &kind->row->kind, 4);
            mix(&hash, &kind->generation, 8);
            struct reload_stored *value = reload_stored_from(kind, (struct reload_bytes){0});
            for (; value; value = reload_stored_after(kind, value->entry.key)) {
                mix(&hash, value->bytes, value->size);
                mix(&hash, &value->expires, 8);
            }
        }
    }
    size_t sizes[] = {storage->octets,
                      storage->value_count,
                      storage->resources.count,
                      storage->certificates.octets,
                      storage->certificates.set.count,
                      storage->expiries.count};
    mix(&hash, sizes, sizeof sizes);
    return hash;
}
