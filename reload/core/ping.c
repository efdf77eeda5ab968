/* ping.c: Ping, Probe, and what is refused or handed to the topology. RFC 6940 6.4.2.5, 6.5.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/node_internal.h"

/* RFC 6940 6.5.3.2: response_id is random, time is for the requester's clock to compare. */
int
reload_handle_ping(struct reload_node *node, const struct reload_incoming *incoming,
                   struct reload_answer *answer, reload_time now)
{
    (void)now;
    struct reload_reader reader = reload_reader_of(incoming->message->contents.message_body);
    struct reload_ping_req request;
    int error = reload_ping_req_decode(&reader, &node->wire, &request);
    if (error || reload_reader_left(&reader) > 0)
        return RELOAD_E_MALFORMED;
    struct reload_ping_ans ping = {.time = reload_node_wall_ms(node)};
    node->env->random(node->env->context, &ping.response_id, sizeof ping.response_id);
    reload_ping_ans_encode(&answer->body, &node->wire, &ping);
    return 0;
}

/* One kind of information, as asked for; false for those that we do not know. */
static bool
probe(struct reload_node *node, uint8_t type, reload_time now,
      struct reload_probe_information *information)
{
    *information = (struct reload_probe_information){.type = type};
    switch (type) {
    case RELOAD_PROBE_INFORMATION_TYPE_RESPONSIBLE_SET:
        information->value.responsible_ppb = node->topology->responsible_ppb(node->topology_state);
        return true;
    case RELOAD_PROBE_INFORMATION_TYPE_NUM_RESOURCES:
        information->value.num_resources = (uint32_t)reload_storage_resource_count(&node->storage);
        return true;
    case RELOAD_PROBE_INFORMATION_TYPE_UPTIME:
        information->value.uptime = (uint32_t)((now - node->started_at) / RELOAD_SECOND);
        return true;
    default:
        return false;
    }
}

int
reload_handle_probe(struct reload_node *node, const struct reload_incoming *incoming,
                    struct reload_answer *answer, reload_time now)
{
    struct reload_reader reader = reload_reader_of(incoming->message->contents.message_body);
    struct reload_probe_req request;
    int error = reload_probe_req_decode(&reader, &node->wire, &request);
    if (error || reload_reader_left(&reader) > 0)
        return RELOAD_E_MALFORMED;
    bool done[256] = {false}; /* each once, however often it was asked for (P26) */
    size_t mark = reload_writer_begin(&answer->body, 2);
    for (size_t i = 0; i < request.requested_info.size; i++) {
        uint8_t type = request.requested_info.data[i];
        struct reload_probe_information information;
        if (!done[type] && probe(node, type, now, &information))
            reload_probe_information_encode(&answer->body, &node->wire, &information);
        done[type] = true;
    }
    reload_writer_end(&answer->body, mark, 2);
    return 0;
}

int
reload_handle_topology(struct reload_node *node, const struct reload_incoming *incoming,
                       struct reload_answer *answer, reload_time now)
{
    return node->topology->recv(node->topology_state, incoming, &answer->body, now);
}

/* Documents are not taken from the overlay yet: nobody may change ours (D11: the message is
 * accepted, its content refused). */
int
reload_handle_config_update(struct reload_node *node, const struct reload_incoming *incoming,
                            struct reload_answer *answer, reload_time now)
{
    (void)answer;
    (void)now;
    struct reload_reader reader = reload_reader_of(incoming->message->contents.message_body);
    struct reload_config_update_req request;
    int error = reload_config_update_req_decode(&reader, &node->wire, &request);
    return error || reload_reader_left(&reader) > 0 ? RELOAD_E_MALFORMED : RELOAD_E_FORBIDDEN;
}
