/* view.h: what a test sees of messages on their way and of the peers that nodes know.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_SIM_VIEW_H
#define RELOAD_TESTS_SIM_VIEW_H

#include "tools/sim/sim_draft.h"
#include "topology/chord_state.h"

/* The topology's state of |node|, which lives. */
const struct reload_chord *chord_of(struct sim *s, uint32_t node);

/* Whether |node| would route through |id|. */
bool table_has(struct sim *s, uint32_t node, const struct reload_node_id *id);

/* A Node-ID |steps| behind that of |node| on the ring; |steps| may be negative. */
struct reload_node_id node_id_behind(struct sim *s, uint32_t node, int steps);

/* Decodes the message in |passing|, behind its frame's header if there is one; false when it is
 * none, or a fragment. */
bool passing_message(struct sim *s, const struct sim_passing *passing,
                     struct reload_message *message);

/* The first entry of the Destination List; false when there is none. |*is_last|: no other. */
bool first_destination(const struct reload_message *message, struct reload_destination *destination,
                       bool *is_last);

/* The body of an Update of type neighbors with |ids| in both lists, in |data|; |uptime_s| is what
 * it says. */
struct reload_bytes neighbors_update(const struct reload_node_id *ids, size_t count,
                                     uint32_t uptime_s, uint8_t *data, size_t capacity);

#endif
