/* config_document.h: overlay configuration documents: read, checked, verified.
 * RFC 6940 11.1, RFC 7904 3.4; I7, I10, D6, D10, D33.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CERTS_CONFIG_DOCUMENT_H
#define RELOAD_CERTS_CONFIG_DOCUMENT_H

#include "reload/base/error.h"
#include "reload/config.h"

#define RELOAD_CONFIG_DOCUMENT_MAX (1u << 20)

/* How to read a document. */
struct reload_config_reading {
    const char *instance_name; /* which configuration to take; NULL: the first */
    bool strict;               /* refuse what the schema does not allow, instead of warning */
    uint64_t wall_ms;          /* the document's expiration is compared to it */
    /* Takes one warning, without a newline; may be NULL. */
    void (*warn)(void *argument, const char *text);
    void *argument;
};

/* reload_config_parse reads |document| (copied) into |*config|, to be freed by reload_config_free.
 * DTDs and entities are refused. On an error |message| says what is wrong, in which line, and what
 * to do. 0, RELOAD_E_CONFIG, RELOAD_E_EXPIRED, RELOAD_E_TOO_LARGE, RELOAD_E_NOMEM. */
RELOAD_CHECKED int reload_config_parse(struct reload_bytes document,
                                       const struct reload_config_reading *reading,
                                       struct reload_config **config, char *message, size_t size);

/* reload_config_read is reload_config_parse of the file |path|. */
RELOAD_CHECKED int reload_config_read(const char *path, const struct reload_config_reading *reading,
                                      struct reload_config **config, char *message, size_t size);

void reload_config_free(struct reload_config *config);

/* reload_config_overlay returns the forwarding header's overlay value for the overlay |name|: the
 * last 32 bits of its SHA-1 (RFC 6940 6.3.2). */
uint32_t reload_config_overlay(const char *name);

/* How the signatures of a document look. */
enum reload_config_trust {
    RELOAD_CONFIG_UNSIGNED, /* there is none */
    RELOAD_CONFIG_SIGNED,   /* one verifies, by a configuration-signer of |in_force| */
    RELOAD_CONFIG_BAD,      /* there are some, none verifies */
};

/* reload_config_verify checks the signatures of |config|'s element over its bytes by one of
 * |in_force|'s configuration-signers (|in_force| is |config| itself for a document that came by
 * HTTPS or as a file, the one in use for ConfigUpdate). */
enum reload_config_trust reload_config_verify(const struct reload_config *config,
                                              const struct reload_config *in_force,
                                              uint64_t wall_ms);

/* reload_config_verify_kind checks the signature of |config|'s |index|-th Kind, over the bytes of
 * its kind element, by one of |in_force|'s kind-signers. */
enum reload_config_trust reload_config_verify_kind(const struct reload_config *config, size_t index,
                                                   const struct reload_config *in_force,
                                                   uint64_t wall_ms);

/* reload_config_kinds_hold tells whether no signature of |config|'s Kinds is bad; else |*kind| is
 * the first Kind whose signature does not verify. */
bool reload_config_kinds_hold(const struct reload_config *config,
                              const struct reload_config *in_force, uint64_t wall_ms,
                              uint32_t *kind);

#endif
