/* turnserver_config.c: what turnserver is told: a relay for members of this overlay and nothing
 * else, that does not reach into its own network.
 *
 * RFC 8656 21.1; CVE-2020-26262. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/socket_address.h"
#include "tools/reloadd/turnserver.h"
#include "usages/turn_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

static const char *
host_text(const struct reload_address *address, char *text)
{
    int family = address->family == 4 ? AF_INET : AF_INET6;
    return inet_ntop(family, address->octets, text, INET6_ADDRSTRLEN);
}

/* "name=first-last" of all addresses of |network|. turnserver takes a range that begins with :: for
 * one that begins with no address at all, and finds all of IPv4 in it. :: itself it never relays
 * to. */
static void
write_range(FILE *file, const char *name, const struct reload_network *network)
{
    struct reload_address first = {.family = network->family}, last;
    char first_text[INET6_ADDRSTRLEN], last_text[INET6_ADDRSTRLEN];
    memcpy(first.octets, network->octets, sizeof first.octets);
    last = first;
    for (size_t bit = network->bits; bit < (network->family == 4 ? 32 : 128); bit++)
        last.octets[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
    if (network->family == 6 && reload_address_is_any(&first))
        first.octets[15] = 1;
    (void)fprintf(file, "%s=%s-%s\n", name, host_text(&first, first_text),
                  host_text(&last, last_text));
}

/* turnserver looks at loopback addresses apart from its lists. */
static bool
is_loopback_allowed(const struct reload_networks *allow)
{
    static const struct reload_address loopbacks[] = {{.family = 4, .octets = {127, 0, 0, 1}},
                                                      {.family = 6, .octets = {[15] = 1}}};
    for (size_t i = 0; i < allow->count; i++)
        if (reload_network_has(&allow->networks[i], &loopbacks[0]) ||
            reload_network_has(&allow->networks[i], &loopbacks[1]))
            return true;
    return false;
}

static void
write_peers(FILE *file, const struct reload_networks *allow)
{
    (void)fputs("no-multicast-peers\n", file);
    for (size_t i = 0; i < reload_turn_denied_count; i++)
        write_range(file, "denied-peer-ip", &reload_turn_denied[i]);
    for (size_t i = 0; i < allow->count; i++)
        write_range(file, "allowed-peer-ip", &allow->networks[i]);
    if (is_loopback_allowed(allow))
        (void)fputs("allow-loopback-peers\n", file);
}

static void
write_addresses(FILE *file, const struct turnserver_options *options)
{
    char local[INET6_ADDRSTRLEN], external[INET6_ADDRSTRLEN];
    (void)host_text(&options->listen, local);
    (void)host_text(&options->external, external);
    (void)fprintf(file, "listening-ip=%s\nlistening-port=%u\nrelay-ip=%s\n", local,
                  options->listen.port, local);
    if (strcmp(local, external) != 0)
        (void)fprintf(file, "external-ip=%s/%s\n", external, local);
    if (options->listen.family == 6)
        (void)fputs("allocation-default-address-family=keep\n", file);
    (void)fprintf(file, "min-port=%u\nmax-port=%u\n", options->settings->port_min,
                  options->settings->port_max);
}

int
turnserver_config_write(const struct turnserver_options *options, int descriptor)
{
    const struct turn_settings *settings = options->settings;
    int own = dup(descriptor);
    FILE *file = own >= 0 ? fdopen(own, "w") : NULL;
    if (!file) {
        if (own >= 0)
            (void)close(own);
        return RELOAD_E_IO;
    }
    write_addresses(file, options);
    (void)fprintf(file, "realm=%s\nuse-auth-secret\nstatic-auth-secret=%s\n", options->realm,
                  options->secret);
    /* No users but ours, no other doors, no traces. */
    (void)fputs("userdb=:memory:\nno-cli\nno-tls\nno-dtls\nno-tcp-relay\nno-rfc5780\n"
                "no-stun-backward-compatibility\nfingerprint\nstale-nonce=600\n"
                "pidfile=/dev/null\nlog-file=stdout\nsimple-log\n",
                file);
    (void)fprintf(file, "user-quota=%u\ntotal-quota=%u\n", settings->user_quota,
                  settings->total_quota);
    if (settings->max_bitrate_kbps) /* octets a second, for each direction */
        (void)fprintf(file, "max-bps=%u\n", settings->max_bitrate_kbps * 125);
    write_peers(file, &settings->allow);
    bool failed = ferror(file) != 0;
    return fclose(file) != 0 || failed ? RELOAD_E_IO : 0;
}
