/* town.h: many topologies in one process, with just enough of a core around each: requests that
 * find their way by next_hop, Attaches, links that break, data that is pushed. Virtual time, no
 * bytes on any wire: what a topology decides shows, and any message may be forged.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_TOWN_H
#define RELOAD_TESTS_TOWN_H

#include "reload/base/prng.h"
#include "reload/topology.h"

#define TOWN_NODES_MAX 64
#define TOWN_LINKS_MAX 128 /* of one node */
#define TOWN_VALUES_MAX 64 /* of one node */
#define TOWN_EVENTS_MAX 8192

struct town;

struct town_link {
    uint32_t number; /* 0: free */
    size_t other;
};

/* What stands behind struct reload_node here. */
struct reload_node {
    struct town *town;
    size_t index;
    struct reload_node_id id;
    struct reload_env env;
    void *state;
    bool alive, client, may_found;
    bool joining, joined, stays_client;
    struct reload_node_id unreachable; /* why it stays a client */
    unsigned joins, failures, rejoins, changes;
    struct town_link links[TOWN_LINKS_MAX];
    struct reload_node_id values[TOWN_VALUES_MAX]; /* Resource-IDs of what it stores */
    size_t value_count;
};

struct town_event;

struct town {
    const struct reload_topology_ops *ops;
    struct reload_config config;
    struct reload_wire wire;
    struct reload_keyring keyring;
    struct reload_prng prng;
    struct reload_node nodes[TOWN_NODES_MAX];
    size_t count;
    struct town_event *events[TOWN_EVENTS_MAX];
    size_t event_count;
    uint64_t sequence, number;
    uint32_t last_link;
    reload_time now;
    reload_time hop_delay;
    bool split; /* even nodes and odd nodes do not reach each other */
    bool apart[TOWN_NODES_MAX][TOWN_NODES_MAX]; /* no link can be made between the two */
    uint64_t requests, hops, pushes_refused, updates;
    /* Sees each request as it is made, Attaches too; may be NULL. */
    void (*watch)(const struct reload_node *from, const struct reload_route *route, uint16_t code);
};

/* town_new makes an empty town of nodes that run |ops|. */
struct town *town_new(const struct reload_topology_ops *ops, uint64_t seed);
void town_free(struct town *town);

/* town_add makes a node with a random Node-ID, that does nothing yet. Returns its index. */
size_t town_add(struct town *town, bool client);

/* town_found lets |node| be the first; town_join lets it join through |bootstrap|. */
void town_found(struct town *town, size_t node);
void town_join(struct town *town, size_t node, size_t bootstrap);

/* town_kill ends a node without a word; the others' links to it fail 3 seconds later. */
void town_kill(struct town *town, size_t node);

void town_leave(struct town *town, size_t node);

/* town_cut ends the link between two nodes. */
void town_cut(struct town *town, size_t a, size_t b);

/* town_part says whether a link can be made between two nodes from now on; there are NATs that do
 * not let any. */
void town_part(struct town *town, size_t a, size_t b, bool apart);

/* town_link makes a link between two nodes, |a| the one that wished it. */
void town_link(struct town *town, size_t a, size_t b, bool wants_update);

/* town_run goes on for |span|. */
void town_run(struct town *town, reload_time span);

/* town_deliver hands a request to |node| as if it had come over its link to |over|, signed by
 * |signer|. Returns what the topology returned. */
int town_deliver(struct town *town, size_t node, size_t over, size_t signer, uint16_t code,
                 struct reload_bytes body);

/* town_owner returns which living, joined peer should be responsible for |id|, by the ring. */
size_t town_owner(const struct town *town, const struct reload_node_id *id);

/* town_walk sends a message for |id| from |node| and returns where it ends, SIZE_MAX when nowhere;
 * |*hops| gets how many links it took. */
size_t town_walk(struct town *town, size_t node, const struct reload_node_id *id, unsigned *hops);

#endif
