/* mesh.h: a topology for tests that has nothing in common with Chord: everybody is linked with
 * everybody, an identifier belongs to the node that is nearest by XOR, and everybody keeps
 * everything. What works with it does not depend on rings, fingers or neighbours.
 *
 * RFC 6940 6.4.1. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_MESH_H
#define RELOAD_TESTS_MESH_H

#include "reload/topology.h"

#define RELOAD_MESH_NAME "TEST-MESH"
#define RELOAD_MESH_MEMBERS_MAX 64

/* For documents whose topology-plugin is RELOAD_MESH_NAME; any node-id-length. */
extern const struct reload_topology_ops reload_mesh;

#endif
