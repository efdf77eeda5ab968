/* turn_liar.c: a TURN server that lies. RFC 8656, RFC 8489 9.2.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/ice/turn_liar.h"

#include "reload/run/socket_address.h"

#include <check.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER 20
#define INTEGRITY_ATTRIBUTE 24
#define ALLOCATE 3

struct answer {
    uint8_t octets[256];
    size_t size;
};

static void
append(struct answer *answer, unsigned type, const void *value, size_t size)
{
    uint8_t *to = answer->octets + answer->size;
    memcpy(to, (const uint8_t[]){(uint8_t)(type >> 8), (uint8_t)type, 0, (uint8_t)size}, 4);
    memcpy(to + 4, value, size);
    memset(to + 4 + size, 0, (4 - size % 4) % 4);
    answer->size += 4 + (size + 3) / 4 * 4;
}

/* 198.51.100.77:50000, in the XOR form. */
static void
append_address(struct answer *answer, unsigned type)
{
    append(answer, type,
           (const uint8_t[]){0, 1, 50000 >> 8 ^ 0x21, (50000 & 255) ^ 0x12, 198 ^ 0x21, 51 ^ 0x12,
                             100 ^ 0xa4, 77 ^ 0x42},
           8);
}

static void
prove(struct answer *answer, bool right)
{
    static const char user[] = "user:realm:secret";
    uint8_t key[EVP_MAX_MD_SIZE], proof[EVP_MAX_MD_SIZE];
    unsigned key_size, size;
    ck_assert(EVP_Digest(user, sizeof user - 1, key, &key_size, EVP_md5(), NULL));
    answer->octets[3] = (uint8_t)(answer->size - HEADER + INTEGRITY_ATTRIBUTE);
    ck_assert_ptr_nonnull(
        HMAC(EVP_sha1(), key, (int)key_size, answer->octets, answer->size, proof, &size));
    proof[0] ^= !right;
    append(answer, 8, proof, size);
}

static bool
has_username(const uint8_t *request, size_t size)
{
    for (size_t at = HEADER; at + 4 <= size;
         at += 4 + ((size_t)request[at + 2] << 8 | request[at + 3]) / 4 * 4 +
               (request[at + 3] % 4 ? 4 : 0))
        if (request[at] == 0 && request[at + 1] == 6)
            return true;
    return false;
}

static void
write_answer(const struct turn_liar *liar, const uint8_t *request, bool known,
             struct answer *answer)
{
    bool granted = known && liar->lie != TURN_LIE_REFUSED && liar->lie != TURN_LIE_AGAIN;
    memcpy(answer->octets, request, HEADER);
    answer->octets[0] |= 1;
    answer->octets[1] |= granted ? 0 : 0x10;
    answer->size = HEADER;
    if (granted && request[1] == ALLOCATE) {
        append_address(answer, 0x16);
        append_address(answer, 0x20);
        append(answer, 0xd, (const uint8_t[]){0, 0, 2, 88}, 4);
    } else if (known && liar->lie == TURN_LIE_REFUSED) {
        append(answer, 9, (const uint8_t[]){0, 0, 4, 86}, 4);
    } else if (!granted) {
        append(answer, 9, (const uint8_t[]){0, 0, 4, 1}, 4);
        append(answer, 0x14, "realm", 5);
        append(answer, 0x15, "nonce", 5);
    }
    if (known && liar->lie != TURN_LIE_FORGED)
        prove(answer, liar->lie != TURN_LIE_MANGLED);
    answer->octets[3] = (uint8_t)(answer->size - HEADER);
}

static void
on_request(void *argument, int descriptor, unsigned events)
{
    (void)events;
    struct turn_liar *liar = argument;
    uint8_t request[2048];
    struct answer answer;
    struct sockaddr_storage from;
    socklen_t length = sizeof from;
    ssize_t got =
        recvfrom(descriptor, request, sizeof request, 0, (struct sockaddr *)&from, &length);
    if (got < HEADER)
        return;
    liar->asked++;
    bool known = has_username(request, (size_t)got);
    if (known && liar->lie == TURN_LIE_SILENCE)
        return;
    write_answer(liar, request, known, &answer);
    (void)sendto(descriptor, answer.octets, answer.size, 0, (const struct sockaddr *)&from, length);
}

void
turn_liar_start(struct turn_liar *liar, struct reload_loop *loop, enum turn_lie lie)
{
    struct reload_address any = {.family = 4, .octets = {127, 0, 0, 2}};
    *liar = (struct turn_liar){.lie = lie};
    liar->descriptor = reload_socket_bind(SOCK_DGRAM, &any, &liar->address);
    ck_assert_int_ge(liar->descriptor, 0);
    ck_assert_int_eq(reload_loop_watch(loop, liar->descriptor, RELOAD_WATCH_READ, on_request, liar,
                                       &liar->watch),
                     0);
}

void
turn_liar_stop(struct turn_liar *liar)
{
    reload_watch_free(liar->watch);
    (void)close(liar->descriptor);
}

struct reload_ice_relay
turn_liar_relay(const struct turn_liar *liar)
{
    return (struct reload_ice_relay){
        .address = liar->address, .username = "user", .password = "secret"};
}
