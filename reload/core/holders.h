/* holders.h: which other peers are known to have what is stored here at a resource. RFC 6940 10.4.
 *
 * A peer is known by its link: who comes back has another one, and may have lost what it had.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_HOLDERS_H
#define RELOAD_CORE_HOLDERS_H

#include <stdint.h>

/* The latest that were heard of; at least as many as a topology wants. */
#define RELOAD_HOLDERS_MAX 4

/* Zero-initialised it is empty. */
struct reload_holders {
    struct reload_holder {
        uint32_t link;  /* to the peer; 0: free */
        uint64_t stamp; /* it has what the commits up to this one have brought */
    } all[RELOAD_HOLDERS_MAX];
};

/* reload_holders_note notes that the peer at |link| (not 0) has everything up to |stamp|. Who was
 * noted first is forgotten when there is no room. */
void reload_holders_note(struct reload_holders *holders, uint32_t link, uint64_t stamp);

/* reload_holders_stamp returns up to which commit the peer at |link| has everything, 0 when that is
 * not known. */
uint64_t reload_holders_stamp(const struct reload_holders *holders, uint32_t link);

/* reload_holders_forget forgets the peer at |link|. */
void reload_holders_forget(struct reload_holders *holders, uint32_t link);

#endif
