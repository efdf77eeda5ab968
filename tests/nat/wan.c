/* A long wire: carries frames between two network interfaces with delay, jitter, loss and copies.
 * (RFC 6940 leaves the Internet to others; this is the tests' own, for kernels without netem.)
 *
 * Each direction draws from its own generator, seeded: the same frames meet the same fate. Frames
 * that wait are a heap by due time. The program ends with its parent.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX 2048 /* a longer one is a sign that segmentation offload is on: see lab.py */
#define QUEUE_MAX 8192
#define BUFFER_BYTES (8 * 1024 * 1024)
#define NS_PER_MS 1000000.0
#define NS_PER_S 1000000000ull

struct frame {
    uint64_t due_ns;
    uint64_t number; /* keeps the order of frames that are due at once */
    int to;          /* socket */
    size_t length;
    uint8_t bytes[FRAME_MAX];
};

struct end {
    int socket;
    uint64_t random;
};

struct wire {
    double delay_ms, jitter_ms, loss_percent, duplicate_percent;
    uint64_t seed;
    uint64_t frames;
    struct frame *heap[QUEUE_MAX]; /* those that wait, the first due at 0 */
    size_t waiting;
    struct frame *spare[QUEUE_MAX];
    size_t spares;
    struct end ends[2];
};

static void
die(const char *what)
{
    fprintf(stderr, "wan: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t
now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* SplitMix64, as a fraction from 0 up to but not including 1. */
static double
draw(struct end *end)
{
    uint64_t x = end->random += 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return (double)((x ^ (x >> 31)) >> 11) / (double)(1ull << 53);
}

/* ---- the heap ---------------------------------------------------------------------------------*/

static bool
is_before(const struct frame *a, const struct frame *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void
push(struct wire *wire, struct frame *frame)
{
    assert(wire->waiting < QUEUE_MAX);
    size_t at = wire->waiting++;
    while (at > 0 && is_before(frame, wire->heap[(at - 1) / 2])) {
        wire->heap[at] = wire->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    wire->heap[at] = frame;
}

static struct frame *
pop(struct wire *wire)
{
    assert(wire->waiting > 0);
    struct frame *first = wire->heap[0];
    struct frame *last = wire->heap[--wire->waiting];
    size_t at = 0;
    for (size_t child = 1; child < wire->waiting; child = 2 * at + 1) {
        if (child + 1 < wire->waiting && is_before(wire->heap[child + 1], wire->heap[child]))
            child++;
        if (!is_before(wire->heap[child], last))
            break;
        wire->heap[at] = wire->heap[child];
        at = child;
    }
    wire->heap[at] = last;
    return first;
}

/* ---- frames -----------------------------------------------------------------------------------*/

/* Lets |bytes| wait for their time; when too many wait the frame is lost, as in a full router. */
static void
enqueue(struct wire *wire, struct end *from, int to, const uint8_t *bytes, size_t length)
{
    double wait_ms = wire->delay_ms + wire->jitter_ms * (2 * draw(from) - 1);
    if (wire->spares == 0)
        return;
    struct frame *frame = wire->spare[--wire->spares];
    frame->due_ns = now_ns() + (uint64_t)((wait_ms > 0 ? wait_ms : 0) * NS_PER_MS);
    frame->number = wire->frames++;
    frame->to = to;
    frame->length = length;
    memcpy(frame->bytes, bytes, length);
    push(wire, frame);
}

/* Takes all frames that have arrived at one end. */
static void
take(struct wire *wire, size_t side)
{
    struct end *from = &wire->ends[side];
    int to = wire->ends[1 - side].socket;
    uint8_t bytes[FRAME_MAX];
    for (;;) {
        ssize_t got = recv(from->socket, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC);
        if (got < 0) {
            if (errno == EAGAIN || errno == ENETDOWN || errno == EINTR)
                return;
            die("recv");
        }
        if ((size_t)got > sizeof(bytes)) {
            fprintf(stderr, "wan: a frame of %zd bytes was dropped\n", got);
            continue;
        }
        /* always three draws and a delay a frame, so that one option does not move another's luck
         */
        bool is_lost = draw(from) * 100 < wire->loss_percent;
        bool is_doubled = draw(from) * 100 < wire->duplicate_percent;
        for (int copies = is_lost ? 0 : is_doubled ? 2 : 1; copies > 0; copies--)
            enqueue(wire, from, to, bytes, (size_t)got);
    }
}

/* Sends what is due. Returns when the next is due, or UINT64_MAX. */
static uint64_t
send_due(struct wire *wire)
{
    while (wire->waiting > 0 && wire->heap[0]->due_ns <= now_ns()) {
        struct frame *frame = pop(wire);
        /* an interface that is down or busy loses the frame, as a cable would */
        (void)!send(frame->to, frame->bytes, frame->length, MSG_DONTWAIT);
        wire->spare[wire->spares++] = frame;
    }
    return wire->waiting > 0 ? wire->heap[0]->due_ns : UINT64_MAX;
}

static void
carry(struct wire *wire)
{
    struct pollfd polled[2];
    for (size_t i = 0; i < 2; i++)
        polled[i] = (struct pollfd){.fd = wire->ends[i].socket, .events = POLLIN};
    for (;;) {
        uint64_t due_ns = send_due(wire), now = now_ns();
        uint64_t wait_ns = due_ns <= now ? 0 : due_ns - now;
        struct timespec wait = {.tv_sec = (time_t)(wait_ns / NS_PER_S),
                                .tv_nsec = (long)(wait_ns % NS_PER_S)};
        if (ppoll(polled, 2, due_ns == UINT64_MAX ? NULL : &wait, NULL) < 0 && errno != EINTR)
            die("ppoll");
        for (size_t i = 0; i < 2; i++) {
            if (polled[i].revents != 0)
                take(wire, i);
        }
    }
}

/* ---- start ------------------------------------------------------------------------------------*/

static int
open_interface(const char *name)
{
    int one = 1, bytes = BUFFER_BYTES;
    unsigned index = if_nametoindex(name);
    if (index == 0)
        die(name);
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); /* hears nothing until bound */
    if (fd < 0)
        die("socket");
    if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0)
        die("PACKET_IGNORE_OUTGOING");
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
        die("socket buffers");
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)index};
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
        die("bind");
    return fd;
}

static void
usage(void)
{
    fputs("usage: wan INTERFACE INTERFACE [--delay-ms N] [--jitter-ms N] [--loss-percent N]\n"
          "           [--duplicate-percent N] [--seed N]\n"
          "Carries frames between the two, each way with that delay (plus or minus the jitter).\n"
          "Prints 'ready' when it does; ends with its parent.\n",
          stderr);
    exit(2);
}

static double
number(const char *text, double most)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0 && value <= most))
        usage();
    return value;
}

static void
read_options(struct wire *wire, int count, char **arguments)
{
    static const struct option options[] = {
        {"delay-ms", required_argument, NULL, 'd'},
        {"jitter-ms", required_argument, NULL, 'j'},
        {"loss-percent", required_argument, NULL, 'l'},
        {"duplicate-percent", required_argument, NULL, 'c'},
        {"seed", required_argument, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        switch (option) {
        case 'd':
            wire->delay_ms = number(optarg, 60000);
            break;
        case 'j':
            wire->jitter_ms = number(optarg, 60000);
            break;
        case 'l':
            wire->loss_percent = number(optarg, 100);
            break;
        case 'c':
            wire->duplicate_percent = number(optarg, 100);
            break;
        case 's':
            wire->seed = (uint64_t)number(optarg, 1e15);
            break;
        default:
            usage();
        }
    }
    if (count - optind != 2)
        usage();
}

int
main(int count, char **arguments)
{
    static struct wire wire;
    pid_t parent = getppid();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        die("the parent is gone");
    read_options(&wire, count, arguments);
    for (; wire.spares < QUEUE_MAX; wire.spares++) {
        wire.spare[wire.spares] = malloc(sizeof(struct frame));
        if (wire.spare[wire.spares] == NULL)
            die("malloc");
    }
    for (size_t i = 0; i < 2; i++) {
        wire.ends[i].socket = open_interface(arguments[optind + (int)i]);
        wire.ends[i].random = wire.seed * 2 + i;
    }
    puts("ready");
    fflush(stdout);
    carry(&wire);
}
