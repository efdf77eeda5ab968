/* receiver.c: which frames have come: the receiving half of Simple Reliability. RFC 6940 6.6.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/sender.h"

uint32_t
reload_receiver_mark(struct reload_receiver *receiver, uint32_t sequence, bool *fresh)
{
    if (!receiver->any) {
        *receiver = (struct reload_receiver){true, sequence, 0};
    }
    int32_t ahead = (int32_t)(sequence - receiver->highest);
    if (ahead > 0) {
        receiver->seen = ahead < 64 ? receiver->seen << ahead : 0;
        receiver->highest = sequence;
        ahead = 0;
    }
    uint32_t behind = 0u - (uint32_t)ahead;
    if (behind >= 64) {
        *fresh = true; /* too old to know; duplicates are found again by transaction */
        return 0;
    }
    *fresh = (receiver->seen >> behind & 1) == 0;
    receiver->seen |= UINT64_C(1) << behind;
    /* Bit d stands for sequence - d, d = 1..31 (I3). */
    uint64_t window = receiver->seen >> behind;
    return (uint32_t)(window & 0xfffffffeu);
}
