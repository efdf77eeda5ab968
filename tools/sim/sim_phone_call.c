/* sim_phone_call.c: phones that call each other.
 *
 * RFC 7904 4, 5. SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/sim_phone.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TICK_NS SIM_MS(250)
#define SAY_FIRST_NS SIM_MS(500) /* T1 of RFC 3261, then twice as long each time */
#define SAY_MAX_NS SIM_SECONDS(4)
#define SILENCE_NS SIM_SECONDS(4) /* then the link is taken for broken (D100) */
#define LINKS_MAX 3

static void
tell(const struct sim_call *call, const char *what, int error)
{
    struct sim *sim = call->phones->sim;
    FILE *log = sim_log(sim);
    if (log)
        fprintf(log, "%10.3f call %" PRIu32 " of phone %" PRIu32 " to phone %" PRIu32 ": %s%s%s\n",
                (double)(sim_now(sim) - SIM_TIME_BEGIN) / 1e9, call->number, call->from, call->to,
                what, error ? ": " : "", error ? reload_error_text(error) : "");
}

static struct sim_phone *
caller_of(const struct sim_call *call)
{
    return call->phones->phones[call->from];
}

/* The phone whose host has |node_id|, or NULL. */
static struct sim_phone *
phone_of_node(const struct sim_phones *phones, const struct reload_node_id *node_id)
{
    for (uint32_t i = 0; i < phones->phone_count; i++)
        if (reload_node_id_equal(sim_node_id(phones->sim, phones->phones[i]->host), node_id))
            return phones->phones[i];
    return NULL;
}

/* ---- ends ---- */

static void
end_call(struct sim_call *call)
{
    struct sim_phone_figures *figures = &call->phones->figures;
    struct reload_sip *sip = sim_phone_sip(caller_of(call));
    call->ended = true;
    call->ended_ns = sim_now(call->phones->sim);
    for (size_t i = 0; i < call->branch_count; i++)
        if (call->branches[i].connecting.running) {
            reload_sip_connect_cancel(sip, call->branches[i].attempt);
            call->branches[i].connecting.running = false;
        }
    uint64_t elapsed = call->ended_ns - call->begun_ns;
    figures->answered += call->answered;
    if (call->answered) {
        figures->setup_ns_sum += elapsed;
        if (elapsed > figures->setup_ns_max)
            figures->setup_ns_max = elapsed;
    }
    tell(call, call->answered ? "answered" : "not answered", call->error);
}

static void
end_branch(struct sim_branch *branch, int error)
{
    struct sim_call *call = branch->call;
    branch->ended = true;
    branch->error = error;
    if (error)
        call->error = error;
    for (size_t i = 0; i < call->branch_count; i++)
        if (!call->branches[i].ended)
            return;
    if (!call->ended)
        end_call(call);
}

/* ---- requests and answers ---- */

static void
say(struct sim_branch *branch)
{
    const struct sim_call *call = branch->call;
    struct sim_phones *phones = call->phones;
    char text[RELOAD_AOR_SIZE_MAX * 2 + 200];
    int size = snprintf(text, sizeof text,
                        "MESSAGE sip:%s SIP/2.0\r\nFrom: <sip:%s>\r\nCall-ID: %" PRIu32 "-%zu\r\n"
                        "Content-Length: 0\r\n\r\n",
                        branch->target.aor.text, caller_of(call)->aor.text, call->number,
                        (size_t)(branch - call->branches));
    assert(size > 0 && (size_t)size < sizeof text);
    branch->said_at = sim_now(phones->sim);
    if (reload_sip_send(sim_phone_sip(caller_of(call)), branch->link,
                        (struct reload_bytes){(uint8_t *)text, (size_t)size},
                        sim_now(phones->sim)) == RELOAD_E_CLOSED)
        branch->link = 0;
}

static void
linked(struct sim_branch *branch, uint32_t link)
{
    branch->link = link;
    branch->linked_at = sim_now(branch->call->phones->sim);
    branch->again_ns = SAY_FIRST_NS;
    say(branch);
}

static void
connected(void *argument, int error, const struct reload_sip_peer *peer, reload_time now)
{
    struct sim_branch *branch = argument;
    struct sim_call *call = branch->call;
    (void)now;
    sim_errand_end(&branch->connecting);
    tell(call, "connected", error);
    if (call->ended)
        sim_finding(&call->phones->finder, "V6", "a connection of phone %" PRIu32 " was cancelled",
                    call->from);
    else if (error)
        end_branch(branch, error);
    else if (!reload_node_id_equal(&peer->node_id, &branch->target.destination.node_id))
        sim_finding(&call->phones->finder, "V5", "phone %" PRIu32 " was linked with another node",
                    call->from);
    else
        linked(branch, peer->link);
}

static void
connect_branch(struct sim_branch *branch)
{
    struct sim_call *call = branch->call;
    struct sim *sim = call->phones->sim;
    uint64_t deadline = call->begun_ns + RELOAD_SIP_SETUP_TIME, now = sim_now(sim);
    uint32_t link = 0;
    branch->link = 0;
    if (branch->tries++ == LINKS_MAX || now >= deadline) {
        end_branch(branch, RELOAD_E_TIMEOUT);
        return;
    }
    sim_errand_begin(&branch->connecting, caller_of(call), "connection", deadline - now);
    int error = reload_sip_connect(sim_phone_sip(caller_of(call)), &branch->target.destination,
                                   branch->target.application, deadline, connected, branch, now,
                                   &link, &branch->attempt);
    branch->connecting.running = error == 0 && link == 0;
    if (error)
        end_branch(branch, error);
    else if (link)
        linked(branch, link);
}

/* V5: only what its user stored at the address it was found at, and only who is asked for there. */
static void
check_target(struct sim_call *call, const struct reload_sip_target *target)
{
    const struct sim_phone *phone = phone_of_node(call->phones, &target->signer);
    bool right = phone && phone->ever_on && strcmp(target->user, phone->aor.text) == 0 &&
                 reload_aor_equal(&target->aor, &phone->aor) &&
                 reload_node_id_equal(&target->destination.node_id, &target->signer);
    if (!right)
        sim_finding(&call->phones->finder, "V5",
                    "phone %" PRIu32 " believes that %s is where it never was", call->from,
                    target->aor.text);
}

static void
found(void *argument, int error, const struct reload_sip_target *targets, size_t count,
      reload_time now)
{
    struct sim_call *call = argument;
    (void)now;
    sim_errand_end(&call->looking);
    tell(call, "looked up", error);
    call->found_ns = sim_now(call->phones->sim);
    call->target_count = count;
    call->phones->figures.found += error == 0;
    if (error) {
        call->error = error;
        end_call(call);
        return;
    }
    call->branch_count = count < SIM_BRANCHES_MAX ? count : SIM_BRANCHES_MAX;
    for (size_t i = 0; i < count; i++)
        check_target(call, &targets[i]);
    for (size_t i = 0; i < call->branch_count; i++)
        call->branches[i] = (struct sim_branch){.call = call, .target = targets[i]};
    for (size_t i = 0; i < call->branch_count && !call->ended; i++)
        connect_branch(&call->branches[i]);
}

/* Whether the link's peer is whom the usage says it is. What it says may be anything: peers
 * misbehave. */
static bool
is_true(const struct sim_phone *phone, const struct reload_sip_peer *peer)
{
    const struct sim *sim = phone->phones->sim;
    for (uint32_t i = 0; i < sim_node_count(sim); i++)
        if (reload_node_id_equal(sim_node_id(sim, i), &peer->node_id) &&
            strcmp(sim_user_name(sim, i), peer->user) == 0)
            return true;
    sim_finding(&phone->phones->finder, "V5", "phone %" PRIu32 " is linked with %s, who is not",
                phone->number, peer->user);
    return false;
}

static void
answered(struct sim_phone *phone, const struct reload_sip_peer *peer, unsigned status,
         unsigned number, size_t place)
{
    struct sim_call *call =
        number < phone->phones->call_count ? phone->phones->calls[number] : NULL;
    struct sim_branch *branch = call && place < call->branch_count ? &call->branches[place] : NULL;
    if (!branch || caller_of(call) != phone || call->ended || branch->ended ||
        !reload_node_id_equal(&peer->node_id, &branch->target.destination.node_id) ||
        strcmp(peer->user, branch->target.user) != 0)
        return;
    call->status = status;
    if (status != 200) {
        end_branch(branch, RELOAD_E_REFUSED);
        return;
    }
    const struct sim_phone *answerer = phone_of_node(phone->phones, &peer->node_id);
    call->answered = true;
    call->answerer = answerer ? answerer->number : SIM_NOBODY;
    call->error = 0;
    branch->ended = true;
    end_call(call);
}

/* A request: who calls is whom the certificate names (RFC 7904 5.1), or nobody. */
static void
asked(struct sim_phone *phone, const struct reload_sip_peer *peer, const char *to, const char *from,
      unsigned number, size_t place)
{
    const struct sim_phones *phones = phone->phones;
    char text[100];
    if (strcmp(peer->user, from) != 0 || strcmp(to, phone->aor.text) != 0)
        return;
    int size =
        snprintf(text, sizeof text, "SIP/2.0 %s\r\nCall-ID: %u-%zu\r\nContent-Length: 0\r\n\r\n",
                 phone->wish == SIM_WISH_ON ? "200 OK" : "404 Not Found", number, place);
    /* What is lost is asked for again. */
    (void)!reload_sip_send(sim_phone_sip(phone), peer->link,
                           (struct reload_bytes){(uint8_t *)text, (size_t)size},
                           sim_now(phones->sim));
}

void
sim_phone_receive(void *argument, const struct reload_sip_peer *peer, struct reload_bytes message,
                  reload_time now)
{
    struct sim_phone *phone = argument;
    char text[RELOAD_AOR_SIZE_MAX * 2 + 200] = "", to[RELOAD_AOR_SIZE_MAX + 1];
    char from[RELOAD_AOR_SIZE_MAX + 1];
    unsigned status = 0, number = 0;
    size_t place = 0;
    (void)now;
    if (message.size < sizeof text)
        memcpy(text, message.data, message.size);
    if (!is_true(phone, peer))
        return;
    if (sscanf(text, "MESSAGE sip:%255s SIP/2.0\r\nFrom: <sip:%255[^>]>\r\nCall-ID: %u-%zu", to,
               from, &number, &place) == 4)
        asked(phone, peer, to, from, number, place);
    else if (sscanf(text, "SIP/2.0 %u %*[^\r]\r\nCall-ID: %u-%zu", &status, &number, &place) == 3)
        answered(phone, peer, status, number, place);
}

void
sim_phone_lost(void *argument, uint32_t link, int error, reload_time now)
{
    struct sim_phone *phone = argument;
    (void)error, (void)now;
    for (uint32_t i = 0; i < phone->phones->call_count; i++) {
        struct sim_call *call = phone->phones->calls[i];
        for (size_t k = 0; k < call->branch_count && caller_of(call) == phone; k++)
            if (call->branches[k].link == link)
                call->branches[k].link = 0;
    }
}

/* ---- calls ---- */

static void
go_on(struct sim_branch *branch)
{
    struct sim_call *call = branch->call;
    uint64_t now = sim_now(call->phones->sim);
    struct reload_sip *sip = sim_phone_sip(caller_of(call));
    struct reload_sip_peer peer;
    sim_errand_look(&branch->connecting);
    if (branch->ended || branch->connecting.running)
        return;
    if (branch->link == 0) {
        connect_branch(branch);
    } else if (now - branch->linked_at >= SILENCE_NS) {
        uint32_t link = branch->link;
        sim_phone_lost(caller_of(call), link, 0, now);
        reload_sip_drop(sip, link, now);
        connect_branch(branch);
    } else if (now - branch->said_at >= branch->again_ns &&
               reload_sip_peer(sip, branch->link, &peer) && !peer.is_stream) {
        branch->again_ns = 2 * branch->again_ns < SAY_MAX_NS ? 2 * branch->again_ns : SAY_MAX_NS;
        say(branch);
    }
}

static void
tick(struct sim *sim, void *argument)
{
    struct sim_call *call = argument;
    const struct sim_phone *caller = caller_of(call);
    if (call->ended)
        return;
    if (!sim_is_alive(sim, caller->host) || sim_life(sim, caller->host) != call->life) {
        call->looking.running = false;
        call->ended = true; /* with its caller */
        return;
    }
    sim_call(sim, sim_now(sim) + TICK_NS, tick, call);
    if (sim_is_paused(sim, caller->host))
        return;
    sim_errand_look(&call->looking);
    for (size_t i = 0; i < call->branch_count && !call->ended; i++)
        go_on(&call->branches[i]);
    if (!call->ended && sim_now(sim) - call->begun_ns >= SIM_CALL_NS && !call->looking.running) {
        call->error = RELOAD_E_TIMEOUT;
        end_call(call);
    }
    sim_turn(sim, caller->host);
}

const struct sim_call *
sim_phone_call(struct sim_phones *phones, uint32_t from, uint32_t to)
{
    struct sim_phone *caller = phones->phones[from];
    struct sim *sim = phones->sim;
    if (!sim_phone_is_usable(phones, from) || caller->life != sim_life(sim, caller->host) ||
        phones->call_count == SIM_CALLS_MAX)
        return NULL;
    struct sim_call *call = calloc(1, sizeof *call);
    if (!call)
        abort();
    call->phones = phones;
    call->number = phones->call_count;
    call->from = from;
    call->to = to;
    call->life = caller->life;
    call->answerer = SIM_NOBODY;
    call->begun_ns = sim_now(sim);
    phones->calls[phones->call_count++] = call;
    phones->figures.calls++;
    sim_errand_begin(&call->looking, caller, "lookup", RELOAD_SIP_SETUP_TIME);
    int error = reload_sip_lookup(sim_phone_sip(caller), reload_aor_bytes(&phones->phones[to]->aor),
                                  sim_now(sim) + RELOAD_SIP_SETUP_TIME, found, call, sim_now(sim),
                                  &call->lookup);
    if (error) {
        call->looking.running = false;
        call->error = error;
        end_call(call);
        return call;
    }
    sim_turn(sim, caller->host);
    sim_call(sim, sim_now(sim) + TICK_NS, tick, call);
    return call;
}

static bool
has_ended(struct sim *sim, void *argument)
{
    (void)sim;
    return ((const struct sim_call *)argument)->ended;
}

const struct sim_call *
sim_phone_call_now(struct sim_phones *phones, uint32_t from, uint32_t to)
{
    const struct sim_call *call = sim_phone_call(phones, from, to);
    if (!call)
        return NULL;
    bool ended = sim_run_until(phones->sim, has_ended, phones->calls[call->number],
                               SIM_CALL_NS + SIM_SECONDS(30));
    if (!ended)
        sim_finding(&phones->finder, "V6", "a call of phone %" PRIu32 " does not end", from);
    return call;
}
