/* node_uri.h: Node-IDs in certificates: reload:// URIs. RFC 6940 11.3, 14.15; I2.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CERTS_NODE_URI_H
#define RELOAD_CERTS_NODE_URI_H

#include "reload/base/error.h"
#include "reload/wire/node_id.h"

/* "reload://" 4 + 40 hex digits "@" name "/" and a NUL. */
#define RELOAD_NODE_URI_MAX (9 + 4 + 40 + 1 + 255 + 1 + 1)

/* reload_node_uri_format writes the URI of |node_id| (|length| octets of it count) in |overlay|
 * into |uri|, of RELOAD_NODE_URI_MAX octets. */
void reload_node_uri_format(const struct reload_node_id *node_id, uint8_t length,
                            const char *overlay, char *uri);

/* reload_node_uri_parse reads |uri|: a Destination List with a single Node-ID of |length| octets,
 * or that Node-ID alone (by its length), at |overlay| (case does not matter), with or without the
 * final slash. The Node-IDs of all zeros and all ones are refused (D20). 0 or
 * RELOAD_E_CERTIFICATE. */
RELOAD_CHECKED int reload_node_uri_parse(struct reload_bytes uri, const char *overlay,
                                         uint8_t length, struct reload_node_id *node_id);

#endif
