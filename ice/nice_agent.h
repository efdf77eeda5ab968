/* nice_agent.h: ICE on libnice.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_ICE_NICE_AGENT_H
#define RELOAD_ICE_NICE_AGENT_H

#include "reload/ice_agent.h"

extern const struct reload_ice_ops reload_nice_agent;

#endif
