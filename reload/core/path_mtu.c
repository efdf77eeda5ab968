/* path_mtu.c: finds out that large frames are lost, by their acknowledgements alone.
 *
 * A large frame that was sent three times in vain is in doubt; a small one goes beside it. When
 * anything is acknowledged then, but nothing large since the frame was first sent, the path is
 * narrow. It stays so as long as the link does: a later one begins anew.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/path_mtu.h"

#define DOUBT_TRIES 3
/* What was cut before has come to an end by then: five tries, and a wait in the queue. */
#define EXCUSE_TIME (10 * RELOAD_SECOND)

bool
reload_path_mtu_look(struct reload_sender *sender, const struct reload_buffer *frame,
                     reload_time now)
{
    if (frame->size <= RELOAD_MTU_NARROW || frame->tries < DOUBT_TRIES)
        return false;
    reload_time first = frame->sent_at[0];
    if (sender->large_at > first)
        return false;
    if (sender->acknowledged_at > first && sender->mtu > RELOAD_MTU_NARROW) {
        sender->mtu = RELOAD_MTU_NARROW;
        sender->narrow_at = now;
    }
    /* One beside many frames that are sent again at a time. */
    bool asked = sender->narrow_asked_at == now;
    sender->narrow_asked_at = now;
    return !asked;
}

bool
reload_path_mtu_excuses(const struct reload_sender *sender, const struct reload_buffer *frame,
                        reload_time now)
{
    return sender->narrow_at && frame->size > RELOAD_MTU_NARROW &&
           now - sender->narrow_at < EXCUSE_TIME;
}
