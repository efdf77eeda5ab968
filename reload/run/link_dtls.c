/* link_dtls.c: DTLS associations with many peers over one way for datagrams: which datagram belongs
 * to which.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/dtls_internal.h"

#include "reload/run/loop_libevent.h"
#include "reload/run/socket_address.h"

#include <assert.h>
#include <stdlib.h>

#define BUCKETS_FIRST 16
#define SWEEP_INTERVAL (200 * RELOAD_MS)

/* ---- the table ------------------------------------------------------------------------------ */

/* Seeded, so that nobody can choose addresses that meet in one bucket. */
static size_t
bucket_of(const struct reload_dtls *dtls, const struct reload_address *address)
{
    uint64_t parts[2], hash = dtls->seeds[0] ^ address->port;
    memcpy(parts, address->octets, sizeof parts);
    for (size_t i = 0; i < 2; i++) {
        hash = (hash ^ parts[i]) * (dtls->seeds[1] | 1);
        hash ^= hash >> 32;
    }
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(hash >> 32) & (dtls->bucket_count - 1);
}

size_t
dtls_find(struct reload_dtls *dtls, const struct reload_address *address,
          struct association **found)
{
    size_t count = 0;
    struct association *at;
    LIST_FOREACH(at, &dtls->buckets[bucket_of(dtls, address)], in_bucket)
    if (count < RELOAD_DTLS_PER_ADDRESS_MAX && reload_address_equal(&at->address, address))
        found[count++] = at;
    return count;
}

/* A table that cannot grow gets slower, no worse. */
static void
grow(struct reload_dtls *dtls)
{
    size_t old_count = dtls->bucket_count;
    struct association_bucket *old = dtls->buckets;
    struct association_bucket *buckets = calloc(2 * old_count, sizeof *buckets);
    if (!buckets)
        return;
    dtls->buckets = buckets;
    dtls->bucket_count = 2 * old_count;
    for (size_t i = 0; i < old_count; i++) {
        struct association *at;
        while ((at = LIST_FIRST(&old[i]))) {
            LIST_REMOVE(at, in_bucket);
            LIST_INSERT_HEAD(&buckets[bucket_of(dtls, &at->address)], at, in_bucket);
        }
    }
    free(old);
}

void
dtls_insert(struct reload_dtls *dtls, struct association *association)
{
    if (dtls->count >= dtls->bucket_count)
        grow(dtls);
    LIST_INSERT_HEAD(&dtls->buckets[bucket_of(dtls, &association->address)], association,
                     in_bucket);
    dtls->count++;
    if (association->server) {
        TAILQ_INSERT_TAIL(&dtls->half_open, association, in_half_open);
        dtls->half_open_count++;
    }
}

void
dtls_remove(struct reload_dtls *dtls, struct association *association)
{
    LIST_REMOVE(association, in_bucket);
    dtls->count--;
    if (association->server && association->state == ASSOCIATION_HANDSHAKING) {
        TAILQ_REMOVE(&dtls->half_open, association, in_half_open);
        dtls->half_open_count--;
    }
}

void
dtls_touch(struct association *association)
{
    struct reload_dtls *dtls = association->dtls;
    association->active = true;
    if (dtls->sweeping)
        return;
    dtls->sweeping = true;
    reload_timer_set(dtls->sweep, reload_loop_now(dtls->options.loop) + SWEEP_INTERVAL);
}

/* OpenSSL keeps two buffers of a full record each, 33 KiB; an association that was not used from
 * one sweep to the next gives them back. */
static void
on_sweep(void *argument)
{
    struct reload_dtls *dtls = argument;
    dtls->sweeping = false;
    for (size_t i = 0; i < dtls->bucket_count; i++) {
        struct association *at;
        LIST_FOREACH(at, &dtls->buckets[i], in_bucket)
        {
            dtls->sweeping |= at->active;
            if (!at->active && !at->lean && at->state == ASSOCIATION_UP)
                at->lean = SSL_free_buffers(at->ssl) != 0;
            at->active = false;
        }
    }
    if (dtls->sweeping)
        reload_timer_set(dtls->sweep, reload_loop_now(dtls->options.loop) + SWEEP_INTERVAL);
}

/* ---- life ----------------------------------------------------------------------------------- */

static void
destroy(struct reload_dtls *dtls)
{
    assert(dtls->count == 0);
    if (dtls->listener)
        association_destroy(dtls->listener);
    reload_timer_free(dtls->sweep);
    free(dtls->buckets);
    OPENSSL_cleanse(dtls->cookie_secrets, sizeof dtls->cookie_secrets);
    free(dtls);
}

void
dtls_hold(struct reload_dtls *dtls)
{
    dtls->entered++;
}

void
dtls_release(struct reload_dtls *dtls)
{
    assert(dtls->entered > 0);
    if (--dtls->entered == 0 && dtls->freed)
        destroy(dtls);
}

int
reload_dtls_new(const struct reload_dtls_options *options, struct reload_dtls **dtls)
{
    const struct reload_env *env = options->context->env;
    struct reload_dtls *made = calloc(1, sizeof *made);
    if (!made)
        return RELOAD_E_NOMEM;
    made->options = *options;
    TAILQ_INIT(&made->half_open);
    made->bucket_count = BUCKETS_FIRST;
    made->buckets = calloc(made->bucket_count, sizeof *made->buckets);
    if (!made->buckets || reload_loop_timer(options->loop, on_sweep, made, &made->sweep) != 0) {
        destroy(made);
        return RELOAD_E_NOMEM;
    }
    env->random(env->context, made->seeds, sizeof made->seeds);
    dtls_listen_init(made);
    *dtls = made;
    return 0;
}

void
reload_dtls_free(struct reload_dtls *dtls)
{
    if (!dtls || dtls->freed)
        return;
    dtls_hold(dtls);
    dtls->freed = true;
    for (size_t i = 0; i < dtls->bucket_count; i++)
        while (!LIST_EMPTY(&dtls->buckets[i]))
            association_close(LIST_FIRST(&dtls->buckets[i]));
    dtls_release(dtls);
}

int
reload_dtls_connect(struct reload_dtls *dtls, const struct reload_address *to,
                    const struct reload_connection_user *user, void *argument, reload_time deadline,
                    struct reload_connection **connection)
{
    struct association *found[RELOAD_DTLS_PER_ADDRESS_MAX];
    if (dtls->freed || dtls->count >= RELOAD_DTLS_ASSOCIATIONS_MAX ||
        dtls_find(dtls, to, found) >= RELOAD_DTLS_PER_ADDRESS_MAX)
        return RELOAD_E_BUSY;
    struct association *association = association_new(dtls);
    if (!association)
        return RELOAD_E_NOMEM;
    association->address = *to;
    association->connection.user = user;
    association->connection.argument = argument;
    association_start(association, false, deadline);
    *connection = &association->connection;
    return 0;
}

/* ---- in ------------------------------------------------------------------------------------- */

/* Whether a datagram described by |summary| may be for |association|. What is encrypted is offered
 * to all: only the one that has the key takes it. In a handshake, a message goes to the role that
 * it is meant for; a Certificate may be for either, and is the same one then, when both ends open
 * a connection to each other at once. */
static bool
may_be_for(const struct association *association, const struct reload_dtls_summary *summary)
{
    if (association->state == ASSOCIATION_UP)
        return summary->is_protected;
    if (association->server)
        return summary->sender != RELOAD_DTLS_SENDER_SERVER;
    return summary->sender != RELOAD_DTLS_SENDER_CLIENT;
}

void
reload_dtls_recv(void *argument, const struct reload_address *from, struct reload_bytes bytes)
{
    struct reload_dtls *dtls = argument;
    struct reload_dtls_summary summary;
    if (dtls->freed || !reload_dtls_summarize(bytes, &summary)) {
        dtls->counters.dropped_records++;
        return;
    }
    struct association *found[RELOAD_DTLS_PER_ADDRESS_MAX];
    size_t count = dtls_find(dtls, from, found), taken = 0;
    dtls_hold(dtls);
    for (size_t i = 0; i < count; i++)
        found[i]->entered++;
    for (size_t i = 0; i < count; i++) {
        bool mine = summary.client_hello
                        ? found[i]->server && memcmp(found[i]->client_random, summary.random,
                                                     RELOAD_DTLS_RANDOM_SIZE) == 0
                        : may_be_for(found[i], &summary);
        if (!mine)
            continue;
        association_feed(found[i], bytes);
        taken++;
    }
    for (size_t i = 0; i < count; i++)
        if (--found[i]->entered == 0 && found[i]->state == ASSOCIATION_ENDED)
            association_destroy(found[i]);
    if (taken == 0 && summary.client_hello && dtls->options.accept && !dtls->freed)
        dtls_listen(dtls, from, bytes, summary.random);
    else if (taken == 0)
        dtls->counters.dropped_unknown++;
    dtls_release(dtls);
}

size_t
reload_dtls_count(const struct reload_dtls *dtls)
{
    return dtls->count;
}

size_t
reload_dtls_half_open(const struct reload_dtls *dtls)
{
    return dtls->half_open_count;
}

const struct reload_dtls_counters *
reload_dtls_counters(const struct reload_dtls *dtls)
{
    return &dtls->counters;
}
