/* user_name.h: names of users: what an enrolment server gives out. RFC 6940 11.3; E3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_ENROLLD_USER_NAME_H
#define TOOLS_ENROLLD_USER_NAME_H

#include "reload/base/error.h"
#include "reload/keyring.h"

/* user_name_complete writes the whole name of |given| ("alice" or "alice@OVERLAY") in |overlay|
 * into |name|, of RELOAD_USER_NAME_MAX + 1 octets. The part before '@' is letters, digits and . _ +
 * -, at most 64 of them, so that no two look alike; the other part is the overlay's name. 0 or
 * RELOAD_E_USAGE. */
RELOAD_CHECKED int user_name_complete(struct reload_bytes given, const char *overlay, char *name);

#endif
