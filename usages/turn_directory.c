/* turn_directory.c: finds relays in the overlay and keeps some, with credentials that hold; which
 * of them are any good is turn_trial.c's matter.
 *
 *   due -> Find at a random Resource-ID -> Fetch what is near it -> Ping its signer: credentials
 *    ^---------------- (soon after a find, later and later after a failure) ----------------'
 *
 * RFC 6940 9, docs/turn.md. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/turn_state.h"

/* While no link is up; between tries that bring nothing, at first and then doubled up to the last.
 */
#define LINK_PAUSE RELOAD_SECOND
#define FOUND_PAUSE (100 * RELOAD_MS)
#define TRY_PAUSE (250 * RELOAD_MS)
#define QUICK_TRIES 8
#define SLOW_PAUSE (15 * RELOAD_SECOND)
#define SLOW_DOUBLINGS 5

/* Links come up all the time in a large overlay, also in one without relays. */
#define LOOK_PAUSE (60 * RELOAD_SECOND)

/* How long nodes that were of no use are let alone: at first, and then doubled each time. */
#define AVOID_TIME (120 * RELOAD_SECOND)
#define AVOID_DOUBLINGS 6

/* A relay is asked again after this time or half of its credentials', whichever is shorter; when
 * it does not answer, soon, and given up after some times. */
#define ASK_PAUSE (300 * RELOAD_SECOND)
#define ASK_AGAIN_PAUSE (10 * RELOAD_SECOND)
#define ASK_FAILURES 3

/* ---- who is known -----------------------------------------------------------------------------
 */

static struct turn_relay *
find_relay(struct reload_turn *turn, const struct reload_node_id *node_id)
{
    for (size_t i = 0; i < TURN_PLACES; i++)
        if (turn->relays[i].used && memcmp(&turn->relays[i].node_id, node_id, sizeof *node_id) == 0)
            return &turn->relays[i];
    return NULL;
}

/* A free place, or that of the relay that has failed most trials. Who is being asked stays. */
static struct turn_relay *
free_relay(struct reload_turn *turn)
{
    struct turn_relay *worst = NULL;
    for (size_t i = 0; i < TURN_PLACES; i++) {
        struct turn_relay *relay = &turn->relays[i];
        if (!relay->used)
            return relay;
        if (relay->failed_trials > 0 && !relay->asking &&
            (!worst || relay->failed_trials > worst->failed_trials))
            worst = relay;
    }
    return worst;
}

static struct turn_avoided *
find_avoided(struct reload_turn *turn, const struct reload_node_id *node_id)
{
    for (size_t i = 0; i < TURN_AVOIDED_MAX; i++)
        if (turn->avoided[i].times > 0 &&
            memcmp(&turn->avoided[i].node_id, node_id, sizeof *node_id) == 0)
            return &turn->avoided[i];
    return NULL;
}

static bool
is_avoided(struct reload_turn *turn, const struct reload_node_id *node_id, reload_time now)
{
    const struct turn_avoided *avoided = find_avoided(turn, node_id);
    return avoided && avoided->until > now;
}

/* The one whose time ends first makes room. */
static void
avoid(struct reload_turn *turn, const struct reload_node_id *node_id, reload_time now)
{
    struct turn_avoided *place = find_avoided(turn, node_id);
    unsigned times = place ? place->times : 0;
    if (!place)
        place = &turn->avoided[0];
    for (size_t i = 1; i < TURN_AVOIDED_MAX && times == 0; i++)
        if (turn->avoided[i].until < place->until)
            place = &turn->avoided[i];
    unsigned doublings = times < AVOID_DOUBLINGS ? times : AVOID_DOUBLINGS;
    *place = (struct turn_avoided){
        .node_id = *node_id, .times = times + 1, .until = now + (AVOID_TIME << doublings)};
}

void
turn_forgive(struct reload_turn *turn, const struct reload_node_id *node_id)
{
    struct turn_avoided *avoided = find_avoided(turn, node_id);
    if (avoided)
        *avoided = (struct turn_avoided){0};
}

static bool
is_wanted(struct reload_turn *turn, const struct reload_node_id *node_id, reload_time now)
{
    const struct reload_node_id *self = reload_node_id(turn->node);
    return memcmp(node_id, self, sizeof *self) != 0 && !find_relay(turn, node_id) &&
           !is_avoided(turn, node_id, now);
}

/* ---- credentials ------------------------------------------------------------------------------
 */

/* The answer of |node_id| to our Ping: 0, or why it cannot be used. */
static int
read_answer(struct reload_turn *turn, const struct reload_result *result,
            const struct reload_node_id *node_id, struct turn_credential *credential)
{
    struct reload_bytes content;
    if (result->error)
        return result->error;
    if (memcmp(&result->responder_id, node_id, sizeof *node_id) != 0 ||
        !reload_message_extension(result->message, RELOAD_TURN_EXTENSION, &content))
        return RELOAD_E_NOT_FOUND;
    int error = turn_credential_read(content, reload_node_wire(turn->node), credential);
    if (error)
        return error;
    return reload_turn_address_is_allowed(&credential->address, &turn->options.allow)
               ? 0
               : RELOAD_E_FORBIDDEN;
}

static void
keep(struct turn_relay *relay, const struct turn_credential *credential, reload_time now)
{
    reload_time lifetime = credential->lifetime_s * RELOAD_SECOND;
    reload_time pause = lifetime / 2 < ASK_PAUSE ? lifetime / 2 : ASK_PAUSE;
    /* At another place it is another server. */
    if (memcmp(&relay->credential.address, &credential->address, sizeof credential->address) != 0)
        memset(relay->ways, 0, sizeof relay->ways);
    relay->credential = *credential;
    relay->expires = now + lifetime;
    relay->due = turn_later(relay->turn, pause, now);
    relay->failures = 0;
    turn_trial_wanted(relay, now);
}

void
turn_search_soon(struct reload_turn *turn, reload_time now)
{
    turn->search.tries = 0;
    if (turn->search.due > now)
        turn->search.due = now;
}

static void
lose(struct turn_relay *relay, reload_time now)
{
    struct reload_turn *turn = relay->turn;
    avoid(turn, &relay->node_id, now);
    memset(relay, 0, sizeof *relay);
    turn_search_soon(turn, now);
}

static int
ping(struct reload_turn *turn, const struct reload_node_id *node_id, reload_result_fn *fn,
     void *argument, reload_time now)
{
    struct reload_route route = reload_route_to_node(node_id);
    return reload_node_ping(turn->node, &route, RELOAD_TURN_EXTENSION, (struct reload_bytes){0}, fn,
                            argument, now);
}

static void
failed_again(struct turn_relay *relay, reload_time now)
{
    relay->due = turn_later(relay->turn, ASK_AGAIN_PAUSE, now);
    if (++relay->failures >= ASK_FAILURES)
        lose(relay, now);
}

static void
asked_again(void *argument, const struct reload_result *result, reload_time now)
{
    struct turn_relay *relay = argument;
    struct turn_credential credential;
    relay->asking = false;
    int error = read_answer(relay->turn, result, &relay->node_id, &credential);
    if (turn_is_given_up(relay))
        lose(relay, now);
    else if (error)
        failed_again(relay, now);
    else
        keep(relay, &credential, now);
}

/* Whoever is asked stays in its place until it has answered. */
static void
ask_again(struct turn_relay *relay, reload_time now)
{
    if (relay->asking)
        return;
    if (relay->expires <= now || turn_is_given_up(relay)) {
        lose(relay, now);
        return;
    }
    relay->asking = true;
    if (ping(relay->turn, &relay->node_id, asked_again, relay, now) == 0)
        return;
    relay->asking = false;
    failed_again(relay, now);
}

/* ---- the search -------------------------------------------------------------------------------
 */

static void
search_ended(struct reload_turn *turn, bool found, reload_time now)
{
    struct turn_search *search = &turn->search;
    search->busy = false;
    if (found) {
        search->tries = 0;
        search->due = now + FOUND_PAUSE;
        return;
    }
    unsigned tries = search->tries++;
    if (tries < QUICK_TRIES) {
        search->due = turn_later(turn, TRY_PAUSE, now);
        return;
    }
    unsigned doublings = tries - QUICK_TRIES;
    if (doublings > SLOW_DOUBLINGS)
        doublings = SLOW_DOUBLINGS;
    search->due = turn_later(turn, SLOW_PAUSE << doublings, now);
}

static void
asked(void *argument, const struct reload_result *result, reload_time now)
{
    struct reload_turn *turn = argument;
    struct turn_search *search = &turn->search;
    struct turn_relay *relay = free_relay(turn);
    struct turn_credential credential;
    int error = read_answer(turn, result, &search->node_id, &credential);
    if (error)
        avoid(turn, &search->node_id, now);
    if (!error && relay) {
        if (relay->used)
            avoid(turn, &relay->node_id, now);
        *relay = (struct turn_relay){
            .turn = turn, .used = true, .node_id = search->node_id, .try_due = now};
        keep(relay, &credential, now);
    }
    search_ended(turn, !error, now);
}

/* The signer could store here (the core has looked), but it must be where this very copy belongs:
 * that tells which of the signer's Node-IDs has the relay. */
static bool
is_owner(struct reload_turn *turn, const struct reload_node_id *node_id, uint8_t iteration)
{
    uint8_t resource[20];
    size_t size;
    return turn_resource(turn, node_id, iteration, resource, &size) == 0 &&
           reload_bytes_equal(
               (struct reload_bytes){resource, size},
               (struct reload_bytes){turn->search.resource, turn->search.resource_size});
}

static void
take_value(void *argument, const struct reload_fetched_value *value, reload_time now)
{
    struct reload_turn *turn = argument;
    struct reload_reader reader = reload_reader_of(value->value);
    struct reload_turn_server server;
    struct reload_address address;
    if (!value->exists || !value->signer || turn->search.met ||
        reload_turn_server_decode(&reader, reload_node_wire(turn->node), &server) ||
        reload_turn_address_decode(&server.server_address, &address) ||
        !reload_turn_address_is_allowed(&address, &turn->options.allow))
        return;
    for (size_t i = 0; i < value->signer->node_id_count; i++) {
        const struct reload_node_id *node_id = &value->signer->node_ids[i];
        if (!is_owner(turn, node_id, server.iteration) || !is_wanted(turn, node_id, now))
            continue;
        turn->search.met = true;
        turn->search.node_id = *node_id;
    }
}

static void
fetched(void *argument, const struct reload_result *result, reload_time now)
{
    struct reload_turn *turn = argument;
    if (result->error || !turn->search.met ||
        ping(turn, &turn->search.node_id, asked, turn, now) != 0)
        search_ended(turn, false, now);
}

static void
take_place(void *argument, uint32_t kind, struct reload_bytes resource, reload_time now)
{
    struct turn_search *search = &((struct reload_turn *)argument)->search;
    (void)kind, (void)now;
    search->resource_size = 0;
    if (resource.size > sizeof search->resource)
        return;
    if (resource.size)
        memcpy(search->resource, resource.data, resource.size);
    search->resource_size = resource.size;
}

static void
found(void *argument, const struct reload_result *result, reload_time now)
{
    struct reload_turn *turn = argument;
    struct turn_search *search = &turn->search;
    struct reload_fetch_specifier specifier = {.kind = RELOAD_KIND_TURN_SERVICE};
    search->met = false;
    if (result->error || search->resource_size == 0 ||
        reload_node_fetch(turn->node,
                          (struct reload_bytes){search->resource, search->resource_size},
                          &specifier, 1, take_value, fetched, turn, now) != 0)
        search_ended(turn, false, now);
}

/* RFC 6940 9: "selecting a random Resource-ID and then doing a Find request". */
static void
search_on(struct reload_turn *turn, reload_time now)
{
    static const uint32_t kind = RELOAD_KIND_TURN_SERVICE;
    struct turn_search *search = &turn->search;
    uint8_t chance[16], place[20];
    size_t size;
    turn->env->random(turn->env->context, chance, sizeof chance);
    search->busy = true;
    search->resource_size = 0;
    int error = reload_node_resource(turn->node, (struct reload_bytes){chance, sizeof chance},
                                     place, &size);
    if (!error)
        error = reload_node_find(turn->node, (struct reload_bytes){place, size}, &kind, 1,
                                 take_place, found, turn, now);
    if (error)
        search_ended(turn, false, now);
}

/* ---- time -------------------------------------------------------------------------------------
 */

static bool
has_link(const struct reload_turn *turn)
{
    size_t cursor = 0;
    struct reload_link_info info;
    return reload_node_link_next(turn->node, &cursor, &info);
}

/* Who lends a relay needs none. */
static bool
is_searching(const struct reload_turn *turn)
{
    if (!turn->options.use || turn->leaving || turn->search.busy ||
        (turn->server && turn->server->wanted))
        return false;
    size_t hopeful = 0;
    for (size_t i = 0; i < TURN_PLACES; i++)
        hopeful += turn->relays[i].used && turn->relays[i].failed_trials == 0;
    return hopeful < RELOAD_TURN_RELAYS_MAX;
}

reload_time
turn_directory_next(const struct reload_turn *turn)
{
    reload_time next = is_searching(turn) ? turn->search.due : RELOAD_NEVER;
    reload_time trial = turn_trial_next(turn);
    if (trial < next)
        next = trial;
    for (size_t i = 0; i < TURN_PLACES && !turn->leaving; i++) {
        const struct turn_relay *relay = &turn->relays[i];
        if (relay->used && !relay->asking && relay->due < next)
            next = relay->due;
    }
    return next;
}

void
turn_directory_timeout(struct reload_turn *turn, reload_time now)
{
    if (turn->leaving)
        return;
    for (size_t i = 0; i < TURN_PLACES; i++)
        if (turn->relays[i].used && turn->relays[i].due <= now)
            ask_again(&turn->relays[i], now);
    turn_trial_timeout(turn, now);
    if (!is_searching(turn) || turn->search.due > now)
        return;
    if (has_link(turn))
        search_on(turn, now);
    else
        turn->search.due = now + LINK_PAUSE;
}

void
reload_turn_service_look(void *state, reload_time now)
{
    struct reload_turn *turn = state;
    for (size_t i = 0; i < TURN_PLACES; i++)
        if (turn->relays[i].used && turn->relays[i].failed_trials == 0)
            return;
    if (now < turn->search.again)
        return;
    turn->search.again = now + LOOK_PAUSE;
    turn->search.tries = 0;
    turn->search.due = now;
}
