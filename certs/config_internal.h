/* config_internal.h: a configuration document as it is held, for the files that read and verify it.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CERTS_CONFIG_INTERNAL_H
#define RELOAD_CERTS_CONFIG_INTERNAL_H

#include "certs/config_document.h"

#include <libxml/tree.h>

#define RELOAD_CONFIG_SIGNATURES_MAX 8

/* A signature: a SecurityBlock, decoded from base64. */
struct reload_config_signature {
    uint8_t *block;
    size_t size;
};

/* |config| first: the public part. Everything decoded is in allocations of its own. */
struct reload_config_document {
    struct reload_config config;
    uint8_t *bytes;              /* what |config.document| borrows */
    struct reload_bytes element; /* the configuration, from < to >, as signed */
    struct reload_config_signature signatures[RELOAD_CONFIG_SIGNATURES_MAX];
    size_t signature_count;
    struct reload_config_signature kind_signatures[RELOAD_CONFIG_KINDS_MAX]; /* by Kind's index */
    uint8_t *root_certs[RELOAD_CONFIG_CERTIFICATES_MAX];
};

/* Where reading goes wrong, it says so here and nowhere else. */
struct reload_config_reader {
    struct reload_config_document *document;
    const struct reload_config_reading *reading;
    char *message;
    size_t size;
};

/* reload_config_refuse writes "line N: <element>: text" into the message. Returns RELOAD_E_CONFIG.
 */
__attribute__((format(printf, 3, 4))) int reload_config_refuse(struct reload_config_reader *reader,
                                                               const xmlNode *node,
                                                               const char *format, ...);

/* reload_config_warn tells one warning in the same form. */
__attribute__((format(printf, 3, 4))) void reload_config_warn(struct reload_config_reader *reader,
                                                              const xmlNode *node,
                                                              const char *format, ...);

/* reload_config_is_foreign tells whether the element |node| is of a namespace that is neither the
 * document's nor one of RFC 6940 and RFC 7904: whatever its name, it is somebody else's (11.1.1).
 * reload_config_is tells whether |node| is the element |name|, and not a foreign one. */
bool reload_config_is_foreign(const xmlNode *node);
bool reload_config_is(const xmlNode *node, const char *name);

/* reload_config_text copies the trimmed text of |node| into |text|. Returns 0 or RELOAD_E_CONFIG
 * (too long, refused already). reload_config_base64 decodes it into |*data|, to be freed. */
int reload_config_text(struct reload_config_reader *reader, xmlNode *node, char *text, size_t size);
int reload_config_base64(struct reload_config_reader *reader, xmlNode *node, uint8_t **data,
                         size_t *size);

/* reload_config_attribute copies the trimmed value of |node|'s attribute |name| into |text|, ""
 * when there is none; |*present| (may be NULL) tells. Returns 0 or RELOAD_E_CONFIG (too long). */
int reload_config_attribute(struct reload_config_reader *reader, xmlNode *node, const char *name,
                            char *text, size_t size, bool *present);

/* reload_config_bytes finds the bytes of |element| in |document|, of which its tree was made: from
 * the < of its first tag to the > of its last. */
struct reload_bytes reload_config_bytes(struct reload_bytes document, const xmlNode *element);

/* reload_config_number reads a number in |min|..|max|. */
int reload_config_number(struct reload_config_reader *reader, xmlNode *node, uint64_t min,
                         uint64_t max, uint64_t *value);

/* reload_config_read_kinds reads a required-kinds element. */
int reload_config_read_kinds(struct reload_config_reader *reader, xmlNode *node);

/* reload_config_read_domains reads a domain-restrictions element, reload_config_read_foreign a
 * foreign one: a sip-gateway (D71), or none that is known here. */
int reload_config_read_domains(struct reload_config_reader *reader, xmlNode *node);
int reload_config_read_foreign(struct reload_config_reader *reader, xmlNode *node);

/* reload_config_read_element reads a configuration element's attributes and children. */
int reload_config_read_element(struct reload_config_reader *reader, xmlNode *node);

/* reload_config_validate checks |document| by the grammar; faults are warnings, or with |strict|
 * the first is refused. */
int reload_config_validate(struct reload_config_reader *reader, xmlDoc *document);

#endif
