/* sim_chord.c: reads the tables of CHORD-RELOAD, and fills them for a quick start.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_chord.h"

#include "topology/chord_change.h"
#include "topology/chord_state.h"

#include <inttypes.h>

static void
write_place(FILE *out, struct reload_chord_place place)
{
    fprintf(out, " %03" PRIx64, place.high >> 52);
}

bool
sim_chord_successor(const void *topology_state, struct reload_node_id *successor)
{
    const struct reload_chord *chord = topology_state;
    if (reload_chord_table_neighbors(&chord->table) == 0)
        return false;
    *successor = reload_chord_node_id_of(reload_chord_table_successor(&chord->table, 0));
    return true;
}

size_t
sim_chord_successors(const void *topology_state, struct reload_node_id *successors, size_t max)
{
    const struct reload_chord *chord = topology_state;
    size_t count = reload_chord_table_neighbors(&chord->table);
    for (size_t i = 0; i < count && i < max; i++)
        successors[i] = reload_chord_node_id_of(reload_chord_table_successor(&chord->table, i));
    return count < max ? count : max;
}

size_t
sim_chord_predecessors(const void *topology_state, struct reload_node_id *predecessors, size_t max)
{
    const struct reload_chord *chord = topology_state;
    size_t count = reload_chord_table_neighbors(&chord->table);
    for (size_t i = 0; i < count && i < max; i++)
        predecessors[i] = reload_chord_node_id_of(reload_chord_table_predecessor(&chord->table, i));
    return count < max ? count : max;
}

void
sim_chord_enter(void *topology_state, uint64_t tell_at, uint64_t now)
{
    struct reload_chord *chord = topology_state;
    struct reload_link_info info;
    size_t cursor = 0;
    while (reload_node_link_next(chord->node, &cursor, &info)) {
        struct reload_chord_place place = reload_chord_place_of(&info.node_id);
        if (reload_chord_table_add(&chord->table, chord->env, place, info.link) == 0)
            reload_chord_table_find(&chord->table, place)->opened =
                info.origin == RELOAD_LINK_ORIGIN_ATTACH;
    }
    chord->founded = false;
    reload_chord_changed(chord, RELOAD_CHORD_CAUSE_JOINED, now);
    chord->timers[RELOAD_CHORD_TIMER_TELL_NEAR] = tell_at;
    chord->timers[RELOAD_CHORD_TIMER_TELL_ALL] = tell_at;
}

void
sim_chord_describe(const void *topology_state, FILE *out)
{
    static const char *const phases[] = {"offline", "seeking", "learning",  "linking", "asking",
                                         "placed",  "joined",  "connected", "leaving"};
    const struct reload_chord *chord = topology_state;
    write_place(out, chord->table.self);
    fprintf(out, " %s", phases[chord->phase]);
    if (chord->phase > RELOAD_CHORD_SEEKING && chord->phase < RELOAD_CHORD_JOINED) {
        fputs(", admitted by", out);
        write_place(out, chord->join.admitting);
        fputs(" who knows", out);
        for (size_t i = 0; i < chord->join.known_count; i++)
            write_place(out, chord->join.known[i]);
    }
    if (chord->admission.active) {
        fputs(", admits", out);
        write_place(out, chord->admission.place);
    }
    fputs(", table", out);
    for (size_t i = 0; i < chord->table.count; i++)
        write_place(out, reload_chord_table_place(&chord->table, &chord->table.peers[i]));
    fputc('\n', out);
}
