/* verify.c: checks a message's signature with the certificates that it carries.
 *
 * RFC 6940 6.3.4, 11.3, 14.15. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/reload/verify.h"

#include "certs/signature.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

static int
hex_digit(char digit)
{
    const char *digits = "0123456789abcdefABCDEF";
    const char *found = digit ? strchr(digits, digit) : NULL;
    if (!found)
        return -1;
    return (int)(found - digits) - (found - digits > 15 ? 6 : 0);
}

/* Reads the Node-ID of a reload:// URI: a Destination List with one node in hex, or, as some
 * write it, the bare Node-ID. */
static bool
node_id_of_uri(const ASN1_IA5STRING *uri, const struct reload_wire *wire, struct reload_node_id *id)
{
    static const char scheme[] = "reload://";
    const char *text = (const char *)ASN1_STRING_get0_data(uri);
    size_t left = (size_t)ASN1_STRING_length(uri), size = 0;
    uint8_t octets[2 + RELOAD_NODE_ID_SIZE_MAX];
    if (left < sizeof scheme - 1 || memcmp(text, scheme, sizeof scheme - 1) != 0)
        return false;
    for (size_t at = sizeof scheme - 1; at + 1 < left && text[at] != '@'; at += 2) {
        int high = hex_digit(text[at]), low = hex_digit(text[at + 1]);
        if (high < 0 || low < 0 || size == sizeof octets)
            return false;
        octets[size++] = (uint8_t)(high << 4 | low);
    }
    struct reload_bytes bytes = {octets, size};
    struct reload_wire quiet = *wire;
    quiet.error = NULL;
    struct reload_reader reader = reload_reader_of(bytes);
    struct reload_destination destination;
    if (size == wire->node_id_length) {
        *id = reload_node_id_of(bytes);
        return true;
    }
    if (reload_destination_decode(&reader, &quiet, &destination) || reload_reader_left(&reader) ||
        destination.type != RELOAD_DESTINATION_TYPE_NODE)
        return false;
    *id = destination.destination_data.node_id;
    return true;
}

/* Whether |expected| is the digest of one of the certificate's Node-IDs and the certificate. */
static bool
node_id_hash_fits(X509 *x509, const struct reload_wire *wire, uint8_t algorithm,
                  struct reload_bytes certificate, struct reload_bytes expected)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    bool fits = false;
    for (int i = 0; !fits && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        struct reload_node_id id;
        if (name->type == GEN_URI && node_id_of_uri(name->d.uniformResourceIdentifier, wire, &id))
            fits = reload_signature_hash_fits(
                algorithm, expected, reload_node_id_bytes(&id, wire->node_id_length), certificate);
    }
    GENERAL_NAMES_free(names);
    return fits;
}

static bool
identity_fits(const struct reload_signer_identity *identity, const struct reload_wire *wire,
              X509 *x509, struct reload_bytes certificate)
{
    switch (identity->identity_type) {
    case RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH:
        return reload_signature_hash_fits(identity->identity.cert_hash.hash_alg,
                                          identity->identity.cert_hash.certificate_hash,
                                          (struct reload_bytes){NULL, 0}, certificate);
    case RELOAD_SIGNER_IDENTITY_TYPE_CERT_HASH_NODE_ID:
        return node_id_hash_fits(x509, wire, identity->identity.cert_hash_node_id.hash_alg,
                                 certificate,
                                 identity->identity.cert_hash_node_id.certificate_node_id_hash);
    default:
        return false;
    }
}

/* Finds the signer's certificate; the caller frees it. */
static X509 *
find_signer(const struct reload_message *message, const struct reload_wire *wire)
{
    struct reload_reader list = reload_reader_of(message->security.certificates);
    struct reload_generic_certificate entry;
    while (reload_generic_certificate_next(&list, wire, &entry)) {
        const uint8_t *at = entry.certificate.data;
        X509 *x509 = NULL;
        if (entry.type == RELOAD_CERTIFICATE_TYPE_X509)
            x509 = d2i_X509(NULL, &at, (long)entry.certificate.size);
        if (x509 && at == entry.certificate.data + entry.certificate.size &&
            identity_fits(&message->security.signature.identity, wire, x509, entry.certificate))
            return x509;
        X509_free(x509);
    }
    return NULL;
}

static bool
signature_fits(const struct reload_message *message, EVP_PKEY *key)
{
    uint8_t head[RELOAD_MESSAGE_SIGNED_HEAD_SIZE];
    struct reload_bytes parts[RELOAD_MESSAGE_SIGNED_PARTS];
    reload_message_signed_parts(message, head, parts);
    return reload_signature_fits(&message->security.signature, key, parts,
                                 RELOAD_MESSAGE_SIGNED_PARTS);
}

int
verify_message(const struct reload_message *message, const struct reload_wire *wire,
               const char **reason)
{
    X509 *x509 = find_signer(message, wire);
    if (!x509) {
        *reason =
            message->security.signature.identity.identity_type == RELOAD_SIGNER_IDENTITY_TYPE_NONE
                ? "the message is not signed"
                : "no certificate in the message fits the signer's identity";
        return RELOAD_E_CERTIFICATE;
    }
    EVP_PKEY *key = X509_get0_pubkey(x509);
    bool fits = key && signature_fits(message, key);
    X509_free(x509);
    *reason = "it does not fit the signer's key and the message's bytes";
    return fits ? 0 : RELOAD_E_SIGNATURE;
}
