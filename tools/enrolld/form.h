/* form.h: the certificate request's form: username, password, nodeids, csr, each at most once and
 * of bounded size. RFC 6940 11.3.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_ENROLLD_FORM_H
#define TOOLS_ENROLLD_FORM_H

#include "certs/authority.h"
#include "tools/enrolld/password.h"

#define FORM_NODEIDS_MAX 16
#define FORM_BODY_MAX (RELOAD_CSR_SIZE_MAX + 8192)

enum form_field_name { FORM_USERNAME, FORM_PASSWORD, FORM_NODEIDS, FORM_CSR, FORM_FIELDS };

/* Fields point into |octets|. */
struct form_field {
    bool present;
    uint8_t *octets;
    size_t size;
};

struct form {
    struct form_field fields[FORM_FIELDS];
    uint8_t username[RELOAD_USER_NAME_MAX];
    uint8_t password[PASSWORD_SIZE_MAX];
    uint8_t nodeids[FORM_NODEIDS_MAX];
    uint8_t csr[RELOAD_CSR_SIZE_MAX];
    bool csr_type_wrong; /* the csr's part is not application/pkcs10 */
    bool duplicate;      /* a field came twice */
    bool too_large;      /* a field is longer than any that could be right */
};

/* form_init makes |form| empty; form_fini wipes what was in it. */
void form_init(struct form *form);
void form_fini(struct form *form);

/* form_add takes |size| octets of the field |name|, which begin at |offset| in it. |type| and
 * |encoding| are the part's own headers, NULL when absent. Unknown fields are ignored. */
void form_add(struct form *form, const char *name, const char *type, const char *encoding,
              const char *octets, size_t offset, size_t size);

/* form_get borrows a field's octets; none when it is absent. */
struct reload_bytes form_get(const struct form *form, enum form_field_name name);

#endif
