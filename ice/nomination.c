/* nomination.c: connectivity checks with USE-CANDIDATE by libnice's codec.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "ice/nomination.h"

#include "reload/ice.h"

#include <stdio.h>
#include <string.h>

#include <stun/usages/ice.h>

/* RFC 8445 5.1.2.1: a check bears the priority of the peer-reflexive candidate that the other side
 * would make of it. */
#define PEER_REFLEXIVE 110u
#define WITHOUT_TYPE 0xffffffu

static const uint16_t known_attributes[] = {0};

size_t
nomination_write(const struct nomination *nomination, uint8_t *octets, size_t capacity)
{
    StunAgent agent;
    StunMessage message;
    char username[2 * RELOAD_ICE_CREDENTIAL_MAX + 2];
    int length = snprintf(username, sizeof username, "%s:%s", nomination->remote_ufrag,
                          nomination->local_ufrag);
    if (length < 0 || (size_t)length >= sizeof username)
        return 0;
    stun_agent_init(&agent, known_attributes, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
    return stun_usage_ice_conncheck_create(
        &agent, &message, octets, capacity, (const uint8_t *)username, (size_t)length,
        (const uint8_t *)nomination->remote_password, strlen(nomination->remote_password), true,
        true, PEER_REFLEXIVE << 24 | (nomination->priority & WITHOUT_TYPE), nomination->tie_breaker,
        NULL, STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
}
