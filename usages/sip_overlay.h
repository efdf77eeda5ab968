/* sip_overlay.h: what a SIP proxy needs of an overlay, as operations, so that a test can stand in
 * for a node. The functions' contracts are those of usages/sip.h, with the usage as |overlay|.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_SIP_OVERLAY_H
#define RELOAD_USAGES_SIP_OVERLAY_H

#include "usages/sip.h"

struct reload_sip_overlay_ops {
    void (*set_handler)(void *overlay, const struct reload_sip_handler *handler);
    const struct reload_aor *(*aor)(void *overlay);
    const struct reload_config *(*config)(void *overlay);
    const struct reload_wire *(*wire)(void *overlay);
    const struct reload_node_id *(*node_id)(void *overlay);
    int (*register_aor)(void *overlay, uint32_t lifetime_s, reload_sip_register_fn *done,
                        void *argument, reload_time now);
    int (*unregister)(void *overlay, reload_sip_register_fn *done, void *argument, reload_time now);
    int (*lookup)(void *overlay, struct reload_bytes uri, reload_time deadline,
                  reload_sip_lookup_fn *done, void *argument, reload_time now, uint64_t *lookup);
    void (*lookup_cancel)(void *overlay, uint64_t lookup);
    int (*connect)(void *overlay, const struct reload_sip_destination *destination,
                   uint16_t application, reload_time deadline, reload_sip_connect_fn *done,
                   void *argument, reload_time now, uint32_t *link, uint64_t *attempt);
    void (*connect_cancel)(void *overlay, uint64_t attempt);
    bool (*peer)(void *overlay, uint32_t link, struct reload_sip_peer *peer);
    int (*send)(void *overlay, uint32_t link, struct reload_bytes message, reload_time now);
    void (*drop)(void *overlay, uint32_t link, reload_time now);
};

/* The operations of a real node: |overlay| is its struct reload_sip. */
extern const struct reload_sip_overlay_ops reload_sip_overlay;

#endif
