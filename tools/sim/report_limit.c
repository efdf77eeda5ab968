/* report_limit.c: what keeps each figure that has a goal from being better, for those who read that
 * it was missed.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/sim/report.h"

#include <string.h>

/* |what| may be the begin of several figures' names. */
static const struct {
    const char *scene, *what, *limit;
} limits[] = {
    {"size", "hops", "how many links a peer keeps: neighbours, fingers, and those of others"},
    {"size", "lookups", "nothing: without churn a lookup that fails is a fault of the code"},
    {"idle", "maintenance",
     "probes that keep each of some 40 links alive, and Updates of 1 KB (a signature and the "
     "certificate have to be in)"},
    {"churn", "lookups",
     "a death is noticed after 5 s; what was on its way is sent again each 3 s, four times"},
    {"churn", "values",
     "a copy is made anew up to 30 s after a death (10.7.1): values whose three holders die sooner "
     "are away until their owner stores again"},
    {"all join", "until",
     "all come through the same peer, which admits them and hands over what becomes theirs"},
    {"all restart", "until",
     "no link is left: all come in through four bootstrap nodes, which take only so many at once"},
    {"all restart", "traffic",
     "signed Updates of 1 KB, half of that the certificate that has to be in: to each link when a "
     "peer is one, to all links for a new range (10.5, 10.7.3), to neighbours for a new neighbour; "
     "then Attaches"},
    {"one joins", "until",
     "round trips: bootstrap, Attaches, what becomes the new peer's, Updates"},
    {"one in ten", "until", "the time in which a death is noticed (D23): probes without an answer"},
    {"100 peers", "survivors", "copies that are on their way to the peer that is responsible now"},
    {"100 peers", "values", "three copies (10.4): all who hold one are among the dead"},
    {"100 peers", "until", "the time in which a death is noticed (D23)"},
    {"split", "until one", "how often those who were lost are asked for again (D5)"},
    {"split", "until newest", "copies are compared with those who should have them every 30 s"},
    {"256 peers, some", "lookups",
     "the ways to the holders, and these themselves: where all of them misbehave nothing is left"},
    {"all scenes", "requests", "nothing: a request that never ends is a fault of the code"},
    {"all scenes", "wrong", "nothing: a value that its owner did not store is a fault of the code"},
};

static bool
begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

const char *
report_limit(const struct report_figure *figure)
{
    for (size_t i = 0; figure->goal && i < sizeof limits / sizeof *limits; i++)
        if (begins(figure->scene, limits[i].scene) && begins(figure->what, limits[i].what))
            return limits[i].limit;
    return "";
}
