/* driver_ice_test.c: the driver makes links by ICE, over loopback.
 *
 * RFC 6940 6.5.1.3-6.5.1.10. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/socket_address.h"
#include "tests/suite.h"
#include "tests/unit/ice/agents.h"
#include "tests/unit/ice/hosts.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
        hosts_link(&a, &b, 5 + row, application);
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
        host_send(&a, 5 + row, "from a");
        world_until(&world, heard[1], 1);
        ck_assert_mem_eq(b.node->last, "from a", 6);
        ck_assert_uint_eq(b.node->recv_link, 1005 + row);
        host_send(&b, 1005 + row, "from b");
        world_until(&world, heard[0], 1);
        ck_assert_mem_eq(a.node->last, "from b", 6);
    }
    /* What a link came up with is put right by what it uses now. */
    struct reload_link_info info = {.link = 5, .local_type = RELOAD_CAND_TYPE_RELAY};
    reload_driver_refresh(a.driver, &info);
    ck_assert_uint_eq(info.local_type, RELOAD_CAND_TYPE_HOST);
    ck_assert_uint_eq(info.remote_type, RELOAD_CAND_TYPE_HOST);
    ck_assert_uint_eq(info.address.family, 4);
    info = (struct reload_link_info){.link = 999, .local_type = RELOAD_CAND_TYPE_RELAY};
    reload_driver_refresh(a.driver, &info);
    ck_assert_uint_eq(info.local_type, RELOAD_CAND_TYPE_RELAY);
    /* Nothing of it went through the nodes' own ports. */
    ck_assert_uint_eq(reload_driver_counters(a.driver).udp->received, 0);
    host_close(&a, 5);
    world_until(&world, &b.node->down, 1);
    ck_assert_uint_eq(b.node->down_link, 1005);
    ck_assert_int_eq(b.node->down_error, RELOAD_E_CLOSED);
    ck_assert_uint_eq(a.node->down, 0);
    host_fini(&a);
    host_fini(&b);
    world_fini(&world);
}
END_TEST

/* Who listens at one address offers that one only. */
START_TEST(links_by_ipv6)
{
    struct world world;
    struct host hosts[2];
    char reason[RELOAD_DRIVER_REASON_SIZE];
    world_init(&world);
    for (int i = 0; i < 2; i++) {
        host_configure(&hosts[i], &world);
        hosts[i].listen = (struct reload_address){.family = 6, .octets = {[15] = 1}};
        ck_assert_int_eq(host_begin(&hosts[i], &reload_nice_agent, reason), 0);
    }
    hosts_link(&hosts[0], &hosts[1], 5, 0);
    ck_assert_uint_eq(hosts[0].node->offer.candidate_count, 1);
    ck_assert_uint_eq(hosts[0].node->offer.candidates[0].address.family, 6);
    ck_assert_uint_eq(hosts[1].node->peer.address.family, 6);
    host_send(&hosts[0], 5, "by IPv6");
    world_until(&world, &hosts[1].node->received, 1);
    host_fini(&hosts[0]);
    host_fini(&hosts[1]);
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
        hosts_gather(&a, &b, 5 + row, 0);
        host_check(&b, 1005 + row, false, &a.node->offer, row ? &c : &a);
        host_check(&a, 5 + row, true, &b.node->offer, row ? &b : &c);
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

#define TIMED_LINKS 15

static int
compare_times(const void *a, const void *b)
{
    const reload_time *one = a, *other = b;
    return *one < *other ? -1 : *one > *other;
}

/* The figure of the goal: on a LAN at most 150 ms (median) from the Attach, which is sent when its
 * sender has gathered, to the first message. The answerer gathers before it answers. */
START_TEST(links_are_quick)
{
    struct world world;
    struct host a, b;
    reload_time times[TIMED_LINKS];
    world_init(&world);
    host_init(&a, &world, &reload_nice_agent);
    host_init(&b, &world, &reload_nice_agent);
    for (uint32_t i = 0; i < TIMED_LINKS; i++) {
        host_gather(&a, 5 + i, 0, true);
        world_until(&world, &a.node->gathered, i + 1);
        reload_time begun = reload_loop_now(world.loop);
        host_gather(&b, 1005 + i, 0, false);
        world_until(&world, &b.node->gathered, i + 1);
        host_check(&b, 1005 + i, false, &a.node->offer, &a);
        host_check(&a, 5 + i, true, &b.node->offer, &b);
        world_until(&world, &a.node->up, i + 1);
        host_send(&a, 5 + i, "first");
        world_until(&world, &b.node->received, i + 1);
        times[i] = reload_loop_now(world.loop) - begun;
    }
    qsort(times, TIMED_LINKS, sizeof *times, compare_times);
    printf("an ICE link: %.1f ms from Attach to first message, median of %d (%.1f to %.1f)\n",
           (double)times[TIMED_LINKS / 2] / 1e6, TIMED_LINKS, (double)times[0] / 1e6,
           (double)times[TIMED_LINKS - 1] / 1e6);
    ck_assert_uint_le(times[TIMED_LINKS / 2], 150 * RELOAD_MS);
    host_fini(&a);
    host_fini(&b);
    world_fini(&world);
}
END_TEST

/* What is allocated at the moment, in octets. */
static size_t
heap(void)
{
    return mallinfo2().uordblks;
}

static void
come_and_go(struct host *a, struct host *b, uint32_t first, uint32_t count)
{
    unsigned before = b->node->down;
    for (uint32_t i = 0; i < count; i++) {
        hosts_link(a, b, first + i, 0);
        host_send(a, first + i, "hello");
        host_close(a, first + i);
        world_until(a->world, &b->node->down, before + i + 1);
    }
}

/* Links come and go; descriptors and memory are as before. RELOAD_TEST_LINKS says how many, for
 * more than the suite has time for. */
START_TEST(links_leave_nothing)
{
    struct world world;
    struct host a, b;
    const char *wanted = getenv("RELOAD_TEST_LINKS");
    uint32_t count = wanted ? (uint32_t)strtoul(wanted, NULL, 10) : 50;
    world_init(&world);
    host_init(&a, &world, &reload_nice_agent);
    host_init(&b, &world, &reload_nice_agent);
    hosts_link(&a, &b, 5, 0);
    come_and_go(&a, &b, 10, 30); /* caches fill: of GLib, of OpenSSL */
    size_t descriptors = open_descriptors(), octets = heap();
    come_and_go(&a, &b, 100, count);
    size_t grown = heap() > octets ? heap() - octets : 0;
    printf("%u links: %zu octets more\n", count, grown);
    (void)fflush(stdout);
    ck_assert_uint_eq(open_descriptors(), descriptors);
    ck_assert_uint_le(grown, 1024);
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
    host_gather(&a, 5, 0, true);
    host_close(&a, 5);
    hosts_gather(&a, &b, 6, 0);
    host_check(&a, 6, true, &b.node->offer, &b);
    host_close(&a, 6);
    host_close(&b, 1006);
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
    hosts_gather(&a, &b, 5, 0);
    struct reload_offer empty = b.node->offer, peer_reflexive = b.node->offer;
    empty.candidate_count = 0;
    for (size_t i = 0; i < peer_reflexive.candidate_count; i++)
        peer_reflexive.candidates[i].type = 3;
    host_check(&a, 5, true, &empty, &b);
    ck_assert_uint_eq(a.node->down, 1);
    ck_assert_uint_eq(a.node->down_link, 5);
    ck_assert_int_eq(a.node->down_error, RELOAD_E_MALFORMED);
    host_gather(&a, 6, 0, true);
    world_until(&world, &a.node->gathered, 2);
    host_check(&a, 6, true, &peer_reflexive, &b);
    ck_assert_uint_eq(a.node->down, 2);
    host_check(&a, 9, true, &b.node->offer, &b);
    ck_assert_uint_eq(a.node->down_link, 9);
    ck_assert_int_eq(a.node->down_error, RELOAD_E_UNREACHABLE);
    ck_assert_uint_eq(reload_driver_counters(a.driver).links, 0);
    host_fini(&a);
    host_fini(&b);
    world_fini(&world);
}
END_TEST

/* L9: the other side never checks: the link fails in time and nothing is left of it. */
START_TEST(nobody_answers_the_checks)
{
    struct world world;
    struct host a, b;
    world_init(&world);
    host_init(&a, &world, &reload_nice_agent);
    host_init(&b, &world, &reload_nice_agent);
    hosts_link(&a, &b, 1, 0); /* GLib opens something for itself */
    size_t before = open_descriptors();
    hosts_gather(&a, &b, 5, 0);
    host_close(&b, 1005);
    reload_time begun = reload_loop_now(world.loop);
    host_check(&a, 5, true, &b.node->offer, &b);
    world_until(&world, &a.node->down, 1);
    ck_assert_int_eq(a.node->down_error, RELOAD_E_UNREACHABLE);
    ck_assert_uint_le(reload_loop_now(world.loop) - begun, 10500 * RELOAD_MS);
    ck_assert_uint_eq(a.node->up, 1);
    ck_assert_uint_eq(reload_driver_counters(a.driver).links, 1);
    ck_assert_uint_eq(open_descriptors(), before);
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

static const struct reload_ice_ops fake_agent = {
    .open = fake_open, .check = fake_check, .close = fake_close};

static char said[256];

static void
keep_what_is_said(void *context, enum reload_log_level level, const char *text)
{
    (void)context;
    ck_assert_int_eq(level, RELOAD_LOG_DEBUG);
    snprintf(said, sizeof said, "%s", text);
}

/* Who chose no pair says so: the other side may have one, and wonder. */
START_TEST(agents_that_fail)
{
    struct world world;
    struct host a;
    struct reload_offer offer = {.candidates = {{.overlay_link = 1}}, .candidate_count = 1};
    world_init(&world);
    world.env.env.log = keep_what_is_said;
    host_init(&a, &world, &fake_agent);
    memset(&fake, 0, sizeof fake);
    fake.open_result = RELOAD_E_IO;
    host_gather(&a, 1, 0, true);
    ck_assert_uint_eq(a.node->gathered, 1);
    ck_assert(a.node->gather_failed);
    fake.open_result = 0;
    host_gather(&a, 2, 0, true);
    ck_assert(fake.controlling);
    fake.user->gathered(fake.argument, NULL);
    ck_assert_uint_eq(a.node->gathered, 2);
    ck_assert(a.node->gather_failed);
    host_gather(&a, 3, 0, false);
    ck_assert(!fake.controlling);
    fake.user->failed(fake.argument, RELOAD_E_UNREACHABLE);
    ck_assert_uint_eq(a.node->gathered, 3);
    ck_assert_uint_eq(a.node->down, 0);
    ck_assert_str_eq(said, "");
    for (uint32_t link = 4; link < 6; link++) {
        host_gather(&a, link, 0, false);
        fake.user->gathered(fake.argument, &offer);
        ck_assert(!a.node->gather_failed);
        fake.check_result = link == 4 ? RELOAD_E_MALFORMED : 0;
        host_check(&a, link, false, &offer, &a);
        if (link == 5)
            fake.user->failed(fake.argument, RELOAD_E_UNREACHABLE);
        ck_assert_uint_eq(a.node->down, link - 3);
        ck_assert_uint_eq(a.node->down_link, link);
    }
    ck_assert_int_eq(a.node->down_error, RELOAD_E_UNREACHABLE);
    ck_assert_ptr_nonnull(strstr(said, "no pair was chosen"));
    ck_assert_uint_eq(fake.open, 4);
    ck_assert_uint_eq(fake.closed, 4);
    ck_assert_uint_eq(reload_driver_counters(a.driver).links, 0);
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
    host_configure(&a, &world);
    ck_assert_int_eq(host_begin(&a, NULL, reason), RELOAD_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(reason, "without"));
    a.config.link_protocol_count = 1; /* TLS */
    ck_assert_int_eq(host_begin(&a, &reload_nice_agent, reason), RELOAD_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(reason, "DTLS"));
    a.config.no_ice = true;
    ck_assert_int_eq(host_begin(&a, NULL, reason), 0);
    host_fini(&a);
    world_fini(&world);
}
END_TEST

/* What malloc keeps for a thread counts as allocated, so it is to keep nothing. */
static void
begin_without_caches(char **arguments)
{
    if (getenv("GLIBC_TUNABLES") || setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1))
        return;
    (void)execv("/proc/self/exe", arguments);
}

int
main(int count, char **arguments)
{
    (void)count;
    begin_without_caches(arguments);
    return RUN_SUITE("driver_ice", links_carry_both_ways, links_by_ipv6, nobody_answers_the_checks,
                     another_node_answers, links_are_quick, links_leave_nothing, closed_on_the_way,
                     offers_that_cannot_be_checked, agents_that_fail, overlay_that_cannot_be);
}
