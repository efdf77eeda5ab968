/* nice_candidate.c: candidates between libnice's form and ours.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "ice/nice_candidate.h"

#include <arpa/inet.h>
#include <stdio.h>

#define HOST 1 /* CandType */

bool
nice_address_from(const struct reload_address *address, NiceAddress *nice)
{
    nice_address_init(nice);
    if (address->family == 4) {
        const uint8_t *o = address->octets;
        nice_address_set_ipv4(nice, (guint32)o[0] << 24 | (guint32)o[1] << 16 | (guint32)o[2] << 8 |
                                        o[3]);
    } else if (address->family == 6) {
        nice_address_set_ipv6(nice, address->octets);
    } else {
        return false;
    }
    nice_address_set_port(nice, address->port);
    return true;
}

bool
nice_address_to(const NiceAddress *nice, struct reload_address *address)
{
    *address = (struct reload_address){0};
    struct sockaddr_storage storage;
    nice_address_copy_to_sockaddr(nice, (struct sockaddr *)&storage);
    if (storage.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&storage;
        address->family = 4;
        memcpy(address->octets, &v4->sin_addr, 4);
        address->port = ntohs(v4->sin_port);
    } else if (storage.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&storage;
        address->family = 6;
        memcpy(address->octets, &v6->sin6_addr, 16);
        address->port = ntohs(v6->sin6_port);
    } else {
        return false;
    }
    return true;
}

uint8_t
nice_candidate_type(NiceCandidateType type)
{
    switch (type) {
    case NICE_CANDIDATE_TYPE_HOST:
        return 1;
    case NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE:
        return 2;
    case NICE_CANDIDATE_TYPE_RELAYED:
        return 4;
    default:
        return 0;
    }
}

static bool
is_loopback(const struct reload_address *address)
{
    static const uint8_t loopback6[16] = {[15] = 1};
    return address->family == 4 ? address->octets[0] == 127
                                : memcmp(address->octets, loopback6, sizeof loopback6) == 0;
}

static bool
is_link_local(const struct reload_address *address)
{
    const uint8_t *o = address->octets;
    return address->family == 4 ? o[0] == 169 && o[1] == 254
                                : o[0] == 0xfe && (o[1] & 0xc0) == 0x80;
}

bool
nice_candidate_to(const NiceCandidate *nice, bool loopback, uint8_t overlay_link,
                  struct reload_candidate *candidate)
{
    *candidate = (struct reload_candidate){.priority = nice->priority,
                                           .overlay_link = overlay_link,
                                           .type = nice_candidate_type(nice->type)};
    if (nice->transport != NICE_CANDIDATE_TRANSPORT_UDP || candidate->type == 0 ||
        nice->priority == 0 || !nice_address_to(&nice->addr, &candidate->address) ||
        is_link_local(&candidate->address) || (is_loopback(&candidate->address) && !loopback))
        return false;
    if (nice->type != NICE_CANDIDATE_TYPE_HOST &&
        !nice_address_to(&nice->base_addr, &candidate->related))
        return false;
    snprintf(candidate->foundation, sizeof candidate->foundation, "%s", nice->foundation);
    return true;
}

/* Puts |candidate| behind those that are better. */
static void
insert(struct reload_candidate *candidates, size_t count, const struct reload_candidate *candidate)
{
    size_t place = count;
    while (place > 0 && candidates[place - 1].priority < candidate->priority)
        place--;
    memmove(candidates + place + 1, candidates + place, (count - place) * sizeof *candidates);
    candidates[place] = *candidate;
}

size_t
nice_candidates_to(const GSList *list, bool loopback, uint8_t overlay_link,
                   struct reload_candidate *candidates, size_t max)
{
    struct reload_candidate candidate;
    size_t count = 0, of_servers = 0;
    for (const GSList *item = list; item; item = item->next)
        of_servers += nice_candidate_to(item->data, loopback, overlay_link, &candidate) &&
                      candidate.type != HOST;
    size_t hosts_left = of_servers < max ? max - of_servers : 0;
    for (const GSList *item = list; item && count < max; item = item->next) {
        if (!nice_candidate_to(item->data, loopback, overlay_link, &candidate) ||
            (candidate.type == HOST && hosts_left == 0))
            continue;
        hosts_left -= candidate.type == HOST;
        insert(candidates, count++, &candidate);
    }
    return count;
}

NiceCandidate *
nice_candidate_from(const struct reload_candidate *candidate, bool loopback, guint stream)
{
    static const NiceCandidateType types[] = {[1] = NICE_CANDIDATE_TYPE_HOST,
                                              [2] = NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE,
                                              [4] = NICE_CANDIDATE_TYPE_RELAYED};
    if (candidate->type != 1 && candidate->type != 2 && candidate->type != 4)
        return NULL;
    if (is_loopback(&candidate->address) && !loopback)
        return NULL;
    NiceCandidate *nice = nice_candidate_new(types[candidate->type]);
    nice->transport = NICE_CANDIDATE_TRANSPORT_UDP;
    nice->stream_id = stream;
    nice->component_id = NICE_COMPONENT_TYPE_RTP;
    nice->priority = candidate->priority;
    snprintf(nice->foundation, sizeof nice->foundation, "%s", candidate->foundation);
    if (!nice_address_from(&candidate->address, &nice->addr) ||
        (candidate->type != 1 && !nice_address_from(&candidate->related, &nice->base_addr))) {
        nice_candidate_free(nice);
        return NULL;
    }
    return nice;
}
