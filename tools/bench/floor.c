/* floor.c: what DTLS records and datagrams cost by themselves.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/bench/floor.h"

#include "tools/bench/bench.h"
#include "tools/bench/overlay.h"

#include "certs/authority.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RECORDS 64 /* in the socket's buffer at a time */
#define ROUNDS 200

struct end {
    int descriptor;
    SSL_CTX *context;
    SSL *ssl;
};

static void
must(bool good, const char *what)
{
    if (!good)
        overlay_die("floor", what);
}

static void
connect_sockets(struct end *a, struct end *b)
{
    struct sockaddr_in address[2];
    struct end *ends[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        address[i] =
            (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof address[i];
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        must(fd >= 0 && bind(fd, (struct sockaddr *)&address[i], size) == 0 &&
                 getsockname(fd, (struct sockaddr *)&address[i], &size) == 0,
             "socket");
        ends[i]->descriptor = fd;
    }
    for (int i = 0; i < 2; i++)
        must(connect(ends[i]->descriptor, (struct sockaddr *)&address[1 - i], sizeof address[0]) ==
                 0,
             "connect");
}

static void
prepare(struct end *end, bool server, EVP_PKEY *key, X509 *certificate)
{
    end->context = SSL_CTX_new(server ? DTLS_server_method() : DTLS_client_method());
    must(end->context && SSL_CTX_use_certificate(end->context, certificate) == 1 &&
             SSL_CTX_use_PrivateKey(end->context, key) == 1,
         "context");
    end->ssl = SSL_new(end->context);
    BIO *bio = BIO_new_dgram(end->descriptor, BIO_NOCLOSE);
    must(end->ssl && bio, "association");
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    must(getpeername(end->descriptor, (struct sockaddr *)&peer, &size) == 0, "peer");
    BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &peer);
    SSL_set_bio(end->ssl, bio, bio);
    SSL_set_options(end->ssl, SSL_OP_NO_QUERY_MTU);
    DTLS_set_link_mtu(end->ssl, 1500);
    if (server)
        SSL_set_accept_state(end->ssl);
    else
        SSL_set_connect_state(end->ssl);
}

static void
measure(struct end *a, struct end *b, size_t size, struct floor_cost *cost)
{
    uint8_t data[2048] = {0}, got[2048];
    uint64_t write_ns = 0, read_ns = 0;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t begin = bench_cpu_ns();
        for (int i = 0; i < RECORDS; i++)
            must(SSL_write(a->ssl, data, (int)size) == (int)size, "write");
        uint64_t middle = bench_cpu_ns();
        for (int i = 0; i < RECORDS; i++)
            must(SSL_read(b->ssl, got, sizeof got) == (int)size, "read");
        write_ns += middle - begin;
        read_ns += bench_cpu_ns() - middle;
    }
    cost->write_ns = (double)write_ns / (RECORDS * ROUNDS);
    cost->read_ns = (double)read_ns / (RECORDS * ROUNDS);
}

struct floor_cost
floor_measure(size_t size)
{
    EVP_PKEY *key = NULL;
    X509 *root = NULL, *certificate = NULL;
    struct end a = {0}, b = {0};
    uint64_t wall_ms = (uint64_t)time(NULL) * 1000;
    must(reload_key_new(RELOAD_KEY_P256, &key) == 0 &&
             reload_authority_root(key, OVERLAY_NAME, wall_ms, 2, &root) == 0 &&
             reload_authority_server(key, root, key, "localhost", OVERLAY_NAME, wall_ms, 1,
                                     &certificate) == 0,
         "certificate");
    connect_sockets(&a, &b);
    prepare(&a, false, key, certificate);
    prepare(&b, true, key, certificate);
    for (int i = 0; i < 100 && (!SSL_is_init_finished(a.ssl) || !SSL_is_init_finished(b.ssl));
         i++) {
        (void)SSL_do_handshake(a.ssl);
        (void)SSL_do_handshake(b.ssl);
    }
    must(SSL_is_init_finished(a.ssl) && SSL_is_init_finished(b.ssl), "handshake");
    struct floor_cost cost;
    measure(&a, &b, size, &cost);
    struct end *ends[2] = {&a, &b};
    for (int i = 0; i < 2; i++) {
        SSL_free(ends[i]->ssl);
        SSL_CTX_free(ends[i]->context);
        close(ends[i]->descriptor);
    }
    X509_free(certificate);
    X509_free(root);
    EVP_PKEY_free(key);
    return cost;
}
