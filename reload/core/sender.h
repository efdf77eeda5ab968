/* sender.h: Simple Reliability: sequence numbers, acknowledgements, retransmission, window and the
 * finding of dead links. RFC 6940 6.6.2, 6.6.3; D3, D4, D22, D23; RFC 6298; RFC 8085.
 *
 * One object a link, for all framings: DATAGRAM retransmits, STREAM only measures, NONE does
 * neither.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_SENDER_H
#define RELOAD_CORE_SENDER_H

#include "reload/core/buffer.h"
#include "reload/node.h"

struct reload_link;

/* The sending half. Its alarm is the link's |deadline|: it comes at the latest when something is
 * due; early does no harm. */
struct reload_sender {
    uint32_t next_sequence;
    uint16_t mtu;
    bool suspect : 1;        /* nothing acknowledged for long (6.6.3.1) */
    bool probe_pinged : 1;   /* probed by a Ping, since some acknowledge nothing empty (D23) */
    bool watch_yields : 1;   /* the other end is to ask first */
    bool stream_waiting : 1; /* STREAM: |stream_oldest| is not acknowledged */
    bool stream_timed : 1;   /* ... and |stream_timed_sequence| is the one to measure by */
    struct reload_buffer *flight,
        **flight_end;                         /* sent, unacknowledged, oldest transmission first */
    struct reload_buffer *queue, **queue_end; /* not sent yet */
    uint16_t flight_count, queue_count;
    uint32_t queued_octets;        /* in both */
    uint16_t window;               /* frames that may be in flight, 1..RELOAD_WINDOW_MAX */
    uint16_t window_credit;        /* acknowledgements counted towards the next step */
    uint16_t threshold;            /* slow start ends here */
    uint16_t given_up;             /* frames in a row, each as large as ... */
    uint32_t given_up_size;        /* ... this, at least (D48) */
    uint32_t recover;              /* losses of earlier numbers are paid for (RFC 8085 3.1) */
    reload_time srtt, rttvar, rto; /* srtt 0: nothing measured */
    reload_time acknowledged_at;   /* last time an ACK for something outstanding came */
    reload_time large_at;          /* the same of one larger than RELOAD_MTU_NARROW */
    reload_time narrow_at;         /* |mtu| was lowered to that; 0: never (path_mtu.h) */
    reload_time narrow_asked_at;   /* the last small frame beside large ones that are lost */
    reload_time probe_until;       /* an ACK must come before, RELOAD_NEVER when none is due */
    reload_time probe_again_at;    /* then the peer is asked once more ... */
    reload_time probe_every;       /* ... and so on */
    uint64_t probe_request;        /* the Ping among that; 0: none yet */
    reload_time heard_at;          /* last time that any frame came */
    reload_time watch_limit;       /* after such a silence the link ends; 0: never */
    uint32_t stream_oldest, stream_timed_sequence;
    reload_time stream_since, stream_timed_at;
};

/* The receiving half: |highest| sequence number seen, and bit i of |seen| for highest - i. */
struct reload_receiver {
    bool any;
    uint32_t highest;
    uint64_t seen;
};

/* reload_sender_init prepares the sender of a link that has just come up. |rtt_ns| is a first
 * measurement, or 0. */
void reload_sender_init(struct reload_sender *sender, enum reload_framing framing, uint16_t mtu,
                        reload_time rtt_ns, reload_time now);

/* reload_sender_fini drops all buffers and the alarm of |link|'s sender. */
void reload_sender_fini(struct reload_node *node, struct reload_link *link);

/* reload_sender_send frames the message in |buffer| (taken over) and sends it, now or when the
 * window allows; not, if the same waits already, or when it would have waited for too long (D143).
 * Returns 0, RELOAD_E_BUSY (the queue is full), RELOAD_E_NOMEM. */
int reload_sender_send(struct reload_node *node, struct reload_link *link,
                       struct reload_buffer *buffer, reload_time now);

/* reload_sender_acknowledged handles an ACK frame. */
void reload_sender_acknowledged(struct reload_node *node, struct reload_link *link,
                                uint32_t sequence, uint32_t received, reload_time now);

/* reload_sender_probe wants a sign of life within |limit_ns|: sends an empty data frame, and when
 * that is not acknowledged a Ping and more empty ones (D23, D99). */
void reload_sender_probe(struct reload_node *node, struct reload_link *link, reload_time limit_ns,
                         reload_time now);

/* reload_sender_watch wants the peer's death known after |limit_ns| of silence (D80), on a link
 * that may go through a NAT after 6 s at most (D99). Of two ends that watch each other usually only
 * the one with the larger Node-ID has to ask. */
void reload_sender_watch(struct reload_node *node, struct reload_link *link, reload_time limit_ns,
                         reload_time now);

/* reload_sender_heard notes that a frame came: a sign of life, whatever is in it. */
static inline void
reload_sender_heard(struct reload_sender *sender, reload_time now)
{
    sender->heard_at = now;
    sender->probe_until = sender->probe_again_at = RELOAD_NEVER;
}

/* reload_receiver_mark notes that |sequence| arrived and returns the bitmask of its ACK; |*fresh|
 * tells whether it had not been seen before. */
uint32_t reload_receiver_mark(struct reload_receiver *receiver, uint32_t sequence, bool *fresh);

#endif
