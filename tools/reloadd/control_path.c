/* control_path.c: where the control socket is when nothing is said about it.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/reloadd/control_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void
control_path_default(char path[PATH_MAX])
{
    const char *runtime = getenv("XDG_RUNTIME_DIR"), *home = getenv("HOME");
    if (geteuid() == 0)
        (void)snprintf(path, PATH_MAX, "/run/reloadd.sock");
    else if (runtime && *runtime)
        (void)snprintf(path, PATH_MAX, "%s/reloadd.sock", runtime);
    else
        (void)snprintf(path, PATH_MAX, "%s/.reloadd.sock", home ? home : "");
}
