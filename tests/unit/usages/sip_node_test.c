/* sip_node_test.c: the SIP usage on rings of real nodes, in virtual time.
 *
 * RFC 7904 3-5; attack rows U1, U3, U4, U5. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fixture.h"
#include "tests/suite.h"
#include "usages/certificate_store.h"
#include "usages/sip.h"

#include <stdio.h>
#include <string.h>

static struct sim *s;

/* How a verb ended; |ends| counts. */
struct outcome {
    unsigned ends;
    int error;
    struct reload_sip_target targets[RELOAD_SIP_TARGETS_MAX];
    size_t count;
    struct reload_sip_peer peer;
    reload_time at;
};

/* The last message that came to each node, and from whom. */
static struct inbox {
    unsigned messages, lost;
    char text[256];
    struct reload_sip_peer peer;
} inboxes[16];

static void
receive(void *argument, const struct reload_sip_peer *peer, struct reload_bytes message,
        reload_time now)
{
    struct inbox *inbox = argument;
    (void)now;
    inbox->messages++;
    inbox->peer = *peer;
    ck_assert_uint_lt(message.size, sizeof inbox->text);
    memcpy(inbox->text, message.data, message.size);
    inbox->text[message.size] = '\0';
}

static void
lost(void *argument, uint32_t link, int error, reload_time now)
{
    struct inbox *inbox = argument;
    (void)link, (void)error, (void)now;
    inbox->lost++;
}

static struct reload_sip *
sip_of(uint32_t node)
{
    return reload_node_usage(sim_node(s, node), 0);
}

static void (*configure_more)(struct reload_config *config);

static void
configure(struct reload_config *config, uint32_t overlay)
{
    (void)overlay;
    if (configure_more)
        configure_more(config);
}

/* A whole ring of |count| nodes, all of which take SIP. */
static void
begin(uint32_t count, enum sim_links links)
{
    struct sim_options options = ring_options();
    options.usages[0] = &reload_sip_usage;
    options.usages[1] = &reload_certificate_store_usage;
    options.usage_count = 2;
    options.links = links;
    options.configure = configure;
    memset(inboxes, 0, sizeof inboxes);
    s = sim_new(7904, &options);
    ring_grow(s, count);
    for (uint32_t i = 0; i < count; i++) {
        struct reload_sip_handler handler = {&inboxes[i], receive, lost};
        reload_sip_set_handler(sip_of(i), &handler);
    }
}

static void
ended(void *argument, int error, reload_time now)
{
    struct outcome *outcome = argument;
    outcome->ends++;
    outcome->error = error;
    outcome->at = now;
}

static void
found(void *argument, int error, const struct reload_sip_target *targets, size_t count,
      reload_time now)
{
    struct outcome *outcome = argument;
    ended(outcome, error, now);
    outcome->count = count;
    if (count)
        memcpy(outcome->targets, targets, count * sizeof *targets);
}

static void
connected(void *argument, int error, const struct reload_sip_peer *peer, reload_time now)
{
    struct outcome *outcome = argument;
    ended(outcome, error, now);
    if (peer)
        outcome->peer = *peer;
}

static bool
has_ended(struct sim *sim, void *argument)
{
    (void)sim;
    return ((struct outcome *)argument)->ends > 0;
}

static int
finish(uint32_t node, struct outcome *outcome)
{
    sim_turn(s, node);
    ck_assert(sim_run_until(s, has_ended, outcome, SIM_SECONDS(60)));
    ck_assert_uint_eq(outcome->ends, 1);
    return outcome->error;
}

static int
register_node(uint32_t node, uint32_t lifetime_s, const char *prefs)
{
    struct outcome outcome = {.ends = 0};
    int error = reload_sip_register(sip_of(node), lifetime_s, prefs, ended, &outcome, sim_now(s));
    return error ? error : finish(node, &outcome);
}

static int
forward_node(uint32_t node, const char *to)
{
    struct outcome outcome = {.ends = 0};
    struct reload_aor aor;
    ck_assert_int_eq(reload_aor_parse(reload_bytes_of_string(to), &aor), 0);
    int error = reload_sip_register_forward(sip_of(node), 600, &aor, ended, &outcome, sim_now(s));
    return error ? error : finish(node, &outcome);
}

static struct outcome
look_up(uint32_t node, const char *uri)
{
    struct outcome outcome = {.ends = 0};
    uint64_t number;
    reload_time now = sim_now(s);
    outcome.error = reload_sip_lookup(sip_of(node), reload_bytes_of_string(uri),
                                      now + RELOAD_SIP_SETUP_TIME, found, &outcome, now, &number);
    if (outcome.error == 0)
        (void)finish(node, &outcome);
    return outcome;
}

static struct outcome
connect_to(uint32_t node, const struct reload_sip_destination *destination)
{
    struct outcome outcome = {.ends = 0};
    uint32_t link;
    uint64_t attempt;
    reload_time now = sim_now(s);
    int error =
        reload_sip_connect(sip_of(node), destination, RELOAD_APPLICATION_SIP,
                           now + RELOAD_SIP_SETUP_TIME, connected, &outcome, now, &link, &attempt);
    outcome.error = error;
    if (error == 0 && link)
        ck_assert(reload_sip_peer(sip_of(node), link, &outcome.peer));
    else if (error == 0)
        (void)finish(node, &outcome);
    return outcome;
}

static void
send_text(uint32_t node, uint32_t link, const char *text)
{
    ck_assert_int_eq(reload_sip_send(sip_of(node), link, reload_bytes_of_string(text), sim_now(s)),
                     0);
    sim_turn(s, node);
    sim_run_for(s, SIM_SECONDS(2));
}

/* 7904-4.2-01, 7904-4.2-02. */
START_TEST(registered_and_found)
{
    begin(8, SIM_LINKS_MESSAGES);
    ck_assert_int_eq(look_up(5, "sip:user1@overlay0.sim").error, RELOAD_E_NOT_FOUND);
    ck_assert_int_eq(register_node(1, 600, ""), 0);
    for (uint32_t i = 0; i < 8; i++) {
        struct outcome outcome = look_up(i, "SIP:user%31@OVERLAY0.sim;transport=tcp");
        ck_assert_int_eq(outcome.error, 0);
        ck_assert_uint_eq(outcome.count, 1);
        ck_assert(reload_node_id_equal(&outcome.targets[0].destination.node_id, sim_node_id(s, 1)));
        ck_assert_str_eq(outcome.targets[0].user, "user1@overlay0.sim");
        ck_assert_uint_eq(outcome.targets[0].application, RELOAD_APPLICATION_SIP);
    }
    struct outcome outcome = {.ends = 0};
    ck_assert_int_eq(reload_sip_unregister(sip_of(1), ended, &outcome, sim_now(s)), 0);
    ck_assert_int_eq(finish(1, &outcome), 0);
    ck_assert_int_eq(look_up(5, "sip:user1@overlay0.sim").error, RELOAD_E_NOT_FOUND);
    sim_free(s);
}
END_TEST

/* Refreshed until its end, then gone. */
START_TEST(refreshed_until_its_end)
{
    begin(8, SIM_LINKS_MESSAGES);
    ck_assert_int_eq(register_node(1, 2 * 3600, "(sip.schemes=SIPS)"), 0);
    for (unsigned i = 0; i < 7; i++) {
        sim_run_for(s, SIM_MINUTES(16));
        struct outcome outcome = look_up(5, "user1@overlay0.sim");
        ck_assert_int_eq(outcome.error, 0);
        ck_assert_uint_eq(outcome.targets[0].application, RELOAD_APPLICATION_SIPS);
    }
    ck_assert_uint_ge(reload_sip_counters(sip_of(1))->registrations, 4);
    ck_assert_uint_le(reload_sip_counters(sip_of(1))->registrations, 14);
    sim_run_for(s, SIM_MINUTES(10));
    ck_assert_int_eq(look_up(5, "user1@overlay0.sim").error, RELOAD_E_NOT_FOUND);
    uint64_t stores = reload_sip_counters(sip_of(1))->registrations;
    sim_run_for(s, SIM_MINUTES(120));
    ck_assert_uint_eq(reload_sip_counters(sip_of(1))->registrations, stores);
    sim_free(s);
}
END_TEST

static bool
has_left(struct sim *sim, void *argument)
{
    return !sim_is_alive(sim, *(uint32_t *)argument);
}

/* Nobody finds a node that has left; one that dies is found until its registration ends. */
START_TEST(leaves)
{
    begin(8, SIM_LINKS_MESSAGES);
    ck_assert_int_eq(register_node(1, 600, ""), 0);
    ck_assert_int_eq(register_node(2, 600, ""), 0);
    struct outcome outcome = {.ends = 0};
    ck_assert_int_eq(reload_sip_register(sip_of(3), 600, "", ended, &outcome, sim_now(s)), 0);
    reload_time before = sim_now(s);
    for (uint32_t node = 1; node <= 3; node += 2) {
        sim_leave(s, node); /* 3 while its Store is under way */
        ck_assert(sim_run_until(s, has_left, &node, SIM_SECONDS(10)));
    }
    ck_assert_uint_le(sim_now(s) - before, SIM_SECONDS(6));
    sim_kill(s, 2);
    ck_assert_int_eq(look_up(5, "user1@overlay0.sim").error, RELOAD_E_NOT_FOUND);
    ck_assert_int_eq(look_up(5, "user3@overlay0.sim").error, RELOAD_E_NOT_FOUND);
    ck_assert_int_eq(look_up(5, "user2@overlay0.sim").error, 0);
    sim_free(s);
}
END_TEST

/* Attack row U3, with real Fetches. */
START_TEST(forwarding)
{
    begin(8, SIM_LINKS_MESSAGES);
    ck_assert_int_eq(forward_node(1, "user2@overlay0.sim"), 0);
    ck_assert_int_eq(forward_node(2, "user3@overlay0.sim"), 0);
    ck_assert_int_eq(look_up(5, "user1@overlay0.sim").error, RELOAD_E_NOT_FOUND);
    ck_assert_int_eq(register_node(3, 600, ""), 0);
    struct outcome outcome = look_up(5, "user1@overlay0.sim");
    ck_assert_int_eq(outcome.error, 0);
    ck_assert_str_eq(outcome.targets[0].aor.text, "user3@overlay0.sim");
    /* A loop ends. */
    ck_assert_int_eq(forward_node(3, "user1@overlay0.sim"), 0);
    ck_assert_int_eq(look_up(5, "user1@overlay0.sim").error, RELOAD_E_NOT_FOUND);
    sim_free(s);
}
END_TEST

static void
restrict_domain(struct reload_config *config)
{
    config->domain_restrictions_present = config->domain_restrictions_enable = true;
    config->domain_pattern_count = 1;
    strcpy(config->domain_patterns[0], "elsewhere\\.example");
}

static struct sim_outcome
store_registration(uint32_t node, const char *aor, const struct reload_node_id *key,
                   struct reload_bytes value)
{
    uint8_t resource[20];
    size_t size;
    struct reload_store_value store = {.kind = RELOAD_KIND_SIP_REGISTRATION,
                                       .key = reload_node_id_bytes(key, 16),
                                       .value = value,
                                       .exists = true,
                                       .lifetime_s = 600};
    ck_assert_int_eq(
        reload_node_resource(sim_node(s, node), reload_bytes_of_string(aor), resource, &size), 0);
    return sim_store_value(s, node, (struct reload_bytes){resource, size}, &store);
}

/* 7904-3.3-03, attack row U1: what the storing peer refuses, whatever the registrant's own checks
 * say. */
START_TEST(forbidden)
{
    uint8_t octets[RELOAD_SIP_REGISTRATION_MAX];
    struct reload_writer writer = reload_writer_of(octets, sizeof octets);
    begin(8, SIM_LINKS_MESSAGES);
    const struct reload_wire *wire = reload_node_wire(sim_node(s, 1));
    struct reload_sip_destination self = reload_sip_destination_of_node(wire, sim_node_id(s, 1));
    reload_sip_registration_write_route(&writer, wire, &self, "");
    struct reload_bytes value = reload_writer_written(&writer);
    struct sim_outcome outcome =
        store_registration(1, "user1@overlay0.sim", sim_node_id(s, 1), value);
    ck_assert_int_eq(outcome.error, 0);
    /* Another user's address; another node's key. */
    outcome = store_registration(1, "user2@overlay0.sim", sim_node_id(s, 1), value);
    ck_assert_int_eq(outcome.error_code, RELOAD_ERROR_FORBIDDEN);
    outcome = store_registration(1, "user1@overlay0.sim", sim_node_id(s, 2), value);
    ck_assert_int_eq(outcome.error_code, RELOAD_ERROR_FORBIDDEN);
    ck_assert_int_eq(look_up(5, "user2@overlay0.sim").error, RELOAD_E_NOT_FOUND);
    ck_assert_uint_eq(look_up(5, "user1@overlay0.sim").count, 1);
    /* What is no registration. */
    value.size--;
    outcome = store_registration(1, "user1@overlay0.sim", sim_node_id(s, 1), value);
    ck_assert_int_eq(outcome.error, RELOAD_E_REFUSED);
    ck_assert_uint_eq(look_up(5, "user1@overlay0.sim").count, 1);
    sim_free(s);
}
END_TEST

/* 7904-3.3-01, 7904-3.4-05: the domain is checked before storing, and again by who stores. */
START_TEST(forbidden_domain)
{
    configure_more = restrict_domain;
    begin(8, SIM_LINKS_MESSAGES);
    configure_more = NULL;
    ck_assert_int_eq(register_node(1, 600, ""), RELOAD_E_FORBIDDEN);
    ck_assert_int_eq(look_up(1, "user2@overlay0.sim").error, RELOAD_E_FORBIDDEN);
    static const uint8_t forward[] = "\x01\x00\x12\x00\x10x@elsewhere.examp";
    struct sim_outcome outcome =
        store_registration(1, "user1@overlay0.sim", sim_node_id(s, 1),
                           (struct reload_bytes){forward, sizeof forward - 1});
    ck_assert_int_eq(outcome.error_code, RELOAD_ERROR_FORBIDDEN);
    sim_free(s);
}
END_TEST

static const enum sim_links kinds_of_links[] = {SIM_LINKS_MESSAGES, SIM_LINKS_DATAGRAMS,
                                                SIM_LINKS_STREAMS};

/* 7904-5.1-01, 7904-5.1-05: a link that serves both sides, and is used again. */
START_TEST(connected_both_ways)
{
    begin(6, kinds_of_links[_i]);
    ck_assert_int_eq(register_node(4, 600, ""), 0);
    struct outcome outcome = look_up(2, "user4@overlay0.sim");
    ck_assert_int_eq(outcome.error, 0);
    struct reload_sip_destination destination = outcome.targets[0].destination;
    outcome = connect_to(2, &destination);
    ck_assert_int_eq(outcome.error, 0);
    ck_assert_str_eq(outcome.peer.user, "user4@overlay0.sim");
    ck_assert(reload_node_id_equal(&outcome.peer.node_id, sim_node_id(s, 4)));
    ck_assert_int_eq(outcome.peer.is_stream, kinds_of_links[_i] != SIM_LINKS_DATAGRAMS);
    send_text(2, outcome.peer.link, "MESSAGE sip:a SIP/2.0\r\nl: 2\r\n\r\nhi");
    ck_assert_uint_eq(inboxes[4].messages, 1);
    ck_assert_str_eq(inboxes[4].text, "MESSAGE sip:a SIP/2.0\r\nl: 2\r\n\r\nhi");
    ck_assert_str_eq(inboxes[4].peer.user, "user2@overlay0.sim");
    send_text(4, inboxes[4].peer.link, "SIP/2.0 200 OK\r\nl: 0\r\n\r\n");
    ck_assert_str_eq(inboxes[2].text, "SIP/2.0 200 OK\r\nl: 0\r\n\r\n");
    ck_assert_str_eq(inboxes[2].peer.user, "user4@overlay0.sim");
    /* The callee finds the same link for its own calls, and a second call needs no AppAttach. */
    struct reload_sip_destination back =
        reload_sip_destination_of_node(reload_node_wire(sim_node(s, 4)), sim_node_id(s, 2));
    ck_assert_uint_eq(connect_to(4, &back).ends, 0);
    ck_assert_uint_eq(connect_to(2, &destination).ends, 0);
    /* Unused, it is closed on both sides. */
    sim_run_for(s, RELOAD_SIP_LINK_IDLE + SIM_SECONDS(10));
    ck_assert_uint_eq(inboxes[2].lost, 1);
    ck_assert_uint_eq(inboxes[4].lost, 1);
    ck_assert(!reload_sip_peer(sip_of(2), outcome.peer.link, &outcome.peer));
    sim_free(s);
}
END_TEST

/* Nobody takes SIP there; nobody is there at all; it is ourselves. */
START_TEST(not_connected)
{
    begin(6, SIM_LINKS_MESSAGES);
    const struct reload_wire *wire = reload_node_wire(sim_node(s, 2));
    struct reload_sip_destination destination =
        reload_sip_destination_of_node(wire, sim_node_id(s, 4));
    reload_sip_set_handler(sip_of(4), NULL);
    ck_assert_int_eq(connect_to(2, &destination).error, RELOAD_E_REFUSED);
    struct reload_node_id nobody = {{1, 2, 3}};
    destination = reload_sip_destination_of_node(wire, &nobody);
    reload_time before = sim_now(s);
    struct outcome outcome = connect_to(2, &destination);
    ck_assert_int_ne(outcome.error, 0);
    ck_assert_uint_le(outcome.at - before, RELOAD_SIP_SETUP_TIME);
    destination = reload_sip_destination_of_node(wire, sim_node_id(s, 2));
    ck_assert_int_eq(connect_to(2, &destination).error, RELOAD_E_USAGE);
    sim_free(s);
}
END_TEST

static void
attached(void *argument, int error, uint32_t link, const struct reload_node_id *node_id,
         reload_time now)
{
    (void)link, (void)node_id;
    ended(argument, error, now);
}

/* One node may not fill another's table of links. */
START_TEST(too_many_links)
{
    unsigned up = 0;
    begin(6, SIM_LINKS_MESSAGES);
    struct reload_route route = reload_route_to_node(sim_node_id(s, 4));
    for (unsigned i = 0; i < RELOAD_SIP_LINKS_PER_NODE_MAX + 3; i++) {
        struct outcome outcome = {.ends = 0};
        ck_assert_int_eq(reload_node_app_attach(sim_node(s, 2), &route, RELOAD_APPLICATION_SIP,
                                                attached, &outcome, sim_now(s)),
                         0);
        up += finish(2, &outcome) == 0;
    }
    ck_assert_uint_eq(up, RELOAD_SIP_LINKS_PER_NODE_MAX);
    /* Others still come through. */
    struct reload_sip_destination destination =
        reload_sip_destination_of_node(reload_node_wire(sim_node(s, 3)), sim_node_id(s, 4));
    ck_assert_int_eq(connect_to(3, &destination).error, 0);
    sim_free(s);
}
END_TEST

/* The called node dies: lookup still works, the AppAttach ends at the deadline; a link to it is
 * lost and not used again. */
START_TEST(callee_dies)
{
    begin(8, SIM_LINKS_MESSAGES);
    ck_assert_int_eq(register_node(4, 600, ""), 0);
    struct outcome outcome = look_up(2, "user4@overlay0.sim");
    struct reload_sip_destination destination = outcome.targets[0].destination;
    outcome = connect_to(2, &destination);
    ck_assert_int_eq(outcome.error, 0);
    sim_kill(s, 4);
    sim_run_for(s, SIM_MINUTES(2));
    ck_assert_uint_eq(inboxes[2].lost, 1);
    ck_assert_int_eq(look_up(3, "user4@overlay0.sim").error, 0);
    reload_time before = sim_now(s);
    outcome = connect_to(3, &destination);
    ck_assert_int_ne(outcome.error, 0);
    ck_assert_uint_le(outcome.at - before, RELOAD_SIP_SETUP_TIME);
    sim_free(s);
}
END_TEST

/* What is cancelled is not told; what ends under way is not forgotten. */
START_TEST(cancelled)
{
    begin(6, SIM_LINKS_MESSAGES);
    struct outcome outcome = {.ends = 0};
    uint64_t number;
    uint32_t link;
    reload_time now = sim_now(s);
    const struct reload_wire *wire = reload_node_wire(sim_node(s, 2));
    struct reload_sip_destination destination =
        reload_sip_destination_of_node(wire, sim_node_id(s, 4));
    ck_assert_int_eq(reload_sip_lookup(sip_of(2), reload_bytes_of_string("user4@overlay0.sim"),
                                       now + RELOAD_SECOND, found, &outcome, now, &number),
                     0);
    reload_sip_lookup_cancel(sip_of(2), number);
    ck_assert_int_eq(reload_sip_connect(sip_of(2), &destination, RELOAD_APPLICATION_SIP,
                                        now + RELOAD_SECOND, connected, &outcome, now, &link,
                                        &number),
                     0);
    reload_sip_connect_cancel(sip_of(2), number);
    sim_turn(s, 2);
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert_uint_eq(outcome.ends, 0);
    /* The link came up all the same and serves the next call. */
    ck_assert_uint_eq(connect_to(2, &destination).ends, 0);
    /* A node that ends in the middle of everything. */
    now = sim_now(s);
    ck_assert_int_eq(reload_sip_lookup(sip_of(3), reload_bytes_of_string("user4@overlay0.sim"),
                                       now + RELOAD_SECOND, found, &outcome, now, &number),
                     0);
    ck_assert_int_eq(reload_sip_connect(sip_of(3), &destination, RELOAD_APPLICATION_SIP,
                                        now + RELOAD_SECOND, connected, &outcome, now, &link,
                                        &number),
                     0);
    sim_kill(s, 3);
    sim_run_for(s, SIM_SECONDS(60));
    ck_assert_uint_eq(outcome.ends, 0);
    sim_free(s);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("sip_node");
    TCase *tcase = tcase_create("sip_node");
    const TTest *const plain[] = {registered_and_found, refreshed_until_its_end,
                                  forwarding,           forbidden,
                                  forbidden_domain,     not_connected,
                                  callee_dies,          cancelled,
                                  too_many_links,       leaves};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        tcase_add_test(tcase, plain[i]);
    tcase_add_loop_test(tcase, connected_both_ways, 0, 3);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
