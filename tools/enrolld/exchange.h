/* exchange.h: one request to the HTTPS server and its answer. Of server.c and its routes.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_ENROLLD_EXCHANGE_H
#define TOOLS_ENROLLD_EXCHANGE_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "tools/enrolld/connections.h"
#include "tools/enrolld/enrolment.h"
#include "tools/enrolld/worker.h"

struct server {
    struct MHD_Daemon *daemon;
    pthread_t thread; /* drives |daemon| */
    bool has_thread;
    atomic_bool stopping;
    int listener;
    const struct enrolment *settings_of; /* only what never changes: settings and config */
    struct enrolment *enrolment;         /* the worker's */
    struct worker *worker;
    struct connections connections;
    char enrolment_path[512];
    char *certificate, *key; /* PEM */
};

struct exchange {
    struct worker_job job; /* first */
    struct server *server;
    struct MHD_Connection *connection;
    struct MHD_PostProcessor *parser;
    char address[INET6_ADDRSTRLEN];
    bool malformed; /* the body is not the form that its header promised */
    bool submitted;
    struct form form;
    struct enrolment_answer answer;
};

/* exchange_begin answers from the header alone, or makes ready for the body. exchange_body takes
 * a piece of it; exchange_end is called after the last one, and again when the worker is done. */
enum MHD_Result exchange_begin(struct exchange *exchange, const char *path, const char *method);
void exchange_body(struct exchange *exchange, const char *octets, size_t size);
enum MHD_Result exchange_end(struct exchange *exchange);

/* exchange_work decides on the request, on the worker's thread; a worker_fn. */
void exchange_work(void *server, struct worker_job *job, bool cancelled);

/* exchange_new and exchange_free; a request that is with the worker must not be freed. */
struct exchange *exchange_new(struct server *server, struct MHD_Connection *connection);
void exchange_free(struct exchange *exchange);

#endif
