#!/usr/bin/env python3
"""ipv6_test.py: an overlay with ICE, STUN and a relay whose nodes have IPv6 addresses only.

usage: ipv6_test.py BUILD. Exit code 77: no lab can be built here, or turnserver is missing.

SPDX-License-Identifier: BSD-2-Clause
"""
import time

from doctor_nat_test import Checkup, expect
from figures import make_link
from lab import Host, Lab
from matrix import PROGRAMS
from overlay import wait_for_ring
from overlay_lab import LabOverlay, main_of_test

NETWORK = "2001:db8::"
RELAY_WAIT_S = 20


class LabOfSix(Lab):
    """All its servers are in one network of IPv6 addresses."""

    def server(self, name, addresses=1):
        """A host; the office, which nobody but itself talks to, is on loopback."""
        host = Host(self, name)
        if name == "enrolld":
            host.addresses = ["127.0.0.1"]
            return host
        self.servers += 1
        if self.servers == 1:
            self.internet.ip("link add lan type bridge", "link set lan up")
        host.sysctl("net/ipv6/conf/all/disable_ipv6=0", "net/ipv6/conf/default/disable_ipv6=0")
        self.internet.ip(f"link add port{self.servers} type veth peer name eth0 netns {host.pid}",
                         f"link set port{self.servers} master lan",
                         f"link set port{self.servers} up")
        host.ip("link set lo up", f"addr add {NETWORK}{self.servers}/64 dev eth0 nodad",
                "link set eth0 up")
        host.addresses = [f"[{NETWORK}{self.servers}]"]
        return host


def wait_for_relay(peer):
    """Waits until |peer| has found the relay."""
    until = time.monotonic() + RELAY_WAIT_S
    while not peer.ask("relays")["relays"]:
        expect(time.monotonic() < until, f"{peer.user} finds no relay")
        time.sleep(0.1)


def look_at(peers, relay, program):
    """Links, how others see us, relays, and what the doctor says of them."""
    alice, bob = peers[-2:]
    make_link(alice, bob)
    for peer in (alice, bob):
        links = peer.ask("peers")["peers"]
        expect(links and all(link["address"].startswith(f"[{NETWORK}")
                             and link["path"] == "same LAN" for link in links), f"links: {links}")
        seen = [server["sees"] for server in peer.ask("status")["stun"] if server["sees"]]
        expect(seen and all(text.startswith(peer.host.address + ":") for text in seen),
               f"{peer.user} is seen as {seen}")
    wait_for_relay(alice)
    expect(alice.ask("relays")["relays"][0]["address"] == f"{relay}:3478", "another relay")
    steps = Checkup(alice, program).end().steps
    for step in ("bootstrap", "join", "stun", "nat", "filtering", "turn", "ice", "record"):
        expect({row["state"] for row in steps.get(step, [])} == {"good"},
               f"{step}: {steps.get(step)}")
    expect(steps["nat"][0]["mapping"] == "none", f"nat: {steps['nat']}")
    expect(steps["nat"][0]["reflexive"].startswith(alice.host.address), f"nat: {steps['nat']}")
    expect([row["protocol"] for row in steps["bootstrap"]] == ["UDP", "TCP"], "bootstrap")
    expect([(row["protocol"], row["verdict"]) for row in steps["turn"]]
           == [("UDP", "works"), ("TCP", "gives")], f"turn: {steps['turn']}")
    expect(steps["ice"][0]["path"] == "same LAN", f"ice: {steps['ice']}")


def run(build):
    """Five nodes, the third with a relay."""
    programs = {name: build / path for name, path in PROGRAMS.items()}
    with LabOfSix() as lab:
        users = ("alice", "bob")
        overlay = LabOverlay(lab, programs, users, roles=("turn",))
        peers = [*overlay.first,
                 *(overlay.node(lab.server(user), user) for user in users)]
        expect(wait_for_ring(peers), "the ring is not consistent")
        look_at(peers, overlay.first[-1].host.address, programs["reload"])
        for peer in peers[-2:]:
            peer.stop()
        overlay.stop()


if __name__ == "__main__":
    main_of_test("ipv6", run, "turnserver")
