/* restore.h: what a peer stored comes back after a restart (D35, D47); reload_node_restore.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_RESTORE_H
#define RELOAD_CORE_RESTORE_H

#include "reload/node.h"

/* reload_restore_end is called when the node starts: certificates that came back, and that no value
 * needs, go. */
void reload_restore_end(struct reload_node *node);

#endif
