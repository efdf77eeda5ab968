/* sip_adaptor_socket.c: see sip_adaptor_socket.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_adaptor_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

socklen_t
sip_address_to_socket(const struct reload_address *address, struct sockaddr_storage *storage)
{
    memset(storage, 0, sizeof *storage);
    if (address->family == 6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)storage;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(address->port);
        memcpy(&in6->sin6_addr, address->octets, 16);
        return sizeof *in6;
    }
    struct sockaddr_in *in = (struct sockaddr_in *)storage;
    in->sin_family = AF_INET;
    in->sin_port = htons(address->port);
    memcpy(&in->sin_addr, address->octets, 4);
    return sizeof *in;
}

struct reload_address
sip_address_of_socket(const struct sockaddr_storage *storage)
{
    struct reload_address address = {.family = 4};
    if (storage->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)storage;
        address.family = 6;
        address.port = ntohs(in6->sin6_port);
        memcpy(address.octets, &in6->sin6_addr, 16);
    } else {
        const struct sockaddr_in *in = (const struct sockaddr_in *)storage;
        address.port = ntohs(in->sin_port);
        memcpy(address.octets, &in->sin_addr, 4);
    }
    return address;
}

int
sip_socket_bind(int type, struct reload_address *address)
{
    struct sockaddr_storage storage;
    socklen_t size = sip_address_to_socket(address, &storage);
    int descriptor = socket(storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
    if (descriptor < 0)
        return -1;
    if (type == SOCK_STREAM)
        (void)setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(descriptor, (struct sockaddr *)&storage, size) != 0 ||
        (type == SOCK_STREAM && listen(descriptor, 16) != 0)) {
        int saved = errno;
        close(descriptor);
        errno = saved;
        return -1;
    }
    size = sizeof storage;
    if (getsockname(descriptor, (struct sockaddr *)&storage, &size) == 0)
        address->port = sip_address_of_socket(&storage).port;
    return descriptor;
}

bool
sip_host_is_equal(const struct reload_address *a, const struct reload_address *b)
{
    return a->family == b->family && memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

bool
sip_host_is_own(const struct reload_address *address)
{
    struct reload_address probe = *address;
    /* Groups and broadcast addresses can be bound, too, but are nobody's own. */
    bool is_group =
        address->octets[0] == 0xff || (address->family == 4 && address->octets[0] > 223);
    if (address->family == 0 || is_group)
        return false;
    probe.port = 0;
    int descriptor = sip_socket_bind(SOCK_DGRAM, &probe);
    if (descriptor >= 0)
        close(descriptor);
    return descriptor >= 0;
}
