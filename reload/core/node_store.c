/* node_store.c: the verb that stores and removes. RFC 6940 7.4.1, 7.4.1.3; D9.
 *
 * When the storing peer has something newer (our clock is behind, or the value is another
 * device's), the storage time there is fetched, and the store is tried once more just above it, as
 * section 7 allows. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/answer_check.h"
#include "reload/core/fetch_check.h"
#include "reload/core/job.h"
#include "reload/core/node_internal.h"

#include <assert.h>

#define AHEAD_MAX_MS 5000 /* D9: storage times this far in the future are not given out */

/* A Store under way; keys and values follow it. */
struct store_job {
    struct reload_job job; /* must be first */
    uint8_t resource[255];
    uint8_t resource_size;
    bool retried;
    struct reload_store_value values[RELOAD_STORE_VALUES_MAX];
    uint64_t times[RELOAD_STORE_VALUES_MAX]; /* storage times given out */
    size_t count;
    struct reload_result refusal; /* the first one, without pointers */
    reload_result_fn *done;
    void *argument;
    uint8_t octets[];
};

static reload_result_fn answered;

static struct reload_bytes
resource_of(const struct store_job *job)
{
    return (struct reload_bytes){job->resource, job->resource_size};
}

/* ---- storage times -------------------------------------------------------------------------- */

/* Where a value goes. An append has no place yet: |octets| then hold an index that never is. */
static struct reload_mark_place
place_of(const struct store_job *job, const struct reload_kind *row,
         const struct reload_store_value *value, uint8_t octets[4])
{
    struct reload_mark_place place = {
        .resource = resource_of(job), .kind = row->kind, .type = RELOAD_MARK_STORAGE_TIME};
    if (row->data_model == RELOAD_DATA_MODEL_ARRAY)
        place.key = reload_value_index_key(value->index, octets);
    if (row->data_model == RELOAD_DATA_MODEL_DICTIONARY)
        place.key = value->key;
    return place;
}

static int
choose_time(struct store_job *job, const struct reload_kind *row, size_t index, reload_time now)
{
    struct reload_node *node = job->job.node;
    uint8_t octets[4];
    uint64_t wall_ms = reload_node_wall_ms(node), time = wall_ms;
    if (node->storage_time_last >= time)
        time = node->storage_time_last + 1;
    if (time > wall_ms + AHEAD_MAX_MS) /* our clock was set back */
        time = wall_ms;
    node->storage_time_last = time;
    struct reload_mark_place place = place_of(job, row, &job->values[index], octets);
    uint64_t seen = reload_marks_get(&node->storage.seen, &place, now);
    if (seen >= time)
        time = seen + 1;
    job->times[index] = time;
    return time < RELOAD_STORAGE_TIME_END ? 0 : RELOAD_E_TOO_OLD;
}

/* What was stored is what the next Fetch must not be older than. */
static void
remember_times(struct store_job *job, reload_time now)
{
    struct reload_node *node = job->job.node;
    uint8_t octets[4];
    for (size_t i = 0; i < job->count; i++) {
        const struct reload_store_value *value = &job->values[i];
        const struct reload_kind *row = reload_kinds_find(&node->kinds, value->kind);
        if (row->data_model == RELOAD_DATA_MODEL_ARRAY && value->index == RELOAD_ARRAY_APPEND)
            continue;
        struct reload_mark_place place = place_of(job, row, value, octets);
        reload_marks_note(&node->storage.seen, &place, job->times[i],
                          now + RELOAD_LIFETIME_MAX_S * RELOAD_SECOND);
    }
}

/* ---- the request ---------------------------------------------------------------------------- */

static int
write_value(struct store_job *job, const struct reload_kind *row, size_t index,
            struct reload_writer *writer, reload_time now)
{
    const struct reload_store_value *value = &job->values[index];
    struct reload_data_value data = {.exists = value->exists, .value = value->value};
    struct reload_stored_data_value content = {.model = row->data_model};
    switch (row->data_model) {
    case RELOAD_DATA_MODEL_ARRAY:
        content.array_entry.index = value->index;
        content.array_entry.value = data;
        break;
    case RELOAD_DATA_MODEL_DICTIONARY:
        content.dictionary_entry.key = value->key;
        content.dictionary_entry.value = data;
        break;
    default:
        content.single_value_entry = data;
        break;
    }
    int error = choose_time(job, row, index, now);
    if (error)
        return error;
    return reload_value_sign(job->job.node, resource_of(job), row->kind, job->times[index],
                             value->lifetime_s, &content, writer);
}

/* One StoreKindData: the values from |*index| on that are of one Kind. */
static int
write_kind(struct store_job *job, size_t *index, struct reload_writer *writer, reload_time now)
{
    uint32_t kind = job->values[*index].kind;
    const struct reload_kind *row = reload_kinds_find(&job->job.node->kinds, kind);
    int error = 0;
    reload_writer_u32(writer, kind);
    reload_writer_u64(writer, job->values[*index].generation);
    size_t mark = reload_writer_begin(writer, 4);
    for (; !error && *index < job->count && job->values[*index].kind == kind; (*index)++)
        error = write_value(job, row, *index, writer, now);
    reload_writer_end(writer, mark, 4);
    return error;
}

static int
send(struct store_job *job, reload_time now)
{
    struct reload_node *node = job->job.node;
    size_t size = node->config->max_message_size;
    struct reload_buffer *buffer = reload_buffer_get(&node->buffers, size);
    if (!buffer)
        return RELOAD_E_NOMEM;
    struct reload_writer writer = reload_writer_of(buffer->data, size);
    reload_writer_vector(&writer, 1, resource_of(job));
    reload_writer_u8(&writer, 0); /* no replica */
    size_t mark = reload_writer_begin(&writer, 4);
    int error = 0;
    for (size_t i = 0; i < job->count && !error;)
        error = write_kind(job, &i, &writer, now);
    reload_writer_end(&writer, mark, 4);
    if (!error && writer.failed)
        error = RELOAD_E_TOO_LARGE;
    if (!error) {
        struct reload_route route = reload_route_to_resource(resource_of(job));
        error = reload_node_request(node, &route, RELOAD_MESSAGE_STORE_REQ,
                                    reload_writer_written(&writer), answered, job, now, NULL);
    }
    reload_buffer_drop(&node->buffers, buffer);
    return error;
}

/* ---- the answer ----------------------------------------------------------------------------- */

static void
finish(struct store_job *job, const struct reload_result *result, reload_time now)
{
    reload_result_fn *done = job->done;
    void *argument = job->argument;
    struct reload_result copy = *result;
    reload_job_free(&job->job);
    if (done)
        done(argument, &copy, now);
}

static void
ignore(void *argument, const struct reload_fetched *fetched, reload_time now)
{
    (void)argument, (void)fetched, (void)now;
}

/* Every Kind of the request once, everything of it. */
static size_t
specify(const struct store_job *job, struct reload_fetch_specifier *specifiers)
{
    size_t count = 0;
    for (size_t i = 0; i < job->count && count < RELOAD_FETCH_SPECIFIERS_MAX; i++)
        if (i == 0 || job->values[i].kind != job->values[i - 1].kind)
            specifiers[count++] = (struct reload_fetch_specifier){
                .kind = job->values[i].kind, .last = UINT32_MAX, .all_keys = true};
    return count;
}

/* What is stored there is known now, and with it the storage times to be exceeded. */
static void
looked(void *argument, const struct reload_result *result, reload_time now)
{
    struct store_job *job = argument;
    struct reload_fetch_specifier specifiers[RELOAD_FETCH_SPECIFIERS_MAX];
    int error = result->error;
    if (!error) {
        struct reload_fetch_check check = {.node = job->job.node,
                                           .resource = resource_of(job),
                                           .specifiers = specifiers,
                                           .each = ignore,
                                           .now = now};
        check.count = specify(job, specifiers);
        error = reload_fetch_check_answer(&check, result->message);
    }
    if (!error)
        error = send(job, now);
    if (error)
        finish(job, &job->refusal, now);
}

static int
look(struct store_job *job, reload_time now)
{
    struct reload_node *node = job->job.node;
    struct reload_fetch_specifier specifiers[RELOAD_FETCH_SPECIFIERS_MAX];
    uint8_t body[RELOAD_FETCH_SPECIFIERS_MAX * 32 + 300];
    struct reload_writer writer = reload_writer_of(body, sizeof body);
    size_t count = specify(job, specifiers);
    int error = reload_answer_request(node, resource_of(job), specifiers, count, &writer);
    if (error)
        return error;
    struct reload_route route = reload_route_to_resource(resource_of(job));
    return reload_node_request(node, &route, RELOAD_MESSAGE_FETCH_REQ,
                               reload_writer_written(&writer), looked, job, now, NULL);
}

static int
check_answer(const struct store_job *job, const struct reload_message *message)
{
    struct reload_store_ans answer;
    struct reload_reader reader = reload_reader_of(message->contents.message_body);
    int error = reload_store_ans_decode(&reader, &job->job.node->wire, &answer);
    return !error && reload_reader_left(&reader) ? RELOAD_E_TRAILING : error;
}

static void
answered(void *argument, const struct reload_result *result, reload_time now)
{
    struct store_job *job = argument;
    struct reload_result told = *result;
    bool too_old =
        result->error == RELOAD_E_REFUSED && result->error_code == RELOAD_ERROR_DATA_TOO_OLD;
    if (!told.error)
        told.error = check_answer(job, result->message);
    if (!told.error)
        remember_times(job, now);
    if (too_old && !job->retried) {
        job->retried = true;
        job->refusal = (struct reload_result){.error = result->error,
                                              .error_code = result->error_code,
                                              .responder_id = result->responder_id};
        if (look(job, now) == 0)
            return;
    }
    finish(job, &told, now);
}

/* ---- the verb ------------------------------------------------------------------------------- */

static int
check_value(struct reload_node *node, const struct reload_store_value *values, size_t index)
{
    const struct reload_store_value *value = &values[index];
    const struct reload_kind *row = reload_kinds_find(&node->kinds, value->kind);
    if (!row)
        return RELOAD_E_UNKNOWN_KIND;
    if (!value->exists && value->value.size > 0)
        return RELOAD_E_USAGE;
    if (value->value.size > row->max_size || value->key.size > UINT16_MAX)
        return RELOAD_E_TOO_LARGE;
    /* RFC6940 7.4.1.1: the same Kind-ID MUST NOT be used twice. */
    for (size_t i = 0; i + 1 < index; i++)
        if (values[i].kind == value->kind && values[index - 1].kind != value->kind)
            return RELOAD_E_USAGE;
    return 0;
}

static struct reload_bytes
copy(uint8_t **at, struct reload_bytes bytes)
{
    struct reload_bytes made = {*at, bytes.size};
    if (bytes.size)
        memcpy(*at, bytes.data, bytes.size);
    *at += bytes.size;
    return made;
}

int
reload_node_store(struct reload_node *node, struct reload_bytes resource,
                  const struct reload_store_value *values, size_t count, reload_result_fn *done,
                  void *argument, reload_time now)
{
    if (count == 0 || count > RELOAD_STORE_VALUES_MAX || resource.size == 0 || resource.size > 255)
        return RELOAD_E_USAGE;
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        int wrong = check_value(node, values, i);
        if (wrong)
            return wrong;
        size += values[i].key.size + values[i].value.size;
    }
    void *memory;
    int error = reload_job_new(node, sizeof(struct store_job) + size, NULL, &memory);
    if (error)
        return error;
    struct store_job *job = memory;
    uint8_t *at = job->octets;
    memcpy(job->resource, resource.data, resource.size);
    job->resource_size = (uint8_t)resource.size;
    job->count = count;
    for (size_t i = 0; i < count; i++) {
        job->values[i] = values[i];
        job->values[i].key = copy(&at, values[i].key);
        job->values[i].value = copy(&at, values[i].value);
    }
    job->done = done;
    job->argument = argument;
    error = send(job, now);
    if (error)
        reload_job_free(&job->job);
    return error;
}
