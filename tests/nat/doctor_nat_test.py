#!/usr/bin/env python3
"""doctor_nat_test.py: what `reload doctor` says behind each kind of NAT, in one lab, all at once.

usage: doctor_nat_test.py BUILD. Exit code 77: no lab can be built here, or turnserver is missing.

SPDX-License-Identifier: BSD-2-Clause
"""
import json
import subprocess

from lab import KINDS, Lab
from matrix import PROGRAMS
from overlay_lab import DemoError, LabOverlay, LabPeer, main_of_test

LIMIT_S = 90
RELAY = 2  # which of the first peers lends one

# What the steps nat (mapping) and filtering say.
EXPECTED = {
    "public": ("none", "none"),
    "full_cone": ("independent", "none"),
    "address_restricted": ("independent", "address"),
    "port_restricted": ("independent", "address and port"),
    "symmetric": ("dependent", "address and port"),
    "double_nat": ("dependent", "address and port"),
    "udp_blocked": ("blocked", None),
}


def expect(condition, text):
    """Fails the test with |text|."""
    if not condition:
        raise DemoError(text)


class Checkup:
    """One run of the doctor, in the background."""

    def __init__(self, peer, program):
        self.name, self.host = peer.user, peer.host
        self.process = self.host.start(f"doctor-{self.name}", [
            program, "doctor", "--json", "--config", peer.folder / "reloadd.conf"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.steps = {}

    def end(self):
        """Waits for its findings, by step: none may be a failure."""
        try:
            output, _ = self.process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            raise DemoError(f"{self.name}: not done after {LIMIT_S} s") from None
        expect(self.process.returncode == 0, f"{self.name}: {output}")
        for row in json.loads(output)["steps"]:
            self.steps.setdefault(row["step"], []).append(row)
        return self

    def one(self, step, key, default=None):
        """A member of the only finding of a step."""
        rows = self.steps.get(step, [])
        expect(len(rows) <= 1, f"{self.name}: {rows}")
        return rows[0].get(key, default) if rows else default

    def states(self, step):
        """By protocol."""
        return {row.get("protocol"): row["state"] for row in self.steps.get(step, [])}


def look_at(kind, checkup):
    """What is said at a site of |kind|."""
    def say(text):
        return f"{kind}: {text}: {json.dumps(checkup.steps, indent=1)}"
    found = (checkup.one("nat", "mapping"), checkup.one("filtering", "filtering"))
    expect(found == EXPECTED[kind], say(f"{found}"))
    blocked = kind == "udp_blocked"
    udp = "warning" if blocked else "good"
    expect(checkup.states("bootstrap") == {"UDP": udp, "TCP": "good"}, say("bootstrap"))
    expect(checkup.states("turn") == {"UDP": "note" if blocked else "good", "TCP": "good"},
           say("turn"))
    expect(checkup.one("join", "text").startswith("a peer"), say("join"))
    expect(checkup.one("record", "state") == "good", say("record"))
    expect(checkup.one("ice", "state") == "good", say("ice"))
    # The new link may lead to one of the other sites, which may be one without UDP.
    expect(checkup.one("ice", "path") in (("relay",) if blocked else ("direct", "relay")),
           say("path"))


def look_at_relay(address, checkup):
    """The node with the role tries its own relay, and says whose it is."""
    rows = checkup.steps["turn"]
    expect([(row["state"], row["address"]) for row in rows] == [("good", f"{address}:3478")] * 2
           and all("our own" in row["text"] for row in rows), f"its own relay: {rows}")


def run(build):
    """One overlay; a node behind each kind."""
    programs = {name: build / path for name, path in PROGRAMS.items()}
    with Lab() as lab:
        overlay = LabOverlay(lab, programs, KINDS, roles=("turn",))
        peers = []
        for kind in KINDS:
            peers.append(LabPeer(lab.site(kind).host, overlay.folder, kind))
            peers[-1].configure()
        relay = overlay.first[RELAY]
        checkups = [Checkup(peer, programs["reload"]) for peer in [*peers, relay]]
        for checkup in checkups:
            checkup.end()
        for kind, checkup in zip(KINDS, checkups):
            look_at(kind, checkup)
        look_at_relay(relay.host.address, checkups[-1])
        overlay.stop()


if __name__ == "__main__":
    main_of_test("doctor_nat", run, "turnserver")
