/* sip_registration.h: what is stored at an Address of Record: where its user is reached.
 *
 * RFC 7904 3.2 (SipRegistration), 6 (GRUU). SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_SIP_REGISTRATION_H
#define RELOAD_USAGES_SIP_REGISTRATION_H

#include "reload/usage.h"
#include "usages/aor.h"

/* Application-IDs (RFC 6940 14.5). */
#define RELOAD_APPLICATION_SIP 5060
#define RELOAD_APPLICATION_SIPS 5061

#define RELOAD_SIP_DESTINATIONS_MAX 8       /* entries of a destination list */
#define RELOAD_SIP_DESTINATION_LIST_MAX 192 /* its octets */
#define RELOAD_SIP_REGISTRATION_MAX 2048    /* octets of a SipRegistration */

/* Where to send an AppAttach: an encoded destination list whose last entry is a Node-ID. */
struct reload_sip_destination {
    uint8_t list[RELOAD_SIP_DESTINATION_LIST_MAX];
    size_t size;
    struct reload_node_id node_id; /* the last entry */
};

/* A SipRegistration, checked: either another AOR, or a destination with the preferred
 * application. */
struct reload_sip_mapping {
    bool is_route;
    struct reload_aor aor;                     /* sip_registration_uri */
    struct reload_sip_destination destination; /* sip_registration_route, or a uri that is a GRUU */
    uint16_t application;                      /* what contact_prefs asks for, 5060 else */
};

/* reload_sip_destination_parse checks and copies an encoded destination list: 1 to
 * RELOAD_SIP_DESTINATIONS_MAX entries, Node-IDs or opaque ones, the last a Node-ID that a node can
 * have. Returns 0 or RELOAD_E_MALFORMED. */
RELOAD_CHECKED int reload_sip_destination_parse(const struct reload_wire *wire,
                                                struct reload_bytes list,
                                                struct reload_sip_destination *destination);

/* reload_sip_destination_of_node makes the destination list that is |node_id| alone. */
struct reload_sip_destination reload_sip_destination_of_node(const struct reload_wire *wire,
                                                             const struct reload_node_id *node_id);

/* reload_sip_destination_route turns a checked destination into a route, which borrows from it. */
struct reload_route reload_sip_destination_route(const struct reload_wire *wire,
                                                 const struct reload_sip_destination *destination);

/* reload_sip_registration_read decodes |value|, all of it.
 * Returns 0, RELOAD_E_MALFORMED, or RELOAD_E_NOT_FOUND for a type that is not known here. */
RELOAD_CHECKED int reload_sip_registration_read(const struct reload_wire *wire,
                                                struct reload_bytes value,
                                                struct reload_sip_mapping *mapping);

/* reload_sip_registration_write_route encodes that our node answers, with |contact_prefs| ("" or a
 * feature set such as "(sip.schemes=SIPS)"); reload_sip_registration_write_uri that another AOR
 * does. What does not fit sets |writer->failed|. */
void reload_sip_registration_write_route(struct reload_writer *writer,
                                         const struct reload_wire *wire,
                                         const struct reload_sip_destination *destination,
                                         const char *contact_prefs);
void reload_sip_registration_write_uri(struct reload_writer *writer, const struct reload_wire *wire,
                                       const struct reload_aor *aor);

/* reload_sip_registration_check is the Kind's: |key| must be as long as a Node-ID (whose it is is
 * the access policy's matter), |value| a well-formed SipRegistration. Types that are not known here
 * pass: the structure "can be extended". Returns 0 or RELOAD_E_MALFORMED. */
int reload_sip_registration_check(const struct reload_wire *wire, struct reload_bytes key,
                                  struct reload_bytes value);

/* reload_sip_registration_permit is the Kind's: the signer's user must be an AOR of a domain that
 * the overlay serves. Returns 0 or RELOAD_E_FORBIDDEN. RFC 7904 3.3. */
int reload_sip_registration_permit(const struct reload_config *config,
                                   const struct reload_identity *signer);

/* reload_sip_gruu_parse finds the destination in the "gr" parameter of |uri|.
 * Returns 0, RELOAD_E_NOT_FOUND when there is no such parameter (or it has no value, as in a public
 * GRUU of RFC 5627's other kind), RELOAD_E_MALFORMED. RFC 7904 6. */
RELOAD_CHECKED int reload_sip_gruu_parse(const struct reload_wire *wire, struct reload_bytes uri,
                                         struct reload_sip_destination *destination);

#define RELOAD_SIP_GRUU_PARAMETER_MAX (RELOAD_SIP_DESTINATION_LIST_MAX / 3 * 4 + 5)

/* reload_sip_gruu_format writes the value of the "gr" parameter for |destination|, with its NUL. */
void reload_sip_gruu_format(const struct reload_sip_destination *destination,
                            char text[RELOAD_SIP_GRUU_PARAMETER_MAX]);

#endif
