/* certificates.c: the certificates of those who signed what is stored here.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/certificates.h"

#include "reload/env.h"

#include <assert.h>

void
reload_certificates_init(struct reload_certificates *certificates, const struct reload_env *env)
{
    *certificates = (struct reload_certificates){.env = env};
}

static struct reload_certificate *
certificate_of(struct reload_ordered_entry *entry)
{
    return (struct reload_certificate *)entry; /* its first member */
}

static void
destroy(struct reload_certificates *certificates, struct reload_certificate *certificate)
{
    reload_ordered_remove(&certificates->set, &certificate->entry);
    certificates->octets -= sizeof *certificate + certificate->size;
    (void)certificates->env->allocate(certificates->env->context, certificate, 0);
}

void
reload_certificates_fini(struct reload_certificates *certificates)
{
    while (certificates->set.root)
        destroy(certificates, certificate_of(certificates->set.root));
}

struct reload_certificate *
reload_certificates_hold(struct reload_certificates *certificates,
                         const struct reload_identity *identity, uint64_t priority)
{
    struct reload_bytes hash = {identity->hash, sizeof identity->hash};
    struct reload_ordered_entry *found = reload_ordered_find(&certificates->set, hash);
    if (found) {
        certificate_of(found)->holders++;
        return certificate_of(found);
    }
    size_t size = identity->certificate.size;
    struct reload_certificate *made =
        certificates->env->allocate(certificates->env->context, NULL, sizeof *made + size);
    if (!made)
        return NULL;
    *made = (struct reload_certificate){.holders = 1, .size = size};
    memcpy(made->hash, identity->hash, sizeof made->hash);
    if (size)
        memcpy(made->der, identity->certificate.data, size);
    made->entry.key = (struct reload_bytes){made->hash, sizeof made->hash};
    made->entry.priority = priority;
    reload_ordered_insert(&certificates->set, &made->entry);
    certificates->octets += sizeof *made + size;
    return made;
}

void
reload_certificates_drop(struct reload_certificates *certificates,
                         struct reload_certificate *certificate)
{
    assert(certificate->holders > 0);
    if (--certificate->holders == 0)
        destroy(certificates, certificate);
}

void
reload_certificates_begin(struct reload_certificates *certificates)
{
    certificates->stamp++;
}

bool
reload_certificates_list(struct reload_certificates *certificates,
                         struct reload_certificate *certificate, struct reload_bytes self,
                         struct reload_bytes *list, size_t capacity, size_t *count)
{
    struct reload_bytes der = {certificate->der, certificate->size};
    if (certificate->stamp == certificates->stamp || reload_bytes_equal(der, self))
        return true;
    if (*count >= capacity)
        return false;
    certificate->stamp = certificates->stamp;
    list[(*count)++] = der;
    return true;
}
