/* sim_ledger.h: what users asked for in a run, how it ended, and what the overlay owes them.
 *
 * RFC 6940 7. SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_LEDGER_H
#define RELOAD_TOOLS_SIM_LEDGER_H

#include "tools/sim/sim_trial.h"

/* sim_ledger_begin schedules the requests of the trial's scenario. */
struct sim_ledger *sim_ledger_begin(struct sim_trial *trial);

/* sim_ledger_pause tells that |node| stands still: what it asked for may take longer. */
void sim_ledger_pause(struct sim_ledger *ledger, uint32_t node);

/* sim_ledger_close looks for requests that have not ended though their time is over (V6); time
 * must have passed since the last. */
void sim_ledger_close(struct sim_ledger *ledger);

void sim_ledger_free(struct sim_ledger *ledger);

#endif
