"""lab_phone.py: sipp as a phone beside a node in a lab: many calls in a row.

SPDX-License-Identifier: BSD-2-Clause
"""
import csv
from pathlib import Path

from phones import Phone

HERE = Path(__file__).resolve().parent
ANSWER_LIMIT_S = 25  # a phone gives up after that
AT_ONCE = 4          # calls
LONG_S = 10          # no registration or call takes longer on the average


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

    def often(self, scenario, count, at_once, *more):
        """Runs a scenario |count| times, |at_once| of them at the same time. Returns the response
        times of those that came about."""
        before = self.written()
        arguments = self.arguments(scenario, "-m", str(count), "-l", str(at_once),
                                   "-recv_timeout", str(ANSWER_LIMIT_S * 1000), "-trace_rtt",
                                   "-rtt_freq", "1", *more, self.at_proxy())
        self.processes.run_any(f"{scenario}, often", arguments,
                               limit_s=count / at_once * LONG_S + 3 * ANSWER_LIMIT_S)
        return self.times(before)

    def register_often(self, count):
        """Registers |count| times, each time anew. Returns the ms from REGISTER to 200 of those
        that succeeded."""
        return self.often(HERE / "register_anew", count, 1)

    def call_often(self, callee, count):
        """Calls |count| times. Returns the ms from INVITE to 200 of those that were answered."""
        return self.often("caller", count, AT_ONCE, "-key", "callee", callee)
