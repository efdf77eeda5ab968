/* control_path.h: where the control socket is when nothing is said about it.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RELOADD_CONTROL_PATH_H
#define TOOLS_RELOADD_CONTROL_PATH_H

#include <limits.h>

/* control_path_default writes the path: in the user's runtime or home folder, or /run for root. */
void control_path_default(char path[PATH_MAX]);

#endif
