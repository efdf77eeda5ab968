/* value.h: one stored value as bytes: its parts, its signature. RFC 6940 7, 7.1, 7.2; I1, D12, D15.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_VALUE_H
#define RELOAD_CORE_VALUE_H

#include "reload/node.h"

/* Where things are in an encoded StoredData, from its first octet. */
#define RELOAD_VALUE_TIME_OFFSET 4
#define RELOAD_VALUE_LIFETIME_OFFSET 12
#define RELOAD_VALUE_CONTENT_OFFSET 16

#define RELOAD_ARRAY_APPEND 0xffffffffu

/* An encoded StoredData, taken apart; all borrows from |raw|. */
struct reload_value {
    struct reload_bytes raw;      /* all of it, its length field included */
    struct reload_bytes content;  /* StoredDataValue */
    struct reload_bytes key;      /* what tells it from others of its Kind: nothing, the index
                                     (big-endian), or the dictionary key */
    struct reload_bytes payload;  /* the value, behind its four length octets */
    struct reload_bytes identity; /* SignerIdentity */
    struct reload_stored_data data;
};

/* reload_value_next takes the next value of |list|, a list of StoredData that was checked when its
 * message was decoded. Returns false at the end. */
RELOAD_CHECKED bool reload_value_next(struct reload_reader *list, const struct reload_wire *wire,
                                      uint8_t model, struct reload_value *value);

/* reload_value_data returns the DataValue of |data|, whatever its data model. */
const struct reload_data_value *reload_value_data(const struct reload_stored_data *data);

/* reload_value_same tells whether two encoded values differ in their lifetime only. */
bool reload_value_same(struct reload_bytes a, struct reload_bytes b);

/* reload_value_unsigned tells whether |value| bears the marks of a synthesised value (identity
 * "none" or algorithms {0, 0}; 7.4.1.1): nobody may store it. */
bool reload_value_unsigned(const struct reload_value *value);

/* reload_value_verify checks the signature of |signer| over |value|, stored at |resource| as
 * |kind|. The Resource-ID counts with its length octet or, as other implementations do, without
 * (I1). Returns 0 or RELOAD_E_SIGNATURE. */
RELOAD_CHECKED int reload_value_verify(struct reload_keyring *keyring,
                                       const struct reload_identity *signer,
                                       struct reload_bytes resource, uint32_t kind,
                                       const struct reload_value *value);

/* reload_value_sign writes a StoredData with |content|, |storage_time| and |lifetime_s|, signed by
 * |node|. Returns 0, RELOAD_E_TOO_LARGE (the writer is full), RELOAD_E_CRYPTO. */
RELOAD_CHECKED int reload_value_sign(struct reload_node *node, struct reload_bytes resource,
                                     uint32_t kind, uint64_t storage_time, uint32_t lifetime_s,
                                     const struct reload_stored_data_value *content,
                                     struct reload_writer *writer);

/* reload_value_absent writes the synthesised value of a place where nothing is: |key| as in struct
 * reload_value (7.4.2.2). */
void reload_value_absent(struct reload_writer *writer, const struct reload_wire *wire,
                         uint8_t model, struct reload_bytes key);

/* reload_value_index reads an array's |key|; reload_value_index_key writes one into |octets|. */
uint32_t reload_value_index(struct reload_bytes key);
struct reload_bytes reload_value_index_key(uint32_t index, uint8_t octets[4]);

#endif
