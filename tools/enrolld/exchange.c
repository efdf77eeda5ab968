/* exchange.c: one request to the HTTPS server and its answer.
 *
 * A request is judged by its header first: what is too long, has no length, or goes to the wrong
 * name is answered before its body is read (E6, E7). RFC 6940 11.2, 11.3.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/enrolld/exchange.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

enum { PARSER_BUFFER_SIZE = 4096 };

static const char text_plain[] = "text/plain";

static uint64_t
nanoseconds(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * RELOAD_SECOND + (uint64_t)time.tv_nsec;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* Answers and closes: a connection serves one request. |allow| and |retry_after_s| may be NULL, 0.
 */
static enum MHD_Result
answer(struct exchange *exchange, unsigned status, const char *type, struct reload_bytes body,
       const char *allow, unsigned retry_after_s)
{
    connections_answer(connections_of(exchange->connection), nanoseconds(CLOCK_MONOTONIC));
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body.size, (void *)(uintptr_t)body.data, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%u", retry_after_s);
    bool good = MHD_add_response_header(response, "Content-Type", type) == MHD_YES &&
                MHD_add_response_header(response, "Connection", "close") == MHD_YES &&
                MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES;
    if (good && allow != NULL)
        good = MHD_add_response_header(response, "Allow", allow) == MHD_YES;
    if (good && retry_after_s != 0)
        good = MHD_add_response_header(response, "Retry-After", seconds) == MHD_YES;
    enum MHD_Result result =
        good ? MHD_queue_response(exchange->connection, status, response) : MHD_NO;
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result
refuse(struct exchange *exchange, unsigned status, const char *reason)
{
    return answer(exchange, status, text_plain, reload_bytes_of_string(reason), NULL, 0);
}

/* ---- the header ------------------------------------------------------------------------------ */

static const char *
header_of(const struct exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

/* Whether |host| ("name" or "name:port") names |wanted|; address literals of IPv6 in brackets. */
static bool
names_host(const char *host, const char *wanted)
{
    size_t length = strlen(wanted);
    bool bracket = *host == '[';
    host += bracket;
    if (strncasecmp(host, wanted, length) != 0)
        return false;
    host += length;
    if (bracket && *host++ != ']')
        return false;
    return *host == '\0' || *host == ':';
}

static bool
is_for_us(const struct exchange *exchange)
{
    const struct home_settings *settings = &exchange->server->settings_of->settings;
    const char *host = header_of(exchange, "Host");
    return host != NULL &&
           (names_host(host, settings->host) || names_host(host, settings->overlay));
}

/* RFC6940 11.3: the request says that it takes a certificate. */
static bool
accepts_certificate(const struct exchange *exchange)
{
    const char *accept = header_of(exchange, "Accept");
    return accept == NULL || strcasestr(accept, "application/pkix-cert") != NULL ||
           strstr(accept, "*/*") != NULL || strcasestr(accept, "application/*") != NULL;
}

/* The length that the header announces; false: none, or not a number. */
static bool
announced_length(const struct exchange *exchange, unsigned long long *length)
{
    const char *text = header_of(exchange, "Content-Length");
    char *end;
    if (text == NULL || *text < '0' || *text > '9')
        return false;
    errno = 0;
    *length = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static enum MHD_Result
take_field(void *argument, enum MHD_ValueKind kind, const char *name, const char *filename,
           const char *type, const char *encoding, const char *octets, uint64_t offset, size_t size)
{
    struct exchange *exchange = argument;
    (void)kind, (void)filename;
    if (name != NULL)
        form_add(&exchange->form, name, type, encoding, octets, (size_t)offset, size);
    return MHD_YES;
}

static enum MHD_Result
begin_enrolment(struct exchange *exchange)
{
    static const char wanted[] = "multipart/form-data";
    unsigned long long length;
    const char *type = header_of(exchange, "Content-Type");
    if (MHD_get_connection_values(exchange->connection, MHD_GET_ARGUMENT_KIND, NULL, NULL) > 0)
        return refuse(exchange, 400, "send the form in the body, not in the URL");
    if (type == NULL || strncasecmp(type, wanted, sizeof wanted - 1) != 0)
        return refuse(exchange, 415, "send multipart/form-data");
    if (!accepts_certificate(exchange))
        return refuse(exchange, 406, "the answer is of the type application/pkix-cert");
    if (!announced_length(exchange, &length))
        return refuse(exchange, 411, "send the length of the body");
    if (length > FORM_BODY_MAX)
        return refuse(exchange, 413, "the body is too long");
    exchange->parser =
        MHD_create_post_processor(exchange->connection, PARSER_BUFFER_SIZE, take_field, exchange);
    if (exchange->parser == NULL)
        return refuse(exchange, 400, "the form has no boundary");
    return MHD_YES;
}

static enum MHD_Result
begin_config(struct exchange *exchange)
{
    return answer(exchange, 200, "application/p2p-overlay+xml",
                  exchange->server->settings_of->config->document, NULL, 0);
}

enum MHD_Result
exchange_begin(struct exchange *exchange, const char *path, const char *method)
{
    const struct route {
        const char *path, *methods[2], *allow;
        enum MHD_Result (*begin)(struct exchange *exchange);
    } routes[] = {
        {HOME_CONFIG_PATH, {"GET", "HEAD"}, "GET, HEAD", begin_config},
        {exchange->server->enrolment_path, {"POST", "POST"}, "POST", begin_enrolment},
    };
    if (!is_for_us(exchange))
        return refuse(exchange, 421, "this server does not have that name");
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        const struct route *route = &routes[i];
        if (strcmp(route->path, path) != 0)
            continue;
        if (strcmp(method, route->methods[0]) == 0 || strcmp(method, route->methods[1]) == 0)
            return route->begin(exchange);
        return answer(exchange, 405, text_plain, reload_bytes_of_string("method not allowed"),
                      route->allow, 0);
    }
    return refuse(exchange, 404, "not found");
}

/* ---- the body -------------------------------------------------------------------------------- */

void
exchange_body(struct exchange *exchange, const char *octets, size_t size)
{
    if (!exchange->malformed && MHD_post_process(exchange->parser, octets, size) != MHD_YES)
        exchange->malformed = true;
}

void
exchange_work(void *server, struct worker_job *job, bool cancelled)
{
    struct exchange *exchange = (struct exchange *)job;
    struct enrolment *enrolment = ((struct server *)server)->enrolment;
    if (cancelled)
        exchange->answer = (struct enrolment_answer){.status = 503, .token = "shutting down"};
    else
        enrolment_decide(enrolment, &exchange->form, exchange->address,
                         nanoseconds(CLOCK_MONOTONIC), nanoseconds(CLOCK_REALTIME) / RELOAD_MS,
                         &exchange->answer);
    MHD_resume_connection(exchange->connection);
}

static enum MHD_Result
submit(struct exchange *exchange)
{
    /* The parser finds out here that the last boundary is missing. */
    if (MHD_destroy_post_processor(exchange->parser) != MHD_YES)
        exchange->malformed = true;
    exchange->parser = NULL;
    if (exchange->malformed)
        return refuse(exchange, 400, "the form is malformed");
    exchange->submitted = true;
    connections_answer(connections_of(exchange->connection), nanoseconds(CLOCK_MONOTONIC));
    MHD_suspend_connection(exchange->connection);
    if (worker_submit(exchange->server->worker, &exchange->job) == 0)
        return MHD_YES;
    exchange->answer =
        (struct enrolment_answer){.status = 503, .token = "busy", .retry_after_s = 1};
    MHD_resume_connection(exchange->connection);
    return MHD_YES;
}

enum MHD_Result
exchange_end(struct exchange *exchange)
{
    if (!exchange->submitted)
        return submit(exchange);
    const struct enrolment_answer *decided = &exchange->answer;
    if (decided->status == 200)
        return answer(exchange, 200, "application/pkix-cert",
                      (struct reload_bytes){decided->certificate, decided->size}, NULL, 0);
    return answer(exchange, decided->status, text_plain, reload_bytes_of_string(decided->token),
                  NULL, decided->retry_after_s);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void
write_address(struct MHD_Connection *connection, char *text)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info != NULL ? info->client_addr : NULL;
    if (address != NULL && address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, text,
                  INET6_ADDRSTRLEN);
    else if (address != NULL && address->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, text,
                  INET6_ADDRSTRLEN);
}

struct exchange *
exchange_new(struct server *server, struct MHD_Connection *connection)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL)
        return NULL;
    exchange->server = server;
    exchange->connection = connection;
    form_init(&exchange->form);
    write_address(connection, exchange->address);
    return exchange;
}

void
exchange_free(struct exchange *exchange)
{
    if (exchange->parser != NULL)
        MHD_destroy_post_processor(exchange->parser);
    OPENSSL_free(exchange->answer.certificate);
    form_fini(&exchange->form);
    free(exchange);
}
