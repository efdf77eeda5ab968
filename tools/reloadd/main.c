/* main.c: reloadd, a RELOAD node.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/reloadd/daemon.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { EXIT_USAGE = 2 };

static const char help[] =
    "usage: reloadd [--config FILE] [--check]\n"
    "\n"
    "Runs a node of a RELOAD overlay until SIGINT, SIGTERM or `reload leave`.\n"
    "\n"
    "  --config FILE  the configuration (default: /etc/reloadd.conf)\n"
    "  --check        check the configuration, the files it names and the ports, then end\n"
    "\n"
    "The configuration:\n"
    "\n"
    "  [node]\n"
    "  document = overlay.xml      ; the overlay's configuration document\n"
    "  certificate = node.pem      ; this node's certificate\n"
    "  key = node.key              ; its private key, readable by nobody else\n"
    "  listen = 0.0.0.0:6084       ; for links, UDP and TCP\n"
    "  prefer = tls                ; or dtls; else the document's first overlay-link-protocol\n"
    "  client = no                 ; yes: store and fetch without joining the ring\n"
    "  first-node = no             ; yes: found the overlay when nobody else is there\n"
    "  roles = registrar, proxy    ; serve SIP phones; turn: be a relay\n"
    "  turn = on                   ; off: do not use the overlay's relays\n"
    "  state = reloadd.state       ; what is stored here, across restarts; none: in memory only\n"
    "  durable = no                ; yes: a Store is answered when it is on the disk\n"
    "  control = reloadd.sock      ; for `reload status` and the like\n"
    "  log = info                  ; error, warning, info or debug\n"
    "  overlay = example.org       ; which configuration of the document, when it has several\n"
    "  strict-config = no          ; yes: refuse a document that the schema does not allow\n"
    "\n"
    "  [sip]\n"
    "  listen = 127.0.0.1:5060     ; for phones\n"
    "  remote-phones = no          ; yes: also phones on other hosts, with a password\n"
    "  password-file = sip.secret  ; its first line is the phones' password\n"
    "  rtp-relay = off             ; on: relay RTP of phones that do not speak ICE\n"
    "\n"
    "  [turn]\n"
    "  listen = 192.0.2.1:3478     ; where the relay is, UDP and TCP; else our first public "
    "address\n"
    "  external-address = 192.0.2.1 ; how others see it, behind a NAT with a fixed address\n"
    "  ports = 49152-65535         ; for relayed addresses\n"
    "  max-bitrate = 3000          ; kbit/s of one allocation; 0: no limit\n"
    "  user-quota = 128            ; allocations of one node\n"
    "  total-quota = 1000          ; allocations of all\n"
    "  allow = 10.0.0.0/8          ; laboratories: relays may be there and reach there, though it\n"
    "                              ; is not public; on the relay and on those who use it\n";

/* Keys are in this memory: no core dumps, and no file that others can read unless it says so. */
static void
protect(void)
{
    struct rlimit none = {0, 0};
    (void)umask(077);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
}

/* Each link over TCP and each application's link costs descriptors. */
static void
allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int
serve(const char *path, bool check_only)
{
    char reason[SETTINGS_REASON_SIZE] = "";
    struct daemon *daemon = calloc(1, sizeof *daemon);
    if (!daemon) {
        fputs("reloadd: out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    int error = settings_read(path, &daemon->settings, reason);
    if (!error) {
        reload_env_host_init(&daemon->env, daemon->settings.log, "reloadd");
        error = daemon_open(daemon, reason);
        if (!error && check_only)
            printf("%s: good\n", path);
        else if (!error)
            error = daemon_run(daemon, reason);
        daemon_close(daemon);
    }
    if (error)
        fprintf(stderr, "reloadd: %s\n", *reason ? reason : reload_error_text(error));
    free(daemon);
    return error ? EXIT_FAILURE : EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"check", no_argument, NULL, 'k'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *path = "/etc/reloadd.conf";
    bool check_only = false;
    for (int option; (option = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
        if (option == 'c')
            path = optarg;
        if (option == 'k')
            check_only = true;
        if (option == 'h') {
            fputs(help, stdout);
            return EXIT_SUCCESS;
        }
        if (option == '?') {
            fputs("reloadd: reloadd --help says what may be given\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "reloadd: unexpected argument '%s'; see reloadd --help\n", argv[optind]);
        return EXIT_USAGE;
    }
    protect();
    allow_descriptors();
    return serve(path, check_only);
}
