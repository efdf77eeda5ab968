/* form.c: the certificate request's form, collected piece by piece.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/enrolld/form.h"

#include <openssl/crypto.h>
#include <strings.h>

static const struct {
    const char *name;
    size_t offset, size_max;
} rows[FORM_FIELDS] = {
    [FORM_USERNAME] = {"username", offsetof(struct form, username), RELOAD_USER_NAME_MAX},
    [FORM_PASSWORD] = {"password", offsetof(struct form, password), PASSWORD_SIZE_MAX},
    [FORM_NODEIDS] = {"nodeids", offsetof(struct form, nodeids), FORM_NODEIDS_MAX},
    [FORM_CSR] = {"csr", offsetof(struct form, csr), RELOAD_CSR_SIZE_MAX},
};

void
form_init(struct form *form)
{
    memset(form, 0, sizeof *form);
    for (size_t i = 0; i < FORM_FIELDS; i++)
        form->fields[i].octets = (uint8_t *)form + rows[i].offset;
}

void
form_fini(struct form *form)
{
    OPENSSL_cleanse(form, sizeof *form);
}

/* Whether |type| is application/pkcs10, whatever parameters follow. */
static bool
is_pkcs10(const char *type)
{
    static const char wanted[] = "application/pkcs10";
    if (type == NULL || strncasecmp(type, wanted, sizeof wanted - 1) != 0)
        return false;
    return strchr("; \t", type[sizeof wanted - 1]) != NULL;
}

static bool
is_raw(const char *encoding)
{
    return encoding == NULL || strcasecmp(encoding, "binary") == 0 ||
           strcasecmp(encoding, "8bit") == 0 || strcasecmp(encoding, "7bit") == 0;
}

void
form_add(struct form *form, const char *name, const char *type, const char *encoding,
         const char *octets, size_t offset, size_t size)
{
    size_t i = 0;
    while (i < FORM_FIELDS && strcmp(rows[i].name, name) != 0)
        i++;
    if (i == FORM_FIELDS)
        return;
    struct form_field *field = &form->fields[i];
    /* The parser may announce a part with an empty piece, which is not yet the second one. */
    if (offset == 0 && field->size != 0)
        form->duplicate = true;
    field->present = true;
    if (i == FORM_CSR && (!is_pkcs10(type) || !is_raw(encoding)))
        form->csr_type_wrong = true;
    if (offset != field->size || size > rows[i].size_max - field->size) {
        form->too_large = true;
        return;
    }
    if (size != 0)
        memcpy(field->octets + offset, octets, size);
    field->size += size;
}

struct reload_bytes
form_get(const struct form *form, enum form_field_name name)
{
    return (struct reload_bytes){form->fields[name].octets, form->fields[name].size};
}
