/* media_relay.c: calls whose media is relayed.
 *
 * D72. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/media_relay_state.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_INTERVAL (10 * RELOAD_SECOND)

static struct media_call *
call_of(const struct media_relay *relay, uint64_t number)
{
    struct media_call *call = relay->calls[number % MEDIA_CALLS_MAX];
    return call && call->number == number ? call : NULL;
}

static void
end_call(struct media_call *call, reload_time now)
{
    struct media_relay *relay = call->relay;
    relay->options.ops->close(relay->options.overlay, &call->peer, now);
    for (size_t i = 0; i < RELOAD_SDP_STREAMS_MAX; i++)
        media_stream_close(&call->streams[i]);
    relay->calls[call->number % MEDIA_CALLS_MAX] = NULL;
    relay->call_count--;
    free(call);
}

/* Ends calls that nobody seems to hold any more: a phone that is gone says no BYE. */
static void
look_at_calls(void *argument)
{
    struct media_relay *relay = argument;
    reload_time now = reload_loop_now(relay->options.loop);
    for (size_t i = 0; i < MEDIA_CALLS_MAX; i++) {
        struct media_call *call = relay->calls[i];
        if (call && now - call->heard_at >
                        (call->answered ? MEDIA_SILENCE_ANSWERED : MEDIA_SILENCE_RINGING))
            end_call(call, now);
    }
    reload_timer_set(relay->timer, relay->call_count ? now + LOOK_INTERVAL : RELOAD_NEVER);
}

/* A packet from another node. It counts when its label names a stream of a call with that node. */
static void
receive(void *argument, const struct reload_node_id *peer, uint32_t label,
        enum reload_media_type type, struct reload_bytes packet, reload_time now)
{
    struct media_relay *relay = argument;
    size_t place = label % RELOAD_SDP_STREAMS_MAX;
    struct media_call *call = relay->calls[(label >> MEDIA_STREAM_BITS) % MEDIA_CALLS_MAX];
    if (!call || media_label(call, place) != label || !reload_node_id_equal(&call->peer, peer) ||
        !call->streams[place].open) {
        relay->counters.dropped_stream++;
        return;
    }
    media_port_send(&call->streams[place].ports[type == RELOAD_MEDIA_RTP ? 0 : 1], packet, now);
}

int
media_relay_new(const struct media_relay_options *options, struct media_relay **result)
{
    struct media_relay *relay = calloc(1, sizeof *relay);
    if (!relay)
        return RELOAD_E_NOMEM;
    relay->options = *options;
    /* A random begin, so that labels of an earlier run name no call of this one. */
    uint32_t begin;
    options->env->random(options->env->context, &begin, sizeof begin);
    relay->generation = begin & 0xffff;
    int error = reload_loop_timer(options->loop, look_at_calls, relay, &relay->timer);
    if (error) {
        free(relay);
        return error;
    }
    options->ops->set_handler(options->overlay, &(struct reload_media_handler){relay, receive});
    *result = relay;
    return 0;
}

void
media_relay_free(struct media_relay *relay)
{
    if (!relay)
        return;
    reload_time now = reload_loop_now(relay->options.loop);
    for (size_t i = 0; i < MEDIA_CALLS_MAX; i++)
        if (relay->calls[i])
            end_call(relay->calls[i], now);
    relay->options.ops->set_handler(relay->options.overlay, NULL);
    reload_timer_free(relay->timer);
    free(relay);
}

/* Finds a free place, if |peer| has not too many already. */
static size_t
free_slot(const struct media_relay *relay, const struct reload_node_id *peer)
{
    size_t own = 0, slot = MEDIA_CALLS_MAX;
    for (size_t i = 0; i < MEDIA_CALLS_MAX; i++) {
        if (!relay->calls[i])
            slot = i;
        else
            own += reload_node_id_equal(&relay->calls[i]->peer, peer);
    }
    return own < MEDIA_CALLS_PER_NODE_MAX ? slot : MEDIA_CALLS_MAX;
}

uint64_t
media_call_new(struct media_relay *relay, const struct reload_sip_destination *peer,
               const uint8_t dialog[MEDIA_KEY_SIZE], const struct reload_address *phone, bool waits,
               reload_time now)
{
    size_t slot = free_slot(relay, &peer->node_id);
    struct media_call *call = slot < MEDIA_CALLS_MAX ? calloc(1, sizeof *call) : NULL;
    if (!call || relay->options.ops->open(relay->options.overlay, peer, waits, now) != 0) {
        relay->counters.dropped_busy++;
        free(call);
        return 0;
    }
    call->relay = relay;
    call->number = ++relay->generation * MEDIA_CALLS_MAX + slot;
    call->peer = peer->node_id;
    call->phone = *phone;
    call->heard_at = now;
    memcpy(call->dialog, dialog, MEDIA_KEY_SIZE);
    for (size_t i = 0; i < RELOAD_SDP_STREAMS_MAX; i++) {
        call->streams[i].call = call;
        call->streams[i].ports[0].descriptor = call->streams[i].ports[1].descriptor = -1;
    }
    relay->calls[slot] = call;
    if (relay->call_count++ == 0)
        reload_timer_set(relay->timer, now + LOOK_INTERVAL);
    relay->counters.calls++;
    return call->number;
}

uint64_t
media_call_find(const struct media_relay *relay, const struct reload_node_id *peer,
                const uint8_t dialog[MEDIA_KEY_SIZE], const uint8_t tag[MEDIA_KEY_SIZE])
{
    for (size_t i = 0; i < MEDIA_CALLS_MAX; i++) {
        const struct media_call *call = relay->calls[i];
        if (call && call->has_tag && memcmp(call->tag, tag, MEDIA_KEY_SIZE) == 0 &&
            memcmp(call->dialog, dialog, MEDIA_KEY_SIZE) == 0 &&
            reload_node_id_equal(&call->peer, peer))
            return call->number;
    }
    return 0;
}

void
media_call_set_tag(struct media_relay *relay, uint64_t number, const uint8_t tag[MEDIA_KEY_SIZE])
{
    struct media_call *call = call_of(relay, number);
    if (!call || call->answered)
        return;
    memcpy(call->tag, tag, MEDIA_KEY_SIZE);
    call->has_tag = true;
}

void
media_call_answered(struct media_relay *relay, uint64_t number, reload_time now)
{
    struct media_call *call = call_of(relay, number);
    if (!call)
        return;
    call->answered = true;
    call->heard_at = now;
}

bool
media_call_is_answered(const struct media_relay *relay, uint64_t number)
{
    const struct media_call *call = call_of(relay, number);
    return call && call->answered;
}

bool
media_call_is_relayed(const struct media_relay *relay, uint64_t number)
{
    const struct media_call *call = call_of(relay, number);
    return call && call->relayed;
}

void
media_call_end(struct media_relay *relay, uint64_t number, reload_time now)
{
    struct media_call *call = call_of(relay, number);
    if (call)
        end_call(call, now);
}

/* ---- descriptions --------------------------------------------------------------------------- */

/* Opens the sockets of stream |i| unless they are. */
static int
open_stream(struct media_call *call, size_t i)
{
    return call->streams[i].open ? 0 : media_stream_open(&call->streams[i]);
}

int
media_call_export(struct media_relay *relay, uint64_t number, struct reload_bytes text,
                  reload_time now, char *out, size_t capacity, size_t *size)
{
    struct media_call *call = call_of(relay, number);
    struct reload_sdp_change changes[RELOAD_SDP_STREAMS_MAX] = {{.label = 0}};
    struct reload_sdp sdp;
    bool any = false;
    if (!call)
        return RELOAD_E_NOT_FOUND;
    int error = reload_sdp_read(text, &sdp);
    if (error)
        return error;
    for (size_t i = 0; i < sdp.stream_count && !sdp.has_ice; i++) {
        struct media_stream *stream = &call->streams[i];
        if (!sdp.streams[i].is_relayable) {
            media_stream_close(stream);
            continue;
        }
        if (open_stream(call, i) != 0)
            return RELOAD_E_BUSY;
        media_port_aim(&stream->ports[0], &sdp.streams[i].rtp);
        media_port_aim(&stream->ports[1], &sdp.streams[i].rtcp);
        changes[i].label = media_label(call, i);
        any = true;
    }
    call->heard_at = now;
    return any ? reload_sdp_write(text, &sdp, changes, out, capacity, size) : RELOAD_E_NOT_FOUND;
}

int
media_call_import(struct media_relay *relay, uint64_t number, struct reload_bytes text,
                  reload_time now, char *out, size_t capacity, size_t *size)
{
    struct media_call *call = call_of(relay, number);
    struct reload_sdp_change changes[RELOAD_SDP_STREAMS_MAX] = {{.label = 0}};
    struct reload_sdp sdp;
    if (!call)
        return RELOAD_E_NOT_FOUND;
    int error = reload_sdp_read(text, &sdp);
    if (error)
        return error;
    call->relayed = false;
    for (size_t i = 0; i < sdp.stream_count; i++) {
        const struct reload_sdp_stream *stream = &sdp.streams[i];
        call->streams[i].peer_label = stream->is_relayable ? stream->label : 0;
        if (!stream->is_relayable || stream->label == 0)
            continue;
        if (open_stream(call, i) != 0)
            return RELOAD_E_BUSY;
        call->streams[i].peer_label = stream->label;
        changes[i].local = call->streams[i].local;
        call->relayed = true;
    }
    call->heard_at = now;
    return call->relayed ? reload_sdp_write(text, &sdp, changes, out, capacity, size)
                         : RELOAD_E_NOT_FOUND;
}

size_t
media_relay_call_count(const struct media_relay *relay)
{
    return relay->call_count;
}

const struct media_relay_counters *
media_relay_counters(const struct media_relay *relay)
{
    return &relay->counters;
}

const struct reload_media_counters *
media_relay_link_counters(const struct media_relay *relay)
{
    return relay->options.ops->counters(relay->options.overlay);
}
