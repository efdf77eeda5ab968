/* chord_print.h: the tables, for people.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOPOLOGY_CHORD_PRINT_H
#define RELOAD_TOPOLOGY_CHORD_PRINT_H

#include "topology/chord_state.h"

/* The slot of struct reload_topology_ops. */
void reload_chord_print(void *state, struct reload_json *json, reload_time now);

#endif
