/* ice_overlay_test.c: real nodes on loopback join an overlay whose links are made by ICE, and store
 * and fetch over them.
 *
 * RFC 6940 6.5.1, 10.5. SPDX-License-Identifier: BSD-2-Clause */
#include "ice/nice_agent.h"
#include "ice/stun_server.h"
#include "tools/bench/overlay.h"

#include "tests/suite.h"

#define NODES 4
#define TEXT "carried by ICE"

static struct reload_node *
node_of(const struct overlay_node *host)
{
    return reload_driver_node(host->driver);
}

/* How many links of |host|'s are up over |overlay_link|. */
static unsigned
links_of(const struct overlay_node *host, uint8_t overlay_link)
{
    unsigned count = 0;
    size_t cursor = 0;
    struct reload_link_info info;
    while (reload_node_link_next(node_of(host), &cursor, &info))
        count += info.up && info.overlay_link == overlay_link;
    return count;
}

/* ---- storing and fetching ------------------------------------------------------------------- */

struct operation {
    bool done;
    int error;
    unsigned values;
    char text[64];
};

static void
on_result(void *argument, const struct reload_result *result, reload_time now)
{
    struct operation *operation = argument;
    (void)now;
    operation->done = true;
    operation->error = result->error;
}

static void
on_value(void *argument, const struct reload_fetched_value *value, reload_time now)
{
    struct operation *operation = argument;
    (void)now;
    ck_assert_uint_lt(value->value.size, sizeof operation->text);
    memcpy(operation->text, value->value.data, value->value.size);
    operation->values++;
}

static void
store_and_fetch(struct overlay *overlay, struct overlay_node *owner, struct overlay_node *reader)
{
    uint8_t name[17], resource[20];
    size_t size = 0;
    memcpy(name, owner->id.octets, 16);
    name[16] = 1;
    ck_assert_int_eq(
        reload_node_resource(node_of(owner), (struct reload_bytes){name, 17}, resource, &size), 0);
    struct reload_bytes where = {resource, size};
    struct reload_store_value value = {.kind = OVERLAY_KIND,
                                       .value = reload_bytes_of_string(TEXT),
                                       .exists = true,
                                       .lifetime_s = 3600};
    struct operation stored = {0}, fetched = {0};
    reload_time now = reload_loop_now(overlay->loop);
    ck_assert_int_eq(reload_node_store(node_of(owner), where, &value, 1, on_result, &stored, now),
                     0);
    ck_assert(overlay_wait(overlay, &stored.done, 20000));
    ck_assert_int_eq(stored.error, 0);
    struct reload_fetch_specifier specifier = {.kind = OVERLAY_KIND};
    now = reload_loop_now(overlay->loop);
    ck_assert_int_eq(reload_node_fetch(node_of(reader), where, &specifier, 1, on_value, on_result,
                                       &fetched, now),
                     0);
    ck_assert(overlay_wait(overlay, &fetched.done, 20000));
    ck_assert_int_eq(fetched.error, 0);
    ck_assert_uint_eq(fetched.values, 1);
    ck_assert_str_eq(fetched.text, TEXT);
}

/* RFC6940-6.5.1: all neighbours are linked by DTLS-UDP-SR; only who joins goes to a port of its
 * bootstrap node first. */
START_TEST(nodes_join_and_store_over_ice)
{
    struct overlay *overlay = overlay_new(RELOAD_KEY_P256);
    overlay->config.no_ice = false;
    overlay->ice = &reload_nice_agent;
    overlay->stun = reload_stun_server_answer;
    for (size_t i = 0; i < NODES; i++) {
        struct overlay_node *node = overlay_add(overlay, NULL, true);
        ck_assert(overlay_wait(overlay, &node->joined, 60000));
    }
    for (size_t i = 1; i < NODES; i++)
        ck_assert_uint_ge(links_of(&overlay->nodes[i], 1), 1);
    for (size_t i = 0; i < NODES; i++)
        store_and_fetch(overlay, &overlay->nodes[i], &overlay->nodes[(i + 1) % NODES]);
    /* Their agents asked the bootstrap node how they are seen. */
    struct reload_stun_counters stun = reload_driver_counters(overlay->nodes[0].driver).stun;
    ck_assert_uint_ge(stun.answered, NODES - 1);
    ck_assert_uint_eq(stun.dropped_malformed + stun.dropped_busy, 0);
    overlay_free(overlay);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("ice_overlay", nodes_join_and_store_over_ice);
}
