/* sim_fault_class.h: the kinds of faults that a scenario draws from.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_FAULT_CLASS_H
#define RELOAD_TOOLS_SIM_FAULT_CLASS_H

#include "tools/sim/sim_scenario.h"

struct sim_trial;

struct sim_fault_class {
    const char *name;
    bool rough;       /* cannot stay within Zave's assumption */
    bool frames_only; /* means nothing on links of messages */
    bool moments;     /* its begin and its end are faults; in between the ring has to be whole */
    /* Draws |duration_ns| and |amount|. */
    void (*draw)(struct sim_fault *fault, struct sim_random *random, bool gentle);
    void (*begin)(struct sim_trial *trial, const struct sim_fault *fault);
    void (*end)(struct sim_trial *trial, const struct sim_fault *fault); /* NULL: of itself */
};

extern const struct sim_fault_class sim_fault_classes[];
extern const size_t sim_fault_class_count;

/* The scenarios' first stream draws from the first so many of them, ... */
#define SIM_FAULT_CLASSES_FIRST 22
/* ... the second and the third from so many behind those. What is added now needs a stream of its
 * own, so that seeds keep what they drew. */
#define SIM_FAULT_CLASSES_SECOND 13
#define SIM_FAULT_CLASSES_THIRD 7

/* sim_fault_cuts tells that |fault|, which begins now, keeps some from reaching others. */
void sim_fault_cuts(struct sim_trial *trial, const struct sim_fault *fault);

/* sim_fault_class_suits tells whether |scenario| can have faults of |class|. */
bool sim_fault_class_suits(size_t class, const struct sim_scenario *scenario);

#endif
