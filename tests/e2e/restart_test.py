#!/usr/bin/env python3
"""restart_test.py: what was stored is still there after every node was killed and started again.

usage: restart_test.py BUILD. D35, attack rows S16, S17, S18.

SPDX-License-Identifier: BSD-2-Clause
"""
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tools/demo")]

from demo import PROGRAMS  # noqa: E402
from overlay import KIND, NAME, Enrolment, Peer, wait_for_ring  # noqa: E402
from one_world import run_tests  # noqa: E402
from processes import DemoError, Processes, free_port  # noqa: E402

USERS = ["carol", "alice", "bob"]


def expect(condition, text):
    """Fails the test with |text|."""
    if not condition:
        raise DemoError(text)


class World:
    """Three peers whose processes come and go."""

    def __init__(self, build, folder):
        self.folder = folder
        self.processes = Processes(folder)
        self.programs = {name: build / path for name, path in PROGRAMS.items()}
        port = free_port()
        server = Enrolment(self.programs, self.processes, folder, port)
        for user in USERS:
            server.add_user(user)
        server.serve()
        self.peers = {}
        for i, user in enumerate(USERS):
            server.enrol(user)
            peer = Peer(self.processes, folder, user, free_port() if i else port, "dtls")
            peer.configure(first=i == 0, phones=False)
            self.peers[user] = peer

    def start(self):
        """Starts all peers and waits for the ring."""
        for user in USERS:
            self.peers[user].start(self.programs["reloadd"])
            self.peers[user].wait_joined()
        expect(wait_for_ring(list(self.peers.values())), "the ring is not consistent")

    def kill(self):
        """Kills all peers at once, without a word."""
        for user in USERS:
            self.processes.kill(user)

    def state(self, user):
        """The state file of |user|'s node."""
        return self.folder / user / "reloadd.state"

    def wait_written(self):
        """Waits until no node has a record that is not in its file."""
        until = time.monotonic() + 10
        while any(self.peers[user].ask("status")["records"]["waiting"] for user in USERS):
            expect(time.monotonic() < until, "records are never written")
            time.sleep(0.05)

    def texts(self, reader, owner):
        """What |reader| finds of |owner|'s value."""
        answer = self.peers[reader].ask("fetch", kind=KIND, name=f"{owner}@{NAME}")
        return [value["text"] for value in answer["values"] if value["exists"]]

    def expect_texts(self, reader, owner, texts, limit_s=15):
        """Waits until |reader| finds |texts|: who comes back gives others what belongs to them."""
        until = time.monotonic() + limit_s
        while (found := self.texts(reader, owner)) != texts:
            expect(time.monotonic() < until, f"{reader} finds {found} of {owner}, not {texts}")
            time.sleep(0.1)

    def set_durable(self):
        """From the next start on, a Store is answered when it is on the disk."""
        for user in USERS:
            path = self.folder / user / "reloadd.conf"
            path.write_text(path.read_text().replace("[node]", "[node]\ndurable = yes"))


def values_survive(world):
    """All nodes die at once; a value is there again, and one that was removed is not."""
    world.start()
    world.peers["alice"].ask("store", kind=KIND, text="kept")
    world.peers["bob"].ask("store", kind=KIND, text="removed")
    world.peers["bob"].ask("remove", kind=KIND)
    world.wait_written()
    world.kill()
    world.start()
    for user in USERS:
        world.expect_texts(user, "alice", ["kept"])
        expect(world.texts(user, "bob") == [], f"{user} finds what bob removed")


def a_spoilt_file_stops_nobody(world):
    """The two other peers have the values; the file is put aside."""
    world.wait_written()
    world.kill()
    world.state("carol").write_bytes(b"this is no state file")
    (world.folder / "carol" / "reloadd.state-wal").unlink(missing_ok=True)
    world.start()
    world.expect_texts("carol", "alice", ["kept"])
    aside = world.folder / "carol" / "reloadd.state.aside"
    expect(aside.read_bytes() == b"this is no state file", "the file was not put aside")
    log = (world.folder / "carol.log").read_text()
    expect("is damaged" in log and "aside" in log, log)


def durable_values_survive_at_once(world):
    """Nobody waits for a second to pass."""
    world.kill()
    world.set_durable()
    world.start()
    world.peers["alice"].ask("store", kind=KIND, text="newer")
    world.kill()
    world.start()
    world.expect_texts("bob", "alice", ["newer"])


def durable_values_of_one_peer_survive(world):
    """Nobody else has the value, and no message of the overlay tells of it: the answer waits."""
    world.kill()
    world.set_durable()
    carol = world.peers["carol"]
    for text in ("first", "second"):
        carol.start(world.programs["reloadd"])
        carol.wait_joined()
        carol.ask("store", kind=KIND, text=text)
        world.processes.kill("carol")
    carol.start(world.programs["reloadd"])
    carol.wait_joined()
    world.expect_texts("carol", "carol", ["second"])


def a_second_process_is_refused(world):
    """The same node twice: the second says why and ends."""
    conf = world.folder / "twice.conf"
    text = (world.folder / "bob" / "reloadd.conf").read_text()
    port = str(world.peers["bob"].port)
    text = text.replace(port, str(free_port())).replace("bob.sock", "twice.sock")
    for name in ("overlay.xml", "node.crt", "node.key"):
        text = text.replace(name, str(world.folder / "bob" / name))
    conf.write_text(text.replace("[node]", f"[node]\nstate = {world.state('bob')}"))
    try:
        world.processes.run("reloadd", [world.programs["reloadd"], "--config", conf], limit_s=10)
    except DemoError as error:
        expect("running already" in str(error), str(error))
    else:
        raise DemoError("a second process of the same node runs")


def main():
    """All tests, in one overlay."""
    run_tests(World, [values_survive, a_spoilt_file_stops_nobody, a_second_process_is_refused,
                      durable_values_survive_at_once, durable_values_of_one_peer_survive])


if __name__ == "__main__":
    main()
