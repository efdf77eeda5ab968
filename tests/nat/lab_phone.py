"""lab_phone.py: sipp as a phone beside a node in a lab: calls that last, and many in a row.

SPDX-License-Identifier: BSD-2-Clause
"""
import csv
import subprocess
import time
from pathlib import Path

from phones import Phone
from processes import DemoError

HERE = Path(__file__).resolve().parent
PER_S = 4           # calls or registrations begun in a second
ANSWER_LIMIT_S = 25  # a phone gives up after that


class LabPhone(Phone):
    """One phone."""

    def times(self, since):
        """The response times that sipp has written in files that are not in |since|, in ms."""
        found = []
        for path in set(self.folder.glob("*_rtt.csv")) - since:
            with open(path, newline="") as rows:
                found += [float(row[1]) for row in csv.reader(rows, delimiter=";")
                          if len(row) > 1 and row[0].replace(".", "").isdigit()]
        return found

    def written(self):
        """The files of response times that there are."""
        return set(self.folder.glob("*_rtt.csv"))

    # ---- a call that lasts -----------------------------------------------------------------------

    def begin_long_call(self, callee, seconds):
        """Calls and speaks for |seconds|. Returns the call, for the functions below."""
        before = self.written()
        arguments = self.arguments(HERE / "long_call", "-m", "1", "-d", str(seconds * 1000), "-key",
                                   "callee", callee, "-trace_rtt", "-rtt_freq", "1",
                                   self.at_proxy())
        return before, self.processes.start(f"{self.peer.user}-long-call", arguments)

    def wait_answered(self, call):
        """Waits until the callee has answered. Returns the ms from INVITE to 200."""
        before, process = call
        until = time.monotonic() + ANSWER_LIMIT_S
        while not (times := self.times(before)):
            if process.poll() is not None or time.monotonic() > until:
                raise DemoError("not answered: "
                                + self.processes.last_lines(f"{self.peer.user}-long-call"))
            time.sleep(0.02)
        return times[0]

    def end_long_call(self, call, limit_s):
        """Waits until the call has ended; DemoError unless it did as it should."""
        _, process = call
        name = f"{self.peer.user}-long-call"
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        self.processes.forget(process)
        if code != 0:
            raise DemoError(f"the call did not end well: {self.processes.last_lines(name, 8)}")

    # ---- many in a row ---------------------------------------------------------------------------

    def often(self, scenario, count, *more):
        """Runs a scenario |count| times. Returns the response times of those that came about."""
        before = self.written()
        arguments = self.arguments(scenario, "-m", str(count), "-r", str(PER_S), "-recv_timeout",
                                   str(ANSWER_LIMIT_S * 1000), "-trace_rtt", "-rtt_freq", "1",
                                   *more, self.at_proxy())
        self.processes.run_any(f"{scenario} of {self.peer.user}", arguments,
                               limit_s=count / PER_S + 3 * ANSWER_LIMIT_S)
        return self.times(before)

    def register_often(self, count):
        """Registers |count| times. Returns the ms from REGISTER to 200 of those that succeeded."""
        return self.often("register", count)

    def call_often(self, callee, count):
        """Calls |count| times. Returns the ms from INVITE to 200 of those that were answered."""
        return self.often("caller", count, "-key", "callee", callee)
