/* sip_registration.c: SipRegistration between bytes and what they mean.
 *
 * RFC 7904 3.2, 3.3. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_registration.h"

#include <assert.h>
#include <strings.h>

int
reload_sip_destination_parse(const struct reload_wire *wire, struct reload_bytes list,
                             struct reload_sip_destination *destination)
{
    struct reload_reader reader = reload_reader_of(list);
    struct reload_destination entry = {0};
    size_t count = 0;
    if (list.size > sizeof destination->list)
        return RELOAD_E_MALFORMED;
    while (reload_reader_left(&reader)) {
        if (++count > RELOAD_SIP_DESTINATIONS_MAX ||
            reload_destination_decode(&reader, wire, &entry) != 0)
            return RELOAD_E_MALFORMED;
        bool is_node = !entry.compressed && entry.type == RELOAD_DESTINATION_TYPE_NODE;
        bool is_opaque = entry.compressed || entry.type == RELOAD_DESTINATION_TYPE_OPAQUE_ID_TYPE;
        const struct reload_node_id *node_id = &entry.destination_data.node_id;
        if ((!is_node && !is_opaque) || (is_opaque && reload_reader_left(&reader) == 0))
            return RELOAD_E_MALFORMED;
        /* Zero is nobody, all ones is anybody (D20): neither can be called. */
        if (is_node && (reload_node_id_is_zero(node_id) ||
                        reload_node_id_is_wildcard(node_id, wire->node_id_length)))
            return RELOAD_E_MALFORMED;
    }
    if (count == 0)
        return RELOAD_E_MALFORMED;
    memcpy(destination->list, list.data, list.size);
    destination->size = list.size;
    destination->node_id = entry.destination_data.node_id;
    return 0;
}

struct reload_sip_destination
reload_sip_destination_of_node(const struct reload_wire *wire, const struct reload_node_id *node_id)
{
    struct reload_sip_destination destination = {.node_id = *node_id};
    struct reload_writer writer = reload_writer_of(destination.list, sizeof destination.list);
    struct reload_destination entry = {.type = RELOAD_DESTINATION_TYPE_NODE,
                                       .destination_data.node_id = *node_id};
    reload_destination_encode(&writer, wire, &entry);
    assert(!writer.failed);
    destination.size = writer.size;
    return destination;
}

struct reload_route
reload_sip_destination_route(const struct reload_wire *wire,
                             const struct reload_sip_destination *destination)
{
    struct reload_route route = {.count = 0};
    struct reload_reader list =
        reload_reader_of((struct reload_bytes){destination->list, destination->size});
    while (route.count < sizeof route.entries / sizeof *route.entries &&
           reload_destination_next(&list, wire, &route.entries[route.count]))
        route.count++;
    assert(route.count > 0 && reload_reader_left(&list) == 0);
    return route;
}

/* The one contact preference that matters here: a callee that wants SIPS only (3.2, 5.1). The
 * string is a predicate of RFC 2533; its other features are for the user agents. */
static uint16_t
preferred_application(struct reload_bytes contact_prefs)
{
    static const char feature[] = "(sip.schemes=SIPS)";
    size_t size = sizeof feature - 1;
    for (size_t i = 0; i + size <= contact_prefs.size; i++)
        if (strncasecmp((const char *)contact_prefs.data + i, feature, size) == 0)
            return RELOAD_APPLICATION_SIPS;
    return RELOAD_APPLICATION_SIP;
}

static int
read_uri(const struct reload_wire *wire, struct reload_bytes uri,
         struct reload_sip_mapping *mapping)
{
    int error = reload_sip_gruu_parse(wire, uri, &mapping->destination);
    mapping->is_route = error == 0;
    mapping->application = RELOAD_APPLICATION_SIP;
    if (error == 0 || error == RELOAD_E_NOT_FOUND)
        error = reload_aor_parse(uri, &mapping->aor);
    return error;
}

int
reload_sip_registration_read(const struct reload_wire *wire, struct reload_bytes value,
                             struct reload_sip_mapping *mapping)
{
    struct reload_reader reader = reload_reader_of(value);
    struct reload_sip_registration registration;
    if (reload_sip_registration_decode(&reader, wire, &registration) != 0 ||
        reload_reader_left(&reader) != 0 || registration.type == 0)
        return RELOAD_E_MALFORMED;
    *mapping = (struct reload_sip_mapping){.is_route = false};
    if (registration.type == RELOAD_SIP_REGISTRATION_TYPE_SIP_REGISTRATION_URI)
        return read_uri(wire, registration.data.uri, mapping);
    if (registration.type != RELOAD_SIP_REGISTRATION_TYPE_SIP_REGISTRATION_ROUTE)
        return RELOAD_E_NOT_FOUND;
    mapping->is_route = true;
    mapping->application =
        preferred_application(registration.data.sip_registration_route.contact_prefs);
    return reload_sip_destination_parse(
        wire, registration.data.sip_registration_route.destination_list, &mapping->destination);
}

void
reload_sip_registration_write_route(struct reload_writer *writer, const struct reload_wire *wire,
                                    const struct reload_sip_destination *destination,
                                    const char *contact_prefs)
{
    struct reload_sip_registration registration = {
        .type = RELOAD_SIP_REGISTRATION_TYPE_SIP_REGISTRATION_ROUTE};
    registration.data.sip_registration_route.contact_prefs = reload_bytes_of_string(contact_prefs);
    registration.data.sip_registration_route.destination_list =
        (struct reload_bytes){destination->list, destination->size};
    reload_sip_registration_encode(writer, wire, &registration);
}

void
reload_sip_registration_write_uri(struct reload_writer *writer, const struct reload_wire *wire,
                                  const struct reload_aor *aor)
{
    struct reload_sip_registration registration = {
        .type = RELOAD_SIP_REGISTRATION_TYPE_SIP_REGISTRATION_URI,
        .data.uri = reload_aor_bytes(aor)};
    reload_sip_registration_encode(writer, wire, &registration);
}

int
reload_sip_registration_check(const struct reload_wire *wire, struct reload_bytes key,
                              struct reload_bytes value)
{
    struct reload_sip_mapping mapping;
    if (key.size != wire->node_id_length)
        return RELOAD_E_MALFORMED;
    int error = reload_sip_registration_read(wire, value, &mapping);
    return error == RELOAD_E_NOT_FOUND ? 0 : error;
}

int
reload_sip_registration_permit(const struct reload_config *config,
                               const struct reload_identity *signer)
{
    struct reload_aor aor;
    if (reload_aor_parse(reload_bytes_of_string(signer->user_name), &aor) != 0)
        return RELOAD_E_FORBIDDEN;
    return reload_aor_permitted(config, &aor);
}
