#!/usr/bin/env python3
"""sip_test.py: what ordinary phones (sipp) hear from real nodes: 404, 403, 480, a text, a call
given up. RFC 7904; attack row U8.

usage: sip_test.py BUILD. Exit code 77: sipp is missing.

SPDX-License-Identifier: BSD-2-Clause
"""
import os
import signal
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tools/demo")]

from demo import PROGRAMS  # noqa: E402
from overlay import NAME, Enrolment, Peer, wait_for_ring  # noqa: E402
from phones import Phone  # noqa: E402
from one_world import run_tests  # noqa: E402
from processes import DemoError, Processes, free_port  # noqa: E402


class World:
    """Three peers, alice and bob with phones."""

    def __init__(self, build, folder):
        self.folder = folder
        self.processes = Processes(folder)
        self.programs = {name: build / path for name, path in PROGRAMS.items()}
        port = free_port()
        server = Enrolment(self.programs, self.processes, folder, port)
        users = ["carol", "alice", "bob"]
        for user in users:
            server.add_user(user)
        server.serve()
        self.peers = {}
        for i, user in enumerate(users):
            server.enrol(user)
            peer = Peer(self.processes, folder, user, free_port() if i else port,
                        "tls" if i % 2 else "dtls")
            peer.configure(first=i == 0, phones=i > 0)
            peer.start(self.programs["reloadd"])
            peer.wait_joined()
            self.peers[user] = peer
        if not wait_for_ring(list(self.peers.values())):
            raise DemoError("the ring is not consistent")
        self.phones = {user: Phone(self.processes, folder, self.peers[user])
                       for user in ("alice", "bob")}

    def sipp(self, phone, scenario, callee, code=None, user=None, limit_s=25):
        """Runs a scenario of ./sip as |phone|. Returns the seconds it took."""
        text = (HERE / "sip" / f"{scenario}.xml").read_text().replace("@CODE@", str(code))
        path = self.folder / f"{scenario}-{code}.xml"
        path.write_text(text)
        arguments = phone.arguments("register", "-m", "1", "-timeout", f"{limit_s}s",
                                    "-timeout_error", "-key", "callee", callee,
                                    phone.at_proxy())
        arguments[arguments.index("-sf") + 1] = path
        if user:
            arguments[arguments.index("user") + 1] = user
        begin = time.monotonic()
        self.processes.run(f"{scenario} {code or ''}", arguments, limit_s + 10)
        return time.monotonic() - begin

    def background(self, phone, scenario):
        """Runs a scenario of ./sip that waits to be called."""
        arguments = phone.arguments("register", "-m", "1")
        arguments[arguments.index("-sf") + 1] = HERE / "sip" / f"{scenario}.xml"
        return self.processes.start(f"{phone.peer.user}-{scenario}", arguments)


def finish(world, process, what):
    """Waits until a phone in the background has seen all that it waits for."""
    try:
        code = process.wait(20)
    except Exception:
        raise DemoError(f"{what}: the phone saw nothing") from None
    if code != 0:
        raise DemoError(f"{what}: sipp's exit code is {code}")
    world.processes.running = [(n, p) for n, p in world.processes.running if p is not process]


def test_unknown_address(world):
    """Nobody of that name: 404."""
    world.sipp(world.phones["alice"], "refused", "nobody", code=404)


def test_wrong_from(world):
    """A phone that says it is somebody else: 403 (U8)."""
    world.sipp(world.phones["alice"], "refused", "bob", code=403, user="mallory")


def test_message(world):
    """A text reaches the other phone."""
    inbox = world.background(world.phones["bob"], "inbox")
    time.sleep(0.3)
    world.sipp(world.phones["alice"], "message", "bob")
    finish(world, inbox, "message")


def test_cancel(world):
    """A call that is given up ends at both phones."""
    ringing = world.background(world.phones["bob"], "ringing")
    time.sleep(0.3)
    world.sipp(world.phones["alice"], "cancel", "bob")
    finish(world, ringing, "cancel")


def test_unreachable(world):
    """bob's node dies without a word: 480 within 15 s."""
    name, process = next(entry for entry in world.processes.running if entry[0] == "bob")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    world.processes.running.remove((name, process))
    took = world.sipp(world.phones["alice"], "refused", "bob", code=480)
    if took > 17:  # sipp itself needs a moment to start and end
        raise DemoError(f"480 came after {took:.1f} s")


TESTS = [test_unknown_address, test_wrong_from, test_message, test_cancel, test_unreachable]


def register(world):
    """Both phones, so that the other one is found."""
    for user in ("alice", "bob"):
        world.phones[user].register()
    if not world.peers["alice"].ask("lookup", aor=f"bob@{NAME}")["targets"]:
        raise DemoError("bob is not found")


def main():
    """All tests, in one overlay."""
    run_tests(World, TESTS, programs=[("sipp", "sip-tester")], prepare=register)


if __name__ == "__main__":
    main()
