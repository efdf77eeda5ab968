/* sip_adaptor.c: phones on one side, the overlay on the other.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_adaptor_state.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

reload_time
sip_adaptor_now(struct reload_sip_adaptor *adaptor)
{
    return reload_loop_now(adaptor->options.loop);
}

void
sip_adaptor_arm(struct reload_sip_adaptor *adaptor)
{
    reload_timer_set(adaptor->timer, reload_alarms_next(&adaptor->alarms));
}

static void
timer_fired(void *argument)
{
    struct reload_sip_adaptor *adaptor = argument;
    reload_alarms_fire(&adaptor->alarms, sip_adaptor_now(adaptor));
    sip_adaptor_arm(adaptor);
}

int
sip_adaptor_send(struct reload_sip_adaptor *adaptor, const struct sip_flow *flow,
                 struct reload_bytes bytes, reload_time now)
{
    if (bytes.size > RELOAD_SIP_MESSAGE_MAX)
        return RELOAD_E_TOO_LARGE;
    if (flow->type == SIP_FLOW_LINK)
        return adaptor->ops->send(adaptor->overlay, flow->connection, bytes, now);
    return sip_phones_send(adaptor->phones, flow, bytes);
}

static void
take_response(struct reload_sip_adaptor *adaptor, const struct sip_flow *flow,
              struct sip_message *response, reload_time now)
{
    struct sip_branch *branch = sip_branch_of_id(adaptor, sip_message_branch(response));
    if (branch) {
        sip_branch_receive(branch, flow, response, now);
        return;
    }
    adaptor->counters.dropped_unsolicited += !sip_alive_is_answer(response);
    sip_message_free(response);
}

/* Keep-alives of RFC 5626 and of older phones: line ends, or zeros. */
static bool
is_keep_alive(struct reload_bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] != '\r' && bytes.data[i] != '\n' && bytes.data[i] != 0)
            return false;
    return bytes.size <= 4;
}

void
sip_adaptor_receive(struct reload_sip_adaptor *adaptor, const struct sip_flow *flow,
                    const char *user, struct reload_bytes bytes, reload_time now)
{
    struct sip_message *message;
    if (is_keep_alive(bytes))
        return;
    int error = sip_message_parse(bytes, &message);
    if (error) {
        adaptor->counters.dropped_malformed += error == RELOAD_E_MALFORMED;
        adaptor->counters.dropped_busy += error != RELOAD_E_MALFORMED;
    } else if (MSG_IS_RESPONSE(message->head)) {
        take_response(adaptor, flow, message, now);
    } else {
        if (user)
            adaptor->counters.requests_from_links++;
        else
            adaptor->counters.requests_from_phones++;
        sip_proxy_request(adaptor, flow, user, message, now);
    }
    sip_adaptor_arm(adaptor);
}

static bool
uses(const struct sip_branch *branch, const struct sip_flow *flow)
{
    return branch->state != SIP_BRANCH_CONNECTING && branch->flow.type == flow->type &&
           branch->flow.connection == flow->connection;
}

void
sip_adaptor_lost(struct reload_sip_adaptor *adaptor, const struct sip_flow *flow, reload_time now)
{
    sip_registrar_lost(adaptor, flow);
    for (size_t i = 0; i < SIP_TRANSACTIONS_MAX; i++) {
        struct sip_transaction *transaction = adaptor->slots[i];
        for (size_t k = 0; transaction && k < transaction->branch_count; k++)
            if (uses(transaction->branches[k], flow))
                sip_branch_lost(transaction->branches[k], now);
    }
    sip_adaptor_arm(adaptor);
}

static struct sip_flow
flow_of_peer(const struct reload_sip_peer *peer)
{
    return (struct sip_flow){.type = SIP_FLOW_LINK,
                             .is_reliable = peer->is_stream,
                             .connection = peer->link,
                             .node_id = peer->node_id};
}

static void
receive_from_link(void *argument, const struct reload_sip_peer *peer, struct reload_bytes message,
                  reload_time now)
{
    struct sip_flow flow = flow_of_peer(peer);
    sip_adaptor_receive(argument, &flow, peer->user, message, now);
}

static void
lost_link(void *argument, uint32_t link, int error, reload_time now)
{
    struct sip_flow flow = {.type = SIP_FLOW_LINK, .connection = link};
    (void)error;
    sip_adaptor_lost(argument, &flow, now);
}

/* "host:port" as in a Via, and the overlay's name where it can stand in one. */
static void
name_sides(struct reload_sip_adaptor *adaptor)
{
    const struct reload_address *address = sip_phones_address(adaptor->phones);
    const char *name = adaptor->ops->config(adaptor->overlay)->instance_name;
    char text[INET6_ADDRSTRLEN], probe[sizeof adaptor->overlay_host + 4];
    struct reload_aor aor;
    inet_ntop(address->family == 6 ? AF_INET6 : AF_INET, address->octets, text, sizeof text);
    snprintf(adaptor->sent_by, sizeof adaptor->sent_by, address->family == 6 ? "[%s]:%u" : "%s:%u",
             text, (unsigned)address->port);
    snprintf(probe, sizeof probe, "x@%s", name);
    bool fits = reload_aor_parse(reload_bytes_of_string(probe), &aor) == 0;
    snprintf(adaptor->overlay_host, sizeof adaptor->overlay_host, "%s",
             fits ? aor.text + aor.host : "overlay.invalid");
}

static int
check(const struct reload_sip_adaptor_options *options, char *reason, size_t reason_size)
{
    static const uint8_t any[16] = {0};
    const char *problem = NULL;
    if (!options->registrar && !options->proxy)
        problem = "neither registrar nor proxy is asked for";
    else if (!options->overlay_ops->aor(options->overlay))
        problem =
            "the certificate's user name is no SIP address in canonical form (user@host, host "
            "in lower case): enrol with another name";
    else if (options->remote_phones && (!options->password || !*options->password))
        problem = "phones on other hosts need a password: set one";
    else if (options->address.family != 4 && options->address.family != 6)
        problem = "the address for phones is no IP address";
    else if (memcmp(options->address.octets, any, sizeof any) == 0)
        problem = "phones need one address of this host, not all: it goes into messages";
    if (problem)
        snprintf(reason, reason_size, "%s", problem);
    return problem ? RELOAD_E_CONFIG : 0;
}

static int
make_relay(struct reload_sip_adaptor *adaptor)
{
    struct media_relay_options options = {.loop = adaptor->options.loop,
                                          .env = adaptor->env,
                                          .ops = adaptor->options.media_ops,
                                          .overlay = adaptor->options.media,
                                          .address = *sip_phones_address(adaptor->phones)};
    return media_relay_new(&options, &adaptor->relay);
}

int
reload_sip_adaptor_new(const struct reload_sip_adaptor_options *options, char *reason,
                       size_t reason_size, struct reload_sip_adaptor **result)
{
    snprintf(reason, reason_size, "out of memory");
    int error = check(options, reason, reason_size);
    if (error)
        return error;
    struct reload_sip_adaptor *adaptor = calloc(1, sizeof *adaptor);
    if (!adaptor)
        return RELOAD_E_NOMEM;
    sip_library_init();
    adaptor->options = *options;
    adaptor->env = options->env;
    adaptor->overlay = options->overlay;
    adaptor->ops = options->overlay_ops;
    adaptor->env->random(adaptor->env->context, adaptor->secret, sizeof adaptor->secret);
    reload_alarms_init(&adaptor->alarms, adaptor, adaptor->env->context, adaptor->env->allocate);
    error = reload_loop_timer(options->loop, timer_fired, adaptor, &adaptor->timer);
    if (error == 0)
        error = sip_phones_new(adaptor, reason, reason_size);
    if (error == 0 && options->media_ops)
        error = make_relay(adaptor);
    if (error) {
        sip_phones_free(adaptor->phones);
        reload_timer_free(adaptor->timer);
        reload_alarms_fini(&adaptor->alarms);
        free(adaptor);
        return error;
    }
    name_sides(adaptor);
    struct reload_sip_handler handler = {adaptor, receive_from_link, lost_link};
    adaptor->ops->set_handler(adaptor->overlay, &handler);
    *result = adaptor;
    return 0;
}

void
reload_sip_adaptor_free(struct reload_sip_adaptor *adaptor)
{
    if (!adaptor)
        return;
    adaptor->ops->set_handler(adaptor->overlay, NULL);
    for (size_t i = 0; i < SIP_TRANSACTIONS_MAX; i++)
        if (adaptor->slots[i])
            sip_transaction_free(adaptor->slots[i]);
    sip_registrar_fini(adaptor);
    media_relay_free(adaptor->relay);
    sip_phones_free(adaptor->phones);
    reload_timer_free(adaptor->timer);
    reload_alarms_fini(&adaptor->alarms);
    free(adaptor);
}

const struct reload_address *
reload_sip_adaptor_address(const struct reload_sip_adaptor *adaptor)
{
    return sip_phones_address(adaptor->phones);
}

const struct media_relay *
reload_sip_adaptor_relay(const struct reload_sip_adaptor *adaptor)
{
    return adaptor->relay;
}

const struct reload_sip_adaptor_counters *
reload_sip_adaptor_counters(const struct reload_sip_adaptor *adaptor)
{
    return &adaptor->counters;
}
