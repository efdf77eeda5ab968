/* turnserver.c: coturn's turnserver as our child.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/reloadd/turnserver.h"

#include "reload/run/env_host.h"
#include "reload/run/socket_address.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "turnserver"
#define CONFIG_DESCRIPTOR 3

/* Ports below are for root only. */
#define UNPRIVILEGED_PORT 1024

struct turnserver {
    struct turnserver_options options;
    pid_t process;  /* 0: none */
    int descriptor; /* readable when it has ended */
    int output;     /* what it says */
    struct reload_watch *end, *said;
    char line[256]; /* of its output, so far */
    size_t line_size;
    bool other_user; /* it runs as |user| and |group|, not as root */
    uid_t user;
    gid_t group;
    char complaint[256]; /* the last line that says ERROR */
};

/* ---- before it starts -------------------------------------------------------------------------
 */

/* Finds the program in PATH. */
static bool
find_program(char *path, size_t size)
{
    const char *folders = getenv("PATH");
    if (!folders || !*folders)
        folders = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";
    for (const char *at = folders; at; at = *at ? at + 1 : NULL) {
        size_t length = strcspn(at, ":");
        int used = snprintf(path, size, "%.*s/" PROGRAM, (int)length, at);
        if (length > 0 && used > 0 && (size_t)used < size && access(path, X_OK) == 0)
            return true;
        at += length;
        if (!*at)
            break;
    }
    return false;
}

static int
check_port(int type, const struct reload_address *listen)
{
    struct reload_address bound;
    int descriptor = reload_socket_bind(type, listen, &bound);
    if (descriptor < 0)
        return errno;
    (void)close(descriptor);
    return 0;
}

int
turnserver_check(const struct reload_address *listen, char *reason)
{
    char path[PATH_MAX], text[RELOAD_ADDRESS_TEXT_SIZE];
    if (!find_program(path, sizeof path)) {
        (void)snprintf(reason, SETTINGS_REASON_SIZE,
                       "role 'turn' needs the program " PROGRAM
                       " (Debian package coturn), which is not in PATH");
        return RELOAD_E_CONFIG;
    }
    int udp = check_port(SOCK_DGRAM, listen), tcp = check_port(SOCK_STREAM, listen);
    if (udp == 0 && tcp == 0)
        return 0;
    (void)snprintf(reason, SETTINGS_REASON_SIZE,
                   "%s cannot be used for TURN by %s: %s; 'listen' in [turn] says where",
                   reload_address_text(listen, text), udp ? "UDP" : "TCP",
                   strerror(udp ? udp : tcp));
    return RELOAD_E_IO;
}

/* ---- the child --------------------------------------------------------------------------------
 */

/* It talks to everybody, so it is not to be root where that can be avoided: Debian's package has a
 * user for it. */
static void
choose_user(struct turnserver *server)
{
    const struct passwd *entry = NULL;
    if (geteuid() != 0 || server->options.listen.port < UNPRIVILEGED_PORT)
        return;
    entry = getpwnam(PROGRAM);
    if (!entry)
        entry = getpwnam("nobody");
    if (!entry || entry->pw_uid == 0)
        return;
    server->other_user = true;
    server->user = entry->pw_uid;
    server->group = entry->pw_gid;
}

static bool
change_user(const struct turnserver *server)
{
    return !server->other_user ||
           (setgroups(0, NULL) == 0 && setgid(server->group) == 0 && setuid(server->user) == 0);
}

/* Becomes the program; only calls that are safe after fork. */
_Noreturn static void
become(const struct turnserver *server, const char *path, pid_t parent, int config, int output)
{
    static char name[] = PROGRAM, option[] = "-c", file[] = "/proc/self/fd/3";
    char *arguments[] = {name, option, file, NULL};
    sigset_t nothing;
    int null = open("/dev/null", O_RDWR);
    (void)sigemptyset(&nothing);
    (void)sigprocmask(SIG_SETMASK, &nothing, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)setpgid(0, 0); /* a Ctrl-C is for us: we leave first */
    /* However we end, it ends; also when that has just happened. Another user forgets that. */
    if (change_user(server) && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
        null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
        dup2(output, STDERR_FILENO) >= 0) {
        if (config == CONFIG_DESCRIPTOR)
            (void)fcntl(config, F_SETFD, 0);
        else
            (void)dup2(config, CONFIG_DESCRIPTOR);
        (void)close_range(CONFIG_DESCRIPTOR + 1, ~0u, 0);
        (void)execv(path, arguments);
    }
    _exit(127);
}

static void
forget(struct turnserver *server)
{
    reload_watch_free(server->end);
    reload_watch_free(server->said);
    server->end = server->said = NULL;
    if (server->descriptor >= 0)
        (void)close(server->descriptor);
    if (server->output >= 0)
        (void)close(server->output);
    server->descriptor = server->output = -1;
    server->line_size = 0;
    server->complaint[0] = '\0';
    server->process = 0;
}

static void
end_line(struct turnserver *server)
{
    server->line[server->line_size] = '\0';
    if (strstr(server->line, "ERROR"))
        memcpy(server->complaint, server->line, server->line_size + 1);
    if (server->line_size > 0)
        reload_env_log(server->options.env, RELOAD_LOG_DEBUG, PROGRAM ": %s", server->line);
    server->line_size = 0;
}

/* Its users decide how much it says, so it is for debugging only. */
static void
on_said(void *argument, int descriptor, unsigned events)
{
    struct turnserver *server = argument;
    char octets[2048];
    (void)events;
    ssize_t size = read(descriptor, octets, sizeof octets);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR))
        reload_watch_set(server->said, 0);
    for (ssize_t i = 0; i < size; i++)
        if (octets[i] == '\n' || server->line_size == sizeof server->line - 1)
            end_line(server);
        else
            server->line[server->line_size++] = octets[i];
}

static void
on_end(void *argument, int descriptor, unsigned events)
{
    struct turnserver *server = argument;
    int status = 0;
    (void)descriptor, (void)events;
    if (waitpid(server->process, &status, WNOHANG) == 0)
        return;
    on_said(server, server->output, 0);
    end_line(server);
    reload_env_log(server->options.env, RELOAD_LOG_WARNING, PROGRAM " ended by %s %d%s%s",
                   WIFSIGNALED(status) ? "signal" : "exit code",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                   *server->complaint ? "; it said: " : "", server->complaint);
    forget(server);
    server->options.ended(server->options.argument);
}

/* |config| and |pipe_ends| are the caller's. */
static int
spawn(struct turnserver *server, int config, const int *pipe_ends)
{
    char path[PATH_MAX];
    pid_t parent = getpid();
    if (!find_program(path, sizeof path))
        return RELOAD_E_IO;
    pid_t process = fork();
    if (process < 0)
        return RELOAD_E_IO;
    if (process == 0)
        become(server, path, parent, config, pipe_ends[1]);
    server->process = process;
    server->output = dup(pipe_ends[0]);
    server->descriptor = pidfd_open(process, 0);
    int error = server->output < 0 || server->descriptor < 0 ? RELOAD_E_IO : 0;
    if (!error)
        error = reload_loop_watch(server->options.loop, server->descriptor, RELOAD_WATCH_READ,
                                  on_end, server, &server->end);
    if (!error)
        error = reload_loop_watch(server->options.loop, server->output, RELOAD_WATCH_READ, on_said,
                                  server, &server->said);
    if (error)
        turnserver_stop(server);
    return error;
}

int
turnserver_start(struct turnserver *server)
{
    int pipe_ends[2], error = RELOAD_E_IO;
    if (pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return error;
    int config = memfd_create("turnserver.conf", MFD_CLOEXEC);
    if (config >= 0 && fchmod(config, 0600) == 0 &&
        (!server->other_user || fchown(config, server->user, server->group) == 0) &&
        turnserver_config_write(&server->options, config) == 0)
        error = spawn(server, config, pipe_ends);
    if (config >= 0)
        (void)close(config);
    (void)close(pipe_ends[0]);
    (void)close(pipe_ends[1]);
    return error;
}

void
turnserver_stop(struct turnserver *server)
{
    if (server->process) {
        (void)kill(server->process, SIGKILL);
        while (waitpid(server->process, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    forget(server);
}

pid_t
turnserver_process(const struct turnserver *server)
{
    return server->process;
}

int
turnserver_new(const struct turnserver_options *options, struct turnserver **server)
{
    struct turnserver *made = calloc(1, sizeof *made);
    if (!made)
        return RELOAD_E_NOMEM;
    made->options = *options;
    made->descriptor = made->output = -1;
    choose_user(made);
    *server = made;
    return 0;
}

void
turnserver_free(struct turnserver *server)
{
    if (!server)
        return;
    turnserver_stop(server);
    free(server);
}
