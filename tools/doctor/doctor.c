/* doctor.c: reload doctor: says step by step what works and what does not.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/doctor/checkup.h"
#include "tools/reload/command.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static const char help[] =
    "usage: reload doctor [OPTIONS]\n"
    "\n"
    "Says step by step what works and what does not: files, names, the bootstrap nodes by UDP and\n"
    "TCP, the NAT, relays, a new link, joining, and the node's own record. A node that runs is\n"
    "asked; else one is run for the time of the checkup.\n"
    "\n"
    "  --config FILE      the node's configuration (default: /etc/reloadd.conf)\n"
    "  --socket PATH      where the running node listens (default: as configured)\n"
    "  --bundle FILE      also write a report to FILE, for somebody who can help; no secrets\n"
    "  --json             one line of JSON\n"
    "\n"
    "Exit code: 0 nothing failed, 1 something did, 2 wrong arguments.\n";

static checkup_step *const steps[] = {
    check_configuration, check_credentials, check_bootstrap, check_nat, check_node,
    check_join,          check_clock,       check_turn,      check_ice, check_record,
};

static struct checkup *under_way; /* for the end by a signal */

static void
end_by_signal(int number)
{
    checkup_end_node(under_way);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void
look_once_more(struct checkup *checkup)
{
    char reason[SETTINGS_REASON_SIZE];
    if (!checkup->control[0])
        return;
    json_decref(checkup->peers);
    checkup->peers =
        checkup_ask(checkup, json_pack("{s:s}", "command", "peers"), reason, sizeof reason);
    checkup->routes =
        checkup_ask(checkup, json_pack("{s:s}", "command", "routes"), reason, sizeof reason);
}

static void
summarise(const struct checkup *checkup)
{
    unsigned failures = checkup->counts[FINDING_FAILURE];
    unsigned warnings = checkup->counts[FINDING_WARNING];
    if (checkup->json) {
        json_t *result =
            json_pack("{s:b, s:i, s:i, s:O}", "healthy", failures == 0, "failures", (int)failures,
                      "warnings", (int)warnings, "steps", checkup->findings);
        (void)json_dumpf(result, stdout, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9));
        (void)putchar('\n');
        json_decref(result);
    } else if (failures) {
        printf("\n%u thing%s do%s not work; the first one is the one to begin with.\n", failures,
               failures == 1 ? "" : "s", failures == 1 ? "es" : "");
    } else {
        printf("\nEverything that was looked at works%s.\n", warnings ? "; mind the warnings" : "");
    }
}

static int
examine(struct checkup *checkup, const char *bundle)
{
    char reason[SETTINGS_REASON_SIZE];
    reload_env_host_init(&checkup->daemon.env, RELOAD_LOG_ERROR, "reload doctor");
    under_way = checkup;
    (void)signal(SIGINT, end_by_signal);
    (void)signal(SIGTERM, end_by_signal);
    (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        steps[i](checkup);
    look_once_more(checkup);
    checkup_end_node(checkup);
    summarise(checkup);
    int error = bundle ? checkup_bundle(checkup, bundle, reason, sizeof reason) : 0;
    if (error)
        fprintf(stderr, "reload doctor: %s\n", reason);
    else if (bundle && !checkup->json)
        printf("The report is in %s. It has addresses and names in it, but no secrets.\n", bundle);
    bool good = !error && !checkup->failed && checkup->counts[FINDING_FAILURE] == 0;
    return good && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void
checkup_fini(struct checkup *checkup)
{
    if (checkup->has_settings)
        credentials_close(&checkup->daemon);
    json_decref(checkup->status);
    json_decref(checkup->peers);
    json_decref(checkup->routes);
    json_decref(checkup->findings);
    free(checkup);
}

int
command_doctor(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"socket", required_argument, NULL, 's'},
        {"bundle", required_argument, NULL, 'b'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},         {0}};
    struct checkup *checkup = calloc(1, sizeof *checkup);
    const char *bundle = NULL;
    if (!checkup || !(checkup->findings = json_array())) {
        fputs("reload doctor: out of memory\n", stderr);
        free(checkup);
        return EXIT_FAILURE;
    }
    checkup->path = "/etc/reloadd.conf";
    opterr = 0;
    int status = -1;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'c')
            checkup->path = optarg;
        if (option == 's')
            checkup->socket = optarg;
        if (option == 'b')
            bundle = optarg;
        if (option == 'j')
            checkup->json = true;
        if (option == 'h') {
            fputs(help, stdout);
            status = EXIT_SUCCESS;
        }
        if (option == '?') {
            fprintf(stderr, "reload doctor: wrong option '%s'; see reload doctor --help\n",
                    argv[optind - 1]);
            status = EXIT_USAGE;
        }
    }
    if (status < 0 && optind < argc) {
        fprintf(stderr, "reload doctor: unexpected argument '%s'; see reload doctor --help\n",
                argv[optind]);
        status = EXIT_USAGE;
    }
    if (status < 0)
        status = examine(checkup, bundle);
    checkup_fini(checkup);
    return status;
}
