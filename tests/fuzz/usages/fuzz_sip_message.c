/* fuzz_sip_message.c: fuzzes SIP messages: what is parsed is copied, answered, cancelled and
 * written.
 *
 * RFC 3261, RFC 4475; attack row U10. SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "tests/fuzz/structure.h"
#include "usages/sip_adaptor_message.h"

static void
write_and_parse(struct sip_message *message)
{
    struct sip_message *again = NULL;
    size_t size;
    uint8_t *bytes = message ? sip_message_format(message, &size) : NULL;
    if (bytes && sip_message_parse((struct reload_bytes){bytes, size}, &again) == 0)
        sip_message_free(again);
    free(bytes);
    sip_message_free(message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sip_message *message;
    struct reload_aor aor;
    char text[2048];
    sip_library_init();
    if (sip_message_parse((struct reload_bytes){data, size}, &message) != 0)
        return 0;
    if (message->body_size > size || sip_message_max_forwards(message) > 255)
        abort();
    (void)!sip_uri_aor(message->head->from->url, &aor);
    (void)!sip_uri_text(message->head->to->url, text, sizeof text);
    (void)sip_message_branch(message);
    (void)sip_message_tag(message->head->from);
    if (!MSG_IS_RESPONSE(message->head)) {
        write_and_parse(sip_message_response(message, 404, "tag"));
        write_and_parse(sip_message_derive(message, NULL));
    }
    write_and_parse(sip_message_copy(message, true));
    sip_message_free(message);
    return 0;
}
