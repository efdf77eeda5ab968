/* sim_overlay.c: the simulated overlays' configuration documents, as structs.
 *
 * RFC 6940 11.1. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_internal.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- the configuration document ---- */

static uint32_t
overlay_hash(struct sim *sim, const char *name)
{
    uint8_t digest[RELOAD_DIGEST_MAX];
    size_t size = 0;
    struct reload_bytes bytes = reload_bytes_of_string(name);
    int error = sim_certificates_digest(sim->certificates, 2, &bytes, 1, digest, &size);
    assert(error == 0 && size == 20);
    (void)error;
    return (uint32_t)digest[16] << 24 | (uint32_t)digest[17] << 16 | (uint32_t)digest[18] << 8 |
           digest[19];
}

static void
add_kinds(struct reload_config *config)
{
    static const struct reload_config_kind kinds[] = {
        {.kind = SIM_KIND_SLOT,
         .data_model = RELOAD_DATA_MODEL_SINGLE_VALUE,
         .access_policy = RELOAD_ACCESS_NODE_MULTIPLE,
         .max_count = 1,
         .max_size = SIM_VALUE_MAX,
         .max_node_multiple = SIM_SLOTS_MAX},
        {.kind = SIM_KIND_USER,
         .data_model = RELOAD_DATA_MODEL_SINGLE_VALUE,
         .access_policy = RELOAD_ACCESS_USER_MATCH,
         .max_count = 1,
         .max_size = SIM_VALUE_MAX},
        {.kind = SIM_KIND_ARRAY,
         .data_model = RELOAD_DATA_MODEL_ARRAY,
         .access_policy = RELOAD_ACCESS_NODE_MATCH,
         .max_count = 16,
         .max_size = SIM_VALUE_MAX},
        {.kind = SIM_KIND_DICTIONARY,
         .data_model = RELOAD_DATA_MODEL_DICTIONARY,
         .access_policy = RELOAD_ACCESS_USER_NODE_MATCH,
         .max_count = 16,
         .max_size = SIM_VALUE_MAX},
    };
    memcpy(config->kinds, kinds, sizeof kinds);
    config->kind_count = sizeof kinds / sizeof *kinds;
}

void
sim_overlay_make(struct sim *sim, uint32_t index)
{
    struct sim_overlay *overlay = &sim->overlays[index];
    struct reload_config *config = calloc(1, sizeof *config);
    if (!config)
        abort();
    overlay->config = config;
    overlay->first_peer = SIM_NOBODY;
    snprintf(config->instance_name, sizeof config->instance_name, "overlay%" PRIu32 ".sim", index);
    snprintf(overlay->document, sizeof overlay->document,
             "<configuration instance-name=\"%.40s\" sequence=\"1\"/>", config->instance_name);
    config->document = reload_bytes_of_string(overlay->document);
    config->overlay = overlay_hash(sim, config->instance_name);
    config->sequence = 1;
    snprintf(config->topology_plugin, sizeof config->topology_plugin, "%s",
             sim->options.topology->name);
    config->node_id_length = 16;
    config->max_message_size = 5000;
    config->initial_ttl = 100;
    config->overlay_reliability_timer_ms = 3000;
    config->clients_permitted = true;
    config->no_ice = true;
    config->link_protocols[0] = RELOAD_LINK_PROTOCOL_DTLS;
    config->link_protocols[1] = RELOAD_LINK_PROTOCOL_TLS;
    config->link_protocol_count = 2;
    config->turn_density = 1;
    config->chord_update_interval_s = 600;
    config->chord_ping_interval_s = 3600;
    config->chord_reactive = true;
    add_kinds(config);
    if (sim->options.configure)
        sim->options.configure(config, index);
}

struct reload_config *
sim_config(struct sim *sim, uint32_t overlay)
{
    assert(overlay < sim->options.overlays);
    return sim->overlays[overlay].config;
}

bool
sim_is_first_peer(const struct sim *sim, uint32_t node)
{
    return sim->overlays[sim_overlay_of(sim, node)].first_peer == node;
}

bool
sim_is_bootstrap_node(const struct sim *sim, uint32_t node)
{
    const struct sim_overlay *overlay = &sim->overlays[sim_overlay_of(sim, node)];
    for (size_t i = 0; i < overlay->bootstrap_count; i++)
        if (overlay->bootstrap[i] == node)
            return true;
    return false;
}
