/* fake_node.c: a node that does what a test says.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/run/fake_node.h"

#include "reload/app_link.h"

#include <check.h>
#include <stdlib.h>

void
fake_node_ask(struct reload_node *node, const struct reload_effect *effect)
{
    ck_assert_uint_lt(node->effect_count, FAKE_EFFECTS_MAX);
    node->effects[node->effect_count++] = *effect;
}

int
reload_node_new(const struct reload_node_options *options, reload_time now,
                struct reload_node **node)
{
    (void)now;
    *node = calloc(1, sizeof **node);
    **node =
        (struct reload_node){.options = *options, .next_link = 1000, .timeout_at = RELOAD_NEVER};
    return 0;
}

void
reload_node_free(struct reload_node *node)
{
    free(node);
}

static void
note_octets(struct reload_node *node, uint32_t link, struct reload_bytes bytes)
{
    ck_assert_uint_le(bytes.size, sizeof node->last);
    memcpy(node->last, bytes.data, bytes.size);
    node->last_size = bytes.size;
    node->recv_link = link;
}

int
reload_node_recv(struct reload_node *node, uint32_t link, struct reload_bytes bytes,
                 reload_time now)
{
    (void)now;
    node->received++;
    note_octets(node, link, bytes);
    return node->recv_result;
}

int
reload_node_app_recv(struct reload_node *node, uint32_t link, struct reload_bytes bytes,
                     reload_time now)
{
    (void)now;
    node->app_received++;
    note_octets(node, link, bytes);
    return 0;
}

static void
note_peer(struct reload_node *node, const struct reload_link_peer *peer)
{
    node->peer = *peer;
    node->peer_id = peer->identity->node_ids[0];
}

int
reload_node_link_incoming(struct reload_node *node, const struct reload_link_peer *peer,
                          uint32_t *link, reload_time now)
{
    (void)now;
    node->incoming++;
    note_peer(node, peer);
    *link = node->incoming_link = ++node->next_link;
    return node->incoming_result;
}

int
reload_node_link_up(struct reload_node *node, uint32_t link, const struct reload_link_peer *peer,
                    reload_time now)
{
    (void)now;
    node->up++;
    node->up_link = link;
    note_peer(node, peer);
    return node->up_result;
}

void
reload_node_link_down(struct reload_node *node, uint32_t link, int error, reload_time now)
{
    (void)now;
    node->down++;
    node->down_link = link;
    node->down_error = error;
}

void
reload_node_gathered(struct reload_node *node, uint32_t link, const struct reload_offer *offer,
                     reload_time now)
{
    (void)link;
    (void)now;
    node->gathered++;
    node->gather_failed = !offer;
    if (offer)
        node->offer = *offer;
}

reload_time
reload_node_next_timeout(const struct reload_node *node)
{
    return node->timeout_at;
}

void
reload_node_timeout(struct reload_node *node, reload_time now)
{
    if (now < node->timeout_at)
        return;
    node->timeouts++;
    node->timeout_at = RELOAD_NEVER;
}

bool
reload_node_poll(struct reload_node *node, struct reload_effect *effect, reload_time now)
{
    (void)now;
    if (node->effect_count == 0)
        return false;
    *effect = node->effects[0];
    node->effect_count--;
    memmove(node->effects, node->effects + 1, node->effect_count * sizeof *node->effects);
    return true;
}

int
reload_node_start(struct reload_node *node, const struct reload_candidate *candidates, size_t count,
                  reload_time now)
{
    (void)now;
    ck_assert_uint_le(count, 64);
    memcpy(node->bootstrap, candidates, count * sizeof *candidates);
    node->bootstrap_count = count;
    return 0;
}
