/* record_file.h: the sqlite file that a node's records are in.
 *
 * Not thread-safe, but any one thread at a time may use it.
 * D35. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_RUN_RECORD_FILE_H
#define RELOAD_RUN_RECORD_FILE_H

#include "reload/run/record_batch.h"
#include "reload/run/record_store.h"

#include <sqlite3.h>

struct record_file {
    sqlite3 *database;
    sqlite3_stmt *put, *forget;
};

/* record_file_open opens or makes the file. |aside| gets one line when an existing one was put
 * aside, else "". On failure |reason| says why. Both have RELOAD_RECORD_REASON_SIZE octets. Returns
 * 0, RELOAD_E_IO, RELOAD_E_BUSY. */
RELOAD_CHECKED int record_file_open(struct record_file *file,
                                    const struct reload_record_store_options *options, char *aside,
                                    char *reason);

void record_file_close(struct record_file *file);

/* record_file_write writes |batch| in one transaction. |reason| as above. Returns 0, or
 * RELOAD_E_IO: nothing was written. */
RELOAD_CHECKED int record_file_write(struct record_file *file, const struct record_batch *batch,
                                     char *reason);

/* record_file_each as reload_record_store_each; |*forgotten| counts the records forgotten. */
RELOAD_CHECKED int record_file_each(struct record_file *file, reload_record_fn *each,
                                    void *argument, uint64_t *forgotten);

#endif
