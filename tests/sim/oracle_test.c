/* oracle_test.c: what looks at stored values from outside finds what is there for: each test puts
 * something into a node's storage, below all of the node's checks, that may not be there; and the
 * same as it should be.
 *
 * RFC 6940 7.1, 7.3, 7.4.1.1. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"

#include "reload/core/node_internal.h"
#include "tools/sim/sim_chord.h"
#include "tools/sim/sim_internal.h"
#include "tools/sim/sim_oracle.h"

#define RING 4
#define OWNER 1
#define OTHER 2
#define SLOT 7
#define NODE 3 /* whose storage is spoiled */

static struct sim *s;
static struct sim_oracle oracle;
static char found[8];
static unsigned count;
static uint8_t place[16];
static const struct reload_bytes resource = {place, sizeof place};

static void
note(void *argument, const char *invariant, const char *what)
{
    (void)argument;
    (void)what;
    count++;
    snprintf(found, sizeof found, "%s", invariant);
}

static void
begin(void)
{
    s = ring_of(RING, 1);
    sim_slot_resource(s, OWNER, SLOT, place);
    found[0] = 0;
    count = 0;
    sim_oracle_begin(&oracle, s, (struct sim_finder){note, NULL});
}

static void
end(void)
{
    sim_oracle_end(&oracle);
    sim_free(s);
}

static void
look(void)
{
    sim_node(s, NODE)->storage.commits++; /* in case that it was changed by hand */
    sim_oracle_look(&oracle, NODE);
}

/* A value of |signer| for the slot, with |text|. */
static struct sim_value
value_of(uint32_t signer, const char *text)
{
    struct sim_value value = {.signer = signer,
                              .resource = resource,
                              .kind = SIM_KIND_SLOT,
                              .value.model = RELOAD_DATA_MODEL_SINGLE_VALUE};
    value.value.single_value_entry.exists = true;
    value.value.single_value_entry.value = reload_bytes_of_string(text);
    return value;
}

/* Puts |value| into NODE's storage: nobody asks whether it may be there. */
static void
put(const struct sim_value *value)
{
    uint8_t octets[1024];
    struct reload_node *node = sim_node(s, NODE);
    size_t size = sim_stored_data(s, value, octets, sizeof octets);
    struct reload_reader reader = reload_reader_of((struct reload_bytes){octets, size});
    struct reload_keyring *signer = &sim_host_of(s, value->signer)->keyring.keyring;
    struct reload_stage stage;
    struct reload_stage_kind *kind;
    struct reload_value read;
    ck_assert(reload_value_next(&reader, &node->wire, value->value.model, &read));
    ck_assert_int_eq(reload_stage_begin(&stage, &node->storage, resource, false, sim_now(s)), 0);
    ck_assert_int_eq(
        reload_stage_kind(&stage, reload_kinds_find(&node->kinds, value->kind), 0, &kind), 0);
    ck_assert_int_eq(reload_stage_value(kind, &read, signer->ops->self(signer)), 0);
    ck_assert_int_eq(reload_stage_prepare(&stage), 0);
    (void)reload_stage_commit(&stage);
}

static struct reload_stored *
stored(void)
{
    const struct reload_resource *at = reload_storage_find(&sim_node(s, NODE)->storage, resource);
    ck_assert_ptr_nonnull(at);
    return reload_stored_from(at->kinds, (struct reload_bytes){0});
}

/* ---- V5 ---- */

enum {
    V5_AS_IT_IS,
    V5_SIGNATURE,     /* of other octets */
    V5_OCTET,         /* of the value, changed after it was stored */
    V5_SOMEBODY_ELSE, /* signed it, and says so */
    V5_IN_THE_NAME,   /* of the owner, by somebody else's key */
    V5_CERTIFICATE,   /* of another authority */
    V5_ELSEWHERE,     /* signed for another place */
    V5_ROWS
};

START_TEST(v5_stored_values)
{
    begin();
    struct sim_value value = value_of(OWNER, "hello");
    uint8_t elsewhere[16];
    value.spoiled = _i == V5_SIGNATURE;
    if (_i == V5_SOMEBODY_ELSE)
        value.signer = OTHER;
    if (_i == V5_IN_THE_NAME)
        value.signer = sim_add_puppet(
            s, &(struct sim_node_options){.node_id = *sim_node_id(s, OWNER), .wrong_key = true});
    if (_i == V5_CERTIFICATE)
        value.signer = sim_add_puppet(
            s, &(struct sim_node_options){.node_id = *sim_node_id(s, OWNER), .authority = 99});
    if (_i == V5_ELSEWHERE) {
        sim_slot_resource(s, OWNER, SLOT + 1, elsewhere);
        value.resource = (struct reload_bytes){elsewhere, sizeof elsewhere};
    }
    put(&value);
    if (_i == V5_OCTET) {
        look();
        ck_assert_str_eq(found, "");
        *(uint8_t *)(uintptr_t)stored()->payload.data ^= 1;
        stored()->storage_time++; /* else it would be one that took another's place, too: V4 */
    }
    look();
    ck_assert_str_eq(found, _i == V5_AS_IT_IS ? "" : "V5");
    ck_assert_uint_eq(count, _i != V5_AS_IT_IS);
    ck_assert_uint_gt(oracle.checked_values, 0);
    end();
}
END_TEST

/* All Kinds of a busy ring: what nodes store by themselves is right, at each of them. */
START_TEST(v5_honest_values)
{
    begin();
    const struct reload_node_id *id = sim_node_id(s, OWNER);
    struct reload_bytes user = reload_bytes_of_string(sim_user_name(s, OWNER));
    struct reload_store_value values[] = {
        {.kind = SIM_KIND_USER, .value = user},
        {.kind = SIM_KIND_DICTIONARY, .key = reload_node_id_bytes(id, 16), .value = user},
        {.kind = SIM_KIND_ARRAY, .index = 0xffffffff, .value = user},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        uint8_t octets[20];
        size_t size = 0;
        bool array = values[i].kind == SIM_KIND_ARRAY;
        struct reload_bytes name = array ? reload_node_id_bytes(id, 16) : user;
        values[i].exists = true;
        values[i].lifetime_s = 600;
        ck_assert_int_eq(reload_node_resource(sim_node(s, OWNER), name, octets, &size), 0);
        for (int times = 0; times < 2; times++)
            ck_assert_int_eq(
                sim_store_value(s, OWNER, (struct reload_bytes){octets, size}, &values[i]).error,
                0);
    }
    ck_assert_int_eq(sim_store(s, OWNER, SLOT, "hello").error, 0);
    ck_assert_int_eq(sim_remove(s, OWNER, SLOT).error, 0);
    sim_run_for(s, SIM_SECONDS(5));
    for (uint32_t i = 0; i < RING; i++)
        sim_oracle_look(&oracle, i);
    ck_assert_str_eq(found, "");
    ck_assert_uint_ge(oracle.checked_values, 5);
    end();
}
END_TEST

/* ---- V4 ---- */

enum {
    V4_NEWER,
    V4_OLDER,
    V4_SAME_AGAIN,
    V4_SAME_TIME, /* and other octets */
    V4_OLDER_AFTER_A_WHILE,
    V4_OLDER_IN_ANOTHER_LIFE,
    V4_ROWS
};

/* One value and then another: what nodes refuse is done by hand. */
START_TEST(v4_stored_values)
{
    static const char *const expected[] = {"", "V4", "", "V4", "V4", ""};
    static const int64_t ms_later[] = {1, -1, 0, 0, -1, -1};
    begin();
    struct sim_host *host = sim_host_of(s, NODE);
    uint64_t time = host->env.wall_ms(host);
    struct sim_value first = value_of(OWNER, "first"), second = value_of(OWNER, "other");
    first.storage_time_ms = time;
    second.storage_time_ms = time + (uint64_t)ms_later[_i];
    put(&first);
    look();
    struct reload_storage *storage = &sim_node(s, NODE)->storage;
    if (_i == V4_OLDER_IN_ANOTHER_LIFE) {
        sim_kill(s, NODE);
        sim_restart(s, NODE);
        storage = &sim_node(s, NODE)->storage;
    } else {
        reload_storage_drop(storage, reload_storage_find(storage, resource), sim_now(s));
    }
    reload_marks_fini(&storage->marks); /* it has forgotten what it must not */
    if (_i == V4_OLDER_AFTER_A_WHILE)
        look(); /* nothing is there */
    put(_i == V4_SAME_AGAIN ? &first : &second);
    look();
    ck_assert_str_eq(found, expected[_i]);
    ck_assert_uint_eq(count, *expected[_i] != 0);
    end();
}
END_TEST

static const struct named_test tests[] = {
    {&v5_stored_values, 0, V5_ROWS},
    {&v5_honest_values, 0, 0},
    {&v4_stored_values, 0, V4_ROWS},
};

int
main(void)
{
    return run_tests("oracle", tests, sizeof tests / sizeof *tests);
}
