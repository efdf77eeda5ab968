/* certificate_store.c: the Kinds of the Certificate Store Usage.
 *
 * RFC 6940 8. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/certificate_store.h"

#define DER_SEQUENCE 0x30

int
reload_certificate_check(const struct reload_wire *wire, struct reload_bytes key,
                         struct reload_bytes value)
{
    struct reload_reader reader = reload_reader_of(value);
    uint8_t tag, length;
    uint64_t size;
    (void)wire, (void)key;
    if (reload_reader_u8(&reader, &tag) || tag != DER_SEQUENCE ||
        reload_reader_u8(&reader, &length))
        return RELOAD_E_MALFORMED;
    size = length;
    if (length >= 0x80 && (length == 0x80 || length > 0x84 ||
                           reload_reader_uint(&reader, (size_t)(length & 0x7f), &size)))
        return RELOAD_E_MALFORMED;
    return size == reload_reader_left(&reader) ? 0 : RELOAD_E_MALFORMED;
}

/* An old and a new certificate stand side by side while certificates are renewed; a user has
 * several nodes. */
static const struct reload_kind kinds[] = {
    {
        .kind = RELOAD_KIND_CERTIFICATE_BY_NODE,
        .name = "CERTIFICATE_BY_NODE",
        .data_model = RELOAD_DATA_MODEL_ARRAY,
        .access_policy = RELOAD_ACCESS_NODE_MATCH,
        .max_count = 4,
        .max_size = 4096,
        .check = reload_certificate_check,
    },
    {
        .kind = RELOAD_KIND_CERTIFICATE_BY_USER,
        .name = "CERTIFICATE_BY_USER",
        .data_model = RELOAD_DATA_MODEL_ARRAY,
        .access_policy = RELOAD_ACCESS_USER_MATCH,
        .max_count = 32,
        .max_size = 4096,
        .check = reload_certificate_check,
    },
};

const struct reload_usage_ops reload_certificate_store_usage = {
    .name = "certificate-store",
    .kinds = kinds,
    .kind_count = sizeof kinds / sizeof *kinds,
};
