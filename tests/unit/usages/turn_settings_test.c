/* turn_settings_test.c: what reloadd's [turn] section may say, and what turnserver is told then.
 *
 * Attack row L13. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/suite.h"
#include "tools/reloadd/turnserver.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- values -----------------------------------------------------------------------------------
 */

START_TEST(ports)
{
    struct turn_settings settings = turn_settings_default;
    ck_assert(turn_settings_ports("50000-50100", &settings));
    ck_assert_uint_eq(settings.port_min, 50000);
    ck_assert_uint_eq(settings.port_max, 50100);
    static const char *const wrong[] = {
        "",          "50000",       "50000-",       "-50000", "50100-5",       "50000-50000",
        "1023-2000", "50000-65536", "5000000000-6", "a-b",    "50000 - 50100", "50000-50100-1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!turn_settings_ports(wrong[i], &settings), "%s", wrong[i]);
    ck_assert_uint_eq(settings.port_min, 50000);
}
END_TEST

START_TEST(numbers)
{
    uint32_t number = 7;
    ck_assert(turn_settings_number("0", 10, &number));
    ck_assert_uint_eq(number, 0);
    ck_assert(turn_settings_number("10", 10, &number));
    ck_assert_uint_eq(number, 10);
    static const char *const wrong[] = {"",   "11", "-1", "+1",
                                        " 1", "1 ", "x",  "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!turn_settings_number(wrong[i], 10, &number), "%s", wrong[i]);
    ck_assert_uint_eq(number, 10);
}
END_TEST

START_TEST(networks_allowed)
{
    struct reload_networks networks = {.count = 5};
    ck_assert(turn_settings_networks("10.1.2.3/8, 127.0.0.1 fd12::/12,0.0.0.0/0", &networks));
    ck_assert_uint_eq(networks.count, 4);
    ck_assert_uint_eq(networks.networks[0].family, 4);
    ck_assert_uint_eq(networks.networks[0].bits, 8);
    ck_assert_uint_eq(networks.networks[0].octets[0], 10);
    ck_assert_uint_eq(networks.networks[0].octets[1], 0); /* what is beyond the bits is no matter */
    ck_assert_uint_eq(networks.networks[1].bits, 32);
    ck_assert_uint_eq(networks.networks[1].octets[3], 1);
    ck_assert_uint_eq(networks.networks[2].family, 6);
    ck_assert_uint_eq(networks.networks[2].octets[0], 0xfd);
    ck_assert_uint_eq(networks.networks[2].octets[1], 0x10);
    ck_assert_uint_eq(networks.networks[3].bits, 0);
    static const char *const wrong[] = {"10.0.0.0/33",  "10.0.0.0/-1", "10.0.0.0/",     "10.0.0/8",
                                        "fd00::/129",   "localhost",   "10.0.0.0:80/8", "/8",
                                        "10.0.0.0/8/8", "[fd00::1]:80"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!turn_settings_networks(wrong[i], &networks), "%s", wrong[i]);
}
END_TEST

START_TEST(too_many_networks)
{
    char text[RELOAD_NETWORKS_MAX * 16 + 16] = "", huge[2000];
    struct reload_networks networks;
    for (size_t i = 0; i < RELOAD_NETWORKS_MAX; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "10.%zu.0.0/16,", i);
    ck_assert(turn_settings_networks(text, &networks));
    ck_assert_uint_eq(networks.count, RELOAD_NETWORKS_MAX);
    strcat(text, "11.0.0.0/8");
    ck_assert(!turn_settings_networks(text, &networks));
    memset(huge, ' ', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    ck_assert(!turn_settings_networks(huge, &networks));
}
END_TEST

/* ---- the configuration ------------------------------------------------------------------------
 */

static char config[16384];

static void
write_config(const struct turn_settings *settings, struct reload_address listen,
             struct reload_address external)
{
    struct turnserver_options options = {.settings = settings,
                                         .listen = listen,
                                         .external = external,
                                         .realm = "example.org",
                                         .secret = "53c2e7"};
    int descriptor = memfd_create("test", MFD_CLOEXEC);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(turnserver_config_write(&options, descriptor), 0);
    ssize_t size = pread(descriptor, config, sizeof config - 1, 0);
    ck_assert_int_gt(size, 0);
    config[size] = '\0';
    (void)close(descriptor);
}

static bool
says(const char *line)
{
    char whole[128];
    (void)snprintf(whole, sizeof whole, "\n%s\n", line);
    return strstr(config, whole) != NULL;
}

static const struct reload_address here = {.family = 4, .octets = {192, 0, 2, 1}, .port = 3478};

START_TEST(told_to_serve_members_only)
{
    write_config(&turn_settings_default, here, here);
    static const char *const lines[] = {"listening-port=3478",
                                        "relay-ip=192.0.2.1",
                                        "min-port=49152",
                                        "max-port=65535",
                                        "realm=example.org",
                                        "use-auth-secret",
                                        "static-auth-secret=53c2e7",
                                        "userdb=:memory:",
                                        "no-cli",
                                        "no-tls",
                                        "no-dtls",
                                        "no-tcp-relay",
                                        "no-multicast-peers",
                                        "user-quota=128",
                                        "total-quota=1000",
                                        "max-bps=375000",
                                        "pidfile=/dev/null"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(says(lines[i]), "%s", lines[i]);
    ck_assert_ptr_null(strstr(config, "external-ip"));
    ck_assert_ptr_null(strstr(config, "allow")); /* neither peers nor loopback */
    struct turn_settings settings = turn_settings_default;
    settings.max_bitrate_kbps = 0;
    write_config(&settings, here, here);
    ck_assert_ptr_null(strstr(config, "max-bps"));
}
END_TEST

/* Each network has its line, and none says more than it should: turnserver takes "::-..." for a
 * range without a beginning, IPv4 included. */
START_TEST(told_what_not_to_reach)
{
    static const char *const lines[] = {
        "denied-peer-ip=0.0.0.0-0.255.255.255",
        "denied-peer-ip=10.0.0.0-10.255.255.255",
        "denied-peer-ip=100.64.0.0-100.127.255.255",
        "denied-peer-ip=127.0.0.0-127.255.255.255",
        "denied-peer-ip=169.254.0.0-169.254.255.255",
        "denied-peer-ip=172.16.0.0-172.31.255.255",
        "denied-peer-ip=192.168.0.0-192.168.255.255",
        "denied-peer-ip=224.0.0.0-239.255.255.255",
        "denied-peer-ip=240.0.0.0-255.255.255.255",
        "denied-peer-ip=::1-::255.255.255.255",
        "denied-peer-ip=::ffff:0.0.0.0-::ffff:255.255.255.255",
        "denied-peer-ip=fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "denied-peer-ip=fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    };
    size_t count = 0;
    write_config(&turn_settings_default, here, here);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(says(lines[i]), "%s", lines[i]);
    for (const char *at = config; (at = strstr(at, "denied-peer-ip=")); at++)
        count++;
    ck_assert_uint_eq(count, reload_turn_denied_count);
    ck_assert_ptr_null(strstr(config, "=::-"));
}
END_TEST

START_TEST(told_of_laboratories)
{
    struct turn_settings settings = turn_settings_default;
    ck_assert(turn_settings_networks("10.1.0.0/16", &settings.allow));
    write_config(&settings, here, here);
    ck_assert(says("allowed-peer-ip=10.1.0.0-10.1.255.255"));
    ck_assert(!says("allow-loopback-peers"));
    ck_assert(turn_settings_networks("127.0.0.0/8, ::/0", &settings.allow));
    write_config(&settings, here, here);
    ck_assert(says("allowed-peer-ip=127.0.0.0-127.255.255.255"));
    ck_assert(says("allowed-peer-ip=::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
    ck_assert(says("allow-loopback-peers"));
}
END_TEST

START_TEST(told_of_a_nat)
{
    struct reload_address inside = {.family = 4, .octets = {10, 0, 0, 5}, .port = 3478};
    write_config(&turn_settings_default, inside, here);
    ck_assert(says("external-ip=192.0.2.1/10.0.0.5"));
    ck_assert(says("relay-ip=10.0.0.5"));
    struct reload_address six = {
        .family = 6, .octets = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, .port = 3478};
    write_config(&turn_settings_default, six, six);
    ck_assert(says("relay-ip=2001:db8::1"));
    ck_assert(says("allocation-default-address-family=keep"));
}
END_TEST

int
main(void)
{
    return RUN_SUITE("turn_settings", ports, numbers, networks_allowed, too_many_networks,
                     told_to_serve_members_only, told_what_not_to_reach, told_of_laboratories,
                     told_of_a_nat);
}
