/* coturn.c: a real TURN server for tests, on loopback.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/ice/coturn.h"

#include "reload/run/socket_address.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "/usr/bin/turnserver"
#define TRIES 100
#define TRY_US 50000

/* A port that is free for UDP and TCP. */
static struct reload_address
free_address(void)
{
    for (int i = 0; i < TRIES; i++) {
        struct reload_address wanted = {.family = 4, .octets = {127, 0, 0, 1}}, got, same;
        int udp = reload_socket_bind(SOCK_DGRAM, &wanted, &got);
        ck_assert_int_ge(udp, 0);
        int tcp = reload_socket_bind(SOCK_STREAM, &got, &same);
        (void)close(udp);
        if (tcp >= 0) {
            (void)close(tcp);
            return got;
        }
    }
    ck_abort_msg("no free port");
}

static void
run(const struct coturn *server, unsigned quota)
{
    char port[16], limit[32];
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(port, sizeof port, "%u", server->address.port);
    snprintf(limit, sizeof limit, "--user-quota=%u", quota);
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nowhere < 0 || dup2(nowhere, 0) < 0 || dup2(nowhere, 1) < 0 || dup2(nowhere, 2) < 0)
        _exit(1);
    execl(PROGRAM, "turnserver", "-n", "-L", "127.0.0.1", "-E", "127.0.0.1", "-p", port, "-a", "-u",
          "user:secret", "-r", "test", limit, "--allow-loopback-peers", "--cli-password=x",
          "--no-cli", "--no-tls", "--no-dtls", "-m", "1", "-l", "/dev/null", "--simple-log",
          "--pidfile", "/dev/null", (char *)NULL);
    _exit(1);
}

/* A Binding request is answered. */
static bool
answers(const struct coturn *server)
{
    static const uint8_t request[] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1,  2,
                                      3, 4, 5, 6, 7,    8,    9,    10,   11, 12};
    uint8_t answer[512];
    struct sockaddr_storage to;
    socklen_t length = reload_address_to_socket(&server->address, AF_INET, &to);
    int asker = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct timeval wait = {.tv_usec = TRY_US};
    ck_assert_int_eq(setsockopt(asker, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait), 0);
    (void)sendto(asker, request, sizeof request, 0, (const struct sockaddr *)&to, length);
    ssize_t got = recv(asker, answer, sizeof answer, 0);
    (void)close(asker);
    if (got <= 0)
        (void)usleep(TRY_US);
    return got > 0;
}

bool
coturn_is_installed(void)
{
    return access(PROGRAM, X_OK) == 0;
}

void
coturn_start(struct coturn *server, unsigned quota)
{
    server->address = free_address();
    server->pid = fork();
    ck_assert_int_ge(server->pid, 0);
    if (server->pid == 0)
        run(server, quota);
    for (int i = 0; i < TRIES; i++)
        if (answers(server))
            return;
    coturn_stop(server);
    ck_abort_msg("turnserver says nothing");
}

void
coturn_stop(struct coturn *server)
{
    (void)kill(server->pid, SIGKILL);
    (void)waitpid(server->pid, NULL, 0);
}

void
coturn_pause(struct coturn *server)
{
    int status;
    ck_assert_int_eq(kill(server->pid, SIGSTOP), 0);
    /* Its threads go on until one of them has taken the signal. */
    ck_assert_int_eq(waitpid(server->pid, &status, WUNTRACED), server->pid);
    ck_assert(WIFSTOPPED(status));
}

struct reload_ice_relay
coturn_relay(const struct coturn *server, bool tcp)
{
    return (struct reload_ice_relay){
        .address = server->address, .tcp = tcp, .username = "user", .password = "secret"};
}
