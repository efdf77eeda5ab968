"""cells.py: one cell of the NAT matrix: two real nodes behind two NATs, and a call between them.

SPDX-License-Identifier: BSD-2-Clause
"""
import re
import time

from lab import LabError
from overlay_lab import DemoError

CLEAN_FAILURE_S = 15
USERS = ("alice", "bob")
FINAL_ANSWER = re.compile(r"SIP/2\.0 ([3-6]\d\d [^\\\r\n']*)")


class Cell:
    """What became of one pair."""

    def __init__(self, cell, reason=None, **known):
        """|cell|: ok, excluded or fail; |known|: what was measured, as it goes into the JSON."""
        self.cell, self.reason, self.known = cell, reason, known

    def as_json(self):
        """The cell without what is not known."""
        known = {"cell": self.cell, **self.known, "reason": self.reason}
        return {key: value for key, value in known.items() if value is not None}

    def __str__(self):
        return f"ok {self.known['ms']:.0f}" if self.cell == "ok" else self.cell

    def in_words(self):
        """One line for eyes."""
        more = [f"{key} {value}" for key, value in self.known.items() if value is not None]
        return ", ".join([self.cell, *more, *([self.reason] if self.reason else [])])


class Cells:
    """The cells that one worker fills, in one lab: the overlay stays, nodes come and go."""

    def __init__(self, lab, overlay):
        self.lab, self.overlay = lab, overlay
        self.sites = {}

    def site(self, end, kind):
        """The site of one end, made when it is first needed."""
        if (end, kind) not in self.sites:
            self.sites[end, kind] = self.lab.site(kind)
        return self.sites[end, kind]

    def fill(self, kinds, possible):
        """One cell: |kinds| of caller and callee; |possible|: whether theory knows a way."""
        nodes = []
        try:
            for end, (user, kind) in enumerate(zip(USERS, kinds)):
                nodes.append(self.overlay.node(self.site(end, kind), user,
                                               is_peer=possible))
            cell = self.call(nodes, possible)
        except (DemoError, LabError, OSError) as error:
            cell = Cell("fail", str(error))
        finally:
            for peer, _ in nodes:
                peer.stop()
        return cell

    def call(self, nodes, possible):
        """alice calls bob, who may or may not be to be reached."""
        (alice, caller), (_, callee) = nodes
        callee.answer()
        joins = [round(peer.join_ms) for peer, _ in nodes]
        begin = time.monotonic()
        try:
            ms = caller.call("bob")
        except DemoError as error:
            took = time.monotonic() - begin
            for peer, _ in nodes:
                peer.processes.check()
            return refused(str(error), took, possible)
        path = alice.path_to(self.overlay.identities["bob"]["node_id"])
        return Cell("ok", ms=round(ms, 1), path=path, join_ms=joins)


def refused(error, took, possible):
    """The cell of a call that did not come about, |took| seconds after it was begun."""
    answer = FINAL_ANSWER.search(error)
    if not answer:  # the phone was left waiting
        return Cell("fail", error[-200:])
    if possible:
        return Cell("fail", f"{answer[1].strip()} after {took:.1f} s")
    if took > CLEAN_FAILURE_S:
        return Cell("fail", f"{answer[1]} after {took:.1f} s only")
    return Cell("excluded", ms=round(took * 1000, 1), answer=answer[1].strip())
