/* chord_print.c: the tables, for people.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_print.h"

#include "reload/base/json.h"

static void
print_place(struct reload_json *json, struct reload_chord_place place)
{
    struct reload_node_id id = reload_chord_node_id_of(place);
    reload_json_hex(json, reload_node_id_bytes(&id, RELOAD_CHORD_ID_SIZE));
}

static void
print_fingers(const struct reload_chord *chord, struct reload_json *json)
{
    reload_json_key(json, "fingers");
    reload_json_begin_array(json);
    for (unsigned i = 1; i <= RELOAD_CHORD_BITS; i++) {
        const struct reload_chord_peer *peer = reload_chord_table_finger(&chord->table, i);
        if (!peer)
            continue;
        reload_json_begin_object(json);
        reload_json_key(json, "i");
        reload_json_uint(json, i);
        reload_json_key(json, "node_id");
        print_place(json, reload_chord_table_place(&chord->table, peer));
        reload_json_end_object(json);
    }
    reload_json_end_array(json);
}

void
reload_chord_print(void *state, struct reload_json *json, reload_time now)
{
    static const char *const phases[] = {"offline", "seeking", "learning",  "linking", "asking",
                                         "placed",  "joined",  "connected", "leaving"};
    const struct reload_chord *chord = state;
    const struct reload_chord_table *table = &chord->table;
    size_t neighbors = reload_chord_table_neighbors(table);
    reload_json_begin_object(json);
    reload_json_key(json, "topology");
    reload_json_text(json, "CHORD-RELOAD");
    reload_json_key(json, "phase");
    reload_json_text(json, phases[chord->phase]);
    reload_json_key(json, "uptime_s");
    reload_json_uint(json, (now - chord->started_at) / RELOAD_SECOND);
    reload_json_key(json, "estimated_size");
    reload_json_number(json, reload_chord_table_estimate(table), 0);
    reload_json_key(json, "peers");
    reload_json_uint(json, table->count);
    reload_json_key(json, "predecessors");
    reload_json_begin_array(json);
    for (size_t i = 0; i < neighbors; i++)
        print_place(json, reload_chord_table_predecessor(table, i));
    reload_json_end_array(json);
    reload_json_key(json, "successors");
    reload_json_begin_array(json);
    for (size_t i = 0; i < neighbors; i++)
        print_place(json, reload_chord_table_successor(table, i));
    reload_json_end_array(json);
    print_fingers(chord, json);
    reload_json_end_object(json);
}
