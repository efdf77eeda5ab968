#!/usr/bin/env python3
"""relayed_media_test.py: two plain phones hear each other through the media relays of their nodes:
real processes on loopback, RTP and RTCP both ways, tones measured. D72.

usage: relayed_media_test.py BUILD

SPDX-License-Identifier: BSD-2-Clause
"""
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools/demo"))

from demo import PROGRAMS  # noqa: E402
from overlay import NAME, Enrolment, Peer, wait_for_ring  # noqa: E402
from processes import DemoError, Processes, free_port  # noqa: E402

SECONDS = 2
PACKETS = SECONDS * 50
HOSTS = {"alice": "127.0.0.1", "bob": "127.0.0.1"}  # where phones are served
TONES = {"alice": 440, "bob": 523, "carol": 660}


class World:
    """Four peers; alice's, bob's and carol's have phones, carol's does not relay."""

    def __init__(self, build, folder, *arguments):
        self.processes = Processes(folder)
        programs = {name: build / path for name, path in PROGRAMS.items()}
        port = free_port()
        server = Enrolment(programs, self.processes, folder, port, arguments)
        users = ["dave", "alice", "bob", "carol"]
        for user in users:
            server.add_user(user)
        server.serve()
        self.peers = {}
        for i, user in enumerate(users):
            server.enrol(user)
            # Links of both kinds: what bob accepts is made by TLS, what alice accepts by DTLS.
            peer = Peer(self.processes, folder, user, free_port() if i else port,
                        "tls" if user == "bob" else "dtls")
            peer.configure(first=i == 0, phones=i > 0)
            if user in ("alice", "bob"):
                path = folder / user / "reloadd.conf"
                text = path.read_text() + "rtp-relay = on\n"
                path.write_text(text.replace(f"127.0.0.1:{peer.sip_port}",
                                             f"{HOSTS[user]}:{peer.sip_port}"))
            peer.start(programs["reloadd"])
            peer.wait_joined()
            self.peers[user] = peer
        if not wait_for_ring(list(self.peers.values())):
            raise DemoError("the ring is not consistent")

    def phone(self, user, *arguments):
        """Starts a phone; a process."""
        return subprocess.Popen(
            [sys.executable, HERE / "media/tone_phone.py", "--node",
             f"{HOSTS.get(user, '127.0.0.1')}:{self.peers[user].sip_port}", "--user", user,
             "--overlay", NAME,
             "--tone", str(TONES[user]), "--seconds", str(SECONDS), *arguments],
            stdout=subprocess.PIPE, text=True)

    def call(self, caller, callee):
        """One call. Returns what the two phones say."""
        answering = self.phone(callee, "--answer", "--expect", str(TONES[caller]))
        calling = None
        try:
            assert answering.stdout.readline() == "registered\n"
            calling = self.phone(caller, "--call", callee, "--expect", str(TONES[callee]))
            heard = []
            for name, phone in ((caller, calling), (callee, answering)):
                output, _ = phone.communicate(timeout=40)
                heard.append(json.loads(output.splitlines()[-1]))
                if phone.returncode != 0:
                    raise DemoError(f"{name} did not hear the other: {output}")
            return heard
        finally:
            for phone in (answering, calling):
                if phone and phone.poll() is None:
                    phone.kill()
                    phone.wait()

    def media(self, user):
        """What the node says of its relay."""
        return self.peers[user].ask("status")["sip"]["media"]


def check(condition, what):
    """Like assert, also with -O."""
    if not condition:
        raise DemoError(what)


def test_relayed(world, caller="alice", callee="bob"):
    """Both hear the other's tone, nearly all packets of it, through their own nodes' relays."""
    before = {user: world.media(user) for user in (caller, callee)}
    for user, heard in zip((caller, callee), world.call(caller, callee)):
        print(f"        {user}: {heard}")
        check(heard["heard"] >= 0.9 * PACKETS, f"{user} heard {heard['heard']} packets")
        check(heard["rtcp_heard"] >= 1, f"{user} heard no RTCP")
    for user in (caller, callee):
        after = world.media(user)
        for name in ("packets_from_phones", "packets_to_phones"):
            check(after[name] - before[user][name] >= 0.9 * PACKETS,
                  f"{user}: {name} {after[name]}")
        until = time.monotonic() + 5
        while world.media(user)["active"] and time.monotonic() < until:
            time.sleep(0.05)
        check(world.media(user)["active"] == 0, f"{user}: the call did not end")
        check(after["links"]["links_up"] == 1, f"{user}: {after['links']}")


def test_back(world):
    """bob calls alice over the same link."""
    links = {user: world.media(user)["links"]["links_up"] for user in ("alice", "bob")}
    test_relayed(world, "bob", "alice")
    for user, count in links.items():
        check(world.media(user)["links"]["links_up"] == count, "another link was made")


def test_without_relay(world):
    """carol's node does not relay: the phones reach each other themselves, as on any LAN."""
    before = world.media("alice")
    for caller, callee in (("alice", "carol"), ("carol", "alice")):
        for heard in world.call(caller, callee):
            check(heard["heard"] >= 0.9 * PACKETS, f"heard {heard['heard']} packets")
    check(world.media("alice")["packets_from_phones"] == before["packets_from_phones"],
          "something was relayed")


# By overlay: what `reload-enrolld init` is told, where bob's phone is, and what is tried there.
OVERLAYS = {
    "direct": ([], "127.0.0.1", [test_relayed, test_back, test_without_relay]),
    "ice": (["--ice"], "[::1]", [test_relayed]),
}


def run(build, name):
    """All tests of one overlay. Returns how many passed and failed."""
    arguments, HOSTS["bob"], tests = OVERLAYS[name]
    folder = Path(tempfile.mkdtemp(prefix="reload-relayed-media-test-"))
    world, failed = None, 0
    try:
        world = World(build, folder, *arguments)
        for test in tests:
            try:
                test(world)
                print(f"ok      {name}: {test.__name__}")
            except DemoError as error:
                failed += 1
                print(f"FAILED  {name}: {test.__name__}: {error}")
    finally:
        if world:
            world.processes.stop()
        if failed == 0:
            shutil.rmtree(folder, ignore_errors=True)
    return len(tests) - failed, failed


def main():
    """All overlays, one after the other."""
    build = Path(sys.argv[1]).resolve()
    passed, failed = map(sum, zip(*(run(build, name) for name in OVERLAYS)))
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
