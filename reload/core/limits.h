/* limits.h: every bound of the core in one place, with the relations between them.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_LIMITS_H
#define RELOAD_CORE_LIMITS_H

#include "reload/env.h"

/* RFC 6940 6.2.1: the maximum request lifetime and the number of end-to-end transmissions. */
#define RELOAD_REQUEST_LIFETIME (15 * RELOAD_SECOND)
#define RELOAD_REQUEST_TRIES 5

/* Certificates that one message may carry (attack row C2). */
#define RELOAD_CERTIFICATES_MAX 32

#define RELOAD_MESSAGE_SIZE_MAX (1u << 20) /* a document may not ask for more */
#define RELOAD_LINKS_MAX 4096
#define RELOAD_TRANSACTIONS_MAX 4096
#define RELOAD_ANSWERS_KEPT_MAX 512 /* for retransmitted requests */
#define RELOAD_ANSWERS_KEPT_OCTETS_MAX (512u << 10)
#define RELOAD_PUSHES_MAX 32 /* reload_topology_push at a time */
#define RELOAD_PUSH_WINDOW 4 /* Stores outstanding of one push */

/* Links: Simple Reliability (D22). */
#define RELOAD_WINDOW_MAX 32      /* sequence numbers that an ACK covers */
#define RELOAD_LINK_QUEUE_MAX 256 /* frames waiting or unacknowledged, one link */
#define RELOAD_LINK_QUEUE_OCTETS_MAX (2u << 20)
#define RELOAD_FRAME_TRIES 5 /* 6.6.3.1 */
#define RELOAD_RTO_INITIAL (500 * RELOAD_MS)
#define RELOAD_RTO_MIN (100 * RELOAD_MS)
#define RELOAD_RTO_MAX (8 * RELOAD_SECOND)

/* Reassembly (6.7, D13). */
#define RELOAD_REASSEMBLIES_MAX 256
#define RELOAD_REASSEMBLIES_PER_LINK_MAX 64
#define RELOAD_REASSEMBLY_OCTETS_MAX (1u << 20)
#define RELOAD_FRAGMENTS_MAX 128 /* pieces of one message */

/* Storage. */
#define RELOAD_RESOURCES_MAX 65536
#define RELOAD_STORAGE_OCTETS_MAX (64u << 20)
#define RELOAD_HIGH_WATER_MAX 65536 /* remembered storage times of values gone (D4) */

#endif
