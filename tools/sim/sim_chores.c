/* sim_chores.c: appends and pairs.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_chores.h"

#include "reload/core/node_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LIFETIME_S 86400
#define APPEND 0xffffffff
#define TRANSFER_NS SIM_SECONDS(30) /* replicas may be brought in parts (10.4) */
#define MERGED_NS SIM_SECONDS(60)   /* after a cut */
#define SHOWN 16                    /* of an array */

/* ---- places ---- */

struct place {
    uint8_t octets[20];
    struct reload_bytes bytes;
};

/* Arrays belong to a Node-ID, pairs to a user. |node| only hashes. */
static bool
find_place(const struct sim_chores *chores, struct reload_node *node, uint32_t owner, bool array,
           struct place *place)
{
    struct reload_bytes name = array ? reload_node_id_bytes(sim_node_id(chores->sim, owner), 16)
                                     : reload_bytes_of_string(sim_user_name(chores->sim, owner));
    size_t size = 0;
    if (reload_node_resource(node, name, place->octets, &size))
        return false;
    place->bytes = (struct reload_bytes){place->octets, size};
    return true;
}

/* ---- chores ---- */

static void
on_stored(void *argument, const struct reload_result *result, reload_time now)
{
    struct sim_chore *chore = argument;
    (void)now;
    if (chore->ended)
        sim_finding(&chore->chores->finder, "V6", "a chore of node %" PRIu32 " ended twice",
                    chore->owner);
    chore->ended = true;
    chore->ended_ns = sim_now(chore->chores->sim);
    chore->acknowledged = result->error == 0;
}

static int
text_of(const struct sim_chore *chore, char text[32])
{
    return snprintf(text, 32, "chore %" PRIu32 " of %" PRIu32, chore->number, chore->owner);
}

static int
send(struct sim_chore *chore, struct reload_node *node, const struct place *place)
{
    char text[32];
    struct reload_bytes value = {(uint8_t *)text, (size_t)text_of(chore, text)};
    const struct reload_node_id *id = sim_node_id(chore->chores->sim, chore->owner);
    struct reload_store_value values[] = {
        {.kind = SIM_KIND_ARRAY, .index = APPEND, .value = value},
        {.kind = SIM_KIND_USER, .value = value},
        {.kind = SIM_KIND_DICTIONARY, .key = reload_node_id_bytes(id, 16), .value = value},
    };
    for (size_t i = 0; i < 3; i++) {
        values[i].exists = true;
        values[i].lifetime_s = LIFETIME_S;
    }
    return reload_node_store(node, place->bytes, chore->appends ? values : values + 1,
                             chore->appends ? 1 : 2, on_stored, chore, sim_now(chore->chores->sim));
}

static void
act(struct sim *sim, void *argument)
{
    struct sim_chore *chore = argument;
    struct place place;
    struct reload_node *node = sim_is_alive(sim, chore->owner) ? sim_node(sim, chore->owner) : NULL;
    if (!node || sim_is_paused(sim, chore->owner) || !sim_is_joined(sim, chore->owner) ||
        !find_place(chore->chores, node, chore->owner, chore->appends, &place))
        return;
    chore->begun_ns = sim_now(sim);
    chore->begun = send(chore, node, &place) == 0;
    sim_turn(sim, chore->owner);
}

struct sim_chores *
sim_chores_begin(struct sim *sim, uint64_t seed, uint32_t owners, size_t count, uint64_t until_ns,
                 struct sim_finder finder)
{
    struct sim_chores *chores = calloc(1, sizeof *chores);
    uint64_t now = sim_now(sim);
    uint32_t appends[SIM_CHORES_MAX] = {0};
    if (!chores)
        abort();
    *chores =
        (struct sim_chores){.sim = sim,
                            .finder = finder,
                            .random = sim_random_fork(seed, 0xc402e),
                            .until_ns = until_ns,
                            .owners = owners < SIM_CHORES_OWNERS ? owners : SIM_CHORES_OWNERS};
    for (size_t i = 0; i < count && i < SIM_CHORES_MAX; i++) {
        struct sim_chore *chore = &chores->list[chores->count++];
        *chore = (struct sim_chore){
            .chores = chores,
            .owner = (uint32_t)sim_random_below(&chores->random, chores->owners),
            .number = (uint32_t)i,
            .appends = sim_random_below(&chores->random, 2) == 0,
        };
        if (chore->appends && ++appends[chore->owner] > SIM_APPENDS_MAX)
            chore->appends = false;
        sim_call(sim, sim_random_between(&chores->random, now, until_ns), act, chore);
    }
    return chores;
}

void
sim_chores_free(struct sim_chores *chores)
{
    free(chores);
}

/* ---- pairs ---- */

/* The number of the chore that wrote what |node| holds of |kind| at |resource|; -1: none. */
static long
number_held(const struct reload_resource *resource, uint32_t kind)
{
    for (const struct reload_stored_kind *held = resource->kinds; held; held = held->next) {
        if (held->row->kind != kind)
            continue;
        const struct reload_stored *stored = reload_stored_from(held, (struct reload_bytes){0});
        char text[32] = {0};
        unsigned number = 0;
        if (!stored || !stored->exists || stored->payload.size >= sizeof text)
            return -1;
        memcpy(text, stored->payload.data, stored->payload.size);
        return sscanf(text, "chore %u", &number) == 1 ? (long)number : -1;
    }
    return -1;
}

/* For people who look for a fault: who holds what of both Kinds. */
static void
describe(const struct sim_chores *chores, uint32_t owner, struct reload_bytes place)
{
    struct sim *sim = chores->sim;
    FILE *log = sim_log(sim);
    fprintf(log,
            "%10.3f pairs of node %" PRIu32 " at %02x%02x%02x%02x..., responsible %" PRIu32 ":",
            (double)(sim_now(sim) - SIM_TIME_BEGIN) / 1e9, owner, place.data[0], place.data[1],
            place.data[2], place.data[3], sim_responsible(sim, 0, place));
    for (uint32_t i = 0; i < sim_node_count(sim); i++) {
        struct reload_node *node = sim_is_alive(sim, i) ? sim_node(sim, i) : NULL;
        const struct reload_resource *held =
            node ? reload_storage_find(&node->storage, place) : NULL;
        if (held)
            fprintf(log, " %" PRIu32 " has %ld and %ld", i, number_held(held, SIM_KIND_USER),
                    number_held(held, SIM_KIND_DICTIONARY));
    }
    fputc('\n', log);
}

void
sim_chores_look(struct sim_chores *chores, uint32_t node, bool settled)
{
    struct reload_node *real = sim_is_alive(chores->sim, node) ? sim_node(chores->sim, node) : NULL;
    struct place place;
    for (uint32_t owner = 0; owner < chores->owners && real && node < SIM_HOSTS_MAX; owner++) {
        if (!find_place(chores, real, owner, false, &place))
            return;
        const struct reload_resource *resource = reload_storage_find(&real->storage, place.bytes);
        if (!resource)
            continue;
        uint64_t *since = &chores->half_since[node][owner];
        chores->checked_pairs++;
        long user = number_held(resource, SIM_KIND_USER);
        long entry = number_held(resource, SIM_KIND_DICTIONARY);
        if (user == entry)
            *since = 0;
        else if (*since == 0)
            *since = sim_now(chores->sim);
        if (*since == 0 || sim_now(chores->sim) - *since < (settled ? 0 : TRANSFER_NS))
            continue;
        if (sim_log(chores->sim))
            describe(chores, owner, place.bytes);
        sim_finding(&chores->finder, "V10",
                    "node %" PRIu32 " holds half of a request of node %" PRIu32 ": %ld and %ld",
                    node, owner, user, entry);
        *since = 0;
    }
}

/* ---- arrays ---- */

void
sim_chores_cut(struct sim_chores *chores, uint64_t from_ns, uint64_t until_ns)
{
    chores->cut_from_ns = from_ns;
    chores->cut_until_ns = until_ns;
}

/* Whether |chore| was under way while the ring may have been in parts. */
static bool
was_cut(const struct sim_chores *chores, const struct sim_chore *chore)
{
    return chores->cut_from_ns > 0 && chore->begun_ns < chores->cut_until_ns + MERGED_NS &&
           (!chore->ended || chore->ended_ns > chores->cut_from_ns);
}

void
sim_chores_judge(struct sim_chores *chores, uint32_t owner, char (*texts)[32], size_t count,
                 bool nothing_lost)
{
    for (size_t i = 0; i < chores->count; i++) {
        const struct sim_chore *chore = &chores->list[i];
        char text[32];
        unsigned times = 0;
        if (chore->owner != owner || !chore->appends || !chore->begun)
            continue;
        (void)text_of(chore, text);
        for (size_t k = 0; k < count; k++)
            times += strcmp(texts[k], text) == 0;
        chores->checked_appends++;
        if (times > 1 && !was_cut(chores, chore))
            sim_finding(&chores->finder, "V10", "%s was appended %u times", text, times);
        if (times == 0 && chore->acknowledged && nothing_lost)
            sim_finding(&chores->finder, "V10", "%s was acknowledged and is not there", text);
    }
}

struct reading {
    char texts[SHOWN][32];
    size_t count;
    bool done;
    int error;
};

static void
on_value(void *argument, const struct reload_fetched_value *value, reload_time now)
{
    struct reading *reading = argument;
    (void)now;
    if (value->exists && reading->count < SHOWN && value->value.size < 32)
        memcpy(reading->texts[reading->count++], value->value.data, value->value.size);
}

static void
on_fetched(void *argument, const struct reload_result *result, reload_time now)
{
    struct reading *reading = argument;
    (void)now;
    reading->error = result->error;
    reading->done = true;
}

static bool
is_done(struct sim *sim, void *argument)
{
    (void)sim;
    return ((const struct reading *)argument)->done;
}

static bool
read_array(struct sim_chores *chores, uint32_t reader, uint32_t owner, struct reading *reading)
{
    struct sim *sim = chores->sim;
    struct place place;
    struct reload_fetch_specifier specifier = {.kind = SIM_KIND_ARRAY, .last = APPEND - 1};
    *reading = (struct reading){0};
    struct reload_node *node = sim_node(sim, reader);
    if (!find_place(chores, node, owner, true, &place) ||
        reload_node_fetch(node, place.bytes, &specifier, 1, on_value, on_fetched, reading,
                          sim_now(sim)))
        return false;
    sim_turn(sim, reader);
    bool done = sim_run_until(sim, is_done, reading, SIM_MINUTES(1));
    assert(done); /* else it would be told of later, and nobody is there: V6 */
    return done && reading->error == 0;
}

void
sim_chores_audit(struct sim_chores *chores, bool nothing_lost)
{
    uint32_t count = sim_node_count(chores->sim);
    for (uint32_t i = 0; i < count; i++)
        sim_chores_look(chores, i, true);
    for (uint32_t owner = 0; owner < chores->owners; owner++) {
        struct reading reading = {0};
        bool read = false;
        for (uint32_t i = 0; i < count && !read; i++) {
            uint32_t reader = (owner + i) % count;
            if (sim_is_alive(chores->sim, reader) && sim_is_joined(chores->sim, reader) &&
                sim_node(chores->sim, reader))
                read = read_array(chores, reader, owner, &reading);
        }
        if (read)
            sim_chores_judge(chores, owner, reading.texts, reading.count, nothing_lost);
    }
}
