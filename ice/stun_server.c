/* stun_server.c: answers STUN Binding requests by libnice's codec.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "ice/stun_server.h"

#include <netinet/in.h>
#include <string.h>

#include <stun/stunagent.h>

#define REQUEST_MAX 512
#define CHANGE_ADDRESS 4u
#define CHANGE_PORT 2u

static const uint16_t known_attributes[] = {
    STUN_ATTRIBUTE_MAPPED_ADDRESS,     STUN_ATTRIBUTE_ERROR_CODE,
    STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
    STUN_ATTRIBUTE_USERNAME,           STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
    STUN_ATTRIBUTE_PRIORITY,           STUN_ATTRIBUTE_USE_CANDIDATE,
    STUN_ATTRIBUTE_CHANGE_REQUEST,     0,
};

static socklen_t
to_socket(const struct reload_address *address, struct sockaddr_storage *storage)
{
    memset(storage, 0, sizeof *storage);
    if (address->family == 4) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(address->port)};
        memcpy(&v4.sin_addr, address->octets, sizeof v4.sin_addr);
        memcpy(storage, &v4, sizeof v4);
        return sizeof v4;
    }
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
    memcpy(&v6.sin6_addr, address->octets, sizeof v6.sin6_addr);
    memcpy(storage, &v6, sizeof v6);
    return sizeof v6;
}

/* RFC 5780 7.2. We have other ports, but no other address. */
static bool
read_change(const StunMessage *asked, bool *other_port)
{
    uint32_t change = 0;
    bool present = stun_message_find32(asked, STUN_ATTRIBUTE_CHANGE_REQUEST, &change) ==
                   STUN_MESSAGE_RETURN_SUCCESS;
    *other_port = present && (change & CHANGE_PORT);
    return !present || !(change & CHANGE_ADDRESS);
}

size_t
reload_stun_server_answer(const struct reload_address *from, struct reload_bytes request,
                          uint8_t *answer, size_t capacity, bool *other_port)
{
    StunAgent agent;
    StunMessage asked, answered;
    if (request.size < STUN_MESSAGE_HEADER_LENGTH || request.size > REQUEST_MAX)
        return 0;
    /* RFC 8489 11: without the cookie it is RFC 3489's; libnice's agents gather in that way. */
    static const uint8_t cookie[] = {0x21, 0x12, 0xa4, 0x42};
    bool has_cookie = memcmp(request.data + 4, cookie, sizeof cookie) == 0;
    stun_agent_init(&agent, known_attributes,
                    has_cookie ? STUN_COMPATIBILITY_RFC5389 : STUN_COMPATIBILITY_RFC3489,
                    STUN_AGENT_USAGE_IGNORE_CREDENTIALS);
    StunValidationStatus status =
        stun_agent_validate(&agent, &asked, request.data, request.size, NULL, NULL);
    if (status != STUN_VALIDATION_SUCCESS && status != STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE)
        return 0;
    if (stun_message_get_class(&asked) != STUN_REQUEST ||
        stun_message_get_method(&asked) != STUN_BINDING ||
        stun_message_has_attribute(&asked, STUN_ATTRIBUTE_USERNAME) ||
        stun_message_has_attribute(&asked, STUN_ATTRIBUTE_MESSAGE_INTEGRITY))
        return 0;
    if (!read_change(&asked, other_port))
        return 0;
    if (status == STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE)
        return stun_agent_build_unknown_attributes_error(&agent, &answered, answer, capacity,
                                                         &asked);
    struct sockaddr_storage storage;
    socklen_t length = to_socket(from, &storage);
    if (!stun_agent_init_response(&agent, &answered, answer, capacity, &asked) ||
        (has_cookie ? stun_message_append_xor_addr(&answered, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
                                                   &storage, length)
                    : stun_message_append_addr(&answered, STUN_ATTRIBUTE_MAPPED_ADDRESS,
                                               (const struct sockaddr *)&storage, length)) !=
            STUN_MESSAGE_RETURN_SUCCESS)
        return 0;
    return stun_agent_finish_message(&agent, &answered, NULL, 0);
}
