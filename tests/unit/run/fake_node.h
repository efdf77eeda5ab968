/* fake_node.h: a node that does what a test says and notes what its driver tells it, in place of
 * the core.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_RUN_FAKE_NODE_H
#define RELOAD_TESTS_RUN_FAKE_NODE_H

#include "reload/node.h"

#define FAKE_EFFECTS_MAX 64

/* Counts of calls, and the arguments of the last one of each. */
struct reload_node {
    struct reload_node_options options;
    struct reload_effect effects[FAKE_EFFECTS_MAX];
    size_t effect_count;
    uint32_t next_link;
    reload_time timeout_at;

    unsigned up, incoming, down, gathered, received, app_received, timeouts;
    int up_result, incoming_result, recv_result;
    uint32_t up_link, incoming_link, down_link, recv_link;
    int down_error;
    struct reload_link_peer peer;
    struct reload_node_id peer_id;
    struct reload_offer offer;
    bool gather_failed;
    uint8_t last[20000];
    size_t last_size;
    struct reload_candidate bootstrap[64];
    size_t bootstrap_count;
};

/* Queues an effect; what it points to must live until the turn is over. */
void fake_node_ask(struct reload_node *node, const struct reload_effect *effect);

#endif
