/* srv.c: finds a server by SRV records, with c-ares.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/reload/srv.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { TIMEOUT_MS = 3000, TRIES = 3 };

struct lookup {
    bool done;
    int status; /* of c-ares */
    char target[SRV_TARGET_MAX];
};

/* RFC 2782: of the lowest priority, one by chance, in proportion to the weights. */
static const struct ares_srv_reply *
choose(const struct ares_srv_reply *list)
{
    const struct ares_srv_reply *chosen = NULL;
    uint64_t sum = 0;
    for (const struct ares_srv_reply *row = list; row != NULL; row = row->next) {
        uint32_t chance;
        if (chosen != NULL && row->priority > chosen->priority)
            continue;
        if (chosen == NULL || row->priority < chosen->priority)
            sum = 0;
        sum += row->weight + 1u;
        if (RAND_bytes((unsigned char *)&chance, sizeof chance) != 1)
            chance = 0;
        if (sum == row->weight + 1u || chance % sum < row->weight + 1u)
            chosen = row;
    }
    return chosen;
}

static void
on_answer(void *argument, int status, int timeouts, unsigned char *answer, int size)
{
    struct lookup *lookup = argument;
    struct ares_srv_reply *list = NULL;
    (void)timeouts;
    lookup->done = true;
    lookup->status = status;
    if (status != ARES_SUCCESS)
        return;
    lookup->status = ares_parse_srv_reply(answer, size, &list);
    const struct ares_srv_reply *row = choose(list);
    /* A target of "." says that there is no such service. */
    if (row != NULL && row->host[0] != '\0')
        snprintf(lookup->target, sizeof lookup->target, "%s:%u", row->host, row->port);
    ares_free_data(list);
}

/* Lets c-ares work until the answer is there; its own time-outs bound this. */
static void
wait_for(ares_channel channel, const struct lookup *lookup)
{
    while (!lookup->done) {
        ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
        struct pollfd polled[ARES_GETSOCK_MAXNUM];
        struct timeval most = {.tv_sec = 1}, wait;
        /* c-ares's own macros for these bits shift into the sign. */
        unsigned bits = (unsigned)ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM);
        nfds_t count = 0;
        for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
            int events = ((bits >> i & 1) != 0 ? POLLIN : 0) |
                         ((bits >> (i + ARES_GETSOCK_MAXNUM) & 1) != 0 ? POLLOUT : 0);
            if (events != 0)
                polled[count++] = (struct pollfd){.fd = sockets[i], .events = (short)events};
        }
        const struct timeval *until = ares_timeout(channel, &most, &wait);
        poll(polled, count, (int)(until->tv_sec * 1000 + until->tv_usec / 1000) + 1);
        for (nfds_t i = 0; i < count; i++)
            ares_process_fd(channel,
                            polled[i].revents & (POLLIN | POLLERR | POLLHUP) ? polled[i].fd
                                                                             : ARES_SOCKET_BAD,
                            polled[i].revents & POLLOUT ? polled[i].fd : ARES_SOCKET_BAD);
        if (count == 0)
            ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    }
}

int
srv_find(const char *name, char *target, char *message, size_t size)
{
    struct lookup lookup = {.done = false};
    struct ares_options options = {.timeout = TIMEOUT_MS, .tries = TRIES};
    ares_channel channel;
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
        ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) !=
            ARES_SUCCESS) {
        snprintf(message, size, "no resolver; is /etc/resolv.conf right?");
        return RELOAD_E_IO;
    }
    ares_query(channel, name, ns_c_in, ns_t_srv, on_answer, &lookup);
    wait_for(channel, &lookup);
    ares_destroy(channel);
    ares_library_cleanup();
    if (lookup.status == ARES_SUCCESS && lookup.target[0] != '\0') {
        snprintf(target, SRV_TARGET_MAX, "%s", lookup.target);
        return 0;
    }
    snprintf(message, size, "%s: %s; name the configuration server by --url https://...", name,
             lookup.status == ARES_SUCCESS ? "no such service" : ares_strerror(lookup.status));
    return lookup.status == ARES_ETIMEOUT ? RELOAD_E_TIMEOUT : RELOAD_E_NOT_FOUND;
}
