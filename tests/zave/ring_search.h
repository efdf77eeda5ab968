/* ring_search.h: all states that a ring can get into.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TESTS_ZAVE_RING_SEARCH_H
#define RELOAD_TESTS_ZAVE_RING_SEARCH_H

#include "ring_model.h"

#include <stddef.h>

struct search_goal {
    bool changes; /* joins, failures, leaves and restarts happen, too */
    bool always;  /* the ring has no flaw, ever */
    bool settles; /* it becomes ideal when nothing changes any more */
    size_t limit; /* states looked at, 0: all */
};

struct search_result {
    size_t states;
    bool complete;    /* all that can be reached were looked at */
    const char *flaw; /* of the first state that has one, or NULL; ZAVE_LOG=1 prints how it came */
};

/* search_states looks at all states that can be reached from |starts|, those first that need the
 * fewest steps. A ring that is turned is the same ring. */
struct search_result search_states(const struct model *model, const struct search_goal *goal,
                                   const struct model_state *starts, size_t count);

#endif
