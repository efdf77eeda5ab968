/* sip_adaptor_state.h: what the SIP adaptor consists of, for its own files only.
 *
 *   phones (sockets) ---\                                   /--- phones
 *                        request -> transaction -> branches
 *   links (overlay) ----/                                   \--- links
 *
 * A transaction is the server side of a request and RFC 3261's response context (16.7); its
 * branches are the client transactions of the copies that were forwarded.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_USAGES_SIP_ADAPTOR_STATE_H
#define RELOAD_USAGES_SIP_ADAPTOR_STATE_H

#include "reload/base/alarm.h"
#include "usages/media_relay.h"
#include "usages/sip_adaptor.h"
#include "usages/sip_adaptor_message.h"
#include "usages/sip_adaptor_token.h"

/* RFC 3261 17.1.1.1 and table 4. */
#define SIP_T1 (500 * RELOAD_MS)
#define SIP_T2 (4 * RELOAD_SECOND)
#define SIP_TIMEOUT (64 * SIP_T1)         /* timers B, D, F, H, J, L, M */
#define SIP_TIMER_C (185 * RELOAD_SECOND) /* more than 3 minutes */

#define SIP_LIFE_MAX (24 * 3600 * RELOAD_SECOND) /* of anything */

#define SIP_TRANSACTIONS_MAX 16384
#define SIP_TRANSACTION_OCTETS_MAX (64u << 20) /* messages kept, in all */
#define SIP_BUCKETS 4096
#define SIP_BRANCHES_MAX 10
#define SIP_BINDINGS_MAX 8
#define SIP_CONNECTIONS_MAX 64          /* TCP */
#define SIP_SEND_QUEUE_MAX (256u << 10) /* octets waiting for a TCP phone */

/* The client side of one forwarded copy. */
enum sip_branch_state {
    SIP_BRANCH_CONNECTING, /* no link yet */
    SIP_BRANCH_CALLING,    /* sent, no answer yet */
    SIP_BRANCH_PROCEEDING, /* provisional answer */
    SIP_BRANCH_COMPLETED,  /* final answer, or given up */
};

struct sip_branch {
    struct sip_transaction *transaction;
    enum sip_branch_state state;
    bool cancelled;   /* CANCEL sent, or to be sent with the first provisional answer */
    bool succeeded;   /* 2xx */
    bool offered;     /* the request has a session description */
    unsigned retries; /* on new links, when the old ones were gone */
    uint64_t media;   /* the relayed call that it began; 0: none */
    char id[RELOAD_SIP_BRANCH_MAX];
    struct sip_flow flow;
    struct reload_sip_target *target; /* whom to connect to; NULL for a phone */
    char uri[SIP_AOR_URI_MAX];        /* the new Request-URI; "" leaves it */
    uint64_t attempt;                 /* to connect */
    struct sip_message *sent;         /* for ACK and CANCEL; NULL when completed, as |wire| */
    uint8_t *wire;                    /* what is retransmitted: request or CANCEL */
    size_t wire_size;
    uint8_t *ack;
    size_t ack_size;
    reload_time sent_at, interval;
    struct reload_alarm again, giveup;
};

/* The server side. */
enum sip_transaction_state {
    SIP_TRANSACTION_PROCEEDING,
    SIP_TRANSACTION_COMPLETED, /* final answer sent; an INVITE's waits for its ACK */
    SIP_TRANSACTION_CONFIRMED, /* ACK came, or 2xx: absorbs what comes late */
};

struct sip_transaction {
    struct reload_sip_adaptor *adaptor;
    struct sip_transaction *next_in_bucket;
    uint64_t number;
    uint8_t key[SIP_TOKEN_SEAL_SIZE]; /* what retransmissions have in common */
    enum sip_transaction_state state;
    bool is_invite, is_ack, is_from_link;
    bool is_accepted;   /* an INVITE that got a 2xx */
    bool is_unverified; /* a gateway says who it is from, nobody's certificate (D32) */
    bool cancelled;
    struct sip_flow source;      /* where it came from */
    struct sip_flow back;        /* where answers go (RFC 3261 18.2.2) */
    struct sip_message *request; /* as received, own Routes off; NULL after the answer */
    uint8_t *response;           /* the last one sent */
    size_t response_size;
    struct sip_message *best; /* the best final answer so far; NULL for one of our own */
    int best_status;          /* 0: none yet */
    bool starting;            /* more branches are being added */
    struct sip_branch *branches[SIP_BRANCHES_MAX];
    size_t branch_count;
    uint64_t lookup;
    reload_time begun_at, deadline, interval;
    struct reload_alarm again, end;
    size_t octets;
};

/* One contact of our own user. */
struct sip_binding {
    bool used;
    bool listens; /* the contact says where: a connection that ended can be made anew */
    char uri[512];
    char call_id[256];
    uint32_t cseq;
    struct sip_flow flow;
    reload_time until;
};

struct sip_phones;

struct reload_sip_adaptor {
    struct reload_sip_adaptor_options options;
    const struct reload_env *env;
    void *overlay;
    const struct reload_sip_overlay_ops *ops;
    struct reload_alarms alarms;
    struct reload_timer *timer;
    struct sip_phones *phones;
    struct media_relay *relay; /* NULL: none */
    char sent_by[64];          /* "127.0.0.1:5060", as in our Via */
    char overlay_host[256];    /* the same for links: the overlay's name */
    uint8_t secret[SIP_TOKEN_SECRET_SIZE];

    struct sip_transaction *slots[SIP_TRANSACTIONS_MAX];
    uint64_t generations[SIP_TRANSACTIONS_MAX];
    struct sip_transaction *buckets[SIP_BUCKETS];
    size_t transaction_count, next_slot, octets;

    struct sip_binding bindings[SIP_BINDINGS_MAX];
    struct reload_alarm binding_end;
    struct sip_transaction *registering;       /* waits for a Store */
    uint64_t register_queue[SIP_BINDINGS_MAX]; /* numbers of those that come next */
    size_t register_queue_size;
    struct reload_sip_adaptor_counters counters;
};

/* sip_adaptor.c */
reload_time sip_adaptor_now(struct reload_sip_adaptor *adaptor);
/* Sets the timer for what the alarms want now; to be called at the end of whatever comes in. */
void sip_adaptor_arm(struct reload_sip_adaptor *adaptor);
/* Sends a message on a flow. 0, RELOAD_E_CLOSED, RELOAD_E_BUSY, RELOAD_E_TOO_LARGE, ... */
int sip_adaptor_send(struct reload_sip_adaptor *adaptor, const struct sip_flow *flow,
                     struct reload_bytes bytes, reload_time now);
/* A message came on |flow|; |user| is the link's, NULL for a phone. */
void sip_adaptor_receive(struct reload_sip_adaptor *adaptor, const struct sip_flow *flow,
                         const char *user, struct reload_bytes bytes, reload_time now);
/* A TCP connection or link is gone. */
void sip_adaptor_lost(struct reload_sip_adaptor *adaptor, const struct sip_flow *flow,
                      reload_time now);

/* sip_adaptor_transaction.c */
struct sip_transaction *sip_transaction_new(struct reload_sip_adaptor *adaptor,
                                            const struct sip_flow *source,
                                            struct sip_message *request_take, reload_time now);
/* Finds the transaction of a request, an ACK or CANCEL included; NULL when it is new. */
struct sip_transaction *sip_transaction_find(struct reload_sip_adaptor *adaptor,
                                             const struct sip_flow *source,
                                             const struct sip_message *request);
struct sip_transaction *sip_transaction_of_number(struct reload_sip_adaptor *adaptor,
                                                  uint64_t number);
void sip_transaction_free(struct sip_transaction *transaction);
/* Answers with |status|. |response_take| NULL: a plain one is made. */
void sip_transaction_answer(struct sip_transaction *transaction, int status,
                            struct sip_message *response_take, reload_time now);
void sip_transaction_repeat(struct sip_transaction *transaction, reload_time now);
/* The request came again on |flow|: answers go there from now on. */
void sip_transaction_follow(struct sip_transaction *transaction, const struct sip_flow *flow);
void sip_transaction_acknowledge(struct sip_transaction *transaction, reload_time now);
/* Ends it soon, when nothing more is to be sent (an ACK on its way). */
void sip_transaction_finish(struct sip_transaction *transaction, reload_time now);
/* Answers a request that has no transaction. */
void sip_answer_stateless(struct reload_sip_adaptor *adaptor, const struct sip_flow *flow,
                          const struct sip_message *request, int status, reload_time now);
/* Counts octets kept until the final answer; false when there are too many. */
bool sip_transaction_charge(struct sip_transaction *transaction, size_t octets);

/* sip_adaptor_branch.c */
struct sip_branch *sip_branch_of_id(struct reload_sip_adaptor *adaptor, const char *id);
/* Forwards the transaction's request: to a phone on |flow| with |uri| as target ("" leaves it) */
void sip_branch_to_phone(struct sip_transaction *transaction, const struct sip_flow *flow,
                         const char *uri, reload_time now);
/* ... or to a node. |retarget| puts |target->aor| into the Request-URI. */
void sip_branch_to_node(struct sip_transaction *transaction, const struct reload_sip_target *target,
                        bool retarget, reload_time now);
void sip_branch_receive(struct sip_branch *branch, const struct sip_flow *flow,
                        struct sip_message *response_take, reload_time now);
void sip_branch_cancel(struct sip_branch *branch, reload_time now);
/* The link that it went out on is gone: again on another, if that helps. */
void sip_branch_lost(struct sip_branch *branch, reload_time now);
/* Nothing comes on that link: it is closed, and is lost for all who used it. */
void sip_branch_drop_link(struct sip_branch *branch, reload_time now);
void sip_branch_free(struct sip_branch *branch);

/* sip_adaptor_alive.c: looks, while |branch| waits for a phone that rings, whether anything comes
 * on its link; if not, it drops the link. */
void sip_alive_watch(struct sip_branch *branch, reload_time now);
/* Whether |response| is only a sign of life that was asked for. */
bool sip_alive_is_answer(const struct sip_message *response);

/* sip_adaptor_forward.c: what a copy gets on its way: Via, Record-Route, Max-Forwards, target. */
struct sip_message *sip_forward_copy(struct sip_branch *branch);
/* What two visits of one request have in common (RFC 3261 16.6 step 8). */
void sip_loop_seal(struct reload_sip_adaptor *adaptor, const struct sip_message *request,
                   uint8_t seal[SIP_TOKEN_SEAL_SIZE]);
/* Whether |request| was here before. */
bool sip_loop_found(struct reload_sip_adaptor *adaptor, const struct sip_message *request);

/* sip_adaptor_media.c: what relayed media has to do with a request that is about to be sent on
 * |branch|, or with the branch's answer; |response| NULL: it ended with |status| by itself. */
void sip_media_request(struct sip_branch *branch, struct sip_message *request, reload_time now);
void sip_media_response(struct sip_branch *branch, int status, struct sip_message *response,
                        reload_time now);

/* sip_adaptor_response.c */
void sip_response_take(struct sip_branch *branch, int status, struct sip_message *response_take,
                       reload_time now);
void sip_response_decide(struct sip_transaction *transaction, reload_time now);
void sip_transaction_cancel(struct sip_transaction *transaction, reload_time now);

/* sip_adaptor_proxy.c */
void sip_proxy_request(struct reload_sip_adaptor *adaptor, const struct sip_flow *flow,
                       const char *user, struct sip_message *request_take, reload_time now);

/* sip_adaptor_registrar.c */
void sip_registrar_request(struct sip_transaction *transaction, reload_time now);
size_t sip_registrar_bindings(struct reload_sip_adaptor *adaptor, reload_time now,
                              const struct sip_binding *bindings[SIP_BINDINGS_MAX]);
void sip_registrar_fini(struct reload_sip_adaptor *adaptor);
void sip_registrar_lost(struct reload_sip_adaptor *adaptor, const struct sip_flow *flow);

/* sip_adaptor_digest.c: whether the phone proved that it knows the password; else it was asked to.
 */
bool sip_digest_pass(struct sip_transaction *transaction, reload_time now);

/* Where a phone wants to be reached: at the address in |message|'s Contact, if that is on the same
 * host as |*flow|, which is where the message came from and is changed. */
void sip_contact_flow(const struct sip_message *message, struct sip_flow *flow);
/* The same for one contact's URI. Returns whether it says where the phone listens. */
bool sip_uri_flow(const osip_uri_t *uri, struct sip_flow *flow);

/* sip_adaptor_phone.c */
int sip_phones_new(struct reload_sip_adaptor *adaptor, char *reason, size_t reason_size);
void sip_phones_free(struct sip_phones *phones);
const struct reload_address *sip_phones_address(const struct sip_phones *phones);
/* Makes sure that |flow|, if it is TCP, has a connection: the one it had, or a new one to its
 * address. Returns 0 or RELOAD_E_CLOSED. */
int sip_phones_connect(struct sip_phones *phones, struct sip_flow *flow);
int sip_phones_send(struct sip_phones *phones, const struct sip_flow *flow,
                    struct reload_bytes bytes);

#endif
