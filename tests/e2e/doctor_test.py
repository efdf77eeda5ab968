#!/usr/bin/env python3
"""doctor_test.py: reload doctor at real nodes: one that runs, one that does not, and what is wrong
with a third.

usage: doctor_test.py BUILD. Exit code 77: turnserver is missing.

SPDX-License-Identifier: BSD-2-Clause
"""
import json
import os
import signal
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


def expect(condition, text):
    """Fails the test with |text|."""
    if not condition:
        raise DemoError(text)


class World:
    """Three peers of an overlay with ICE, the first with a relay, and dave, who has credentials
    only."""

    def __init__(self, build, folder):
        self.folder = folder
        self.processes = Processes(folder)
        self.programs = {name: build / path for name, path in PROGRAMS.items()}
        port = free_port()
        server = Enrolment(self.programs, self.processes, folder, port, ["--ice"])
        users = ["carol", "alice", "bob", "dave"]
        for user in users:
            server.add_user(user)
        server.serve()
        self.peers = {}
        for i, user in enumerate(users):
            server.enrol(user)
            peer = Peer(self.processes, folder, user, free_port() if i else port, "dtls")
            peer.configure(first=i == 0, phones=False)
            self.lend_relay(peer, lends=i == 0)
            self.peers[user] = peer
        for user in users[:3]:
            self.peers[user].start(self.programs["reloadd"])
            self.peers[user].wait_joined()
        if not wait_for_ring([self.peers[user] for user in users[:3]]):
            raise DemoError("the ring is not consistent")

    def lend_relay(self, peer, lends):
        """Relays may be on loopback here; |peer| |lends| one."""
        path = peer.folder / "reloadd.conf"
        text = path.read_text() + "[turn]\nallow = 127.0.0.0/8\n"
        if lends:
            self.relay = f"127.0.0.1:{free_port()}"
            text = text.replace("[node]", "[node]\nroles = turn")
            text += f"listen = {self.relay}\nports = 50300-50400\n"
        path.write_text(text)

    def wait_for_relay(self, user, limit_s=30):
        """Waits until |user|'s node has found the relay."""
        until = time.monotonic() + limit_s
        while not self.peers[user].ask("relays")["relays"]:
            expect(time.monotonic() < until, f"{user} finds no relay")
            time.sleep(0.1)

    def doctor(self, user, *arguments, code=0):
        """Runs the doctor with the configuration of |user|; returns its findings by step."""
        run = subprocess.run(
            [self.programs["reload"], "doctor", "--json", "--config",
             self.folder / user / "reloadd.conf", *arguments],
            capture_output=True, text=True, timeout=90, check=False)
        expect(run.returncode == code, f"{user}: exit code {run.returncode}: {run.stdout}"
               + run.stderr)
        result = json.loads(run.stdout)
        expect(result["healthy"] == (code == 0), f"{user}: {result}")
        steps = {}
        for row in result["steps"]:
            steps.setdefault(row["step"], []).append(row)
        return steps

    def change(self, user, old, new):
        """Changes a line of |user|'s configuration."""
        path = self.folder / user / "reloadd.conf"
        text = path.read_text()
        expect(old in text, f"no {old} in {path}")
        path.write_text(text.replace(old, new))


def state(steps, step):
    """The states of all findings of a step."""
    return [row["state"] for row in steps.get(step, [])]


def running_node(world):
    """Everything is well, and the bundle has no secret in it."""
    bundle = world.folder / "bundle.json"
    world.wait_for_relay("alice")
    steps = world.doctor("alice", "--bundle", bundle)
    for step in ("configuration", "document", "certificate", "bootstrap", "stun", "nat", "node",
                 "join", "clock", "turn", "ice", "record"):
        expect(set(state(steps, step)) == {"good"}, f"{step}: {steps.get(step)}")
    expect(steps["document"][0]["links"] == "ICE", steps["document"])
    expect([row["protocol"] for row in steps["turn"]] == ["UDP", "TCP"], steps["turn"])
    expect(abs(steps["clock"][0]["ahead_ms"]) < 1000, steps["clock"])
    expect(steps["nat"][0]["mapping"] == "none", steps["nat"])
    text = bundle.read_text()
    key = (world.folder / "alice" / "node.key").read_text().splitlines()[1]
    password = world.peers["alice"].ask("relays")["relays"][0]["password"]
    expect(password not in text, "a relay's password is in the bundle")
    expect(key not in text and "PRIVATE" not in text, "a key is in the bundle")
    report = json.loads(text)
    expect(report["status"]["joined"] and report["peers"]["peers"], "an empty report")
    expect(bundle.stat().st_mode & 0o777 == 0o600, "others can read the bundle")
    run = subprocess.run([world.programs["reload"], "doctor", "--bundle", bundle, "--config",
                          world.folder / "alice" / "reloadd.conf"], capture_output=True, text=True,
                         timeout=90, check=False)
    expect(run.returncode == 1 and "File exists" in run.stderr, "a file was overwritten")


def bootstrap_node(world):
    """The bootstrap node asks its peers how it is seen, and tries its own relay."""
    steps = world.doctor("carol")
    expect(state(steps, "bootstrap") == ["note"], steps["bootstrap"])
    expect(steps["nat"][0].get("mapping") == "none", steps["nat"])
    expect(state(steps, "turn") == ["good", "good"], steps["turn"])
    expect(all("our own" in row["text"] and row["address"] == world.relay
               for row in steps["turn"]), steps["turn"])


def stopped_node(world):
    """One is run for the time of the checkup, and leaves again."""
    steps = world.doctor("dave")
    expect(state(steps, "node") == ["note"] and state(steps, "join") == ["good"], steps)
    expect(state(steps, "record") == ["good"], steps["record"])
    expect(not world.peers["dave"].control.exists(), "the node is still there")
    expect(wait_for_ring([world.peers[user] for user in ("carol", "alice", "bob")]),
           "the ring is not consistent after the checkup")
    expect(not (world.folder / "dave" / "reloadd.state").exists(), "a state file is left")


def files_of(doctor):
    """The folder of the node that |doctor| runs, found by what the node writes to."""
    until = time.monotonic() + 30
    while time.monotonic() < until and doctor.poll() is None:
        children = Path(f"/proc/{doctor.pid}/task/{doctor.pid}/children").read_text().split()
        for child in children:
            log = Path(os.readlink(f"/proc/{child}/fd/1"))
            if (log.parent / "control").exists():
                return int(child), log.parent
        time.sleep(0.005)
    raise DemoError("the doctor runs no node")


def interrupted(world):
    """Ctrl-C ends the node in good order, and leaves no files."""
    with subprocess.Popen([world.programs["reload"], "doctor", "--config",
                           world.folder / "dave" / "reloadd.conf"],
                          stdout=subprocess.DEVNULL) as doctor:
        child, folder = files_of(doctor)
        doctor.send_signal(signal.SIGINT)
        expect(doctor.wait(timeout=30) == -signal.SIGINT, "it ended in another way")
    expect(not folder.exists(), f"{folder} is left")
    expect(not Path(f"/proc/{child}").exists(), "the node is left")
    expect(wait_for_ring([world.peers[user] for user in ("carol", "alice", "bob")]),
           "the ring is not consistent after the checkup")


def wrong_configuration(world):
    """The first failure says what and where; the rest is skipped, and nothing crashes."""
    world.change("dave", "document = overlay.xml", "document = none.xml")
    steps = world.doctor("dave", code=1)
    expect(state(steps, "certificate") == ["failure"], steps["certificate"])
    expect("none.xml" in steps["certificate"][0]["text"], steps["certificate"])
    expect(state(steps, "join") == ["skipped"], steps["join"])
    world.change("dave", "document = none.xml", "document = overlay.xml\nnonsense = 1")
    steps = world.doctor("dave", code=1)
    expect("nonsense" in steps["configuration"][0]["text"], steps["configuration"])
    world.change("dave", "nonsense = 1\n", "")


def unreachable_bootstrap_node(world):
    """UDP and TCP are told apart, and a node that hears nobody has not joined."""
    document = world.folder / "dave" / "overlay.xml"
    text = document.read_text()
    port = free_port()
    document.write_text(text.replace(f'port="{world.peers["carol"].port}"', f'port="{port}"'))
    expect(document.read_text() != text, "the document has no such port")
    steps = world.doctor("dave", "--patience", "3", code=1)
    expect(state(steps, "document") == ["warning"], steps["document"])
    expect(set(state(steps, "bootstrap")) == {"failure"}, steps["bootstrap"])
    protocols = {row["protocol"] for row in steps["bootstrap"]}
    expect(protocols <= {"UDP", "TCP"} and "UDP" in protocols, steps["bootstrap"])
    expect(state(steps, "join") == ["failure"], steps["join"])
    document.write_text(text)


def main():
    """All tests, in one overlay."""
    run_tests(World, [running_node, bootstrap_node, stopped_node, interrupted, wrong_configuration,
                      unreachable_bootstrap_node], programs=[("turnserver", "coturn")])


if __name__ == "__main__":
    main()
