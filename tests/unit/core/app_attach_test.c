/* app_attach_test.c: AppAttach refused: what is not offered, floods, nodes that are bad. RFC 6940
 * 6.5.2; attack row U6.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/world.h"

#include "tests/suite.h"

#define SIP 5060
#define SIPS 5061

static struct world *world;
static struct world_host *a, *b;
static unsigned done, succeeded, up;
static int last_error;

static void
on_done(void *argument, int error, uint32_t link, const struct reload_node_id *node_id,
        reload_time now)
{
    (void)argument, (void)link, (void)node_id, (void)now;
    done++;
    succeeded += error == 0;
    last_error = error;
}

static void
app_up(void *state, uint16_t application, uint32_t link, const struct reload_identity *peer,
       reload_time now)
{
    (void)state, (void)application, (void)link, (void)peer, (void)now;
    up++;
}

static void
app_down(void *state, uint32_t link, int error, reload_time now)
{
    (void)state, (void)link, (void)error, (void)now;
}

static const uint16_t both[] = {SIP, SIPS}, secure[] = {SIPS};

static const struct reload_usage_ops caller = {.name = "caller",
                                               .applications = both,
                                               .application_count = 2,
                                               .app_link_up = app_up,
                                               .app_link_down = app_down};
static const struct reload_usage_ops callee = {.name = "callee",
                                               .applications = secure,
                                               .application_count = 1,
                                               .app_link_up = app_up,
                                               .app_link_down = app_down};

static void
boot(struct world_host *host, const struct reload_usage_ops *usage)
{
    struct reload_node_options options = {.topology = &world_single,
                                          .usages = {usage},
                                          .usage_count = 1,
                                          .first_node = host->index == 0};
    ck_assert_int_eq(world_boot_with(host, &options), 0);
}

/* |b|, which may call, has joined through |a|, which offers 5061 only. */
static void
begin(void)
{
    world = world_new(&world_single);
    world->framing = RELOAD_FRAMING_NONE;
    a = world_add(world, 1);
    b = world_add(world, 1);
    boot(a, &callee);
    boot(b, &caller);
    struct reload_candidate candidate = world_candidate(a);
    ck_assert_int_eq(reload_node_start(a->node, NULL, 0, world->now), 0);
    ck_assert_int_eq(reload_node_start(b->node, &candidate, 1, world->now), 0);
    world_turn(a);
    world_turn(b);
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert(reload_node_joined(b->node));
    done = succeeded = up = 0;
    last_error = 0;
}

static void
call(uint16_t application)
{
    struct reload_route route = reload_route_to_node(&a->id);
    ck_assert_int_eq(
        reload_node_app_attach(b->node, &route, application, on_done, NULL, world->now), 0);
    world_turn(b);
}

START_TEST(u6_what_is_not_offered)
{
    begin();
    call(SIPS);
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert_uint_eq(succeeded, 1);
    size_t links = a->node->links.count;
    call(SIP);
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert_uint_eq(done, 2);
    ck_assert_int_eq(last_error, RELOAD_E_REFUSED);
    ck_assert_uint_eq(a->node->links.count, links);
    struct reload_route route = reload_route_to_node(&a->id);
    ck_assert_int_eq(reload_node_app_attach(b->node, &route, 4711, on_done, NULL, world->now),
                     RELOAD_E_USAGE);
    world_free(world);
}
END_TEST

/* RFC6940-6.5.2.2-03: by its code. */
static uint16_t refusal;

static void
on_refused(void *argument, const struct reload_result *result, reload_time now)
{
    (void)argument, (void)now;
    refusal = result->error_code;
    done++;
}

START_TEST(u6_an_unknown_application_is_not_found)
{
    begin();
    uint8_t data[512];
    struct reload_ice_candidate candidate = {.overlay_link = 3, .priority = 1, .type = 1};
    candidate.addr_port.type = RELOAD_ADDRESS_TYPE_IPV4_ADDRESS;
    candidate.addr_port.v4addr_port.addr = 0x0a000002;
    candidate.addr_port.v4addr_port.port = 6084;
    uint8_t list[128];
    struct reload_writer candidates = reload_writer_of(list, sizeof list);
    reload_ice_candidate_encode(&candidates, &b->node->wire, &candidate);
    const uint16_t unknown[] = {0, SIP, 4711, 0xffff};
    for (size_t i = 0; i < 4; i++) {
        struct reload_app_attach_req request = {.application = unknown[i],
                                                .role = reload_bytes_of_string("passive"),
                                                .candidates = reload_writer_written(&candidates)};
        struct reload_writer body = reload_writer_of(data, sizeof data);
        reload_app_attach_req_encode(&body, &b->node->wire, &request);
        struct reload_route route = reload_route_to_node(&a->id);
        refusal = 0;
        ck_assert_int_eq(reload_node_request(b->node, &route, RELOAD_MESSAGE_APP_ATTACH_REQ,
                                             reload_writer_written(&body), on_refused, NULL,
                                             world->now, NULL),
                         0);
        world_turn(b);
        world_advance(world, world->now + RELOAD_SECOND);
        ck_assert_uint_eq(done, i + 1);
        ck_assert_uint_eq(refusal, RELOAD_ERROR_NOT_FOUND);
    }
    world_free(world);
}
END_TEST

/* D46: four at a time, the others are told to come later; and later they may. */
START_TEST(u6_a_flood_is_refused)
{
    begin();
    a->never_gathers = true;
    for (int i = 0; i < 40; i++)
        call(SIPS);
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert_uint_eq(done, 36);
    ck_assert_int_eq(last_error, RELOAD_E_BUSY);
    ck_assert_uint_le(a->node->links.count, 5);
    world_advance(world, world->now + 20 * RELOAD_SECOND);
    ck_assert_uint_eq(done, 40);
    ck_assert_uint_eq(succeeded, 0);
    ck_assert_uint_eq(a->node->links.count, 1);
    a->never_gathers = false;
    call(SIPS);
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert_uint_eq(succeeded, 1);
    world_free(world);
}
END_TEST

/* Nor does a flood of those that succeed use up all links. */
START_TEST(u6_links_of_one_node_are_bounded)
{
    begin();
    for (int i = 0; i < 100; i++) {
        call(SIPS);
        world_advance(world, world->now + 100 * RELOAD_MS);
    }
    ck_assert_uint_eq(done, 100);
    ck_assert_uint_eq(succeeded, 32);
    ck_assert_int_eq(last_error, RELOAD_E_BUSY);
    ck_assert_uint_eq(a->node->links.count, 33);
    ck_assert_uint_ne(reload_node_link_to(a->node, &b->id), 0);
    world_free(world);
}
END_TEST

/* RFC6940-11.1: nobody answers a node that is on the list. */
START_TEST(u6_bad_nodes_are_not_heard)
{
    begin();
    call(SIPS);
    world->config->bad_nodes[0] = b->id;
    world->config->bad_node_count = 1;
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert_uint_eq(up, 0);
    ck_assert_uint_ge(a->node->counters.dropped_certificate, 1);
    ck_assert_uint_eq(succeeded, 0);
    reload_node_config_changed(a->node, world->now);
    world_turn(a);
    world_advance(world, world->now + 20 * RELOAD_SECOND);
    ck_assert_uint_eq(succeeded, 0);
    ck_assert_uint_eq(done, 1);
    ck_assert_uint_eq(a->node->links.count, 0);
    world_free(world);
}
END_TEST

/* An Attach that is refused for want of room is no crossing of two. */
START_TEST(overload_is_not_a_crossing)
{
    begin();
    a->never_gathers = true;
    for (int i = 0; i < 4; i++)
        call(SIPS);
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert_uint_eq(done, 0);
    struct reload_route route = reload_route_to_node(&a->id);
    ck_assert_int_eq(reload_node_attach(b->node, &route, false, on_done, NULL, world->now), 0);
    world_turn(b);
    world_advance(world, world->now + RELOAD_SECOND);
    ck_assert_uint_eq(done, 1);
    ck_assert_int_eq(last_error, RELOAD_E_BUSY);
    world_free(world);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("app_attach", u6_what_is_not_offered, u6_an_unknown_application_is_not_found,
                     u6_a_flood_is_refused, u6_links_of_one_node_are_bounded,
                     u6_bad_nodes_are_not_heard, overload_is_not_a_crossing);
}
