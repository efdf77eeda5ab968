/* turn_credential.c: credentials for a TURN server that hold for a while.
 *
 * RFC 2104 (HMAC), RFC 4648 4 (base64). SPDX-License-Identifier: BSD-2-Clause */
#include "usages/turn_credential.h"

#include "usages/turn_address.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define SHA1 2 /* TLS HashAlgorithm */
#define SHA1_SIZE 20
#define SHA1_BLOCK 64

static int
hmac_sha1(struct reload_keyring *keyring, struct reload_bytes key, struct reload_bytes text,
          uint8_t *digest)
{
    uint8_t inner[SHA1_BLOCK], outer[SHA1_BLOCK], middle[RELOAD_DIGEST_MAX];
    size_t size;
    assert(key.size <= SHA1_BLOCK);
    for (size_t i = 0; i < SHA1_BLOCK; i++) {
        uint8_t octet = i < key.size ? key.data[i] : 0;
        inner[i] = octet ^ 0x36;
        outer[i] = octet ^ 0x5c;
    }
    const struct reload_bytes first[] = {{inner, SHA1_BLOCK}, text};
    int error = keyring->ops->digest(keyring, SHA1, first, 2, middle, &size);
    const struct reload_bytes second[] = {{outer, SHA1_BLOCK}, {middle, SHA1_SIZE}};
    if (!error && size >= SHA1_SIZE)
        error = keyring->ops->digest(keyring, SHA1, second, 2, digest, &size);
    return error || size < SHA1_SIZE ? RELOAD_E_CRYPTO : 0;
}

static void
base64(const uint8_t *octets, size_t size, char *text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t bits = (uint32_t)octets[i] << 16 | (left > 1 ? (uint32_t)octets[i + 1] << 8 : 0) |
                        (left > 2 ? octets[i + 2] : 0);
        *text++ = letters[bits >> 18 & 63];
        *text++ = letters[bits >> 12 & 63];
        *text++ = left > 1 ? letters[bits >> 6 & 63] : '=';
        *text++ = left > 2 ? letters[bits & 63] : '=';
    }
    *text = '\0';
}

int
turn_credential_make(struct turn_credential *credential, struct reload_keyring *keyring,
                     struct reload_bytes secret, struct reload_bytes node_id, uint64_t wall_ms)
{
    uint8_t digest[RELOAD_DIGEST_MAX];
    int used = snprintf(credential->username, sizeof credential->username, "%" PRIu64 ":",
                        wall_ms / 1000 + credential->lifetime_s);
    assert(used > 0 && (size_t)used + 2 * node_id.size < sizeof credential->username);
    char *at = credential->username + used;
    for (size_t i = 0; i < node_id.size; i++)
        (void)snprintf(at + 2 * i, 3, "%02x", node_id.data[i]);
    int error = hmac_sha1(keyring, secret, reload_bytes_of_string(credential->username), digest);
    if (!error)
        base64(digest, SHA1_SIZE, credential->password);
    return error;
}

void
turn_credential_write(struct reload_writer *writer, const struct reload_wire *wire,
                      const struct turn_credential *credential)
{
    struct reload_turn_credentials value = {
        .lifetime = credential->lifetime_s,
        .server_address = reload_turn_address_encode(&credential->address),
        .username = reload_bytes_of_string(credential->username),
        .password = reload_bytes_of_string(credential->password)};
    reload_turn_credentials_encode(writer, wire, &value);
}

/* These texts go on into programs that think in C strings. */
static bool
take_text(struct reload_bytes bytes, char *text, size_t max)
{
    if (bytes.size > max)
        return false;
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] <= ' ' || bytes.data[i] > '~')
            return false;
    memcpy(text, bytes.data, bytes.size);
    text[bytes.size] = '\0';
    return true;
}

int
turn_credential_read(struct reload_bytes content, const struct reload_wire *wire,
                     struct turn_credential *credential)
{
    struct reload_reader reader = reload_reader_of(content);
    struct reload_turn_credentials value;
    if (reload_turn_credentials_decode(&reader, wire, &value) || reload_reader_left(&reader))
        return RELOAD_E_MALFORMED;
    if (value.lifetime < TURN_LIFETIME_MIN_S || value.lifetime > TURN_LIFETIME_MAX_S ||
        !take_text(value.username, credential->username, TURN_USERNAME_MAX) ||
        !take_text(value.password, credential->password, TURN_PASSWORD_MAX))
        return RELOAD_E_MALFORMED;
    credential->lifetime_s = value.lifetime;
    return reload_turn_address_decode(&value.server_address, &credential->address);
}
