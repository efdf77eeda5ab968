/* srv.h: finds a server by the domain name system's SRV records. RFC 6940 11.2, RFC 2782.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RELOAD_SRV_H
#define TOOLS_RELOAD_SRV_H

#include <stddef.h>

#include "reload/base/error.h"

#define SRV_TARGET_MAX 272

/* srv_find looks |name| ("_service._tcp.domain") up and writes "HOST:PORT" of the record to use
 * into |target|, of SRV_TARGET_MAX octets. It waits at most some ten seconds. On an error |message|
 * says what and what to do. RELOAD_E_NOT_FOUND, RELOAD_E_TIMEOUT, RELOAD_E_IO. */
RELOAD_CHECKED int srv_find(const char *name, char *target, char *message, size_t size);

#endif
