/* srv_none.c: stands in for srv.c where c-ares is not there.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/reload/srv.h"

#include <stdio.h>

int
srv_find(const char *name, char *target, char *message, size_t size)
{
    (void)target;
    snprintf(message, size,
             "%s: this build cannot look up SRV records; name the configuration server by --url "
             "https://...",
             name);
    return RELOAD_E_NOT_FOUND;
}
