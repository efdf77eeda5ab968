/* offer.c: candidates between their form in messages and struct reload_offer.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/offer.h"

#include <assert.h>

static void
address_encode(const struct reload_address *address, struct reload_ip_address_port *value)
{
    *value = (struct reload_ip_address_port){0};
    const uint8_t *o = address->octets;
    if (address->family == 4) {
        value->type = RELOAD_ADDRESS_TYPE_IPV4_ADDRESS;
        value->v4addr_port.addr =
            (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 | (uint32_t)o[2] << 8 | o[3];
        value->v4addr_port.port = address->port;
    } else {
        value->type = RELOAD_ADDRESS_TYPE_IPV6_ADDRESS;
        memcpy(value->v6addr_port.addr, o, 16);
        value->v6addr_port.port = address->port;
    }
}

static bool
all_zero(const uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (octets[i])
            return false;
    return true;
}

/* Multicast, unspecified and broadcast addresses are nobody's (P23); an IPv4 address in the guise
 * of an IPv6 one (::ffff:a.b.c.d) belongs to a program, not on the wire (RFC 4291 2.5.5.2). */
static bool
is_usable(const struct reload_address *address)
{
    const uint8_t *o = address->octets;
    if (address->port == 0)
        return false;
    if (address->family == 4)
        return o[0] != 0 && o[0] < 224;
    bool mapped = all_zero(o, 10) && o[10] == 0xff && o[11] == 0xff;
    return !all_zero(o, 16) && !mapped && o[0] != 0xff && !(o[0] == 0xfe && (o[1] & 0xc0) == 0x80);
}

static bool
address_decode(const struct reload_ip_address_port *value, struct reload_address *address)
{
    *address = (struct reload_address){0};
    if (value->type == RELOAD_ADDRESS_TYPE_IPV4_ADDRESS) {
        address->family = 4;
        for (int i = 0; i < 4; i++)
            address->octets[i] = (uint8_t)(value->v4addr_port.addr >> (24 - 8 * i));
        address->port = value->v4addr_port.port;
        return true;
    }
    if (value->type == RELOAD_ADDRESS_TYPE_IPV6_ADDRESS) {
        address->family = 6;
        memcpy(address->octets, value->v6addr_port.addr, 16);
        address->port = value->v6addr_port.port;
        return true;
    }
    return false;
}

static void
stun_port_encode(struct reload_writer *writer, const struct reload_wire *wire, uint16_t port)
{
    const uint8_t octets[2] = {(uint8_t)(port >> 8), (uint8_t)port};
    struct reload_ice_extension extension = {.name = reload_bytes_of_string(RELOAD_OFFER_STUN_PORT),
                                             .value = {octets, sizeof octets}};
    reload_ice_extension_encode(writer, wire, &extension);
    assert(!writer->failed);
}

/* The first extension of that name counts; 0 when it is not there or malformed. */
static uint16_t
stun_port_decode(struct reload_bytes extensions, const struct reload_wire *wire)
{
    struct reload_reader reader = reload_reader_of(extensions);
    struct reload_ice_extension extension;
    while (reload_ice_extension_next(&reader, wire, &extension)) {
        if (!reload_bytes_equal(extension.name, reload_bytes_of_string(RELOAD_OFFER_STUN_PORT)))
            continue;
        const uint8_t *octets = extension.value.data;
        return extension.value.size == 2 ? (uint16_t)(octets[0] << 8 | octets[1]) : 0;
    }
    return 0;
}

void
reload_offer_encode(struct reload_writer *writer, const struct reload_wire *wire,
                    const struct reload_offer *offer)
{
    for (size_t i = 0; i < offer->candidate_count; i++) {
        const struct reload_candidate *candidate = &offer->candidates[i];
        struct reload_ice_candidate value = {
            .overlay_link = candidate->overlay_link,
            .foundation = reload_bytes_of_string(candidate->foundation),
            .priority = candidate->priority,
            .type = candidate->type,
        };
        address_encode(&candidate->address, &value.addr_port);
        if (candidate->type != RELOAD_CAND_TYPE_HOST)
            address_encode(&candidate->related, &value.rel_addr_port);
        uint8_t extension[64];
        struct reload_writer extensions = reload_writer_of(extension, sizeof extension);
        if (candidate->type == RELOAD_CAND_TYPE_HOST && candidate->stun_port)
            stun_port_encode(&extensions, wire, candidate->stun_port);
        value.extensions = reload_writer_written(&extensions);
        reload_ice_candidate_encode(writer, wire, &value);
    }
}

/* ice-char, RFC 8445 5.3: letters, digits, '+' and '/'. */
static bool
is_of_ice(struct reload_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '+' || c == '/'))
            return false;
    }
    return true;
}

static bool
is_no_ice(uint8_t overlay_link)
{
    return overlay_link == RELOAD_OVERLAY_LINK_TYPE_DTLS_UDP_SR_NO_ICE ||
           overlay_link == RELOAD_OVERLAY_LINK_TYPE_TLS_TCP_FH_NO_ICE;
}

static bool
candidate_decode(const struct reload_ice_candidate *value, const struct reload_wire *wire,
                 struct reload_candidate *candidate)
{
    *candidate = (struct reload_candidate){
        .priority = value->priority, .overlay_link = value->overlay_link, .type = value->type};
    bool known_link = is_no_ice(value->overlay_link) ||
                      value->overlay_link == RELOAD_OVERLAY_LINK_TYPE_DTLS_UDP_SR;
    bool known_type = value->type == RELOAD_CAND_TYPE_HOST ||
                      value->type == RELOAD_CAND_TYPE_SRFLX ||
                      value->type == RELOAD_CAND_TYPE_RELAY;
    /* ICE's production is 1*32ice-char; without ICE nobody reads it. */
    bool founded = value->foundation.size <= RELOAD_FOUNDATION_MAX &&
                   (value->foundation.size > 0 || is_no_ice(value->overlay_link)) &&
                   is_of_ice(value->foundation);
    if (!known_link || !known_type || value->priority == 0 || !founded ||
        !address_decode(&value->addr_port, &candidate->address) || !is_usable(&candidate->address))
        return false;
    if (value->foundation.size)
        memcpy(candidate->foundation, value->foundation.data, value->foundation.size);
    if (value->type != RELOAD_CAND_TYPE_HOST)
        return address_decode(&value->rel_addr_port, &candidate->related);
    candidate->stun_port = stun_port_decode(value->extensions, wire);
    return true;
}

/* Keeps the candidates sorted, best first, and drops the worst when there are too many. */
static void
insert(struct reload_offer *offer, const struct reload_candidate *candidate)
{
    size_t at = offer->candidate_count;
    while (at > 0 && offer->candidates[at - 1].priority < candidate->priority)
        at--;
    if (at == RELOAD_CANDIDATES_MAX)
        return;
    if (offer->candidate_count < RELOAD_CANDIDATES_MAX)
        offer->candidate_count++;
    for (size_t i = offer->candidate_count - 1; i > at; i--)
        offer->candidates[i] = offer->candidates[i - 1];
    offer->candidates[at] = *candidate;
}

static bool
copy_credential(struct reload_bytes from, size_t size_min, char *to)
{
    if (from.size < size_min || from.size > RELOAD_ICE_CREDENTIAL_MAX)
        return false;
    if (!is_of_ice(from))
        return false;
    memcpy(to, from.data, from.size);
    to[from.size] = 0;
    return true;
}

int
reload_offer_decode(const struct reload_wire *wire, struct reload_bytes ufrag,
                    struct reload_bytes password, struct reload_bytes candidates, bool no_ice,
                    struct reload_offer *offer)
{
    *offer = (struct reload_offer){0};
    if (!no_ice && (!copy_credential(ufrag, 4, offer->ufrag) ||
                    !copy_credential(password, 22, offer->password)))
        return RELOAD_E_MALFORMED;
    struct reload_reader reader = reload_reader_of(candidates);
    struct reload_ice_candidate value;
    size_t ways[2] = {0, 0};
    while (reload_ice_candidate_next(&reader, wire, &value)) {
        struct reload_candidate candidate;
        if (!candidate_decode(&value, wire, &candidate))
            continue;
        ways[is_no_ice(candidate.overlay_link)]++;
        insert(offer, &candidate);
    }
    bool mixed = ways[0] && ways[1];
    return mixed || ways[no_ice] == 0 ? RELOAD_E_MALFORMED : 0;
}
