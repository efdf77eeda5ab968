/* sip_adaptor_token.h: flows, and tokens that let a dialog's later requests find theirs.
 *
 * A proxy that keeps no dialogs writes into its Record-Route where the phone is and which node the
 * other party is at, sealed together with the Call-ID and both parties' addresses. A request that
 * brings the token back, from that phone or that node and with those addresses, belongs to the
 * dialog. The idea is RFC 5626 5.2's flow token.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_SIP_ADAPTOR_TOKEN_H
#define RELOAD_USAGES_SIP_ADAPTOR_TOKEN_H

#include "reload/ice.h"
#include "reload/wire/node_id.h"
#include "usages/sip_adaptor_message.h"

enum sip_flow_type {
    SIP_FLOW_UDP,  /* |address| */
    SIP_FLOW_TCP,  /* |address|, |connection| */
    SIP_FLOW_LINK, /* |connection| is the link, |node_id| who is there */
};

/* Where messages come from and go to. */
struct sip_flow {
    enum sip_flow_type type;
    bool is_reliable;
    struct reload_address address;
    uint32_t connection;
    struct reload_node_id node_id;
};

#define SIP_TOKEN_SECRET_SIZE 32
#define SIP_TOKEN_SEAL_SIZE 16
#define SIP_TOKEN_MAX 160 /* characters, with the NUL */

/* The two sides of a dialog as one message names them: which of From and To is the phone's. */
struct sip_parties {
    const osip_uri_t *phone, *remote;
    const osip_call_id_t *call_id;
};

/* sip_parties_of tells the sides of |message|, sent by the phone or to it. */
struct sip_parties sip_parties_of(const struct sip_message *message, bool by_phone);

/* sip_token_format seals |phone|'s flow and |node_id|. Returns 0 or RELOAD_E_MALFORMED, _CRYPTO. */
RELOAD_CHECKED int sip_token_format(const uint8_t secret[SIP_TOKEN_SECRET_SIZE],
                                    const struct sip_flow *phone,
                                    const struct reload_node_id *node_id,
                                    const struct sip_parties *parties, char token[SIP_TOKEN_MAX]);

/* sip_token_parse opens |token|. Returns 0, or RELOAD_E_FORBIDDEN when we did not write it for
 * these parties. */
RELOAD_CHECKED int sip_token_parse(const uint8_t secret[SIP_TOKEN_SECRET_SIZE], const char *token,
                                   const struct sip_parties *parties, struct sip_flow *phone,
                                   struct reload_node_id *node_id);

/* sip_seal digests |parts| with |secret|. Returns 0 or RELOAD_E_CRYPTO. */
RELOAD_CHECKED int sip_seal(const uint8_t secret[SIP_TOKEN_SECRET_SIZE],
                            const struct reload_bytes *parts, size_t count,
                            uint8_t seal[SIP_TOKEN_SEAL_SIZE]);

/* sip_flow_equal tells whether two flows are the same: address and connection, or node. */
bool sip_flow_equal(const struct sip_flow *a, const struct sip_flow *b);

bool sip_address_equal(const struct reload_address *a, const struct reload_address *b);

/* sip_hex_format and sip_hex_parse turn octets into lower-case hex digits and back. */
void sip_hex_format(const uint8_t *octets, size_t size, char *text);
RELOAD_CHECKED bool sip_hex_parse(const char *text, uint8_t *octets, size_t size);

#endif
