/* listener.c: the socket that the HTTPS server listens on.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/enrolld/listener.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 128 };

static int
open_address(const struct addrinfo *address)
{
    int on = 1;
    int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -1;
    if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(descriptor, address->ai_addr, address->ai_addrlen) == 0 &&
        listen(descriptor, BACKLOG) == 0)
        return descriptor;
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

static const char *
advice(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "; another program has it: end that one, or change 'port' in enrolld.conf";
    case EACCES:
        return "; a port below 1024 needs the capability CAP_NET_BIND_SERVICE";
    case EADDRNOTAVAIL:
        return "; this host does not have it: change 'listen' in enrolld.conf";
    default:
        return "";
    }
}

int
listener_open(const char *address, unsigned port, int *descriptor, char *message, size_t size)
{
    char service[8];
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(address, service, &hints, &found) != 0) {
        snprintf(message, size, "'%s' is not a numeric address; change 'listen' in enrolld.conf",
                 address);
        return RELOAD_E_CONFIG;
    }
    *descriptor = open_address(found);
    int error = errno;
    freeaddrinfo(found);
    if (*descriptor >= 0)
        return 0;
    snprintf(message, size, "cannot listen on %s port %u: %s%s", address, port, strerror(error),
             advice(error));
    return RELOAD_E_IO;
}
