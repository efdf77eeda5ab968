/* control_client.h: asks a running reloadd by its control socket.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RELOAD_CONTROL_CLIENT_H
#define TOOLS_RELOAD_CONTROL_CLIENT_H

#include "reload/base/error.h"

#include <jansson.h>

/* control_ask sends |request| to the node at |path| and waits for its answer. |*result| is to be
 * ended by json_decref. On failure |reason|, of |size| octets, says what is wrong in one line.
 * Returns 0, RELOAD_E_IO, RELOAD_E_REFUSED (the node's own words are in |reason|). */
RELOAD_CHECKED int control_ask(const char *path, const json_t *request, json_t **result,
                               char *reason, size_t size);

#endif
