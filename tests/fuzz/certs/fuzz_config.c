/* fuzz_config.c: configuration documents of any octets.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "certs/config_document.h"
#include "certs/config_writer.h"
#include "tests/fuzz/structure.h"

#include <stdlib.h>

#define WALL_MS UINT64_C(1800000000000)

/* What was read can be written, and reads the same. */
static void
check_written(const struct reload_config *config)
{
    struct reload_config_reading reading = {.wall_ms = WALL_MS};
    struct reload_config *again = NULL;
    uint8_t *document;
    size_t size;
    char message[256];
    if (reload_config_write(config, NULL, NULL, &document, &size) != 0)
        return;
    struct reload_bytes bytes = {document, size};
    int error = reload_config_parse(bytes, &reading, &again, message, sizeof message);
    if (error != 0 || again->overlay != config->overlay || again->sequence != config->sequence ||
        again->kind_count != config->kind_count ||
        again->bad_node_count != config->bad_node_count ||
        again->domain_pattern_count != config->domain_pattern_count ||
        again->expiration_ms != config->expiration_ms)
        abort();
    reload_config_free(again);
    free(document);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reload_config_reading reading = {.wall_ms = WALL_MS};
    struct reload_config *config = NULL;
    char message[256];
    if (reload_config_parse((struct reload_bytes){data, size}, &reading, &config, message,
                            sizeof message) != 0)
        return 0;
    (void)reload_config_verify(config, config, WALL_MS);
    for (size_t i = 0; i < config->kind_count; i++)
        (void)reload_config_verify_kind(config, i, config, WALL_MS);
    check_written(config);
    reload_config_free(config);
    return 0;
}
