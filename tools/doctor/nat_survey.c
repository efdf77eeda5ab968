/* nat_survey.c: asks STUN servers, and lets others write to us.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/doctor/nat_survey.h"

#include "ice/stun_query.h"
#include "reload/run/socket_address.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRIES 4
#define TRY_MS 400

static bool
same_host(const struct reload_address *a, const struct reload_address *b)
{
    return a->family == b->family && memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

void
nat_survey_add(struct nat_survey *survey, const struct reload_address *server)
{
    if (server->family != survey->family || survey->server_count == NAT_SERVERS_MAX)
        return;
    for (size_t i = 0; i < survey->server_count; i++)
        if (reload_address_equal(&survey->servers[i], server))
            return;
    survey->servers[survey->server_count++] = *server;
}

/* ---- questions ------------------------------------------------------------------------------ */

/* One server that is being asked. */
struct question {
    struct reload_address server;
    struct reload_stun_query query;
    bool answered, refused;
    struct reload_address mapped, from; /* how it sees us, and where its answer came from */
};

static void
send_questions(int descriptor, const struct question *questions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct question *at = &questions[i];
        struct sockaddr_storage to;
        socklen_t length =
            reload_address_to_socket(&at->server, at->server.family == 4 ? AF_INET : AF_INET6, &to);
        if (!at->answered && !at->refused) /* what does not go out is not answered */
            (void)sendto(descriptor, at->query.octets, at->query.size, 0, (struct sockaddr *)&to,
                         length);
    }
}

/* Reads one datagram. Returns whether it was somebody's answer. */
static bool
recv_answer(int descriptor, struct question *questions, size_t count)
{
    uint8_t octets[600];
    struct sockaddr_storage storage = {0};
    socklen_t length = sizeof storage;
    struct reload_address from, mapped;
    ssize_t size =
        recvfrom(descriptor, octets, sizeof octets, 0, (struct sockaddr *)&storage, &length);
    if (size <= 0 || reload_address_of_socket(&storage, &from) != 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct question *at = &questions[i];
        int error = reload_stun_query_read(&at->query, (struct reload_bytes){octets, (size_t)size},
                                           &mapped);
        if (error == RELOAD_E_MALFORMED || at->answered || at->refused)
            continue;
        at->refused = error != 0;
        at->answered = error == 0;
        at->mapped = mapped;
        at->from = from;
        return true;
    }
    return false;
}

/* Asks all of them until each has answered, or was asked four times. */
static void
ask(int descriptor, struct question *questions, size_t count, bool change_port)
{
    size_t open = 0;
    for (size_t i = 0; i < count; i++)
        open += reload_stun_query_write(&questions[i].query, change_port) == 0;
    for (int try = 0; try < TRIES && open > 0; try++) {
        double left_ms, until_ms = checkup_now_ms() + TRY_MS;
        send_questions(descriptor, questions, count);
        while (open > 0 && (left_ms = until_ms - checkup_now_ms()) > 0) {
            struct pollfd wait = {.fd = descriptor, .events = POLLIN};
            if (poll(&wait, 1, (int)left_ms + 1) > 0)
                open -= recv_answer(descriptor, questions, count);
        }
    }
}

/* ---- mapping -------------------------------------------------------------------------------- */

static int
open_socket(uint8_t family)
{
    struct reload_address any = {.family = family}, bound;
    return reload_socket_bind(SOCK_DGRAM, &any, &bound);
}

void
nat_survey_map(struct nat_survey *survey)
{
    struct question questions[NAT_SERVERS_MAX] = {0};
    int descriptor = open_socket(survey->family);
    if (descriptor < 0)
        return;
    for (size_t i = 0; i < survey->server_count; i++)
        questions[i].server = survey->servers[i];
    ask(descriptor, questions, survey->server_count, false);
    (void)close(descriptor);
    for (size_t i = 0; i < survey->server_count; i++)
        if (questions[i].answered)
            survey->views[survey->view_count++] =
                (struct nat_view){questions[i].server, questions[i].mapped};
}

/* ---- filtering ------------------------------------------------------------------------------ */

/* Lets a relay at another host than |server| write to |mapped|, which is |descriptor|'s. */
static enum nat_filtering
filter_hosts(const struct nat_survey *survey, int descriptor, const struct reload_address *server,
             const struct reload_address *mapped)
{
    for (size_t i = 0; i < survey->relay_count; i++) {
        const struct doctor_relay *relay = &survey->relays[i];
        if (relay->own || relay->address.family != survey->family ||
            same_host(&relay->address, server))
            continue;
        enum doctor_knock knock = doctor_relay_knock(relay, mapped, descriptor);
        if (knock != DOCTOR_KNOCK_SILENT)
            return knock == DOCTOR_KNOCK_HEARD ? NAT_FILTERING_NONE : NAT_FILTERING_ADDRESS;
    }
    return NAT_FILTERING_AT_MOST_ADDRESS;
}

/* By one server, from a socket that has written to nobody else. */
static enum nat_filtering
filter_by(const struct nat_survey *survey, const struct reload_address *server)
{
    enum nat_filtering filtering = NAT_FILTERING_UNKNOWN;
    struct question plain = {.server = *server}, changed = {.server = *server};
    int descriptor = open_socket(survey->family);
    if (descriptor < 0)
        return filtering;
    ask(descriptor, &plain, 1, false);
    if (plain.answered)
        ask(descriptor, &changed, 1, true);
    if (plain.answered && !changed.answered && !changed.refused)
        filtering = NAT_FILTERING_PORT;
    else if (changed.answered && !reload_address_equal(&changed.from, server))
        filtering = filter_hosts(survey, descriptor, server, &plain.mapped);
    (void)close(descriptor);
    return filtering;
}

/* A relay's program may say nothing to the question for another port, so that only nodes are asked
 * that; a relay's address is a node's, too, where the node runs it. */
enum nat_filtering
nat_survey_filter(const struct nat_survey *survey)
{
    enum nat_filtering filtering = NAT_FILTERING_UNKNOWN;
    for (size_t i = 0; i < survey->view_count && !filtering; i++) {
        const struct reload_address *server = &survey->views[i].server;
        bool is_relay = false;
        for (size_t k = 0; k < survey->relay_count; k++)
            is_relay |= reload_address_equal(&survey->relays[k].address, server);
        if (!is_relay)
            filtering = filter_by(survey, server);
    }
    return filtering;
}
