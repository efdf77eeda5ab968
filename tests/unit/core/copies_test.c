/* copies_test.c: a request in several copies, through first hops of which some misbehave. RFC 6940
 * 13.6; D50; attack row S19.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/storage_fixture.h"

#include <stdio.h>

static struct fixture *f;
static struct reload_bytes alice;
static uint8_t alice_octets[16];

static struct reload_result result;
static unsigned results;
static reload_time ended_at;
static char got[1024];

static const struct reload_fetch_specifier specifier = {.kind = KIND_SINGLE};

static void
done(void *argument, const struct reload_result *told, reload_time now)
{
    (void)argument;
    result = *told;
    results++;
    ended_at = now;
}

static void
each(void *argument, const struct reload_fetched_value *value, reload_time now)
{
    (void)argument, (void)now;
    size_t size = strlen(got);
    (void)snprintf(got + size, sizeof got - size, "%s%.*s ", value->signer ? "" : "?",
                   (int)value->value.size, (const char *)value->value.data);
}

/* The storing peer asks: it is not responsible itself, and linked with all others, of which ALICE
 * is its usual first hop. */
static void
begin(void)
{
    f = fixture_new();
    alice = user_resource(f, "alice@example.org", alice_octets);
    for (int i = ALICE; i < PEERS; i++)
        fixture_connect(f, (enum peer_name)i);
    f->peers[STORER].responsible = false;
    fixture_run(f, f->now + RELOAD_SECOND);
    got[0] = '\0';
    results = 0;
}

/* Puts a value into |peer|'s storage, by its own hand. */
static void
put(enum peer_name peer, const char *string)
{
    struct reload_store_value value = {
        .kind = KIND_SINGLE, .value = text(string), .exists = true, .lifetime_s = 3600};
    ck_assert_int_eq(reload_node_store(f->peers[peer].node, alice, &value, 1, NULL, NULL, f->now),
                     0);
    fixture_run(f, f->now + RELOAD_SECOND);
}

static const char *
fetch(unsigned copies)
{
    struct reload_route route = reload_route_to_resource(alice);
    route.copies = (uint8_t)copies;
    results = 0;
    got[0] = '\0';
    ck_assert_int_eq(reload_node_fetch_along(f->peers[STORER].node, &route, alice, &specifier, 1,
                                             each, done, NULL, f->now),
                     0);
    ck_assert_uint_eq(results, 0);
    fixture_run(f, f->now + 20 * RELOAD_SECOND);
    ck_assert_uint_eq(results, 1);
    ck_assert_uint_eq(f->peers[STORER].node->pushes.job_count, 0);
    ck_assert_uint_eq(f->peers[STORER].node->transactions.count, 0);
    return got;
}

/* The usual way leads to one who says that there is nothing; others know better. */
START_TEST(s19_who_denies_a_value)
{
    begin();
    put(ALICE_TOO, "value");
    ck_assert_str_eq(fetch(1), "? ");
    const char *heard = fetch(4);
    ck_assert(strcmp(heard, "value ") == 0 || strcmp(heard, "? value ") == 0);
    ck_assert_int_eq(result.error, 0);
    fixture_free(f);
}
END_TEST

/* The newest of all answers is told last, each once. */
START_TEST(s19_who_has_an_old_value)
{
    begin();
    put(ALICE, "old");
    put(ALICE_TOO, "new");
    const char *heard = fetch(4);
    size_t size = strlen(heard);
    ck_assert_uint_ge(size, 4);
    ck_assert_str_eq(heard + size - 4, "new ");
    ck_assert_ptr_null(strstr(strstr(heard, "new") + 1, "new"));
    /* Whoever was not asked is not believed later either (13.5.3). */
    ck_assert_str_eq(fetch(1), "");
    ck_assert_uint_eq(result.discarded, 1);
    fixture_free(f);
}
END_TEST

/* The usual first hop swallows everything: the answer does not wait for it. */
START_TEST(who_swallows_requests)
{
    begin();
    put(ALICE_TOO, "value");

    f->peers[ALICE].link = 0; /* it hears nothing */
    reload_time from = f->now;
    const char *heard = fetch(4);
    ck_assert_ptr_nonnull(strstr(heard, "value "));
    ck_assert_int_eq(result.error, 0);
    ck_assert_uint_lt(ended_at - from, RELOAD_SECOND);
    fixture_free(f);
}
END_TEST

/* All of them do: it ends, once. */
START_TEST(nobody_answers)
{
    begin();
    for (int i = ALICE; i < PEERS; i++)
        f->peers[i].link = 0;
    reload_time from = f->now;
    ck_assert_str_eq(fetch(4), "");
    ck_assert_int_eq(result.error, RELOAD_E_TIMEOUT);
    ck_assert_uint_eq(ended_at - from, 15 * RELOAD_SECOND);
    fixture_free(f);
}
END_TEST

/* ---- requests without values ---------------------------------------------------------------- */

static int
ping(unsigned copies, uint64_t *number)
{
    static const uint8_t body[2];
    struct reload_route route = reload_route_to_resource(alice);
    route.copies = (uint8_t)copies;
    results = 0;
    return reload_node_request(f->peers[STORER].node, &route, RELOAD_MESSAGE_PING_REQ,
                               (struct reload_bytes){body, sizeof body}, done, NULL, f->now,
                               number);
}

START_TEST(the_first_success_counts)
{
    begin();
    f->peers[ALICE].link = 0;
    reload_time from = f->now;
    ck_assert_int_eq(ping(3, NULL), 0);
    fixture_run(f, f->now + 20 * RELOAD_SECOND);
    ck_assert_uint_eq(results, 1);
    ck_assert_int_eq(result.error, 0);
    ck_assert_uint_lt(ended_at - from, RELOAD_SECOND);
    /* A refusal is no success, but better than nothing. */
    ck_assert_int_eq(ping(3, NULL), 0);
    for (int i = ALICE; i < PEERS; i++)
        f->peers[i].responsible = false;
    fixture_run(f, f->now + 20 * RELOAD_SECOND);
    ck_assert_uint_eq(results, 1);
    ck_assert_int_ne(result.error, 0);
    fixture_free(f);
}
END_TEST

START_TEST(cancelled)
{
    uint64_t number = 0;
    begin();
    for (int i = ALICE; i < PEERS; i++)
        f->peers[i].link = 0;
    ck_assert_int_eq(ping(3, &number), 0);
    struct reload_node *node = f->peers[STORER].node;
    ck_assert_uint_eq(node->transactions.count, 3);
    reload_node_cancel(node, number + 1);
    ck_assert_uint_eq(node->transactions.count, 3);
    reload_node_cancel(node, number);
    reload_node_cancel(node, number);
    ck_assert_uint_eq(node->transactions.count, 0);
    ck_assert_uint_eq(node->pushes.job_count, 0);
    fixture_run(f, f->now + 20 * RELOAD_SECOND);
    ck_assert_uint_eq(results, 0);
    fixture_free(f);
}
END_TEST

/* As many as there are ways; none to spare where no way leads, or nobody stands in it. */
START_TEST(as_many_as_there_are)
{
    struct reload_node *node;
    begin();
    node = f->peers[STORER].node;
    ck_assert_int_eq(ping(RELOAD_COPIES_MAX + 1, NULL), RELOAD_E_USAGE);
    ck_assert_uint_eq(node->pushes.job_count, 0);
    ck_assert_int_eq(ping(RELOAD_COPIES_MAX, NULL), 0);
    ck_assert_uint_eq(node->transactions.count, 3); /* three linked nodes, each once */
    fixture_run(f, f->now + RELOAD_SECOND);
    ck_assert_uint_eq(results, 1);
    f->peers[STORER].responsible = true;
    for (int i = ALICE; i < PEERS; i++)
        f->peers[i].responsible = false;
    ck_assert_int_eq(ping(4, NULL), 0);
    ck_assert_uint_eq(node->transactions.count, 1);
    fixture_run(f, f->now + RELOAD_SECOND);
    ck_assert_uint_eq(results, 1);
    ck_assert_int_eq(result.error, 0);
    fixture_free(f);
}
END_TEST

/* A node that ends with copies under way leaves nothing behind; nor does one without memory. */
START_TEST(ending_and_failing)
{
    begin();
    ck_assert_int_eq(ping(3, NULL), 0);
    fixture_free(f); /* counts the storing peer's memory */
    for (size_t i = 1; i < 40; i++) {
        begin();
        f->allocations = 0;
        f->fail_at = i;
        int error = ping(3, NULL);
        f->fail_at = 0;
        ck_assert(error == 0 || error == RELOAD_E_NOMEM);
        fixture_run(f, f->now + 20 * RELOAD_SECOND);
        ck_assert_uint_eq(results, error == 0);
        fixture_free(f);
    }
}
END_TEST

int
main(void)
{

    return RUN_SUITE("copies", s19_who_denies_a_value, s19_who_has_an_old_value,
                     who_swallows_requests, nobody_answers, the_first_success_counts, cancelled,
                     as_many_as_there_are, ending_and_failing);
}
