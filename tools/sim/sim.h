/* sim.h: overlays of real nodes in virtual time, in one process, decided by one seed.
 *
 * A test reads as a story:
 *
 *     struct sim *s = sim_new(1, &(struct sim_options){.topology = &reload_chord});
 *     sim_add_nodes(s, 0, 8, SIM_MS(200));
 *     ck_assert(sim_run_until(s, sim_is_whole, NULL, SIM_SECONDS(60)));
 *     sim_kill(s, 3);
 *     sim_cut(s, 1, 2);
 *     sim_run_for(s, SIM_SECONDS(60));
 *
 * Nodes are numbered from 0 in the order in which they were added, puppets (hosts that a test plays
 * itself, sim_puppet.h) included. Nothing here returns an error for what cannot go wrong in a
 * simulator (memory): the process ends instead. Misuse by a test ends it too.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_H
#define RELOAD_TOOLS_SIM_H

#include "reload/topology.h"
#include "reload/usage.h"
#include "tools/sim/sim_network.h"

#include <stdio.h>

#define SIM_MS(n) ((uint64_t)(n)*RELOAD_MS)
#define SIM_SECONDS(n) ((uint64_t)(n)*RELOAD_SECOND)
#define SIM_MINUTES(n) (60 * SIM_SECONDS(n))

#define SIM_OVERLAYS_MAX 16
#define SIM_NOBODY UINT32_MAX

/* The wall clock when virtual time begins: 2027-01-15 08:00:00 UTC. */
#define SIM_WALL_BEGIN_MS UINT64_C(1800000000000)
/* The monotonic clock when virtual time begins. */
#define SIM_TIME_BEGIN SIM_SECONDS(1000)

/* Private Kinds in every simulated overlay's configuration document. */
enum sim_kind {
    SIM_KIND_SLOT = 0xf0000001,       /* SINGLE, NODE-MULTIPLE: slots 1..255 of each node */
    SIM_KIND_USER = 0xf0000002,       /* SINGLE, USER-MATCH */
    SIM_KIND_ARRAY = 0xf0000003,      /* ARRAY, NODE-MATCH */
    SIM_KIND_DICTIONARY = 0xf0000004, /* DICTIONARY, USER-NODE-MATCH */
};
#define SIM_VALUE_MAX 1024 /* octets of one value of these Kinds */
#define SIM_SLOTS_MAX 255

/* What links are made of. */
enum sim_links {
    SIM_LINKS_MESSAGES,  /* whole messages, nothing lost while both ends live */
    SIM_LINKS_DATAGRAMS, /* the real framing, acknowledgements and fragments over lossy datagrams */
    SIM_LINKS_STREAMS,   /* the real framing over streams */
    SIM_LINKS_MIXED,     /* datagrams or streams, drawn for each pair */
};

struct sim;

/* Reads a topology's first successor; false when it has none. */
typedef bool sim_successor_fn(const void *topology_state, struct reload_node_id *successor);

/* Writes a line about a topology's state, for people who look for a fault. */
typedef void sim_describe_fn(const void *topology_state, FILE *out);

/* Reads a topology's successors, the nearest first; returns how many, at most |max|. */
typedef size_t sim_successors_fn(const void *topology_state, struct reload_node_id *successors,
                                 size_t max);

/* Zero means the default that stands behind each. */
struct sim_options {
    const struct reload_topology_ops *topology; /* must be given */
    sim_successor_fn *successor;                /* of that topology, for sim_ring_is_whole */
    sim_successors_fn *successors;              /* likewise, for checks of Zave's invariant */
    sim_successors_fn *predecessors;            /* likewise, the nearest first; may be NULL */
    sim_describe_fn *describe;                  /* likewise; may be NULL */
    const struct reload_usage_ops *usages[RELOAD_USAGES_MAX];
    void *usage_arguments[RELOAD_USAGES_MAX];
    size_t usage_count;
    uint32_t overlays;                   /* 1 */
    enum sim_links links;                /* messages */
    bool disks;                          /* hosts keep what their nodes want kept: off */
    uint64_t delay_min_ns, delay_max_ns; /* one way: 5 ms, 60 ms */
    uint64_t jitter_ns;                  /* 0, datagrams only */
    uint32_t loss_ppm, duplicate_ppm, reorder_ppm;
    uint64_t detect_ns;          /* a dead link of messages is noticed after: 5 s */
    uint64_t connect_timeout_ns; /* 3 s */
    uint16_t mtu;                /* datagrams: 1200 */
    int log_level;               /* up to this enum reload_log_level goes to |log| */
    FILE *log;                   /* NULL: no log */
    /* Has the last word on the document of |overlay|. */
    void (*configure)(struct reload_config *config, uint32_t overlay);
};

/* sim_new makes an empty world; everything in it follows from |seed| and what is called then. */
struct sim *sim_new(uint64_t seed, const struct sim_options *options);

/* sim_free ends the world and everything in it. NULL is allowed. */
void sim_free(struct sim *sim);

/* ---- nodes ---- */

/* Zero means the default that stands behind each. */
struct sim_node_options {
    uint32_t overlay;
    bool client;
    bool idle;          /* made, but not started: sim_start does that */
    bool lone;          /* has no bootstrap node */
    bool founder;       /* may found the overlay; the overlay's first peer always may */
    uint32_t bootstrap; /* with |bootstrap_given|: join through this node only */
    bool bootstrap_given;
    struct reload_node_id node_id;        /* drawn */
    size_t extra_node_ids;                /* further Node-IDs in the certificate, drawn */
    const char *user_name;                /* "user<number>@<overlay>" */
    uint64_t not_before_ms, not_after_ms; /* a year around the begin */
    int64_t skew_ms;                      /* wall clock ahead of the world's */
    uint64_t authority; /* another one seals the certificate: nobody believes it */
    bool wrong_key;     /* the private key is not the certificate's */
};

/* sim_add_node makes and starts a node; |options| may be NULL. Returns its number. */
uint32_t sim_add_node(struct sim *sim, const struct sim_node_options *options);

/* sim_add_nodes adds |count| peers to |overlay|, the next one starting |gap_ns| after the one
 * before; virtual time passes. The first of an overlay founds it. Returns the first's number. */
uint32_t sim_add_nodes(struct sim *sim, uint32_t overlay, uint32_t count, uint64_t gap_ns);

/* sim_start starts an idle node. */
void sim_start(struct sim *sim, uint32_t node);

/* sim_kill ends |node| without a word: its links die as those of a host that lost power. */
void sim_kill(struct sim *sim, uint32_t node);

/* sim_restart makes a killed node anew, with its old identity and nothing stored. */
void sim_restart(struct sim *sim, uint32_t node);

/* What a host that starts again finds on its disk. */
enum sim_disk_state {
    SIM_DISK_EMPTY,
    SIM_DISK_KEPT,     /* all that the node asked to keep */
    SIM_DISK_SNAPSHOT, /* what was there at the last sim_snapshot */
    SIM_DISK_FOREIGN,  /* another host's */
    SIM_DISK_TORN,     /* the newest records are cut off, one has a wrong bit */
    SIM_DISK_STATES,
};

/* sim_restart_from is sim_restart with a disk; |other| is whose (FOREIGN) or which octets suffer
 * (TORN). */
void sim_restart_from(struct sim *sim, uint32_t node, enum sim_disk_state state, uint64_t other);

/* sim_snapshot copies |node|'s disk, for a later restart. */
void sim_snapshot(struct sim *sim, uint32_t node);

/* sim_disk_fails lets |node|'s disk take nothing any more, or again. */
void sim_disk_fails(struct sim *sim, uint32_t node, bool fails);

/* sim_disk_errs lets so many of a million of |node|'s writes fail from now on, and so many of the
 * records that it kept be lost when it is read next. 0: none. */
void sim_disk_errs(struct sim *sim, uint32_t node, uint32_t ppm);

/* sim_disk_lags lets what |node| writes be on its disk only |lag_ns| later: when it dies sooner,
 * that is lost. 0: at once. */
void sim_disk_lags(struct sim *sim, uint32_t node, uint64_t lag_ns);

/* sim_leave lets |node| leave in good order; it is dead when that is done. */
void sim_leave(struct sim *sim, uint32_t node);

/* How many hosts there are; whether one lives; whether it is a joined peer (or connected client).
 */
uint32_t sim_node_count(const struct sim *sim);
bool sim_is_alive(const struct sim *sim, uint32_t node);
bool sim_is_joined(const struct sim *sim, uint32_t node);

/* Whether one is a joined peer that lives. */
bool sim_is_peer(const struct sim *sim, uint32_t node);

/* Whether |node| was its overlay's first peer, which may found it; whether others are told to join
 * through it. */
bool sim_is_first_peer(const struct sim *sim, uint32_t node);
bool sim_is_bootstrap_node(const struct sim *sim, uint32_t node);

/* Which life a host is in: 1 when it was made, one more after each restart. */
uint64_t sim_born_at(const struct sim *sim, uint32_t node); /* when that began */
uint32_t sim_life(const struct sim *sim, uint32_t node);

/* The node itself; NULL when it is dead or a puppet. After a verb was called on it directly,
 * sim_turn has to carry out what it wants. */
struct reload_node *sim_node(struct sim *sim, uint32_t node);
void sim_turn(struct sim *sim, uint32_t node);

const struct reload_node_id *sim_node_id(const struct sim *sim, uint32_t node);
const char *sim_user_name(const struct sim *sim, uint32_t node);
uint32_t sim_overlay_of(const struct sim *sim, uint32_t node);
const struct reload_counters *sim_counters(struct sim *sim, uint32_t node);

/* sim_find_node returns the number of the live host of |overlay| with |node_id|, or SIM_NOBODY. */
uint32_t sim_find_node(const struct sim *sim, uint32_t overlay,
                       const struct reload_node_id *node_id);

/* The configuration that all nodes of |overlay| share; a change is seen by all at once. */
struct reload_config *sim_config(struct sim *sim, uint32_t overlay);

/* sim_add_bad_node puts |node| on its overlay's list of bad nodes, and tells everybody else. */
void sim_add_bad_node(struct sim *sim, uint32_t node);

/* How often |node| told |event|. */
unsigned sim_event_count(const struct sim *sim, uint32_t node, enum reload_event event);

/* Octets that |node| holds now, and the most that it ever held. */
size_t sim_memory(const struct sim *sim, uint32_t node);
size_t sim_memory_peak(const struct sim *sim, uint32_t node);

/* Where the world's log goes; NULL: there is none. */
FILE *sim_log(const struct sim *sim);

/* ---- time ---- */

uint64_t sim_now(const struct sim *sim);

/* sim_run_for lets |ns| pass. */
void sim_run_for(struct sim *sim, uint64_t ns);

/* sim_run_until lets time pass until |predicate| holds, which is asked every virtual millisecond in
 * which something happened. Returns false when it does not hold after |limit_ns|. */
typedef bool sim_predicate_fn(struct sim *sim, void *argument);
RELOAD_CHECKED bool sim_run_until(struct sim *sim, sim_predicate_fn *predicate, void *argument,
                                  uint64_t limit_ns);

/* sim_call calls |fn| at virtual time |at|. */
typedef void sim_call_fn(struct sim *sim, void *argument);
void sim_call(struct sim *sim, uint64_t at, sim_call_fn *fn, void *argument);

/* The trace: a hash of everything that was delivered, in order; how many events there were. */
uint64_t sim_trace_hash(const struct sim *sim);
uint64_t sim_events(const struct sim *sim);

/* sim_wire_bytes returns how many octets were sent on all links so far, headers of IP, UDP or TCP,
 * and (D)TLS counted. On links of messages the probes of idle links are not. */
uint64_t sim_wire_bytes(const struct sim *sim);

/* ---- faults ---- */

/* sim_cut lets nothing pass between |a| and |b|; sim_cut_one_way only from |from| to |to|. A link
 * of messages dies on both sides when the cut lasts longer than it takes to notice; until then its
 * messages wait. sim_heal and sim_heal_all undo. */
void sim_cut(struct sim *sim, uint32_t a, uint32_t b);
void sim_cut_one_way(struct sim *sim, uint32_t from, uint32_t to);
void sim_heal(struct sim *sim, uint32_t a, uint32_t b);
void sim_heal_all(struct sim *sim);

/* sim_partition puts |node| on side |side| (0 at first) of a cut through the whole network. */
void sim_partition(struct sim *sim, uint32_t node, uint8_t side);

/* sim_set_loss changes what share of datagrams is lost from now on. */
void sim_set_loss(struct sim *sim, uint32_t loss_ppm);

/* sim_set_bursts lets each line between two hosts be bad for |bad_ns| on average, and good for
 * |good_ns|; 0: always good. sim_set_errors spoils so many of a million of what is sent: (D)TLS
 * drops that. Both last until they are set anew. */
void sim_set_bursts(struct sim *sim, uint64_t good_ns, uint64_t bad_ns);
void sim_set_errors(struct sim *sim, uint32_t ppm);

/* The network as it is from now on; delays between two hosts stay drawn from the same range.
 * sim_network_now returns how it is. */
void sim_set_network(struct sim *sim, const struct sim_network_options *options);
const struct sim_network_options *sim_network_now(const struct sim *sim);

/* sim_pause lets a live |node| stand still as a suspended computer does: it neither hears, says
 * nor times anything until sim_resume. To others it looks dead after a while. */
void sim_pause(struct sim *sim, uint32_t node);
void sim_resume(struct sim *sim, uint32_t node);
bool sim_is_paused(const struct sim *sim, uint32_t node);

/* sim_was_paused tells whether |node| stood still at any time of the last |within_ns|. */
bool sim_was_paused(const struct sim *sim, uint32_t node, uint64_t within_ns);

/* sim_set_skew sets how far |node|'s wall clock is ahead of the world's. */
void sim_set_skew(struct sim *sim, uint32_t node, int64_t skew_ms);

/* The options' |successors|; must have been given. */
sim_successors_fn *sim_successors(const struct sim *sim);

/* The options' |predecessors|, or NULL. */
sim_successors_fn *sim_predecessors(const struct sim *sim);

/* sim_starve lets so many of a million of |node|'s allocations fail from now on. sim_starved
 * returns how many did. */
void sim_starve(struct sim *sim, uint32_t node, uint32_t ppm);
uint64_t sim_starved(const struct sim *sim, uint32_t node);

/* sim_starve_once lets the |nth| of |node|'s next allocations fail, and no other. 0: none. */
void sim_starve_once(struct sim *sim, uint32_t node, uint32_t nth);

/* sim_false_deaths returns how many links were given up so far though both hosts lived. */
uint64_t sim_false_deaths(const struct sim *sim);

/* sim_observe calls |fn| after each turn of a node, and when one has ended; it may look at
 * everything and change nothing. NULL ends that. */
typedef void sim_observe_fn(struct sim *sim, uint32_t node, void *argument);
void sim_observe(struct sim *sim, sim_observe_fn *fn, void *argument);

/* ---- predicates ---- */

/* Whether all live peers are joined; |argument| unused. */
bool sim_is_joined_all(struct sim *sim, void *argument);

/* Whether, in every overlay, all live peers are joined and their first successors, walked from one
 * to the next, make one ring of all of them in the order of their Node-IDs; and whether the peers
 * share the id space without gap or overlap. Without options.successor only the latter is looked
 * at. |argument| unused. */
bool sim_is_whole(struct sim *sim, void *argument);

/* sim_ring_is_whole asks that of one overlay. With |why| not NULL, prints there what is wrong. */
bool sim_ring_is_whole(struct sim *sim, uint32_t overlay, FILE *why);

/* sim_responsible returns the peer that is responsible for |resource| when the ring is whole: the
 * first joined one at or behind it (10.1). */
uint32_t sim_responsible(struct sim *sim, uint32_t overlay, struct reload_bytes resource);

/* sim_successor_of returns the joined peer |steps| places behind |node| on the ring, by Node-IDs.
 */
uint32_t sim_successor_of(struct sim *sim, uint32_t node, uint32_t steps);

/* sim_slot_at returns a slot of |owner| for which |responsible| is responsible, 0 when none of its
 * 255 is. */
uint8_t sim_slot_at(struct sim *sim, uint32_t owner, uint32_t responsible);

/* ---- verbs that run to completion ---- */

/* How a verb ended. */
struct sim_outcome {
    bool done;           /* false: it neither succeeded nor failed within 60 virtual seconds */
    int error;           /* as in struct reload_result */
    uint16_t error_code; /* on the wire, 6.3.3.1 */
    uint8_t error_info[256];
    size_t error_info_size;
    unsigned hops;
    uint64_t elapsed_ns;
    uint32_t responder; /* SIM_NOBODY when unknown */
    uint8_t body[2048]; /* of the answer; cut off there */
    size_t body_size;
    size_t value_count; /* fetches: values that came, verified */
    bool exists;        /* of the last value, as are the next ones */
    uint8_t value[SIM_VALUE_MAX];
    size_t value_size;
    uint64_t generation, storage_time_ms;
    uint32_t lifetime_s;
};

/* sim_slot_resource computes the Resource-ID of |owner|'s slot |slot| (1..255; 7.3.4, D25). */
void sim_slot_resource(struct sim *sim, uint32_t owner, uint8_t slot, uint8_t resource[16]);

/* sim_store lets |node| store |text| in its slot |slot|; sim_remove removes what is there. */
struct sim_outcome sim_store(struct sim *sim, uint32_t node, uint8_t slot, const char *text);
struct sim_outcome sim_remove(struct sim *sim, uint32_t node, uint8_t slot);

/* sim_fetch lets |reader| fetch |owner|'s slot |slot|. */
struct sim_outcome sim_fetch(struct sim *sim, uint32_t reader, uint32_t owner, uint8_t slot);

/* sim_store_value lets |node| store any value anywhere; sim_fetch_value fetches what |specifier|
 * says. */
struct sim_outcome sim_store_value(struct sim *sim, uint32_t node, struct reload_bytes resource,
                                   const struct reload_store_value *value);
struct sim_outcome sim_fetch_value(struct sim *sim, uint32_t reader, struct reload_bytes resource,
                                   const struct reload_fetch_specifier *specifier);

/* sim_fetch_along is sim_fetch in the way that |choices| makes; its destinations do not count. */
struct sim_outcome sim_fetch_along(struct sim *sim, uint32_t reader, uint32_t owner, uint8_t slot,
                                   const struct reload_route *choices);

/* sim_request lets |node| send a request of |code| with |body| along |route|. */
struct sim_outcome sim_request(struct sim *sim, uint32_t node, const struct reload_route *route,
                               uint16_t code, struct reload_bytes body);

/* sim_ping pings |to| from |from| through the overlay. */
struct sim_outcome sim_ping(struct sim *sim, uint32_t from, uint32_t to);

/* sim_text tells whether |outcome| is a fetch that brought exactly |text|. */
bool sim_text(const struct sim_outcome *outcome, const char *text);

/* ---- what passes ---- */

/* A message or frame on its way, before the network decides its fate. |bytes| may be changed in
 * place, |size| shrunk or grown up to |capacity|. */
struct sim_passing {
    uint32_t from, to;
    uint16_t application; /* 0 on overlay links */
    uint8_t *bytes;
    size_t size, capacity;
    unsigned copies;   /* 1; what goes out */
    bool spoiled;      /* false; a tap that changed what is signed says so, for inspectors */
    uint64_t delay_ns; /* 0; on top of the network's */
};

/* sim_tap calls |fn| for everything that is sent; false drops it. NULL ends that. */
typedef bool sim_tap_fn(struct sim *sim, struct sim_passing *passing, void *argument);
void sim_tap(struct sim *sim, sim_tap_fn *fn, void *argument);

/* sim_tap_add adds a tap behind that one, at most SIM_TAPS_MAX in all; sim_tap_remove takes the tap
 * with |argument| away. */
#define SIM_TAPS_MAX 4
void sim_tap_add(struct sim *sim, sim_tap_fn *fn, void *argument);
void sim_tap_remove(struct sim *sim, void *argument);

/* A message or frame that arrives at |to|. */
struct sim_arrival {
    uint32_t from, to;
    enum reload_framing framing;
    bool spoiled; /* as a tap said */
    struct reload_bytes bytes;
};

/* sim_inspect calls |fn| for everything that arrives at a node on an overlay link: before the node
 * sees it and (|after|) when its turn is over; it may look at everything and change nothing. NULL
 * ends that. */
typedef void sim_inspect_fn(struct sim *sim, const struct sim_arrival *arrival, bool after,
                            void *argument);
void sim_inspect(struct sim *sim, sim_inspect_fn *fn, void *argument);

/* sim_link returns |node|'s number of its overlay link to |peer|, 0 when there is none. */
uint32_t sim_link(struct sim *sim, uint32_t node, uint32_t peer);

/* sim_link_count returns how many overlay links between |node| and |peer| stand on both sides. */
unsigned sim_link_count(const struct sim *sim, uint32_t node, uint32_t peer);

/* sim_inject feeds |bytes| to |node| as if they arrived now on its |link|. */
void sim_inject(struct sim *sim, uint32_t node, uint32_t link, struct reload_bytes bytes);

/* sim_send puts |bytes| on the wire from |from| to |to| over the overlay link between them: what a
 * byzantine |from| could send. Ends the process when there is no such link. */
void sim_send(struct sim *sim, uint32_t from, uint32_t to, struct reload_bytes bytes);

#endif
