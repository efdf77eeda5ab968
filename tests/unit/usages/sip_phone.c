/* sip_phone.c: the phones of sip_world.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "sip_world.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

struct phone *
world_phone(struct world *world)
{
    struct phone *phone = &world->phones[world->phone_count++];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    phone->world = world;
    phone->descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(phone->descriptor, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(getsockname(phone->descriptor, (struct sockaddr *)&address, &size), 0);
    phone->port = ntohs(address.sin_port);
    return phone;
}

void
request_text(const struct phone *phone, const struct request *request, char text[TEXT_MAX])
{
    const char *method = request->method ? request->method : "INVITE";
    const char *from = request->from ? request->from : "alice@dht.example.com";
    const char *to = request->to ? request->to : "bob@dht.example.com";
    const char *body = request->body ? request->body : "";
    char uri[512], hops[64] = "", branch[64];
    snprintf(uri, sizeof uri, "sip:%s", to);
    snprintf(branch, sizeof branch, "z9hG4bK%s-%u-%s", method, request->cseq,
             request->call_id ? request->call_id : "call");
    if (request->max_forwards >= 0)
        snprintf(hops, sizeof hops, "Max-Forwards: %d\r\n",
                 request->max_forwards ? request->max_forwards : 70);
    int size = snprintf(
        text, TEXT_MAX,
        "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=%s\r\n%s"
        "From: \"A\" <sip:%s>;tag=from1\r\nTo: <sip:%s>%s%s\r\nCall-ID: %s@phone\r\n"
        "CSeq: %u %s\r\nContact: <sip:x@127.0.0.1:%u>\r\n%sContent-Length: %zu\r\n\r\n%s",
        method, request->uri ? request->uri : uri, (unsigned)phone->port,
        request->branch ? request->branch : branch, hops, from, to, request->to_tag ? ";tag=" : "",
        request->to_tag ? request->to_tag : "", request->call_id ? request->call_id : "call",
        request->cseq ? request->cseq : 1, method, (unsigned)phone->port,
        request->headers ? request->headers : "", strlen(body), body);
    ck_assert_int_lt(size, TEXT_MAX);
}

void
phone_send_bytes(struct phone *phone, const struct node *node, const void *bytes, size_t size)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(node->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(sendto(phone->descriptor, bytes, size, 0, (struct sockaddr *)&to, sizeof to),
                     (ssize_t)size);
}

void
phone_send(struct phone *phone, const struct node *node, const char *text)
{
    phone_send_bytes(phone, node, text, strlen(text));
}

void
phone_request(struct phone *phone, const struct node *node, const struct request *request)
{
    static char text[TEXT_MAX];
    request_text(phone, request, text);
    phone_send(phone, node, text);
}

static bool
has_come(void *argument)
{
    struct phone *phone = argument;
    ssize_t size = recv(phone->descriptor, phone->text, sizeof phone->text - 1, 0);
    if (size < 0)
        return false;
    phone->text[size] = '\0';
    return true;
}

const char *
phone_wait(struct phone *phone, reload_time span)
{
    if (!virtual_loop_run(phone->world->loop, span, has_come, phone))
        phone->text[0] = '\0';
    return phone->text;
}

const char *
phone_expect(struct phone *phone, const char *begin, reload_time span)
{
    reload_time end = reload_loop_now(phone->world->loop) + span;
    for (;;) {
        reload_time now = reload_loop_now(phone->world->loop);
        const char *text = phone_wait(phone, end - now);
        ck_assert_msg(*text, "\"%s\" did not come", begin);
        if (strncmp(text, begin, strlen(begin)) == 0)
            return text;
        ck_assert_msg(strncmp(text, "SIP/2.0 1", 9) == 0, "instead of \"%s\" came: %s", begin,
                      text);
    }
}

void
phone_expect_nothing(struct phone *phone, reload_time span)
{
    const char *text = phone_wait(phone, span);
    ck_assert_msg(!*text, "unexpected: %s", text);
}

void
copy_headers(const char *text, const char *name, const char *as, char *out)
{
    size_t size = strlen(name);
    out += strlen(out);
    for (const char *line = text; line && *line != '\r'; line = strstr(line, "\r\n") + 2) {
        const char *end = strstr(line, "\r\n");
        if (strncasecmp(line, name, size) == 0 && line[size] == ':')
            out += sprintf(out, "%s%.*s\r\n", as ? as : name, (int)(end - line - (long)size),
                           line + size);
    }
}

void
routes_of(const char *text, bool reverse, char *out)
{
    char lines[4096] = "", *routes[16];
    size_t count = 0;
    copy_headers(text, "Record-Route", "Route", lines);
    for (char *line = strtok(lines, "\r\n"); line && count < 16; line = strtok(NULL, "\r\n"))
        routes[count++] = line;
    *out = '\0';
    for (size_t i = 0; i < count; i++)
        out += sprintf(out, "%s\r\n", routes[reverse ? count - 1 - i : i]);
}

static void
answer(struct phone *phone, const struct node *node, const char *request, const char *status_line,
       const char *tag, const char *headers, const char *body)
{
    static char text[TEXT_MAX];
    sprintf(text, "SIP/2.0 %s\r\n", status_line);
    copy_headers(request, "Via", NULL, text);
    copy_headers(request, "Record-Route", NULL, text);
    copy_headers(request, "From", NULL, text);
    copy_headers(request, "To", NULL, text);
    if (*tag)
        sprintf(text + strlen(text) - 2, ";tag=%s\r\n", tag);
    copy_headers(request, "Call-ID", NULL, text);
    copy_headers(request, "CSeq", NULL, text);
    sprintf(text + strlen(text), "Contact: <sip:y@127.0.0.1:%u>\r\n%sContent-Length: %zu\r\n\r\n%s",
            (unsigned)phone->port, headers, strlen(body), body);
    phone_send(phone, node, text);
}

void
phone_answer(struct phone *phone, const struct node *node, const char *request,
             const char *status_line, const char *tag, const char *headers)
{
    answer(phone, node, request, status_line, tag, headers, "");
}

void
phone_answer_sdp(struct phone *phone, const struct node *node, const char *request,
                 const char *status_line, const char *tag, const char *sdp)
{
    answer(phone, node, request, status_line, tag, "Content-Type: application/sdp\r\n", sdp);
}

void
phone_register(struct phone *phone, struct node *node, unsigned expires)
{
    char headers[64], call_id[32];
    snprintf(headers, sizeof headers, "Expires: %u\r\n", expires);
    snprintf(call_id, sizeof call_id, "reg%u", (unsigned)phone->port);
    phone_request(phone, node,
                  &(struct request){.method = "REGISTER",
                                    .uri = "sip:dht.example.com",
                                    .from = node->aor.text,
                                    .to = node->aor.text,
                                    .call_id = call_id,
                                    .cseq = (unsigned)(++node->world->last_number),
                                    .headers = headers});
    phone_expect(phone, "SIP/2.0 200", RELOAD_SECOND);
}
