/* sim_chord.c: reads the tables of CHORD-RELOAD.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_chord.h"

#include "topology/chord_state.h"

bool
sim_chord_successor(const void *topology_state, struct reload_node_id *successor)
{
    const struct reload_chord *chord = topology_state;
    if (reload_chord_table_neighbors(&chord->table) == 0)
        return false;
    *successor = reload_chord_node_id_of(reload_chord_table_successor(&chord->table, 0));
    return true;
}
