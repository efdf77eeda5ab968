/* check_bootstrap.c: are the overlay's bootstrap nodes found and reached, by UDP and by TCP?
 *
 * A handshake is begun and ended when the other side has shown its certificate: no link is made,
 * so a running node of ours is not disturbed.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/certificate.h"
#include "reload/run/socket_address.h"
#include "tools/doctor/checkup.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#define HANDSHAKE_MS 5000

/* ---- one address ---------------------------------------------------------------------------- */

/* What a handshake found. */
struct probe {
    struct checkup *checkup;
    double began_ms, took_ms;
    bool answered; /* it showed a certificate */
    bool trusted;  /* of a node of this overlay */
    int error;     /* errno of what went wrong */
};

/* Called when the server's certificates are there; the handshake always ends here. */
static int
look_at_certificate(X509_STORE_CTX *context, void *argument)
{
    struct probe *probe = argument;
    const struct reload_config *config = probe->checkup->daemon.config;
    X509 *certificate = X509_STORE_CTX_get0_cert(context);
    X509_STORE *store = NULL;
    struct reload_identity identity;
    uint64_t wall_ms =
        probe->checkup->daemon.env.env.wall_ms(probe->checkup->daemon.env.env.context);
    probe->took_ms = checkup_now_ms() - probe->began_ms;
    probe->answered = true;
    if (reload_certificate_store(config, &store) == 0 &&
        reload_certificate_identify(certificate, config, &identity) == 0)
        probe->trusted =
            reload_certificate_check_chain(certificate, store, config, &identity, wall_ms) == 0;
    X509_STORE_free(store);
    return 0;
}

static bool
wait_for(int descriptor, short events, int timeout_ms)
{
    struct pollfd poll_for = {.fd = descriptor, .events = events};
    return poll(&poll_for, 1, timeout_ms < 0 ? 0 : timeout_ms) > 0;
}

static void
shake_hands(struct probe *probe, SSL *ssl, int descriptor)
{
    while (!probe->answered) {
        int left_ms = HANDSHAKE_MS - (int)(checkup_now_ms() - probe->began_ms);
        errno = 0;
        int result = SSL_connect(ssl);
        int why = SSL_get_error(ssl, result);
        if (probe->answered || result == 1)
            return;
        if ((why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) || left_ms <= 0) {
            probe->error = left_ms <= 0 ? ETIMEDOUT : errno ? errno : EPROTO;
            return;
        }
        struct timeval resend;
        if (SSL_is_dtls(ssl) && DTLSv1_get_timeout(ssl, &resend)) {
            int resend_ms = (int)(resend.tv_sec * 1000 + resend.tv_usec / 1000) + 1;
            left_ms = resend_ms < left_ms ? resend_ms : left_ms;
        }
        if (!wait_for(descriptor, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, left_ms) &&
            SSL_is_dtls(ssl))
            (void)DTLSv1_handle_timeout(ssl);
    }
}

/* A connected socket, not blocking; -1 and |*error|. */
static int
connect_to(const struct reload_address *address, int type, int *error)
{
    struct sockaddr_storage to;
    int family = address->family == 4 ? AF_INET : AF_INET6;
    socklen_t length = reload_address_to_socket(address, family, &to);
    int descriptor = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        *error = errno;
        return -1;
    }
    socklen_t size = sizeof *error;
    *error = connect(descriptor, (struct sockaddr *)&to, length) == 0 ? 0 : errno;
    if (*error == EINPROGRESS) {
        *error = ETIMEDOUT;
        if (wait_for(descriptor, POLLOUT, HANDSHAKE_MS))
            (void)getsockopt(descriptor, SOL_SOCKET, SO_ERROR, error, &size);
    }
    if (*error) {
        (void)close(descriptor);
        return -1;
    }
    return descriptor;
}

/* |type|: SOCK_DGRAM for DTLS, SOCK_STREAM for TLS. */
static struct probe
probe_address(struct checkup *checkup, const struct reload_address *address, int type)
{
    struct probe probe = {.checkup = checkup, .began_ms = checkup_now_ms()};
    int descriptor = connect_to(address, type, &probe.error);
    if (descriptor < 0)
        return probe;
    SSL_CTX *context = SSL_CTX_new(type == SOCK_DGRAM ? DTLS_client_method() : TLS_client_method());
    SSL *ssl = NULL;
    if (context) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_cert_verify_callback(context, look_at_certificate, &probe);
        ssl = SSL_new(context);
    }
    BIO *bio = !ssl                  ? NULL
               : type == SOCK_STREAM ? BIO_new_socket(descriptor, BIO_NOCLOSE)
                                     : BIO_new_dgram(descriptor, BIO_NOCLOSE);
    if (bio) {
        struct sockaddr_storage to;
        (void)reload_address_to_socket(address, address->family == 4 ? AF_INET : AF_INET6, &to);
        if (type == SOCK_DGRAM)
            (void)BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &to);
        SSL_set_bio(ssl, bio, bio);
        shake_hands(&probe, ssl, descriptor);
    } else {
        probe.error = ENOMEM;
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    (void)close(descriptor);
    return probe;
}

static const char *
advice_for(int type, int error)
{
    if (error == ECONNREFUSED)
        return "nothing listens there: is that node running, and is it this port?";
    if (error == ENETUNREACH || error == EHOSTUNREACH)
        return "this host has no route there: is its network up?";
    return type == SOCK_DGRAM
               ? "something on the way lets no UDP through, or the node is down"
               : "something on the way lets no TCP to that port through, or the node "
                 "is down";
}

static void
tell_address(struct checkup *checkup, const struct reload_address *address, int type,
             const struct probe *probe)
{
    char text[RELOAD_ADDRESS_TEXT_SIZE];
    const char *protocol = type == SOCK_DGRAM ? "UDP" : "TCP";
    bool other_way = type == SOCK_DGRAM ? checkup->reached_tcp : checkup->reached_udp;
    (void)reload_address_text(address, text);
    if (probe->trusted) {
        checkup_find(checkup, "bootstrap", FINDING_GOOD, NULL, "%s by %s: answers in %.0f ms", text,
                     protocol, probe->took_ms);
        checkup_number(checkup, "ms", probe->took_ms);
    } else if (probe->answered) {
        checkup_find(checkup, "bootstrap", FINDING_FAILURE,
                     "it is another overlay's, or the document here is out of date",
                     "%s by %s: its certificate is not good in this overlay", text, protocol);
    } else if (checkup->reached_udp || checkup->reached_tcp) {
        checkup_find(checkup, "bootstrap", FINDING_WARNING, advice_for(type, probe->error),
                     "%s by %s: %s; %s works", text, protocol, strerror(probe->error),
                     !other_way           ? "another bootstrap node"
                     : type == SOCK_DGRAM ? "TCP"
                                          : "UDP");
    } else {
        checkup_find(checkup, "bootstrap", FINDING_FAILURE, advice_for(type, probe->error),
                     "%s by %s: %s", text, protocol, strerror(probe->error));
    }
    checkup_text(checkup, "address", text);
    checkup_text(checkup, "protocol", protocol);
}

/* ---- all of them ---------------------------------------------------------------------------- */

static bool
is_own(const struct checkup *checkup, const struct reload_address *address)
{
    const struct reload_address *listen = &checkup->daemon.settings.listen;
    struct reload_address own[32];
    if (!reload_address_is_any(listen))
        return reload_address_equal(listen, address);
    if (listen->port != address->port)
        return false;
    size_t count = reload_address_interfaces(0, listen->port, own, sizeof own / sizeof *own);
    for (size_t i = 0; i < count; i++)
        if (reload_address_equal(&own[i], address))
            return true;
    return reload_address_is_loopback(address);
}

static void
add_address(struct checkup *checkup, const struct reload_address *address)
{
    if (is_own(checkup, address))
        checkup->is_bootstrap = true;
    else if (checkup->bootstrap_count < CHECKUP_ADDRESSES_MAX)
        checkup->bootstrap[checkup->bootstrap_count++] = *address;
}

static void
resolve(struct checkup *checkup, const struct reload_config_bootstrap *node)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG}, *found = NULL;
    struct reload_address literal;
    char port[8];
    if (reload_address_parse(node->address, node->port, &literal) == 0) {
        add_address(checkup, &literal);
        return;
    }
    (void)snprintf(port, sizeof port, "%u", node->port);
    double began_ms = checkup_now_ms();
    int error = getaddrinfo(node->address, port, &hints, &found);
    if (error) {
        checkup_find(checkup, "names", FINDING_FAILURE,
                     "look at this host's name servers, or at the name in the document",
                     "%s is not found: %s", node->address, gai_strerror(error));
        return;
    }
    unsigned count = 0;
    for (const struct addrinfo *at = found; at; at = at->ai_next) {
        struct sockaddr_storage storage = {0};
        struct reload_address address;
        memcpy(&storage, at->ai_addr, at->ai_addrlen);
        if (reload_address_of_socket(&storage, &address) == 0) {
            add_address(checkup, &address);
            count++;
        }
    }
    freeaddrinfo(found);
    checkup_find(checkup, "names", FINDING_GOOD, NULL, "%s has %u address%s, found in %.0f ms",
                 node->address, count, count == 1 ? "" : "es", checkup_now_ms() - began_ms);
}

static bool
has_protocol(const struct reload_config *config, enum reload_link_protocol protocol)
{
    for (size_t i = 0; i < config->link_protocol_count; i++)
        if (config->link_protocols[i] == protocol)
            return true;
    return false;
}

/* All are tried before anything is said: what does not work counts less when another way does. */
static void
check_addresses(struct checkup *checkup)
{
    const struct reload_config *config = checkup->daemon.config;
    bool udp = has_protocol(config, RELOAD_LINK_PROTOCOL_DTLS);
    bool tcp = has_protocol(config, RELOAD_LINK_PROTOCOL_TLS);
    struct probe by_udp[CHECKUP_ADDRESSES_MAX], by_tcp[CHECKUP_ADDRESSES_MAX];
    for (size_t i = 0; i < checkup->bootstrap_count; i++) {
        if (udp)
            by_udp[i] = probe_address(checkup, &checkup->bootstrap[i], SOCK_DGRAM);
        if (tcp)
            by_tcp[i] = probe_address(checkup, &checkup->bootstrap[i], SOCK_STREAM);
        checkup->reached_udp |= udp && by_udp[i].trusted;
        checkup->reached_tcp |= tcp && by_tcp[i].trusted;
    }
    for (size_t i = 0; i < checkup->bootstrap_count; i++) {
        if (udp)
            tell_address(checkup, &checkup->bootstrap[i], SOCK_DGRAM, &by_udp[i]);
        if (tcp)
            tell_address(checkup, &checkup->bootstrap[i], SOCK_STREAM, &by_tcp[i]);
    }
}

void
check_bootstrap(struct checkup *checkup)
{
    if (!checkup->has_credentials) {
        checkup_find(checkup, "bootstrap", FINDING_SKIPPED, NULL,
                     "without a document nobody knows the bootstrap nodes");
        return;
    }
    const struct reload_config *config = checkup->daemon.config;
    for (size_t i = 0; i < config->bootstrap_node_count; i++)
        resolve(checkup, &config->bootstrap_nodes[i]);
    check_addresses(checkup);
    if (checkup->is_bootstrap)
        checkup_find(checkup, "bootstrap", FINDING_NOTE, NULL, "this node is one itself");
    else if (checkup->bootstrap_count == 0)
        checkup_find(checkup, "bootstrap", FINDING_FAILURE,
                     "ask whoever runs the overlay for a document with bootstrap nodes",
                     "the document has none that could be found");
}
