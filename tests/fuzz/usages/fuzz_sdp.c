/* fuzz_sdp.c: fuzzes session descriptions: what is read, labelled, redirected and read again.
 *
 * D72; attack row U10. SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "tests/fuzz/structure.h"
#include "usages/sdp.h"

/* Writes |text| with |changes| into new memory, and reads that into |*again|. */
static void
write_and_read(struct reload_bytes text, const struct reload_sdp *sdp,
               const struct reload_sdp_change *changes, struct reload_sdp *again)
{
    size_t capacity = text.size + RELOAD_SDP_GROWTH_MAX, size;
    char *out = malloc(capacity);
    if (!out || reload_sdp_write(text, sdp, changes, out, capacity, &size) != 0)
        abort();
    int error = reload_sdp_read((struct reload_bytes){(const uint8_t *)out, size}, again);
    if (error != 0 && error != RELOAD_E_TOO_LARGE)
        abort();
    if (error == 0 && (again->m_lines != sdp->m_lines || again->has_ice != sdp->has_ice))
        abort();
    if (error)
        again->stream_count = 0;
    free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reload_bytes text = {data, size};
    struct reload_sdp sdp, again;
    struct reload_sdp_change labels[RELOAD_SDP_STREAMS_MAX] = {{.label = 0}};
    struct reload_sdp_change locals[RELOAD_SDP_STREAMS_MAX] = {{.label = 0}};
    if (reload_sdp_read(text, &sdp) != 0)
        return 0;
    for (size_t i = 0; i < sdp.stream_count; i++) {
        labels[i].label = (uint32_t)i + 1;
        if (sdp.streams[i].is_relayable)
            locals[i].local = (struct reload_address){
                .family = 4, .octets = {127, 0, 0, 1}, .port = (uint16_t)(30000 + 2 * i)};
    }
    write_and_read(text, &sdp, labels, &again);
    for (size_t i = 0; i < again.stream_count; i++)
        if (again.streams[i].label != i + 1 || again.streams[i].rtp.port != sdp.streams[i].rtp.port)
            abort();
    write_and_read(text, &sdp, locals, &again);
    for (size_t i = 0; i < again.stream_count; i++)
        if (again.streams[i].label != 0 ||
            (locals[i].local.family && again.streams[i].rtp.port != locals[i].local.port))
            abort();
    return 0;
}
