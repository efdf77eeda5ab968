/* sim_fault_host.h: faults within a host, and how victims are found.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_FAULT_HOST_H
#define RELOAD_TOOLS_SIM_FAULT_HOST_H

#include "tools/sim/sim_fault_class.h"
#include "tools/sim/sim_trial.h"

/* How many hosts live. */
uint32_t sim_victims_alive(const struct sim_trial *trial);

/* The |pick|-th host that is alive (or dead); SIM_NOBODY when there is none. */
uint32_t sim_victim(const struct sim_trial *trial, uint64_t pick, bool alive);

/* The |n|-th further pick that follows from |pick|. */
uint64_t sim_victim_pick(uint64_t pick, uint64_t n);

/* Kills |node|, and tells the ledger. */
void sim_victim_kill(struct sim_trial *trial, uint32_t node);

/* Lets |node| leave in good order; the ledger is told when it has gone. */
void sim_victim_leave(struct sim_trial *trial, uint32_t node);

/* Functions for the table of classes. */
void sim_draw_hunger(struct sim_fault *fault, struct sim_random *random, bool gentle);
void sim_begin_hunger(struct sim_trial *trial, const struct sim_fault *fault);
void sim_end_hunger(struct sim_trial *trial, const struct sim_fault *fault);
void sim_draw_skew(struct sim_fault *fault, struct sim_random *random, bool gentle);
void sim_begin_skew(struct sim_trial *trial, const struct sim_fault *fault);
void sim_begin_full_disk(struct sim_trial *trial, const struct sim_fault *fault);
void sim_end_full_disk(struct sim_trial *trial, const struct sim_fault *fault);
void sim_draw_vice(struct sim_fault *fault, struct sim_random *random, bool gentle);
void sim_begin_vice(struct sim_trial *trial, const struct sim_fault *fault);
void sim_end_vice(struct sim_trial *trial, const struct sim_fault *fault);
void sim_draw_pang(struct sim_fault *fault, struct sim_random *random, bool gentle);
void sim_begin_pang(struct sim_trial *trial, const struct sim_fault *fault);
void sim_end_pang(struct sim_trial *trial, const struct sim_fault *fault);
void sim_draw_bad_disk(struct sim_fault *fault, struct sim_random *random, bool gentle);
void sim_begin_bad_disk(struct sim_trial *trial, const struct sim_fault *fault);
void sim_end_bad_disk(struct sim_trial *trial, const struct sim_fault *fault);
void sim_begin_clone(struct sim_trial *trial, const struct sim_fault *fault);
void sim_end_clone(struct sim_trial *trial, const struct sim_fault *fault);

#endif
