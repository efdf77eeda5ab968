/* sip_overlay.c: the SIP usage of a node, as operations.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_overlay.h"

static void
set_handler(void *overlay, const struct reload_sip_handler *handler)
{
    reload_sip_set_handler(overlay, handler);
}

static const struct reload_aor *
aor(void *overlay)
{
    return reload_sip_aor(overlay);
}

static const struct reload_config *
config(void *overlay)
{
    return reload_node_config(reload_sip_node(overlay));
}

static const struct reload_wire *
wire(void *overlay)
{
    return reload_node_wire(reload_sip_node(overlay));
}

static const struct reload_node_id *
node_id(void *overlay)
{
    return reload_node_id(reload_sip_node(overlay));
}

static int
register_aor(void *overlay, uint32_t lifetime_s, reload_sip_register_fn *done, void *argument,
             reload_time now)
{
    return reload_sip_register(overlay, lifetime_s, "", done, argument, now);
}

static int
unregister(void *overlay, reload_sip_register_fn *done, void *argument, reload_time now)
{
    return reload_sip_unregister(overlay, done, argument, now);
}

static int
lookup(void *overlay, struct reload_bytes uri, reload_time deadline, reload_sip_lookup_fn *done,
       void *argument, reload_time now, uint64_t *number)
{
    return reload_sip_lookup(overlay, uri, deadline, done, argument, now, number);
}

static void
lookup_cancel(void *overlay, uint64_t number)
{
    reload_sip_lookup_cancel(overlay, number);
}

static int
connect(void *overlay, const struct reload_sip_destination *destination, uint16_t application,
        reload_time deadline, reload_sip_connect_fn *done, void *argument, reload_time now,
        uint32_t *link, uint64_t *attempt)
{
    return reload_sip_connect(overlay, destination, application, deadline, done, argument, now,
                              link, attempt);
}

static void
connect_cancel(void *overlay, uint64_t attempt)
{
    reload_sip_connect_cancel(overlay, attempt);
}

static bool
peer(void *overlay, uint32_t link, struct reload_sip_peer *who)
{
    return reload_sip_peer(overlay, link, who);
}

static int
send(void *overlay, uint32_t link, struct reload_bytes message, reload_time now)
{
    return reload_sip_send(overlay, link, message, now);
}

static void
drop(void *overlay, uint32_t link, reload_time now)
{
    reload_sip_drop(overlay, link, now);
}

const struct reload_sip_overlay_ops reload_sip_overlay = {
    .set_handler = set_handler,
    .aor = aor,
    .config = config,
    .wire = wire,
    .node_id = node_id,
    .register_aor = register_aor,
    .unregister = unregister,
    .lookup = lookup,
    .lookup_cancel = lookup_cancel,
    .connect = connect,
    .connect_cancel = connect_cancel,
    .peer = peer,
    .send = send,
    .drop = drop,
};
