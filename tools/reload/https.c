/* https.c: requests to configuration and enrolment servers, by libcurl.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/reload/https.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CONNECT_SECONDS = 10, TOTAL_SECONDS = 60, NAME_MAX_SIZE = 256 };

/* A request on its way. */
struct transfer {
    const struct https_request *request;
    struct https_answer *answer;
    CURL *curl;
    curl_mime *form;
    struct curl_slist *headers, *connect_to;
    char error[CURL_ERROR_SIZE];
    char url[1024];
    char host_header[NAME_MAX_SIZE + 16];
    bool too_large;
};

static size_t
take_body(char *data, size_t one, size_t size, void *argument)
{
    struct transfer *transfer = argument;
    struct https_answer *answer = transfer->answer;
    (void)one;
    if (size > transfer->request->size_max - answer->size) {
        transfer->too_large = true;
        return 0;
    }
    uint8_t *grown = realloc(answer->body, answer->size + size + 1);
    if (grown == NULL)
        return 0;
    memcpy(grown + answer->size, data, size);
    answer->body = grown;
    answer->size += size;
    grown[answer->size] = '\0';
    return size;
}

/* ---- the URL --------------------------------------------------------------------------------- */

/* "https://HOST[:PORT]PATH" in parts; HOST may be in brackets, which stay. */
struct url_parts {
    const char *host, *path;
    int host_size;
    char port[6];
};

static bool
split_url(const char *url, struct url_parts *parts)
{
    if (strncasecmp(url, "https://", 8) != 0)
        return false;
    parts->host = url + 8;
    size_t size = strcspn(parts->host, "/?#");
    parts->path = parts->host + size;
    if (size == 0 || memchr(parts->host, '@', size) != NULL)
        return false; /* no credentials in URLs */
    const char *end = parts->host + size, *colon = end;
    const char *bracket = *parts->host == '[' ? memchr(parts->host, ']', size) : parts->host;
    if (bracket == NULL)
        return false;
    colon = memchr(bracket, ':', (size_t)(end - bracket));
    snprintf(parts->port, sizeof parts->port, "443");
    if (colon != NULL) {
        size_t digits = (size_t)(end - colon - 1);
        if (digits == 0 || digits > 5 || strspn(colon + 1, "0123456789") < digits)
            return false;
        memcpy(parts->port, colon + 1, digits);
        parts->port[digits] = '\0';
        end = colon;
    }
    parts->host_size = (int)(end - parts->host);
    return parts->host_size > 0 && parts->host_size < NAME_MAX_SIZE;
}

/* The certificate is checked against the name in the URL, so that name is put there; where to
 * connect and the Host header stay what they were. */
static bool
set_url(struct transfer *transfer)
{
    const struct https_request *request = transfer->request;
    struct url_parts parts;
    char connect_to[2 * NAME_MAX_SIZE + 32];
    const char *name = request->certificate_name;
    if (!split_url(request->url, &parts))
        return false;
    const char *slash = *parts.path == '/' ? "" : "/";
    int length = snprintf(transfer->url, sizeof transfer->url, "https://%.*s:%s%s%s",
                          name != NULL ? (int)strlen(name) : parts.host_size,
                          name != NULL ? name : parts.host, parts.port, slash, parts.path);
    if (length < 0 || (size_t)length >= sizeof transfer->url)
        return false;
    if (name != NULL)
        snprintf(transfer->host_header, sizeof transfer->host_header, "Host: %.*s:%s",
                 parts.host_size, parts.host, parts.port);
    if (request->connect_to != NULL)
        snprintf(connect_to, sizeof connect_to, "::%s", request->connect_to);
    else
        snprintf(connect_to, sizeof connect_to, "::%.*s:%s", parts.host_size, parts.host,
                 parts.port);
    transfer->connect_to = curl_slist_append(NULL, connect_to);
    return transfer->connect_to != NULL;
}

/* ---- the request ----------------------------------------------------------------------------- */

static bool
add_header(struct transfer *transfer, const char *header)
{
    struct curl_slist *longer = curl_slist_append(transfer->headers, header);
    if (longer != NULL)
        transfer->headers = longer;
    return longer != NULL;
}

static bool
set_headers(struct transfer *transfer)
{
    char accept[160];
    snprintf(accept, sizeof accept, "Accept: %s", transfer->request->accept);
    return add_header(transfer, accept) &&
           (transfer->host_header[0] == '\0' || add_header(transfer, transfer->host_header)) &&
           curl_easy_setopt(transfer->curl, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK;
}

static bool
set_form(struct transfer *transfer)
{
    const struct https_request *request = transfer->request;
    if (request->field_count == 0)
        return true;
    transfer->form = curl_mime_init(transfer->curl);
    for (size_t i = 0; i < request->field_count && transfer->form != NULL; i++) {
        const struct https_field *field = &request->fields[i];
        curl_mimepart *part = curl_mime_addpart(transfer->form);
        if (part == NULL || curl_mime_name(part, field->name) != CURLE_OK ||
            curl_mime_data(part, (const char *)field->value.data, field->value.size) != CURLE_OK ||
            (field->type != NULL && curl_mime_type(part, field->type) != CURLE_OK) ||
            (field->filename != NULL && curl_mime_filename(part, field->filename) != CURLE_OK))
            return false;
    }
    return transfer->form != NULL &&
           curl_easy_setopt(transfer->curl, CURLOPT_MIMEPOST, transfer->form) == CURLE_OK;
}

static bool
set_options(struct transfer *transfer)
{
    CURL *curl = transfer->curl;
    const char *ca_file = transfer->request->ca_file;
    CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, transfer->url);
#define SET(option, value)                                                                         \
    if (code == CURLE_OK)                                                                          \
    code = curl_easy_setopt(curl, option, value)
    SET(CURLOPT_PROTOCOLS_STR, "https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_CONNECT_TO, transfer->connect_to);
    SET(CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    SET(CURLOPT_TIMEOUT, (long)TOTAL_SECONDS);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_USERAGENT, "reload");
    SET(CURLOPT_ERRORBUFFER, transfer->error);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, transfer);
    if (ca_file != NULL) {
        SET(CURLOPT_CAINFO, ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
#undef SET
    return code == CURLE_OK && set_headers(transfer) && set_form(transfer);
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void
take_header(struct transfer *transfer)
{
    struct https_answer *answer = transfer->answer;
    const char *type = NULL;
    curl_off_t retry = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &answer->status);
    curl_easy_getinfo(transfer->curl, CURLINFO_RETRY_AFTER, &retry);
    curl_easy_getinfo(transfer->curl, CURLINFO_CONTENT_TYPE, &type);
    answer->retry_after_s = (long)retry;
    size_t size = type != NULL ? strcspn(type, "; \t") : 0;
    for (size_t i = 0; i < size && i < sizeof answer->type - 1; i++)
        answer->type[i] = (char)tolower((unsigned char)type[i]);
}

static const char *
advice(CURLcode code, const struct https_request *request)
{
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return request->ca_file != NULL ? "; is it the right --ca FILE?"
                                        : "; name the server's CA by --ca FILE";
    case CURLE_SSL_CACERT_BADFILE:
        return "; --ca FILE must be a certificate in PEM";
    case CURLE_COULDNT_CONNECT:
        return "; is the server running?";
    default:
        return "";
    }
}

static int
perform(struct transfer *transfer, char *message, size_t size)
{
    const struct https_request *request = transfer->request;
    if (!set_options(transfer)) {
        snprintf(message, size, "%s: the request cannot be made", request->url);
        return RELOAD_E_NOMEM;
    }
    CURLcode code = curl_easy_perform(transfer->curl);
    if (transfer->too_large) {
        snprintf(message, size, "%s: the answer is longer than %zu octets", request->url,
                 request->size_max);
        return RELOAD_E_TOO_LARGE;
    }
    if (code != CURLE_OK) {
        const char *reason = *transfer->error ? transfer->error : curl_easy_strerror(code);
        snprintf(message, size, "%s: %s%s", request->url, reason, advice(code, request));
        return RELOAD_E_IO;
    }
    take_header(transfer);
    return 0;
}

int
https_do(const struct https_request *request, struct https_answer *answer, char *message,
         size_t size)
{
    struct transfer transfer = {.request = request, .answer = answer};
    *answer = (struct https_answer){0};
    if (!set_url(&transfer)) {
        snprintf(message, size, "'%.200s' is not of the form https://HOST[:PORT]/PATH",
                 request->url);
        return RELOAD_E_USAGE;
    }
    int error = RELOAD_E_NOMEM;
    transfer.curl = curl_easy_init();
    if (transfer.curl != NULL)
        error = perform(&transfer, message, size);
    else
        snprintf(message, size, "out of memory");
    curl_mime_free(transfer.form);
    curl_slist_free_all(transfer.headers);
    curl_slist_free_all(transfer.connect_to);
    curl_easy_cleanup(transfer.curl);
    if (error != 0)
        https_answer_fini(answer);
    return error;
}

void
https_answer_fini(struct https_answer *answer)
{
    free(answer->body);
    *answer = (struct https_answer){0};
}
