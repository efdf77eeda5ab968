/* node_id.h: Node-IDs, held by value.
 *
 * RFC 6940 6.3.1.1. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_WIRE_NODE_ID_H
#define RELOAD_WIRE_NODE_ID_H

#include "reload/base/bytes.h"

#define RELOAD_NODE_ID_SIZE_MIN 16
#define RELOAD_NODE_ID_SIZE_MAX 20

/* A Node-ID, most significant octet first. The overlay's node-id-length (16..20) octets count;
 * those behind are zero. */
struct reload_node_id {
    uint8_t octets[RELOAD_NODE_ID_SIZE_MAX];
};

/* reload_node_id_compare orders Node-IDs of one overlay as unsigned numbers: <0, 0 or >0. */
static inline int
reload_node_id_compare(const struct reload_node_id *a, const struct reload_node_id *b)
{
    return memcmp(a->octets, b->octets, sizeof a->octets);
}

static inline bool
reload_node_id_equal(const struct reload_node_id *a, const struct reload_node_id *b)
{
    return reload_node_id_compare(a, b) == 0;
}

/* reload_node_id_is_zero tells whether |id| is all zeros, which is never a valid Node-ID. */
static inline bool
reload_node_id_is_zero(const struct reload_node_id *id)
{
    static const struct reload_node_id zero = {{0}};
    return reload_node_id_equal(id, &zero);
}

/* reload_node_id_is_wildcard tells whether all |length| octets of |id| are ones: any node, only
 * as a destination (6.1.1). */
static inline bool
reload_node_id_is_wildcard(const struct reload_node_id *id, uint8_t length)
{
    for (uint8_t i = 0; i < length; i++)
        if (id->octets[i] != 0xff)
            return false;
    return length != 0;
}

/* reload_node_id_bytes borrows the |length| octets of |id|. */
static inline struct reload_bytes
reload_node_id_bytes(const struct reload_node_id *id, uint8_t length)
{
    return (struct reload_bytes){id->octets, length};
}

/* reload_node_id_of copies |bytes|, at most RELOAD_NODE_ID_SIZE_MAX of them, into a Node-ID; more
 * are cut off. */
static inline struct reload_node_id
reload_node_id_of(struct reload_bytes bytes)
{
    struct reload_node_id id = {{0}};
    size_t size = bytes.size < sizeof id.octets ? bytes.size : sizeof id.octets;
    if (size)
        memcpy(id.octets, bytes.data, size);
    return id;
}

#endif
