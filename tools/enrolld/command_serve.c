/* command_serve.c: reload-enrolld serve: answers requests until it is told to end.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "reload/base/json.h"
#include "tools/enrolld/command.h"
#include "tools/enrolld/server.h"

static const char help[] =
    "usage: reload-enrolld serve [DIR] [--json]\n"
    "\n"
    "Serves what is in the folder DIR (" HOME_DEFAULT "), made by reload-enrolld init, by HTTPS:\n"
    "the configuration document at " HOME_CONFIG_PATH " and enrolment by POST.\n"
    "Says when it is ready. Ends cleanly on SIGTERM and SIGINT.\n"
    "\n"
    "  --json  say so as one JSON object\n";

static uint64_t
wall_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void
say_ready(const struct home *home, bool as_json)
{
    const struct home_settings *settings = &home->settings;
    const char *format = strchr(settings->host, ':') != NULL ? "https://[%s]:%u" : "https://%s:%u";
    char base[512], url[640], text[2048];
    snprintf(base, sizeof base, format, settings->host, settings->port);
    snprintf(url, sizeof url, "%s" HOME_CONFIG_PATH, base);
    if (as_json) {
        struct reload_json json = reload_json_fixed(text, sizeof text);
        reload_json_begin_object(&json);
        reload_json_key(&json, "ready");
        reload_json_boolean(&json, true);
        reload_json_key(&json, "overlay");
        reload_json_text(&json, settings->overlay);
        reload_json_key(&json, "url");
        reload_json_text(&json, url);
        reload_json_end_object(&json);
        puts(text);
    } else {
        printf("reload-enrolld: ready for overlay %s at %s\n", settings->overlay, url);
    }
    fflush(stdout);
}

static int
serve(const struct home *home, bool as_json)
{
    char message[512];
    struct enrolment enrolment;
    struct server *server;
    sigset_t ending;
    int ended_by;
    /* Threads inherit the mask: the signals come here and nowhere else. */
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ending, NULL);
    signal(SIGPIPE, SIG_IGN);

    int error = enrolment_open(&enrolment, home, wall_ms(), message, sizeof message);
    if (error == 0)
        error = server_start(home, &enrolment, &server, message, sizeof message);
    if (error == 0) {
        say_ready(home, as_json);
        sigwait(&ending, &ended_by);
        server_stop(server);
    } else {
        fprintf(stderr, "reload-enrolld: %s\n", message);
    }
    enrolment_close(&enrolment);
    return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
command_serve(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
    char message[512];
    struct home home;
    bool as_json = false;
    int letter;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (letter == 'h') {
            fputs(help, stdout);
            return EXIT_SUCCESS;
        }
        if (letter != 'j')
            return EXIT_USAGE;
        as_json = true;
    }
    if (argc - optind > 1) {
        fputs("reload-enrolld serve: one folder; see --help\n", stderr);
        return EXIT_USAGE;
    }
    const char *path = optind < argc ? argv[optind] : HOME_DEFAULT;
    if (home_open(&home, path, message, sizeof message) != 0) {
        fprintf(stderr, "reload-enrolld: %s\n", message);
        return EXIT_FAILURE;
    }
    return serve(&home, as_json);
}
