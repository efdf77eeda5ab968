/* aor_test.c: one form for each Address of Record, and the domains of an overlay.
 *
 * RFC 7904 2, 3.4, 7; D18, D19, D33. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/aor.h"

#include "tests/suite.h"

#include <string.h>

static const struct {
    const char *text, *form;
} forms[] = {
    {"alice@dht.example.com", "alice@dht.example.com"},
    {"sip:alice@dht.example.com", "alice@dht.example.com"},
    {"SIPS:alice@dht.example.com", "alice@dht.example.com"},
    {"sip:alice@DHT.Example.COM", "alice@dht.example.com"},
    {"sip:Alice@dht.example.com", "Alice@dht.example.com"},
    {"sip:%61lice@dht.example.com", "alice@dht.example.com"},
    {"sip:al%69%63e@dht.example.com.", "alice@dht.example.com"},
    {"sip:alice@dht.example.com:5060", "alice@dht.example.com"},
    {"sip:alice@dht.example.com;transport=tcp", "alice@dht.example.com"},
    {"sip:alice@dht.example.com:5061;gr=QUJD?Subject=x", "alice@dht.example.com"},
    {"sip:+49-30-1234;phone=1@dht.example.com", "+49-30-1234;phone=1@dht.example.com"},
    {"sip:1234@192.0.2.7", "1234@192.0.2.7"},
    {"sip:alice@xn--bcher-kva.example", "alice@xn--bcher-kva.example"},
};

START_TEST(one_form)
{
    struct reload_aor aor, again;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        ck_assert_int_eq(reload_aor_parse(reload_bytes_of_string(forms[i].text), &aor), 0);
        ck_assert_str_eq(aor.text, forms[i].form);
        ck_assert_uint_eq(aor.size, strlen(forms[i].form));
        ck_assert_int_eq(aor.text[aor.host - 1], '@');
        ck_assert_int_eq(reload_aor_parse(reload_aor_bytes(&aor), &again), 0);
        ck_assert(reload_aor_equal(&aor, &again));
    }
}
END_TEST

START_TEST(refused)
{
    static const char *const texts[] = {
        "",
        "sip:",
        "alice",
        "sip:dht.example.com",
        "@dht.example.com",
        "sip:@dht.example.com",
        "alice@",
        "alice@.",
        "alice@-x.example",
        "alice@x-.example",
        "alice@x..example",
        "alice@x.example:",
        "alice@x.example:a",
        "alice@x.example:123456",
        "alice@[2001:db8::1]",
        "alice:secret@x.example",
        "al ice@x.example",
        "al%00ice@x.example",
        "al%0dice@x.example",
        "al%40ice@x.example",
        "al%2541@x.example",
        "al%4@x.example",
        "al%zz@x.example",
        "alice@b\xc3\xbcxyz.example",
        "b\xc3\xbc@x.example",
        "%c3%bc@x.example",
        "alice@x_y.example",
        "alice@b@x.example",
        "\"a\"@x.example",
        "<sip:alice@x.example>",
        "alice@x.example, bob@x.example",
    };
    struct reload_aor aor = {.size = 77};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(reload_aor_parse(reload_bytes_of_string(texts[i]), &aor) ==
                          RELOAD_E_MALFORMED,
                      "accepted: %s", texts[i]);
    ck_assert_uint_eq(aor.size, 77); /* untouched */
    struct reload_bytes with_nul = {(const uint8_t *)"a\0b@x.example", 13};
    ck_assert_int_eq(reload_aor_parse(with_nul, &aor), RELOAD_E_MALFORMED);
}
END_TEST

START_TEST(length)
{
    char text[400];
    struct reload_aor aor;
    memset(text, 'a', sizeof text);
    memcpy(text + RELOAD_AOR_SIZE_MAX - 10, "@x.example", 11);
    ck_assert_int_eq(reload_aor_parse(reload_bytes_of_string(text), &aor), 0);
    ck_assert_uint_eq(aor.size, RELOAD_AOR_SIZE_MAX);
    memset(text, 'a', sizeof text);
    memcpy(text + RELOAD_AOR_SIZE_MAX - 9, "@x.example", 11);
    ck_assert_int_eq(reload_aor_parse(reload_bytes_of_string(text), &aor), RELOAD_E_MALFORMED);
}
END_TEST

static struct reload_config config;

static int
permitted(const char *text)
{
    struct reload_aor aor;
    ck_assert_int_eq(reload_aor_parse(reload_bytes_of_string(text), &aor), 0);
    return reload_aor_permitted(&config, &aor);
}

static void
set_patterns(const char *first, const char *second)
{
    config.domain_restrictions_present = config.domain_restrictions_enable = true;
    config.domain_pattern_count = second ? 2 : 1;
    strcpy(config.domain_patterns[0], first);
    strcpy(config.domain_patterns[1], second ? second : "");
}

/* 7904-3.4-03: without the element any AOR is accepted. */
START_TEST(unrestricted)
{
    strcpy(config.instance_name, "dht.example.com");
    ck_assert_int_eq(permitted("alice@elsewhere.example"), 0);
}
END_TEST

/* 7904-3.4-04. */
START_TEST(own_domain_only)
{
    strcpy(config.instance_name, "DHT.example.com");
    config.domain_restrictions_present = true;
    ck_assert_int_eq(permitted("alice@dht.example.com"), 0);
    ck_assert_int_eq(permitted("alice@a.dht.example.com"), RELOAD_E_FORBIDDEN);
    ck_assert_int_eq(permitted("alice@example.com"), RELOAD_E_FORBIDDEN);
    /* Patterns count only when they are enabled. */
    set_patterns(".*", NULL);
    config.domain_restrictions_enable = false;
    ck_assert_int_eq(permitted("alice@other.example"), RELOAD_E_FORBIDDEN);
}
END_TEST

/* 7904-3.4-05, with the RFC's own patterns; anchored (D18). */
START_TEST(patterns)
{
    set_patterns("dht\\.example\\.com", ".*\\.my\\.example");
    ck_assert_int_eq(permitted("alice@dht.example.com"), 0);
    ck_assert_int_eq(permitted("alice@DHT.EXAMPLE.COM"), 0);
    ck_assert_int_eq(permitted("alice@phone.my.example"), 0);
    ck_assert_int_eq(permitted("alice@my.example"), RELOAD_E_FORBIDDEN);
    ck_assert_int_eq(permitted("alice@evil-dht.example.com"), RELOAD_E_FORBIDDEN);
    ck_assert_int_eq(permitted("alice@dht.example.com.attacker.example"), RELOAD_E_FORBIDDEN);
    ck_assert_int_eq(permitted("alice@dhtxexample.com"), RELOAD_E_FORBIDDEN);
    /* An alternative must not slip out of the anchors. */
    set_patterns("a\\.example|b\\.example", NULL);
    ck_assert_int_eq(permitted("x@a.example"), 0);
    ck_assert_int_eq(permitted("x@b.example"), 0);
    ck_assert_int_eq(permitted("x@a.example.evil"), RELOAD_E_FORBIDDEN);
    ck_assert_int_eq(permitted("x@evil.b.example"), RELOAD_E_FORBIDDEN);
    config.domain_pattern_count = 0;
    ck_assert_int_eq(permitted("x@a.example"), RELOAD_E_FORBIDDEN);
}
END_TEST

/* Patterns that cost much match nothing, rather than everything. */
START_TEST(costly_patterns)
{
    static const char *const costly[] = {
        "(((((.*)*)*)*)*)",
        "(.*)\\1",
        "((.{99}){99}){99}",
        ".{1000}",
        "(.*",
        ".*)",
        "a)(b",
        "[",
        ".*\\",
    };
    for (size_t i = 0; i < sizeof costly / sizeof *costly; i++) {
        set_patterns(costly[i], NULL);
        ck_assert_msg(permitted("x@a.example") == RELOAD_E_FORBIDDEN, "matched: %s", costly[i]);
    }
    set_patterns("([a-z]{1,9}\\.)*example", NULL);
    ck_assert_int_eq(permitted("x@a.example"), 0);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("aor", one_form, refused, length, unrestricted, own_domain_only, patterns,
                     costly_patterns);
}
