/* turn_address.c: addresses that a relay may be at, and that it may relay to.
 *
 * RFC 6890 (registries of special addresses), RFC 8656 21.1. SPDX-License-Identifier: BSD-2-Clause
 */
#include "usages/turn_address.h"

const struct reload_network reload_turn_denied[] = {
    {4, 8, {0}},                         /* this host */
    {4, 8, {10}},                        /* private */
    {4, 10, {100, 64}},                  /* behind a provider's NAT */
    {4, 8, {127}},                       /* loopback */
    {4, 16, {169, 254}},                 /* link-local; clouds' metadata */
    {4, 12, {172, 16}},                  /* private */
    {4, 24, {192, 0, 0}},                /* protocol assignments */
    {4, 24, {192, 88, 99}},              /* 6to4 relays */
    {4, 16, {192, 168}},                 /* private */
    {4, 15, {198, 18}},                  /* benchmarks */
    {4, 4, {224}},                       /* multicast */
    {4, 4, {240}},                       /* reserved, broadcast */
    {6, 96, {0}},                        /* unspecified, loopback, IPv4-compatible */
    {6, 96, {[10] = 0xff, [11] = 0xff}}, /* IPv4-mapped */
    {6, 96, {0x00, 0x64, 0xff, 0x9b}},   /* translated to IPv4 */
    {6, 48, {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}},
    {6, 64, {0x01}},       /* discarded */
    {6, 32, {0x20, 0x01}}, /* Teredo: an IPv4 address inside */
    {6, 16, {0x20, 0x02}}, /* 6to4: likewise */
    {6, 7, {0xfc}},        /* private */
    {6, 10, {0xfe, 0x80}}, /* link-local */
    {6, 10, {0xfe, 0xc0}}, /* site-local */
    {6, 8, {0xff}},        /* multicast */
};

const size_t reload_turn_denied_count = sizeof reload_turn_denied / sizeof *reload_turn_denied;

bool
reload_network_has(const struct reload_network *network, const struct reload_address *address)
{
    size_t whole = network->bits / 8, part = network->bits % 8;
    if (network->family != address->family || memcmp(network->octets, address->octets, whole) != 0)
        return false;
    uint8_t mask = (uint8_t)(0xff00u >> part);
    return part == 0 || (network->octets[whole] & mask) == (address->octets[whole] & mask);
}

static bool
is_in(const struct reload_network *networks, size_t count, const struct reload_address *address)
{
    for (size_t i = 0; i < count; i++)
        if (reload_network_has(&networks[i], address))
            return true;
    return false;
}

bool
reload_turn_address_is_allowed(const struct reload_address *address,
                               const struct reload_networks *allow)
{
    if (address->port == 0 || (address->family != 4 && address->family != 6))
        return false;
    return is_in(allow->networks, allow->count, address) ||
           !is_in(reload_turn_denied, reload_turn_denied_count, address);
}

struct reload_ip_address_port
reload_turn_address_encode(const struct reload_address *address)
{
    struct reload_ip_address_port value = {0};
    const uint8_t *o = address->octets;
    if (address->family == 4) {
        value.type = RELOAD_ADDRESS_TYPE_IPV4_ADDRESS;
        value.v4addr_port.addr =
            (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 | (uint32_t)o[2] << 8 | o[3];
        value.v4addr_port.port = address->port;
    } else {
        value.type = RELOAD_ADDRESS_TYPE_IPV6_ADDRESS;
        memcpy(value.v6addr_port.addr, o, 16);
        value.v6addr_port.port = address->port;
    }
    return value;
}

int
reload_turn_address_decode(const struct reload_ip_address_port *value,
                           struct reload_address *address)
{
    *address = (struct reload_address){0};
    if (value->type == RELOAD_ADDRESS_TYPE_IPV4_ADDRESS) {
        address->family = 4;
        for (unsigned i = 0; i < 4; i++)
            address->octets[i] = (uint8_t)(value->v4addr_port.addr >> (24 - 8 * i));
        address->port = value->v4addr_port.port;
        return 0;
    }
    if (value->type == RELOAD_ADDRESS_TYPE_IPV6_ADDRESS) {
        address->family = 6;
        memcpy(address->octets, value->v6addr_port.addr, 16);
        address->port = value->v6addr_port.port;
        return 0;
    }
    return RELOAD_E_MALFORMED;
}
