/* sip_adaptor_token.c: sealing where a dialog's phone is.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_adaptor_token.h"

#include "reload/base/reader.h"
#include "reload/base/writer.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include <assert.h>

/* type, family, address, port, connection, Node-ID; then the seal */
#define CONTENT_SIZE (1 + 1 + 16 + 2 + 4 + RELOAD_NODE_ID_SIZE_MAX)
_Static_assert(2 * (CONTENT_SIZE + SIP_TOKEN_SEAL_SIZE) < SIP_TOKEN_MAX, "a token fits");

void
sip_hex_format(const uint8_t *octets, size_t size, char *text)
{
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = "0123456789abcdef"[octets[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[octets[i] & 15];
    }
    text[2 * size] = '\0';
}

bool
sip_hex_parse(const char *text, uint8_t *octets, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    if (strlen(text) != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        const char *high = strchr(digits, text[2 * i]), *low = strchr(digits, text[2 * i + 1]);
        if (!high || !low)
            return false;
        octets[i] = (uint8_t)((high - digits) << 4 | (low - digits));
    }
    return true;
}

struct sip_parties
sip_parties_of(const struct sip_message *message, bool by_phone)
{
    const osip_message_t *head = message->head;
    return (struct sip_parties){.phone = by_phone ? head->from->url : head->to->url,
                                .remote = by_phone ? head->to->url : head->from->url,
                                .call_id = head->call_id};
}

/* Each part goes in with its length, so that no two lists of parts are digested alike. */
int
sip_seal(const uint8_t secret[SIP_TOKEN_SECRET_SIZE], const struct reload_bytes *parts,
         size_t count, uint8_t seal[SIP_TOKEN_SEAL_SIZE])
{
    uint8_t digest[EVP_MAX_MD_SIZE], buffer[4096];
    unsigned digest_size = 0;
    struct reload_writer writer = reload_writer_of(buffer, sizeof buffer);
    for (size_t i = 0; i < count; i++)
        reload_writer_vector(&writer, 4, parts[i]);
    if (writer.failed || !HMAC(EVP_sha256(), secret, SIP_TOKEN_SECRET_SIZE, buffer, writer.size,
                               digest, &digest_size))
        return RELOAD_E_CRYPTO;
    assert(digest_size >= SIP_TOKEN_SEAL_SIZE);
    memcpy(seal, digest, SIP_TOKEN_SEAL_SIZE);
    return 0;
}

/* A party's address: canonical where it has such a form, else as it stands. */
static int
party(const osip_uri_t *uri, char *text, size_t capacity)
{
    struct reload_aor aor;
    if (sip_uri_aor(uri, &aor) != 0)
        return sip_uri_text(uri, text, capacity);
    if (aor.size >= capacity)
        return RELOAD_E_MALFORMED;
    memcpy(text, aor.text, aor.size + 1);
    return 0;
}

static int
seal_content(const uint8_t secret[SIP_TOKEN_SECRET_SIZE], const uint8_t content[CONTENT_SIZE],
             const struct sip_parties *parties, uint8_t seal[SIP_TOKEN_SEAL_SIZE])
{
    char phone[1024], remote[1024];
    const char *host = parties->call_id->host ? parties->call_id->host : "";
    if (party(parties->phone, phone, sizeof phone) != 0 ||
        party(parties->remote, remote, sizeof remote) != 0)
        return RELOAD_E_MALFORMED;
    struct reload_bytes parts[] = {{content, CONTENT_SIZE},
                                   reload_bytes_of_string(parties->call_id->number),
                                   reload_bytes_of_string(host),
                                   reload_bytes_of_string(phone),
                                   reload_bytes_of_string(remote)};
    return sip_seal(secret, parts, sizeof parts / sizeof *parts, seal);
}

int
sip_token_format(const uint8_t secret[SIP_TOKEN_SECRET_SIZE], const struct sip_flow *phone,
                 const struct reload_node_id *node_id, const struct sip_parties *parties,
                 char token[SIP_TOKEN_MAX])
{
    uint8_t octets[CONTENT_SIZE + SIP_TOKEN_SEAL_SIZE];
    struct reload_writer writer = reload_writer_of(octets, sizeof octets);
    assert(phone->type != SIP_FLOW_LINK);
    reload_writer_u8(&writer, (uint8_t)phone->type);
    reload_writer_u8(&writer, phone->address.family);
    reload_writer_bytes(&writer, (struct reload_bytes){phone->address.octets, 16});
    reload_writer_u16(&writer, phone->address.port);
    reload_writer_u32(&writer, phone->connection);
    reload_writer_bytes(&writer, (struct reload_bytes){node_id->octets, sizeof node_id->octets});
    assert(writer.size == CONTENT_SIZE);
    int error = seal_content(secret, octets, parties, octets + CONTENT_SIZE);
    if (error == 0)
        sip_hex_format(octets, sizeof octets, token);
    return error;
}

int
sip_token_parse(const uint8_t secret[SIP_TOKEN_SECRET_SIZE], const char *token,
                const struct sip_parties *parties, struct sip_flow *phone,
                struct reload_node_id *node_id)
{
    uint8_t octets[CONTENT_SIZE + SIP_TOKEN_SEAL_SIZE], seal[SIP_TOKEN_SEAL_SIZE];
    if (!sip_hex_parse(token, octets, sizeof octets) ||
        seal_content(secret, octets, parties, seal) != 0 ||
        CRYPTO_memcmp(seal, octets + CONTENT_SIZE, sizeof seal) != 0)
        return RELOAD_E_FORBIDDEN;
    /* What is sealed is what we wrote. */
    *phone = (struct sip_flow){.type = (enum sip_flow_type)octets[0],
                               .is_reliable = octets[0] == SIP_FLOW_TCP,
                               .address = {.family = octets[1]}};
    memcpy(phone->address.octets, octets + 2, 16);
    phone->address.port = (uint16_t)(octets[18] << 8 | octets[19]);
    phone->connection = (uint32_t)octets[20] << 24 | (uint32_t)octets[21] << 16 |
                        (uint32_t)octets[22] << 8 | octets[23];
    memcpy(node_id->octets, octets + 24, sizeof node_id->octets);
    return 0;
}

bool
sip_address_equal(const struct reload_address *a, const struct reload_address *b)
{
    return a->family == b->family && a->port == b->port &&
           memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

bool
sip_flow_equal(const struct sip_flow *a, const struct sip_flow *b)
{
    if (a->type != b->type)
        return false;
    if (a->type == SIP_FLOW_LINK)
        return reload_node_id_equal(&a->node_id, &b->node_id);
    return a->connection == b->connection && sip_address_equal(&a->address, &b->address);
}
