/* ice_agent.h: one ICE session: candidates gathered, checked, and in the end one pair that carries
 * datagrams.
 *
 * ice/ implements it on libnice; the driver in run/ uses it, so that neither includes the other.
 * RFC 8445; RFC 6940 6.5.1.3-6.5.1.10.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_ICE_AGENT_H
#define RELOAD_ICE_AGENT_H

#include "reload/datagram.h"
#include "reload/relay_trial.h"

#define RELOAD_ICE_RELAYS_MAX 4
#define RELOAD_ICE_LOCAL_MAX 16

struct reload_ice_agent;

/* What an agent is made with; borrowed for the call. */
struct reload_ice_options {
    struct reload_loop *loop;
    bool controlling; /* the sender of the Attach; the other side says the opposite */
    bool loopback;    /* loopback addresses are right, too: tests and demos on one host */
    /* Where to gather; the ports do not matter. None: 127.0.0.1 with |loopback|, else as the
     * implementation finds them. */
    struct reload_address local[RELOAD_ICE_LOCAL_MAX];
    size_t local_count;
    struct reload_address stun; /* family 0: none */
    struct reload_ice_relay relays[RELOAD_ICE_RELAYS_MAX];
    size_t relay_count;
    uint8_t overlay_link; /* of all candidates: 1 DTLS-UDP-SR */
    /* One more for each agent that is opened, one less when nothing is left of it, some time after
     * close. Outlives them; may be NULL. */
    size_t *alive;
};

/* How a pair turned out. */
struct reload_ice_pair {
    struct reload_datagram *path; /* belongs to the agent; the address given to send is ignored */
    struct reload_address remote;
    uint8_t local_type, remote_type; /* CandType: 1 host, 2 srflx or peer-reflexive, 4 relay */
    reload_time rtt_ns;              /* 0 when not known */
};

/* Called from the loop, never from within a call into the agent. Each may free the agent. */
struct reload_ice_user {
    /* All candidates are there, or it took too long and these have to do: 3 s, or 0.2 s since the
     * first relay gave an address. |offer| is valid for the call, NULL when there are none. */
    void (*gathered)(void *argument, const struct reload_offer *offer);
    /* A pair works and is chosen. Called once. */
    void (*ready)(void *argument, const struct reload_ice_pair *pair);
    /* A datagram came through the pair (also shortly before |ready|: it is kept until then). */
    void (*recv)(void *argument, struct reload_bytes bytes);
    /* No pair works. Called at most once. That nobody answers on the chosen one any more is for its
     * user to find out (D99). */
    void (*failed)(void *argument, int error);
};

struct reload_ice_ops {
    /* Makes an agent, which begins to gather. 0, RELOAD_E_NOMEM, RELOAD_E_IO. */
    int (*open)(const struct reload_ice_options *options, const struct reload_ice_user *user,
                void *argument, struct reload_ice_agent **agent);
    /* Begins the checks with the other side's |remote|, once. 0, RELOAD_E_MALFORMED. */
    int (*check)(struct reload_ice_agent *agent, const struct reload_offer *remote);
    /* The pair in use now: a better one may have come after |ready|. False before. */
    bool (*pair)(struct reload_ice_agent *agent, struct reload_ice_pair *pair);
    /* Which of the relays gave an address until now: bit i is for relays[i] of the options. */
    unsigned (*relays_given)(struct reload_ice_agent *agent);
    /* Ends the agent, without another word to its user; its relays are given back in the background
     * (|alive| tells), within 4 s. NULL is allowed. */
    void (*close)(struct reload_ice_agent *agent);
    /* Begins to try out a relay, which takes 5 s at most; |*trial| is ended by end_trial, before or
     * after |done| was called. 0, RELOAD_E_NOMEM, RELOAD_E_IO. */
    int (*try_relay)(const struct reload_relay_trial_options *options, reload_relay_trial_fn *done,
                     void *argument, struct reload_relay_trial **trial);
    /* NULL is allowed. */
    void (*end_trial)(struct reload_relay_trial *trial);
};

/* Writes the answer to the STUN message |request|, which came |from| somebody, into |answer|.
 * |*other_port| is set when it is to leave from another port than the one that was asked (RFC 5780
 * 7.2), so that the other side learns what its NAT lets in. Returns its size, or 0 when there is to
 * be none. RFC 8489 12. */
typedef size_t reload_stun_answer_fn(const struct reload_address *from, struct reload_bytes request,
                                     uint8_t *answer, size_t capacity, bool *other_port);

#endif
