/* turn_grant.c: credentials for members that ask by Ping, not too often.
 *
 * docs/turn.md. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/turn_state.h"

/* At once, after which it is one a minute. */
#define CREDIT 8
#define PACE (60 * RELOAD_SECOND)

static void
refill(struct turn_member *member, reload_time now)
{
    uint64_t minutes = (now - member->since) / PACE;
    if (minutes >= CREDIT - member->credit) {
        member->credit = CREDIT;
        member->since = now;
        return;
    }
    member->credit += (unsigned)minutes;
    member->since += minutes * PACE;
}

/* A place for |node_id|: its own, a new one, or that of somebody with full credit, who is as good
 * as unknown. NULL when there are too many at once. */
static struct turn_member *
find_member(struct turn_server *server, const struct reload_node_id *node_id, reload_time now)
{
    struct turn_member *free_place = NULL;
    for (size_t i = 0; i < server->member_count; i++) {
        struct turn_member *member = &server->members[i];
        refill(member, now);
        if (memcmp(&member->node_id, node_id, sizeof *node_id) == 0)
            return member;
        if (!free_place && member->credit == CREDIT)
            free_place = member;
    }
    if (!free_place && server->member_count < TURN_MEMBERS_MAX)
        free_place = &server->members[server->member_count++];
    if (free_place)
        *free_place = (struct turn_member){.node_id = *node_id, .credit = CREDIT, .since = now};
    return free_place;
}

static int
grant(struct reload_turn *turn, const struct reload_node_id *member_id,
      struct reload_writer *answer, reload_time now)
{
    struct turn_server *server = turn->server;
    struct turn_member *member = find_member(server, member_id, now);
    if (!member || member->credit == 0)
        return RELOAD_E_BUSY;
    if (member->credit == CREDIT)
        member->since = now;
    member->credit--;
    struct turn_credential credential = {.lifetime_s = server->lifetime_s,
                                         .address = server->address};
    int error = turn_credential_make(
        &credential, reload_node_keyring(turn->node),
        (struct reload_bytes){server->secret, server->secret_size},
        reload_node_id_bytes(member_id, reload_node_config(turn->node)->node_id_length),
        turn->env->wall_ms(turn->env->context));
    if (error)
        return error;
    turn_credential_write(answer, reload_node_wire(turn->node), &credential);
    return reload_writer_error(answer);
}

int
turn_grant(struct reload_turn *turn, const struct reload_node_id *member,
           struct reload_bytes question, struct reload_writer *answer, reload_time now)
{
    bool offered = turn->server && turn->server->wanted && !turn->leaving;
    int error = !offered        ? RELOAD_E_NOT_FOUND
                : question.size ? RELOAD_E_MALFORMED
                                : grant(turn, member, answer, now);
    if (error)
        turn->counters.refused++;
    else
        turn->counters.granted++;
    return error;
}
