/* sim_draft.h: messages made by hand: any header, any body, signed with the fake key of any host.
 *
 *     struct sim_draft *draft = sim_draft_new(s, mallory, RELOAD_MESSAGE_PING_REQ, body);
 *     sim_draft_to_node(draft, sim_node_id(s, 3));
 *     draft->message.header.ttl = 0;
 *     const struct sim_heard *answer = sim_puppet_ask(s, mallory, link, draft);
 *     ck_assert_int_eq(sim_error_code(s, answer), RELOAD_ERROR_TTL_EXCEEDED);
 *     sim_draft_free(draft);
 *
 * RFC 6940 6.3. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_DRAFT_H
#define RELOAD_TOOLS_SIM_DRAFT_H

#include "tools/sim/sim_puppet.h"

#define SIM_DRAFT_SIZE_MAX 65536

/* Everything in |message|'s header and contents may be changed until the draft is sealed. The
 * fields behind tell how it is signed. */
struct sim_draft {
    struct sim *sim;
    struct reload_message message;
    uint32_t signer;               /* whose key and certificate; the host it was made for */
    bool without_certificate;      /* leave the certificate out */
    uint32_t more_certificates[4]; /* of other hosts, who signed values in the body */
    size_t more_certificate_count;
    bool with_node_id_hash; /* SignerIdentity cert_hash_node_id */
    bool spoiled;           /* one bit of the signature is wrong */
    bool other_overlay;     /* sign for another overlay than the header says */
    struct reload_writer body, via, destinations, options;
    uint8_t buffers[4][SIM_DRAFT_SIZE_MAX];
    uint8_t bytes[SIM_DRAFT_SIZE_MAX]; /* when sealed */
    size_t size;
};

/* sim_draft_new makes a message of |code| with a copy of |body| as |host| would: its overlay, a
 * fresh transaction id, initial TTL, no destination yet. */
struct sim_draft *sim_draft_new(struct sim *sim, uint32_t host, uint16_t code,
                                struct reload_bytes body);

/* sim_draft_answer makes the answer to |request|, which a puppet heard: same transaction id; the
 * destinations are who it came from and then its via list reversed (6.1.2). NULL when it cannot be
 * decoded. */
struct sim_draft *sim_draft_answer(struct sim *sim, uint32_t host, const struct sim_heard *request,
                                   uint16_t code, struct reload_bytes body);

void sim_draft_free(struct sim_draft *draft);

/* These append to the lists of the header. |sim_draft_via_node| is what a hop would push. */
void sim_draft_to_node(struct sim_draft *draft, const struct reload_node_id *node_id);
void sim_draft_to_resource(struct sim_draft *draft, struct reload_bytes resource);
void sim_draft_to(struct sim_draft *draft, const struct reload_destination *destination);
void sim_draft_via_node(struct sim_draft *draft, const struct reload_node_id *node_id);
void sim_draft_option(struct sim_draft *draft, uint8_t type, uint8_t flags,
                      struct reload_bytes option);

/* sim_draft_seal signs and encodes; the octets belong to |draft|. May be called again after
 * changes. */
struct reload_bytes sim_draft_seal(struct sim_draft *draft);

/* sim_replay sends a message that was recorded (with sim_tap) as it was signed, on |puppet|'s
 * |link|, with a fresh header that leads to |node_id|: what a past hop can do at any later time
 * (D3). Waits up to 5 seconds for the answer; NULL when there is none. */
const struct sim_heard *sim_replay(struct sim *sim, uint32_t puppet, uint32_t link,
                                   struct reload_bytes recorded,
                                   const struct reload_node_id *node_id);

/* sim_frame_data and sim_frame_ack write a frame (6.6.2) for links of datagrams or streams into
 * |data|. Return its size. */
size_t sim_frame_data(uint32_t sequence, struct reload_bytes message, uint8_t *data,
                      size_t capacity);
size_t sim_frame_ack(uint32_t sequence, uint32_t received, uint8_t *data, size_t capacity);

/* sim_puppet_ask seals and sends |draft| on |link| and waits up to 5 seconds for the answer; NULL
 * when there is none. */
const struct sim_heard *sim_puppet_ask(struct sim *sim, uint32_t puppet, uint32_t link,
                                       struct sim_draft *draft);

/* sim_decode decodes |bytes| as a message of |overlay|; |message| borrows from |bytes|. */
RELOAD_CHECKED bool sim_decode(struct sim *sim, uint32_t overlay, struct reload_bytes bytes,
                               struct reload_message *message);

/* sim_draft_wire is how |overlay|'s messages are read and written. */
struct reload_wire sim_draft_wire(const struct sim *sim, uint32_t overlay);

/* sim_message_code returns the code of what was heard, 0 when NULL or undecodable; sim_error_code
 * the error code of an Error message, 0 of others. */
uint16_t sim_message_code(struct sim *sim, const struct sim_heard *heard);
uint16_t sim_error_code(struct sim *sim, const struct sim_heard *heard);

/* ---- stored values ---- */

/* A value as |signer| would store it. */
struct sim_value {
    uint32_t signer;
    struct reload_bytes resource; /* in the signature */
    uint32_t kind;
    struct reload_stored_data_value value;
    uint64_t storage_time_ms; /* 0: the wall clock's now */
    uint32_t lifetime_s;      /* 0: an hour */
    bool spoiled;
};

/* sim_stored_data writes |value|, signed, as StoredData. Returns its size. */
size_t sim_stored_data(struct sim *sim, const struct sim_value *value, uint8_t *data,
                       size_t capacity);

/* sim_store_body writes the body of a StoreReq for |resource| with |value| and |generation|, as
 * replica |replica_number|. Returns its size. */
size_t sim_store_body(struct sim *sim, const struct sim_value *value, struct reload_bytes resource,
                      uint64_t generation, uint8_t replica_number, uint8_t *data, size_t capacity);

#endif
