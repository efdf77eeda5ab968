/* turn_service.c: the TURN Server Usage: its Kind, and what its parts have in common.
 *
 * RFC 6940 9. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/turn_state.h"

int
reload_turn_service_check(const struct reload_wire *wire, struct reload_bytes key,
                          struct reload_bytes value)
{
    struct reload_reader reader = reload_reader_of(value);
    struct reload_turn_server server;
    (void)key;
    if (reload_turn_server_decode(&reader, wire, &server) || reload_reader_left(&reader))
        return RELOAD_E_MALFORMED;
    if (server.iteration < 1 || server.iteration > RELOAD_TURN_ITERATIONS_MAX)
        return RELOAD_E_MALFORMED;
    bool known = server.server_address.type == RELOAD_ADDRESS_TYPE_IPV4_ADDRESS ||
                 server.server_address.type == RELOAD_ADDRESS_TYPE_IPV6_ADDRESS;
    return known ? 0 : RELOAD_E_MALFORMED;
}

static const struct reload_kind kinds[] = {
    {
        .kind = RELOAD_KIND_TURN_SERVICE,
        .name = "TURN-SERVICE",
        .data_model = RELOAD_DATA_MODEL_SINGLE_VALUE,
        .access_policy = RELOAD_ACCESS_NODE_MULTIPLE,
        .max_count = 1,
        .max_size = 64,
        .max_node_multiple = RELOAD_TURN_ITERATIONS_MAX,
        .check = reload_turn_service_check,
    },
};

reload_time
turn_later(const struct reload_turn *turn, reload_time delay, reload_time now)
{
    uint32_t chance;
    turn->env->random(turn->env->context, &chance, sizeof chance);
    return now + delay + delay / 2000 * (chance % 1000);
}

int
turn_resource(struct reload_turn *turn, const struct reload_node_id *node_id, uint8_t iteration,
              uint8_t *resource, size_t *size)
{
    uint8_t name[RELOAD_NODE_ID_SIZE_MAX + 1];
    struct reload_bytes id =
        reload_node_id_bytes(node_id, reload_node_config(turn->node)->node_id_length);
    memcpy(name, id.data, id.size);
    name[id.size] = iteration; /* D25: one octet */
    return reload_node_resource(turn->node, (struct reload_bytes){name, id.size + 1}, resource,
                                size);
}

static int
init(void *state, struct reload_node *node, void *argument, reload_time now)
{
    struct reload_turn *turn = state;
    const struct reload_turn_options *options = argument;
    turn->node = node;
    turn->env = reload_node_env(node);
    if (options)
        turn->options = *options;
    turn->search.due = now;
    return 0;
}

static void
fini(void *state)
{
    struct reload_turn *turn = state;
    if (!turn->server)
        return;
    memset(turn->server, 0, sizeof *turn->server);
    (void)turn->env->allocate(turn->env->context, turn->server, 0);
}

static void
joined(void *state, reload_time now)
{
    struct reload_turn *turn = state;
    turn->joined = true;
    for (size_t i = 0; turn->server && i < turn->server->copy_count; i++)
        turn->server->copies[i].due = now;
}

static void
leave(void *state, reload_time now)
{
    struct reload_turn *turn = state;
    turn->leaving = true;
    reload_turn_service_end(turn, now);
    turn_announce_timeout(turn, now);
}

static int
ping(void *state, const struct reload_identity *signer, const struct reload_node_id *signer_id,
     struct reload_bytes content, struct reload_writer *answer, reload_time now)
{
    (void)signer;
    return turn_grant(state, signer_id, content, answer, now);
}

static reload_time
next_timeout(void *state)
{
    const struct reload_turn *turn = state;
    reload_time announce = turn_announce_next(turn), directory = turn_directory_next(turn);
    return announce < directory ? announce : directory;
}

static void
timeout(void *state, reload_time now)
{
    turn_announce_timeout(state, now);
    turn_directory_timeout(state, now);
}

const struct reload_usage_ops reload_turn_service_usage = {
    .name = "turn-service",
    .size = sizeof(struct reload_turn),
    .kinds = kinds,
    .kind_count = sizeof kinds / sizeof *kinds,
    .init = init,
    .fini = fini,
    .joined = joined,
    .leave = leave,
    .ping_extension = RELOAD_TURN_EXTENSION,
    .ping = ping,
    .next_timeout = next_timeout,
    .timeout = timeout,
};
