/* silence_test.c: nobody listens any more at the other side of an ICE pair.
 *
 * RFC 6940 6.5.1.10. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/suite.h"
#include "tests/unit/ice/agents.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void
pass(int descriptor, struct agent_end *mine, struct reload_offer *other)
{
    ck_assert_int_eq(write(descriptor, &mine->offer, sizeof mine->offer), sizeof mine->offer);
    ck_assert_int_eq(recv(descriptor, other, sizeof *other, MSG_WAITALL), sizeof *other);
}

/* An agent in a process of its own, until it is killed. */
static void
be_the_peer(int descriptor)
{
    struct agents agents;
    bool never = false;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    agents_init(&agents);
    agents_open_one(&agents, &agents.b);
    ck_assert(agents_wait(&agents, &agents.b.gathered, &agents.b.gathered, 5000));
    pass(descriptor, &agents.b, &agents.a.offer);
    agents_check(&agents.b, &agents.a);
    (void)agents_wait(&agents, &never, &never, 90000);
    _exit(0);
}

static pid_t
meet_a_process(struct agents *agents)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    pid_t process = fork();
    ck_assert_int_ge(process, 0);
    if (process == 0)
        be_the_peer(pair[0]);
    agents_init(agents);
    agents_open_one(agents, &agents->a);
    ck_assert(agents_wait(agents, &agents->a.gathered, &agents->a.gathered, 5000));
    pass(pair[1], &agents->a, &agents->b.offer);
    agents_check(&agents->a, &agents->b);
    ck_assert(agents_wait(agents, &agents->a.ready, &agents->a.ready, 5000));
    (void)close(pair[0]);
    (void)close(pair[1]);
    return process;
}

static void
end_both(struct agents *agents, pid_t process)
{
    (void)kill(process, SIGKILL);
    (void)waitpid(process, NULL, 0);
    reload_nice_agent.close(agents->a.agent);
    ck_assert_uint_eq(agents->alive, 0);
    agents_fini(agents);
}

/* The kernel answers what is sent to a closed port by ICMP, which anybody could forge: it ends
 * nothing. Those who use the pair find out by themselves that nobody answers (D99). L14. */
START_TEST(icmp_errors_do_not_end_a_pair)
{
    struct agents agents;
    pid_t process = meet_a_process(&agents);
    (void)kill(process, SIGKILL);
    (void)waitpid(process, NULL, 0);
    for (int i = 0; i < 20; i++) {
        agents_say(&agents.a, "to nobody");
        agents_settle(&agents, 50);
    }
    ck_assert(!agents.a.failed);
    end_both(&agents, process);
}
END_TEST

int
main(void)
{
    return RUN_SUITE("silence", icmp_errors_do_not_end_a_pair);
}
