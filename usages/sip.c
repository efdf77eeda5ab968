/* sip.c: the SIP usage as a plug-in of the node.
 *
 * RFC 7904 7 (the Kind), 5.1 (Application-IDs). SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_state.h"

#include <assert.h>

static int
sip_init(void *state, struct reload_node *node, void *argument, reload_time now)
{
    struct reload_sip *sip = state;
    (void)now;
    sip->node = node;
    sip->env = reload_node_env(node);
    reload_alarms_init(&sip->alarms, sip, sip->env->context, sip->env->allocate);
    if (argument)
        sip->handler = *(const struct reload_sip_handler *)argument;
    struct reload_keyring *keyring = reload_node_keyring(node);
    const struct reload_identity *self = keyring->ops->self(keyring);
    struct reload_bytes user = reload_bytes_of_string(self->user_name);
    sip->has_aor = reload_aor_parse(user, &sip->aor) == 0 &&
                   reload_bytes_equal(reload_aor_bytes(&sip->aor), user);
    return 0;
}

static void
sip_fini(void *state)
{
    struct reload_sip *sip = state;
    reload_sip_lookups_fini(sip);
    reload_sip_connections_fini(sip);
    reload_alarms_fini(&sip->alarms);
}

/* An application that nobody serves here is one that is not supported (RFC 6940 6.5.2.2). */
static int
sip_app_attach(void *state, uint16_t application, const struct reload_identity *peer,
               reload_time now)
{
    struct reload_sip *sip = state;
    (void)application, (void)now;
    if (!sip->handler.receive)
        return RELOAD_E_NOT_FOUND;
    return reload_sip_connection_room(sip, peer) ? 0 : RELOAD_E_BUSY;
}

static void
sip_app_link_up(void *state, uint16_t application, uint32_t link,
                const struct reload_identity *peer, reload_time now)
{
    reload_sip_connection_up(state, application, link, peer, now);
}

static void
sip_app_link_down(void *state, uint32_t link, int error, reload_time now)
{
    reload_sip_connection_down(state, link, error, now);
}

static void
sip_app_recv(void *state, uint32_t link, struct reload_bytes bytes, reload_time now)
{
    reload_sip_connection_recv(state, link, bytes, now);
}

static void
sip_joined(void *state, reload_time now)
{
    reload_sip_register_joined(state, now);
}

static void
sip_leave(void *state, reload_time now)
{
    reload_sip_register_leave(state, now);
}

static reload_time
sip_next_timeout(void *state)
{
    struct reload_sip *sip = state;
    return reload_alarms_next(&sip->alarms);
}

static void
sip_timeout(void *state, reload_time now)
{
    struct reload_sip *sip = state;
    reload_alarms_fire(&sip->alarms, now);
}

/* One user has few devices; a destination list and contact preferences are short. */
static const struct reload_kind kinds[] = {
    {
        .kind = RELOAD_KIND_SIP_REGISTRATION,
        .name = "SIP-REGISTRATION",
        .data_model = RELOAD_DATA_MODEL_DICTIONARY,
        .access_policy = RELOAD_ACCESS_USER_NODE_MATCH,
        .max_count = 32,
        .max_size = RELOAD_SIP_REGISTRATION_MAX,
        .check = reload_sip_registration_check,
        .permit = reload_sip_registration_permit,
    },
};

static const uint16_t applications[] = {RELOAD_APPLICATION_SIP, RELOAD_APPLICATION_SIPS};

const struct reload_usage_ops reload_sip_usage = {
    .name = "sip",
    .size = sizeof(struct reload_sip),
    .kinds = kinds,
    .kind_count = sizeof kinds / sizeof *kinds,
    .applications = applications,
    .application_count = sizeof applications / sizeof *applications,
    .init = sip_init,
    .fini = sip_fini,
    .app_attach = sip_app_attach,
    .app_link_up = sip_app_link_up,
    .app_link_down = sip_app_link_down,
    .app_recv = sip_app_recv,
    .joined = sip_joined,
    .leave = sip_leave,
    .next_timeout = sip_next_timeout,
    .timeout = sip_timeout,
};

void
reload_sip_set_handler(struct reload_sip *sip, const struct reload_sip_handler *handler)
{
    sip->handler = handler ? *handler : (struct reload_sip_handler){.receive = NULL};
    if (!handler)
        sip->own.done = NULL;
}

const struct reload_aor *
reload_sip_aor(const struct reload_sip *sip)
{
    return sip->has_aor ? &sip->aor : NULL;
}

const struct reload_sip_counters *
reload_sip_counters(const struct reload_sip *sip)
{
    return &sip->counters;
}

struct reload_node *
reload_sip_node(const struct reload_sip *sip)
{
    return sip->node;
}
