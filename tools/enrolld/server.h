/* server.h: the HTTPS server for enrolment and for the configuration document.
 *
 * RFC 6940 11.2, 11.3; attacks E6, E7. SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_ENROLLD_SERVER_H
#define TOOLS_ENROLLD_SERVER_H

#include "tools/enrolld/enrolment.h"

struct server;

/* server_start listens where |home| says and answers from |enrolment|, which from then on belongs
 * to the server's threads until server_stop. On an error |message| says what and what to do.
 * RELOAD_E_IO, RELOAD_E_CONFIG, RELOAD_E_NOMEM. */
RELOAD_CHECKED int server_start(const struct home *home, struct enrolment *enrolment,
                                struct server **server, char *message, size_t size);

/* server_stop answers what is at work, closes everything and frees |server|; NULL is allowed. */
void server_stop(struct server *server);

#endif
