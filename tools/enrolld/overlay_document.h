/* overlay_document.h: the overlay's configuration document, signed and written.
 *
 * RFC 6940 11.1. SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_ENROLLD_OVERLAY_DOCUMENT_H
#define TOOLS_ENROLLD_OVERLAY_DOCUMENT_H

#include "tools/enrolld/home.h"

/* overlay_document_write writes |config| as |home|'s overlay.xml, valid for |days| from |wall_ms|
 * on and signed by |signer|; an older file is replaced only with |overwrite|. It is read and
 * verified before. On an error |message| says what, where, and what to do. */
RELOAD_CHECKED int overlay_document_write(const struct home *home, struct reload_config *config,
                                          EVP_PKEY *signer_key, X509 *signer, uint64_t wall_ms,
                                          unsigned days, bool overwrite, char *message,
                                          size_t size);

#endif
