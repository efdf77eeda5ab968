"""phones.py: two SIP user agents (sipp) at two peers of the overlay.

SPDX-License-Identifier: BSD-2-Clause
"""
import csv
import time
from pathlib import Path

from overlay import NAME
from processes import DemoError, free_port

SCENARIOS = Path(__file__).resolve().parent


class Phone:
    """One user agent: sipp, with a scenario a task."""

    def __init__(self, processes, folder, peer):
        self.processes, self.folder, self.peer = processes, folder, peer
        self.port = free_port()

    def arguments(self, scenario, *more):
        """sipp's command line for |scenario|."""
        return ["sipp", "-sf", SCENARIOS / f"{scenario}.xml", "-i", "127.0.0.1",
                "-p", str(self.port), "-key", "user", self.peer.user, "-key", "overlay", NAME,
                "-nostdin", "-timer_resol", "1", *more]

    def at_proxy(self):
        """Where the phone's peer listens for it."""
        return f"127.0.0.1:{self.peer.sip_port}"

    def register(self):
        """Registers. Returns how long it took, in ms."""
        begin = time.monotonic()
        self.processes.run(f"{self.peer.user}'s registration", self.arguments(
            "register", "-m", "1", "-timeout", "20s", "-timeout_error", self.at_proxy()))
        return (time.monotonic() - begin) * 1000

    def answer(self):
        """Answers calls until the demo ends."""
        self.processes.start(f"{self.peer.user}-phone", self.arguments("callee"))

    def call(self, callee):
        """Places one call. Returns the ms from INVITE to 200."""
        before = set(self.folder.glob("caller_*_rtt.csv"))
        self.processes.run(f"call from {self.peer.user} to {callee}", self.arguments(
            "caller", "-m", "1", "-timeout", "25s", "-timeout_error", "-key", "callee", callee,
            "-trace_rtt", "-rtt_freq", "1", self.at_proxy()))
        return setup_ms(set(self.folder.glob("caller_*_rtt.csv")) - before)


def setup_ms(paths):
    """The response time that sipp wrote."""
    for path in paths:
        with open(path, newline="") as rows:
            for row in csv.reader(rows, delimiter=";"):
                if len(row) > 1 and row[0].replace(".", "").isdigit():
                    return float(row[1])
    raise DemoError("sipp wrote no response time")
