"""cells.py: one cell of the NAT matrix: two real nodes behind two NATs, and a call with audio
between plain phones at them.

SPDX-License-Identifier: BSD-2-Clause
"""
import time

from audio_phone import AudioPhone, CallRefused, heard_share
from lab import LabError
from overlay_lab import USERS, DemoError

CLEAN_FAILURE_S = 15
LIVES_MAX = 6      # of a node: servers give one node only so many credentials in a time
TALK_S = 3         # a call
HEARD_SHARE = 0.5  # of the packets; the first ones may come before there is a way
WAIT_S = 60        # until a phone is given up
REASON_MAX = 300
RELAY, DIRECT = "relay", ("direct", "same LAN")  # paths, as nodes call them


class Cell:
    """What became of one pair."""

    def __init__(self, cell, reason=None, **known):
        """|cell|: ok, excluded or fail; |known|: what was measured, as it goes into the JSON."""
        self.cell, self.reason, self.known = cell, reason, known

    @property
    def is_ok(self):
        """Whether it is as it should be."""
        return self.cell != "fail"

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
        self.filled, self.users = 0, ()

    def next_users(self):
        """Who plays in the next cell: now and then somebody else."""
        if self.filled % LIVES_MAX == 0:
            self.users = [f"{user}{self.filled}" for user in USERS]
            self.overlay.enrol(*self.users)
        self.filled += 1
        return self.users

    def site(self, end, kind):
        """The site of one end, made when it is first needed."""
        if (end, kind) not in self.sites:
            self.sites[end, kind] = self.lab.site(kind)
        return self.sites[end, kind]

    def fill(self, kinds, possible, direct=False):
        """One cell: |kinds| of caller and callee; |possible|: whether theory knows a way, |direct|:
        whether it knows one without a relay, which is the one to be used then."""
        peers = []
        try:
            for end, (user, kind) in enumerate(zip(self.next_users(), kinds)):
                peers.append(self.overlay.node(self.site(end, kind), user, is_peer=possible))
            cell = self.call(peers, possible, direct)
        except (DemoError, LabError, OSError) as error:
            cell = Cell("fail", str(error)[-REASON_MAX:])
        finally:
            for peer in peers:
                peer.stop()
        return cell

    def phones(self, peers):
        """A phone for each of the two."""
        return [AudioPhone(peer.processes, peer, is_caller)
                for peer, is_caller in zip(peers, (True, False))]

    def call(self, peers, possible, direct):
        """alice calls bob, who may or may not be to be reached."""
        caller, callee = self.phones(peers)
        callee.answer(TALK_S)
        begin = time.monotonic()
        caller.call(self.users[1], TALK_S)
        try:
            results = [caller.end(WAIT_S)]
        except CallRefused as error:
            took = time.monotonic() - begin
            for peer in peers:
                peer.processes.check()
            return refused(error.status, took, possible)
        results.append(callee.end(WAIT_S))
        path = peers[0].path_to(self.overlay.identities[self.users[1]]["node_id"])
        heard = [heard_share(result, phone.expected)
                 for result, phone in zip(results, (caller, callee))]
        join_ms = [round(peer.join_ms) for peer in peers]
        return answered(direct, ms=results[0]["setup_ms"], path=path, heard=heard,
                        join_ms=join_ms)


def answered(direct, **measured):
    """The cell of a call that came about; |direct|: its nodes could link without a relay."""
    if min(measured["heard"]) < HEARD_SHARE:
        return Cell("fail", "the phones do not hear each other", **measured)
    if direct and measured["path"] == RELAY:
        return Cell("fail", "a relay is used where a direct way exists", **measured)
    if direct and measured["path"] not in DIRECT:
        return Cell("fail", "no direct link is there at the end of the call", **measured)
    return Cell("ok", **measured)


def refused(status, took, possible):
    """The cell of a call that was answered with |status|, |took| seconds after it was begun."""
    if possible or took > CLEAN_FAILURE_S:
        return Cell("fail", f"{status} after {took:.1f} s")
    return Cell("excluded", ms=round(took * 1000, 1), answer=status)
