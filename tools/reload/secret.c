/* secret.c: asks for a password on the terminal, or reads it from a file.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/reload/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Reads up to the end of a line. Returns -1 on an error (errno), which is also an interruption. */
static int
read_line(int descriptor, struct secret *secret)
{
    secret->size = 0;
    while (secret->size <= SECRET_SIZE_MAX) {
        char octet;
        ssize_t got = read(descriptor, &octet, 1);
        if (got < 0)
            return -1;
        if (got == 0 || octet == '\n')
            break;
        secret->text[secret->size++] = octet;
    }
    if (secret->size > 0 && secret->text[secret->size - 1] == '\r')
        secret->size--;
    secret->text[secret->size] = '\0';
    return 0;
}

static int
check(const struct secret *secret, const char *from, char *message, size_t size)
{
    const char *problem = NULL;
    if (secret->size == 0)
        problem = "the password is empty";
    else if (secret->size > SECRET_SIZE_MAX)
        problem = "the password is longer than 1024 octets";
    else if (strlen(secret->text) != secret->size)
        problem = "the password has a NUL in it";
    if (problem == NULL)
        return 0;
    snprintf(message, size, "%s: %s", from, problem);
    return RELOAD_E_USAGE;
}

int
secret_read(const char *path, struct secret *secret, char *message, size_t size)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    int result = descriptor >= 0 ? read_line(descriptor, secret) : -1;
    if (result != 0)
        snprintf(message, size, "%s: %s; it should hold the password in its first line", path,
                 strerror(errno));
    if (descriptor >= 0)
        close(descriptor);
    return result == 0 ? check(secret, path, message, size) : RELOAD_E_IO;
}

/* ---- the terminal ---------------------------------------------------------------------------- */

static volatile sig_atomic_t interruption;

static void
on_signal(int number)
{
    interruption = number;
}

/* Reads a line without echo. Signals that would end or stop the program wait until the terminal is
 * as it was before. */
static int
read_hidden(int terminal, const char *prompt, struct secret *secret)
{
    static const int caught[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP};
    enum { CAUGHT = sizeof caught / sizeof caught[0] };
    struct sigaction action = {.sa_handler = on_signal}, before[CAUGHT];
    struct termios shown, hidden;
    if (tcgetattr(terminal, &shown) != 0)
        return -1;
    interruption = 0;
    for (int i = 0; i < CAUGHT; i++)
        sigaction(caught[i], &action, &before[i]);
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    int result = -1;
    if (dprintf(terminal, "%s: ", prompt) > 0 && tcsetattr(terminal, TCSAFLUSH, &hidden) == 0) {
        result = interruption == 0 ? read_line(terminal, secret) : -1;
        tcsetattr(terminal, TCSAFLUSH, &shown);
        dprintf(terminal, "\n");
    }
    for (int i = 0; i < CAUGHT; i++)
        sigaction(caught[i], &before[i], NULL);
    if (interruption != 0) {
        raise(interruption);
        errno = EINTR;
    }
    return result;
}

int
secret_ask(const char *prompt, bool twice, struct secret *secret, char *message, size_t size)
{
    struct secret again = {.size = 0};
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0) {
        snprintf(message, size,
                 "there is no terminal to ask for the password; name a file that "
                 "holds it: --password-file FILE");
        return RELOAD_E_IO;
    }
    int result = read_hidden(terminal, prompt, secret);
    if (result == 0 && twice)
        result = read_hidden(terminal, "again", &again);
    if (result != 0)
        snprintf(message, size, "no password: %s", strerror(errno));
    close(terminal);
    int error = result == 0 ? check(secret, "terminal", message, size) : RELOAD_E_IO;
    if (error == 0 && twice && strcmp(secret->text, again.text) != 0) {
        snprintf(message, size, "the two passwords differ");
        error = RELOAD_E_USAGE;
    }
    secret_wipe(&again);
    return error;
}

int
secret_get(const char *path, const char *prompt, bool twice, struct secret *secret, char *message,
           size_t size)
{
    return path != NULL ? secret_read(path, secret, message, size)
                        : secret_ask(prompt, twice, secret, message, size);
}

void
secret_wipe(struct secret *secret)
{
    OPENSSL_cleanse(secret, sizeof *secret);
}
