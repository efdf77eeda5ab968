/* relay_trial.h: an allocation of its own, and one datagram through it, tell what a TURN server is
 * worth. RFC 8656 7, 9, 11.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_ICE_RELAY_TRIAL_H
#define RELOAD_ICE_RELAY_TRIAL_H

#include "reload/ice_agent.h"

/* relay_trial_begin and relay_trial_end are try_relay and end_trial of struct reload_ice_ops. */
int relay_trial_begin(const struct reload_relay_trial_options *options, reload_relay_trial_fn *done,
                      void *argument, struct reload_relay_trial **trial);
void relay_trial_end(struct reload_relay_trial *trial);

#endif
