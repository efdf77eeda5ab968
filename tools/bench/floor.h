/* floor.h: what DTLS records and datagrams cost by themselves: the floor under forwarding.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_BENCH_FLOOR_H
#define TOOLS_BENCH_FLOOR_H

#include "certs/key.h"

#include <stddef.h>

/* CPU time of one record of |size| octets through OpenSSL and a UDP socket on loopback. */
struct floor_cost {
    double write_ns; /* SSL_write and send */
    double read_ns;  /* recv and SSL_read */
};

/* floor_measure makes an association between two sockets of its own and measures. */
struct floor_cost floor_measure(size_t size);

#endif
