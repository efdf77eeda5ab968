/* user_name.c: names of users.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/enrolld/user_name.h"

#include <stdio.h>
#include <strings.h>

enum { LOCAL_PART_MAX = 64 };

static bool
may_stand(uint8_t octet)
{
    return (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') ||
           (octet >= '0' && octet <= '9') || octet == '.' || octet == '_' || octet == '+' ||
           octet == '-';
}

int
user_name_complete(struct reload_bytes given, const char *overlay, char *name)
{
    size_t local = 0, domain = strlen(overlay);
    while (local < given.size && may_stand(given.data[local]))
        local++;
    if (local == 0 || local > LOCAL_PART_MAX || local + 1 + domain > RELOAD_USER_NAME_MAX)
        return RELOAD_E_USAGE;
    if (given.data[0] == '.' || given.data[local - 1] == '.')
        return RELOAD_E_USAGE;
    if (local < given.size &&
        (given.data[local] != '@' || given.size - local - 1 != domain ||
         strncasecmp((const char *)given.data + local + 1, overlay, domain) != 0))
        return RELOAD_E_USAGE;
    snprintf(name, RELOAD_USER_NAME_MAX + 1, "%.*s@%s", (int)local, (const char *)given.data,
             overlay);
    return 0;
}
