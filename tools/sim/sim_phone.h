/* sim_phone.h: users with phones at some hosts of a simulated overlay: they register, change and
 * remove their registrations by the SIP usage, and call each other: lookup, AppAttach, a SIP
 * request over the link, its answer.
 *
 * What is real: the usage (usages/sip.h) in the node, its Kind, its streams. What is not: SIP's own
 * transactions (usages/sip_adaptor.h has sockets); a phone here says its request again until
 * somebody answers, and opens a new link when nobody does for a while (D100).
 *
 * Each host of the world must have the usages of sim_phones_plug; phones and calls are allocated
 * for hosts that have one. Whatever is wrong at once is told to the finder:
 *
 *   V5  a registration that its user never made is believed, or accepted; a link is said to be with
 *       another user or node than the one behind it. What comes by links may be anything
 *   V6  a lookup, a connection or a registration ends twice, or not in its time
 *
 * RFC 7904. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_PHONE_H
#define RELOAD_TOOLS_SIM_PHONE_H

#include "tools/sim/sim.h"
#include "tools/sim/sim_finding.h"
#include "tools/sim/sim_random.h"
#include "usages/sip.h"

/* Places of the usages that sim_phones_plug puts into a world. */
enum { SIM_USAGE_SIP, SIM_USAGE_CERTIFICATE_STORE, SIM_USAGE_TURN, SIM_USAGES };

#define SIM_PHONES_MAX 1024
#define SIM_CALLS_MAX 4096
#define SIM_BRANCHES_MAX 4
#define SIM_CALL_NS (RELOAD_SIP_SETUP_TIME + SIM_SECONDS(8)) /* then nobody answered */

/* A Store of a user's may be three requests (D106), and may have to wait for the one before. */
#define SIM_REGISTER_NS (2 * 3 * SIM_SECONDS(16))
/* So long after its end a registration may still arrive somewhere. */
#define SIM_STRAGGLER_NS SIM_SECONDS(60)

struct sim_phones;

/* What a user wants of the overlay. */
enum sim_wish {
    SIM_WISH_OFF,     /* not to be found */
    SIM_WISH_ON,      /* to be called here */
    SIM_WISH_FORWARD, /* that callers ask for another one */
};

/* Something that the usage was asked for, and that has to end once. */
struct sim_errand {
    struct sim_phone *phone;
    const char *name;
    bool running, late;
    uint64_t begun_ns, limit_ns;
};

struct sim_phone {
    struct sim_phones *phones;
    uint32_t number, host;
    uint32_t life; /* of the host, which the phone has noticed; 0: it was down */
    struct reload_aor aor;
    enum sim_wish wish;
    uint32_t forward_to; /* a phone */
    uint32_t lifetime_s;
    uint32_t contact; /* a new one for each change and each life; the first is 1 */
    uint32_t asked;   /* the contact that is being stored, or was last */
    enum sim_wish asked_wish;
    uint32_t acknowledged; /* the last one that the overlay has, as it said */
    enum sim_wish acknowledged_wish;
    uint64_t acknowledged_ns;
    uint64_t renew_at;   /* when it registers again */
    uint64_t told_until; /* others may find what it stored until then */
    uint64_t forwards;   /* to whom it ever forwarded: a bit for each of the first 64 phones */
    bool ever_on, intrudes;
    int64_t skew_ms;       /* of the host's clock */
    bool set_back;         /* it was, at any time (D132) */
    bool lends;            /* a relay, while it is registered */
    uint32_t lending_life; /* in which that began */
    struct sim_errand storing;
    int error; /* of the last Store */
};

/* One destination of a call. */
struct sim_branch {
    struct sim_call *call;
    struct reload_sip_target target;
    struct sim_errand connecting;
    uint64_t attempt;
    uint32_t link; /* 0: none */
    unsigned tries;
    uint64_t said_at, again_ns; /* when last, on this link, and after how long again */
    uint64_t linked_at;
    bool ended;
    int error;
};

struct sim_call {
    struct sim_phones *phones;
    uint32_t number, from, to; /* phones */
    uint32_t life;             /* of the caller's host */
    bool ended;
    bool answered;       /* by a phone that the callee's registrations name */
    uint32_t answerer;   /* that one; SIM_NOBODY */
    unsigned status;     /* of the last final answer */
    int error;           /* of what failed last */
    size_t target_count; /* that the lookup found */
    struct sim_errand looking;
    uint64_t lookup;
    struct sim_branch branches[SIM_BRANCHES_MAX];
    size_t branch_count;
    uint64_t begun_ns, found_ns, ended_ns;
};

/* What came of it all. */
struct sim_phone_figures {
    uint64_t registrations;              /* that were acknowledged */
    uint64_t intrusions, refused;        /* Stores at others' addresses; those that were refused */
    uint64_t calls, answered, found;     /* that began; of which; whose callee was found */
    uint64_t setup_ns_sum, setup_ns_max; /* of those that were answered */
};

struct sim_phones {
    struct sim *sim;
    struct sim_finder finder;
    struct sim_random random;
    struct sim_phone *phones[SIM_PHONES_MAX];
    uint32_t phone_count;
    struct sim_call *calls[SIM_CALLS_MAX];
    uint32_t call_count;
    struct sim_plan *plan; /* sim_phone_plan.c: NULL: none */
    struct sim_phone_figures figures;
};

/* sim_phones_plug puts the usages that phones need (SIP, certificate store, TURN
 * servers) into |options|. */
void sim_phones_plug(struct sim_options *options);

/* sim_phones_new makes a world of phones without any; chance follows from |seed|. Phones act by
 * events of |sim|: it has to end before sim_phones_free. */
struct sim_phones *sim_phones_new(struct sim *sim, uint64_t seed, struct sim_finder finder);
void sim_phones_free(struct sim_phones *phones);

/* sim_phone_add gives |host|, whose user name must be an AOR, a phone that is off. Returns its
 * number. */
uint32_t sim_phone_add(struct sim_phones *phones, uint32_t host);

/* sim_phone_wish sets what |phone|'s user wants from now on: to be called there, or at
 * |forward_to|, or not. The phone registers for |lifetime_s| each time, and again before
 * that is over. It does so in each life of its host. Also a new contact when it is what was wanted
 * before.
 */
void sim_phone_wish(struct sim_phones *phones, uint32_t phone, enum sim_wish wish,
                    uint32_t forward_to, uint32_t lifetime_s);

/* Whether the overlay has acknowledged what the user wants, and it cannot have ended. */
bool sim_phone_is_settled(const struct sim_phones *phones, uint32_t phone);

/* Whether |phone|'s host lives, is a peer and stands not still. */
bool sim_phone_is_usable(const struct sim_phones *phones, uint32_t phone);

/* sim_phone_call lets |from| call |to|'s AOR. Returns the call, which ends by itself unless
 * |from|'s host dies. NULL when |from| cannot call now, or when there were SIM_CALLS_MAX. */
const struct sim_call *sim_phone_call(struct sim_phones *phones, uint32_t from, uint32_t to);

/* sim_phone_call_now lets that call end, too; virtual time passes. */
const struct sim_call *sim_phone_call_now(struct sim_phones *phones, uint32_t from, uint32_t to);

/* sim_phone_intrude lets |from|'s host store a registration that leads to it at |to|'s AOR, under
 * its own Node-ID, or (|as_other|) under |to|'s. Nobody may accept it. */
void sim_phone_intrude(struct sim_phones *phones, uint32_t from, uint32_t to, bool as_other);

/* sim_phones_sum adds |figures| to |sum|. */
void sim_phones_sum(struct sim_phone_figures *sum, const struct sim_phone_figures *figures);

/* ---- for the files of phones ---- */

struct reload_sip *sim_phone_sip(const struct sim_phone *phone);
void sim_errand_begin(struct sim_errand *errand, struct sim_phone *phone, const char *name,
                      uint64_t limit_ns);
void sim_errand_end(struct sim_errand *errand);
/* Tells the finder when it should have ended. */
void sim_errand_look(struct sim_errand *errand);
/* Begins to lend a relay, or ends that, as the wish is. */
void sim_phone_lend(struct sim_phone *phone);
/* What came for |phone|: sim_phone_call.c. */
void sim_phone_receive(void *argument, const struct reload_sip_peer *peer,
                       struct reload_bytes message, reload_time now);
void sim_phone_lost(void *argument, uint32_t link, int error, reload_time now);

#endif
