/* junk.h: how much work somebody may make us by signatures that do not verify.
 *
 * To verify is by far the dearest thing that a node does with a message. On each link failures are
 * counted, apart for each way by which a message came to the peer there: the last entry of the Via
 * List, which that peer wrote (6.1.2). Who sends junk through an honest peer silences what comes
 * the same way, and nobody else; who is linked with us and invents ways fills all counters of its
 * own link.
 *
 * RFC 6940 6.3.4, 13.6. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_JUNK_H
#define RELOAD_CORE_JUNK_H

#include "reload/base/bytes.h"
#include "reload/env.h"

#include <stdbool.h>

#define RELOAD_JUNK_WAYS 16
#define RELOAD_JUNK_BURST 32                     /* failures of one way that are forgiven */
#define RELOAD_JUNK_INTERVAL_NS (50 * RELOAD_MS) /* one of them is forgotten so often */

/* Zero-initialised nothing has failed. */
struct reload_junk {
    reload_time forgotten_at;
    uint8_t failures[RELOAD_JUNK_WAYS];
};

/* reload_junk_way returns the counter of a message with |via_list| (its octets). */
size_t reload_junk_way(struct reload_bytes via_list, uint8_t node_id_length);

/* reload_junk_is_welcome tells whether a message that came by |way| is to be verified at |now|. */
bool reload_junk_is_welcome(struct reload_junk *junk, size_t way, reload_time now);

/* reload_junk_failed tells that it did not verify. */
void reload_junk_failed(struct reload_junk *junk, size_t way);

#endif
