/* server.c: the HTTPS server: one thread for all connections, another for passwords and keys.
 *
 * libmicrohttpd is driven from a thread of ours, not its own, so that slow connections are found
 * and answered where nobody else works on them. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/enrolld/server.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "certs/file.h"
#include "certs/key.h"
#include "tools/enrolld/exchange.h"
#include "tools/enrolld/listener.h"

enum {
    PEM_SIZE_MAX = 65536,
    PER_ADDRESS_MAX = 64,
    MEMORY_SIZE = 32768,
    TURN_MS = 100,
    LAST_TURNS = 20
};

static const char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-CIPHER-ALL:"
                                     "+AES-256-GCM:+AES-128-GCM:+CHACHA20-POLY1305";

static reload_time
monotonic(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (reload_time)time.tv_sec * RELOAD_SECOND + (reload_time)time.tv_nsec;
}

/* ---- what libmicrohttpd calls ---------------------------------------------------------------- */

static enum MHD_Result
on_request(void *argument, struct MHD_Connection *connection, const char *path, const char *method,
           const char *version, const char *octets, size_t *size, void **state)
{
    struct exchange *exchange = *state;
    const struct connection *row = connections_of(connection);
    (void)version;
    if (row == NULL || row->phase == CONNECTION_REFUSED)
        return MHD_NO; /* closes it */
    if (exchange == NULL) {
        *state = exchange = exchange_new(argument, connection);
        return exchange != NULL ? exchange_begin(exchange, path, method) : MHD_NO;
    }
    if (*size != 0) {
        exchange_body(exchange, octets, *size);
        *size = 0;
        return MHD_YES;
    }
    return exchange_end(exchange);
}

static void
on_completed(void *argument, struct MHD_Connection *connection, void **state,
             enum MHD_RequestTerminationCode code)
{
    (void)argument, (void)connection, (void)code;
    if (*state != NULL)
        exchange_free(*state);
    *state = NULL;
}

static void
on_connection(void *argument, struct MHD_Connection *connection, void **state,
              enum MHD_ConnectionNotificationCode code)
{
    struct server *server = argument;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *state = connections_open(&server->connections, connection, monotonic());
    } else if (*state != NULL) {
        connections_close(*state);
        *state = NULL;
    }
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void *
serve(void *argument)
{
    struct server *server = argument;
    reload_time time_max = server->settings_of->settings.connection_seconds * RELOAD_SECOND;
    reload_time swept = monotonic();
    while (!atomic_load(&server->stopping)) {
        /* Comes back earlier when there is something to do, also when the worker is done. */
        if (MHD_run_wait(server->daemon, TURN_MS) != MHD_YES)
            abort();
        reload_time now = monotonic();
        if (now - swept < TURN_MS * RELOAD_MS)
            continue;
        swept = now;
        reload_ignore((int)connections_sweep(&server->connections, now, time_max));
    }
    return NULL;
}

/* ---- starting -------------------------------------------------------------------------------- */

/* The key goes to GnuTLS as text; here it is only looked at. */
static int
check_key(const struct home *home, char *message, size_t size)
{
    char path[PATH_MAX];
    EVP_PKEY *key;
    home_file(home, "server.key", path);
    int error = reload_key_read(path, &key, message, size);
    if (error == 0)
        EVP_PKEY_free(key);
    return error;
}

static int
read_pem(const struct home *home, const char *name, char **text, char *message, size_t size)
{
    char path[PATH_MAX];
    uint8_t *data;
    size_t length;
    home_file(home, name, path);
    int error = reload_file_read(path, PEM_SIZE_MAX, &data, &length, message, size);
    if (error == 0)
        *text = (char *)data;
    return error;
}

/* The path in the document's first enrolment URL, or the usual one. */
static void
set_enrolment_path(struct server *server, const struct reload_config *config)
{
    const char *path = NULL;
    if (config->enrollment_url_count > 0) {
        const char *host = strstr(config->enrollment_urls[0], "://");
        path = host != NULL ? strchr(host + 3, '/') : NULL;
    }
    snprintf(server->enrolment_path, sizeof server->enrolment_path, "%s",
             path != NULL ? path : HOME_ENROLMENT_PATH);
}

static int
start_daemon(struct server *server, char *message, size_t size)
{
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_LISTEN_SOCKET, server->listener, NULL},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, server->key},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, server->certificate},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)tls_priorities},
        {MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, NULL},
        {MHD_OPTION_PER_IP_CONNECTION_LIMIT, PER_ADDRESS_MAX, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_SIZE, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, server},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, server},
        {MHD_OPTION_END, 0, NULL},
    };
    server->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
                         on_request, server, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (server->daemon == NULL) {
        snprintf(message, size,
                 "HTTPS does not start: server.key does not belong to server.crt, or "
                 "one of them is not PEM; take both from the same backup");
        return RELOAD_E_CONFIG;
    }
    server->has_thread = pthread_create(&server->thread, NULL, serve, server) == 0;
    if (server->has_thread)
        return 0;
    snprintf(message, size, "no thread for HTTPS");
    return RELOAD_E_IO;
}

int
server_start(const struct home *home, struct enrolment *enrolment, struct server **started,
             char *message, size_t size)
{
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        snprintf(message, size, "out of memory");
        return RELOAD_E_NOMEM;
    }
    server->listener = -1;
    server->enrolment = enrolment;
    server->settings_of = enrolment;
    set_enrolment_path(server, enrolment->config);
    int error = check_key(home, message, size);
    if (error == 0)
        error = read_pem(home, "server.key", &server->key, message, size);
    if (error == 0)
        error = read_pem(home, "server.crt", &server->certificate, message, size);
    if (error == 0)
        error = listener_open(home->settings.listen, home->settings.port, &server->listener,
                              message, size);
    if (error == 0) {
        error = worker_start(exchange_work, server, &server->worker);
        if (error != 0)
            snprintf(message, size, "no thread: %s", reload_error_text(error));
    }
    if (error == 0)
        error = start_daemon(server, message, size);
    if (error != 0)
        server_stop(server);
    else
        *started = server;
    return error;
}

void
server_stop(struct server *server)
{
    if (server == NULL)
        return;
    /* First the worker, so that no connection stays suspended. */
    worker_stop(server->worker);
    if (server->has_thread) {
        atomic_store(&server->stopping, true);
        pthread_join(server->thread, NULL);
        /* What the worker has just decided still goes out. */
        for (int i = 0; i < LAST_TURNS; i++)
            if (MHD_run_wait(server->daemon, 0) != MHD_YES)
                break;
    }
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon); /* closes the listener */
    else if (server->listener >= 0)
        close(server->listener);
    worker_free(server->worker);
    if (server->key != NULL)
        OPENSSL_cleanse(server->key, strlen(server->key));
    free(server->key);
    free(server->certificate);
    free(server);
}
