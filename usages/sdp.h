/* sdp.h: what a media relay reads in a session description, and what it changes there.
 *
 * A phone's description goes to the other node as it is, with one line a stream added:
 *
 *     a=x-reload-relay:LABEL
 *
 * "I relay this stream: send me its packets over RELOAD, named LABEL" (D72). The node that gets it
 * puts its own address and ports in for its own phone. Whoever does not know the line ignores it.
 *
 * RFC 4566, RFC 3264, RFC 3605 (a=rtcp), RFC 5761 (a=rtcp-mux).
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_SDP_H
#define RELOAD_USAGES_SDP_H

#include "reload/base/error.h"
#include "reload/ice.h"

#define RELOAD_SDP_SIZE_MAX 16384 /* octets of a description that is looked into */
#define RELOAD_SDP_STREAMS_MAX 4  /* m-lines that can be relayed; what comes behind them is left */

/* What a description may grow by when it is written. */
#define RELOAD_SDP_GROWTH_MAX (RELOAD_SDP_STREAMS_MAX * 128 + 128)

/* One m-line. */
struct reload_sdp_stream {
    bool is_relayable; /* RTP over UDP at one port that is not 0 */
    uint32_t label;    /* the other side relays it; 0: it does not say so */
    /* Where its packets shall go; |family| 0 when that is no address literal. */
    struct reload_address rtp, rtcp;
};

struct reload_sdp {
    bool has_ice; /* the phone looks for a way itself (RFC 8839) */
    size_t m_lines;
    size_t stream_count; /* at most RELOAD_SDP_STREAMS_MAX of them */
    struct reload_sdp_stream streams[RELOAD_SDP_STREAMS_MAX];
};

/* reload_sdp_read reads |text|. Returns 0, RELOAD_E_TOO_LARGE, or RELOAD_E_MALFORMED: not lines of
 * the form letter=value. */
RELOAD_CHECKED int reload_sdp_read(struct reload_bytes text, struct reload_sdp *sdp);

/* What becomes of one stream. */
struct reload_sdp_change {
    uint32_t label;              /* the line that is added; 0: none */
    struct reload_address local; /* where its RTP shall go instead, RTCP one port higher; |family|
                                  * 0 leaves that */
};

/* reload_sdp_write copies |text|, which was read into |sdp|, to |out| of |capacity| octets, with a
 * change for each of |sdp|'s streams. Labels that were there are taken out, all other lines stay.
 * A stream on hold by the address 0.0.0.0 keeps that address. |*size| gets the size. Returns 0 or
 * RELOAD_E_TOO_LARGE. */
RELOAD_CHECKED int reload_sdp_write(struct reload_bytes text, const struct reload_sdp *sdp,
                                    const struct reload_sdp_change *changes, char *out,
                                    size_t capacity, size_t *size);

/* reload_sdp_is_any tells whether |address| is 0.0.0.0 or ::, which means: send nothing. */
bool reload_sdp_is_any(const struct reload_address *address);

#endif
