/* nomination.h: the check by which the controlling side says which pair it has chosen, once more.
 *
 * RFC 8445 7.1.1, 7.1.2, 8.1.1. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_ICE_NOMINATION_H
#define RELOAD_ICE_NOMINATION_H

#include <stddef.h>
#include <stdint.h>

/* Room for one: two credentials of RELOAD_ICE_CREDENTIAL_MAX octets, and the other attributes. */
#define NOMINATION_MAX 640

/* Borrowed for the call. */
struct nomination {
    const char *local_ufrag;
    const char *remote_ufrag, *remote_password;
    uint32_t priority;    /* of the pair's local candidate */
    uint64_t tie_breaker; /* only matters when both sides control */
};

/* nomination_write writes a Binding request with USE-CANDIDATE into |octets|, which has |capacity|.
 * Returns its size, or 0 when it does not fit. */
size_t nomination_write(const struct nomination *nomination, uint8_t *octets, size_t capacity);

#endif
