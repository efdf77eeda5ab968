/* access.h: who may write a value: the access control policies. RFC 6940 7.3, D25.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_ACCESS_H
#define RELOAD_CORE_ACCESS_H

#include "reload/core/kind.h"
#include "reload/keyring.h"

/* The overlay's hash function: the topology's |resource_id| and state. */
struct reload_access_hash {
    int (*resource_id)(void *state, struct reload_bytes name, uint8_t *resource, size_t *size);
    void *state;
    uint8_t node_id_length;
};

/* Who signed: the certificate, and the Node-ID that its SignerIdentity stands for. */
struct reload_access_signer {
    const struct reload_identity *identity;
    const struct reload_node_id *node_id;
};

/* reload_access_check tells whether |signer| may write the value with dictionary |key| (empty with
 * other data models) of the Kind |row| at |resource|.
 * Returns 0, RELOAD_E_FORBIDDEN, or an error of the hash function. */
RELOAD_CHECKED int reload_access_check(const struct reload_access_hash *hash,
                                       const struct reload_kind *row, struct reload_bytes resource,
                                       struct reload_bytes key,
                                       const struct reload_access_signer *signer);

struct reload_node;
struct reload_value;

/* reload_access_check_value tells whether |signer|, as |signer_id|, may store |value| of the Kind
 * |row| at |resource| in |node|'s overlay: by the access policy, and by what the usage wants of its
 * document. Returns 0, RELOAD_E_FORBIDDEN, or an error of the hash function. */
RELOAD_CHECKED int reload_access_check_value(struct reload_node *node,
                                             const struct reload_kind *row,
                                             struct reload_bytes resource,
                                             const struct reload_value *value,
                                             const struct reload_identity *signer,
                                             const struct reload_node_id *signer_id);

/* reload_access_check_content tells whether |value| is well-formed for its Kind |row|. Returns 0,
 * RELOAD_E_MALFORMED, RELOAD_E_FORBIDDEN. */
RELOAD_CHECKED int reload_access_check_content(struct reload_node *node,
                                               const struct reload_kind *row,
                                               const struct reload_value *value);

#endif
