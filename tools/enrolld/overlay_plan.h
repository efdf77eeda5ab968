/* overlay_plan.h: what a new overlay shall be like, and the making of it: CA, keys, document.
 *
 * RFC 6940 11.1, 11.3. SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_ENROLLD_OVERLAY_PLAN_H
#define TOOLS_ENROLLD_OVERLAY_PLAN_H

#include "certs/key.h"
#include "reload/config.h"
#include "tools/enrolld/home.h"

/* |config| holds what the document will say; root, URL, signers and dates are added in the making.
 */
struct overlay_plan {
    struct home_settings settings;
    enum reload_key_type key_type;
    unsigned document_days, root_days;
    struct reload_config config;
};

/* overlay_plan_default fills |plan| with what suits a small overlay. */
void overlay_plan_default(struct overlay_plan *plan);

/* overlay_plan_set_name, _add_bootstrap ("HOST:PORT", "[ADDRESS]:PORT") and _add_kind
 * ("ID=MODEL,POLICY[,COUNT[,SIZE]]") read arguments. Return false when they are malformed. */
RELOAD_CHECKED bool overlay_plan_set_name(struct overlay_plan *plan, const char *name);
RELOAD_CHECKED bool overlay_plan_add_bootstrap(struct overlay_plan *plan, const char *argument);
RELOAD_CHECKED bool overlay_plan_add_kind(struct overlay_plan *plan, const char *argument);

/* overlay_plan_add_gateway names a user (D71), and restricts the overlay's users to its own domain
 * so that there are foreign ones. Returns false when |user| is none or there are too many. */
RELOAD_CHECKED bool overlay_plan_add_gateway(struct overlay_plan *plan, const char *user);

/* overlay_plan_make makes the folder |path| with all that reload-enrolld serve needs. On an error
 * |message| says what, where, and what to do. */
RELOAD_CHECKED int overlay_plan_make(struct overlay_plan *plan, const char *path, uint64_t wall_ms,
                                     struct home *home, char *message, size_t size);

#endif
