/* turn_announce.c: a relay's announcements: copies of its address at places that depend on its
 * Node-ID, kept while the relay works and taken away when it does not.
 *
 * RFC 6940 9. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/turn_state.h"

#define LIFETIME_S 3600u
#define RETRY_DELAY (30 * RELOAD_SECOND)

static bool
has_work(const struct turn_server *server, const struct turn_copy *copy)
{
    return !copy->busy && (server->wanted || copy->stored || copy->doubtful);
}

static void
done(void *argument, const struct reload_result *result, reload_time now)
{
    struct turn_copy *copy = argument;
    struct turn_server *server = copy->turn->server;
    copy->busy = false;
    copy->due = result->error ? turn_later(copy->turn, RETRY_DELAY, now)
                              : turn_later(copy->turn, LIFETIME_S / 2 * RELOAD_SECOND, now);
    if (result->error)
        copy->doubtful = copy->doubtful || result->error != RELOAD_E_REFUSED;
    else
        copy->stored = true;
    if (!server->wanted || copy->turn->leaving) /* withdrawn meanwhile */
        copy->due = now;
}

static void
removed(void *argument, const struct reload_result *result, reload_time now)
{
    struct turn_copy *copy = argument;
    copy->busy = false;
    if (result->error == 0)
        copy->stored = copy->doubtful = false;
    copy->due = result->error ? turn_later(copy->turn, RETRY_DELAY, now) : now;
}

static void
store(struct turn_copy *copy, bool exists, reload_time now)
{
    struct reload_turn *turn = copy->turn;
    uint8_t octets[64];
    struct reload_writer writer = reload_writer_of(octets, sizeof octets);
    struct reload_turn_server server = {.iteration = copy->iteration,
                                        .server_address =
                                            reload_turn_address_encode(&turn->server->address)};
    if (exists)
        reload_turn_server_encode(&writer, reload_node_wire(turn->node), &server);
    struct reload_store_value value = {.kind = RELOAD_KIND_TURN_SERVICE,
                                       .value = reload_writer_written(&writer),
                                       .exists = exists,
                                       .lifetime_s = LIFETIME_S};
    copy->busy = true;
    if (reload_node_store(turn->node, (struct reload_bytes){copy->resource, copy->resource_size},
                          &value, 1, exists ? done : removed, copy, now) == 0)
        return;
    copy->busy = false;
    copy->due = turn_later(turn, RETRY_DELAY, now);
}

reload_time
turn_announce_next(const struct reload_turn *turn)
{
    const struct turn_server *server = turn->server;
    reload_time next = RELOAD_NEVER;
    if (!server || !turn->joined)
        return next;
    for (size_t i = 0; i < server->copy_count; i++)
        if (has_work(server, &server->copies[i]) && server->copies[i].due < next)
            next = server->copies[i].due;
    return next;
}

void
turn_announce_timeout(struct reload_turn *turn, reload_time now)
{
    struct turn_server *server = turn->server;
    for (size_t i = 0; server && turn->joined && i < server->copy_count; i++)
        if (has_work(server, &server->copies[i]) && server->copies[i].due <= now)
            store(&server->copies[i], server->wanted, now);
}

/* ---- the offer --------------------------------------------------------------------------------
 */

/* RFC 6940 9: d copies, for d from 1 to turn-density; no more than the Kind allows, or the
 * document, which others may go by. */
static int
place_copies(struct reload_turn *turn, struct turn_server *server)
{
    const struct reload_config *config = reload_node_config(turn->node);
    uint32_t count = RELOAD_TURN_ITERATIONS_MAX;
    if (config->turn_density < count)
        count = config->turn_density;
    for (size_t i = 0; i < config->kind_count; i++)
        if (config->kinds[i].kind == RELOAD_KIND_TURN_SERVICE &&
            config->kinds[i].max_node_multiple < count)
            count = config->kinds[i].max_node_multiple;
    for (size_t i = 0; i < count; i++) {
        struct turn_copy *copy = &server->copies[i];
        *copy = (struct turn_copy){.turn = turn, .iteration = (uint8_t)(i + 1)};
        int error = turn_resource(turn, reload_node_id(turn->node), copy->iteration, copy->resource,
                                  &copy->resource_size);
        if (error)
            return error;
    }
    server->copy_count = count;
    return 0;
}

static int
make_server(struct reload_turn *turn)
{
    if (turn->server)
        return 0;
    struct turn_server *server =
        turn->env->allocate(turn->env->context, NULL, sizeof *turn->server);
    if (!server)
        return RELOAD_E_NOMEM;
    memset(server, 0, sizeof *server);
    int error = place_copies(turn, server);
    if (error)
        (void)turn->env->allocate(turn->env->context, server, 0);
    else
        turn->server = server;
    return error;
}

int
reload_turn_service_begin(void *state, const struct reload_turn_offer *offer, reload_time now)
{
    struct reload_turn *turn = state;
    if (offer->secret.size == 0 || offer->secret.size > RELOAD_TURN_SECRET_MAX ||
        offer->lifetime_s < TURN_LIFETIME_MIN_S || offer->lifetime_s > TURN_LIFETIME_MAX_S)
        return RELOAD_E_USAGE;
    if (!reload_turn_address_is_allowed(&offer->address, &turn->options.allow))
        return RELOAD_E_FORBIDDEN;
    int error = make_server(turn);
    if (error)
        return error;
    struct turn_server *server = turn->server;
    server->wanted = true;
    server->address = offer->address;
    memcpy(server->secret, offer->secret.data, offer->secret.size);
    server->secret_size = offer->secret.size;
    server->lifetime_s = offer->lifetime_s;
    for (size_t i = 0; i < server->copy_count; i++)
        server->copies[i].due = now;
    return 0;
}

void
reload_turn_service_end(void *state, reload_time now)
{
    struct reload_turn *turn = state;
    if (!turn->server)
        return;
    turn->server->wanted = false;
    memset(turn->server->secret, 0, sizeof turn->server->secret);
    for (size_t i = 0; i < turn->server->copy_count; i++)
        turn->server->copies[i].due = now;
}

struct reload_turn_counters
reload_turn_service_counters(const void *state)
{
    const struct reload_turn *turn = state;
    struct reload_turn_counters counters = turn->counters;
    if (!turn->server)
        return counters;
    counters.copies = turn->server->copy_count;
    for (size_t i = 0; i < turn->server->copy_count; i++)
        counters.announced += turn->server->copies[i].stored;
    return counters;
}
