/* chord_client.c: being a client, by wish or because there is no way to a neighbour.
 *
 * A ring must not depend on a link that does not exist: a node that cannot be linked with one of
 * its neighbours-to-be (both are behind NATs, and there is no relay) does not place itself (10.5).
 * It stays a client of the admitting peer, which is responsible for its Node-ID, so that others
 * find it as they find any client; or, when it is that peer that it cannot be linked with, of the
 * node that it found the overlay through. Networks change: it tries again, ever more rarely (D29).
 *
 * RFC 6940 4.2.1, 10.5. SPDX-License-Identifier: BSD-2-Clause */
#include "topology/chord_client.h"

#include "topology/chord_join.h"

#define STAY (3 * RELOAD_SECOND) /* doubled with each time; relays are found as a client */
#define STAY_DOUBLINGS_MAX 8

static void
connected(struct reload_chord *chord, struct reload_chord_place peer)
{
    chord->join.admitting = chord->join.gateway = peer;
    chord->phase = RELOAD_CHORD_CONNECTED;
    chord->timers[RELOAD_CHORD_TIMER_JOIN] = RELOAD_NEVER;
}

void
reload_chord_client_connected(struct reload_chord *chord, struct reload_chord_place peer,
                              reload_time now)
{
    connected(chord, peer);
    if (!reload_node_joined(chord->node))
        reload_topology_joined(chord->node, now);
}

static void
stay(struct reload_chord *chord, struct reload_chord_place peer, reload_time now)
{
    unsigned doublings = chord->stays < STAY_DOUBLINGS_MAX ? chord->stays : STAY_DOUBLINGS_MAX;
    reload_chord_join_abandon(chord);
    connected(chord, peer);
    chord->stays++;
    chord->timers[RELOAD_CHORD_TIMER_JOIN] = now + reload_chord_jitter(chord, STAY << doublings);
}

void
reload_chord_client_stay(struct reload_chord *chord, struct reload_chord_place peer,
                         struct reload_chord_place unreachable, reload_time now)
{
    stay(chord, peer, now);
    if (reload_node_joined(chord->node) && chord->stays > 1)
        return; /* it is known */
    struct reload_node_id id = reload_chord_node_id_of(unreachable);
    reload_chord_log(chord, "stays_client_without_link_to", unreachable);
    reload_topology_stays_client(chord->node, &id, now);
}

bool
reload_chord_client_stays_on(struct reload_chord *chord, reload_time now)
{
    if (!chord->stays || !reload_node_joined(chord->node) ||
        !reload_chord_link_to(chord, chord->join.gateway))
        return false;
    stay(chord, chord->join.gateway, now);
    return true;
}
