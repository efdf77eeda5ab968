/* driver_ice_test.c: the driver makes links by ICE, over loopback, and answers STUN at its port.
 *
 * RFC 6940 6.5.1.3-6.5.1.10. SPDX-License-Identifier: BSD-2-Clause */
#include "ice/nice_agent.h"
#include "ice/stun_server.h"
#include "reload/run/driver.h"
#include "reload/run/socket_address.h"

#include "tests/suite.h"
#include "tests/unit/run/ends.h"
#include "tests/unit/run/fake_node.h"

#include <dirent.h>
#include <unistd.h>

struct host {
    struct world *world;
    struct test_keyring *keyring;
    struct reload_config config;
    struct reload_driver *driver;
    struct reload_node *node;
    size_t (*relays)(void *argument, struct reload_ice_relay *relays, size_t max);
    void *relays_argument;
};

static void
configure(struct host *host, struct world *world)
{
    memset(host, 0, sizeof *host);
    host->world = world;
    host->keyring = test_keyring_good(world->authority, "node");
    host->config.max_message_size = 5000;
    host->config.link_protocols[0] = RELOAD_LINK_PROTOCOL_TLS;
    host->config.link_protocols[1] = RELOAD_LINK_PROTOCOL_DTLS;
    host->config.link_protocol_count = 2;
}

static int
begin(struct host *host, const struct reload_ice_ops *ice, char *reason)
{
    struct reload_driver_options options = {.loop = host->world->loop,
                                            .node = {.env = &host->world->env.env,
                                                     .config = &host->config,
                                                     .keyring = &host->keyring->keyring},
                                            .listen = loopback(0),
                                            .ice = ice,
                                            .stun = reload_stun_server_answer,
                                            .relays = host->relays,
                                            .relays_argument = host->relays_argument};
    int error = reload_driver_new(&options, reason, &host->driver);
    if (!error)
        host->node = reload_driver_node(host->driver);
    return error;
}

static void
host_init(struct host *host, struct world *world, const struct reload_ice_ops *ice)
{
    char reason[RELOAD_DRIVER_REASON_SIZE];
    configure(host, world);
    ck_assert_int_eq(begin(host, ice, reason), 0);
}

static void
host_fini(struct host *host)
{
    reload_driver_free(host->driver);
    test_keyring_free(host->keyring);
}

static void
ask(struct host *host, const struct reload_effect *effect)
{
    fake_node_ask(host->node, effect);
    reload_driver_turn(host->driver);
}

static void
ask_gather(struct host *host, uint32_t link, uint16_t application, bool controlling)
{
    ask(host, &(struct reload_effect){.type = RELOAD_EFFECT_GATHER,
                                      .link = link,
                                      .application = application,
                                      .controlling = controlling});
}

static void
ask_check(struct host *host, uint32_t link, bool controlling, const struct reload_offer *remote,
          const struct host *expected)
{
    ask(host, &(struct reload_effect){.type = RELOAD_EFFECT_CHECK,
                                      .link = link,
                                      .controlling = controlling,
                                      .remote = remote,
                                      .node_id = test_keyring_node_id(expected->keyring)});
}

static void
ask_close(struct host *host, uint32_t link)
{
    ask(host, &(struct reload_effect){.type = RELOAD_EFFECT_CLOSE, .link = link});
}

static void
ask_send(struct host *host, uint32_t link, const char *text)
{
    ask(host, &(struct reload_effect){
                  .type = RELOAD_EFFECT_SEND, .link = link, .bytes = reload_bytes_of_string(text)});
}

/* Lets |a| (link |link|, controlling) and |b| (link |link| + 1000) gather. */
static void
gather(struct host *a, struct host *b, uint32_t link, uint16_t application)
{
    unsigned of_a = a->node->gathered, of_b = b->node->gathered;
    ask_gather(a, link, application, true);
    ask_gather(b, link + 1000, application, false);
    world_until(a->world, &a->node->gathered, of_a + 1);
    world_until(a->world, &b->node->gathered, of_b + 1);
    ck_assert(!a->node->gather_failed && !b->node->gather_failed);
}

static void
make_link(struct host *a, struct host *b, uint32_t link, uint16_t application)
{
    unsigned of_a = a->node->up, of_b = b->node->up;
    gather(a, b, link, application);
    ask_check(b, link + 1000, false, &a->node->offer, a);
    ask_check(a, link, true, &b->node->offer, b);
    world_until(a->world, &a->node->up, of_a + 1);
    world_until(a->world, &b->node->up, of_b + 1);
    ck_assert_uint_eq(a->node->up_link, link);
    ck_assert_uint_eq(b->node->up_link, link + 1000);
}

/* ---- links ---------------------------------------------------------------------------------- */

/* RFC6940-6.5.1.1: all candidates are of the overlay link DTLS-UDP-SR. */
static void
check_offer(const struct reload_offer *offer)
{
    ck_assert_uint_gt(offer->candidate_count, 0);
    ck_assert_uint_ge(strlen(offer->ufrag), 4);
    ck_assert_uint_ge(strlen(offer->password), 22);
    for (size_t i = 0; i < offer->candidate_count; i++)
        ck_assert_uint_eq(offer->candidates[i].overlay_link, 1);
}

START_TEST(links_carry_both_ways)
{
    struct world world;
    struct host a, b;
    world_init(&world);
    host_init(&a, &world, &reload_nice_agent);
    host_init(&b, &world, &reload_nice_agent);
    for (unsigned row = 0; row < 2; row++) {
        uint16_t application = row ? 5060 : 0;
        make_link(&a, &b, 5 + row, application);
        check_offer(&a.node->offer);
        check_offer(&b.node->offer);
        const struct host *ends[] = {&a, &b};
        for (int i = 0; i < 2; i++) {
            ck_assert_uint_eq(ends[i]->node->peer.overlay_link, 1);
            ck_assert_int_eq(ends[i]->node->peer.framing, RELOAD_FRAMING_DATAGRAM);
            ck_assert_uint_eq(ends[i]->node->peer.address.family, 4);
            ck_assert_uint_eq(ends[i]->node->peer.local_type, RELOAD_CAND_TYPE_HOST);
            ck_assert_uint_eq(ends[i]->node->peer.remote_type, RELOAD_CAND_TYPE_HOST);
        }
        unsigned *heard[] = {application ? &a.node->app_received : &a.node->received,
                             application ? &b.node->app_received : &b.node->received};
        ask_send(&a, 5 + row, "from a");
        world_until(&world, heard[1], 1);
        ck_assert_mem_eq(b.node->last, "from a", 6);
        ck_assert_uint_eq(b.node->recv_link, 1005 + row);
        ask_send(&b, 1005 + row, "from b");
        world_until(&world, heard[0], 1);
        ck_assert_mem_eq(a.node->last, "from b", 6);
    }
    /* Nothing of it went through the nodes' own ports. */
    ck_assert_uint_eq(reload_driver_counters(a.driver).udp->received, 0);
    ask_close(&a, 5);
    world_until(&world, &b.node->down, 1);
    ck_assert_uint_eq(b.node->down_link, 1005);
    ck_assert_int_eq(b.node->down_error, RELOAD_E_CLOSED);
    ck_assert_uint_eq(a.node->down, 0);
    host_fini(&a);
    host_fini(&b);
    world_fini(&world);
}
END_TEST

/* L12, RFC6940-6.5.1.13: ICE works, but the certificate is another node's. */
START_TEST(another_node_answers)
{
    struct world world;
    struct host a, b, c;
    world_init(&world);
    host_init(&a, &world, &reload_nice_agent);
    host_init(&b, &world, &reload_nice_agent);
    host_init(&c, &world, &reload_nice_agent);
    for (unsigned row = 0; row < 2; row++) {
        struct host *deceived = row ? &b : &a, *other = row ? &a : &b;
        unsigned before = deceived->node->down, of_other = other->node->down;
        gather(&a, &b, 5 + row, 0);
        ask_check(&b, 1005 + row, false, &a.node->offer, row ? &c : &a);
        ask_check(&a, 5 + row, true, &b.node->offer, row ? &b : &c);
        world_until(&world, &deceived->node->down, before + 1);
        ck_assert_int_eq(deceived->node->down_error, RELOAD_E_FORBIDDEN);
        ck_assert_uint_eq(deceived->node->up, row ? 1 : 0);
        /* The other end sees it closed. */
        world_until(&world, &other->node->down, of_other + 1);
        ck_assert_int_eq(other->node->down_error, RELOAD_E_CLOSED);
    }
    host_fini(&a);
    host_fini(&b);
    host_fini(&c);
    world_fini(&world);
}
END_TEST

static size_t
open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

START_TEST(fifty_links_leave_nothing)
{
    struct world world;
    struct host a, b;
    world_init(&world);
    host_init(&a, &world, &reload_nice_agent);
    host_init(&b, &world, &reload_nice_agent);
    make_link(&a, &b, 5, 0);
    size_t before = open_descriptors();
    for (uint32_t i = 0; i < 50; i++) {
        make_link(&a, &b, 10 + i, 0);
        ask_close(&a, 10 + i);
        world_until(&world, &b.node->down, i + 1);
    }
    ck_assert_uint_eq(open_descriptors(), before);
    ck_assert_uint_eq(reload_driver_counters(a.driver).links, 1);
    ck_assert_uint_eq(reload_driver_counters(b.driver).links, 1);
    host_fini(&a);
    host_fini(&b);
    world_fini(&world);
}
END_TEST

/* The node closes while candidates are gathered, when they are there, and while they are checked.
 */
START_TEST(closed_on_the_way)
{
    struct world world;
    struct host a, b;
    world_init(&world);
    host_init(&a, &world, &reload_nice_agent);
    host_init(&b, &world, &reload_nice_agent);
    size_t before = open_descriptors();
    ask_gather(&a, 5, 0, true);
    ask_close(&a, 5);
    gather(&a, &b, 6, 0);
    ask_check(&a, 6, true, &b.node->offer, &b);
    ask_close(&a, 6);
    ask_close(&b, 1006);
    ck_assert_uint_eq(open_descriptors(), before);
    ck_assert_uint_eq(reload_driver_counters(a.driver).links, 0);
    world_for(&world, 20 * RELOAD_MS);
    ck_assert_uint_eq(a.node->down + b.node->down, 0);
    host_fini(&a);
    host_fini(&b);
    world_fini(&world);
}
END_TEST

/* ---- wrong answers -------------------------------------------------------------------------- */

/* L9: nothing that could be checked; a link that never gathered. */
START_TEST(offers_that_cannot_be_checked)
{
    struct world world;
    struct host a, b;
    world_init(&world);
    host_init(&a, &world, &reload_nice_agent);
    host_init(&b, &world, &reload_nice_agent);
    gather(&a, &b, 5, 0);
    struct reload_offer empty = b.node->offer, peer_reflexive = b.node->offer;
    empty.candidate_count = 0;
    for (size_t i = 0; i < peer_reflexive.candidate_count; i++)
        peer_reflexive.candidates[i].type = 3;
    ask_check(&a, 5, true, &empty, &b);
    ck_assert_uint_eq(a.node->down, 1);
    ck_assert_uint_eq(a.node->down_link, 5);
    ck_assert_int_eq(a.node->down_error, RELOAD_E_MALFORMED);
    ask_gather(&a, 6, 0, true);
    world_until(&world, &a.node->gathered, 2);
    ask_check(&a, 6, true, &peer_reflexive, &b);
    ck_assert_uint_eq(a.node->down, 2);
    ask_check(&a, 9, true, &b.node->offer, &b);
    ck_assert_uint_eq(a.node->down_link, 9);
    ck_assert_int_eq(a.node->down_error, RELOAD_E_UNREACHABLE);
    ck_assert_uint_eq(reload_driver_counters(a.driver).links, 0);
    host_fini(&a);
    host_fini(&b);
    world_fini(&world);
}
END_TEST

/* L9: an agent that does what a test says. */
static struct {
    const struct reload_ice_user *user;
    void *argument;
    int open_result, check_result;
    unsigned open, closed;
    bool controlling;
    struct reload_ice_options options;
} fake;

static int
fake_open(const struct reload_ice_options *options, const struct reload_ice_user *user,
          void *argument, struct reload_ice_agent **agent)
{
    if (fake.open_result)
        return fake.open_result;
    fake.controlling = options->controlling;
    fake.options = *options;
    fake.user = user;
    fake.argument = argument;
    fake.open++;
    *agent = (struct reload_ice_agent *)&fake;
    return 0;
}

static int
fake_check(struct reload_ice_agent *agent, const struct reload_offer *remote)
{
    (void)agent;
    (void)remote;
    return fake.check_result;
}

static void
fake_close(struct reload_ice_agent *agent)
{
    ck_assert_ptr_eq(agent, &fake);
    fake.closed++;
}

static const struct reload_ice_ops fake_agent = {fake_open, fake_check, fake_close};

START_TEST(agents_that_fail)
{
    struct world world;
    struct host a;
    struct reload_offer offer = {.candidates = {{.overlay_link = 1}}, .candidate_count = 1};
    world_init(&world);
    host_init(&a, &world, &fake_agent);
    memset(&fake, 0, sizeof fake);
    fake.open_result = RELOAD_E_IO;
    ask_gather(&a, 1, 0, true);
    ck_assert_uint_eq(a.node->gathered, 1);
    ck_assert(a.node->gather_failed);
    fake.open_result = 0;
    ask_gather(&a, 2, 0, true);
    ck_assert(fake.controlling);
    fake.user->gathered(fake.argument, NULL);
    ck_assert_uint_eq(a.node->gathered, 2);
    ck_assert(a.node->gather_failed);
    ask_gather(&a, 3, 0, false);
    ck_assert(!fake.controlling);
    fake.user->failed(fake.argument, RELOAD_E_UNREACHABLE);
    ck_assert_uint_eq(a.node->gathered, 3);
    ck_assert_uint_eq(a.node->down, 0);
    for (uint32_t link = 4; link < 6; link++) {
        ask_gather(&a, link, 0, false);
        fake.user->gathered(fake.argument, &offer);
        ck_assert(!a.node->gather_failed);
        fake.check_result = link == 4 ? RELOAD_E_MALFORMED : 0;
        ask_check(&a, link, false, &offer, &a);
        if (link == 5)
            fake.user->failed(fake.argument, RELOAD_E_UNREACHABLE);
        ck_assert_uint_eq(a.node->down, link - 3);
        ck_assert_uint_eq(a.node->down_link, link);
    }
    ck_assert_int_eq(a.node->down_error, RELOAD_E_UNREACHABLE);
    ck_assert_uint_eq(fake.open, 4);
    ck_assert_uint_eq(fake.closed, 4);
    ck_assert_uint_eq(reload_driver_counters(a.driver).links, 0);
    host_fini(&a);
    world_fini(&world);
}
END_TEST

static size_t
two_relays(void *argument, struct reload_ice_relay *relays, size_t max)
{
    ck_assert_uint_ge(max, 2);
    for (unsigned i = 0; i < 2; i++)
        relays[i] = (struct reload_ice_relay){
            .address = loopback((uint16_t)(3478 + i)), .tcp = i == 1, .username = "user"};
    return *(unsigned *)argument;
}

/* RFC6940-6.5.1.5: whoever knows TURN servers is asked whenever an agent is made. */
START_TEST(agents_get_relays)
{
    struct world world;
    struct host a;
    unsigned count = 2;
    world_init(&world);
    configure(&a, &world);
    a.relays = two_relays;
    a.relays_argument = &count;
    char reason[RELOAD_DRIVER_REASON_SIZE];
    ck_assert_int_eq(begin(&a, &fake_agent, reason), 0);
    memset(&fake, 0, sizeof fake);
    ask_gather(&a, 1, 0, true);
    ck_assert_uint_eq(fake.options.relay_count, 2);
    ck_assert(!fake.options.relays[0].tcp && fake.options.relays[1].tcp);
    ck_assert_str_eq(fake.options.relays[0].username, "user");
    count = 0;
    ask_gather(&a, 2, 0, true);
    ck_assert_uint_eq(fake.options.relay_count, 0);
    host_fini(&a);
    world_fini(&world);
}
END_TEST

START_TEST(overlay_that_cannot_be)
{
    struct world world;
    struct host a;
    char reason[RELOAD_DRIVER_REASON_SIZE];
    world_init(&world);
    configure(&a, &world);
    ck_assert_int_eq(begin(&a, NULL, reason), RELOAD_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(reason, "without"));
    a.config.link_protocol_count = 1; /* TLS */
    ck_assert_int_eq(begin(&a, &reload_nice_agent, reason), RELOAD_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(reason, "DTLS"));
    a.config.no_ice = true;
    ck_assert_int_eq(begin(&a, NULL, reason), 0);
    host_fini(&a);
    world_fini(&world);
}
END_TEST

/* ---- STUN ----------------------------------------------------------------------------------- */

static const uint8_t binding_request[] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1,  2,
                                          3, 4, 5, 6, 7,    8,    9,    10,   11, 12};

struct asker {
    int descriptor;
    struct reload_address address;
    struct host *host;
};

static void
asker_init(struct asker *asker, struct host *host)
{
    struct reload_address any = loopback(0);
    asker->host = host;
    asker->descriptor = reload_socket_bind(SOCK_DGRAM, &any, &asker->address);
    ck_assert_int_ge(asker->descriptor, 0);
}

static void
asker_send(struct asker *asker, const uint8_t *data, size_t size)
{
    struct sockaddr_storage to;
    socklen_t length =
        reload_address_to_socket(reload_driver_address(asker->host->driver), AF_INET, &to);
    ssize_t sent = sendto(asker->descriptor, data, size, 0, (const struct sockaddr *)&to, length);
    ck_assert_int_eq(sent, (ssize_t)size);
}

static size_t
asker_recv(struct asker *asker, uint8_t *answer, size_t capacity)
{
    world_for(asker->host->world, 20 * RELOAD_MS);
    ssize_t got = recv(asker->descriptor, answer, capacity, MSG_DONTWAIT);
    return got < 0 ? 0 : (size_t)got;
}

/* RFC6940-6.5.1.4: the answer says how the asker is seen. */
START_TEST(stun_binding_is_answered)
{
    struct world world;
    struct host a;
    struct asker asker;
    uint8_t answer[512];
    world_init(&world);
    host_init(&a, &world, &reload_nice_agent);
    asker_init(&asker, &a);
    asker_send(&asker, binding_request, sizeof binding_request);
    ck_assert_uint_eq(asker_recv(&asker, answer, sizeof answer), 32);
    static const uint8_t head[] = {1, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42};
    ck_assert_mem_eq(answer, head, sizeof head);
    ck_assert_mem_eq(answer + 8, binding_request + 8, 12);
    uint16_t port = asker.address.port ^ 0x2112;
    const uint8_t mapped[] = {
        0, 0x20, 0, 8, 0, 1, (uint8_t)(port >> 8), (uint8_t)port, 127 ^ 0x21, 0x12, 0xa4, 1 ^ 0x42};
    ck_assert_mem_eq(answer + 20, mapped, sizeof mapped);
    /* RFC 3489: no cookie, MAPPED-ADDRESS. */
    uint8_t old_request[sizeof binding_request];
    memcpy(old_request, binding_request, sizeof old_request);
    old_request[4] = 0xfe;
    asker_send(&asker, old_request, sizeof old_request);
    ck_assert_uint_eq(asker_recv(&asker, answer, sizeof answer), 32);
    ck_assert_mem_eq(answer + 4, old_request + 4, 16);
    const uint8_t plain[] = {
        0,   1, 0, 8, 0, 1, (uint8_t)(asker.address.port >> 8), (uint8_t)asker.address.port,
        127, 0, 0, 1};
    ck_assert_mem_eq(answer + 20, plain, sizeof plain);
    struct reload_stun_counters counters = reload_driver_counters(a.driver).stun;
    ck_assert_uint_eq(counters.received, 2);
    ck_assert_uint_eq(counters.answered, 2);
    (void)close(asker.descriptor);
    host_fini(&a);
    world_fini(&world);
}
END_TEST

/* L13: garbage and what is not for us gets no answer. */
START_TEST(stun_garbage_is_dropped)
{
    struct world world;
    struct host a;
    struct asker asker;
    uint8_t answer[512], data[600];
    world_init(&world);
    host_init(&a, &world, &reload_nice_agent);
    asker_init(&asker, &a);
    static const struct {
        size_t at, size;
        uint8_t value;
    } rows[] = {
        {0, 1, 0},  {0, 19, 0},    {3, 20, 4}, {3, 20, 3},    {0, 20, 1},
        {1, 20, 3}, {1, 20, 0x11}, {1, 20, 2}, {2, 20, 0xff},
    };
    size_t count = sizeof rows / sizeof *rows;
    for (size_t i = 0; i < count; i++) {
        memcpy(data, binding_request, sizeof binding_request);
        data[rows[i].at] = rows[i].value;
        asker_send(&asker, data, rows[i].size);
    }
    memset(data, 0, sizeof data);
    memcpy(data, binding_request, sizeof binding_request);
    data[2] = 2; /* 580 octets of attributes: larger than any request need be */
    data[3] = 0x44;
    asker_send(&asker, data, sizeof data);
    /* A connectivity check: USERNAME. */
    static const uint8_t username[] = {0, 6, 0, 4, 'a', ':', 'b', 'c'};
    memcpy(data + 20, username, sizeof username);
    data[2] = 0;
    data[3] = sizeof username;
    asker_send(&asker, data, 20 + sizeof username);
    ck_assert_uint_eq(asker_recv(&asker, answer, sizeof answer), 0);
    struct reload_stun_counters counters = reload_driver_counters(a.driver).stun;
    ck_assert_uint_eq(counters.received, count + 2);
    ck_assert_uint_eq(counters.answered, 0);
    ck_assert_uint_eq(counters.dropped_malformed, count + 2);
    (void)close(asker.descriptor);
    host_fini(&a);
    world_fini(&world);
}
END_TEST

START_TEST(stun_flood_is_limited)
{
    struct world world;
    struct host a;
    struct asker asker;
    world_init(&world);
    host_init(&a, &world, &reload_nice_agent);
    asker_init(&asker, &a);
    for (int i = 0; i < 200; i++)
        asker_send(&asker, binding_request, sizeof binding_request);
    world_for(&world, 20 * RELOAD_MS);
    struct reload_stun_counters counters = reload_driver_counters(a.driver).stun;
    ck_assert_uint_eq(counters.answered + counters.dropped_busy, 200);
    ck_assert_uint_ge(counters.answered, 20);
    ck_assert_uint_ge(counters.dropped_busy, 100);
    (void)close(asker.descriptor);
    host_fini(&a);
    world_fini(&world);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("driver_ice", links_carry_both_ways, another_node_answers,
                     fifty_links_leave_nothing, closed_on_the_way, offers_that_cannot_be_checked,
                     agents_that_fail, agents_get_relays, overlay_that_cannot_be,
                     stun_binding_is_answered, stun_garbage_is_dropped, stun_flood_is_limited);
}
