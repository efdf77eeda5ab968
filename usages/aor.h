/* aor.h: a SIP Address of Record in the one form that this overlay hashes (RFC 7904 2, 7; D19).
 *
 * No scheme, escapes decoded, the host in lower case without final dot, no port, no parameters:
 * what an rfc822Name holds. The form is stable: taken again it gives itself.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_AOR_H
#define RELOAD_USAGES_AOR_H

#include "reload/base/bytes.h"
#include "reload/base/error.h"
#include "reload/config.h"

#define RELOAD_AOR_SIZE_MAX 255

/* |text| is "user@host", ended by a NUL; the host begins at |host|. */
struct reload_aor {
    char text[RELOAD_AOR_SIZE_MAX + 1];
    size_t size;
    size_t host;
};

/* reload_aor_parse reads a SIP or SIPS URI, an AOR or an rfc822Name into |aor|. What has no user,
 * a password, a host that is no domain name or IPv4 address, or characters that an rfc822Name
 * cannot hold is refused; so are escapes that would make the form ambiguous ("%40", "%25").
 * Returns 0 or RELOAD_E_MALFORMED. */
RELOAD_CHECKED int reload_aor_parse(struct reload_bytes text, struct reload_aor *aor);

/* reload_aor_equal tells whether two canonical AORs are the same. */
bool reload_aor_equal(const struct reload_aor *a, const struct reload_aor *b);

/* reload_aor_bytes borrows |aor|'s text: its Resource Name. */
struct reload_bytes reload_aor_bytes(const struct reload_aor *aor);

/* reload_aor_is_gateway tells whether the document names |user| (as its certificate does) as a
 * gateway. D32, D71. */
bool reload_aor_is_gateway(const struct reload_config *config, const char *user);

/* reload_aor_permitted tells whether |aor|'s domain is one of the overlay's: any when the document
 * restricts none, the overlay's name when a restriction is not enabled, else what one of the
 * patterns matches from begin to end. Patterns that could take long to match never match.
 * Returns 0 or RELOAD_E_FORBIDDEN. RFC 7904 3.4, D18, D33. */
RELOAD_CHECKED int reload_aor_permitted(const struct reload_config *config,
                                        const struct reload_aor *aor);

#endif
