/* record.h: the records by which what a peer stores outlives its process (D35, D47): written by
 * PERSIST effects, read by reload_node_restore.
 *
 * Numbers are big-endian. By the first octet of the key:
 *
 *   'C' a signer's certificate   key: SHA-256 of it             value: its DER
 *   'M' a mark (marks.h)         key: PLACE, MarkType (1)       value: EXPIRES, number (8), KEY
 *   'V' a value                  key: PLACE                     value: EXPIRES, generation (8),
 *                                SHA-256 of the signer's certificate, StoredData
 *
 * PLACE is the Resource-ID behind its length (1), the Kind-ID (4), the length of the value's key
 * (2: nothing, an array's index, a dictionary's key) and that key, or its SHA-256 when it is longer
 * than RELOAD_RECORD_KEY_WHOLE octets. KEY is the whole key behind its length (2). EXPIRES is the
 * wall time, in ms, when the record means nothing any more (8). Every value ends with 8 octets of
 * FNV-1a over key and value: a torn record is known at once. In the order of their keys, records
 * find all that they need before them.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_RECORD_H
#define RELOAD_CORE_RECORD_H

#include "reload/core/storage.h"

#define RELOAD_RECORD_CERTIFICATE 'C'
#define RELOAD_RECORD_MARK 'M'
#define RELOAD_RECORD_VALUE 'V'

#define RELOAD_RECORD_KEY_WHOLE 256
#define RELOAD_RECORD_CHECK_SIZE 8

/* A record, taken apart; all borrows from it. */
struct reload_record {
    char type;
    struct reload_bytes place; /* of a value or mark: its key behind the type */
    enum reload_mark_type mark_type;
    struct reload_bytes resource;
    uint32_t kind;
    struct reload_bytes key; /* of a mark: whole */
    uint64_t expires_ms;
    uint64_t number;             /* generation, or what is marked */
    struct reload_bytes hash;    /* of the certificate */
    struct reload_bytes content; /* DER or StoredData */
};

/* reload_record_decode takes a record apart. Returns 0 or RELOAD_E_MALFORMED. */
RELOAD_CHECKED int reload_record_decode(struct reload_bytes key, struct reload_bytes value,
                                        struct reload_record *record);

/* reload_record_is_at tells whether |place| of a decoded record is that of the value with |key| in
 * |kind| at |resource|. */
RELOAD_CHECKED bool reload_record_is_at(struct reload_node *node,
                                        const struct reload_record *record,
                                        struct reload_bytes key);

/* ---- writing: nothing happens when the storage keeps nothing ----------------------------------
 */

/* reload_record_value tells that |stored| is there, or gone. */
void reload_record_value(struct reload_storage *storage, struct reload_stored *stored,
                         bool is_there, reload_time now);

/* reload_record_certificate_leaves is called before |certificate| loses a holder: the last one
 * takes its record along. */
void reload_record_certificate_leaves(struct reload_storage *storage,
                                      struct reload_certificate *certificate);

/* reload_record_mark tells that |place| is marked with |number| until |expires|. */
void reload_record_mark(struct reload_storage *storage, const struct reload_mark_place *place,
                        uint64_t number, reload_time expires, reload_time now);

/* reload_record_mark_gone: |context| is the storage. */
void reload_record_mark_gone(void *context, const struct reload_mark_place *place);

/* reload_record_persist is the storage's way to PERSIST effects; |context| is the node. */
reload_persist_fn reload_record_persist;

#endif
