/* restore_scene.h: a storing peer with a disk, and what alice stores at it: what the suites of
 * restore_*.c begin with.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_UNIT_CORE_RESTORE_SCENE_H
#define RELOAD_TESTS_UNIT_CORE_RESTORE_SCENE_H

#include "tests/unit/core/disk.h"

static struct fixture *f;
static struct disk disk;
static struct reload_bytes alice, none;
static uint8_t alice_octets[16];
static char longer[401]; /* a key that no record's key can hold */

static void
begin(void)
{
    f = fixture_new();
    alice = user_resource(f, "alice@example.org", alice_octets);
    memset(longer, 'k', 400);
}

static void
end(void)
{
    disk_clear(&disk);
    fixture_free(f);
}

static struct reload_node *
storer(void)
{
    return f->peers[STORER].node;
}

static void
wait(reload_time time)
{
    f->now += time;
    f->wall_ms += time / RELOAD_MS;
    reload_node_timeout(storer(), f->now);
}

static int
store_text(uint32_t kind, struct reload_bytes key, const char *string, uint64_t time,
           uint32_t lifetime_s)
{
    return disk_store(f, alice, kind, key, string, time, lifetime_s);
}

static int
store_much(uint64_t time)
{
    return disk_store_much(f, alice, text(longer), time);
}

#endif
