/* sim_puppet.h: a host without a node, played by the test: it has an identity, makes and takes
 * links, says whatever it likes and keeps what it hears. The means of attack tests.
 *
 *     uint32_t mallory = sim_add_puppet(s, NULL);
 *     uint32_t link = sim_puppet_connect(s, mallory, 3);
 *     sim_craft(s, mallory, &(struct sim_message){...}, &bytes);
 *     sim_puppet_say(s, mallory, link, bytes);
 *     sim_run_for(s, SIM_SECONDS(1));
 *     const struct sim_heard *heard = sim_puppet_heard(s, mallory, 0);
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_TOOLS_SIM_PUPPET_H
#define RELOAD_TOOLS_SIM_PUPPET_H

#include "tools/sim/sim.h"

#define SIM_HEARD_MAX 1024

/* One message that a puppet heard. The octets stay valid until sim_puppet_forget. */
struct sim_heard {
    uint32_t link;
    uint32_t from;
    uint64_t at;
    struct reload_bytes bytes;
};

/* Called for each message that arrives at the puppet, at once. */
typedef void sim_puppet_fn(struct sim *sim, uint32_t puppet, const struct sim_heard *heard,
                           void *argument);

struct sim_puppet {
    struct sim_heard heard[SIM_HEARD_MAX];
    size_t heard_count;
    uint32_t next_link;
    bool refuses; /* takes no links */
    sim_puppet_fn *fn;
    void *argument;
};

/* sim_add_puppet makes a puppet with a certificate as |options| say (NULL: like any node). */
uint32_t sim_add_puppet(struct sim *sim, const struct sim_node_options *options);

/* sim_puppet_connect opens an unannounced link to |node| (as a joining node or a client does) and
 * lets time pass until it stands. Returns its number, 0 when it was refused. */
uint32_t sim_puppet_connect(struct sim *sim, uint32_t puppet, uint32_t node);

/* sim_puppet_link_is_up tells whether the other end has not closed |link|. */
bool sim_puppet_link_is_up(const struct sim *sim, uint32_t puppet, uint32_t link);

/* sim_puppet_say sends |bytes| on |link|. */
void sim_puppet_say(struct sim *sim, uint32_t puppet, uint32_t link, struct reload_bytes bytes);

/* sim_puppet_close closes |link|. */
void sim_puppet_close(struct sim *sim, uint32_t puppet, uint32_t link);

/* sim_puppet_listen calls |fn| for each message that arrives. */
void sim_puppet_listen(struct sim *sim, uint32_t puppet, sim_puppet_fn *fn, void *argument);

/* sim_puppet_heard_count and sim_puppet_heard give what was heard, in order; NULL behind the last.
 */
size_t sim_puppet_heard_count(const struct sim *sim, uint32_t puppet);
const struct sim_heard *sim_puppet_heard(const struct sim *sim, uint32_t puppet, size_t index);

/* sim_puppet_forget forgets what was heard. */
void sim_puppet_forget(struct sim *sim, uint32_t puppet);

#endif
