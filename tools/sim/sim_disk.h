/* sim_disk.h: what a host kept beyond its process, in the order in which it was written: one record
 * for each key (PERSIST effects, reload/node.h).
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_DISK_H
#define RELOAD_TOOLS_SIM_DISK_H

#include "reload/base/bytes.h"

struct sim_disk_record {
    struct reload_bytes key, value; /* one allocation, the key's */
    uint64_t sequence;              /* of the write */
};

/* Zero-initialised it is empty. */
struct sim_disk {
    struct sim_disk_record *records;
    size_t count, capacity;
    uint64_t sequence;
    uint64_t lost; /* writes that failed */
};

/* sim_disk_write keeps a copy of |value| under |key|; an empty one forgets the key. */
void sim_disk_write(struct sim_disk *disk, struct reload_bytes key, struct reload_bytes value);

/* sim_disk_copy makes |to|, an empty disk, the same as |from|. */
void sim_disk_copy(struct sim_disk *to, const struct sim_disk *from);

/* sim_disk_tear cuts the |count| newest records' values to a part, and flips a bit in the one
 * before: what a power cut and age do to a file. |random| decides where. */
void sim_disk_tear(struct sim_disk *disk, size_t count, uint64_t random);

/* sim_disk_fini frees everything; the disk is empty then. */
void sim_disk_fini(struct sim_disk *disk);

#endif
