/* sip_resolution_test.c: following registrations, also hostile ones.
 *
 * RFC 7904 4.2, 8.2.1; attack rows U3, U4. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_resolution.h"

#include "tests/suite.h"

#include <stdio.h>
#include <string.h>

static const struct reload_wire wire = {.node_id_length = 16};
static struct reload_config config;
static struct reload_sip_resolution resolution;

static void
begin(const char *text)
{
    struct reload_aor aor;
    ck_assert_int_eq(reload_aor_parse(reload_bytes_of_string(text), &aor), 0);
    reload_sip_resolution_init(&resolution, &aor);
}

/* The next AOR that is to be fetched; its place is kept in |*place|. "" at the end. */
static const char *
next(size_t *place)
{
    return reload_sip_resolution_next(&resolution, place) ? resolution.asked[*place].text : "";
}

static void
add_value(size_t place, struct reload_bytes value)
{
    uint8_t key[16] = {1};
    reload_sip_resolution_add(&resolution, place, &wire, &config,
                              (struct reload_bytes){key, sizeof key}, value, "signer@x.example");
}

static void
add_forward(size_t place, const char *to)
{
    uint8_t octets[RELOAD_SIP_REGISTRATION_MAX];
    struct reload_writer writer = reload_writer_of(octets, sizeof octets);
    struct reload_aor aor;
    ck_assert_int_eq(reload_aor_parse(reload_bytes_of_string(to), &aor), 0);
    reload_sip_registration_write_uri(&writer, &wire, &aor);
    add_value(place, reload_writer_written(&writer));
}

static void
add_route(size_t place, uint8_t first, uint8_t last)
{
    uint8_t octets[RELOAD_SIP_REGISTRATION_MAX];
    struct reload_writer writer = reload_writer_of(octets, sizeof octets);
    struct reload_node_id node_id = {{first, 1, [15] = last}};
    struct reload_sip_destination destination = reload_sip_destination_of_node(&wire, &node_id);
    reload_sip_registration_write_route(&writer, &wire, &destination, "");
    add_value(place, reload_writer_written(&writer));
}

START_TEST(several_devices)
{
    size_t place;
    begin("alice@x.example");
    ck_assert_str_eq(next(&place), "alice@x.example");
    ck_assert_str_eq(next(&place), "");
    add_route(0, 1, 1);
    add_route(0, 2, 2);
    add_route(0, 1, 1); /* the same destination again (4.2 step 3) */
    ck_assert_uint_eq(resolution.target_count, 2);
    ck_assert_str_eq(resolution.targets[1].user, "signer@x.example");
    ck_assert_str_eq(resolution.targets[1].aor.text, "alice@x.example");
    ck_assert_uint_eq(resolution.ignored, 0);
}
END_TEST

START_TEST(forwarded)
{
    size_t place;
    begin("alice@x.example");
    (void)next(&place);
    add_forward(place, "bob@x.example");
    ck_assert_str_eq(next(&place), "bob@x.example");
    add_route(place, 3, 3);
    ck_assert_str_eq(next(&place), "");
    ck_assert_uint_eq(resolution.target_count, 1);
    ck_assert_str_eq(resolution.targets[0].aor.text, "bob@x.example");
}
END_TEST

START_TEST(loops_end)
{
    size_t place;
    begin("a@x.example");
    (void)next(&place);
    add_forward(place, "a@x.example"); /* itself */
    add_forward(place, "a@X.EXAMPLE"); /* in another spelling */
    ck_assert_str_eq(next(&place), "");
    add_forward(0, "b@x.example");
    ck_assert_str_eq(next(&place), "b@x.example");
    add_forward(place, "a@x.example");
    ck_assert_str_eq(next(&place), "");
    ck_assert_uint_eq(resolution.target_count, 0);
}
END_TEST

START_TEST(chains_end)
{
    char text[64];
    size_t place, asked = 0;
    begin("u0@x.example");
    while (*next(&place)) {
        snprintf(text, sizeof text, "u%zu@x.example", ++asked);
        add_forward(place, text);
        ck_assert_uint_le(asked, 1000);
    }
    ck_assert_uint_eq(asked, RELOAD_SIP_FORWARDS_MAX + 1);
    ck_assert_uint_eq(resolution.ignored, 1);
}
END_TEST

START_TEST(fan_out_is_bounded)
{
    char text[64];
    size_t place, asked = 0;
    begin("a@x.example");
    (void)next(&place);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "u%u@x.example", i);
        add_forward(place, text);
    }
    while (*next(&place))
        asked++;
    ck_assert_uint_eq(asked, RELOAD_SIP_ASKED_MAX - 1);
    for (unsigned i = 0; i < 100; i++)
        add_route(0, (uint8_t)(i + 1), 1);
    ck_assert_uint_eq(resolution.target_count, RELOAD_SIP_TARGETS_MAX);
    ck_assert_uint_eq(resolution.ignored,
                      100 - (RELOAD_SIP_ASKED_MAX - 1) + (100 - RELOAD_SIP_TARGETS_MAX));
}
END_TEST

/* U4: what is malformed is ignored, the others are still used. */
START_TEST(malformed_among_good)
{
    size_t place;
    begin("alice@x.example");
    (void)next(&place);
    add_value(place, (struct reload_bytes){(const uint8_t *)"\x02\x00\x02\x00\x00", 5});
    add_value(place, (struct reload_bytes){NULL, 0});
    add_value(place, (struct reload_bytes){(const uint8_t *)"\x09\x00\x01x", 4});
    add_route(place, 5, 5);
    reload_sip_resolution_add(&resolution, place, &wire, &config,
                              (struct reload_bytes){(const uint8_t *)"k", 1},
                              (struct reload_bytes){(const uint8_t *)"\x09\x00\x01x", 4}, "");
    ck_assert_uint_eq(resolution.target_count, 1);
    ck_assert_uint_eq(resolution.ignored, 4);
}
END_TEST

/* Calls are not forwarded to where the overlay has no authority. */
START_TEST(foreign_domains)
{
    size_t place;
    strcpy(config.instance_name, "x.example");
    config.domain_restrictions_present = true;
    begin("alice@x.example");
    (void)next(&place);
    add_forward(place, "bob@y.example");
    ck_assert_str_eq(next(&place), "");
    ck_assert_uint_eq(resolution.ignored, 1);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("sip_resolution", several_devices, forwarded, loops_end, chains_end,
                     fan_out_is_bounded, malformed_among_good, foreign_domains);
}
