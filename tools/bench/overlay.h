/* overlay.h: an overlay of real nodes on loopback, all in this process and on one loop, with real
 * certificates: what the node bench measures and the test of ICE overlays looks at.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_BENCH_OVERLAY_H
#define TOOLS_BENCH_OVERLAY_H

#include "certs/key.h"
#include "reload/run/driver.h"
#include "reload/run/env_host.h"

#include <openssl/x509.h>

#define OVERLAY_NODES_MAX 256
#define OVERLAY_NAME "bench.example.org"
#define OVERLAY_KIND 0xf0000001u /* SINGLE, NODE-MULTIPLE */

struct overlay_node {
    struct overlay *overlay;
    struct reload_env_host env;
    struct reload_keyring *keyring;
    struct reload_driver *driver;
    struct reload_node_id id;
    uint64_t allocations; /* calls of the core's allocator */
    bool joined;
    uint64_t started_ns;
    double join_ms;
};

struct overlay {
    struct reload_loop *loop;
    enum reload_key_type key_type;
    EVP_PKEY *root_key;
    X509 *root;
    uint8_t root_der[4096];
    struct reload_config config;
    struct overlay_node nodes[OVERLAY_NODES_MAX];
    size_t count;
    bool expired;
    struct reload_timer *timer;
    /* For links by ICE, to be set before the first node, with config.no_ice false. */
    const struct reload_ice_ops *ice;
    reload_stun_answer_fn *stun;
};

/* overlay_new makes the authority and the document. Ends the program with a message on failure,
 * like all functions here. */
struct overlay *overlay_new(enum reload_key_type key_type);
void overlay_free(struct overlay *overlay);

/* overlay_add starts one node more, on |loop| (NULL: the overlay's own), and does not wait for it.
 * Without |join| it stays a client. */
struct overlay_node *overlay_add(struct overlay *overlay, struct reload_loop *loop, bool join);

/* overlay_wait turns the loop until |*flag|, at most |limit_ms|. Returns false at the limit. */
bool overlay_wait(struct overlay *overlay, const bool *flag, unsigned limit_ms);

/* overlay_settle turns the loop for |ms|. */
void overlay_settle(struct overlay *overlay, unsigned ms);

/* overlay_datagrams returns how many datagrams all nodes have sent. */
uint64_t overlay_datagrams(const struct overlay *overlay);

/* overlay_handshakes returns how many ends of links all nodes have made. */
uint64_t overlay_handshakes(const struct overlay *overlay);

/* overlay_die ends the program with a message. */
_Noreturn void overlay_die(const char *what, const char *why);

/* overlay_wall_ns returns the monotonic clock. */
uint64_t overlay_wall_ns(void);

#endif
