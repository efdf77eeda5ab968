/* kind.h: the Kinds that a node knows. RFC 6940 7.4.5, 11.1; I7.
 *
 * A node knows the Kinds of the document's required-kinds and those that its usages define: the
 * first because members MUST support them, the second because the document may leave out what only
 * some members use. Limits are the document's, where it has the Kind, else the usage's. Data model
 * and access policy of a registered Kind are the RFC's, whatever the document says.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_KIND_H
#define RELOAD_CORE_KIND_H

#include "reload/usage.h"

/* |rows| are sorted by Kind-ID, each is there once. */
struct reload_kinds {
    const struct reload_env *env;
    struct reload_kind *rows;
    size_t count;
};

/* reload_kinds_init builds the table; |config| may end afterwards, the usages' rows are copied but
 * their names are not.
 * Returns 0; RELOAD_E_CONFIG: a Kind of the document cannot be supported (unknown policy or model,
 * USER-NODE-MATCH without a dictionary, NODE-MULTIPLE without a maximum, no values allowed, or
 * another data model or policy than the usage that defines it); RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_kinds_init(struct reload_kinds *kinds, const struct reload_env *env,
                                     const struct reload_config *config,
                                     const struct reload_usage_ops *const *usages,
                                     size_t usage_count);

void reload_kinds_fini(struct reload_kinds *kinds);

/* reload_kinds_find returns the row of |kind|, or NULL when it is not known. */
const struct reload_kind *reload_kinds_find(const struct reload_kinds *kinds, uint32_t kind);

/* reload_kinds_model returns the data model of |kind|, 0 when it is not known: the |kind_model| of
 * struct reload_wire, whose |kinds| is a struct reload_kinds. */
int reload_kinds_model(const void *kinds, uint32_t kind);

/* reload_kinds_unknown adds |kind| to the error_info of an Error_Unknown_Kind (7.4.1.2): Kind-IDs
 * behind a length of one octet, of which 63 fit; more are left out. |info| is empty at first. */
void reload_kinds_unknown(struct reload_writer *info, uint32_t kind);

#endif
