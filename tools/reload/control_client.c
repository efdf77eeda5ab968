/* control_client.c: asks a running reloadd by its control socket.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/reload/control_client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX (32u << 20)
/* A request to the overlay takes 15 s at most (RFC 6940 6.2.1), a lookup several. */
#define ANSWER_TIME_S 60

static int
connect_to(const char *path, char *reason, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        (void)snprintf(reason, size, "%s is too long for a socket's path", path);
        return RELOAD_E_IO;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {ANSWER_TIME_S, 0};
    if (descriptor >= 0 &&
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
        connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0)
        return descriptor;
    (void)snprintf(reason, size,
                   "no node answers at %s (%s); is reloadd running? --socket PATH "
                   "says where it listens",
                   path, strerror(errno));
    if (descriptor >= 0)
        (void)close(descriptor);
    return RELOAD_E_IO;
}

static bool
send_line(int descriptor, const json_t *request)
{
    char *text = json_dumps(request, JSON_COMPACT);
    if (!text)
        return false;
    size_t size = strlen(text), sent = 0;
    text[size++] = '\n'; /* in place of the NUL */
    while (sent < size) {
        ssize_t result = send(descriptor, text + sent, size - sent, MSG_NOSIGNAL);
        if (result <= 0)
            break;
        sent += (size_t)result;
    }
    free(text);
    return sent == size;
}

/* Reads one line; NULL when there is none. */
static json_t *
read_line(int descriptor)
{
    char *line = NULL;
    size_t size = 0, capacity = 0;
    json_t *answer = NULL;
    for (;;) {
        if (size == capacity) {
            capacity = capacity ? 2 * capacity : 65536;
            char *larger = capacity <= ANSWER_MAX ? realloc(line, capacity) : NULL;
            if (!larger)
                break;
            line = larger;
        }
        ssize_t got = recv(descriptor, line + size, capacity - size, 0);
        if (got <= 0)
            break;
        size += (size_t)got;
        if (line[size - 1] != '\n')
            continue;
        answer = json_loadb(line, size, 0, NULL);
        break;
    }
    free(line);
    return answer;
}

/* What a node says may come from other nodes (error_info): nothing in it may steer a terminal. */
static void
make_plain(char *text)
{
    uint8_t before = 0;
    for (; *text; text++) {
        uint8_t octet = (uint8_t)*text;
        bool is_c1 = before == 0xc2 && octet < 0xa0; /* U+0080 to U+009F in UTF-8 */
        if (octet < 0x20 || octet == 0x7f || is_c1)
            *text = '?';
        if (is_c1)
            text[-1] = '?';
        before = octet;
    }
}

int
control_ask(const char *path, const json_t *request, json_t **result, char *reason, size_t size)
{
    int descriptor = connect_to(path, reason, size);
    if (descriptor < 0)
        return descriptor;
    json_t *answer = send_line(descriptor, request) ? read_line(descriptor) : NULL;
    (void)close(descriptor);
    if (!answer) {
        (void)snprintf(reason, size, "the node at %s gave no answer; do you run it yourself?",
                       path);
        return RELOAD_E_IO;
    }
    int error = 0;
    if (json_is_true(json_object_get(answer, "ok"))) {
        *result = json_incref(json_object_get(answer, "result"));
    } else {
        const char *words = json_string_value(json_object_get(answer, "error"));
        (void)snprintf(reason, size, "%s", words ? words : "the node's answer is not understood");
        make_plain(reason);
        error = RELOAD_E_REFUSED;
    }
    json_decref(answer);
    return error;
}
