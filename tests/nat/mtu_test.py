#!/usr/bin/env python3
"""mtu_test.py: the path between two linked nodes lets only small packets through all of a sudden
(attack row L16): first large ones go as IP fragments, then those are lost.

usage: mtu_test.py BUILD. Exit code 77: no lab can be built here.

RFC 6940 6.7, RFC 8085 3.2. SPDX-License-Identifier: BSD-2-Clause
"""
import time

from figures import link_between, make_link
from lab import Lab
from matrix import PROGRAMS
from overlay_lab import USERS, DemoError, LabOverlay, main_of_test

MTU = 700     # above what every host takes (576), below what a link begins with (1200)
BACK_S = 20   # until a link is given up, and another one made
# Before they are put together again: the host of the site loses what comes, the internet what goes.
LOSE_FRAGMENTS = """table ip fragments {
 chain before {
  type filter hook prerouting priority -450
  ip frag-off & 0x3fff != 0 counter drop
 }
}
"""


def expect(condition, text):
    """Fails the test with |text|."""
    if not condition:
        raise DemoError(text)


def narrow(site):
    """The cable of a site carries small packets only; both its ends know."""
    site.host.ip(f"link set ext mtu {MTU}")
    site.lab.internet.ip(f"link set site{site.number} mtu {MTU}")


def ping_until(one, other, limit_s):
    """Pings until there is an answer; returns after how many seconds."""
    begin = time.monotonic()
    while True:
        try:
            one.ask("ping", node=other.node_id)
            return time.monotonic() - begin
        except DemoError as error:
            expect(time.monotonic() - begin < limit_s, f"still after {limit_s} s: {error}")
            time.sleep(0.1)


def shrink(lab, alice, bob, site):
    """Pings and their answers bear certificates: they are larger than MTU."""
    make_link(alice, bob)
    alice.ask("ping", node=bob.node_id)
    narrow(site)
    before = link_between(alice, bob)
    alice.ask("ping", node=bob.node_id)
    bob.ask("ping", node=alice.node_id)
    after = link_between(alice, bob)
    expect(after and after["address"] == before["address"] and after["up_s"] >= before["up_s"],
           f"fragments end the link: {before}, {after}")
    for host in (site.host, lab.internet):
        host.nft(LOSE_FRAGMENTS)
    back_s = [ping_until(*ends, BACK_S) for ends in ((alice, bob), (bob, alice))]
    rules = [host.run(["nft", "list", "table", "ip", "fragments"])
             for host in (site.host, lab.internet)]
    expect(any("packets 0 " not in text for text in rules), f"nothing was lost: {rules}")
    print(f"fragments lost: answers after {back_s[0]:.1f} s, and back after {back_s[1]:.1f} s more")
    for one, other in ((alice, bob), (bob, alice)):
        one.ask("ping", node=other.node_id)
        one.processes.check()


def run(build):
    """Two nodes with public addresses, one of them at a site whose cable becomes narrow."""
    programs = {name: build / path for name, path in PROGRAMS.items()}
    with Lab() as lab:
        overlay = LabOverlay(lab, programs, USERS)
        sites = [lab.site("public") for _ in USERS]
        alice, bob = (overlay.node(site, user) for site, user in zip(sites, USERS))
        try:
            shrink(lab, alice, bob, sites[1])
        except DemoError:
            lab.keeps_folder = True
            print(f"logs are in {lab.folder}")
            raise
        for node in (alice, bob):
            node.stop()
        overlay.stop()


if __name__ == "__main__":
    main_of_test("mtu", run)
