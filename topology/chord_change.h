/* chord_change.h: what follows from a change of our neighbourhood: whom to tell, what to copy.
 *
 * RFC 6940 10.7.1, 10.7.3. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_CHANGE_H
#define RELOAD_TOPOLOGY_CHORD_CHANGE_H

#include "topology/chord_state.h"

enum reload_chord_cause {
    RELOAD_CHORD_CAUSE_JOINED,   /* we became a peer */
    RELOAD_CHORD_CAUSE_LEARNT,   /* a peer told us that it is one */
    RELOAD_CHORD_CAUSE_GREETED,  /* likewise, and names us as the next: it joined beside us */
    RELOAD_CHORD_CAUSE_ADMITTED, /* we admitted our new predecessor, which has its data */
    RELOAD_CHORD_CAUSE_LOST,     /* a peer's link failed, or it left */
};

/* reload_chord_changed compares the table with what it was at the last call and acts: adjusts the
 * reach, tells neighbours and all others, moves data, looks for fingers. To be called after every
 * change of the table. */
void reload_chord_changed(struct reload_chord *chord, enum reload_chord_cause cause,
                          reload_time now);

#endif
