"""theory.py: which pairs of NAT kinds can reach each other without a relay (RFC 8445 on the NATs of
RFC 4787), and what a cell of the matrix may therefore say.

SPDX-License-Identifier: BSD-2-Clause
"""

# The port outside differs for each remote end, so that the port a peer was told is never the one
# its packets come from. A CGN of that kind outside makes any home NAT such a one.
UNFORESEEABLE = ("symmetric", "double_nat")

# Lets in only packets from an address and port that was written to.
STRICT = UNFORESEEABLE + ("port_restricted",)


def can_punch(one, other):
    """Whether UDP gets through between hosts behind NATs of these two kinds."""
    if "udp_blocked" in (one, other):
        return False
    for near, far in ((one, other), (other, one)):
        if near in UNFORESEEABLE and far in STRICT:
            return False
    return True


def can_link(one, other, with_turn):
    """Whether hosts behind these two kinds can have a link, by whatever way. With TURN every pair
    can: a host without UDP reaches its relay by TCP, and to a relay everybody has a way."""
    return with_turn or can_punch(one, other)
