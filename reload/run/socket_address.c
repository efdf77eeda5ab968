/* socket_address.c: addresses as the kernel, people and RELOAD write them.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/socket_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

socklen_t
reload_address_to_socket(const struct reload_address *address, int family,
                         struct sockaddr_storage *socket_address)
{
    memset(socket_address, 0, sizeof *socket_address);
    if (family == AF_INET && address->family == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)socket_address;
        in->sin_family = AF_INET;
        in->sin_port = htons(address->port);
        memcpy(&in->sin_addr, address->octets, 4);
        return sizeof *in;
    }
    if (family != AF_INET6)
        return 0;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)socket_address;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(address->port);
    if (address->family == 6) {
        memcpy(&in6->sin6_addr, address->octets, 16);
    } else {
        memcpy(in6->sin6_addr.s6_addr, mapped_prefix, 12);
        memcpy(in6->sin6_addr.s6_addr + 12, address->octets, 4);
    }
    return sizeof *in6;
}

int
reload_address_of_socket(const struct sockaddr_storage *socket_address,
                         struct reload_address *address)
{
    *address = (struct reload_address){0};
    if (socket_address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)socket_address;
        address->family = 4;
        address->port = ntohs(in->sin_port);
        memcpy(address->octets, &in->sin_addr, 4);
        return 0;
    }
    if (socket_address->ss_family != AF_INET6)
        return RELOAD_E_USAGE;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)socket_address;
    address->port = ntohs(in6->sin6_port);
    if (memcmp(&in6->sin6_addr, mapped_prefix, 12) == 0) {
        address->family = 4;
        memcpy(address->octets, in6->sin6_addr.s6_addr + 12, 4);
    } else {
        address->family = 6;
        memcpy(address->octets, &in6->sin6_addr, 16);
    }
    return 0;
}

const char *
reload_address_text(const struct reload_address *address, char *text)
{
    char literal[INET6_ADDRSTRLEN] = "?";
    int family = address->family == 6 ? AF_INET6 : AF_INET;
    (void)inet_ntop(family, address->octets, literal, sizeof literal);
    (void)snprintf(text, RELOAD_ADDRESS_TEXT_SIZE, address->family == 6 ? "[%s]:%u" : "%s:%u",
                   literal, address->port);
    return text;
}

/* Reads a decimal port, 0..65535, that |text| consists of. */
static int
parse_port(const char *text, uint16_t *port)
{
    char *end;
    if (*text < '0' || *text > '9')
        return RELOAD_E_CONFIG;
    unsigned long value = strtoul(text, &end, 10);
    if (*end != '\0' || value > 65535)
        return RELOAD_E_CONFIG;
    *port = (uint16_t)value;
    return 0;
}

int
reload_address_parse(const char *text, uint16_t port, struct reload_address *address)
{
    struct reload_address parsed = {.family = 4, .port = port};
    char literal[INET6_ADDRSTRLEN + 1];
    const char *colon = strrchr(text, ':');
    bool brackets = *text == '[';
    bool several = colon && strchr(text, ':') != colon;
    const char *end = text + strlen(text);
    const char *port_text = NULL;

    if (brackets) {
        text++;
        end = strchr(text, ']');
        if (!end || (end[1] != '\0' && end[1] != ':'))
            return RELOAD_E_CONFIG;
        port_text = end[1] == ':' ? end + 2 : NULL;
    } else if (colon && !several) {
        end = colon;
        port_text = colon + 1;
    }
    if ((size_t)(end - text) >= sizeof literal)
        return RELOAD_E_CONFIG;
    memcpy(literal, text, (size_t)(end - text));
    literal[end - text] = '\0';
    if (port_text && parse_port(port_text, &parsed.port) != 0)
        return RELOAD_E_CONFIG;
    if (brackets || several)
        parsed.family = 6;
    if (inet_pton(parsed.family == 6 ? AF_INET6 : AF_INET, literal, parsed.octets) != 1)
        return RELOAD_E_CONFIG;
    *address = parsed;
    return 0;
}

bool
reload_address_equal(const struct reload_address *a, const struct reload_address *b)
{
    return a->family == b->family && a->port == b->port &&
           memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

bool
reload_address_is_any(const struct reload_address *address)
{
    static const uint8_t zero[16];
    return memcmp(address->octets, zero, sizeof zero) == 0;
}

bool
reload_address_is_loopback(const struct reload_address *address)
{
    static const uint8_t one[16] = {[15] = 1};
    return address->family == 4 ? address->octets[0] == 127
                                : memcmp(address->octets, one, sizeof one) == 0;
}

bool
reload_address_is_link_local(const struct reload_address *address)
{
    const uint8_t *octets = address->octets;
    return address->family == 4 ? octets[0] == 169 && octets[1] == 254
                                : octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80;
}

bool
reload_address_is_usable(const struct reload_address *address)
{
    if ((address->family != 4 && address->family != 6) || address->port == 0 ||
        reload_address_is_any(address))
        return false;
    if (address->family == 6)
        return address->octets[0] != 0xff;
    return address->octets[0] != 0 && address->octets[0] < 224;
}

size_t
reload_address_interfaces(uint8_t family, uint16_t port, struct reload_address *addresses,
                          size_t max)
{
    struct ifaddrs *interfaces;
    if (getifaddrs(&interfaces) != 0)
        return 0;
    size_t count = 0;
    for (int loopback = 0; loopback < 2 && count == 0; loopback++) {
        for (const struct ifaddrs *at = interfaces; at && count < max; at = at->ifa_next) {
            struct sockaddr_storage storage = {0};
            struct reload_address address;
            if (!at->ifa_addr || !(at->ifa_flags & IFF_UP) ||
                (at->ifa_addr->sa_family != AF_INET && at->ifa_addr->sa_family != AF_INET6))
                continue;
            memcpy(&storage, at->ifa_addr,
                   at->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                                      : sizeof(struct sockaddr_in6));
            if (reload_address_of_socket(&storage, &address) != 0 ||
                (family && address.family != family) || reload_address_is_link_local(&address) ||
                reload_address_is_loopback(&address) != (loopback == 1))
                continue;
            address.port = port;
            addresses[count++] = address;
        }
    }
    freeifaddrs(interfaces);
    return count;
}

/* The first octets of a socket address that are the address itself; NULL for other families. */
static const uint8_t *
octets_of(const struct sockaddr *address, size_t *size)
{
    *size = address->sa_family == AF_INET ? 4 : 16;
    if (address->sa_family == AF_INET)
        return (const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
    return address->sa_family == AF_INET6
               ? (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr
               : NULL;
}

/* Whether |octets| are in the network of an interface's address; one of a single address is none.
 */
static bool
is_in_network(const struct ifaddrs *interface, const uint8_t *octets, size_t size)
{
    size_t own_size, mask_size;
    const uint8_t *own = octets_of(interface->ifa_addr, &own_size);
    const uint8_t *mask = octets_of(interface->ifa_netmask, &mask_size);
    if (!own || !mask || own_size != size || mask_size != size || mask[size - 1] == 0xff)
        return false;
    for (size_t i = 0; i < size; i++)
        if ((own[i] ^ octets[i]) & mask[i])
            return false;
    return true;
}

bool
reload_address_is_neighbour(const struct reload_address *address)
{
    struct ifaddrs *interfaces;
    bool found = false;
    if (getifaddrs(&interfaces) != 0)
        return false;
    for (const struct ifaddrs *at = interfaces; at && !found; at = at->ifa_next)
        found = at->ifa_addr && at->ifa_netmask && (at->ifa_flags & IFF_UP) &&
                is_in_network(at, address->octets, address->family == 4 ? 4 : 16);
    freeifaddrs(interfaces);
    return found;
}

static int
bind_failed(int descriptor)
{
    int reason = errno;
    if (descriptor >= 0)
        (void)close(descriptor);
    errno = reason;
    return RELOAD_E_IO;
}

int
reload_socket_bind(int type, const struct reload_address *address, struct reload_address *bound)
{
    int family = address->family == 6 ? AF_INET6 : AF_INET;
    struct sockaddr_storage storage;
    socklen_t length = reload_address_to_socket(address, family, &storage);
    int descriptor = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || length == 0)
        return bind_failed(descriptor);
    int on = 1, off = 0;
    if (type == SOCK_STREAM)
        (void)setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6)
        (void)setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(descriptor, (struct sockaddr *)&storage, length) != 0)
        return bind_failed(descriptor);
    length = sizeof storage;
    if (getsockname(descriptor, (struct sockaddr *)&storage, &length) != 0 ||
        reload_address_of_socket(&storage, bound) != 0)
        return bind_failed(descriptor);
    return descriptor;
}
