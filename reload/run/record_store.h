/* record_store.h: keeps a node's records (PERSIST effects) in an sqlite file across restarts.
 *
 * Records are written behind: what one second brought is one transaction of a thread of its own, so
 * a slow disk never stops the node. Nothing that is wrong with the file stops it either: a damaged
 * or foreign file is put aside, a full disk is tried again, and each is told once.
 * D35. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RUN_RECORD_STORE_H
#define RELOAD_RUN_RECORD_STORE_H

#include "reload/base/bytes.h"
#include "reload/base/error.h"
#include "reload/loop.h"
#include "reload/run/driver.h"
#include "reload/wire/node_id.h"

struct reload_record_store;

/* A record may have so many octets, and so many in all may wait for the disk. */
#define RELOAD_RECORD_KEY_MAX 512
#define RELOAD_RECORD_WAITING_MAX (16u * 1024 * 1024)

#define RELOAD_RECORD_REASON_SIZE 400

struct reload_record_store_options {
    struct reload_loop *loop;             /* borrowed, outlives the store */
    const char *path;                     /* of the file; made, 0600, when it is not there */
    const char *overlay;                  /* whose records these are: the overlay's name ... */
    const struct reload_node_id *node_id; /* ... and the node's identity */
    bool durable; /* reload_store_ops.sync waits for the disk; else it does nothing (D35) */
    /* Told in one line what people should know: the file put aside, the disk full, all well again.
     * From the loop, also from within reload_record_store_new. May be NULL. */
    void (*report)(void *argument, const char *text);
    void *argument;
};

/* reload_record_store_new opens the file. One of a newer program, of another node or overlay, or
 * one that is damaged, is renamed to PATH.aside (an older such one is replaced) and a new one is
 * begun. |reason|, of RELOAD_RECORD_REASON_SIZE octets, says in one line why not even that could be
 * done. Returns 0, RELOAD_E_NOMEM, RELOAD_E_IO, RELOAD_E_BUSY (another process has the file open).
 */
RELOAD_CHECKED int reload_record_store_new(const struct reload_record_store_options *options,
                                           char *reason, struct reload_record_store **store);

/* reload_record_store_free writes what is waiting, waiting for the disk, and closes the file. NULL
 * is allowed. */
void reload_record_store_free(struct reload_record_store *store);

/* For the driver's option |store|; the context is the store. */
extern const struct reload_store_ops reload_record_store_ops;

/* reload_record_store_each calls |each| for every record in the file, in the order of their keys.
 * |each| returns 0, or an error when the record is to be forgotten. Before the first record is put.
 * Returns 0 or RELOAD_E_IO (the file could not be read to its end). */
typedef int reload_record_fn(void *argument, struct reload_bytes key, struct reload_bytes value);
RELOAD_CHECKED int reload_record_store_each(struct reload_record_store *store,
                                            reload_record_fn *each, void *argument);

struct reload_record_counters {
    uint64_t put, written, forgotten; /* |written|: reached the file; |forgotten| by _each */
    uint64_t failures;                /* transactions that the disk refused; tried again */
    uint64_t lost;                    /* not kept: too much was waiting */
    size_t waiting;                   /* not in the file yet */
};
struct reload_record_counters reload_record_store_counters(const struct reload_record_store *store);

#endif
