#!/usr/bin/env python3
"""turn_test.py: a relay in an overlay of four nodes: members get credentials over the overlay,
others get nowhere, and it reaches only where it may. RFC 6940 9; attack rows L13, M7.

usage: turn_test.py BUILD. Exit code 77: turnserver is missing.

SPDX-License-Identifier: BSD-2-Clause
"""
import base64
import hashlib
import hmac
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tools/demo")]

from demo import PROGRAMS  # noqa: E402
from overlay import Enrolment, Peer, wait_for_ring  # noqa: E402
from one_world import run_tests  # noqa: E402
from processes import DemoError, Processes, free_port  # noqa: E402
from turn_client import TurnClient, TurnError  # noqa: E402

USERS = ["carol", "alice", "bob", "dave"]  # carol has the relay
LAB = "127.0.0.0/8"
DENSITY = 2


def wait_for(what, predicate, limit_s=20):
    """Waits until |predicate| says something true, and returns that."""
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        result = predicate()
        if result:
            return result
        time.sleep(0.05)
    raise DemoError(f"{what}: not within {limit_s} s")


class World:
    """Four peers with ICE; the first one lends a relay."""

    def __init__(self, build, folder):
        self.folder = folder
        self.processes = Processes(folder)
        self.programs = {name: build / path for name, path in PROGRAMS.items()}
        self.server = ("127.0.0.1", free_port())
        port = free_port()
        enrolment = Enrolment(self.programs, self.processes, folder, port,
                              ("--ice", "--turn-density", str(DENSITY)))
        for user in USERS:
            enrolment.add_user(user)
        enrolment.serve()
        self.peers = {}
        for i, user in enumerate(USERS):
            enrolment.enrol(user)
            peer = Peer(self.processes, folder, user, free_port() if i else port, "dtls")
            self.configure(peer, first=i == 0)
            peer.start(self.programs["reloadd"])
            peer.wait_joined()
            self.peers[user] = peer
        if not wait_for_ring(list(self.peers.values())):
            raise DemoError("the ring is not consistent")

    def configure(self, peer, first, allow=LAB):
        """Writes the configuration; dave is not in the laboratory."""
        peer.configure(first=first, phones=False)
        path = peer.folder / "reloadd.conf"
        lines = path.read_text().splitlines()
        if first:
            lines += ["roles = turn", "[turn]", f"listen = {self.server[0]}:{self.server[1]}",
                      "ports = 50000-50200"]
        else:
            lines += ["[turn]"]
        if peer.user != "dave" and allow:
            lines += [f"allow = {allow}"]
        path.write_text("\n".join(lines) + "\n")

    def turn(self):
        """What carol's status says of the relay."""
        return self.peers["carol"].ask("status")["relay"]

    def credentials(self, user="bob"):
        """Those that |user|'s node got over the overlay."""
        relays = wait_for("credentials", lambda: self.peers[user].ask("relays")["relays"])
        if len(relays) != 1 or relays[0]["address"] != f"{self.server[0]}:{self.server[1]}":
            raise DemoError(f"strange relays: {relays}")
        return relays[0]["username"], relays[0]["password"]

    def secret(self):
        """The relay's own, out of the memory that it was configured by."""
        with open(f"/proc/{self.turn()['process']}/fd/3", encoding="ascii") as file:
            for line in file:
                if line.startswith("static-auth-secret="):
                    return line.strip().split("=", 1)[1]
        raise DemoError("the relay has no secret")

    def made(self, expiry):
        """Credentials as the relay itself would make them, that hold until |expiry|."""
        username = f"{int(expiry)}:{'00' * 16}"
        digest = hmac.new(self.secret().encode(), username.encode(), hashlib.sha1).digest()
        return username, base64.b64encode(digest).decode()

    def refusal(self, username, password, tcp=False):
        """The error code of an allocation; None when there is none."""
        with TurnClient(self.server, username, password, tcp) as client:
            try:
                client.allocate()
                client.refresh(0)
            except TurnError as error:
                return error.code
        return None

    def reloadd(self, name, path=None):
        """Runs `reloadd --check` with NAME's configuration; (exit code, what it says)."""
        environment = dict(os.environ)
        if path is not None:
            environment["PATH"] = path
        done = subprocess.run([self.programs["reloadd"], "--check", "--config",
                               self.folder / name / "reloadd.conf"], env=environment,
                              capture_output=True, text=True, timeout=20, check=False)
        return done.returncode, done.stdout + done.stderr


def expect(what, got, wanted):
    """DemoError when it is another one."""
    if got != wanted:
        raise DemoError(f"{what}: {got!r} in place of {wanted!r}")


def test_credentials_of_the_overlay(world):
    """They let a datagram pass, there and back, to a server reached by UDP and by TCP."""
    username, password = world.credentials()
    expect("the name in it", username.split(":")[1],
           world.peers["bob"].ask("status")["node_id"])
    for tcp in (False, True):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer, \
                TurnClient(world.server, username, password, tcp) as client:
            peer.settimeout(5)
            peer.bind(("127.0.0.1", 0))
            relayed = client.allocate()
            client.permit(peer.getsockname())
            client.send(peer.getsockname(), b"hello")
            octets, source = peer.recvfrom(100)
            expect("what arrived", (octets, source), (b"hello", relayed))
            peer.sendto(b"you, too", relayed)
            expect("what came back", client.receive_data(), (peer.getsockname(), b"you, too"))
            client.refresh(0)
    if world.turn()["credentials_given"] < 1:
        raise DemoError("nobody got credentials")


def test_others_get_nowhere(world):
    """Made up, altered, expired: 401."""
    username, password = world.credentials()
    expect("made up", world.refusal("alice", "secret"), 401)
    expect("made up, with a time", world.refusal(f"{int(time.time()) + 600}:{'00' * 16}", "x"), 401)
    # The first character: the last one holds four bits only, and another may end as it does.
    wrong = ("B" if password[0] == "A" else "A") + password[1:]
    expect("a wrong password", world.refusal(username, wrong), 401)
    later = f"{int(username.split(':')[0]) + 1}:{username.split(':')[1]}"
    expect("a longer time", world.refusal(later, password), 401)
    expect("made by the secret", world.refusal(*world.made(time.time() + 60)), None)
    # A minute ago: by the server's clock, too, which may be behind. That credentials end soon after
    # their time is the next test's matter.
    expect("expired", world.refusal(*world.made(time.time() - 60)), 401)
    expect("expired, by TCP", world.refusal(*world.made(time.time() - 60), tcp=True), 401)


def test_standing_allocations_outlive_their_credentials(world):
    """A call goes on when the credentials that began it have ended."""
    ends = int(time.time()) + 2
    username, password = world.made(ends)
    with TurnClient(world.server, username, password) as client:
        client.allocate()
        wait_for("the end of the credentials", lambda: time.time() > ends + 1)
        client.refresh()
        client.permit(("127.0.0.1", 80))
        client.refresh(0)
    # The server reads its clock now and then only.
    wait_for("a new allocation to be refused", lambda: world.refusal(username, password) == 401)


def test_denied_addresses(world):
    """L13: it reaches only what is public, or allowed: 403."""
    with TurnClient(world.server, *world.credentials()) as client:
        client.allocate()
        for address in ("10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1",
                        "198.18.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255"):
            try:
                client.permit((address, 80))
                raise DemoError(f"{address} is permitted")
            except TurnError as error:
                expect(address, error.code, 403)
        for address in ("::1", "::ffff:10.0.0.1", "fe80::1", "fd00::1"):
            try:
                client.permit((address, 80))
                raise DemoError(f"{address} is permitted")
            except TurnError as error:
                if error.code not in (403, 443):  # 443: another family than the allocation's
                    raise
        for address in ("198.51.100.1", "8.8.8.8", "127.0.0.1"):
            try:
                client.permit((address, 80))
            except TurnError as error:
                raise DemoError(f"{address} is refused: {error.code}") from None
        client.refresh(0)


def test_outside_of_the_laboratory(world):
    """dave does not allow relays at loopback addresses, and uses none."""
    relays = world.peers["dave"].ask("relays")
    expect("dave's relays", relays, {"used": True, "relays": [], "doubtful": []})


def test_the_relay_comes_back(world):
    """turnserver dies: it is started again, and the same credentials hold."""
    username, password = world.credentials()
    before = world.turn()["process"]
    os.kill(before, signal.SIGKILL)
    wait_for("another process", lambda: world.turn()["process"] not in (0, before))
    wait_for("an answer", lambda: world.turn()["answers"])
    expect("credentials from before", world.refusal(username, password), None)
    expect("announcements", world.turn()["announcements"], DENSITY)


def test_settings_that_cannot_work(world):
    """What is wrong is said at once: port taken, program missing, no public address."""
    carol = world.peers["carol"]
    path = carol.folder / "reloadd.conf"
    good = path.read_text()
    fresh = good.replace(f"127.0.0.1:{carol.port}", f"127.0.0.1:{free_port()}\nstate = none")
    try:
        path.write_text(fresh)
        code, text = world.reloadd("carol")
        if code != 1 or "cannot be used for TURN" not in text or "[turn]" not in text:
            raise DemoError(f"port taken: {code}: {text}")
        fresh = fresh.replace(f":{world.server[1]}", f":{free_port()}")
        path.write_text(fresh)
        code, text = world.reloadd("carol", path="/nonexistent")
        if code != 1 or "turnserver" not in text or "coturn" not in text:
            raise DemoError(f"program missing: {code}: {text}")
        path.write_text(fresh.replace(f"allow = {LAB}", ""))
        code, text = world.reloadd("carol")
        if code != 1 or "no public address" not in text:
            raise DemoError(f"no public address: {code}: {text}")
        path.write_text(fresh.replace(LAB, "10.0.0.0/33"))
        code, text = world.reloadd("carol")
        if code != 1 or "list of at most 16 networks" not in text:
            raise DemoError(f"no network: {code}: {text}")
        path.write_text(fresh)
        expect("a good one", world.reloadd("carol")[0], 0)
    finally:
        path.write_text(good)


def test_nothing_is_left_behind(world):
    """reloadd is killed: turnserver ends, its port is free, and no file has the secret."""
    turn = world.turn()
    secret = world.secret().encode()
    arguments = Path(f"/proc/{turn['process']}/cmdline").read_bytes()
    if secret in arguments:
        raise DemoError("the secret is in the arguments")
    if os.geteuid() == 0 and os.stat(f"/proc/{turn['process']}").st_uid == 0:
        raise DemoError("turnserver runs as root")
    name, process = next(entry for entry in world.processes.running if entry[0] == "carol")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    world.processes.running.remove((name, process))
    wait_for("the end of turnserver", lambda: not Path(f"/proc/{turn['process']}").exists())
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(world.server)
    for path in world.folder.rglob("*"):
        if path.is_file() and secret in path.read_bytes():
            raise DemoError(f"{path} has the secret")


def test_a_relay_that_does_not_run(world):
    """A turnserver that ends at once is started again more and more slowly, and never announced."""
    carol = world.peers["carol"]
    folder = world.folder / "bin"
    folder.mkdir()
    program = folder / "turnserver"
    program.write_text("#!/bin/sh\necho 'ERROR: no mood'\nexit 3\n")
    program.chmod(0o755)
    for path in (world.folder, folder):  # turnserver is another user's process
        path.chmod(0o755)
    log = world.folder / "carol.log"
    with open(log, "wb") as output:
        process = world.processes.spawn(
            "carol", [world.programs["reloadd"], "--config", carol.folder / "reloadd.conf"],
            stdout=output, stderr=output, env={**os.environ, "PATH": f"{folder}:/usr/bin:/bin"})
    carol.started = begin = time.monotonic()
    carol.wait_joined()
    wait_for("three starts", lambda: world.turn()["restarts"] >= 3)
    if time.monotonic() - begin < 3:  # pauses of 1 s and 2 s
        raise DemoError("it is started again too fast")
    expect("announcements", world.turn()["announcements"], 0)
    expect("answers", world.turn()["answers"], False)
    if "ended by exit code 3; it said: ERROR: no mood" not in log.read_text():
        raise DemoError(f"the log does not say why: {log.read_text()}")
    process.terminate()
    expect("exit code", process.wait(10), 0)


TESTS = [test_credentials_of_the_overlay, test_others_get_nowhere,
         test_standing_allocations_outlive_their_credentials, test_denied_addresses,
         test_outside_of_the_laboratory, test_the_relay_comes_back, test_settings_that_cannot_work,
         test_nothing_is_left_behind, test_a_relay_that_does_not_run]


def main():
    """All tests, in one overlay."""
    run_tests(World, TESTS, programs=[("turnserver", "coturn")], errors=(DemoError, TurnError),
              prepare=lambda world: wait_for("the relay", lambda: world.turn()["answers"]))


if __name__ == "__main__":
    main()
