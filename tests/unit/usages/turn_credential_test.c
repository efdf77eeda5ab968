/* turn_credential_test.c: credentials on the wire and as coturn computes them; addresses that are
 * never used.
 *
 * Attack row L13. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/suite.h"
#include "usages/turn_address.h"
#include "usages/turn_credential.h"

#include <openssl/evp.h>

static const struct reload_wire wire = {.node_id_length = 16};
static const struct reload_networks nothing;

/* ---- credentials ------------------------------------------------------------------------------
 */

static int
digest(struct reload_keyring *keyring, uint8_t hash_algorithm, const struct reload_bytes *parts,
       size_t count, uint8_t *out, size_t *size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned length = 0;
    (void)keyring;
    ck_assert_uint_eq(hash_algorithm, 2); /* SHA-1 */
    ck_assert_int_eq(EVP_DigestInit_ex(context, EVP_sha1(), NULL), 1);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(EVP_DigestUpdate(context, parts[i].data, parts[i].size), 1);
    ck_assert_int_eq(EVP_DigestFinal_ex(context, out, &length), 1);
    EVP_MD_CTX_free(context);
    *size = length;
    return 0;
}

static const struct reload_keyring_ops keyring_ops = {.digest = digest};
static struct reload_keyring keyring = {.ops = &keyring_ops};

/* Computed by Python's hmac and base64. */
START_TEST(computed_as_others_do)
{
    static const uint8_t node_id[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                      0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    const char *secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct turn_credential credential = {.lifetime_s = 3600};
    ck_assert_int_eq(turn_credential_make(&credential, &keyring, reload_bytes_of_string(secret),
                                          (struct reload_bytes){node_id, sizeof node_id},
                                          UINT64_C(1800000000000)),
                     0);
    ck_assert_str_eq(credential.username, "1800003600:00112233445566778899aabbccddeeff");
    ck_assert_str_eq(credential.password, "K00thohm/89cVYULIwU/+SLCMcI=");
}
END_TEST

static const struct turn_credential good = {
    .lifetime_s = 3600,
    .address = {.family = 4, .octets = {192, 0, 2, 1}, .port = 3478},
    .username = "1800003600:00112233445566778899aabbccddeeff",
    .password = "K00thohm/89cVYULIwU/+SLCMcI="};

static struct reload_bytes
written(const struct turn_credential *credential, uint8_t *octets, size_t size)
{
    struct reload_writer writer = reload_writer_of(octets, size);
    turn_credential_write(&writer, &wire, credential);
    ck_assert_int_eq(reload_writer_error(&writer), 0);
    return reload_writer_written(&writer);
}

static bool
same(const struct reload_address *a, const struct reload_address *b)
{
    return a->family == b->family && a->port == b->port && memcmp(a->octets, b->octets, 16) == 0;
}

static int
read_back(const struct turn_credential *credential)
{
    uint8_t octets[512];
    struct turn_credential back;
    return turn_credential_read(written(credential, octets, sizeof octets), &wire, &back);
}

START_TEST(written_and_read_back)
{
    struct turn_credential credential = good, back = {0};
    uint8_t octets[512];
    struct reload_bytes content = written(&credential, octets, sizeof octets);
    ck_assert_int_eq(turn_credential_read(content, &wire, &back), 0);
    ck_assert_uint_eq(back.lifetime_s, credential.lifetime_s);
    ck_assert(same(&back.address, &credential.address));
    ck_assert_str_eq(back.username, credential.username);
    ck_assert_str_eq(back.password, credential.password);
    credential.address = (struct reload_address){
        .family = 6, .octets = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, .port = 65535};
    content = written(&credential, octets, sizeof octets);
    ck_assert_int_eq(turn_credential_read(content, &wire, &back), 0);
    ck_assert(same(&back.address, &credential.address));
}
END_TEST

START_TEST(every_cut_is_refused)
{
    uint8_t octets[512], copy[512];
    struct turn_credential back;
    struct reload_bytes content = written(&good, octets, sizeof octets);
    for (size_t size = 0; size < content.size; size++) {
        uint8_t *exact = malloc(size ? size : 1); /* so that a read beyond it is noticed */
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, octets, size);
        ck_assert_int_eq(turn_credential_read((struct reload_bytes){exact, size}, &wire, &back),
                         RELOAD_E_MALFORMED);
        free(exact);
    }
    memcpy(copy, octets, content.size);
    copy[content.size] = 0;
    ck_assert_int_eq(
        turn_credential_read((struct reload_bytes){copy, content.size + 1}, &wire, &back),
        RELOAD_E_MALFORMED);
}
END_TEST

/* Any octet may be anything: what is then taken is within bounds and printable. */
START_TEST(every_changed_octet_is_survived)
{
    uint8_t octets[512];
    struct turn_credential back;
    struct reload_bytes content = written(&good, octets, sizeof octets);
    for (size_t at = 0; at < content.size; at++)
        for (unsigned value = 0; value < 256; value++) {
            uint8_t kept = octets[at];
            octets[at] = (uint8_t)value;
            if (turn_credential_read(content, &wire, &back) == 0) {
                ck_assert_uint_ge(back.lifetime_s, TURN_LIFETIME_MIN_S);
                ck_assert_uint_le(back.lifetime_s, TURN_LIFETIME_MAX_S);
                ck_assert_uint_eq(strlen(back.username), strlen(good.username));
                ck_assert_uint_eq(strlen(back.password), strlen(good.password));
            }
            octets[at] = kept;
        }
}
END_TEST

START_TEST(lifetimes_and_texts_have_bounds)
{
    struct turn_credential credential = good;
    ck_assert_int_eq(read_back(&credential), 0);
    credential.lifetime_s = 59;
    ck_assert_int_eq(read_back(&credential), RELOAD_E_MALFORMED);
    credential.lifetime_s = 86401;
    ck_assert_int_eq(read_back(&credential), RELOAD_E_MALFORMED);
    credential = good;
    credential.username[3] = '\n';
    ck_assert_int_eq(read_back(&credential), RELOAD_E_MALFORMED);
    credential = good;
    credential.password[3] = (char)0xff;
    ck_assert_int_eq(read_back(&credential), RELOAD_E_MALFORMED);
    /* One more than there is room for. */
    char text[TURN_USERNAME_MAX + 2];
    memset(text, 'a', sizeof text);
    struct reload_turn_credentials value = {.lifetime = 3600,
                                            .server_address =
                                                reload_turn_address_encode(&good.address),
                                            .username = {(const uint8_t *)text, sizeof text - 1},
                                            .password = reload_bytes_of_string("p")};
    uint8_t octets[512];
    for (size_t size = TURN_USERNAME_MAX; size <= TURN_USERNAME_MAX + 1; size++) {
        struct reload_writer writer = reload_writer_of(octets, sizeof octets);
        struct turn_credential back;
        value.username.size = size;
        reload_turn_credentials_encode(&writer, &wire, &value);
        ck_assert_int_eq(turn_credential_read(reload_writer_written(&writer), &wire, &back),
                         size == TURN_USERNAME_MAX ? 0 : RELOAD_E_MALFORMED);
    }
}
END_TEST

/* ---- addresses --------------------------------------------------------------------------------
 */

static bool
is_allowed(uint8_t a, uint8_t b, uint8_t c, uint8_t d, const struct reload_networks *allow)
{
    struct reload_address address = {.family = 4, .octets = {a, b, c, d}, .port = 3478};
    return reload_turn_address_is_allowed(&address, allow);
}

static bool
is_allowed_6(uint16_t first, uint16_t second, uint16_t sixth, uint16_t last)
{
    struct reload_address address = {
        .family = 6,
        .octets = {(uint8_t)(first >> 8), (uint8_t)first, (uint8_t)(second >> 8),
                   (uint8_t)second, [10] = (uint8_t)(sixth >> 8),
                   (uint8_t)sixth, [14] = (uint8_t)(last >> 8), (uint8_t)last},
        .port = 3478};
    return reload_turn_address_is_allowed(&address, &nothing);
}

START_TEST(addresses_inside_are_denied)
{
    static const uint8_t inside[][4] = {
        {0, 0, 0, 0},     {0, 1, 2, 3},         {10, 0, 0, 0},    {10, 255, 255, 255},
        {100, 64, 0, 1},  {100, 127, 255, 255}, {127, 0, 0, 1},   {127, 255, 255, 255},
        {169, 254, 1, 1}, {169, 254, 169, 254}, {172, 16, 0, 1},  {172, 31, 255, 255},
        {192, 0, 0, 1},   {192, 88, 99, 1},     {192, 168, 0, 1}, {192, 168, 255, 255},
        {198, 18, 0, 1},  {198, 19, 255, 255},  {224, 0, 0, 1},   {239, 255, 255, 255},
        {240, 0, 0, 1},   {255, 255, 255, 255}};
    static const uint8_t outside[][4] = {
        {1, 0, 0, 1},      {9, 255, 255, 255},   {11, 0, 0, 0},       {100, 63, 255, 255},
        {100, 128, 0, 0},  {126, 255, 255, 255}, {128, 0, 0, 0},      {169, 253, 0, 1},
        {169, 255, 0, 1},  {172, 15, 0, 1},      {172, 32, 0, 1},     {192, 0, 2, 1},
        {192, 167, 0, 1},  {192, 169, 0, 1},     {198, 17, 0, 1},     {198, 20, 0, 1},
        {198, 51, 100, 1}, {203, 0, 113, 1},     {223, 255, 255, 255}};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        ck_assert(!is_allowed(inside[i][0], inside[i][1], inside[i][2], inside[i][3], &nothing));
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        ck_assert(is_allowed(outside[i][0], outside[i][1], outside[i][2], outside[i][3], &nothing));
}
END_TEST

START_TEST(addresses_inside_are_denied_in_ipv6)
{
    ck_assert(!is_allowed_6(0, 0, 0, 0));           /* :: */
    ck_assert(!is_allowed_6(0, 0, 0, 1));           /* ::1 */
    ck_assert(!is_allowed_6(0, 0, 0xffff, 0x0a01)); /* ::ffff:... */
    ck_assert(!is_allowed_6(0x0064, 0xff9b, 0, 1));
    ck_assert(!is_allowed_6(0x2001, 0, 0, 1));
    ck_assert(!is_allowed_6(0x2002, 0x7f00, 0, 1)); /* 6to4 of 127.0... */
    ck_assert(!is_allowed_6(0xfc00, 0, 0, 1));
    ck_assert(!is_allowed_6(0xfdff, 0xffff, 0, 1));
    ck_assert(!is_allowed_6(0xfe80, 0, 0, 1));
    ck_assert(!is_allowed_6(0xfebf, 0, 0, 1));
    ck_assert(!is_allowed_6(0xfec0, 0, 0, 1));
    ck_assert(!is_allowed_6(0xff02, 0, 0, 1));
    ck_assert(is_allowed_6(0x2001, 0x0db8, 0, 1));
    ck_assert(is_allowed_6(0x2a00, 0, 0, 1));
    ck_assert(is_allowed_6(0xfbff, 0, 0, 1));
}
END_TEST

START_TEST(networks_may_be_allowed_for_laboratories)
{
    const struct reload_networks lab = {
        .networks = {{4, 8, {127}}, {4, 32, {10, 1, 2, 3}}, {4, 12, {172, 16}}}, .count = 3};
    const struct reload_networks all = {.networks = {{4, 0, {0}}}, .count = 1};
    ck_assert(is_allowed(127, 0, 0, 1, &lab));
    ck_assert(is_allowed(10, 1, 2, 3, &lab));
    ck_assert(!is_allowed(10, 1, 2, 4, &lab));
    ck_assert(is_allowed(172, 31, 0, 1, &lab));
    ck_assert(!is_allowed(192, 168, 0, 1, &lab));
    ck_assert(is_allowed(192, 168, 0, 1, &all));
    struct reload_address address = {.family = 4, .octets = {127, 0, 0, 1}};
    ck_assert(!reload_turn_address_is_allowed(&address, &lab)); /* no port */
    address = (struct reload_address){.family = 6, .octets = {[15] = 1}, .port = 1};
    ck_assert(!reload_turn_address_is_allowed(&address, &all)); /* other family */
    address.family = 0;
    ck_assert(!reload_turn_address_is_allowed(&address, &all));
}
END_TEST

int
main(void)
{
    return RUN_SUITE("turn_credential", computed_as_others_do, written_and_read_back,
                     every_cut_is_refused, every_changed_octet_is_survived,
                     lifetimes_and_texts_have_bounds, addresses_inside_are_denied,
                     addresses_inside_are_denied_in_ipv6, networks_may_be_allowed_for_laboratories);
}
