/* store_scene.h: a storing peer, and alice who asks it to store: what the suites of store_*.c begin
 * with.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_UNIT_CORE_STORE_SCENE_H
#define RELOAD_TESTS_UNIT_CORE_STORE_SCENE_H

#include "tests/unit/core/storage_fixture.h"

static struct fixture *f;
static struct draft draft;
static struct question question;
static struct reload_bytes alice, none;
static uint8_t alice_octets[16];

static void
begin(void)
{
    f = fixture_new();
    alice = user_resource(f, "alice@example.org", alice_octets);
}

/* The usual request: one value of |kind|, signed and sent by alice. */
static int
store_as(uint8_t replica_number, uint64_t generation, uint32_t kind, struct reload_bytes key,
         const char *string, uint64_t time)
{
    draft_begin(&draft, f, alice, replica_number);
    draft_kind(&draft, kind, generation);
    draft_value(&draft, ALICE, kind, key, string, time, 3600);
    draft_kind_end(&draft);
    struct reload_bytes body = draft_end(&draft);
    ask(f, &question, reload_handle_store, ALICE, body, reload_writer_written(&draft.certificates));
    return question.error;
}

static int
store_single(uint64_t generation, const char *string, uint64_t time)
{
    return store_as(0, generation, KIND_SINGLE, none, string, time);
}

static const char *
single(void)
{
    return value_at(f, alice, KIND_SINGLE, none);
}

#endif
