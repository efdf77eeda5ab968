/* town_internal.h: what the two halves of a town share.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_TOWN_INTERNAL_H
#define RELOAD_TESTS_TOWN_INTERNAL_H

#include "town.h"

enum town_kind {
    TOWN_REQUEST,  /* leaves its sender, or is tried again */
    TOWN_ARRIVAL,  /* reaches |target| */
    TOWN_ANSWER,   /* is back */
    TOWN_LINK_END, /* |source| sees that its link to |target| is gone */
    TOWN_JOIN,     /* |source| begins to join through |target| */
    TOWN_BOOTSTRAP,
    TOWN_PUSHED,
};

struct town_event {
    reload_time at;
    uint64_t sequence;
    enum town_kind kind;
    size_t source, target;
    uint64_t number;
    bool attach, send_update, cancelled;
    struct reload_route route;
    uint8_t resource[RELOAD_NODE_ID_SIZE_MAX];
    uint16_t code, error_code;
    int error;
    uint32_t link;
    reload_time begun;
    uint8_t body[4096];
    size_t size;
    reload_result_fn *done;
    reload_attach_fn *attached;
    reload_push_fn *pushed;
    void *argument;
};

struct town_event *town_schedule(struct town *town, enum town_kind kind, reload_time at);

/* Whether bytes pass between two nodes. */
bool town_reach(const struct town *town, size_t a, size_t b);

struct reload_node *town_find_node(struct town *town, const struct reload_node_id *id);

/* |node|'s link to |other|, or NULL. */
struct town_link *town_link_between(struct reload_node *node, size_t other);

/* Where a request ends, SIZE_MAX when nowhere; adds the links that it takes to |*hops|. */
size_t town_travel(struct town *town, const struct town_event *event, unsigned *hops);

/* |node| sees that its link to |other| is gone. */
void town_end_link(struct town *town, size_t node, size_t other);

#endif
