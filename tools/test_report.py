#!/usr/bin/env python3
"""test_report.py: counts what `meson test` did and tells how to repeat what failed.

usage: test_report.py BUILD LOG ROOT. Reads BUILD/meson-logs/LOG.json. Prints "PASSED FAILED" on the
standard output (single cases where a program prints Check's summary, else one a program), and on
the standard error each failure with the command that repeats it. Exits with 1 when one failed or
there was nothing to run.

SPDX-License-Identifier: BSD-2-Clause
"""
import json
import os
import re
import shlex
import sys

CHECK_SUMMARY = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", re.M)
UNITTEST_SUMMARY = re.compile(r"^Ran (\d+) tests? in ", re.M)
UNITTEST_BAD = re.compile(r"(?:failures|errors)=(\d+)")
CHECK_FAILURE = re.compile(r"^\S+:\d+:[FE]:.*$", re.M)
GOOD = {"OK", "EXPECTEDFAIL"}
OUTPUT_LINES_MAX = 60


def count(test):
    """Returns (passed, failed) cases of one test program; (0, 0) when it was skipped."""
    if test["result"] == "SKIP":
        return 0, 0
    passed = failed = 0
    for checks, failures, errors in CHECK_SUMMARY.findall(test.get("stdout", "")):
        bad = int(failures) + int(errors)
        passed += int(checks) - bad
        failed += bad
    output = test.get("stderr", "")
    for ran in UNITTEST_SUMMARY.findall(output):
        bad = sum(int(number) for number in UNITTEST_BAD.findall(output.splitlines()[-1]))
        passed += int(ran) - bad
        failed += bad
    if test["result"] in GOOD:
        return max(passed, 1), failed
    return passed, max(failed, 1)


def describe(test, build, root):
    """Returns the lines that tell what failed in |test| and how to run it again."""
    output = test.get("stdout", "") + test.get("stderr", "")
    shown = CHECK_FAILURE.findall(output)
    if not shown or test["result"] not in ("FAIL", "OK"):
        shown = output.splitlines()[-OUTPUT_LINES_MAX:]
    name = test["name"].split(" / ")[-1]
    folder = os.path.relpath(build, root)
    return (["", "FAILED %s (%s)" % (test["name"], test["result"].lower())]
            + ["    " + line for line in shown]
            + ["  again: meson test -C %s --print-errorlogs %s" % (folder, shlex.quote(name))])


def report(tests, build, root):
    """Returns (passed, failed, lines to show)."""
    passed = failed = skipped = 0
    lines = []
    for test in tests:
        good, bad = count(test)
        passed += good
        failed += bad
        skipped += test["result"] == "SKIP"
        if bad:
            lines += describe(test, build, root)
    lines.append("%d passed, %d failed%s in %d programs" % (
        passed, failed, ", %d programs skipped" % skipped if skipped else "", len(tests)))
    return passed, failed, lines


def main(build, name, root):
    try:
        with open(os.path.join(build, "meson-logs", name + ".json"), encoding="utf-8") as log:
            tests = [json.loads(line) for line in log]
    except (OSError, ValueError) as error:
        print("no tests ran: %s" % error, file=sys.stderr)
        tests = []
    passed, failed, lines = report(tests, build, root)
    if not tests:
        failed = 1
    print("\n".join(lines), file=sys.stderr)
    print(passed, failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
