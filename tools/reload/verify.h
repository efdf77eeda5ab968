/* verify.h: checks a message's signature with the certificates that it carries.
 *
 * RFC 6940 6.3.4. SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RELOAD_VERIFY_H
#define TOOLS_RELOAD_VERIFY_H

#include "reload/wire/wire.h"

/* verify_message finds the signer's certificate in |message|'s security block and checks the
 * signature. Says nothing about who issued the certificate or when it is valid.
 * Returns 0, RELOAD_E_CERTIFICATE (none fits the signer's identity) or RELOAD_E_SIGNATURE;
 * |*reason| is then a static text. */
RELOAD_CHECKED int verify_message(const struct reload_message *message,
                                  const struct reload_wire *wire, const char **reason);

#endif
