/* stun_query.c: Binding requests by libnice's codec.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "ice/stun_query.h"

#include <netinet/in.h>
#include <string.h>

#include <stun/stunagent.h>

#define CHANGE_PORT 2u
#define ANSWER_MAX 548

static const uint16_t known_attributes[] = {
    STUN_ATTRIBUTE_MAPPED_ADDRESS,
    STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
    STUN_ATTRIBUTE_ERROR_CODE,
    STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES,
    0,
};

static void
begin(StunAgent *agent)
{
    stun_agent_init(agent, known_attributes, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_IGNORE_CREDENTIALS);
}

int
reload_stun_query_write(struct reload_stun_query *query, bool change_port)
{
    StunAgent agent;
    StunMessage message;
    begin(&agent);
    if (!stun_agent_init_request(&agent, &message, query->octets, sizeof query->octets,
                                 STUN_BINDING))
        return RELOAD_E_CRYPTO;
    if (change_port && stun_message_append32(&message, STUN_ATTRIBUTE_CHANGE_REQUEST,
                                             CHANGE_PORT) != STUN_MESSAGE_RETURN_SUCCESS)
        return RELOAD_E_CRYPTO;
    query->size = stun_agent_finish_message(&agent, &message, NULL, 0);
    return query->size ? 0 : RELOAD_E_CRYPTO;
}

static bool
read_address(const struct sockaddr_storage *storage, struct reload_address *address)
{
    *address = (struct reload_address){0};
    if (storage->ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, storage, sizeof v4);
        address->family = 4;
        address->port = ntohs(v4.sin_port);
        memcpy(address->octets, &v4.sin_addr, sizeof v4.sin_addr);
        return true;
    }
    if (storage->ss_family != AF_INET6)
        return false;
    struct sockaddr_in6 v6;
    memcpy(&v6, storage, sizeof v6);
    address->family = 6;
    address->port = ntohs(v6.sin6_port);
    memcpy(address->octets, &v6.sin6_addr, sizeof v6.sin6_addr);
    return true;
}

/* The transaction id is matched here: an agent that sends nothing remembers none. */
int
reload_stun_query_read(const struct reload_stun_query *query, struct reload_bytes answer,
                       struct reload_address *mapped)
{
    StunAgent agent;
    StunMessage message;
    uint8_t copy[ANSWER_MAX];
    if (answer.size < STUN_MESSAGE_HEADER_LENGTH || answer.size > sizeof copy ||
        memcmp(answer.data + 4, query->octets + 4, 16) != 0)
        return RELOAD_E_MALFORMED;
    memcpy(copy, answer.data, answer.size);
    begin(&agent);
    /* Made anew, so that the agent knows that it asked. */
    struct reload_stun_query asked = *query;
    StunMessage request;
    if (!stun_agent_init_request(&agent, &request, asked.octets, sizeof asked.octets, STUN_BINDING))
        return RELOAD_E_MALFORMED;
    memcpy(asked.octets + 4, query->octets + 4, 16);
    if (!stun_agent_finish_message(&agent, &request, NULL, 0) ||
        stun_agent_validate(&agent, &message, copy, answer.size, NULL, NULL) !=
            STUN_VALIDATION_SUCCESS)
        return RELOAD_E_MALFORMED;
    if (stun_message_get_class(&message) == STUN_ERROR)
        return RELOAD_E_REFUSED;
    struct sockaddr_storage storage = {0};
    socklen_t length = sizeof storage;
    StunMessageReturn found =
        stun_message_find_xor_addr(&message, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &storage, &length);
    if (found != STUN_MESSAGE_RETURN_SUCCESS) {
        length = sizeof storage;
        found = stun_message_find_addr(&message, STUN_ATTRIBUTE_MAPPED_ADDRESS, &storage, &length);
    }
    bool good = found == STUN_MESSAGE_RETURN_SUCCESS &&
                stun_message_get_class(&message) == STUN_RESPONSE && read_address(&storage, mapped);
    return good ? 0 : RELOAD_E_MALFORMED;
}
