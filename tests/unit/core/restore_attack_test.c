/* restore_attack_test.c: disks that are wrong, and clocks that jump over a restart. RFC 6940 7; D4,
 * D35, D47; attack rows S15, S17, S18.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/record.h"
#include "reload/topology.h"
#include "tests/unit/core/restore_scene.h"

#include <stdio.h>

/* ---- clocks --------------------------------------------------------------------------------- */

static reload_time
left_of(uint32_t kind)
{
    struct reload_resource *resource = reload_storage_find(fixture_storage(f), alice);
    ck_assert_ptr_nonnull(resource);
    struct reload_stored_kind *stored =
        reload_resource_kind(resource, reload_kinds_find(&storer()->kinds, kind));
    return ((struct reload_stored *)stored->values.root)->expires - f->now;
}

/* The time away counts; a clock that was set back makes no value live longer than its signer
 * allowed; one that was set forward ends it. */
START_TEST(s15_clocks_that_jump)
{
    begin();
    ck_assert_int_eq(store_text(KIND_SINGLE, none, "v", 1000, 3600), 0);
    disk_take(&disk, f);
    uint64_t wall_ms = f->wall_ms;
    f->wall_ms = wall_ms + 1000000;
    ck_assert_uint_eq(disk_boot(&disk, disk.count, f), 0);
    ck_assert_uint_eq(left_of(KIND_SINGLE), 2600 * RELOAD_SECOND);
    f->wall_ms = wall_ms - 3600000;
    ck_assert_uint_eq(disk_boot(&disk, disk.count, f), 0);
    ck_assert_uint_eq(left_of(KIND_SINGLE), 3600 * RELOAD_SECOND);
    f->wall_ms = wall_ms + 3600001;
    ck_assert_uint_eq(disk_boot(&disk, disk.count, f), 1);
    ck_assert_str_eq(value_at(f, alice, KIND_SINGLE, none), "-");
    /* Behind the end of all certificates. */
    f->wall_ms = wall_ms + UINT64_C(1000) * 86400000;
    ck_assert_uint_eq(disk_boot(&disk, disk.count, f), 2);
    end();
}
END_TEST

/* A lifetime that somebody wrote into the file: bounded as on the wire. */
START_TEST(s15_lifetimes_are_bounded)
{
    struct reload_bytes key = {0}, value;
    uint8_t copy[4096];
    begin();
    ck_assert_int_eq(store_text(KIND_SINGLE, none, "v", 1000, 3600), 0);
    disk_take(&disk, f);
    while (disk_next(&disk, disk.count, &key, &value)) {
        if (key.data[0] != 'V')
            continue;
        memcpy(copy, value.data, value.size);
        memset(copy, 0xff, 8);                                     /* EXPIRES */
        memset(copy + 48 + RELOAD_VALUE_LIFETIME_OFFSET, 0xff, 4); /* the StoredData's own */
        disk_check(key, copy, value.size);
        disk_put(&disk, key, (struct reload_bytes){copy, value.size});
        break;
    }
    ck_assert_uint_eq(disk_boot(&disk, disk.count, f), 0);
    ck_assert_uint_eq(left_of(KIND_SINGLE), RELOAD_LIFETIME_MAX_S * RELOAD_SECOND);
    end();
}
END_TEST

/* ---- disks that are wrong ------------------------------------------------------------------- */

/* Every octet of every record changed, and every record cut everywhere. */
START_TEST(torn_records_are_refused)
{
    struct reload_bytes key = {0}, value;
    uint8_t octets[4096];
    begin();
    ck_assert_int_eq(store_much(1000), 0);
    wait(101 * RELOAD_SECOND); /* there are marks, too */
    disk_take(&disk, f);
    fixture_boot(f, STORER);
    uint64_t before = fingerprint(f);
    unsigned types = 0;
    while (disk_next(&disk, disk.count, &key, &value)) {
        types |= key.data[0] == 'C' ? 1 : key.data[0] == 'M' ? 2 : 4;
        size_t size = key.size + value.size;
        memcpy(octets, key.data, key.size);
        memcpy(octets + key.size, value.data, value.size);
        struct reload_bytes k = {octets, key.size}, v = {octets + key.size, value.size};
        for (size_t i = 0; i < size; i++) {
            octets[i] ^= (uint8_t)(1u << i % 8);
            ck_assert_int_eq(reload_node_restore(storer(), k, v, f->now), RELOAD_E_MALFORMED);
            octets[i] ^= (uint8_t)(1u << i % 8);
        }
        for (v.size = 0; v.size < value.size; v.size++)
            ck_assert_int_eq(reload_node_restore(storer(), k, v, f->now), RELOAD_E_MALFORMED);
        for (k.size = 0; k.size < key.size; k.size++)
            ck_assert_int_eq(reload_node_restore(storer(), k, v, f->now), RELOAD_E_MALFORMED);
    }
    ck_assert_uint_eq(types, 7);
    ck_assert_uint_eq(fingerprint(f), before);
    end();
}
END_TEST

/* Gives a new node all certificates but |but|, and then the record |key|, |value|. */
static int
restore_one(struct reload_bytes but, struct reload_bytes key, struct reload_bytes value)
{
    struct reload_bytes other = {0}, its;
    fixture_boot(f, STORER);
    while (disk_next(&disk, disk.count, &other, &its))
        if (other.data[0] == 'C' && !reload_bytes_equal(other, but))
            ck_assert_int_eq(reload_node_restore(storer(), other, its, f->now), 0);
    return reload_node_restore(storer(), key, value, f->now);
}

/* The same by somebody who knows of the check: no value that was not signed comes of it. */
START_TEST(forged_records_are_refused)
{
    struct reload_bytes key = {0}, value;
    uint8_t octets[4096];
    char values[DISK_DUMP_SIZE];
    static char whole[DISK_DUMP_SIZE];
    unsigned accepted = 0, values_accepted = 0;
    begin();
    ck_assert_int_eq(store_much(1000), 0);
    disk_take(&disk, f);
    disk_dump(f, whole);
    while (disk_next(&disk, disk.count, &key, &value)) {
        memcpy(octets, key.data, key.size);
        memcpy(octets + key.size, value.data, value.size);
        struct reload_bytes k = {octets, key.size}, v = {octets + key.size, value.size};
        for (size_t i = 0; i < key.size + value.size - RELOAD_RECORD_CHECK_SIZE; i += 3) {
            octets[i] ^= 0x41;
            disk_check(k, octets + key.size, value.size);
            bool is_taken = restore_one(key, k, v) == 0;
            accepted += is_taken;
            ck_assert(!is_taken || i >= key.size); /* nor under another key */
            values_accepted += fixture_storage(f)->value_count > 0;
            disk_is_between(disk_dump(f, values), whole, whole);
            octets[i] ^= 0x41;
        }
    }
    ck_assert_uint_gt(values_accepted, 0); /* times and counters are nobody's signature */
    ck_assert_uint_eq(accepted, values_accepted);
    end();
}
END_TEST

/* Marks bear no signature: what they can do is bounded. */
START_TEST(forged_marks)
{
    struct reload_bytes key = {0}, value;
    uint8_t octets[4096];
    const reload_time day = 86400 * RELOAD_SECOND;
    begin();
    ck_assert_int_eq(store_text(KIND_DICTIONARY, text("a"), "v", 1000, 60), 0);
    wait(61 * RELOAD_SECOND);
    disk_take(&disk, f);
    struct reload_mark_place place = {.resource = alice,
                                      .kind = KIND_DICTIONARY,
                                      .key = text("a"),
                                      .type = RELOAD_MARK_STORAGE_TIME};
    while (disk_next(&disk, disk.count, &key, &value) &&
           (key.data[0] != 'M' || key.data[key.size - 1] != 'a'))
        ;
    memcpy(octets, key.data, key.size);
    memcpy(octets + key.size, value.data, value.size);
    uint8_t *in_value = octets + key.size;
    struct reload_bytes k = {octets, key.size}, v = {in_value, value.size};
    octets[key.size - 1] = 'b'; /* not the key that the value names */
    disk_check(k, in_value, value.size);
    ck_assert_int_eq(restore_one(none, k, v), RELOAD_E_MALFORMED);
    octets[key.size - 1] = 'a';
    in_value[8] |= 0x80; /* a storage time that none can be above (D9) */
    disk_check(k, in_value, value.size);
    ck_assert_int_eq(restore_one(none, k, v), RELOAD_E_FORBIDDEN);
    in_value[8] &= 0x7f;
    memset(in_value, 0xff, 8); /* for ever */
    disk_check(k, in_value, value.size);
    ck_assert_int_eq(restore_one(none, k, v), 0);
    const struct reload_marks *marks = &fixture_storage(f)->marks;
    ck_assert_uint_eq(reload_marks_get(marks, &place, f->now + 365 * day), 1000);
    ck_assert_uint_eq(reload_marks_get(marks, &place, f->now + 367 * day), 0);
    end();
}
END_TEST

static int
refuse(const struct reload_wire *of, struct reload_bytes key, struct reload_bytes value)
{
    (void)of, (void)key, (void)value;
    return RELOAD_E_MALFORMED;
}

/* A value that its Kind no longer takes for one. */
START_TEST(contents_are_checked_again)
{
    struct reload_bytes key = {0}, value;
    int last = 0;
    begin();
    ck_assert_int_eq(store_text(KIND_SINGLE, none, "v", 1000, 60), 0);
    disk_take(&disk, f);
    fixture_boot(f, STORER);
    for (size_t i = 0; i < storer()->kinds.count; i++)
        if (storer()->kinds.rows[i].kind == KIND_SINGLE)
            storer()->kinds.rows[i].check = refuse;
    while (disk_next(&disk, disk.count, &key, &value))
        last = reload_node_restore(storer(), key, value, f->now);
    ck_assert_int_eq(last, RELOAD_E_MALFORMED);
    ck_assert_uint_eq(fixture_storage(f)->value_count, 0);
    end();
}
END_TEST

/* Of a Kind that the document no longer has, or not with these limits. */
START_TEST(what_is_not_allowed_any_more)
{
    begin();
    ck_assert_int_eq(store_much(1000), 0);
    disk_take(&disk, f);
    f->config.kinds[1].max_count = 1;      /* KIND_ARRAY: the element at 2 */
    f->config.kinds[5].kind = 0xf0000099u; /* KIND_SINGLE */
    f->config.kinds[4].access_policy = RELOAD_ACCESS_NODE_MATCH;
    ck_assert_uint_eq(disk_boot(&disk, disk.count, f), 5);
    ck_assert_uint_eq(fixture_storage(f)->value_count, 1);
    ck_assert_str_eq(value_at(f, alice, KIND_ARRAY, at(0)), "0");
    end();
}
END_TEST

START_TEST(s18_more_than_there_is_room_for)
{
    struct reload_bytes key = {0}, value;
    begin();
    ck_assert_int_eq(store_much(1000), 0);
    disk_take(&disk, f);
    fixture_boot(f, STORER);
    fixture_storage(f)->octets_max = 2000;
    int last = 0;
    while (disk_next(&disk, disk.count, &key, &value)) {
        int error = reload_node_restore(storer(), key, value, f->now);
        last = error ? error : last;
    }
    ck_assert_int_eq(last, RELOAD_E_TOO_LARGE);
    ck_assert_uint_ge(fixture_storage(f)->value_count, 1);
    ck_assert_uint_lt(fixture_storage(f)->value_count, 6);
    end();
}
END_TEST

/* Certificates that nothing needs any more are forgotten when the node starts; afterwards nothing
 * is restored. */
START_TEST(orphans_go)
{
    struct reload_bytes key = {0}, value;
    begin();
    ck_assert_int_eq(store_much(1000), 0);
    disk_take(&disk, f);
    fixture_boot(f, STORER);
    unsigned certificates = 0;
    while (disk_next(&disk, disk.count, &key, &value))
        if (key.data[0] == 'C') {
            ck_assert_int_eq(reload_node_restore(storer(), key, value, f->now), 0);
            ck_assert_int_eq(reload_node_restore(storer(), key, value, f->now), 0); /* twice */
            certificates++;
        }
    ck_assert_uint_eq(certificates, 2);
    ck_assert_int_eq(reload_node_start(storer(), NULL, 0, f->now), 0);
    size_t before = disk.count;
    disk_take(&disk, f);
    ck_assert_uint_eq(disk.count - before, 2);
    ck_assert_uint_eq(disk.writes[before].value_size + disk.writes[before + 1].value_size, 0);
    ck_assert_uint_eq(fixture_storage(f)->certificates.set.count, 0);
    ck_assert_int_eq(reload_node_restore(storer(), key, value, f->now), RELOAD_E_USAGE);
    end();
}
END_TEST

/* ---- back in the ring ----------------------------------------------------------------------- */

static unsigned pushed;

static void
count_push(void *argument, int error, reload_time now)
{
    (void)argument, (void)error, (void)now;
    pushed++;
}

static const char *
value_of(enum peer_name peer)
{
    struct reload_node *node = f->peers[peer].node;
    struct reload_stored_kind *kind = reload_resource_kind(
        reload_storage_find(&node->storage, alice), reload_kinds_find(&node->kinds, KIND_SINGLE));
    static char string[64];
    struct reload_stored *stored = reload_stored_find(kind, none);
    if (!stored)
        return "-";
    (void)snprintf(string, sizeof string, "%.*s", (int)stored->payload.size,
                   (const char *)stored->payload.data);
    return string;
}

static void
push_all(void)
{
    struct reload_node_id zero = {{0}};
    pushed = 0;
    ck_assert_int_eq(reload_topology_push(storer(), &f->peers[BOB].id, &zero, &zero, 1, count_push,
                                          NULL, f->now),
                     0);
    fixture_run(f, f->now + 5 * RELOAD_SECOND);
    ck_assert_uint_eq(pushed, 1);
}

/* An old snapshot: the others have newer values, and the peer that comes back takes them. */
START_TEST(s17_an_old_disk)
{
    begin();
    ck_assert_int_eq(store_text(KIND_SINGLE, none, "old", 1000, 3600), 0);
    disk_take(&disk, f);
    size_t snapshot = disk.count;
    ck_assert_int_eq(store_text(KIND_SINGLE, none, "new", 2000, 3600), 0);
    fixture_connect(f, BOB);
    push_all();
    ck_assert_str_eq(value_of(BOB), "new");
    reload_node_link_down(f->peers[BOB].node, f->peers[BOB].link, RELOAD_E_CLOSED, f->now);
    ck_assert_uint_eq(disk_boot(&disk, snapshot, f), 0);
    ck_assert_str_eq(value_of(STORER), "old");
    ck_assert_int_eq(reload_node_start(storer(), NULL, 0, f->now), 0);
    fixture_connect(f, BOB);
    push_all();
    ck_assert_str_eq(value_of(BOB), "new");
    ck_assert_str_eq(value_of(STORER), "new");
    end();
}
END_TEST

/* The disk of another node: what is on it belongs elsewhere, and goes there. */
START_TEST(s17_another_nodes_disk)
{
    begin();
    ck_assert_int_eq(store_text(KIND_SINGLE, none, "hers", 1000, 3600), 0);
    disk_take(&disk, f);
    ck_assert_uint_eq(disk_boot(&disk, disk.count, f), 0);
    ck_assert_int_eq(reload_node_start(storer(), NULL, 0, f->now), 0);
    fixture_connect(f, BOB);
    f->peers[STORER].keeps = f->peers[STORER].responsible = false;
    reload_topology_changed(storer(), f->now);
    fixture_run(f, f->now + 60 * RELOAD_SECOND);
    ck_assert_str_eq(value_of(BOB), "hers");
    ck_assert_str_eq(value_of(STORER), "-");
    end();
}
END_TEST

int
main(void)
{
    return RUN_SUITE("restore_attack", s15_clocks_that_jump, s15_lifetimes_are_bounded,
                     torn_records_are_refused, forged_records_are_refused, forged_marks,
                     contents_are_checked_again, what_is_not_allowed_any_more,
                     s18_more_than_there_is_room_for, orphans_go, s17_an_old_disk,
                     s17_another_nodes_disk);
}
