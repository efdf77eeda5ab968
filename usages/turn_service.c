/* turn_service.c: the Kind of the TURN Server Usage.
 *
 * RFC 6940 9. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/turn_service.h"

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

const struct reload_usage_ops reload_turn_service_usage = {
    .name = "turn-service",
    .kinds = kinds,
    .kind_count = sizeof kinds / sizeof *kinds,
};
