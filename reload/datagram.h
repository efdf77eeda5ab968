/* datagram.h: a way for datagrams: to many addresses through one UDP socket, or to the other end of
 * one ICE pair.
 *
 * Implemented by run/ (a UDP socket) and ice/ (a pair); used by run/link_dtls, so that DTLS behind
 * ICE needs no edge between those two rooms. What arrives is handed to the user by whoever reads
 * (reload_dtls_recv). RFC 6940 6.6.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_DATAGRAM_H
#define RELOAD_DATAGRAM_H

#include "reload/base/bytes.h"
#include "reload/base/error.h"
#include "reload/ice.h"

struct reload_datagram;

struct reload_datagram_ops {
    /* Sends |bytes| as one datagram to |to|, which an ICE pair does not look at. A datagram that is
     * lost on the way, or for which there is no room at the moment, is no error.
     * Returns 0, or RELOAD_E_IO when this one can never go. */
    int (*send)(struct reload_datagram *datagram, const struct reload_address *to,
                struct reload_bytes bytes);
};

/* The implementation's struct begins with this one. */
struct reload_datagram {
    const struct reload_datagram_ops *ops;
};

#endif
