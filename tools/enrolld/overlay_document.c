/* overlay_document.c: the overlay's configuration document, signed and written.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/enrolld/overlay_document.h"

#include <stdio.h>
#include <stdlib.h>

#include "certs/config_document.h"
#include "certs/config_writer.h"
#include "certs/file.h"

enum { DAY_S = 86400 };

/* Reads what will be written, as every node will. */
static int
check(struct reload_bytes document, const struct home *home, uint64_t wall_ms, char *message,
      size_t size)
{
    struct reload_config_reading reading = {
        .instance_name = home->settings.overlay, .strict = true, .wall_ms = wall_ms};
    struct reload_config *config;
    int error = reload_config_parse(document, &reading, &config, message, size);
    if (error != 0)
        return error;
    if (reload_config_verify(config, config, wall_ms) != RELOAD_CONFIG_SIGNED) {
        snprintf(message, size, "signer.crt is not a configuration-signer of this document");
        error = RELOAD_E_SIGNATURE;
    }
    reload_config_free(config);
    return error;
}

int
overlay_document_write(const struct home *home, struct reload_config *config, EVP_PKEY *signer_key,
                       X509 *signer, uint64_t wall_ms, unsigned days, bool overwrite, char *message,
                       size_t size)
{
    char path[PATH_MAX];
    uint8_t *document;
    size_t length;
    config->expiration_ms = wall_ms + UINT64_C(1000) * DAY_S * days;
    int error = reload_config_write(config, signer_key, signer, &document, &length);
    if (error != 0) {
        snprintf(message, size, "the configuration document cannot be written: %s",
                 reload_error_text(error));
        return error;
    }
    struct reload_bytes bytes = {document, length};
    home_file(home, "overlay.xml", path);
    error = check(bytes, home, wall_ms, message, size);
    if (error == 0)
        error = reload_file_write(path, bytes, 0644, overwrite, message, size);
    free(document);
    return error;
}
