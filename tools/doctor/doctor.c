/* doctor.c: reload doctor: says step by step what works and what does not.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/doctor/checkup.h"
#include "tools/reload/command.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define PATIENCE_S 20

static const char help[] =
    "usage: reload doctor [OPTIONS]\n"
    "\n"
    "Says step by step what works and what does not: files, names, the bootstrap nodes by UDP and\n"
    "TCP, joining, the NAT, relays, a new link, and the node's own record. A node that runs is\n"
    "asked; else one is run for the time of the checkup.\n"
    "\n"
    "  --config FILE      the node's configuration (default: /etc/reloadd.conf)\n"
    "  --socket PATH      where the running node listens (default: as configured)\n"
    "  --bundle FILE      also write a report to FILE, for somebody who can help; no secrets\n"
    "  --patience SECONDS how long to wait for the node to join (default: 20)\n"
    "  --json             one line of JSON\n"
    "\n"
    "Exit code: 0 nothing failed, 1 something did, 2 wrong arguments.\n";

static checkup_step *const steps[] = {
    check_configuration, check_credentials, check_bootstrap, check_node, check_join,
    check_clock,         check_nat,         check_turn,      check_ice,  check_record,
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

static bool
read_seconds(const char *text, unsigned *seconds)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    *seconds = (unsigned)number;
    return *text >= '0' && *text <= '9' && *end == '\0' && number >= 1 && number <= 3600;
}

static int
usage_error(const char *what, const char *argument)
{
    fprintf(stderr, "reload doctor: %s '%s'; see reload doctor --help\n", what, argument);
    return EXIT_USAGE;
}

/* Returns an exit code, or -1 to go on. */
static int
read_arguments(int argc, char **argv, struct checkup *checkup, const char **bundle)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"socket", required_argument, NULL, 's'},
                                            {"bundle", required_argument, NULL, 'b'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"patience", required_argument, NULL, 'p'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'c')
            checkup->path = optarg;
        else if (option == 's')
            checkup->socket = optarg;
        else if (option == 'b')
            *bundle = optarg;
        else if (option == 'j')
            checkup->json = true;
        else if (option == 'p' && !read_seconds(optarg, &checkup->patience_s))
            return usage_error("not a number of seconds from 1 to 3600:", optarg);
        else if (option == 'h')
            return fputs(help, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        else if (option == '?')
            return usage_error("wrong option", argv[optind - 1]);
    }
    return optind < argc ? usage_error("unexpected argument", argv[optind]) : -1;
}

int
command_doctor(int argc, char **argv)
{
    struct checkup *checkup = calloc(1, sizeof *checkup);
    const char *bundle = NULL;
    if (!checkup || !(checkup->findings = json_array())) {
        fputs("reload doctor: out of memory\n", stderr);
        free(checkup);
        return EXIT_FAILURE;
    }
    checkup->path = "/etc/reloadd.conf";
    checkup->patience_s = PATIENCE_S;
    int status = read_arguments(argc, argv, checkup, &bundle);
    if (status < 0)
        status = examine(checkup, bundle);
    checkup_fini(checkup);
    return status;
}
