/* node.c: reload-bench node: what real nodes cost over real DTLS links on loopback.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/bench/bench.h"
#include "tools/bench/floor.h"
#include "tools/bench/overlay.h"

#include "reload/core/forward.h"
#include "reload/core/message.h"
#include "reload/core/node_internal.h"
#include "reload/run/loop_libevent.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SAMPLES_MAX 4096
#define WARM_UP 20
#define FORWARDS 100000
#define FORWARDS_BEFORE 5000
#define FORWARDED_BODY 200
#define FLOOD_QUEUE 96

struct options {
    size_t nodes, operations;
    enum reload_key_type key_type;
    bool json;
};

struct figures {
    double join_ms_p50, join_links;
    double store_cpu_ms, store_ms_p50, store_datagrams;
    double fetch_cpu_ms, fetch_ms_p50, fetch_datagrams;
    double links_per_second, link_cpu_ms, link_ms_p50, link_kib;
    double forward_ns, forwards_per_second, floor_ns, forward_allocations;
};

/* ---- samples -------------------------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double
median(double *samples, size_t count)
{
    qsort(samples, count, sizeof *samples, compare);
    return count ? samples[count / 2] : 0;
}

static uint64_t
process_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * RELOAD_SECOND + (uint64_t)now.tv_nsec;
}

/* ---- Store and Fetch ------------------------------------------------------------------------ */

struct operation {
    bool done;
    int error;
    size_t values;
};

static void
on_value(void *argument, const struct reload_fetched_value *value, reload_time now)
{
    (void)now;
    ((struct operation *)argument)->values += value->exists;
}

static void
on_result(void *argument, const struct reload_result *result, reload_time now)
{
    struct operation *operation = argument;
    (void)now;
    operation->done = true;
    operation->error = result->error;
}

/* The |slot|-th resource of |node|: its Node-ID and the slot's number (NODE-MULTIPLE, D25). */
static struct reload_bytes
resource_of(struct overlay_node *node, uint8_t slot, uint8_t *resource)
{
    uint8_t name[17];
    memcpy(name, node->id.octets, 16);
    name[16] = slot;
    size_t size = 0;
    if (reload_node_resource(reload_driver_node(node->driver), (struct reload_bytes){name, 17},
                             resource, &size) != 0)
        overlay_die("resource", "cannot be hashed");
    return (struct reload_bytes){resource, size};
}

static void
run(struct overlay *overlay, struct overlay_node *node, struct operation *operation, int error,
    const char *what)
{
    if (error)
        overlay_die(what, reload_error_text(error));
    reload_driver_turn(node->driver);
    if (!overlay_wait(overlay, &operation->done, 20000))
        overlay_die(what, "no answer");
    if (operation->error)
        overlay_die(what, reload_error_text(operation->error));
}

static void
store(struct overlay *overlay, size_t i)
{
    struct overlay_node *node = &overlay->nodes[i % overlay->count];
    uint8_t resource[20], octets[200];
    memset(octets, (int)i, sizeof octets);
    struct reload_store_value value = {
        .kind = OVERLAY_KIND, .value = {octets, sizeof octets}, .exists = true, .lifetime_s = 3600};
    struct operation operation = {0};
    struct reload_bytes where =
        resource_of(node, (uint8_t)(1 + i / overlay->count % 255), resource);
    run(overlay, node, &operation,
        reload_node_store(reload_driver_node(node->driver), where, &value, 1, on_result, &operation,
                          reload_loop_now(overlay->loop)),
        "Store");
}

static void
fetch(struct overlay *overlay, size_t i)
{
    struct overlay_node *owner = &overlay->nodes[i % overlay->count];
    struct overlay_node *node = &overlay->nodes[(i * 7 + 3) % overlay->count];
    uint8_t resource[20];
    struct reload_fetch_specifier specifier = {.kind = OVERLAY_KIND};
    struct operation operation = {0};
    struct reload_bytes where =
        resource_of(owner, (uint8_t)(1 + i / overlay->count % 255), resource);
    run(overlay, node, &operation,
        reload_node_fetch(reload_driver_node(node->driver), where, &specifier, 1, on_value,
                          on_result, &operation, reload_loop_now(overlay->loop)),
        "Fetch");
    if (operation.values != 1)
        overlay_die("Fetch", "the value is not there");
}

/* Runs |work| |count| times; what replication still does afterwards counts, too. */
static void
measure(struct overlay *overlay, void (*work)(struct overlay *, size_t), size_t count,
        double *cpu_ms, double *ms_p50, double *datagrams)
{
    static double samples[SAMPLES_MAX];
    overlay_settle(overlay, 200);
    uint64_t cpu = process_cpu_ns(), sent = overlay_datagrams(overlay);
    for (size_t i = 0; i < count; i++) {
        uint64_t begin = overlay_wall_ns();
        work(overlay, i);
        samples[i] = (double)(overlay_wall_ns() - begin) / 1e6;
    }
    overlay_settle(overlay, 200);
    *cpu_ms = (double)(process_cpu_ns() - cpu) / 1e6 / (double)count;
    *datagrams = (double)(overlay_datagrams(overlay) - sent) / (double)count;
    *ms_p50 = median(samples, count);
}

/* ---- links ---------------------------------------------------------------------------------- */

static void
on_attached(void *argument, int error, uint32_t link, const struct reload_node_id *node_id,
            reload_time now)
{
    struct operation *operation = argument;
    (void)link;
    (void)node_id;
    (void)now;
    operation->done = true;
    operation->error = error;
}

/* What is in use when links are idle and have given back their buffers: the least that is seen for
 * a while, since now and then one is woken by a probe. */
static size_t
idle_memory(struct overlay *overlay)
{
    size_t least = SIZE_MAX;
    overlay_settle(overlay, 2500);
    for (int i = 0; i < 20; i++) {
        overlay_settle(overlay, 100);
        size_t now = mallinfo2().uordblks;
        least = now < least ? now : least;
    }
    return least;
}

/* Makes links between nodes that have none, and tells what they cost: each has two ends here. */
static void
measure_links(struct overlay *overlay, size_t wanted, struct figures *figures)
{
    static double samples[SAMPLES_MAX];
    size_t made = 0;
    size_t before = idle_memory(overlay);
    uint64_t cpu = process_cpu_ns(), begin = overlay_wall_ns();
    for (size_t a = 0; a < overlay->count && made < wanted; a++)
        for (size_t b = a + 1; b < overlay->count && made < wanted; b++) {
            struct reload_node *node = reload_driver_node(overlay->nodes[a].driver);
            if (reload_node_link_to(node, &overlay->nodes[b].id))
                continue;
            struct reload_route route = reload_route_to_node(&overlay->nodes[b].id);
            struct operation operation = {0};
            uint64_t start = overlay_wall_ns();
            run(overlay, &overlay->nodes[a], &operation,
                reload_node_attach(node, &route, false, on_attached, &operation,
                                   reload_loop_now(overlay->loop)),
                "Attach");
            samples[made++] = (double)(overlay_wall_ns() - start) / 1e6;
        }
    if (made == 0)
        return; /* everybody is linked to everybody */
    uint64_t ns = overlay_wall_ns() - begin;
    figures->link_cpu_ms = (double)(process_cpu_ns() - cpu) / 1e6 / (double)made;
    figures->links_per_second = (double)made * 1e9 / (double)ns;
    size_t after = idle_memory(overlay);
    figures->link_kib = (double)(after - before) / 1024.0 / 2.0 / (double)made;
    figures->link_ms_p50 = median(samples, made);
}

/* ---- forwarding ----------------------------------------------------------------------------- */

/* A node on a thread of its own, so that its CPU time can be told. */
struct forwarder {
    struct reload_loop *loop;
    struct reload_timer *timer;
    pthread_t thread;
    atomic_bool stop;
};

static void
look(void *argument)
{
    struct forwarder *forwarder = argument;
    if (atomic_load(&forwarder->stop))
        reload_loop_stop(forwarder->loop);
    else
        reload_timer_set(forwarder->timer, overlay_wall_ns() + 20 * RELOAD_MS);
}

static void *
forward(void *argument)
{
    struct forwarder *forwarder = argument;
    look(forwarder);
    if (reload_loop_run(forwarder->loop) != 0)
        overlay_die("forwarder", "its loop failed");
    return NULL;
}

#define TRANSACTION_ID_AT 20 /* in the forwarding header (6.3.2) */

/* Answers that nobody asked for: whom they reach drops them before he verifies anything, so that
 * the ends of the way are faster than the middle, and the middle never waits. */
struct flood {
    struct reload_node *node;
    struct reload_buffer *message;
    uint32_t link;
    size_t left;
};

static void
make_message(struct flood *flood, const struct reload_node_id *middle,
             const struct reload_node_id *end)
{
    static const uint8_t body[FORWARDED_BODY];
    struct reload_route route = reload_route_to_node(middle);
    uint8_t list[64];
    struct reload_writer writer = reload_writer_of(list, sizeof list);
    if (!reload_route_append_node(&route, end))
        overlay_die("forwarder", "route");
    for (size_t i = 0; i < route.count; i++)
        reload_destination_encode(&writer, reload_node_wire(flood->node), &route.entries[i]);
    struct reload_draft draft = {.transaction_id = 1,
                                 .destination_list = reload_writer_written(&writer),
                                 .code = RELOAD_MESSAGE_PING_ANS,
                                 .body = {body, sizeof body}};
    if (reload_message_build(flood->node, &draft, &flood->message) != 0)
        overlay_die("forwarder", "message");
}

static void
pump(struct flood *flood, reload_time now)
{
    const struct reload_link *link = reload_link_find(flood->node, flood->link);
    while (flood->left > 0 && link &&
           (size_t)link->sender.queue_count + link->sender.flight_count < FLOOD_QUEUE) {
        struct reload_buffer *copy = reload_buffer_get(&flood->node->buffers, flood->message->size);
        if (!copy)
            overlay_die("forwarder", "out of memory");
        memcpy(copy->data, flood->message->data, flood->message->size);
        /* Each is another message: of equal ones that wait a link carries one (D143). */
        memcpy(copy->data + RELOAD_FRAME_HEADER_SIZE + TRANSACTION_ID_AT, &flood->left,
               sizeof flood->left);
        copy->size = flood->message->size;
        (void)reload_forward_own(flood->node, copy, flood->link, now);
        flood->left--;
        link = reload_link_find(flood->node, flood->link);
    }
    if (!link)
        overlay_die("forwarder", "its link is gone");
}

static void
run_flood(struct overlay *overlay, struct overlay_node *from, struct flood *flood)
{
    uint64_t until = overlay_wall_ns() + 60 * RELOAD_SECOND;
    while (flood->left > 0 && overlay_wall_ns() < until) {
        pump(flood, reload_loop_now(overlay->loop));
        reload_driver_turn(from->driver);
        if (reload_loop_turn(overlay->loop) != 0)
            overlay_die("forwarder", "its loop failed");
    }
}

static uint64_t
thread_cpu_ns(pthread_t thread)
{
    clockid_t clock;
    struct timespec now = {0};
    if (pthread_getcpuclockid(thread, &clock) == 0)
        clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * RELOAD_SECOND + (uint64_t)now.tv_nsec;
}

/* Messages from one node to another by way of a third, which alone runs on a thread of its own. */
static void
measure_forwarding(const struct options *options, struct figures *figures)
{
    struct overlay *overlay = overlay_new(options->key_type);
    struct forwarder forwarder = {0};
    if (reload_loop_new(&forwarder.loop) != 0 ||
        reload_loop_timer(forwarder.loop, look, &forwarder, &forwarder.timer) != 0)
        overlay_die("forwarder", "out of memory");
    struct overlay_node *middle = overlay_add(overlay, forwarder.loop, true);
    if (pthread_create(&forwarder.thread, NULL, forward, &forwarder) != 0)
        overlay_die("forwarder", "no thread");
    struct overlay_node *ends[2];
    for (int i = 0; i < 2; i++) {
        ends[i] = overlay_add(overlay, NULL, true);
        if (!overlay_wait(overlay, &ends[i]->joined, 20000))
            overlay_die("forwarder", "the ends do not join");
    }
    struct reload_node *from = reload_driver_node(ends[0]->driver);
    struct flood flood = {
        .node = from, .link = reload_node_link_to(from, &middle->id), .left = FORWARDS_BEFORE};
    make_message(&flood, &middle->id, &ends[1]->id);
    const struct reload_counters *counters =
        reload_node_counters(reload_driver_node(middle->driver));
    run_flood(overlay, ends[0], &flood); /* the pools are filled, the window is open */
    flood.left = FORWARDS;
    uint64_t cpu = thread_cpu_ns(forwarder.thread), before = counters->messages_forwarded;
    uint64_t allocations = middle->allocations;
    run_flood(overlay, ends[0], &flood);
    uint64_t count = counters->messages_forwarded - before;
    figures->forward_ns = (double)(thread_cpu_ns(forwarder.thread) - cpu) / (double)count;
    figures->forward_allocations = (double)(middle->allocations - allocations) / (double)count;
    figures->forwards_per_second = 1e9 / figures->forward_ns;
    size_t size = flood.message->size;
    reload_buffer_drop(&from->buffers, flood.message);
    atomic_store(&forwarder.stop, true);
    (void)pthread_join(forwarder.thread, NULL);
    overlay_free(overlay);
    reload_timer_free(forwarder.timer);
    reload_loop_free(forwarder.loop);
    /* A message in and out, an ACK out and in: of a signed Ping's size and of an ACK's. */
    struct floor_cost large = floor_measure(size), small = floor_measure(9);
    figures->floor_ns = large.read_ns + large.write_ns + small.read_ns + small.write_ns;
}

/* ---- the bench ------------------------------------------------------------------------------ */

static void
join_all(struct overlay *overlay, size_t count, struct figures *figures)
{
    static double samples[OVERLAY_NODES_MAX];
    for (size_t i = 0; i < count; i++) {
        struct overlay_node *node = overlay_add(overlay, NULL, true);
        if (!overlay_wait(overlay, &node->joined, 60000))
            overlay_die("join", "not done in a minute");
        if (i > 0)
            samples[i - 1] = node->join_ms;
        overlay_settle(overlay, 200); /* what a join leaves to do is not part of the next one */
        fprintf(stderr, "\rreload-bench: %zu of %zu nodes joined", i + 1, count);
    }
    fprintf(stderr, "\n");
    figures->join_ms_p50 = median(samples, count - 1);
    figures->join_links = (double)overlay_handshakes(overlay) / 2.0 / (double)(count - 1);
}

static void
print_table(const struct options *options, const struct figures *f)
{
    const char *key = options->key_type == RELOAD_KEY_RSA ? "RSA-2048" : "P-256";
    printf("%zu nodes in one process, DTLS on loopback, %s\n\n", options->nodes, key);
    printf(
        "Store    %8.2f ms CPU of all peers, %6.2f ms median, %5.1f datagrams (aim: 1.4 ms CPU)\n",
        f->store_cpu_ms, f->store_ms_p50, f->store_datagrams);
    printf(
        "Fetch    %8.2f ms CPU of all peers, %6.2f ms median, %5.1f datagrams (aim: 0.45 ms CPU)\n",
        f->fetch_cpu_ms, f->fetch_ms_p50, f->fetch_datagrams);
    printf(
        "join     %8.2f ms median (aim: 15 ms); a node makes %.1f links in and after it, and one "
        "core does both ends of each: %.1f ms of CPU\n",
        f->join_ms_p50, f->join_links, f->join_links * f->link_cpu_ms);
    printf(
        "links    %8.0f a second, %.2f ms CPU of both ends, %.2f ms median, %.1f KiB an idle end "
        "(aim: 50 KiB)\n",
        f->links_per_second, f->link_cpu_ms, f->link_ms_p50, f->link_kib);
    printf("forwards %8.0f a second and core (%.0f ns); OpenSSL and socket alone: %.0f a second "
           "(%.0f ns); share %.0f %% (aim: 50 %%); %.3f allocations each\n",
           f->forwards_per_second, f->forward_ns, 1e9 / f->floor_ns, f->floor_ns,
           100 * f->floor_ns / f->forward_ns, f->forward_allocations);
}

static void
print_json(const struct options *options, const struct figures *f)
{
    printf("{\"nodes\": %zu, \"key\": \"%s\", \"store_cpu_ms\": %.3f, \"store_ms_p50\": %.3f, "
           "\"store_datagrams\": %.2f, \"fetch_cpu_ms\": %.3f, \"fetch_ms_p50\": %.3f, "
           "\"fetch_datagrams\": %.2f, \"join_ms_p50\": %.3f, \"links_per_second\": %.1f, "
           "\"link_cpu_ms\": %.3f, \"link_ms_p50\": %.3f, \"link_idle_kib\": %.2f, "
           "\"forwards_per_second\": %.0f, \"forward_ns\": %.0f, \"floor_ns\": %.0f, "
           "\"forward_allocations\": %.4f, \"join_links\": %.2f}\n",
           options->nodes, options->key_type == RELOAD_KEY_RSA ? "RSA-2048" : "P-256",
           f->store_cpu_ms, f->store_ms_p50, f->store_datagrams, f->fetch_cpu_ms, f->fetch_ms_p50,
           f->fetch_datagrams, f->join_ms_p50, f->links_per_second, f->link_cpu_ms, f->link_ms_p50,
           f->link_kib, f->forwards_per_second, f->forward_ns, f->floor_ns, f->forward_allocations,
           f->join_links);
}

static bool
read_options(int argc, char **argv, struct options *options)
{
    *options = (struct options){.nodes = 32, .operations = 1000};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--json") == 0) {
            options->json = true;
            continue;
        }
        if (strcmp(argv[i], "--key") == 0 && reload_key_type_of(value, &options->key_type)) {
            i++;
            continue;
        }
        unsigned long number = strtoul(value, NULL, 10);
        if (strcmp(argv[i], "--nodes") == 0 && number >= 4 && number <= OVERLAY_NODES_MAX)
            options->nodes = number;
        else if (strcmp(argv[i], "--operations") == 0 && number >= 10 && number <= SAMPLES_MAX)
            options->operations = number;
        else
            return false;
        i++;
    }
    return true;
}

int
bench_node(int argc, char **argv)
{
    struct options options;
    struct figures figures = {0};
    if (!read_options(argc, argv, &options)) {
        fprintf(stderr,
                "usage: reload-bench node [--nodes 4..%d] [--operations 10..%d] "
                "[--key p256|rsa] [--json]\n",
                OVERLAY_NODES_MAX, SAMPLES_MAX);
        return EXIT_FAILURE;
    }
    struct overlay *overlay = overlay_new(options.key_type);
    join_all(overlay, options.nodes, &figures);
    overlay_settle(overlay, 2000);
    for (size_t i = 0; i < WARM_UP; i++)
        store(overlay, i);
    measure(overlay, store, options.operations, &figures.store_cpu_ms, &figures.store_ms_p50,
            &figures.store_datagrams);
    measure(overlay, fetch, options.operations, &figures.fetch_cpu_ms, &figures.fetch_ms_p50,
            &figures.fetch_datagrams);
    measure_links(overlay, 200, &figures);
    overlay_free(overlay);
    measure_forwarding(&options, &figures);
    if (options.json)
        print_json(&options, &figures);
    else
        print_table(&options, &figures);
    return EXIT_SUCCESS;
}
