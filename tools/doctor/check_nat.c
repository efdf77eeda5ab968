/* check_nat.c: what kind of NAT is between this host and the overlay.
 *
 * From one socket every bootstrap node is asked how it sees us (mapping); each is then asked to
 * answer from another port, which we never wrote to (filtering). RFC 4787 4, 5; RFC 5780 4.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/socket_address.h"
#include "tools/doctor/checkup.h"

#ifdef RELOAD_ICE

#include "ice/stun_query.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRIES 4
#define TRY_MS 400

static bool
send_to(int descriptor, const struct reload_stun_query *query, const struct reload_address *to)
{
    struct sockaddr_storage storage;
    socklen_t length = reload_address_to_socket(to, to->family == 4 ? AF_INET : AF_INET6, &storage);
    return sendto(descriptor, query->octets, query->size, 0, (struct sockaddr *)&storage, length) >
           0;
}

/* Reads one datagram, if it comes in time. Returns what reload_stun_query_read does, or
 * RELOAD_E_TIMEOUT. */
static int
receive(int descriptor, const struct reload_stun_query *query, double until_ms,
        struct reload_address *mapped, struct reload_address *from)
{
    for (;;) {
        struct pollfd wait = {.fd = descriptor, .events = POLLIN};
        double left_ms = until_ms - checkup_now_ms();
        if (left_ms <= 0 || poll(&wait, 1, (int)left_ms + 1) <= 0)
            return RELOAD_E_TIMEOUT;
        uint8_t octets[600];
        struct sockaddr_storage storage = {0};
        socklen_t length = sizeof storage;
        ssize_t size =
            recvfrom(descriptor, octets, sizeof octets, 0, (struct sockaddr *)&storage, &length);
        if (size <= 0 || reload_address_of_socket(&storage, from) != 0)
            continue;
        int error =
            reload_stun_query_read(query, (struct reload_bytes){octets, (size_t)size}, mapped);
        if (error != RELOAD_E_MALFORMED)
            return error;
    }
}

/* Asks |server| until it answers. Returns 0, RELOAD_E_REFUSED or RELOAD_E_TIMEOUT. */
static int
ask(int descriptor, const struct reload_address *server, bool change_port,
    struct reload_address *mapped, struct reload_address *from)
{
    struct reload_stun_query query;
    if (reload_stun_query_write(&query, change_port) != 0)
        return RELOAD_E_TIMEOUT;
    for (int try = 0; try < TRIES; try++) {
        if (!send_to(descriptor, &query, server))
            return RELOAD_E_TIMEOUT;
        int error = receive(descriptor, &query, checkup_now_ms() + TRY_MS, mapped, from);
        if (error != RELOAD_E_TIMEOUT)
            return error;
    }
    return RELOAD_E_TIMEOUT;
}

/* Whether |mapped| is an address of this host: no NAT is on that way. */
static bool
is_local(const struct reload_address *mapped)
{
    struct reload_address own[32];
    size_t count = reload_address_interfaces(0, mapped->port, own, sizeof own / sizeof *own);
    for (size_t i = 0; i < count; i++)
        if (reload_address_equal(&own[i], mapped))
            return true;
    return reload_address_is_loopback(mapped);
}

struct views {
    struct reload_address mapped[CHECKUP_ADDRESSES_MAX];
    size_t server[CHECKUP_ADDRESSES_MAX]; /* its place among the bootstrap addresses */
    size_t count;
};

static void
collect(struct checkup *checkup, int descriptor, uint8_t family, struct views *views)
{
    for (size_t i = 0; i < checkup->bootstrap_count; i++) {
        struct reload_address from;
        const struct reload_address *server = &checkup->bootstrap[i];
        if (server->family != family ||
            ask(descriptor, server, false, &views->mapped[views->count], &from) != 0)
            continue;
        checkup->answers_stun[i] = true;
        views->server[views->count++] = i;
    }
}

static void
tell_mapping(struct checkup *checkup, const struct views *views, bool *translated)
{
    char text[RELOAD_ADDRESS_TEXT_SIZE];
    bool same = true, one_host = true;
    for (size_t i = 1; i < views->count; i++) {
        const struct reload_address *first = &checkup->bootstrap[views->server[0]];
        const struct reload_address *server = &checkup->bootstrap[views->server[i]];
        same &= reload_address_equal(&views->mapped[0], &views->mapped[i]);
        one_host &= memcmp(first->octets, server->octets, sizeof first->octets) == 0;
    }
    *translated = !is_local(&views->mapped[0]);
    (void)reload_address_text(&views->mapped[0], text);
    const char *mapping = !*translated       ? "none"
                          : !same            ? "dependent"
                          : views->count < 2 ? "unknown"
                                             : "independent";
    if (!*translated)
        checkup_find(checkup, "nat", FINDING_GOOD, NULL, "none: others see %s, this host's own",
                     text);
    else if (!same)
        checkup_find(
            checkup, "nat", FINDING_WARNING, "links to some nodes will need a relay (TURN)",
            "symmetric: each destination sees another address of ours, the first %s", text);
    else if (views->count < 2)
        checkup_find(checkup, "nat", FINDING_NOTE, NULL,
                     "others see %s; with a second bootstrap node it could be told whether all see "
                     "the same",
                     text);
    else
        checkup_find(checkup, "nat", FINDING_GOOD, NULL, "a kind one: %s see us as %s",
                     one_host ? "all ports of one host" : "all", text);
    checkup_text(checkup, "mapping", mapping);
    checkup_text(checkup, "reflexive", text);
}

/* RFC 5780 4.4, without a second address: a server has only its ports. */
static void
tell_filtering(struct checkup *checkup, int descriptor, const struct views *views)
{
    struct reload_address mapped, from;
    const struct reload_address *server = &checkup->bootstrap[views->server[0]];
    int error = ask(descriptor, server, true, &mapped, &from);
    const char *filtering = "unknown";
    if (error == RELOAD_E_REFUSED) {
        checkup_find(checkup, "filtering", FINDING_NOTE, NULL,
                     "not known: the bootstrap node has no second port to answer from");
    } else if (error) {
        filtering = "address and port";
        checkup_find(checkup, "filtering", FINDING_NOTE, NULL,
                     "only what we wrote to gets in, by address and port; ICE copes with that");
    } else if (reload_address_equal(&from, server)) {
        checkup_find(checkup, "filtering", FINDING_NOTE, NULL,
                     "not known: the bootstrap node answered from the same port");
    } else {
        filtering = "at most address";
        checkup_find(checkup, "filtering", FINDING_GOOD, NULL,
                     "other ports of a host that we wrote to get in, too");
    }
    checkup_text(checkup, "filtering", filtering);
}

static void
check_family(struct checkup *checkup, uint8_t family)
{
    struct reload_address any = {.family = family}, bound;
    struct views views = {.count = 0};
    bool translated = false;
    int descriptor = reload_socket_bind(SOCK_DGRAM, &any, &bound);
    if (descriptor < 0)
        return;
    collect(checkup, descriptor, family, &views);
    if (views.count > 0) {
        checkup_find(checkup, "stun", FINDING_GOOD, NULL,
                     "%zu bootstrap address%s of IPv%u answer%s", views.count,
                     views.count == 1 ? "" : "es", family, views.count == 1 ? "s" : "");
        tell_mapping(checkup, &views, &translated);
    }
    if (translated)
        tell_filtering(checkup, descriptor, &views);
    (void)close(descriptor);
}

void
check_nat(struct checkup *checkup)
{
    if (checkup->bootstrap_count == 0) {
        checkup_find(checkup, "nat", FINDING_SKIPPED, NULL,
                     "there is no other bootstrap node that could be asked how it sees us");
        return;
    }
    size_t before = json_array_size(checkup->findings);
    check_family(checkup, 4);
    check_family(checkup, 6);
    if (json_array_size(checkup->findings) == before)
        checkup_find(checkup, "stun", FINDING_FAILURE,
                     "UDP is blocked, or the bootstrap nodes are built without ICE; without STUN "
                     "only nodes in the same network and relays reach us",
                     "no bootstrap node answers STUN");
}

#else

void
check_nat(struct checkup *checkup)
{
    checkup_find(checkup, "nat", FINDING_SKIPPED, NULL, "this program was built without libnice");
}

#endif
