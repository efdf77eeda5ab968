/* nice_agent.c: ICE on libnice, one agent and one GMainContext a session.
 *
 * What libnice tells goes to the user by a timer of the loop, so that a user may close the agent
 * from within its functions: GATHERING -> GATHERED -> CHECKING -> READY, or FAILED from any.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "ice/nice_agent.h"

#include "ice/glib_loop.h"
#include "ice/nice_candidate.h"
#include "ice/nomination.h"
#include "ice/relay_trial.h"

#include <stdio.h>
#include <stdlib.h>

#define PAIRS_MAX 100         /* RFC 8445 6.1.2.5 */
#define DATAGRAMS_KEPT_MAX 64 /* that came before the pair was chosen */
#define COMPONENT NICE_COMPONENT_TYPE_RTP
#define GATHER_TIME (3 * RELOAD_SECOND) /* servers that say nothing cost no more */
/* The same when one relay has given an address: others are only for its failing. */
#define OTHERS_TIME (200 * RELOAD_MS)
/* How long an agent whose own checks all failed waits for the other side's. The other side may get
 * its offer late: by an end-to-end retransmission, after 3 s. */
#define IDLE_MS 3000
/* How long after a pair was chosen the other side is first told again, when nothing was heard of it
 * (D110); each time twice as long. The last one is after 6.3 s. */
#define NOMINATION_TIME (100 * RELOAD_MS)
#define NOMINATIONS_MAX 6
#define CLOSE_TIME (4 * RELOAD_SECOND) /* the same when relays are given back */

enum state {
    GATHERING,
    GATHERED,
    CHECKING,
    READY,
    FAILED,
};

struct reload_ice_agent {
    struct reload_datagram path; /* first: what the user sends on */
    struct reload_ice_options options;
    const struct reload_ice_user *user;
    void *argument;
    struct glib_loop *pump;
    struct reload_timer *timer;
    struct reload_timer *again; /* tells the other side the pair */
    unsigned nominations;       /* of those, so far */
    char remote_ufrag[RELOAD_ICE_CREDENTIAL_MAX + 1];
    char remote_password[RELOAD_ICE_CREDENTIAL_MAX + 1];
    NiceAgent *nice;
    guint stream;
    enum state state, told; /* where libnice is, and what the user was told of it */
    bool closing;
    bool heard; /* a datagram came through a pair */
    GBytes *kept[DATAGRAMS_KEPT_MAX];
    size_t kept_count;
    unsigned relays_given; /* a bit for each */
    bool hurrying;         /* OTHERS_TIME has begun */
};

static int
path_send(struct reload_datagram *datagram, const struct reload_address *to,
          struct reload_bytes bytes)
{
    (void)to;
    struct reload_ice_agent *agent = (struct reload_ice_agent *)datagram;
    (void)nice_agent_send(agent->nice, agent->stream, COMPONENT, (guint)bytes.size,
                          (const gchar *)bytes.data);
    return 0; /* a datagram that does not go is one that was lost */
}

static const struct reload_datagram_ops path_ops = {.send = path_send};

/* ---- telling the user ----------------------------------------------------------------------- */

static void
notify(struct reload_ice_agent *agent, enum state state)
{
    if (agent->state == FAILED || agent->closing)
        return;
    agent->state = state;
    reload_timer_set(agent->timer, reload_loop_now(agent->options.loop));
}

static bool
fill_offer(struct reload_ice_agent *agent, struct reload_offer *offer)
{
    *offer = (struct reload_offer){0};
    gchar *ufrag = NULL, *password = NULL;
    if (!nice_agent_get_local_credentials(agent->nice, agent->stream, &ufrag, &password))
        return false;
    snprintf(offer->ufrag, sizeof offer->ufrag, "%s", ufrag);
    snprintf(offer->password, sizeof offer->password, "%s", password);
    g_free(ufrag);
    g_free(password);
    GSList *list = nice_agent_get_local_candidates(agent->nice, agent->stream, COMPONENT);
    offer->candidate_count =
        nice_candidates_to(list, agent->options.loopback, agent->options.overlay_link,
                           offer->candidates, RELOAD_CANDIDATES_MAX);
    g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
    return offer->candidate_count > 0;
}

static void
tell_gathered(struct reload_ice_agent *agent)
{
    struct reload_offer offer;
    bool any = fill_offer(agent, &offer);
    agent->user->gathered(agent->argument, any ? &offer : NULL);
}

/* A peer-reflexive candidate is one behind a NAT that no STUN server saw; 3 is reserved. */
static uint8_t
type_in_pair(const NiceCandidate *candidate)
{
    return candidate->type == NICE_CANDIDATE_TYPE_PEER_REFLEXIVE
               ? nice_candidate_type(NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE)
               : nice_candidate_type(candidate->type);
}

static bool
selected(struct reload_ice_agent *agent, struct reload_ice_pair *pair)
{
    NiceCandidate *local, *remote;
    *pair = (struct reload_ice_pair){.path = &agent->path};
    if (!nice_agent_get_selected_pair(agent->nice, agent->stream, COMPONENT, &local, &remote))
        return false;
    (void)nice_address_to(&remote->addr, &pair->remote);
    pair->local_type = type_in_pair(local);
    pair->remote_type = type_in_pair(remote);
    return true;
}

/* ---- telling the other side ----------------------------------------------------------------- */

static void
send_nomination(struct reload_ice_agent *agent)
{
    NiceCandidate *local, *remote;
    gchar *ufrag = NULL, *password = NULL;
    uint8_t octets[NOMINATION_MAX];
    if (!nice_agent_get_selected_pair(agent->nice, agent->stream, COMPONENT, &local, &remote) ||
        !nice_agent_get_local_credentials(agent->nice, agent->stream, &ufrag, &password))
        return;
    struct nomination nomination = {.local_ufrag = ufrag,
                                    .remote_ufrag = agent->remote_ufrag,
                                    .remote_password = agent->remote_password,
                                    .priority = local->priority,
                                    .tie_breaker = (uint64_t)g_random_int() << 32 | g_random_int()};
    size_t size = nomination_write(&nomination, octets, sizeof octets);
    if (size > 0)
        (void)path_send(&agent->path, NULL, (struct reload_bytes){octets, size});
    g_free(ufrag);
    g_free(password);
}

/* Each time twice as late, as long as nothing is heard. */
static void
nominate_later(struct reload_ice_agent *agent)
{
    gboolean controlling = FALSE; /* now: a conflict of roles may have changed it */
    g_object_get(agent->nice, "controlling-mode", &controlling, NULL);
    if (controlling && !agent->heard && agent->nominations < NOMINATIONS_MAX)
        reload_timer_set(agent->again, reload_loop_now(agent->options.loop) +
                                           (NOMINATION_TIME << agent->nominations));
}

/* The check that chose the pair may have come to the other side from an address that leads nowhere,
 * or its own check of the pair may have been lost: then it waits for what we have done already. A
 * check may be repeated to choose its pair (RFC 8445 8.1.1); libnice does not. */
static void
nominate_again(void *argument)
{
    struct reload_ice_agent *agent = argument;
    if (agent->closing || agent->heard || agent->state != READY)
        return;
    send_nomination(agent);
    agent->nominations++;
    nominate_later(agent);
}

/* ---- telling the user, one thing at a time -------------------------------------------------- */

static void
tell_ready(struct reload_ice_agent *agent)
{
    struct reload_ice_pair pair;
    if (selected(agent, &pair)) {
        nominate_later(agent);
        agent->user->ready(agent->argument, &pair);
        return;
    }
    agent->state = FAILED;
    agent->user->failed(agent->argument, RELOAD_E_UNREACHABLE);
}

static void
tell_kept(struct reload_ice_agent *agent)
{
    GBytes *kept = agent->kept[0];
    agent->kept_count--;
    memmove(agent->kept, agent->kept + 1, agent->kept_count * sizeof agent->kept[0]);
    gsize size;
    const uint8_t *data = g_bytes_get_data(kept, &size);
    if (agent->kept_count > 0)
        reload_timer_set(agent->timer, reload_loop_now(agent->options.loop));
    agent->user->recv(agent->argument, (struct reload_bytes){data, size});
    g_bytes_unref(kept);
}

/* Tells one thing at a time; each may be the last. */
static void
tell(void *argument)
{
    struct reload_ice_agent *agent = argument;
    if (agent->closing)
        return;
    if (agent->state == GATHERING)
        agent->state = GATHERED; /* GATHER_TIME is over: with what there is */
    if (agent->told == GATHERING && agent->state != GATHERING && agent->state != FAILED) {
        agent->told = GATHERED;
        tell_gathered(agent);
    } else if (agent->state == FAILED && agent->told != FAILED) {
        agent->told = FAILED;
        agent->user->failed(agent->argument, RELOAD_E_UNREACHABLE);
    } else if (agent->state == READY && agent->told != READY && agent->told != FAILED) {
        agent->told = READY;
        if (agent->kept_count > 0)
            reload_timer_set(agent->timer, reload_loop_now(agent->options.loop));
        tell_ready(agent);
    } else if (agent->told == READY && agent->kept_count > 0) {
        tell_kept(agent);
    }
}

/* ---- what libnice tells -----------------------------------------------------------------------
 */

static void
on_gathered(NiceAgent *nice, guint stream, gpointer data)
{
    (void)nice;
    (void)stream;
    struct reload_ice_agent *agent = data;
    if (agent->state == GATHERING)
        notify(agent, GATHERED);
}

/* Who gave an address, of the relays that we know: libnice does not tell, but servers give those of
 * their own host. What is like none of them may be of any. */
static void
on_candidate(NiceAgent *nice, NiceCandidate *candidate, gpointer data)
{
    (void)nice;
    struct reload_ice_agent *agent = data;
    const struct reload_ice_options *options = &agent->options;
    struct reload_address address;
    unsigned given = 0;
    if (candidate->type != NICE_CANDIDATE_TYPE_RELAYED ||
        !nice_address_to(&candidate->addr, &address))
        return;
    for (size_t i = 0; i < options->relay_count; i++)
        if (memcmp(options->relays[i].address.octets, address.octets, sizeof address.octets) == 0)
            given |= 1u << i;
    agent->relays_given |= given ? given : (1u << options->relay_count) - 1;
    if (agent->state == GATHERING && !agent->closing && !agent->hurrying)
        reload_timer_set(agent->timer, reload_loop_now(agent->options.loop) + OTHERS_TIME);
    agent->hurrying = true;
}

/* The first pair that is nominated will do. libnice says READY only when no pair of a higher
 * priority is in doubt any more, which takes seconds when the other side has an address that leads
 * nowhere; should such a pair work after all, what is sent goes through it from then on. */
static void
on_selected(NiceAgent *nice, guint stream, guint component, NiceCandidate *local,
            NiceCandidate *remote, gpointer data)
{
    (void)nice;
    (void)stream;
    (void)component;
    (void)local;
    (void)remote;
    struct reload_ice_agent *agent = data;
    if (agent->state != READY)
        notify(agent, READY);
}

static void
on_state(NiceAgent *nice, guint stream, guint component, guint state, gpointer data)
{
    (void)nice;
    (void)stream;
    (void)component;
    struct reload_ice_agent *agent = data;
    if (state == NICE_COMPONENT_STATE_FAILED)
        notify(agent, FAILED);
}

static void
on_datagram(NiceAgent *nice, guint stream, guint component, guint size, gchar *data,
            gpointer argument)
{
    (void)nice;
    (void)stream;
    (void)component;
    struct reload_ice_agent *agent = argument;
    agent->heard = true;
    if (agent->closing || agent->kept_count == DATAGRAMS_KEPT_MAX)
        return;
    agent->kept[agent->kept_count++] = g_bytes_new(data, size);
    if (agent->told == READY)
        reload_timer_set(agent->timer, reload_loop_now(agent->options.loop));
}

/* ---- life ----------------------------------------------------------------------------------- */

static void
destroy(struct reload_ice_agent *agent)
{
    if (agent->options.alive)
        (*agent->options.alive)--;
    for (size_t i = 0; i < agent->kept_count; i++)
        g_bytes_unref(agent->kept[i]);
    reload_timer_free(agent->timer);
    reload_timer_free(agent->again);
    if (agent->nice)
        g_object_unref(agent->nice);
    if (agent->pump)
        glib_loop_free(agent->pump);
    free(agent);
}

static void
use_addresses(struct reload_ice_agent *agent)
{
    struct reload_ice_options *options = &agent->options;
    if (options->local_count == 0 && options->loopback)
        options->local[options->local_count++] =
            (struct reload_address){.family = 4, .octets = {127, 0, 0, 1}};
    for (size_t i = 0; i < options->local_count; i++) {
        NiceAddress address;
        if (!nice_address_from(&options->local[i], &address))
            continue;
        nice_address_set_port(&address, 0);
        nice_agent_add_local_address(agent->nice, &address);
    }
}

static void
use_stun(struct reload_ice_agent *agent)
{
    NiceAddress address;
    gchar text[NICE_ADDRESS_STRING_LEN];
    if (!nice_address_from(&agent->options.stun, &address))
        return;
    nice_address_to_string(&address, text);
    g_object_set(agent->nice, "stun-server", text, "stun-server-port",
                 (guint)agent->options.stun.port, NULL);
}

static void
use_relays(struct reload_ice_agent *agent)
{
    for (size_t i = 0; i < agent->options.relay_count; i++) {
        const struct reload_ice_relay *relay = &agent->options.relays[i];
        NiceAddress address;
        gchar text[NICE_ADDRESS_STRING_LEN];
        if (!nice_address_from(&relay->address, &address) || relay->address.port == 0)
            continue;
        nice_address_to_string(&address, text);
        nice_agent_set_relay_info(agent->nice, agent->stream, COMPONENT, text, relay->address.port,
                                  relay->username, relay->password,
                                  relay->tcp ? NICE_RELAY_TYPE_TURN_TCP : NICE_RELAY_TYPE_TURN_UDP);
    }
}

static bool
set_up(struct reload_ice_agent *agent)
{
    const struct reload_ice_options *options = &agent->options;
    GMainContext *context = glib_loop_context(agent->pump);
    /* Aggressive nomination (RFC 5245 8.1.1.2, what RFC 6940 goes by): libnice's regular one waits
     * for addresses that lead nowhere. No consent checks either (D99): libnice's give a pair up
     * when two in a row are lost, and who uses a pair knows by itself whether anybody answers. */
    agent->nice = nice_agent_new_full(context, NICE_COMPATIBILITY_RFC5245, NICE_AGENT_OPTION_NONE);
    /* Short timers: a STUN server that is dead costs half a second, not two. */
    g_object_set(agent->nice, "controlling-mode", (gboolean)options->controlling, "upnp", FALSE,
                 "ice-tcp", FALSE, "stun-max-retransmissions", 3, "stun-initial-timeout", 100,
                 "idle-timeout", IDLE_MS, "max-connectivity-checks", PAIRS_MAX, NULL);
    use_stun(agent);
    use_addresses(agent);
    agent->stream = nice_agent_add_stream(agent->nice, 1);
    if (agent->stream == 0)
        return false;
    use_relays(agent);
    g_signal_connect(agent->nice, "candidate-gathering-done", G_CALLBACK(on_gathered), agent);
    g_signal_connect(agent->nice, "new-candidate-full", G_CALLBACK(on_candidate), agent);
    g_signal_connect(agent->nice, "new-selected-pair-full", G_CALLBACK(on_selected), agent);
    g_signal_connect(agent->nice, "component-state-changed", G_CALLBACK(on_state), agent);
    /* Without a receiver the sockets would not be read, nor the checks answered. */
    return nice_agent_attach_recv(agent->nice, agent->stream, COMPONENT, context, on_datagram,
                                  agent) &&
           nice_agent_gather_candidates(agent->nice, agent->stream);
}

static int
open_agent(const struct reload_ice_options *options, const struct reload_ice_user *user,
           void *argument, struct reload_ice_agent **made)
{
    struct reload_ice_agent *agent = calloc(1, sizeof *agent);
    if (!agent)
        return RELOAD_E_NOMEM;
    agent->path.ops = &path_ops;
    agent->options = *options;
    agent->user = user;
    agent->argument = argument;
    if (options->alive)
        (*options->alive)++;
    agent->pump = glib_loop_new(options->loop);
    if (!agent->pump || reload_loop_timer(options->loop, tell, agent, &agent->timer) != 0 ||
        reload_loop_timer(options->loop, nominate_again, agent, &agent->again) != 0) {
        destroy(agent);
        return RELOAD_E_NOMEM;
    }
    reload_timer_set(agent->timer, reload_loop_now(options->loop) + GATHER_TIME);
    if (!set_up(agent)) {
        destroy(agent);
        return RELOAD_E_IO;
    }
    glib_loop_wake(agent->pump);
    *made = agent;
    return 0;
}

static int
check(struct reload_ice_agent *agent, const struct reload_offer *remote)
{
    GSList *list = NULL;
    for (size_t i = 0; i < remote->candidate_count; i++) {
        NiceCandidate *candidate =
            nice_candidate_from(&remote->candidates[i], agent->options.loopback, agent->stream);
        if (candidate)
            list = g_slist_append(list, candidate);
    }
    int count = 0;
    snprintf(agent->remote_ufrag, sizeof agent->remote_ufrag, "%s", remote->ufrag);
    snprintf(agent->remote_password, sizeof agent->remote_password, "%s", remote->password);
    if (list && nice_agent_set_remote_credentials(agent->nice, agent->stream, remote->ufrag,
                                                  remote->password))
        count = nice_agent_set_remote_candidates(agent->nice, agent->stream, COMPONENT, list);
    g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
    glib_loop_wake(agent->pump);
    if (count <= 0)
        return RELOAD_E_MALFORMED;
    if (agent->state == GATHERED)
        agent->state = CHECKING;
    return 0;
}

/* The relays are given back: the agent can go, but not from within its own context. libnice gives
 * up on a server that says nothing; CLOSE_TIME is for one that it does not give up on. */
static void
on_closed(GObject *object, GAsyncResult *result, gpointer data)
{
    (void)object;
    (void)result;
    struct reload_ice_agent *agent = data;
    reload_timer_set(agent->timer, reload_loop_now(agent->options.loop));
}

static void
finish(void *argument)
{
    destroy(argument);
}

static void
close_agent(struct reload_ice_agent *agent)
{
    if (!agent || agent->closing)
        return;
    agent->closing = true;
    if (agent->options.relay_count == 0) {
        destroy(agent); /* nobody has to be told */
        return;
    }
    reload_timer_free(agent->timer);
    agent->timer = NULL;
    g_signal_handlers_disconnect_by_data(agent->nice, agent);
    if (reload_loop_timer(agent->options.loop, finish, agent, &agent->timer) != 0) {
        destroy(agent);
        return;
    }
    reload_timer_set(agent->timer, reload_loop_now(agent->options.loop) + CLOSE_TIME);
    g_main_context_push_thread_default(glib_loop_context(agent->pump));
    nice_agent_close_async(agent->nice, on_closed, agent);
    g_main_context_pop_thread_default(glib_loop_context(agent->pump));
    glib_loop_wake(agent->pump);
}

static unsigned
relays_given(struct reload_ice_agent *agent)
{
    return agent->relays_given;
}

const struct reload_ice_ops reload_nice_agent = {.open = open_agent,
                                                 .check = check,
                                                 .pair = selected,
                                                 .relays_given = relays_given,
                                                 .close = close_agent,
                                                 .try_relay = relay_trial_begin,
                                                 .end_trial = relay_trial_end};
