#!/usr/bin/env python3
"""demo_test.py: the demo itself, with few peers; and that nothing of it is left after Ctrl-C.

usage: demo_test.py BUILD. Exit code 77: sipp is missing.

SPDX-License-Identifier: BSD-2-Clause
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

DEMO = Path(__file__).resolve().parents[2] / "tools/demo/demo.py"


def demo(build, *arguments, **options):
    """Starts the demo."""
    return subprocess.Popen([sys.executable, DEMO, "--build", build, "--json", *arguments],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            start_new_session=True, **options)


def check(condition, text):
    """Ends the test when |condition| does not hold."""
    if not condition:
        sys.exit(f"demo_test: {text}")


def test_figures(build):
    """Everything that the demo counts has happened."""
    with demo(build, "--peers", "4", "--calls", "2") as process:
        out, err = process.communicate(timeout=90)
        check(process.returncode == 0, f"exit code {process.returncode}: {err}")
    figures = json.loads(out.splitlines()[-1])
    wanted = {"peers": 4, "joined": 4, "ring_consistent": True, "registrations": 2,
              "lookups_ok": 12, "calls_placed": 2, "calls_answered": 2, "calls_completed": 2}
    for name, value in wanted.items():
        check(figures[name] == value, f"{name} is {figures[name]}, not {value}\n{err}")
    for name in ("join_ms_p50", "fetch_ms_p50", "store_ms_p50", "seconds"):
        check(figures[name] > 0, f"{name} is {figures[name]}")
    check("DTLS, TLS" in err, "links of both kinds were not in use")


def children(pid):
    """All processes below |pid|; one that ends meanwhile has none."""
    found = []
    try:
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in path.read_text().split():
                found += [int(child)] + children(int(child))
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def test_interrupted(build):
    """Ctrl-C ends every process of the demo."""
    with demo(build, "--peers", "4", "--keep") as process:
        until = time.monotonic() + 60
        while len(children(process.pid)) < 4:
            check(time.monotonic() < until, "the demo does not start its peers")
            time.sleep(0.05)
        below = children(process.pid)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    until = time.monotonic() + 2  # one that the kernel ends with its parent needs a moment
    while time.monotonic() < until and any(os.path.exists(f"/proc/{pid}") for pid in below):
        time.sleep(0.05)
    left = [pid for pid in below if os.path.exists(f"/proc/{pid}")]
    check(not left, f"processes {left} are still there")


def main():
    """All tests."""
    if not shutil.which("sipp"):
        print("demo_test: skipped: sipp is missing (Debian package sip-tester)")
        sys.exit(77)
    build = sys.argv[1]
    test_figures(build)
    test_interrupted(build)
    print("2 passed, 0 failed")


if __name__ == "__main__":
    main()
