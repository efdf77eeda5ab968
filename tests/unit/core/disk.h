/* disk.h: a disk of a test's own: what a node asks to be kept, write by write, so that a crash may
 * come behind each of them.
 *
 * D35, D47. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_UNIT_CORE_DISK_H
#define RELOAD_TESTS_UNIT_CORE_DISK_H

#include "tests/unit/core/storage_fixture.h"

#define DISK_WRITES_MAX 4096
#define DISK_DUMP_SIZE 4096

/* One PERSIST effect. */
struct disk_write {
    size_t key_size, value_size; /* value 0: forgets the key */
    uint8_t *octets;
};

/* Every write since the beginning; what the disk holds is the last one under each key. */
struct disk {
    struct disk_write writes[DISK_WRITES_MAX];
    size_t count;
};

void disk_clear(struct disk *disk);

/* disk_take polls the storing peer and takes what it wants to be kept. */
void disk_take(struct disk *disk, struct fixture *fixture);

/* disk_put adds a write; an empty |value| forgets |key|. */
void disk_put(struct disk *disk, struct reload_bytes key, struct reload_bytes value);

/* disk_next walks over the records that are there after the first |count| writes, in the order of
 * their keys: begin with an empty |*key|. Returns false at the end. */
bool disk_next(const struct disk *disk, size_t count, struct reload_bytes *key,
               struct reload_bytes *value);

/* disk_boot ends the storing peer's node and makes a new one that gets back what was there after
 * |count| writes. What is refused is forgotten, and counted. */
unsigned disk_boot(struct disk *disk, size_t count, struct fixture *fixture);

/* disk_dump writes all values of the storing peer as text, a line each, into |text|, of
 * DISK_DUMP_SIZE octets. Returns |text|. */
const char *disk_dump(struct fixture *fixture, char *text);

/* disk_is_between fails unless each line of |values| is one of |before| or |after|. */
void disk_is_between(const char *values, const char *before, const char *after);

/* disk_store stores |string| (NULL: a removal) at |resource|, signed by ALICE, and disk_store_much
 * six values of two signers in three Kinds, one under |long_key|. Return what the handler says. */
int disk_store(struct fixture *fixture, struct reload_bytes resource, uint32_t kind,
               struct reload_bytes key, const char *string, uint64_t time, uint32_t lifetime_s);
int disk_store_much(struct fixture *fixture, struct reload_bytes resource,
                    struct reload_bytes long_key, uint64_t time);

/* disk_check repairs the check at the end of |value| under |key|, of |size| octets in all. */
void disk_check(struct reload_bytes key, uint8_t *value, size_t size);

#endif
