/* sim_hash.h: a fast hash of many pieces, for the trace and for the fast keyring's digests. The
 * result depends on the octets in their order only, not on how they were cut into pieces. It keeps
 * no secret safe: it has the failure behaviour of a MAC, not its strength.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_HASH_H
#define RELOAD_TOOLS_SIM_HASH_H

#include <stddef.h>
#include <stdint.h>

/* A hash in the making. Two messages that differ in a single 8-octet word never collide. */
struct sim_hash {
    uint64_t a, b;
    uint64_t size;    /* octets so far */
    uint8_t tail[16]; /* those that do not fill a block yet */
};

/* sim_hash_begin starts a hash under |key|. */
struct sim_hash sim_hash_begin(uint64_t key);

/* sim_hash_add takes |size| octets more. */
void sim_hash_add(struct sim_hash *hash, const void *data, size_t size);

/* sim_hash_add_u64 takes a number. */
void sim_hash_add_u64(struct sim_hash *hash, uint64_t value);

/* sim_hash_result returns the hash of what was taken so far; more may be added afterwards. */
uint64_t sim_hash_result(const struct sim_hash *hash);

#endif
