/* control.c: the control socket: connections, requests, and the table of commands.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/reloadd/control.h"

#include "reload/run/loop_libevent.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128
#define OUTPUT_MAX (16u << 20)

static const struct {
    const char *name;
    control_fn *fn;
} commands[] = {
    {"status", control_status}, {"peers", control_peers},   {"routes", control_routes},
    {"fetch", control_fetch},   {"store", control_store},   {"remove", control_remove},
    {"ping", control_ping},     {"lookup", control_lookup}, {"leave", control_leave},
    {"attach", control_attach}, {"relays", control_relays}, {"own-relay", control_own_relay},
};

struct control_connection {
    struct control *control;
    int descriptor;
    struct reload_watch *watch;
    char *input; /* the line so far */
    size_t input_size, input_capacity;
    char *output; /* what the other side has not taken yet */
    size_t output_size;
    struct control_connection *next;
};

struct control {
    struct daemon *daemon;
    char path[PATH_MAX];
    int descriptor;
    struct reload_watch *watch;
    struct reload_after *after;
    struct control_connection *connections;
    size_t connection_count;
    struct control_request *requests;
    size_t request_count;
};

/* ---- connections ---------------------------------------------------------------------------- */

static void
close_connection(struct control_connection *connection)
{
    struct control *control = connection->control;
    for (struct control_request *at = control->requests; at; at = at->next)
        if (at->connection == connection)
            at->connection = NULL;
    struct control_connection **place = &control->connections;
    while (*place != connection)
        place = &(*place)->next;
    *place = connection->next;
    control->connection_count--;
    reload_watch_free(connection->watch);
    (void)close(connection->descriptor);
    free(connection->input);
    free(connection->output);
    free(connection);
}

/* Sends what waits. Whoever is not there any more is not waited for: the end is read next. */
static void
flush(struct control_connection *connection)
{
    size_t sent = 0;
    while (sent < connection->output_size) {
        ssize_t result = send(connection->descriptor, connection->output + sent,
                              connection->output_size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (result < 0 && errno == EINTR)
            continue;
        if (result < 0 && errno == EAGAIN)
            break;
        if (result < 0)
            (void)shutdown(connection->descriptor, SHUT_RDWR);
        sent = result < 0 ? connection->output_size : sent + (size_t)result;
    }
    connection->output_size -= sent;
    if (connection->output_size)
        memmove(connection->output, connection->output + sent, connection->output_size);
    reload_watch_set(connection->watch,
                     connection->output_size ? RELOAD_WATCH_WRITE : RELOAD_WATCH_READ);
}

/* At the end of a turn of the loop: answers go out when what they tell of is kept. */
static void
flush_all(void *argument)
{
    struct control *control = argument;
    bool is_synced = false;
    for (struct control_connection *at = control->connections; at; at = at->next) {
        if (at->output_size == 0)
            continue;
        if (!is_synced)
            reload_driver_sync(control->daemon->driver);
        is_synced = true;
        flush(at);
    }
}

static void
send_text(struct control_connection *connection, const char *text, size_t size)
{
    char *output = NULL;
    if (connection->output_size + size <= OUTPUT_MAX)
        output = realloc(connection->output, connection->output_size + size);
    if (!output) {
        (void)shutdown(connection->descriptor, SHUT_RDWR); /* closed when it is read from */
        return;
    }
    memcpy(output + connection->output_size, text, size);
    connection->output = output;
    connection->output_size += size;
    reload_watch_set(connection->watch, RELOAD_WATCH_WRITE); /* so that the loop turns: flush_all */
}

/* ---- requests ------------------------------------------------------------------------------- */

static void
free_request(struct control *control, struct control_request *request)
{
    if (request->next)
        request->next->previous = request->previous;
    if (request->previous)
        request->previous->next = request->next;
    else
        control->requests = request->next;
    control->request_count--;
    json_decref(request->arguments);
    reload_json_free(&request->result);
    free(request);
}

static void
finish(struct control_request *request, const struct reload_json *line)
{
    if (request->connection && !line->failed)
        send_text(request->connection, line->text, line->size);
    else if (request->connection)
        (void)shutdown(request->connection->descriptor, SHUT_RDWR);
    free_request(request->daemon->control, request);
}

void
control_refuse(struct control_request *request, const char *format, ...)
{
    char text[512], data[4096];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct reload_json line = reload_json_fixed(data, sizeof data - 1);
    reload_json_begin_object(&line);
    reload_json_key(&line, "ok");
    reload_json_boolean(&line, false);
    reload_json_key(&line, "error");
    reload_json_text(&line, text);
    reload_json_end_object(&line);
    if (!line.failed)
        line.text[line.size++] = '\n';
    finish(request, &line);
}

void
control_answer(struct control_request *request)
{
    static const char begin[] = "{\"ok\":true,\"result\":", end[] = "}\n";
    if (request->result.failed) {
        control_refuse(request, "out of memory");
        return;
    }
    size_t size = sizeof begin - 1 + request->result.size + sizeof end - 1;
    char *text = malloc(size + 1);
    struct reload_json line = {.text = text, .size = size, .failed = !text};
    if (text)
        (void)snprintf(text, size + 1, "%s%s%s", begin, request->result.text, end);
    finish(request, &line);
    free(text);
}

static control_fn *
find_command(const char *name)
{
    for (size_t i = 0; name && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].fn;
    return NULL;
}

/* Takes over |arguments|. */
static void
begin_request(struct control_connection *connection, json_t *arguments)
{
    struct control *control = connection->control;
    struct control_request *request = calloc(1, sizeof *request);
    if (!request) {
        json_decref(arguments);
        (void)shutdown(connection->descriptor, SHUT_RDWR);
        return;
    }
    *request = (struct control_request){.daemon = control->daemon,
                                        .arguments = arguments,
                                        .result = reload_json_growing(NULL, NULL),
                                        .connection = connection,
                                        .next = control->requests};
    if (control->requests)
        control->requests->previous = request;
    control->requests = request;
    control->request_count++;
    const char *name = control_text(request, "command");
    control_fn *fn = find_command(name);
    if (control->request_count > CONTROL_REQUESTS_MAX)
        control_refuse(request, "too many requests at once");
    else if (!name)
        control_refuse(request, "a line has to be a JSON object with a \"command\"");
    else if (!fn)
        control_refuse(request, "unknown command '%.40s'", name);
    else
        fn(request);
}

static void
take_line(struct control_connection *connection, const char *line, size_t size)
{
    json_t *arguments = json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(arguments)) {
        begin_request(connection, arguments);
        return;
    }
    json_decref(arguments);
    begin_request(connection, json_object());
}

/* ---- reading -------------------------------------------------------------------------------- */

/* Serves each whole line of the input. */
static void
take_lines(struct control_connection *connection)
{
    size_t begin = 0;
    for (;;) {
        const char *from = connection->input + begin;
        const char *end = memchr(from, '\n', connection->input_size - begin);
        if (!end)
            break;
        take_line(connection, from, (size_t)(end - from));
        begin += (size_t)(end - from) + 1;
    }
    connection->input_size -= begin;
    if (begin)
        memmove(connection->input, connection->input + begin, connection->input_size);
}

static bool
read_some(struct control_connection *connection)
{
    if (connection->input_size == connection->input_capacity) {
        size_t capacity = connection->input_capacity ? 2 * connection->input_capacity : 4096;
        char *input = capacity <= CONTROL_LINE_MAX ? realloc(connection->input, capacity) : NULL;
        if (!input)
            return false;
        connection->input = input;
        connection->input_capacity = capacity;
    }
    ssize_t got = recv(connection->descriptor, connection->input + connection->input_size,
                       connection->input_capacity - connection->input_size, MSG_DONTWAIT);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    connection->input_size += (size_t)got;
    return got > 0;
}

static void
on_ready(void *argument, int descriptor, unsigned events)
{
    (void)descriptor;
    struct control_connection *connection = argument;
    if ((events & RELOAD_WATCH_READ) && !read_some(connection)) {
        close_connection(connection);
        return;
    }
    take_lines(connection);
}

/* ---- listening ------------------------------------------------------------------------------ */

static bool
may_control(int descriptor)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

static void
on_connection(void *argument, int descriptor, unsigned events)
{
    (void)events;
    struct control *control = argument;
    int accepted = accept4(descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0)
        return;
    struct control_connection *connection = calloc(1, sizeof *connection);
    if (!connection || !may_control(accepted) ||
        control->connection_count == CONTROL_CONNECTIONS_MAX ||
        reload_loop_watch(control->daemon->loop, accepted, RELOAD_WATCH_READ, on_ready, connection,
                          &connection->watch) != 0) {
        free(connection);
        (void)close(accepted);
        return;
    }
    connection->control = control;
    connection->descriptor = accepted;
    connection->next = control->connections;
    control->connections = connection;
    control->connection_count++;
}

/* Returns whether a node answers at |address|. */
static bool
is_served(const struct sockaddr_un *address)
{
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool served =
        descriptor >= 0 && connect(descriptor, (const void *)address, sizeof *address) == 0;
    if (descriptor >= 0)
        (void)close(descriptor);
    return served;
}

/* Removes the socket that an ended node left behind, and nothing else. */
static int
make_place(const struct sockaddr_un *address, char *reason)
{
    struct stat status;
    if (lstat(address->sun_path, &status) != 0)
        return 0;
    if (!S_ISSOCK(status.st_mode) || status.st_uid != geteuid()) {
        (void)snprintf(reason, SETTINGS_REASON_SIZE,
                       "%s: is not a socket of ours; 'control' in [node] names another place",
                       address->sun_path);
        return RELOAD_E_IO;
    }
    if (is_served(address)) {
        (void)snprintf(reason, SETTINGS_REASON_SIZE,
                       "%s: another node is controlled there; 'control' in [node] names another "
                       "place",
                       address->sun_path);
        return RELOAD_E_IO;
    }
    (void)unlink(address->sun_path);
    return 0;
}

static int
begin_listening(struct control *control, const char *path, char *reason)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        (void)snprintf(reason, SETTINGS_REASON_SIZE,
                       "%.200s: too long for a socket's path; 'control' in [node] names it", path);
        return RELOAD_E_IO;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int error = make_place(&address, reason);
    if (error)
        return error;
    control->descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mode_t mask = umask(0177);
    bool bound = control->descriptor >= 0 &&
                 bind(control->descriptor, (struct sockaddr *)&address, sizeof address) == 0;
    int problem = errno;
    (void)umask(mask);
    if (bound)
        (void)snprintf(control->path, sizeof control->path, "%s", path);
    if (bound && listen(control->descriptor, BACKLOG) == 0)
        return 0;
    (void)snprintf(reason, SETTINGS_REASON_SIZE,
                   "%.200s: cannot be made: %s; 'control' in [node] names another place", path,
                   strerror(problem));
    return RELOAD_E_IO;
}

int
control_new(struct daemon *daemon, const char *path, struct control **control, char *reason)
{
    struct control *made = calloc(1, sizeof *made);
    if (!made)
        return RELOAD_E_NOMEM;
    made->daemon = daemon;
    made->descriptor = -1;
    int error = begin_listening(made, path, reason);
    if (!error)
        error = reload_loop_watch(daemon->loop, made->descriptor, RELOAD_WATCH_READ, on_connection,
                                  made, &made->watch);
    if (!error)
        error = reload_loop_after(daemon->loop, flush_all, made, &made->after);
    if (error)
        control_free(made);
    else
        *control = made;
    return error;
}

void
control_close(struct control *control)
{
    if (!control)
        return;
    while (control->connections)
        close_connection(control->connections);
    reload_after_free(control->after);
    reload_watch_free(control->watch);
    control->after = NULL;
    control->watch = NULL;
    if (control->descriptor >= 0)
        (void)close(control->descriptor);
    control->descriptor = -1;
    if (*control->path)
        (void)unlink(control->path);
    *control->path = 0;
}

void
control_free(struct control *control)
{
    if (!control)
        return;
    control_close(control);
    while (control->requests)
        free_request(control, control->requests);
    free(control);
}

/* ---- arguments ------------------------------------------------------------------------------ */

const char *
control_text(const struct control_request *request, const char *name)
{
    return json_string_value(json_object_get(request->arguments, name));
}

static int
hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool
control_hex(const struct control_request *request, const char *name, uint8_t *data, size_t capacity,
            size_t *size)
{
    const char *text = control_text(request, name);
    size_t length = text ? strlen(text) : 1;
    if (length % 2 || length / 2 > capacity)
        return false;
    for (size_t i = 0; i < length; i += 2) {
        int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0)
            return false;
        data[i / 2] = (uint8_t)(high << 4 | low);
    }
    *size = length / 2;
    return true;
}
