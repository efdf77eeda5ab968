/* net.c: a net in memory for DTLS associations.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/run/net.h"

#include "reload/run/socket_address.h"

#include <check.h>
#include <stdlib.h>

void
fly(struct net *net, const struct reload_address *from, const struct reload_address *to,
    struct reload_bytes bytes)
{
    size_t packet = bytes.size + 28;
    net->largest = packet > net->largest ? packet : net->largest;
    if (net->cut || net->count == FLYING_MAX || (net->path_mtu && packet > net->path_mtu))
        return;
    struct flying *flying = &net->flying[net->count++];
    *flying = (struct flying){*from, *to, malloc(bytes.size + 1), bytes.size};
    memcpy(flying->data, bytes.data, bytes.size);
}

static int
end_send(struct reload_datagram *path, const struct reload_address *to, struct reload_bytes bytes)
{
    struct end *end = (struct end *)path;
    fly(end->net, &end->address, to, bytes);
    return 0;
}

static const struct reload_datagram_ops end_ops = {.send = end_send};

void
deliver(struct net *net, const struct flying *flying)
{
    for (size_t i = 0; i < net->end_count; i++) {
        struct end *end = net->ends[i];
        if (!end->dtls || !reload_address_equal(&end->address, &flying->to))
            continue;
        for (unsigned copy = 0; copy <= net->copies; copy++)
            reload_dtls_recv(end->dtls, &flying->from,
                             (struct reload_bytes){flying->data, flying->size});
        net->delivered++;
    }
}

void
settle(struct net *net)
{
    while (net->count > 0) {
        struct flying flying = net->flying[0];
        net->count--;
        memmove(net->flying, net->flying + 1, net->count * sizeof *net->flying);
        deliver(net, &flying);
        if (net->keep) {
            free(net->kept.data);
            net->kept = flying;
        } else {
            free(flying.data);
        }
    }
}

static void
on_turn_end(void *argument)
{
    settle(argument);
}

void
net_init(struct net *net)
{
    memset(net, 0, sizeof *net);
    world_init(&net->world);
    ck_assert_int_eq(reload_loop_after(net->world.loop, on_turn_end, net, &net->after), 0);
}

void
open_dtls(struct end *end)
{
    struct reload_dtls_options options = {.loop = end->net->world.loop,
                                          .context = &end->context,
                                          .path = &end->path,
                                          .accept = true,
                                          .verified = end->verified,
                                          .user = &seen_user,
                                          .argument = &end->incoming,
                                          .framing = RELOAD_FRAMING_DATAGRAM,
                                          .overlay_link = 3};
    ck_assert_int_eq(reload_dtls_new(&options, &end->dtls), 0);
}

struct end *
end_new(struct net *net, struct test_keyring *keyring)
{
    struct end *end = calloc(1, sizeof *end);
    end->path.ops = &end_ops;
    end->net = net;
    end->address = (struct reload_address){.family = 4, .octets = {192, 0, 2, 1}, .port = 6084};
    end->address.octets[3] = (uint8_t)(net->end_count + 1);
    end->keyring = keyring ? keyring : test_keyring_good(net->world.authority, "node");
    ck_assert_int_eq(
        reload_tls_context_init(&end->context, &end->keyring->keyring, &net->world.env.env), 0);
    open_dtls(end);
    net->ends[net->end_count++] = end;
    return end;
}

void
net_fini(struct net *net)
{
    for (size_t i = 0; i < net->end_count; i++) {
        reload_dtls_free(net->ends[i]->dtls);
        net->ends[i]->dtls = NULL;
        reload_tls_context_fini(&net->ends[i]->context);
        test_keyring_free(net->ends[i]->keyring);
    }
    settle(net);
    for (size_t i = 0; i < net->end_count; i++)
        free(net->ends[i]);
    free(net->kept.data);
    reload_after_free(net->after);
    world_fini(&net->world);
}

struct reload_connection *
start(struct end *from, struct end *to)
{
    struct reload_connection *connection;
    reload_time deadline = reload_loop_now(from->net->world.loop) + 10 * RELOAD_SECOND;
    ck_assert_int_eq(reload_dtls_connect(from->dtls, &to->address, &seen_user, &from->outgoing,
                                         deadline, &connection),
                     0);
    return connection;
}

void
send_text(struct reload_connection *connection, const char *text)
{
    ck_assert_int_eq(connection->ops->send(connection, reload_bytes_of_string(text)), 0);
}
