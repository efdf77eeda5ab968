/* sim_disk.h: what a host kept beyond its process, in the order in which it was written: one record
 * for each key (PERSIST effects, reload/node.h).
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_DISK_H
#define RELOAD_TOOLS_SIM_DISK_H

#include "reload/base/bytes.h"
#include "tools/sim/sim_random.h"

struct sim_disk_record {
    struct reload_bytes key, value; /* one allocation, the key's */
    uint64_t sequence;              /* of the write */
};

/* What stood there before a write that a crash may undo. */
struct sim_disk_undo {
    struct reload_bytes key, value; /* one allocation, the key's; no value: nothing stood there */
    uint64_t durable_at;
};

/* Zero-initialised it is empty. */
struct sim_disk {
    struct sim_disk_record *records;
    size_t count, capacity;
    uint64_t sequence;
    struct sim_disk_undo *undo; /* in the order of the writes */
    size_t undo_count, undo_capacity;
};

/* sim_disk_write keeps a copy of |value| under |key|; an empty one forgets the key. */
void sim_disk_write(struct sim_disk *disk, struct reload_bytes key, struct reload_bytes value);

/* sim_disk_lag tells, before |key| is written at |now|, that a crash within |lag_ns| will undo
 * that. sim_disk_crash undoes what is not durable at |now|. */
void sim_disk_lag(struct sim_disk *disk, struct reload_bytes key, uint64_t now, uint64_t lag_ns);
void sim_disk_crash(struct sim_disk *disk, uint64_t now);

/* sim_disk_copy makes |to|, an empty disk, the same as |from|. */
void sim_disk_copy(struct sim_disk *to, const struct sim_disk *from);

/* sim_disk_tear cuts the |count| newest records' values to a part, and flips a bit in the one
 * before: what a power cut and age do to a file. |random| decides where. */
void sim_disk_tear(struct sim_disk *disk, size_t count, uint64_t random);

/* sim_disk_lose forgets |ppm| of a million of the records: what cannot be read any more. */
void sim_disk_lose(struct sim_disk *disk, uint32_t ppm, struct sim_random *random);

/* sim_disk_fini frees everything; the disk is empty then. */
void sim_disk_fini(struct sim_disk *disk);

#endif
