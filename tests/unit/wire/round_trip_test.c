/* round_trip_test.c: every structure of the specs, random, to bytes and back.
 *
 * RFC 6940, RFC 7904. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/wire/round_trip.h"

#include <stdlib.h>

#include "reload/base/json.h"
#include "reload/base/prng.h"
#include "reload/wire/structures.h"
#include "reload/wire/wire.h"

enum { INSTANCES = 100, ARENA_SIZE = 1 << 15, ENCODING_SIZE = 1 << 16 };

/* What one instance needs. */
struct trip {
    const struct reload_structure *structure;
    struct reload_wire wire;
    struct reload_wire_error error;
    uint8_t model;
    struct reload_structure_value made, found;
    uint8_t *arena, *encoding, *again;
};

/* Copies |bytes| to memory of just their size, so that AddressSanitizer sees any read outside. */
static uint8_t *
exact_copy(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(copy);
    if (size)
        memcpy(copy, bytes, size);
    return copy;
}

static size_t
encode(struct trip *trip, const struct reload_structure_value *value, uint8_t *to)
{
    struct reload_writer writer = reload_writer_of(to, ENCODING_SIZE);
    trip->structure->encode(&writer, &trip->wire, value);
    ck_assert(!writer.failed);
    return writer.size;
}

/* Decodes the first |size| octets; what fails must say where and leave its outputs alone. */
static int
decode(struct trip *trip, const uint8_t *bytes, size_t size, size_t *used)
{
    struct reload_reader reader = reload_reader_of((struct reload_bytes){bytes, size});
    struct reload_structure_value before = trip->found;
    trip->error = (struct reload_wire_error){0};
    int error = trip->structure->decode(&reader, &trip->wire, trip->model, &trip->found);
    *used = reload_reader_offset(&reader);
    if (error) {
        ck_assert_uint_eq(*used, 0);
        ck_assert_mem_eq(&before, &trip->found, sizeof before);
        ck_assert_ptr_nonnull(trip->error.structure);
        ck_assert_ptr_nonnull(trip->error.field);
        ck_assert_uint_le(trip->error.offset, size);
    }
    return error;
}

static void
check_there_and_back(struct trip *trip, size_t size)
{
    size_t used;
    uint8_t *copy = exact_copy(trip->encoding, size);
    ck_assert_int_eq(decode(trip, copy, size, &used), 0);
    ck_assert_uint_eq(used, size);
    ck_assert(trip->structure->equal(&trip->made, &trip->found));
    ck_assert_uint_eq(encode(trip, &trip->found, trip->again), size);
    ck_assert_mem_eq(trip->encoding, trip->again, size);
    struct reload_json json = reload_json_growing(NULL, NULL);
    trip->structure->print(&json, &trip->wire, &trip->found);
    ck_assert(!json.failed);
    ck_assert_uint_gt(json.size, 1);
    reload_json_free(&json);
    free(copy);
}

static void
check_prefixes(struct trip *trip, size_t size)
{
    for (size_t cut = 0; cut < size; cut++) {
        size_t used;
        uint8_t *copy = exact_copy(trip->encoding, cut);
        ck_assert_int_ne(decode(trip, copy, cut, &used), 0);
        free(copy);
    }
}

/* One changed octet: either refused, or something that encodes to the octets it was read from. */
static void
check_mutation(struct trip *trip, size_t size, size_t place, uint8_t value)
{
    size_t used;
    uint8_t *copy = exact_copy(trip->encoding, size);
    copy[place] = value;
    if (decode(trip, copy, size, &used) == 0) {
        ck_assert_uint_eq(encode(trip, &trip->found, trip->again), used);
        ck_assert_mem_eq(copy, trip->again, used);
        /* Different bytes never stand for the same value. */
        ck_assert(!trip->structure->equal(&trip->made, &trip->found) || place >= used ||
                  copy[place] == trip->encoding[place]);
    }
    free(copy);
}

static void
trip_once(struct trip *trip, struct reload_prng *prng)
{
    struct reload_writer arena = reload_writer_of(trip->arena, ARENA_SIZE);
    trip->model = (uint8_t)(1 + reload_prng_below(prng, 3));
    trip->wire.node_id_length = (uint8_t)(16 + reload_prng_below(prng, 5));
    trip->structure->arbitrary(prng, &arena, &trip->wire, trip->model, &trip->made);
    size_t size = encode(trip, &trip->made, trip->encoding);
    check_there_and_back(trip, size);
    if (size <= 250)
        check_prefixes(trip, size);
    for (int i = 0; i < 10 && size > 0; i++)
        check_mutation(trip, size, reload_prng_below(prng, size),
                       (uint8_t)reload_prng_below(prng, 256));
}

void
round_trip(const char *name)
{
    struct reload_prng prng = reload_prng_of(6940);
    struct trip trip = {.structure = reload_structure_find(name)};
    ck_assert_ptr_nonnull(trip.structure);
    trip.wire.error = &trip.error;
    trip.arena = malloc(ARENA_SIZE);
    trip.encoding = malloc(ENCODING_SIZE);
    trip.again = malloc(ENCODING_SIZE);
    for (int i = 0; i < INSTANCES; i++)
        trip_once(&trip, &prng);
    free(trip.arena);
    free(trip.encoding);
    free(trip.again);
}

int
main(void)
{
    Suite *suite = suite_create("round trip");
    TCase *tests = tcase_create("structures");
    round_trip_add(tests);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
