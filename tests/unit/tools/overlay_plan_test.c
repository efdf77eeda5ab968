/* overlay_plan_test.c: reload-enrolld init's arguments and what it makes; its folder's settings.
 *
 * RFC 6940 11.1, 11.3. SPDX-License-Identifier: BSD-2-Clause */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "certs/config_document.h"
#include "reload/wire/wire.h"
#include "tests/unit/tools/office.h"
#include "tests/unit/tools/suite.h"

START_TEST(names)
{
    static const char *const wrong[] = {"",   ".org", "a b",  "a/b", "-a",
                                        "a.", "a..b", "a\nb", "a@b", "\xc3"};
    struct overlay_plan plan;
    overlay_plan_default(&plan);
    ck_assert(overlay_plan_set_name(&plan, "overlay-1.example.org"));
    ck_assert_str_eq(plan.config.instance_name, "overlay-1.example.org");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert(!overlay_plan_set_name(&plan, wrong[i]));
}
END_TEST

START_TEST(bootstrap_nodes)
{
    static const char *const wrong[] = {
        "", ":", "a", "a:", ":1", "a:0", "a:65536", "a:-1", "a:1x", "2001:db8::1:6084", "[]:1"};
    struct overlay_plan plan;
    overlay_plan_default(&plan);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!overlay_plan_add_bootstrap(&plan, wrong[i]), "%s", wrong[i]);
    ck_assert(overlay_plan_add_bootstrap(&plan, "node.example.org:6084"));
    ck_assert(overlay_plan_add_bootstrap(&plan, "[2001:db8::1]:1"));
    ck_assert_str_eq(plan.config.bootstrap_nodes[1].address, "2001:db8::1");
    ck_assert_uint_eq(plan.config.bootstrap_nodes[0].port, 6084);
    while (plan.config.bootstrap_node_count < RELOAD_CONFIG_BOOTSTRAP_MAX)
        ck_assert(overlay_plan_add_bootstrap(&plan, "a:1"));
    ck_assert(!overlay_plan_add_bootstrap(&plan, "a:1"));
}
END_TEST

START_TEST(private_kinds)
{
    static const char *const wrong[] = {"",
                                        "5000",
                                        "5000=single",
                                        "5000=triple,user-match",
                                        "5000=single,everybody",
                                        "0=single,user-match",
                                        "x=single,user-match",
                                        "5000=single,user-match,0",
                                        "5000=single,user-match,1,2,3",
                                        "4294967295=single,user-match",
                                        "1=dictionary,user-node-match"};
    struct overlay_plan plan;
    overlay_plan_default(&plan);
    size_t count = plan.config.kind_count;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!overlay_plan_add_kind(&plan, wrong[i]), "%s", wrong[i]);
    ck_assert(overlay_plan_add_kind(&plan, "0xf0000001=array,node-match,5,100"));
    ck_assert(!overlay_plan_add_kind(&plan, "0xf0000001=single,user-match"));
    const struct reload_config_kind *kind = &plan.config.kinds[count];
    ck_assert_uint_eq(kind->kind, 0xf0000001);
    ck_assert_uint_eq(kind->data_model, RELOAD_DATA_MODEL_ARRAY);
    ck_assert_uint_eq(kind->access_policy, RELOAD_ACCESS_NODE_MATCH);
    ck_assert_uint_eq(kind->max_count, 5);
    ck_assert_uint_eq(kind->max_size, 100);
}
END_TEST

static unsigned
mode_of(const struct home *home, const char *name)
{
    char path[PATH_MAX];
    struct stat status;
    home_file(home, name, path);
    ck_assert_int_eq(stat(path, &status), 0);
    return status.st_mode & 0777;
}

/* RFC6940-11.3-04: a folder that only its owner can read, and a certificate for the overlay. */
/* A gateway only makes sense where there are foreign domains (D71). */
START_TEST(gateways)
{
    struct overlay_plan plan;
    overlay_plan_default(&plan);
    static const char *const wrong[] = {"", "gateway", "@example.org", "gateway@"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!overlay_plan_add_gateway(&plan, wrong[i]), "%s", wrong[i]);
    ck_assert(!plan.config.domain_restrictions_present);
    for (unsigned i = 0; i < RELOAD_CONFIG_GATEWAYS_MAX; i++)
        ck_assert(overlay_plan_add_gateway(&plan, "gateway@example.org"));
    ck_assert(!overlay_plan_add_gateway(&plan, "gateway@example.org"));
    ck_assert_str_eq(plan.config.gateways[0], "gateway@example.org");
    ck_assert(plan.config.domain_restrictions_present && !plan.config.domain_restrictions_enable);
}
END_TEST

START_TEST(what_init_makes)
{
    static const char *const secret[] = {"ca.key",   "server.key", "signer.key",
                                         "users.db", "audit.log",  "enrolld.conf"};
    struct office office;
    char path[PATH_MAX];
    office_open(&office, 8);
    for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++)
        ck_assert_uint_eq(mode_of(&office.home, secret[i]), 0600);
    ck_assert_uint_eq(mode_of(&office.home, "."), 0700);
    home_file(&office.home, "server.crt", path);
    FILE *file = fopen(path, "r");
    X509 *x509 = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    ck_assert_int_eq(X509_check_host(x509, OFFICE_OVERLAY, 0, 0, NULL), 1);
    ck_assert_int_eq(X509_check_ip_asc(x509, "127.0.0.1", 0), 1);
    X509_free(x509);
    ck_assert_int_eq(
        reload_config_verify(office.enrolment.config, office.enrolment.config, OFFICE_NOW),
        RELOAD_CONFIG_SIGNED);
    office_close(&office);
}
END_TEST

START_TEST(nothing_is_overwritten)
{
    struct office office;
    struct home home;
    char message[512] = "";
    office_open(&office, 8);
    ck_assert_int_ne(overlay_plan_make(&office.plan, office.home.path, OFFICE_NOW, &home, message,
                                       sizeof message),
                     0);
    ck_assert_ptr_nonnull(strstr(message, "not empty"));
    office_close(&office);
}
END_TEST

static int
open_with(const char *text, char *message, size_t size)
{
    char path[PATH_MAX];
    struct home home;
    snprintf(path, sizeof path, "%s/enrolld.conf", suite_folder());
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
    return home_open(&home, suite_folder(), message, size);
}

#define NAMES "overlay = a.example\nhost = b.example\nlisten = ::\n"

/* Wrong settings: one line that says what and where. */
START_TEST(settings)
{
    static const struct {
        const char *text, *said;
    } rows[] = {{"overlay = a\nhost = b\n", "'listen = ...' is missing"},
                {NAMES "port = 0\n", "enrolld.conf:4: port must be a number from 1 to 65535"},
                {NAMES "port = 70000\n", "enrolld.conf:4:"},
                {NAMES "port = -1\n", "enrolld.conf:4:"},
                {NAMES "port = 80x\n", "enrolld.conf:4:"},
                {NAMES "prot = 80\n", "there is no setting 'prot'"},
                {NAMES "nonsense\n", "enrolld.conf:4: not NAME = VALUE"},
                {NAMES "[section]\nport = 1\n", "there is no setting"}};
    char message[512];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_int_eq(open_with(rows[i].text, message, sizeof message), RELOAD_E_CONFIG);
        ck_assert_msg(strstr(message, rows[i].said) != NULL, "%s", message);
        ck_assert_ptr_null(strchr(message, '\n'));
    }
    ck_assert_int_eq(open_with(NAMES "port = 80 ; comment\n", message, sizeof message), 0);
}
END_TEST

START_TEST(folder_that_is_none)
{
    char message[512];
    struct home home;
    ck_assert_int_eq(home_open(&home, "/nonexistent", message, sizeof message), RELOAD_E_IO);
    ck_assert_ptr_nonnull(strstr(message, "reload-enrolld init"));
}
END_TEST

SUITE_MAIN("overlay_plan", names, bootstrap_nodes, private_kinds, gateways, what_init_makes,
           nothing_is_overwritten, settings, folder_that_is_none)
