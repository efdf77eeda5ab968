/* bootstrap_way.c: whom we ask for the overlay: bootstrap nodes, and peers of before; and searches
 * for other parts of it.
 *
 * RFC 6940 10.7.4.4, 11.4. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/bootstrap.h"

#include "reload/core/node_internal.h"

#include <assert.h>

#define ASK_NEXT (2 * RELOAD_SECOND) /* without an answer another one is asked besides */
#define ASKED_MAX 8                  /* in one search */
#define PRIORITY_HOST 2130706431     /* RFC 5245 4.1.2.1, of the only address */

/* ---- ways ----------------------------------------------------------------------------------- */

size_t
reload_bootstrap_ways(const struct reload_bootstrap *bootstrap)
{
    return bootstrap->candidate_count + bootstrap->known_count;
}

struct reload_candidate
reload_bootstrap_way(const struct reload_bootstrap *bootstrap, size_t first, size_t i)
{
    assert(i < reload_bootstrap_ways(bootstrap));
    if (i < bootstrap->candidate_count)
        return bootstrap->candidates[(first + i) % bootstrap->candidate_count];
    const struct reload_bootstrap_known *known = &bootstrap->known[i - bootstrap->candidate_count];
    return (struct reload_candidate){.address = known->address,
                                     .priority = PRIORITY_HOST,
                                     .overlay_link = known->overlay_link,
                                     .type = RELOAD_CAND_TYPE_HOST,
                                     .foundation = "1"};
}

static bool
is_same_address(const struct reload_address *a, const struct reload_address *b)
{
    return a->family == b->family && a->port == b->port &&
           memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

static bool
is_way(const struct reload_bootstrap *bootstrap, const struct reload_address *address)
{
    for (size_t i = 0; i < reload_bootstrap_ways(bootstrap); i++) {
        struct reload_candidate way = reload_bootstrap_way(bootstrap, 0, i);
        if (is_same_address(&way.address, address))
            return true;
    }
    return false;
}

/* Only where it can be found again: not at the ports of an ICE agent or of a TCP connection that it
 * opened. */
void
reload_bootstrap_remember(struct reload_bootstrap *bootstrap, const struct reload_link *link)
{
    bool own_port =
        link->local_type == 0 && !(link->incoming && link->framing == RELOAD_FRAMING_STREAM);
    if (!own_port || link->address.family == 0 || is_way(bootstrap, &link->address))
        return;
    bootstrap->known[bootstrap->next_known] =
        (struct reload_bootstrap_known){link->address, link->overlay_link};
    bootstrap->next_known = (bootstrap->next_known + 1) % RELOAD_BOOTSTRAP_KNOWN_MAX;
    if (bootstrap->known_count < RELOAD_BOOTSTRAP_KNOWN_MAX)
        bootstrap->known_count++;
}

void
reload_topology_mark_peer(struct reload_node *node, uint32_t id, bool is_peer)
{
    struct reload_link *link = reload_link_find(node, id);
    if (link)
        link->is_peer = is_peer;
}

uint32_t
reload_bootstrap_standing(const struct reload_node *node, const struct reload_candidate *candidate)
{
    size_t cursor = 0;
    const struct reload_link *link;
    while ((link = reload_link_walk(node, &cursor)))
        if (link->state == RELOAD_LINK_UP && link->application == 0 && !link->sender.suspect &&
            is_same_address(&link->address, &candidate->address))
            return link->id;
    return 0;
}

bool
reload_bootstrap_any_up(const struct reload_node *node)
{
    size_t cursor = 0;
    const struct reload_link *link;
    while ((link = reload_link_walk(node, &cursor)))
        if (link->state == RELOAD_LINK_UP && link->application == 0)
            return true;
    return false;
}

/* ---- searches ------------------------------------------------------------------------------- */

static void
arm(struct reload_node *node, reload_time at, reload_alarm_fn *wake)
{
    int error = reload_alarm_set(&node->alarms, &node->bootstrap.search.alarm, at, wake);
    assert(!error); /* it has its place since the search began */
    (void)error;
}

/* Tells of |link|, or of none when it is 0; |silent|: some node asked before did not answer. */
static void
finish(struct reload_node *node, uint32_t link, bool silent, reload_time now)
{
    struct reload_bootstrap_search *search = &node->bootstrap.search;
    reload_attach_fn *done = search->done;
    const struct reload_link *found = reload_link_find(node, link);
    struct reload_node_id node_id = found ? found->node_id : (struct reload_node_id){{0}};
    size_t count = search->link_count;
    search->done = NULL;
    search->link_count = 0;
    reload_alarm_clear(&node->alarms, &search->alarm);
    for (size_t i = 0; i < count; i++) {
        struct reload_link *other = reload_link_find(node, search->links[i]);
        if (other && other->state == RELOAD_LINK_CONNECTING)
            reload_link_end(node, other, 0, true, now); /* not needed any more */
    }
    done(search->argument, silent || !found ? RELOAD_E_UNREACHABLE : 0, found ? link : 0, &node_id,
         now);
}

static size_t
find(const struct reload_bootstrap_search *search, uint32_t id)
{
    size_t i = 0;
    while (i < search->link_count && search->links[i] != id)
        i++;
    return i;
}

bool
reload_bootstrap_searches(const struct reload_node *node, uint32_t id)
{
    const struct reload_bootstrap_search *search = &node->bootstrap.search;
    return search->done && find(search, id) < search->link_count;
}

/* Peers of before are asked only when there is no bootstrap node, or no link is left: most of them
 * are dead, and who has peers may leave the search to them. */
static size_t
count_ways(const struct reload_node *node)
{
    size_t count = node->bootstrap.candidate_count;
    return count > 0 && reload_bootstrap_any_up(node) ? count
                                                      : reload_bootstrap_ways(&node->bootstrap);
}

/* Asks one more. Who says nothing does not keep us from the next. */
static void
ask(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    (void)alarm;
    struct reload_node *node = owner;
    struct reload_bootstrap_search *search = &node->bootstrap.search;
    size_t count = count_ways(node);
    arm(node, RELOAD_NEVER, ask); /* keeps its place */
    while (search->left > 0 && count > 0 && search->link_count < RELOAD_BOOTSTRAP_SEARCHES_MAX) {
        size_t way = search->first++ % count;
        struct reload_candidate candidate = reload_bootstrap_way(&node->bootstrap, 0, way);
        uint32_t link = reload_bootstrap_standing(node, &candidate);
        search->left--;
        if (link) {
            finish(node, link, search->link_count > 0 || search->silent, now);
            return;
        }
        link = reload_bootstrap_connect(node, &candidate, now);
        if (!link)
            continue;
        search->ways[search->link_count] = way + 1;
        search->links[search->link_count++] = link;
        if (search->left > 0)
            arm(node, now + ASK_NEXT, ask);
        return;
    }
    if (search->link_count == 0)
        finish(node, 0, true, now);
}

bool
reload_bootstrap_search_up(struct reload_node *node, uint32_t id, reload_time now)
{
    struct reload_bootstrap_search *search = &node->bootstrap.search;
    if (!reload_bootstrap_searches(node, id))
        return false;
    size_t at = find(search, id);
    if (at > 0) /* asked earlier, without a word until now */
        search->failed = search->ways[0];
    else if (search->failed == search->ways[0])
        search->failed = 0;
    finish(node, id, at > 0 || search->silent, now);
    return true;
}

void
reload_bootstrap_search_gone(struct reload_node *node, const struct reload_link *link,
                             reload_time now)
{
    struct reload_bootstrap_search *search = &node->bootstrap.search;
    if (!reload_bootstrap_searches(node, link->id))
        return;
    size_t at = find(search, link->id);
    search->failed = search->ways[at];
    search->silent = true;
    search->link_count--;
    for (size_t i = at; i < search->link_count; i++) {
        search->links[i] = search->links[i + 1];
        search->ways[i] = search->ways[i + 1];
    }
    if (search->left > 0)
        arm(node, now, ask);
    else if (search->link_count == 0)
        finish(node, 0, true, now);
}

int
reload_topology_bootstrap(struct reload_node *node, reload_attach_fn *done, void *argument,
                          reload_time now)
{
    struct reload_bootstrap_search *search = &node->bootstrap.search;
    size_t count = count_ways(node);
    if (search->done)
        return RELOAD_E_BUSY;
    if (count == 0)
        return RELOAD_E_UNREACHABLE;
    int error = reload_alarm_set(&node->alarms, &search->alarm, now, ask);
    if (error)
        return error;
    if (search->count == 0) {
        uint64_t chance;
        node->env->random(node->env->context, &chance, sizeof chance);
        search->next = (size_t)(chance % count);
    }
    /* One after the other, every second time first the one that said nothing when it was last
     * asked: it may be in the part of the overlay that is looked for. */
    bool again = search->failed && search->failed <= count && search->count % 2;
    search->count++;
    search->first = again ? search->failed - 1 : search->next++ % count;
    search->left = count < ASKED_MAX ? count : ASKED_MAX;
    search->silent = false;
    search->done = done;
    search->argument = argument;
    return 0;
}
