/* sip_resolution.c: following registrations.
 *
 * RFC 7904 4.2. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_resolution.h"

#include <assert.h>
#include <stdio.h>

void
reload_sip_resolution_init(struct reload_sip_resolution *resolution, const struct reload_aor *aor)
{
    *resolution = (struct reload_sip_resolution){.asked_count = 1};
    resolution->asked[0] = *aor;
}

bool
reload_sip_resolution_next(struct reload_sip_resolution *resolution, size_t *place)
{
    assert(resolution->begun <= resolution->asked_count);
    if (resolution->begun == resolution->asked_count)
        return false;
    *place = resolution->begun++;
    return true;
}

/* Returns whether |aor| is or was asked for. */
static bool
forward(struct reload_sip_resolution *resolution, size_t place, const struct reload_aor *aor)
{
    for (size_t i = 0; i < resolution->asked_count; i++)
        if (reload_aor_equal(&resolution->asked[i], aor))
            return true;
    if (resolution->forwards[place] == RELOAD_SIP_FORWARDS_MAX ||
        resolution->asked_count == RELOAD_SIP_ASKED_MAX)
        return false;
    resolution->asked[resolution->asked_count] = *aor;
    resolution->forwards[resolution->asked_count++] = (uint8_t)(resolution->forwards[place] + 1);
    return true;
}

/* Two destination lists to the same node are one target (4.2 step 3): the shorter way is kept. */
static struct reload_sip_target *
find_target(struct reload_sip_resolution *resolution, const struct reload_node_id *node_id)
{
    for (size_t i = 0; i < resolution->target_count; i++)
        if (reload_node_id_equal(&resolution->targets[i].destination.node_id, node_id))
            return &resolution->targets[i];
    return NULL;
}

static bool
add_target(struct reload_sip_resolution *resolution, const struct reload_sip_target *target)
{
    struct reload_sip_target *same = find_target(resolution, &target->destination.node_id);
    if (same) {
        if (target->destination.size < same->destination.size)
            same->destination = target->destination;
        return true;
    }
    if (resolution->target_count == RELOAD_SIP_TARGETS_MAX)
        return false;
    resolution->targets[resolution->target_count++] = *target;
    return true;
}

void
reload_sip_resolution_add(struct reload_sip_resolution *resolution, size_t place,
                          const struct reload_wire *wire, const struct reload_config *config,
                          struct reload_bytes key, struct reload_bytes value, const char *user)
{
    assert(place < resolution->begun);
    struct reload_sip_mapping mapping;
    bool used = key.size == wire->node_id_length &&
                reload_sip_registration_read(wire, value, &mapping) == 0;
    if (used && mapping.is_route) {
        struct reload_sip_target target = {.destination = mapping.destination,
                                           .application = mapping.application,
                                           .aor = resolution->asked[place],
                                           .signer = reload_node_id_of(key)};
        snprintf(target.user, sizeof target.user, "%s", user);
        used = add_target(resolution, &target);
    } else if (used) {
        used = reload_aor_permitted(config, &mapping.aor) == 0 &&
               forward(resolution, place, &mapping.aor);
    }
    if (!used)
        resolution->ignored++;
}
