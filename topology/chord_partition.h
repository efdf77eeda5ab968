/* chord_partition.h: the search for other parts of the overlay.
 *
 * RFC 6940 10.7.4.4. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_PARTITION_H
#define RELOAD_TOPOLOGY_CHORD_PARTITION_H

#include "topology/chord_state.h"

/* reload_chord_partition_suspect hears of something that may be a split: neighbours were lost. */
void reload_chord_partition_suspect(struct reload_chord *chord, reload_time now);

/* The function of a timer: asks a bootstrap node who follows us. */
void reload_chord_partition_due(struct reload_chord *chord, reload_time now);

#endif
