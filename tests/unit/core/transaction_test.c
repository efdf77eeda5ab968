/* transaction_test.c: requests of our own: five tries, their end, and what does not end them.
 *
 * RFC 6940 6.2.1, 6.3.4; D2. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/world.h"

#include "tests/suite.h"

static struct world *world;
static struct world_host *host, *peer;
static unsigned done;
static int last_error;
static reload_time elapsed;

static void
on_done(void *argument, const struct reload_result *result, reload_time now)
{
    (void)argument, (void)now;
    done++;
    last_error = result->error;
    elapsed = result->elapsed_ns;
}

static void
begin(void)
{
    world = world_new(&world_single);
    host = world_add(world, 1);
    peer = world_add(world, 1);
    ck_assert_int_eq(world_boot(host, &world_single), 0);
    (void)world_link(host, peer, RELOAD_FRAMING_NONE, 0);
    done = 0;
}

static int
ask_node(const struct reload_node_id *id, uint64_t *number)
{
    static const uint8_t body[2];
    struct reload_route route = reload_route_to_node(id);
    int error = reload_node_request(host->node, &route, RELOAD_MESSAGE_PING_REQ,
                                    (struct reload_bytes){body, sizeof body}, on_done, NULL,
                                    world->now, number);
    world_turn(host);
    return error;
}

/* RFC6940-6.2.1: five transmissions, the same transaction id and the same octets; then it failed.
 */
START_TEST(five_tries)
{
    begin();
    reload_time from = world->now;
    ck_assert_int_eq(ask_node(&peer->id, NULL), 0);
    for (unsigned i = 0; i < 5; i++) {
        world_advance(world, from + (i + 1) * 3 * RELOAD_SECOND - 1);
        ck_assert_uint_eq(host->sent_count, i + 1);
        ck_assert_uint_eq(host->sent[i].at, from + i * 3 * RELOAD_SECOND);
        ck_assert_uint_eq(host->sent[i].size, host->sent[0].size);
        ck_assert_mem_eq(host->sent[i].bytes, host->sent[0].bytes, host->sent[0].size);
        ck_assert_uint_eq(done, 0);
    }
    world_advance(world, world->now + 1);
    ck_assert_uint_eq(done, 1);
    ck_assert_int_eq(last_error, RELOAD_E_TIMEOUT);
    ck_assert_uint_eq(elapsed, 15 * RELOAD_SECOND);
    world_advance(world, world->now + 60 * RELOAD_SECOND);
    ck_assert_uint_eq(host->sent_count, 5);
    ck_assert_uint_eq(host->node->transactions.count, 0);
    world_free(world);
}
END_TEST

/* A request to where no way leads now has its five tries too, also when there is no memory. */
START_TEST(no_way_or_no_memory)
{
    begin();
    struct reload_node_id nobody = {{1}};
    ck_assert_int_eq(ask_node(_i ? &peer->id : &nobody, NULL), 0);
    if (_i) {
        world->fail_at = world->allocations + 1;
        world->fail_every = 1;
    }
    world_advance(world, world->now + 15 * RELOAD_SECOND);
    ck_assert_uint_eq(done, 1);
    ck_assert_int_eq(last_error, RELOAD_E_TIMEOUT);
    world->fail_at = world->fail_every = 0;
    world_free(world);
}
END_TEST

START_TEST(cancelled)
{
    begin();
    uint64_t number = 0;
    ck_assert_int_eq(ask_node(&peer->id, &number), 0);
    reload_node_cancel(host->node, number);
    reload_node_cancel(host->node, number);
    reload_node_cancel(host->node, number + 1);
    world_advance(world, world->now + 60 * RELOAD_SECOND);
    ck_assert_uint_eq(host->sent_count, 1);
    ck_assert_uint_eq(done, 0);
    world_free(world);
}
END_TEST

START_TEST(there_are_not_more_than_so_many)
{
    begin();
    struct reload_node_id nobody = {{1}};
    for (size_t i = 0; i < RELOAD_TRANSACTIONS_MAX; i++)
        ck_assert_int_eq(ask_node(&nobody, NULL), 0);
    ck_assert_int_eq(ask_node(&nobody, NULL), RELOAD_E_BUSY);
    world_advance(world, world->now + 16 * RELOAD_SECOND);
    ck_assert_uint_eq(done, RELOAD_TRANSACTIONS_MAX);
    ck_assert_int_eq(ask_node(&nobody, NULL), 0);
    world_free(world);
}
END_TEST

/* To ourselves: the way of all messages (D41), at the next poll. */
START_TEST(to_ourselves)
{
    begin();
    struct reload_node_id wildcard = {{0}};
    memset(wildcard.octets, 0xff, 16);
    ck_assert_int_eq(ask_node(_i ? &wildcard : &host->id, NULL), 0);
    ck_assert_uint_eq(done, 1);
    ck_assert_int_eq(last_error, 0);
    ck_assert_uint_eq(host->sent_count, 0);
    world_free(world);
}
END_TEST

/* D2: errors from nodes on the way make the next try come sooner, once, and end nothing. */
START_TEST(hints)
{
    begin();
    uint64_t number = 0;
    struct reload_wire wire = {.node_id_length = 16};
    uint8_t body[8];
    struct reload_writer writer = reload_writer_of(body, sizeof body);
    struct reload_error_response refusal = {.error_code = RELOAD_ERROR_TTL_EXCEEDED};
    reload_error_response_encode(&writer, &wire, &refusal);
    reload_time from = world->now;
    ck_assert_int_eq(ask_node(&peer->id, &number), 0);
    struct reload_message message = {.header.transaction_id = number, .header.ttl = 99};
    message.contents.message_code = RELOAD_MESSAGE_ERROR;
    message.contents.message_body = reload_writer_written(&writer);
    struct reload_incoming incoming = {
        .message = &message, .signer = peer->identity, .signer_id = {{7}}, .link = 1};
    for (int i = 0; i < 150; i++) {
        reload_transaction_answered(host->node, &incoming, world->now);
        world_advance(world, world->now + 100 * RELOAD_MS);
        if (done)
            break;
    }
    ck_assert_uint_eq(host->sent[1].at - from, 750 * RELOAD_MS);
    ck_assert_uint_eq(host->sent_count, 5);
    ck_assert_uint_ge(elapsed, 12 * RELOAD_SECOND);
    /* The target itself may refuse. */
    ck_assert_int_eq(ask_node(&peer->id, &number), 0);
    message.header.transaction_id = number;
    incoming.signer_id = peer->id;
    done = 0;
    reload_transaction_answered(host->node, &incoming, world->now);
    ck_assert_uint_eq(done, 1);
    ck_assert_int_eq(last_error, RELOAD_E_REFUSED);
    world_free(world);
}
END_TEST

/* RFC6940-6.3.4, second rule: the answer for a resource comes from one who may be responsible, by
 * whatever route; only a probe for partitions (D5) hears anybody. */
START_TEST(who_may_answer_for_a_resource)
{
    static const uint8_t body[2], resource[16] = {7};
    begin();
    reload_node_link_down(host->node, reload_node_link_to(host->node, &peer->id), RELOAD_E_CLOSED,
                          world->now);
    ck_assert_int_eq(world_boot(peer, &world_single), 0);
    struct reload_candidate candidate = world_candidate(peer);
    world->framing = RELOAD_FRAMING_NONE;
    ck_assert_int_eq(reload_node_start(host->node, &candidate, 1, world->now), 0);
    world_turn(host);
    world_advance(world, world->now + RELOAD_SECOND);
    world_topology_of(peer)->responsible = true;
    world_topology_of(host)->implausible = true;
    world_topology_of(host)->has_next = true;
    world_topology_of(host)->next = peer->id;
    const struct {
        bool by_node, any, answered;
    } cases[] = {
        {false, false, false}, {true, false, false}, {false, true, true}, {true, true, true}};
    for (size_t i = 0; i < 4; i++) {
        struct reload_bytes id = {resource, sizeof resource};
        struct reload_route route = {.any_responder = cases[i].any};
        if (cases[i].by_node)
            ck_assert(reload_route_append_node(&route, &peer->id));
        ck_assert(reload_route_append_resource(&route, id));
        done = 0;
        ck_assert_int_eq(reload_node_request(host->node, &route, RELOAD_MESSAGE_PING_REQ,
                                             (struct reload_bytes){body, sizeof body}, on_done,
                                             NULL, world->now, NULL),
                         0);
        world_turn(host);
        world_advance(world, world->now + 16 * RELOAD_SECOND);
        ck_assert_uint_eq(done, 1);
        ck_assert_int_eq(last_error, cases[i].answered ? 0 : RELOAD_E_TIMEOUT);
    }
    ck_assert_uint_eq(host->node->counters.dropped_wrong_responder, 10);
    world_free(world);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("transaction");
    TCase *tcase = tcase_create("transaction");
    tcase_add_test(tcase, five_tries);
    tcase_add_loop_test(tcase, no_way_or_no_memory, 0, 2);
    tcase_add_test(tcase, cancelled);
    tcase_add_test(tcase, there_are_not_more_than_so_many);
    tcase_add_loop_test(tcase, to_ourselves, 0, 2);
    tcase_add_test(tcase, hints);
    tcase_add_test(tcase, who_may_answer_for_a_resource);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
