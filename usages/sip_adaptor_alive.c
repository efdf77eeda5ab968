/* sip_adaptor_alive.c: whether a link still carries while a call on it waits to be answered.
 *
 * A datagram link says nothing when the other end, or a NAT between, has forgotten it, and a phone
 * may ring for minutes. When nothing came for a while the other node is asked for a sign of life,
 * by OPTIONS that go no further than there (RFC 3261 11, 16.3); any answer will do (D100).
 * SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_adaptor_state.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define QUIET (4 * RELOAD_SECOND) /* then the first is sent, */
#define ASK_AGAIN (500 * RELOAD_MS)
#define SILENCE (8 * RELOAD_SECOND) /* and then the link is given up */
#define BRANCH_BEGIN "z9hG4bKalive"

static struct sip_branch *
owner_of_again(struct reload_alarm *alarm)
{
    return (struct sip_branch *)((char *)alarm - offsetof(struct sip_branch, again));
}

static void
ask(struct sip_branch *branch, reload_time now)
{
    struct reload_sip_adaptor *adaptor = branch->transaction->adaptor;
    uint8_t random[8];
    char id[17], own[SIP_AOR_URI_MAX], text[SIP_AOR_URI_MAX + 3 * 256 + 512];
    adaptor->env->random(adaptor->env->context, random, sizeof random);
    sip_hex_format(random, sizeof random, id);
    sip_aor_uri(adaptor->ops->aor(adaptor->overlay), own);
    int size = snprintf(text, sizeof text,
                        "OPTIONS sip:%s SIP/2.0\r\n"
                        "Via: SIP/2.0/TLS %s;branch=" BRANCH_BEGIN "%s\r\n"
                        "Max-Forwards: 0\r\n"
                        "From: <%s>;tag=%s\r\n"
                        "To: <sip:%s>\r\n"
                        "Call-ID: %s\r\n"
                        "CSeq: 1 OPTIONS\r\n"
                        "Content-Length: 0\r\n\r\n",
                        adaptor->overlay_host, adaptor->overlay_host, id, own, id,
                        adaptor->overlay_host, id);
    assert(size > 0 && (size_t)size < sizeof text);
    (void)sip_adaptor_send(adaptor, &branch->flow,
                           (struct reload_bytes){(const uint8_t *)text, (size_t)size}, now);
}

static void
look(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct reload_sip_adaptor *adaptor = owner;
    struct sip_branch *branch = owner_of_again(alarm);
    struct reload_sip_peer peer;
    reload_time next = now + QUIET;
    if (branch->state != SIP_BRANCH_PROCEEDING || branch->cancelled ||
        !adaptor->ops->peer(adaptor->overlay, branch->flow.connection, &peer))
        return;
    reload_time heard_at = peer.heard_at > branch->sent_at ? peer.heard_at : branch->sent_at;
    if (now - heard_at >= SILENCE) {
        sip_branch_drop_link(branch, now);
        return;
    }
    if (now - heard_at >= QUIET) {
        ask(branch, now);
        next = now + ASK_AGAIN;
    } else {
        next = heard_at + QUIET;
    }
    int error = reload_alarm_set(&adaptor->alarms, alarm, next, look);
    assert(error == 0); /* its own place in the heap was just given free */
    (void)error;
}

void
sip_alive_watch(struct sip_branch *branch, reload_time now)
{
    /* Without an alarm timer C has to do. */
    if (branch->flow.type == SIP_FLOW_LINK)
        (void)!reload_alarm_set(&branch->transaction->adaptor->alarms, &branch->again, now + QUIET,
                                look);
}

bool
sip_alive_is_answer(const struct sip_message *response)
{
    return strncmp(sip_message_branch(response), BRANCH_BEGIN, sizeof BRANCH_BEGIN - 1) == 0;
}
