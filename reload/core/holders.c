/* holders.c: which other peers are known to have what is stored here.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/holders.h"

#include <assert.h>
#include <string.h>

/* The index of |link|; RELOAD_HOLDERS_MAX when it is not there. */
static unsigned
find(const struct reload_holders *holders, uint32_t link)
{
    unsigned i = 0;
    while (i < RELOAD_HOLDERS_MAX && holders->all[i].link != link)
        i++;
    return i;
}

/* The newest stand first. */
void
reload_holders_note(struct reload_holders *holders, uint32_t link, uint64_t stamp)
{
    assert(link != 0);
    unsigned at = find(holders, link);
    if (at == RELOAD_HOLDERS_MAX)
        at = RELOAD_HOLDERS_MAX - 1;
    else if (holders->all[at].stamp > stamp)
        stamp = holders->all[at].stamp;
    memmove(&holders->all[1], &holders->all[0], at * sizeof holders->all[0]);
    holders->all[0] = (struct reload_holder){link, stamp};
}

uint64_t
reload_holders_stamp(const struct reload_holders *holders, uint32_t link)
{
    unsigned at = link ? find(holders, link) : RELOAD_HOLDERS_MAX;
    return at < RELOAD_HOLDERS_MAX ? holders->all[at].stamp : 0;
}

void
reload_holders_forget(struct reload_holders *holders, uint32_t link)
{
    unsigned at = link ? find(holders, link) : RELOAD_HOLDERS_MAX;
    if (at == RELOAD_HOLDERS_MAX)
        return;
    memmove(&holders->all[at], &holders->all[at + 1],
            (RELOAD_HOLDERS_MAX - 1 - at) * sizeof holders->all[0]);
    holders->all[RELOAD_HOLDERS_MAX - 1] = (struct reload_holder){0, 0};
}
