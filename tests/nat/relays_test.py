#!/usr/bin/env python3
"""relays_test.py: relays that lie, stall from the beginning, or stall on the way cost at most their
own attempt: links come about as without them. Real nodes behind NATs.

usage: relays_test.py --build DIR. Exit code 77: no lab can be built here. Attack row L9.

SPDX-License-Identifier: BSD-2-Clause
"""
import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from doctor_nat_test import Checkup
from lab import Lab
from overlay_lab import LabOverlay, LabPeer
from processes import DemoError

HERE = Path(__file__).resolve().parent
PROGRAMS = {"reload": "tools/reload/reload", "reloadd": "tools/reloadd/reloadd",
            "reload-enrolld": "tools/enrolld/reload-enrolld"}
FIREWALL = """table ip fw {
 chain i {
  type filter hook input priority 0;
  iifname "ext" udp dport 3478 drop
  iifname "ext" tcp dport 3478 drop
 }
}
"""
RELAYS = ("good", "bad", "liar")
ATTEMPTS = 5
# Through a relay it takes 0.3 s, directly 0.1 s; before, a stall cost 0.3 to 6 s each time.
LINK_MS = 700
LIMIT_S = 40


def check(is_true, what):
    """DemoError unless it is so."""
    if not is_true:
        raise DemoError(what)


class World:
    """An overlay with three relays, and two nodes behind each of two kinds of NAT."""

    def __init__(self, lab, programs, folder):
        self.overlay = LabOverlay(lab, programs, RELAYS, ("--ice", "--turn-density", "12"))
        self.relays = {name: self.start_relay(lab, name, programs, folder) for name in RELAYS}
        self.nodes = {}
        for kind in ("symmetric", "port_restricted"):
            users = [f"{kind}{i}" for i in range(2)]
            self.overlay.enrol(*users)
            self.nodes[kind] = [self.overlay.node(lab.site(kind), user) for user in users]

    def start_relay(self, lab, name, programs, folder):
        """A node with a relay, which is coturn, or the liar."""
        peer = LabPeer(lab.server(name), self.overlay.folder, name)
        peer.configure(roles=("turn",))
        program = programs["reloadd"]
        if name == "liar":
            shutil.copy(HERE / "lying_turnserver.py", folder / "turnserver")
            (folder / "turnserver").chmod(0o755)
            program = folder / "reloadd"
            program.write_text(f'#!/bin/sh\nPATH={folder}:$PATH exec {programs["reloadd"]} "$@"\n')
            program.chmod(0o755)
        peer.start(program)
        peer.wait_joined()
        return peer

    def addresses(self, node, which="relays"):
        """Of the relays that |node| uses, or doubts."""
        return {row["address"].split(":")[0] for row in node.ask("relays")[which]}

    def says(self, text):
        """Whether a node at a site does, in its log."""
        return any(text in (self.overlay.folder / f"{node.user}.log").read_text(errors="replace")
                   for node in sum(self.nodes.values(), []))

    def wait(self, what, is_so):
        """Until |is_so|."""
        until = time.monotonic() + LIMIT_S
        while not is_so():
            check(time.monotonic() < until, f"{what}: not within {LIMIT_S} s")
            time.sleep(0.2)

    def attach(self, one, other):
        """Once the nodes do not make that link themselves."""
        until = time.monotonic() + LIMIT_S
        while True:
            try:
                return one.ask("attach", node=other.node_id)
            except DemoError as error:
                if "in progress" not in str(error) or time.monotonic() > until:
                    raise
            time.sleep(0.2)

    def link(self, kind):
        """A link between the two nodes of |kind|: (path, ms), or None."""
        one, other = self.nodes[kind]
        begun = time.monotonic()
        try:
            done = self.attach(one, other)
        except DemoError as error:
            print(f"  {kind}: no link after {time.monotonic() - begun:.1f} s: {error}", flush=True)
            return None
        print(f"  {kind}: {done['path']}, {done['elapsed_ms']:.0f} ms", flush=True)
        return done["path"], done["elapsed_ms"]

    def link_all(self, failures_max=0):
        """Links between all pairs, in time. Behind symmetric NATs they may fail |failures_max|
        times: messages for the Attach went through relays, too."""
        for kind, path in (("symmetric", "relay"), ("port_restricted", "direct")):
            found = [self.link(kind) for _ in range(ATTEMPTS)]
            made = [link for link in found if link]
            check(len(found) - len(made) <= (failures_max if kind == "symmetric" else 0),
                  f"{kind}: attempts failed")
            check({way for way, _ in made} == {path}, f"{kind}: {found}")
            check(sorted(ms for _, ms in made)[len(made) // 2] <= LINK_MS, f"{kind}: {found}")

    def check(self):
        """DemoError unless all nodes are still there. The lab ends them, all at once."""
        for node in [*self.overlay.first, *self.relays.values(), *sum(self.nodes.values(), [])]:
            node.processes.check()


def test_a_liar_beside_good_ones(world):
    """One relay of three grants addresses that are nobody's: nobody goes by them."""
    good = {world.relays[name].host.address for name in ("good", "bad")}
    liar = world.relays["liar"].host.address
    for node in sum(world.nodes.values(), []):
        world.wait(f"{node.user} knows the relays", lambda n=node: good <= world.addresses(n))
        check(liar not in world.addresses(node), f"{node.user} uses the liar")
    world.wait("somebody meets the liar", lambda: world.says(f"relay {liar}:3478 by UDP tells us a "
                                                             "wrong address"))
    world.link_all()


def test_a_stall_on_the_way(world):
    """One of the two good ones says nothing any more: that costs one attempt at most, and it is
    used no more."""
    bad = world.relays["bad"].host
    bad.nft(FIREWALL)
    world.link_all(failures_max=1)
    for node in sum(world.nodes.values(), []):
        check(bad.address not in world.addresses(node), f"{node.user} uses the one that stalls")


def test_it_is_back(world):
    """It is used again, soon."""
    bad = world.relays["bad"].host
    bad.nft("delete table ip fw\n")
    node = world.nodes["symmetric"][0]
    world.wait("the relay is used again", lambda: bad.address in world.addresses(node))


def test_the_doctor_tells_them_apart(world):
    """At a node that has met the liar: what is sent to its addresses does not come back."""
    liar = world.relays["liar"].host.address
    nodes = sum(world.nodes.values(), [])
    world.wait("somebody knows the liar",
               lambda: any(liar in world.addresses(node, "doubtful") for node in nodes))
    node = next(node for node in nodes if liar in world.addresses(node, "doubtful"))
    rows = Checkup(node, world.overlay.programs["reload"]).end().steps["turn"]
    found = {row["address"].split(":")[0]: (row["state"], row["verdict"]) for row in rows
             if row["protocol"] == "UDP"}
    expected = {peer.host.address: ("warning", "gives") if name == "liar" else ("good", "works")
                for name, peer in world.relays.items()}
    check(found == expected, f"the doctor says {rows}")


def main():
    """Runs the tests."""
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split(". Exit")[0])
    parser.add_argument("--build", type=Path, required=True)
    build = parser.parse_args().build.resolve()
    reason = Lab.unusable() or (None if shutil.which("turnserver") else "turnserver is missing")
    if reason:
        print(f"relays: skipped: {reason}", file=sys.stderr)
        sys.exit(77)
    programs = {name: build / path for name, path in PROGRAMS.items()}
    with Lab() as lab, tempfile.TemporaryDirectory(prefix="reload-liar-") as folder:
        Path(folder).chmod(0o755)  # turnserver runs as another user
        world = World(lab, programs, Path(folder))
        for test in (test_a_liar_beside_good_ones, test_a_stall_on_the_way, test_it_is_back,
                     test_the_doctor_tells_them_apart):
            begun = time.monotonic()
            test(world)
            world.check()
            print(f"{test.__name__}: ok, {time.monotonic() - begun:.1f} s", flush=True)


if __name__ == "__main__":
    try:
        main()
    except DemoError as error:
        sys.exit(f"relays: {error}")
