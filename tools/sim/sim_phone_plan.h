/* sim_phone_plan.h: phones in random scenarios: what their users do while things go wrong, and what
 * has to hold when that is over.
 *
 *   V3  whom his user wants to be found is found by everybody who asks, with the newest contact,
 * and a call reaches him V4  whose registration was removed or has ended is not found
 *
 * RFC 7904 3, 4. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_PHONE_PLAN_H
#define RELOAD_TOOLS_SIM_PHONE_PLAN_H

#include "tools/sim/sim_phone.h"

/* All phones are back so long after the last fault: a ring within 60 s, and then a registration. */
#define SIM_PHONES_BACK_NS SIM_SECONDS(120)

/* sim_phones_draw tells how many phones the scenario of |seed| has among |peers| hosts: 0 in two of
 * three, else 2 to 6 as far as there are hosts. */
uint32_t sim_phones_draw(uint64_t seed, uint32_t peers);

/* sim_phones_live gives |count| of the first |peers| hosts phones, in half of the scenarios also a
 * new host, which is a second device of the first one's user, and lets their users do what follows
 * from |seed| from now on for |length_ns|. */
struct sim_phones *sim_phones_live(struct sim *sim, uint64_t seed, uint32_t count, uint32_t peers,
                                   uint64_t length_ns, struct sim_finder finder);

/* sim_phones_audit lets the phones call each other in the ring that is whole again, when
 * SIM_PHONES_BACK_NS are over since |calm_ns|, and judges whom they reach. With |nothing_lost|
 * relays that are lent must be found, too: their announcements last an hour and are renewed after
 * half of that. Virtual time passes. */
void sim_phones_audit(struct sim_phones *phones, uint64_t calm_ns, bool nothing_lost);

/* sim_phones_judge judges one call that has ended, in a ring at rest. */
void sim_phones_judge(struct sim_phones *phones, const struct sim_call *call);

/* sim_phones_judge_contact lets |reader| fetch what is stored for |phone|, which is settled, and
 * compares. Virtual time passes. */
void sim_phones_judge_contact(struct sim_phones *phones, uint32_t phone, uint32_t reader);

/* sim_phones_judge_relay lets |reader| look for the relay of |phone|, if it lends one. */
void sim_phones_judge_relay(struct sim_phones *phones, uint32_t phone, uint32_t reader,
                            bool nothing_lost);

#endif
