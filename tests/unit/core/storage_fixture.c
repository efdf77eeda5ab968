/* storage_fixture.c: nodes for tests of storage.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/core/storage_fixture.h"

#define AUTHORITY 99
#define DAY_MS UINT64_C(86400000)

static const char *const users[PEERS] = {"storer@example.org", "alice@example.org",
                                         "alice@example.org", "bob@example.org"};

/* ---- what the nodes take from the world ----------------------------------------------------- */

static uint64_t
wall_ms(void *context)
{
    return ((struct peer *)context)->fixture->wall_ms;
}

static void
random_octets(void *context, void *data, size_t size)
{
    reload_prng_fill(&((struct peer *)context)->fixture->prng, data, size);
}

static void *
plain_allocate(void *context, void *data, size_t size)
{
    (void)context;
    if (size)
        return realloc(data, size);
    free(data);
    return NULL;
}

static void *
allocate(void *context, void *data, size_t size)
{
    struct peer *peer = context;
    struct fixture *fixture = peer->fixture;
    if (peer != &fixture->peers[STORER])
        return plain_allocate(NULL, data, size);
    if (size == 0) {
        fixture->live -= data != NULL;
        free(data);
        return NULL;
    }
    if (++fixture->allocations == fixture->fail_at)
        return NULL;
    fixture->live += !data;
    return realloc(data, size);
}

/* ---- a topology that does as it is told -------------------------------------------------------
 */

struct state {
    struct peer *peer;
};

static struct peer *
peer_of(void *state)
{
    return ((struct state *)state)->peer;
}

static int
topology_init(void *state, struct reload_node *node, reload_time now)
{
    (void)now;
    ((struct state *)state)->peer = reload_node_env(node)->context;
    return 0;
}

static void
topology_nothing(void *state)
{
    (void)state;
}

static void
topology_time(void *state, reload_time now)
{
    (void)state, (void)now;
}

static void
topology_join(void *state, uint32_t link, reload_time now)
{
    (void)state, (void)link, (void)now;
}

/* Every node knows the way to those it is linked with; resources are where somebody is responsible.
 */
static enum reload_hop
topology_next_hop(void *state, const struct reload_node_id *id, uint32_t from,
                  struct reload_node_id *next)
{
    struct peer *peer = peer_of(state);
    struct fixture *fixture = peer->fixture;
    (void)from;
    for (int i = 0; i < PEERS; i++) {
        struct peer *other = &fixture->peers[i];
        if (reload_node_id_equal(&other->id, id)) {
            *next = other->id;
            return reload_node_link_to(peer->node, &other->id) ? RELOAD_HOP_LINK : RELOAD_HOP_NONE;
        }
    }
    if (peer->responsible)
        return RELOAD_HOP_SELF;
    for (int i = 0; i < PEERS; i++)
        if (fixture->peers[i].responsible &&
            reload_node_link_to(peer->node, &fixture->peers[i].id)) {
            *next = fixture->peers[i].id;
            return RELOAD_HOP_LINK;
        }
    return RELOAD_HOP_NONE;
}

static bool
topology_is_responsible(void *state, const struct reload_node_id *id)
{
    (void)id;
    return peer_of(state)->responsible;
}

static bool
topology_plausible(void *state, const struct reload_node_id *id, const struct reload_node_id *other)
{
    (void)state, (void)id, (void)other;
    return true;
}

static size_t
topology_replicas(void *state, const struct reload_node_id *id, struct reload_node_id *node_ids)
{
    struct peer *peer = peer_of(state);
    (void)id;
    memcpy(node_ids, peer->replicas, peer->replica_count * sizeof *node_ids);
    return peer->replica_count;
}

static bool
topology_accepts(void *state, const struct reload_node_id *id, const struct reload_node_id *sender)
{
    (void)id, (void)sender;
    return peer_of(state)->accepts_replica;
}

static bool
topology_keeps(void *state, const struct reload_node_id *id)
{
    (void)id;
    return peer_of(state)->keeps;
}

static bool
topology_owner(void *state, const struct reload_node_id *id, struct reload_node_id *owner)
{
    (void)id;
    *owner = peer_of(state)->owner;
    return !reload_node_id_is_zero(owner);
}

static bool
topology_copies_later(void *state, const struct reload_node_id *peer)
{
    (void)peer;
    return peer_of(state)->copies_later;
}

static void
topology_meet(void *state, const struct reload_node_id *peer, reload_time now)
{
    (void)now;
    peer_of(state)->met = *peer;
    peer_of(state)->meetings++;
}

static int
topology_resource_id(void *state, struct reload_bytes name, uint8_t *resource, size_t *size)
{
    struct peer *peer = peer_of(state);
    uint8_t digest[RELOAD_DIGEST_MAX];
    int error = peer->keyring.keyring.ops->digest(
        &peer->keyring.keyring, RELOAD_HASH_ALGORITHM_SHA1, &name, 1, digest, size);
    memcpy(resource, digest, 16);
    *size = 16;
    return error;
}

static void
topology_link_up(void *state, uint32_t link, const struct reload_node_id *node_id,
                 bool wants_update, reload_time now)
{
    (void)state, (void)link, (void)node_id, (void)wants_update, (void)now;
}

static void
topology_link_down(void *state, uint32_t link, const struct reload_node_id *node_id, int error,
                   reload_time now)
{
    (void)state, (void)link, (void)node_id, (void)error, (void)now;
}

static void
topology_suspect(void *state, uint32_t link, const struct reload_node_id *node_id, bool suspect,
                 reload_time now)
{
    (void)state, (void)link, (void)node_id, (void)suspect, (void)now;
}

static int
topology_recv(void *state, const struct reload_incoming *incoming, struct reload_writer *answer,
              reload_time now)
{
    (void)state, (void)incoming, (void)answer, (void)now;
    return RELOAD_E_FORBIDDEN;
}

static uint32_t
topology_ppb(void *state)
{
    (void)state;
    return 0;
}

static reload_time
topology_next_timeout(void *state)
{
    (void)state;
    return RELOAD_NEVER;
}

static const struct reload_topology_ops obedient = {
    .name = "OBEDIENT",
    .size = sizeof(struct state),
    .init = topology_init,
    .fini = topology_nothing,
    .join = topology_join,
    .found = topology_time,
    .leave = topology_time,
    .next_hop = topology_next_hop,
    .is_responsible = topology_is_responsible,
    .is_plausible = topology_plausible,
    .replicas = topology_replicas,
    .accepts_replica = topology_accepts,
    .keeps = topology_keeps,
    .owner = topology_owner,
    .meet = topology_meet,
    .copies_later = topology_copies_later,
    .resource_id = topology_resource_id,
    .responsible_ppb = topology_ppb,
    .link_up = topology_link_up,
    .link_down = topology_link_down,
    .link_suspect = topology_suspect,
    .recv = topology_recv,
    .next_timeout = topology_next_timeout,
    .timeout = topology_time,
};

/* ---- the nodes ------------------------------------------------------------------------------ */

static void
add_kind(struct reload_config *config, uint32_t kind, uint8_t model, uint8_t policy,
         uint32_t max_count, uint32_t max_node_multiple)
{
    config->kinds[config->kind_count++] =
        (struct reload_config_kind){.kind = kind,
                                    .data_model = model,
                                    .access_policy = policy,
                                    .max_count = max_count,
                                    .max_size = 50,
                                    .max_node_multiple = max_node_multiple};
}

static void
fill_config(struct reload_config *config)
{
    *config = (struct reload_config){.overlay = 0x12345678,
                                     .sequence = 1,
                                     .node_id_length = 16,
                                     .max_message_size = 65536,
                                     .initial_ttl = 100,
                                     .overlay_reliability_timer_ms = 3000};
    strcpy(config->instance_name, "example.org");
    strcpy(config->topology_plugin, "OBEDIENT");
    uint8_t single = RELOAD_DATA_MODEL_SINGLE_VALUE, array = RELOAD_DATA_MODEL_ARRAY;
    uint8_t dictionary = RELOAD_DATA_MODEL_DICTIONARY;
    add_kind(config, KIND_NODE, single, RELOAD_ACCESS_NODE_MATCH, 1, 0);
    add_kind(config, KIND_ARRAY, array, RELOAD_ACCESS_USER_MATCH, 4, 0);
    add_kind(config, KIND_DEVICES, dictionary, RELOAD_ACCESS_USER_NODE_MATCH, 3, 0);
    add_kind(config, KIND_MULTIPLE, single, RELOAD_ACCESS_NODE_MULTIPLE, 1, 3);
    add_kind(config, KIND_DICTIONARY, dictionary, RELOAD_ACCESS_USER_MATCH, 3, 0);
    add_kind(config, KIND_SINGLE, single, RELOAD_ACCESS_USER_MATCH, 1, 0);
    add_kind(config, KIND_SPARSE, array, RELOAD_ACCESS_USER_MATCH, UINT32_MAX, 0);
}

void
fixture_boot(struct fixture *fixture, enum peer_name name)
{
    struct peer *peer = &fixture->peers[name];
    struct reload_node_options options = {.env = &peer->env,
                                          .config = &fixture->config,
                                          .keyring = &peer->keyring.keyring,
                                          .topology = &obedient};
    reload_node_free(peer->node);
    peer->node = NULL;
    peer->link = peer->storer_link = 0;
    ck_assert_int_eq(reload_node_new(&options, fixture->now, &peer->node), 0);
}

static void
make_peer(struct fixture *fixture, enum peer_name name)
{
    struct peer *peer = &fixture->peers[name];
    uint64_t key = 1000 + (uint64_t)name;
    peer->fixture = fixture;
    peer->responsible = peer->accepts_replica = peer->keeps = true;
    memset(peer->id.octets, 0x10 + (int)name, 16);
    struct sim_certificate certificate = {.authority = AUTHORITY,
                                          .serial = (uint64_t)name + 1,
                                          .public_key = sim_key_public(key),
                                          .not_before_ms = fixture->wall_ms - DAY_MS,
                                          .not_after_ms = fixture->wall_ms + 800 * DAY_MS,
                                          .node_ids = {peer->id},
                                          .node_id_count = 1,
                                          .signature_algorithm = 3};
    strcpy(certificate.user_name, users[name]);
    peer->certificate_size = sim_certificate_encode(&certificate, peer->certificate);
    ck_assert_int_eq(
        sim_keyring_init(&peer->keyring, fixture->table, &fixture->config, key,
                         (struct reload_bytes){peer->certificate, peer->certificate_size}, NULL,
                         plain_allocate),
        0);
    peer->env = (struct reload_env){
        .context = peer, .wall_ms = wall_ms, .random = random_octets, .allocate = allocate};
    fixture_boot(fixture, name);
}

struct fixture *
fixture_new(void)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    ck_assert_ptr_nonnull(fixture);
    fixture->wall_ms = UINT64_C(1795000000000);
    fixture->now = 1000 * RELOAD_SECOND;
    fixture->prng = reload_prng_of(42);
    fixture->table = sim_certificates_new();
    fill_config(&fixture->config);
    for (int i = 0; i < PEERS; i++)
        make_peer(fixture, (enum peer_name)i);
    return fixture;
}

void
fixture_free(struct fixture *fixture)
{
    fixture->fail_at = 0;
    for (int i = 0; i < PEERS; i++)
        reload_node_free(fixture->peers[i].node);
    ck_assert_uint_eq(fixture->live, 0);
    for (int i = 0; i < PEERS; i++)
        sim_keyring_fini(&fixture->peers[i].keyring);
    sim_certificates_free(fixture->table);
    free(fixture);
}

struct reload_storage *
fixture_storage(struct fixture *fixture)
{
    return &fixture->peers[STORER].node->storage;
}

static struct reload_bytes
resource_of(struct fixture *fixture, struct reload_bytes name, uint8_t octets[16])
{
    uint8_t resource[RELOAD_NODE_ID_SIZE_MAX];
    size_t size;
    ck_assert_int_eq(reload_node_resource(fixture->peers[ALICE].node, name, resource, &size), 0);
    memcpy(octets, resource, 16);
    return (struct reload_bytes){octets, 16};
}

struct reload_bytes
user_resource(struct fixture *fixture, const char *user, uint8_t octets[16])
{
    return resource_of(fixture, reload_bytes_of_string(user), octets);
}

struct reload_bytes
node_resource(struct fixture *fixture, enum peer_name peer, int i, uint8_t octets[16])
{
    uint8_t name[17];
    memcpy(name, fixture->peers[peer].id.octets, 16);
    name[16] = (uint8_t)i;
    return resource_of(fixture, (struct reload_bytes){name, i < 0 ? 16 : 17}, octets);
}

/* ---- links ---------------------------------------------------------------------------------- */

void
fixture_connect(struct fixture *fixture, enum peer_name name)
{
    struct peer *peer = &fixture->peers[name], *storer = &fixture->peers[STORER];
    struct reload_link_peer to_storer = {
        .identity = peer->keyring.keyring.ops->self(&peer->keyring.keyring),
        .framing = RELOAD_FRAMING_NONE};
    struct reload_link_peer to_peer = {
        .identity = storer->keyring.keyring.ops->self(&storer->keyring.keyring),
        .framing = RELOAD_FRAMING_NONE};
    ck_assert_int_eq(
        reload_node_link_incoming(storer->node, &to_storer, &peer->storer_link, fixture->now), 0);
    ck_assert_int_eq(reload_node_link_incoming(peer->node, &to_peer, &peer->link, fixture->now), 0);
}

static bool
deliver(struct fixture *fixture, enum peer_name from, const struct reload_effect *effect)
{
    if (effect->type != RELOAD_EFFECT_SEND)
        return false;
    struct peer *peer = &fixture->peers[from], *storer = &fixture->peers[STORER];
    uint8_t copy[1 << 17];
    ck_assert_uint_le(effect->bytes.size, sizeof copy);
    memcpy(copy, effect->bytes.data, effect->bytes.size);
    struct reload_bytes bytes = {copy, effect->bytes.size};
    if (from != STORER) {
        ck_assert_uint_eq(effect->link, peer->link);
        (void)reload_node_recv(storer->node, peer->storer_link, bytes, fixture->now);
        return true;
    }
    for (int i = STORER + 1; i < PEERS; i++)
        if (fixture->peers[i].link && fixture->peers[i].storer_link == effect->link)
            (void)reload_node_recv(fixture->peers[i].node, fixture->peers[i].link, bytes,
                                   fixture->now);
    return true;
}

static bool
carry(struct fixture *fixture)
{
    bool moved = false;
    for (int i = 0; i < PEERS; i++) {
        struct reload_effect effect;
        bool is_slow = i == BOB && fixture->bob_is_slow;
        while ((!is_slow || fixture->bob_may_send > 0) &&
               reload_node_poll(fixture->peers[i].node, &effect, fixture->now)) {
            moved |= deliver(fixture, (enum peer_name)i, &effect);
            fixture->bob_may_send -= is_slow;
        }
    }
    return moved;
}

void
fixture_run(struct fixture *fixture, reload_time until)
{
    for (;;) {
        while (carry(fixture))
            ;
        reload_time next = RELOAD_NEVER;
        for (int i = 0; i < PEERS; i++) {
            reload_time other = reload_node_next_timeout(fixture->peers[i].node);
            next = other < next ? other : next;
        }
        if (next > until)
            break;
        if (next > fixture->now) {
            fixture->wall_ms += (next - fixture->now) / RELOAD_MS;
            fixture->now = next;
        }
        for (int i = 0; i < PEERS; i++)
            reload_node_timeout(fixture->peers[i].node, fixture->now);
    }
    if (until != RELOAD_NEVER && until > fixture->now) {
        fixture->wall_ms += (until - fixture->now) / RELOAD_MS;
        fixture->now = until;
    }
}

const char *
fixture_user(struct fixture *fixture, enum peer_name peer)
{
    struct reload_keyring *keyring = &fixture->peers[peer].keyring.keyring;
    return keyring->ops->self(keyring)->user_name;
}
