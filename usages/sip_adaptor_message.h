/* sip_adaptor_message.h: a SIP message: libosip2 parses and writes its head, the body stays the
 * bytes it is.
 *
 * RFC 3261 7, 16.3, 18.3. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_SIP_ADAPTOR_MESSAGE_H
#define RELOAD_USAGES_SIP_ADAPTOR_MESSAGE_H

#include "usages/aor.h"
#include "usages/sip_stream.h"

#include <osipparser2/osip_parser.h>

#define RELOAD_SIP_VIAS_MAX 70
#define RELOAD_SIP_BRANCH_MAX 128 /* octets of a Via branch */

/* |head| has no bodies and no Content-Length: both come from |body|. */
struct sip_message {
    osip_message_t *head;
    uint8_t *body;
    size_t body_size;
};

/* sip_library_init prepares libosip2's tables and silences it. It may be called again. */
void sip_library_init(void);

/* sip_message_parse reads |bytes|, one whole message of a datagram or stream, and checks what
 * everything here relies on: mandatory headers, one CSeq that fits the method, bounds.
 * |*message| is freed by sip_message_free. Returns 0, RELOAD_E_MALFORMED, RELOAD_E_NOMEM. */
RELOAD_CHECKED int sip_message_parse(struct reload_bytes bytes, struct sip_message **message);

/* sip_message_copy copies the head, and the body with |with_body|. NULL: no memory. */
struct sip_message *sip_message_copy(const struct sip_message *message, bool with_body);

void sip_message_free(struct sip_message *message);

/* sip_message_format writes |message| into new memory, to be freed by free(). NULL: no memory, or
 * libosip2 cannot write it. */
uint8_t *sip_message_format(const struct sip_message *message, size_t *size);

/* sip_message_response begins a response to |request|: Via, From, To (with |to_tag| unless it has a
 * tag or |to_tag| is NULL), Call-ID, CSeq (RFC 3261 8.2.6). NULL: no memory. */
struct sip_message *sip_message_response(const struct sip_message *request, int status,
                                         const char *to_tag);

/* sip_message_derive makes the ACK (of a final response |response|) or, with |response| NULL, the
 * CANCEL for |request| as it was sent by us (RFC 3261 9.1, 17.1.1.3). NULL: no memory. */
struct sip_message *sip_message_derive(const struct sip_message *request,
                                       const struct sip_message *response);

bool sip_message_is(const struct sip_message *message, const char *method);

/* sip_message_branch returns the top Via's branch, "" when it has none. */
const char *sip_message_branch(const struct sip_message *message);

/* sip_message_tag returns the tag of a From or To, "" when it has none. */
const char *sip_message_tag(const osip_from_t *header);

/* sip_message_header returns the value of the first header |name| that libosip2 keeps unparsed, or
 * NULL. */
const char *sip_message_header(const struct sip_message *message, const char *name);

/* sip_message_set_header replaces all headers |name| by one, or by none when |value| is NULL.
 * Returns 0 or RELOAD_E_NOMEM. */
RELOAD_CHECKED int sip_message_set_header(struct sip_message *message, const char *name,
                                          const char *value);

/* sip_message_max_forwards returns Max-Forwards, 70 when there is none, -1 when it is no number of
 * 0..255. */
int sip_message_max_forwards(const struct sip_message *message);

/* sip_port returns the port that |text| of a URI or Via means: 5060 when it is NULL, 0 when it is
 * no port. */
uint16_t sip_port(const char *text);

/* sip_message_push_via puts |via| on top; sip_message_pop_via removes the top one. |put_route| puts
 * a Record-Route on top. They return 0 or RELOAD_E_NOMEM. */
RELOAD_CHECKED int sip_message_push_via(struct sip_message *message, const char *via);
void sip_message_pop_via(struct sip_message *message);
RELOAD_CHECKED int sip_message_push_record_route(struct sip_message *message, const char *value);

/* sip_message_set_target replaces the Request-URI. Returns 0, RELOAD_E_MALFORMED, _NOMEM. */
RELOAD_CHECKED int sip_message_set_target(struct sip_message *message, const char *uri);

/* sip_uri_aor finds the canonical AOR of a SIP or SIPS URI; |uri| may be NULL.
 * Returns 0 or RELOAD_E_MALFORMED. */
RELOAD_CHECKED int sip_uri_aor(const osip_uri_t *uri, struct reload_aor *aor);

/* sip_uri_text writes |uri| as text. Returns 0 or RELOAD_E_MALFORMED (longer than |capacity|). */
RELOAD_CHECKED int sip_uri_text(const osip_uri_t *uri, char *text, size_t capacity);

/* sip_uri_parameter returns the value of a URI parameter, "" without value, NULL without
 * parameter. */
const char *sip_uri_parameter(const osip_uri_t *uri, const char *name);

/* sip_aor_uri writes |aor| as a SIP URI, escaped where needed. */
#define SIP_AOR_URI_MAX (4 + 3 * RELOAD_AOR_SIZE_MAX + 1)
void sip_aor_uri(const struct reload_aor *aor, char text[SIP_AOR_URI_MAX]);

#endif
