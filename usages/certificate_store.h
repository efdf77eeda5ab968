/* certificate_store.h: certificates kept in the overlay, by user and by node.
 *
 * RFC 6940 8. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_CERTIFICATE_STORE_H
#define RELOAD_USAGES_CERTIFICATE_STORE_H

#include "reload/usage.h"

/* The Kinds CERTIFICATE_BY_NODE and CERTIFICATE_BY_USER. The node keeps its own certificate under
 * both, from some seconds after it joined, and renews it while it runs. */
extern const struct reload_usage_ops reload_certificate_store_usage;

/* reload_certificate_check is the Kinds': |value| must be one DER SEQUENCE, whole, with nothing
 * behind it. Whose certificate it is is the access policy's matter. 0 or RELOAD_E_MALFORMED. */
int reload_certificate_check(const struct reload_wire *wire, struct reload_bytes key,
                             struct reload_bytes value);

#endif
