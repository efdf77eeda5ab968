/* link.c: the Connection Table.
 *
 * A link's number is its slot (from 1, in the low bits) and the slot's generation, so that a number
 * that is gone is not mistaken for the slot's next link.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/link.h"

#include "reload/core/node_internal.h"

#include <assert.h>

#define SLOT_BITS 13
#define CLOCK_STEP_MS 1000 /* the wall clock was set, or has drifted by so much */
#define CROSSING_MAX                                                                               \
    (10 * RELOAD_SECOND) /* two Attaches in opposite directions meet within this                   \
                          */
_Static_assert(RELOAD_LINKS_MAX < 1 << SLOT_BITS, "a slot number must fit");
_Static_assert(RELOAD_USAGES_MAX <= UINT8_MAX, "so must a usage's");

/* ---- numbers -------------------------------------------------------------------------------- */

static int
grow(struct reload_node *node)
{
    struct reload_links *links = &node->links;
    size_t capacity = links->capacity ? 2 * links->capacity : 8;
    if (links->capacity >= RELOAD_LINKS_MAX)
        return RELOAD_E_BUSY;
    struct reload_link **slots = reload_node_allocate(node, links->slots, capacity * sizeof *slots);
    if (!slots)
        return RELOAD_E_NOMEM;
    links->slots = slots;
    uint32_t *generations =
        reload_node_allocate(node, links->generations, capacity * sizeof *generations);
    if (!generations)
        return RELOAD_E_NOMEM;
    links->generations = generations;
    for (size_t i = links->capacity; i < capacity; i++) {
        slots[i] = NULL;
        node->env->random(node->env->context, &generations[i], sizeof generations[i]);
    }
    links->capacity = capacity;
    return 0;
}

/* Slots are used in rotation, so that a slot is long unused before it is used again. */
static size_t
free_slot(struct reload_links *links)
{
    assert(links->count < links->capacity);
    size_t slot = links->next_slot % links->capacity;
    while (links->slots[slot])
        slot = (slot + 1) % links->capacity;
    links->next_slot = slot + 1;
    return slot;
}

struct reload_link *
reload_link_new(struct reload_node *node, enum reload_link_state state, uint16_t application)
{
    struct reload_links *links = &node->links;
    if (links->count == links->capacity && grow(node) != 0)
        return NULL;
    struct reload_link *link = reload_node_allocate(node, NULL, sizeof *link);
    if (!link)
        return NULL;
    size_t slot = free_slot(links);
    uint32_t id = ++links->generations[slot] << SLOT_BITS | (uint32_t)(slot + 1);
    *link = (struct reload_link){.id = id, .state = state, .application = application};
    reload_sender_init(&link->sender, RELOAD_FRAMING_NONE, 0, 0, 0);
    links->slots[slot] = link;
    links->count++;
    return link;
}

struct reload_link *
reload_link_find(const struct reload_node *node, uint32_t id)
{
    size_t slot = (id & ((1u << SLOT_BITS) - 1)) - 1;
    if (id == 0 || slot >= node->links.capacity)
        return NULL;
    struct reload_link *link = node->links.slots[slot];
    return link && link->id == id ? link : NULL;
}

struct reload_link *
reload_link_walk(const struct reload_node *node, size_t *cursor)
{
    while (*cursor < node->links.capacity) {
        struct reload_link *link = node->links.slots[(*cursor)++];
        if (link)
            return link;
    }
    return NULL;
}

/* ---- by Node-ID ----------------------------------------------------------------------------- */

/* Node-IDs are random (11.3), so any of their octets are a good hash; the last ones keep an
 * attacker who may choose a Resource-ID's first octets out. */
static size_t
hash(const struct reload_node_id *node_id)
{
    uint64_t a, b;
    memcpy(&a, node_id->octets, 8);
    memcpy(&b, node_id->octets + 8, 8);
    return (size_t)((a ^ b * UINT64_C(0x9e3779b97f4a7c15)) >> 16);
}

static void
map_insert(struct reload_links *links, const struct reload_link *link)
{
    size_t mask = links->by_node_size - 1;
    size_t at = hash(&link->node_id) & mask;
    while (links->by_node[at])
        at = (at + 1) & mask;
    links->by_node[at] = (uint16_t)(link->id & ((1u << SLOT_BITS) - 1));
    links->by_node_count++;
}

static int
map_reserve(struct reload_node *node)
{
    struct reload_links *links = &node->links;
    if (2 * (links->by_node_count + 1) <= links->by_node_size)
        return 0;
    size_t size = links->by_node_size ? 2 * links->by_node_size : 16;
    uint16_t *map = reload_node_allocate(node, NULL, size * sizeof *map);
    if (!map)
        return RELOAD_E_NOMEM;
    memset(map, 0, size * sizeof *map);
    if (links->by_node)
        (void)reload_node_allocate(node, links->by_node, 0);
    links->by_node = map;
    links->by_node_size = size;
    links->by_node_count = 0;
    for (size_t i = 0; i < links->capacity; i++) {
        const struct reload_link *link = links->slots[i];
        if (link && link->state == RELOAD_LINK_UP && link->application == 0)
            map_insert(links, link);
    }
    return 0;
}

static size_t
map_find(const struct reload_links *links, const struct reload_node_id *node_id)
{
    if (links->by_node_size == 0)
        return SIZE_MAX;
    size_t mask = links->by_node_size - 1;
    for (size_t at = hash(node_id) & mask; links->by_node[at]; at = (at + 1) & mask) {
        const struct reload_link *link = links->slots[links->by_node[at] - 1];
        if (reload_node_id_equal(&link->node_id, node_id))
            return at;
    }
    return SIZE_MAX;
}

/* Closes the gap that the entry at |at| leaves, so that no search ends early. */
static void
map_remove(struct reload_links *links, const struct reload_node_id *node_id)
{
    size_t mask = links->by_node_size - 1;
    size_t at = map_find(links, node_id);
    assert(at != SIZE_MAX);
    links->by_node[at] = 0;
    links->by_node_count--;
    for (size_t i = (at + 1) & mask; links->by_node[i]; i = (i + 1) & mask) {
        const struct reload_link *link = links->slots[links->by_node[i] - 1];
        size_t home = hash(&link->node_id) & mask;
        if (((i - home) & mask) < ((i - at) & mask))
            continue;
        links->by_node[at] = links->by_node[i];
        links->by_node[i] = 0;
        at = i;
    }
}

struct reload_link *
reload_link_of_node(const struct reload_node *node, const struct reload_node_id *node_id)
{
    size_t at = map_find(&node->links, node_id);
    return at == SIZE_MAX ? NULL : node->links.slots[node->links.by_node[at] - 1];
}

/* ---- why links ended ------------------------------------------------------------------------ */

static struct reload_link_end *
find_end(const struct reload_links *links, const struct reload_node_id *node_id)
{
    for (size_t i = 0; i < links->end_count; i++)
        if (reload_node_id_equal(&links->ends[i].node_id, node_id))
            return &links->ends[i];
    return NULL;
}

/* Only for people: without memory it is not remembered. */
static void
note_end(struct reload_node *node, const struct reload_node_id *node_id, int error)
{
    static const struct reload_node_id nobody;
    struct reload_links *links = &node->links;
    if (reload_node_id_equal(node_id, &nobody))
        return;
    if (!links->ends)
        links->ends = reload_node_allocate(node, NULL, RELOAD_LINK_ENDS_MAX * sizeof *links->ends);
    if (!links->ends)
        return;
    struct reload_link_end *end = find_end(links, node_id);
    if (!end) {
        end = &links->ends[links->next_end++ % RELOAD_LINK_ENDS_MAX];
        if (links->end_count < RELOAD_LINK_ENDS_MAX)
            links->end_count++;
    }
    *end = (struct reload_link_end){.node_id = *node_id, .error = error};
}

static int
last_end(const struct reload_node *node, const struct reload_node_id *node_id)
{
    const struct reload_link_end *end = find_end(&node->links, node_id);
    return end ? end->error : 0;
}

/* ---- life ----------------------------------------------------------------------------------- */

/* Takes |link| out of all tables; it is not freed yet. */
static void
detach(struct reload_node *node, struct reload_link *link)
{
    struct reload_links *links = &node->links;
    if (link->state == RELOAD_LINK_UP && link->application == 0)
        map_remove(links, &link->node_id);
    links->slots[(link->id & ((1u << SLOT_BITS) - 1)) - 1] = NULL;
    links->count--;
    reload_sender_fini(node, link);
    reload_reassembly_forget_link(node, link->id);
}

static void
close_link(struct reload_node *node, const struct reload_link *link)
{
    struct reload_effect_entry entry = {
        .type = RELOAD_EFFECT_CLOSE, .link = link->id, .application = link->application};
    (void)reload_effects_push(node, &entry);
}

static void
tell_up(struct reload_node *node, struct reload_link *link, const struct reload_link_peer *peer,
        reload_time now)
{
    uint32_t id = link->id;
    struct reload_node_id node_id = link->node_id;
    if (link->application) {
        const struct reload_usage_ops *usage = node->options.usages[link->usage];
        usage->app_link_up(node->usage_states[link->usage], link->application, id, peer->identity,
                           now);
    } else {
        reload_effects_event(node, RELOAD_EVENT_LINK_UP, id, &node_id, 0);
        node->topology->link_up(node->topology_state, id, &node_id, link->wants_update, now);
    }
    link = reload_link_find(node, id);
    if (link && link->attach)
        reload_attach_finish(node, link, 0, now);
    if (reload_link_find(node, id) && reload_link_find(node, id)->bootstrap)
        reload_bootstrap_link_up(node, id, now);
}

/* When a certificate that is valid until |ends_ms| has ended, by the wall clock as it is now. */
static reload_time
certificate_end(const struct reload_node *node, uint64_t ends_ms, reload_time now)
{
    uint64_t wall_ms = reload_node_wall_ms(node);
    uint64_t left_ms = ends_ms > wall_ms ? ends_ms - wall_ms : 0;
    return now + (left_ms > UINT64_MAX / RELOAD_MS / 2 ? RELOAD_NEVER / 2 : left_ms * RELOAD_MS);
}

static reload_alarm_fn certificates_end;

/* Sets the alarm for the certificate that ends first, after something has changed. */
static void
await_certificates(struct reload_node *node, reload_time now)
{
    reload_time at = RELOAD_NEVER / 2;
    size_t cursor = 0;
    const struct reload_link *link;
    while ((link = reload_link_walk(node, &cursor))) {
        reload_time end = certificate_end(node, link->not_after_ms, now);
        if (link->state == RELOAD_LINK_UP && end < at)
            at = end;
    }
    int error = reload_alarm_set(&node->alarms, &node->links.expiry, at, certificates_end);
    assert(!error); /* it is set already */
    (void)error;
}

/* C4: no link outlives the certificate that it was authenticated with. */
static void
certificates_end(struct reload_alarm *alarm, void *owner, uint64_t now)
{
    struct reload_node *node = owner;
    uint64_t wall_ms = reload_node_wall_ms(node);
    int error = reload_alarm_set(&node->alarms, alarm, RELOAD_NEVER / 2, certificates_end);
    assert(!error); /* its place has just become free; whoever hears of an end may need one */
    (void)error;
    size_t cursor = 0;
    struct reload_link *link;
    while ((link = reload_link_walk(node, &cursor)))
        if (link->state == RELOAD_LINK_UP && link->not_after_ms <= wall_ms)
            reload_link_end(node, link, RELOAD_E_EXPIRED, true, now);
    await_certificates(node, now);
}

/* Both ends attached to each other, neither knowing of the other's wish in time, and two links come
 * up: both ends must keep the same one, that which the larger Node-ID offered (6.5.1.2). */
static bool
is_crossed(const struct reload_node *node, const struct reload_link *old,
           const struct reload_link *link, const struct reload_node_id *node_id, reload_time now)
{
    if (!old->attached || !link->attached || old->offered == link->offered ||
        now - old->up_at > CROSSING_MAX)
        return false;
    bool we_are_larger = reload_node_id_compare(&node->id, node_id) > 0;
    return old->offered == we_are_larger;
}

/* |link| is not needed: |old| serves in its place. */
static int
yield_to(struct reload_node *node, struct reload_link *old, struct reload_link *link,
         reload_time now)
{
    struct reload_node_id node_id = old->node_id;
    uint32_t id = old->id;
    bool wants_update = link->wants_update;
    old->bootstrap |= link->bootstrap;
    if (link->attach && !old->attach) { /* else it ends with |link| */
        old->attach = link->attach;
        old->attach->link = id;
        link->attach = NULL;
        reload_attach_finish(node, old, 0, now);
    }
    if (wants_update && reload_link_find(node, id))
        node->topology->link_up(node->topology_state, id, &node_id, true, now);
    return RELOAD_E_IN_PROGRESS;
}

/* D27: the new link takes the place of the old one, which goes without a word to the topology. */
static void
replace(struct reload_node *node, struct reload_link *old, struct reload_link *link)
{
    link->bootstrap |= old->bootstrap;
    detach(node, old);
    close_link(node, old);
    if (old->attach)
        reload_attach_abandon(node, old);
    (void)reload_node_allocate(node, old, 0);
}

bool
reload_link_through_nat(const struct reload_node *node, const struct reload_link *link)
{
    return link->local_type != 0 || (link->bootstrap && !node->config->no_ice);
}

int
reload_link_establish(struct reload_node *node, struct reload_link *link,
                      const struct reload_link_peer *peer, const struct reload_node_id *node_id,
                      reload_time now)
{
    assert(link->state != RELOAD_LINK_UP);
    if (link->application == 0 && map_reserve(node) != 0)
        return RELOAD_E_NOMEM;
    uint64_t ends_ms = peer->identity->not_after_ms;
    if (ends_ms < reload_node_wall_ms(node))
        return RELOAD_E_EXPIRED;
    struct reload_alarm *expiry = &node->links.expiry;
    reload_time end = certificate_end(node, ends_ms, now);
    if ((!expiry->slot || end < expiry->at) &&
        reload_alarm_set(&node->alarms, expiry, end, certificates_end) != 0)
        return RELOAD_E_NOMEM; /* nothing has changed yet, nor does anything fail from here on */
    link->offered = link->attach && link->attach->offerer;
    struct reload_link *old = link->application ? NULL : reload_link_of_node(node, node_id);
    if (old && is_crossed(node, old, link, node_id, now))
        return yield_to(node, old, link, now);
    if (old)
        replace(node, old, link);
    link->node_id = *node_id;
    link->state = RELOAD_LINK_UP;
    link->framing = peer->framing;
    link->address = peer->address;
    link->overlay_link = peer->overlay_link;
    link->local_type = peer->local_type;
    link->remote_type = peer->remote_type;
    link->last_error = last_end(node, node_id);
    link->several_ids = peer->identity->node_id_count > 1;
    link->not_after_ms = ends_ms;
    link->up_at = now;
    reload_alarm_clear(&node->alarms, &link->deadline);
    reload_sender_init(&link->sender, peer->framing, peer->mtu, peer->rtt_ns, now);
    link->receiver = (struct reload_receiver){0};
    if (link->application == 0)
        map_insert(&node->links, link);
    if (link->application == 0 && reload_link_through_nat(node, link))
        reload_sender_watch(node, link, RELOAD_NEVER, now); /* D99 */
    tell_up(node, link, peer, now);
    return 0;
}

static void
tell_down(struct reload_node *node, struct reload_link *link, int error, reload_time now)
{
    if (link->application) {
        const struct reload_usage_ops *usage = node->options.usages[link->usage];
        usage->app_link_down(node->usage_states[link->usage], link->id, error, now);
        return;
    }
    reload_effects_event(node, RELOAD_EVENT_LINK_DOWN, link->id, &link->node_id, error);
    node->topology->link_down(node->topology_state, link->id, &link->node_id, error, now);
}

void
reload_link_end(struct reload_node *node, struct reload_link *link, int error, bool close,
                reload_time now)
{
    bool was_up = link->state == RELOAD_LINK_UP;
    detach(node, link);
    if (link->application == 0 && error && error != RELOAD_E_IN_PROGRESS)
        note_end(node, &link->node_id, error);
    if (close)
        close_link(node, link);
    if (was_up)
        tell_down(node, link, error, now);
    if (link->attach)
        reload_attach_finish(node, link, error ? error : RELOAD_E_CLOSED, now);
    if (link->application == 0)
        reload_bootstrap_link_gone(node, link, now);
    (void)reload_node_allocate(node, link, 0);
}

void
reload_links_follow_clock(struct reload_node *node, reload_time now)
{
    int64_t offset_ms = (int64_t)(reload_node_wall_ms(node) - now / RELOAD_MS);
    int64_t step_ms = offset_ms - node->links.clock_offset_ms;
    if (step_ms > -CLOCK_STEP_MS && step_ms < CLOCK_STEP_MS)
        return;
    node->links.clock_offset_ms = offset_ms;
    if (node->links.expiry.slot)
        await_certificates(node, now);
}

void
reload_links_fini(struct reload_node *node)
{
    struct reload_links *links = &node->links;
    for (size_t i = 0; i < links->capacity; i++) {
        struct reload_link *link = links->slots[i];
        if (!link)
            continue;
        reload_sender_fini(node, link);
        if (link->attach)
            reload_attach_abandon(node, link);
        (void)reload_node_allocate(node, link, 0);
    }
    reload_alarm_clear(&node->alarms, &links->expiry);
    (void)reload_node_allocate(node, links->slots, 0);
    (void)reload_node_allocate(node, links->generations, 0);
    (void)reload_node_allocate(node, links->by_node, 0);
    (void)reload_node_allocate(node, links->ends, 0);
    *links = (struct reload_links){0};
}

int
reload_link_send(struct reload_node *node, struct reload_link *link, struct reload_buffer *buffer,
                 reload_time now)
{
    assert(link->state == RELOAD_LINK_UP && link->application == 0);
    link->messages_sent++;
    node->counters.messages_sent++;
    if (link->framing != RELOAD_FRAMING_NONE)
        return reload_sender_send(node, link, buffer, now);
    /* The message begins behind the room kept for a framing header. */
    buffer->size -= RELOAD_FRAME_HEADER_SIZE;
    memmove(buffer->data, buffer->data + RELOAD_FRAME_HEADER_SIZE, buffer->size);
    link->bytes_sent += buffer->size;
    return reload_effects_send(node, link->id, 0, buffer);
}
