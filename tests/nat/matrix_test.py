#!/usr/bin/env python3
"""matrix_test.py: what the NAT matrix calls ok, excluded and fail, with nodes that are none; and
which pairs theory excludes.

SPDX-License-Identifier: BSD-2-Clause
"""
import itertools
import subprocess
import sys
import unittest

import cells
import matrix
from audio_phone import CallRefused, heard_share
from lab import KINDS
from processes import DemoError
from theory import can_link


class Node:
    """A node that joins, or not, and lives on, or not; its phone is answered, and hears the other,
    or not."""

    def __init__(self, refusal=None, death=None, heard=100, path="direct"):
        self.processes = self.peer = self
        self.user, self.expected, self.join_ms = "somebody", 440, 99.6
        self.refusal, self.death, self.heard, self.path = refusal, death, heard, path
        self.is_stopped = False

    def check(self):
        """As HostProcesses.check."""
        if self.death:
            raise DemoError(self.death)

    def stop(self):
        """As LabPeer.stop."""
        self.is_stopped = True

    def answer(self, _seconds):
        """As AudioPhone.answer."""

    def call(self, callee, _seconds):
        """As AudioPhone.call."""
        assert callee == "bob0"

    def end(self, _limit_s):
        """As AudioPhone.end."""
        if self.refusal:
            raise self.refusal
        return {"setup_ms": 12.3, "sent": 100, "heard": self.heard, "hz": 441.0}

    def path_to(self, other):
        """As LabPeer.path_to."""
        assert other == "ID of bob0"
        return self.path


class Overlay:
    """Gives out those nodes."""

    def __init__(self, *nodes):
        self.nodes = list(nodes)
        self.identities = {}

    def enrol(self, *users):
        """As LabOverlay.enrol."""
        self.identities |= {user: {"node_id": f"ID of {user}"} for user in users}

    def node(self, _site, _user, is_peer):
        """As LabOverlay.node."""
        node = self.nodes.pop(0)
        if node is None:
            raise DemoError(f"has not joined {is_peer}")
        return node

    def site(self, kind):
        """As Lab.site."""
        return kind


class PlainCells(cells.Cells):
    """Whose nodes are their own phones."""

    def phones(self, peers):
        """As Cells.phones."""
        return peers


def fill(*nodes, possible, direct=False):
    """The cell of a pair of such nodes."""
    overlay = Overlay(*nodes)
    cell = PlainCells(overlay, overlay).fill(("symmetric", "symmetric"), possible, direct)
    assert all(node.is_stopped for node in nodes if node and node not in overlay.nodes)
    return cell


class CellTest(unittest.TestCase):
    """What becomes of a pair."""

    def test_ok(self):
        """A call that is answered, even where theory knows no way."""
        for possible in (True, False):
            cell = fill(Node(), Node(), possible=possible)
            self.assertEqual(cell.as_json(), {"cell": "ok", "ms": 12.3,
                                              "path": "direct", "heard": [1.0, 1.0],
                                              "join_ms": [100, 100]})

    def test_one_way(self):
        """A call in which one side hears too little has failed."""
        for heard in (0, 49):
            for nodes in ((Node(heard=heard), Node()), (Node(), Node(heard=heard))):
                self.assertEqual(fill(*nodes, possible=True).as_json()["cell"], "fail")
        self.assertEqual(fill(Node(heard=50), Node(heard=51), possible=True).as_json()["heard"],
                         [0.5, 0.51])

    def test_needless_relay(self):
        """Who can link directly does so; who cannot may use a relay."""
        for path, direct, cell in (("direct", True, "ok"), ("same LAN", True, "ok"),
                                   ("relay", True, "fail"), (None, True, "fail"),
                                   ("relay", False, "ok"), ("direct", False, "ok")):
            found = fill(Node(path=path), Node(), possible=True, direct=direct)
            self.assertEqual(found.cell, cell, (path, direct))
        found = fill(Node(path="relay"), Node(), possible=True, direct=True).as_json()
        self.assertEqual((found["reason"], found["path"]),
                         ("a relay is used where a direct way exists", "relay"))

    def test_own_tone(self):
        """Whoever hears something else has not heard the other."""
        self.assertEqual(heard_share({"sent": 9, "heard": 9, "hz": 523.0}, 440), 0.0)
        self.assertEqual(heard_share({"sent": 0, "heard": 0, "hz": 0.0}, 440), 0.0)
        self.assertEqual(heard_share({"sent": 9, "heard": 9, "hz": 432.0}, 440), 1.0)

    def test_refused(self):
        """A call that is refused: as it must be, or a fault."""
        cell = fill(Node(CallRefused("480")), Node(), possible=False).as_json()
        self.assertLess(cell.pop("ms"), 1000)
        self.assertEqual(cell, {"cell": "excluded", "answer": "480"})
        self.assertEqual(fill(Node(CallRefused("480")), Node(), possible=True).as_json(),
                         {"cell": "fail", "reason": "480 after 0.0 s"})

    def test_silence(self):
        """A caller who never got an answer has not failed cleanly."""
        self.assertEqual(fill(Node(DemoError("no answer to INVITE in time")), Node(),
                              possible=False).as_json(),
                         {"cell": "fail", "reason": "no answer to INVITE in time"})

    def test_late(self):
        """Who takes too long to say that there is no way has failed."""
        limit, cells.CLEAN_FAILURE_S = cells.CLEAN_FAILURE_S, -1
        try:
            self.assertEqual(fill(Node(CallRefused("480")), Node(), possible=False).cell, "fail")
        finally:
            cells.CLEAN_FAILURE_S = limit

    def test_death(self):
        """A node that died is a fault in any pair."""
        for nodes in ((Node(CallRefused("480"), "dead"), Node()),
                      (Node(CallRefused("480")), Node(death="dead"))):
            self.assertEqual(fill(*nodes, possible=False).as_json(),
                             {"cell": "fail", "reason": "dead"})

    def test_not_joined(self):
        """A node that does not join is a fault in any pair; the other one is ended."""
        for nodes in ((None, Node()), (Node(), None)):
            self.assertEqual(fill(*nodes, possible=False).cell, "fail")

    def test_table(self):
        """Callers down, callees across."""
        row = {"public": {"public": cells.Cell("ok", ms=7.0),
                          "udp_blocked": cells.Cell("excluded")}}
        lines = matrix.table("without_turn", row).splitlines()
        self.assertEqual(lines[1].split(), ["public", "no", "UDP"])
        self.assertEqual(lines[2].split(), ["public", "ok", "7", "excluded"])


class CommandTest(unittest.TestCase):
    """The command line."""

    def test_wrong_build(self):
        """A folder without the programs is said to be one."""
        run = subprocess.run([sys.executable, matrix.__file__, "--build", "/nowhere"],
                             capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 2)
        self.assertIn("/nowhere/tools/reload/reload is not there", run.stderr)
        self.assertNotIn("Traceback", run.stderr)


class TheoryTest(unittest.TestCase):
    """The pairs that need a relay."""

    def test_pairs(self):
        """Of 49, 13 with a host without UDP, and 8 of unforeseeable ports with strict filters."""
        without = [pair for pair in itertools.product(KINDS, KINDS) if not can_link(*pair, False)]
        self.assertEqual(len(without), 13 + 8)
        self.assertIn(("symmetric", "port_restricted"), without)
        self.assertIn(("double_nat", "double_nat"), without)
        self.assertNotIn(("symmetric", "address_restricted"), without)
        self.assertTrue(all(can_link(*pair, True) for pair in without))

    def test_cover(self):
        """The nine pairs of --cover meet every kind; theory excludes three of them."""
        self.assertEqual(len(set(matrix.COVER)), 9)
        self.assertEqual({kind for pair in matrix.COVER for kind in pair}, set(KINDS))
        excluded = [pair for pair in matrix.COVER if not can_link(*pair, False)]
        self.assertEqual(len(excluded), 3)


if __name__ == "__main__":
    unittest.main()
