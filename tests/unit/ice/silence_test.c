/* silence_test.c: the other side of an ICE pair goes silent: a process that is stopped, a port that
 * nobody listens at any more.
 *
 * RFC 7675; RFC 6940 6.5.1.10. SPDX-License-Identifier: BSD-2-Clause */
#include "tests/suite.h"
#include "tests/unit/ice/agents.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The deadline of RFC 7675 5.1. */
#define CONSENT_MS 30000

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

START_TEST(a_silent_peer_loses_consent)
{
    struct agents agents;
    pid_t process = meet_a_process(&agents);
    agents_settle(&agents, 500);
    ck_assert(!agents.a.failed);
    ck_assert_int_eq(kill(process, SIGSTOP), 0);
    reload_time begun = reload_loop_now(agents.loop);
    ck_assert(agents_wait(&agents, &agents.a.failed, &agents.a.failed, CONSENT_MS));
    printf("consent was lost after %.1f s\n", (double)(agents.a.failed_at - begun) / 1e9);
    end_both(&agents, process);
}
END_TEST

/* The kernel answers what is sent to a closed port by ICMP, which anybody could forge: it ends
 * nothing before consent is lost. L14. */
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
    return RUN_SUITE("silence", a_silent_peer_loses_consent, icmp_errors_do_not_end_a_pair);
}
