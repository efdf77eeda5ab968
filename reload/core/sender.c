/* sender.c: the windowed sender of Simple Reliability (D22).
 *
 * A frame is in one of two lists: |queue| (never sent) or |flight| (sent, not acknowledged). Each
 * transmission takes a new sequence number, and the ACK of any of them settles the frame. A frame
 * that was sent RELOAD_FRAME_TRIES times in vain ends the link, unless others are acknowledged
 * meanwhile (D48).
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/sender.h"

#include "reload/core/node_internal.h"
#include "reload/core/path_mtu.h"
#include "reload/core/send_queue.h"

#include <assert.h>

#define WINDOW_INITIAL 8
#define GIVEN_UP_MAX 3                    /* frames in a row, while smaller ones get through */
#define PASSED_MAX 3                      /* acknowledged later frames that mean a loss */
#define STREAM_GRACE (30 * RELOAD_SECOND) /* 6.6.5 */
#define STREAM_SUSPECT_MIN (2 * RELOAD_SECOND)
#define FRAME_DATA 128
/* D80, D99: how often a sign of life is asked for before a link ends; what is left of the time for
 * that on a quick link, at most; and how much later than the other end the one with the smaller
 * Node-ID asks: more than a round trip. */
#define PROBE_TRIES 8
#define WATCH_ROOM_MAX (4 * RELOAD_SECOND)
#define WATCH_YIELD 5 /* the part of it */
/* A NAT that has forgotten its mappings is found out by silence only. */
#define WATCH_NAT (6 * RELOAD_SECOND)

/* RFC 6298 2.2, 2.3. */
static void
measure(struct reload_sender *sender, reload_time rtt)
{
    if (sender->srtt == 0) {
        sender->srtt = rtt ? rtt : 1;
        sender->rttvar = rtt / 2;
    } else {
        reload_time off = sender->srtt > rtt ? sender->srtt - rtt : rtt - sender->srtt;
        sender->rttvar = (3 * sender->rttvar + off) / 4;
        sender->srtt = (7 * sender->srtt + rtt) / 8;
    }
    /* RFC 6940 6.6.3.1: rounded up to the millisecond, not to RFC 6298's second. */
    reload_time rto = sender->srtt + 4 * sender->rttvar;
    rto = (rto + RELOAD_MS - 1) / RELOAD_MS * RELOAD_MS;
    if (rto < RELOAD_RTO_MIN)
        rto = RELOAD_RTO_MIN;
    sender->rto = rto > RELOAD_RTO_MAX ? RELOAD_RTO_MAX : rto;
}

void
reload_sender_init(struct reload_sender *sender, enum reload_framing framing, uint16_t mtu,
                   reload_time rtt_ns, reload_time now)
{
    *sender = (struct reload_sender){
        .mtu = framing == RELOAD_FRAMING_DATAGRAM ? mtu : UINT16_MAX,
        .window = WINDOW_INITIAL,
        .threshold = RELOAD_WINDOW_MAX,
        .rto = RELOAD_RTO_INITIAL,
        .acknowledged_at = now,
        .heard_at = now,
        .probe_until = RELOAD_NEVER,
        .probe_again_at = RELOAD_NEVER,
    };
    sender->flight_end = &sender->flight;
    sender->queue_end = &sender->queue;
    if (rtt_ns)
        measure(sender, rtt_ns);
}

void
reload_sender_fini(struct reload_node *node, struct reload_link *link)
{
    struct reload_sender *sender = &link->sender;
    reload_alarm_clear(&node->alarms, &link->deadline);
    if (sender->probe_request)
        reload_node_cancel(node, sender->probe_request);
    struct reload_buffer *lists[] = {sender->flight, sender->queue};
    for (size_t i = 0; i < 2; i++)
        for (struct reload_buffer *buffer = lists[i]; buffer;) {
            struct reload_buffer *next = buffer->next;
            reload_buffer_drop(&node->buffers, buffer);
            buffer = next;
        }
    sender->flight = sender->queue = NULL;
    sender->flight_count = sender->queue_count = 0;
}

/* Tells the topology when |link| was (not) |suspect| and is now. It may end the link. */
static void
tell_suspect(struct reload_node *node, struct reload_link *link, bool suspect, reload_time now)
{
    if (link->sender.suspect != suspect && node->topology->link_suspect)
        node->topology->link_suspect(node->topology_state, link->id, &link->node_id, !suspect, now);
}

static reload_time
frame_due(const struct reload_sender *sender, const struct reload_buffer *frame)
{
    unsigned tries = frame->tries;
    assert(tries >= 1 && tries <= RELOAD_FRAME_TRIES);
    return frame->sent_at[tries - 1] + (sender->rto << (tries - 1));
}

static reload_time
stream_due(const struct reload_sender *sender)
{
    reload_time patience = 4 * sender->rto;
    if (patience < STREAM_SUSPECT_MIN)
        patience = STREAM_SUSPECT_MIN;
    return sender->stream_since + (sender->suspect ? STREAM_GRACE : patience);
}

/* How long before the end a sign of life is asked for: there is time for PROBE_TRIES answers,
 * unless the link is so slow that it would be asked all the time. */
static reload_time
watch_room(const struct reload_sender *sender)
{
    reload_time fifth = sender->watch_limit / 5;
    reload_time room = 2 * fifth < WATCH_ROOM_MAX ? 2 * fifth : WATCH_ROOM_MAX;
    if (room < PROBE_TRIES * sender->rto)
        room = PROBE_TRIES * sender->rto < 4 * fifth ? PROBE_TRIES * sender->rto : 4 * fifth;
    return sender->watch_yields ? room - room / WATCH_YIELD : room;
}

/* RELOAD_NEVER while a sign of life is being asked for. */
static reload_time
watch_due(const struct reload_sender *sender)
{
    return sender->watch_limit && sender->probe_until == RELOAD_NEVER
               ? sender->heard_at + sender->watch_limit - watch_room(sender)
               : RELOAD_NEVER;
}

static reload_alarm_fn expire;
static void send_empty(struct reload_node *node, struct reload_link *link, reload_time now);

/* The alarm is to come at |at|, unless it comes before. */
static void
arm(struct reload_node *node, struct reload_link *link, reload_time at)
{
    if (link->deadline.slot && link->deadline.at <= at)
        return;
    if (reload_alarm_set(&node->alarms, &link->deadline, at, expire) != 0)
        node->counters.dropped_busy++; /* no memory: the next frame arms it again */
}

static void
rearm(struct reload_node *node, struct reload_link *link)
{
    const struct reload_sender *sender = &link->sender;
    reload_time at = sender->probe_until;
    at = sender->probe_again_at < at ? sender->probe_again_at : at;
    at = watch_due(sender) < at ? watch_due(sender) : at;
    for (const struct reload_buffer *frame = sender->flight; frame; frame = frame->next) {
        reload_time due = frame_due(sender, frame);
        at = due < at ? due : at;
    }
    if (sender->stream_waiting && stream_due(sender) < at)
        at = stream_due(sender);
    if (at != RELOAD_NEVER)
        arm(node, link, at);
}

static bool
is_empty(const struct reload_buffer *frame)
{
    return frame->size == RELOAD_FRAME_HEADER_SIZE;
}

static void
write_header(struct reload_buffer *frame, uint32_t sequence)
{
    uint32_t size = frame->size - RELOAD_FRAME_HEADER_SIZE;
    assert(size < 1u << 24);
    uint8_t *at = frame->data;
    at[0] = FRAME_DATA;
    at[1] = (uint8_t)(sequence >> 24);
    at[2] = (uint8_t)(sequence >> 16);
    at[3] = (uint8_t)(sequence >> 8);
    at[4] = (uint8_t)sequence;
    at[5] = (uint8_t)(size >> 16);
    at[6] = (uint8_t)(size >> 8);
    at[7] = (uint8_t)size;
}

static void
append(struct reload_buffer ***end, struct reload_buffer *frame)
{
    frame->next = NULL;
    **end = frame;
    *end = &frame->next;
}

/* Sends |frame| once more (or first) and puts it at the end of |flight|. */
static void
transmit(struct reload_node *node, struct reload_link *link, struct reload_buffer *frame,
         reload_time now)
{
    struct reload_sender *sender = &link->sender;
    assert(frame->tries < RELOAD_FRAME_TRIES && frame->holders == 1);
    uint32_t sequence = sender->next_sequence++;
    write_header(frame, sequence);
    frame->sequences[frame->tries] = sequence;
    frame->sent_at[frame->tries] = now;
    frame->tries++;
    frame->passed = 0;
    append(&sender->flight_end, frame);
    sender->flight_count++;
    reload_buffer_hold(frame);
    link->bytes_sent += frame->size;
    (void)reload_effects_send(node, link->id, 0, frame);
    arm(node, link, frame_due(sender, frame));
}

static bool
window_open(const struct reload_sender *sender)
{
    if (!sender->flight)
        return true;
    if (sender->flight_count >= sender->window)
        return false;
    /* The range of outstanding numbers is what one ACK can cover. */
    const struct reload_buffer *oldest = sender->flight;
    return sender->next_sequence - oldest->sequences[oldest->tries - 1] < RELOAD_WINDOW_MAX;
}

static void
fill_window(struct reload_node *node, struct reload_link *link, reload_time now)
{
    struct reload_sender *sender = &link->sender;
    while (sender->queue && window_open(sender)) {
        struct reload_buffer *frame = reload_send_queue_take(node, sender, now);
        if (frame)
            transmit(node, link, frame, now);
    }
}

static void
unlink_flight(struct reload_sender *sender, struct reload_buffer **place)
{
    struct reload_buffer *frame = *place;
    *place = frame->next;
    if (!frame->next)
        sender->flight_end = place;
    sender->flight_count--;
}

/* The frame at |place| needs no acknowledgement any more. */
static void
drop(struct reload_node *node, struct reload_sender *sender, struct reload_buffer **place)
{
    struct reload_buffer *frame = *place;
    unlink_flight(sender, place);
    sender->queued_octets -= frame->size;
    reload_buffer_drop(&node->buffers, frame);
}

/* The frame at |place| is taken to be lost: again, and slower, once for all that were on their way
 * together (RFC 8085 3.1). An empty frame was worth one try. */
static void
retransmit(struct reload_node *node, struct reload_link *link, struct reload_buffer **place,
           reload_time now)
{
    struct reload_sender *sender = &link->sender;
    struct reload_buffer *frame = *place;
    if (is_empty(frame)) {
        drop(node, sender, place);
        return;
    }
    if (reload_path_mtu_look(sender, frame, now))
        send_empty(node, link, now);
    unlink_flight(sender, place);
    if (frame->holders > 1) {
        /* The driver has not fetched the last transmission yet: it counts as just sent. */
        frame->sent_at[frame->tries - 1] = now;
        append(&sender->flight_end, frame);
        sender->flight_count++;
        return;
    }
    if ((int32_t)(frame->sequences[frame->tries - 1] - sender->recover) >= 0) {
        sender->threshold = sender->window / 2 < 2 ? 2 : sender->window / 2;
        sender->window = sender->threshold;
        sender->window_credit = 0;
        sender->recover = sender->next_sequence;
    }
    node->counters.frames_retransmitted++;
    transmit(node, link, frame, now);
}

/* D48: the fifth try of the frame at |place| was in vain. A link on which others were acknowledged
 * since lives, and loses the frame only, as networks do; not so one that carries nothing of that
 * size. Returns false when the link is to end. */
static bool
give_up(struct reload_node *node, struct reload_link *link, struct reload_buffer **place,
        reload_time now)
{
    struct reload_sender *sender = &link->sender;
    const struct reload_buffer *frame = *place;
    if (sender->acknowledged_at <= frame->sent_at[RELOAD_FRAME_TRIES - 1])
        return false;
    if (reload_path_mtu_excuses(sender, frame, now)) {
        node->counters.frames_given_up++;
        drop(node, sender, place);
        return true;
    }
    if (++sender->given_up >= GIVEN_UP_MAX)
        return false;
    if (sender->given_up == 1 || frame->size < sender->given_up_size)
        sender->given_up_size = frame->size;
    node->counters.frames_given_up++;
    drop(node, sender, place);
    return true;
}

/* Returns false when the link had to be ended. */
static bool
expire_flight(struct reload_node *node, struct reload_link *link, reload_time now)
{
    struct reload_sender *sender = &link->sender;
    struct reload_buffer **place = &sender->flight;
    for (size_t left = sender->flight_count; left > 0; left--) {
        struct reload_buffer *frame = *place;
        if (frame_due(sender, frame) > now) {
            place = &frame->next;
            continue;
        }
        if (frame->tries == RELOAD_FRAME_TRIES) {
            if (give_up(node, link, place, now))
                continue;
            reload_link_end(node, link, RELOAD_E_TIMEOUT, true, now);
            return false;
        }
        /* RFC 6940 6.6.3.1: the third retransmission without any acknowledgement. */
        if (frame->tries >= 3 && sender->acknowledged_at <= frame->sent_at[0])
            sender->suspect = true;
        retransmit(node, link, place, now);
    }
    return true;
}

/* Some acknowledge nothing that is empty (D23). */
static void
ping(struct reload_node *node, struct reload_link *link, reload_time now)
{
    static const uint8_t no_padding[2];
    struct reload_route route = reload_route_to_node(&link->node_id);
    route.first_link = link->id;
    link->sender.probe_pinged = true;
    reload_ignore(reload_node_request(node, &route, RELOAD_MESSAGE_PING_REQ,
                                      (struct reload_bytes){no_padding, sizeof no_padding}, NULL,
                                      NULL, now, &link->sender.probe_request));
}

static int
send_stream(struct reload_node *node, struct reload_link *link, struct reload_buffer *buffer,
            reload_time now)
{
    struct reload_sender *sender = &link->sender;
    uint32_t sequence = sender->next_sequence++;
    write_header(buffer, sequence);
    link->bytes_sent += buffer->size;
    if (!sender->stream_timed) {
        sender->stream_timed = true;
        sender->stream_timed_sequence = sequence;
        sender->stream_timed_at = now;
    }
    if (!sender->stream_waiting) {
        sender->stream_waiting = true;
        sender->stream_oldest = sequence;
        sender->stream_since = now;
        arm(node, link, stream_due(sender));
    }
    return reload_effects_send(node, link->id, 0, buffer);
}

/* Eight octets, whatever the window says: the link may be slow for others to be lost. */
static void
send_empty(struct reload_node *node, struct reload_link *link, reload_time now)
{
    struct reload_buffer *buffer = reload_buffer_get(&node->buffers, RELOAD_FRAME_HEADER_SIZE);
    if (!buffer)
        return; /* the next one will be asked */
    buffer->size = RELOAD_FRAME_HEADER_SIZE;
    if (link->framing == RELOAD_FRAMING_STREAM) {
        (void)send_stream(node, link, buffer, now);
        return;
    }
    link->sender.queued_octets += buffer->size;
    transmit(node, link, buffer, now);
}

/* Nothing came yet. On a stream nothing is lost: the Ping is enough. */
static void
ask_again(struct reload_node *node, struct reload_link *link, reload_time now)
{
    struct reload_sender *sender = &link->sender;
    bool is_datagram = link->framing == RELOAD_FRAMING_DATAGRAM;
    sender->probe_again_at = is_datagram ? now + sender->probe_every : RELOAD_NEVER;
    if (!sender->probe_pinged)
        ping(node, link, now);
    else if (is_datagram)
        send_empty(node, link, now);
}

static void
expire(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct reload_node *node = owner;
    struct reload_link *link =
        (struct reload_link *)((char *)alarm - offsetof(struct reload_link, deadline));
    struct reload_sender *sender = &link->sender;
    bool was_suspect = sender->suspect;
    bool stream_is_due = sender->stream_waiting && stream_due(sender) <= now;
    if (sender->probe_until <= now || (stream_is_due && was_suspect)) {
        reload_link_end(node, link, RELOAD_E_TIMEOUT, true, now);
        return;
    }
    if (stream_is_due)
        sender->suspect = true;
    if (!expire_flight(node, link, now))
        return;
    if (sender->probe_again_at <= now)
        ask_again(node, link, now);
    if (watch_due(sender) <= now)
        reload_sender_probe(node, link, watch_room(sender), now);
    fill_window(node, link, now);
    rearm(node, link);
    tell_suspect(node, link, was_suspect, now);
}

int
reload_sender_send(struct reload_node *node, struct reload_link *link, struct reload_buffer *buffer,
                   reload_time now)
{
    struct reload_sender *sender = &link->sender;
    assert(buffer->size >= RELOAD_FRAME_HEADER_SIZE && link->state == RELOAD_LINK_UP);
    if (link->framing == RELOAD_FRAMING_STREAM)
        return send_stream(node, link, buffer, now);
    int error = reload_send_queue_put(node, sender, buffer, now);
    fill_window(node, link, now);
    return error;
}

static void
widen(struct reload_sender *sender)
{
    if (sender->window >= RELOAD_WINDOW_MAX)
        return;
    if (sender->window < sender->threshold) {
        sender->window++;
    } else if (++sender->window_credit >= sender->window) {
        sender->window_credit = 0;
        sender->window++;
    }
}

/* Settles the frame that was sent as |sequence|. Returns false when there is none. */
static bool
settle(struct reload_node *node, struct reload_sender *sender, uint32_t sequence, reload_time now)
{
    for (struct reload_buffer **place = &sender->flight; *place; place = &(*place)->next) {
        struct reload_buffer *frame = *place;
        for (size_t i = 0; i < frame->tries; i++) {
            if (frame->sequences[i] != sequence)
                continue;
            measure(sender, now - frame->sent_at[i]);
            if (frame->size >= sender->given_up_size)
                sender->given_up = 0;
            if (frame->size > RELOAD_MTU_NARROW)
                sender->large_at = now;
            drop(node, sender, place);
            widen(sender);
            return true;
        }
    }
    return false;
}

/* The same on a stream, where frames are acknowledged in order. */
static bool
settle_stream(struct reload_sender *sender, uint32_t sequence, reload_time now)
{
    if (!sender->stream_waiting || (int32_t)(sequence - sender->stream_oldest) < 0 ||
        (int32_t)(sequence - sender->next_sequence) >= 0)
        return false;
    if (sender->stream_timed && (int32_t)(sequence - sender->stream_timed_sequence) >= 0) {
        if (sequence == sender->stream_timed_sequence)
            measure(sender, now - sender->stream_timed_at);
        sender->stream_timed = false;
    }
    sender->stream_waiting = sequence + 1 != sender->next_sequence;
    sender->stream_oldest = sequence + 1;
    sender->stream_since = now;
    return true;
}

/* Frames that were sent before |sequence|, whose acknowledgement has come. */
static void
pass(struct reload_node *node, struct reload_link *link, uint32_t sequence, reload_time now)
{
    struct reload_sender *sender = &link->sender;
    struct reload_buffer **place = &sender->flight;
    for (size_t left = sender->flight_count; left > 0; left--) {
        struct reload_buffer *frame = *place;
        if ((int32_t)(frame->sequences[frame->tries - 1] - sequence) > 0)
            return; /* as are all behind it */
        if (frame->passed < PASSED_MAX)
            frame->passed++;
        if (frame->passed == PASSED_MAX && frame->tries < RELOAD_FRAME_TRIES)
            retransmit(node, link, place, now);
        else
            place = &frame->next;
    }
}

void
reload_sender_acknowledged(struct reload_node *node, struct reload_link *link, uint32_t sequence,
                           uint32_t received, reload_time now)
{
    struct reload_sender *sender = &link->sender;
    (void)received; /* implementations disagree on its bits: only |sequence| is trusted (I3) */
    bool is_stream = link->framing == RELOAD_FRAMING_STREAM;
    if (is_stream ? !settle_stream(sender, sequence, now) : !settle(node, sender, sequence, now))
        return;
    bool was_suspect = sender->suspect;
    sender->acknowledged_at = now;
    sender->probe_until = sender->probe_again_at = RELOAD_NEVER;
    sender->suspect = false;
    if (!is_stream) {
        pass(node, link, sequence, now);
        fill_window(node, link, now);
    }
    if (sender->flight == NULL && !sender->stream_waiting && !sender->watch_limit)
        reload_alarm_clear(&node->alarms, &link->deadline);
    tell_suspect(node, link, was_suspect, now);
}

void
reload_sender_probe(struct reload_node *node, struct reload_link *link, reload_time limit_ns,
                    reload_time now)
{
    struct reload_sender *sender = &link->sender;
    if (link->framing == RELOAD_FRAMING_NONE || sender->probe_until != RELOAD_NEVER)
        return;
    /* Who doubts a peer that is watched does not give it more time. */
    reload_time watched = sender->heard_at + sender->watch_limit;
    if (sender->watch_limit && watched > now && watched - now < limit_ns)
        limit_ns = watched - now;
    bool is_idle = !sender->flight && !sender->stream_waiting;
    sender->probe_every = limit_ns / PROBE_TRIES;
    sender->probe_again_at = now + sender->probe_every;
    sender->probe_pinged = !is_idle; /* what was sent will be acknowledged */
    if (is_idle)
        send_empty(node, link, now);
    sender->probe_until = now + limit_ns;
    rearm(node, link);
}

void
reload_sender_watch(struct reload_node *node, struct reload_link *link, reload_time limit_ns,
                    reload_time now)
{
    struct reload_sender *sender = &link->sender;
    if (link->framing == RELOAD_FRAMING_NONE)
        return;
    sender->watch_limit =
        reload_link_through_nat(node, link) && limit_ns > WATCH_NAT ? WATCH_NAT : limit_ns;
    sender->watch_yields = reload_node_id_compare(&node->id, &link->node_id) < 0;
    reload_time due = watch_due(sender);
    if (due != RELOAD_NEVER)
        arm(node, link, due > now ? due : now);
}
