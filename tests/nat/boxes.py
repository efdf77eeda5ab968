"""boxes.py: what each kind of NAT box does, as rules for nft. The terms are those of RFC 4787.

    kind                mapping               filtering            port of a flow outside
    full_cone           endpoint-independent  none                 as inside
    address_restricted  endpoint-independent  by remote address    as inside
    port_restricted     endpoint-independent  by address and port  as inside
    symmetric           by address and port   by address and port  random for each flow
    udp_blocked         no UDP at all; TCP as behind port_restricted
    plain_masquerade    as port_restricted until somebody outside knocks: see below

Linux' own NAT (masquerade) maps a flow to the same port outside when that port is free, for all
remote ends alike, and lets in what belongs to a flow: that is port_restricted, with two traps.

1. A packet from outside that belongs to no flow is for the box itself. The box keeps a flow for it
   even when nobody listens, and that flow takes the tuple: when the inside talks to that remote end
   a moment later, it is given another port, which looks symmetric. Many home routers do just this
   (plain_masquerade), and two peers that punch holes at once meet it. The other kinds drop such a
   packet in the input chain, so that no flow is kept.
2. Two hosts inside with one source port: the second is given another port. The map of the wider
   kinds would be wrong then; give the hosts of a site ports of their own.

3. Cones let in what belongs to no flow. When the first packets of both ends meet in the box, on two
   processors, each begins a flow, and the kernel gives the flow out another port for one packet
   (one link in 300 on busy processors). Real boxes with this rule do it, too: nodes have to cope.

The wider kinds note each mapping (port -> inside address and port) in a map that packets out keep
fresh and packets from outside are looked up in; address_restricted also notes who was written to.

SPDX-License-Identifier: BSD-2-Clause
"""

OUTSIDE, INSIDE = "ext", "lan"  # the interfaces of every box
CONE = ("full_cone", "address_restricted")
BOXES = CONE + ("port_restricted", "symmetric", "udp_blocked", "plain_masquerade")
HAIRPINS = CONE + ("port_restricted",)  # can turn packets round: the map must be right

MAP = """
 map mappings {
  type inet_service : ipv4_addr . inet_service
  flags dynamic,timeout
  timeout {timeout}s
  size 65535
 }
"""

WRITTEN_TO = """
 set written_to {
  type ipv4_addr . ipv4_addr . inet_service
  flags dynamic,timeout
  timeout {timeout}s
  size 65535
 }
"""

# Mappings are noted in the forward chain, which sees every packet; chains of type nat see the first
# of each flow only, and the mapping of a busy flow would time out.
NOTE = r"""
  oifname "ext" ip protocol udp \
   update @mappings {{ udp sport timeout {timeout}s : ip saddr . udp sport }}
"""

NOTE_WRITTEN_TO = r"""
  oifname "ext" ip protocol udp \
   update @written_to {{ ip saddr . ip daddr . udp sport timeout {timeout}s }}
  iifname "ext" ct state established,related accept
  iifname "ext" ip protocol udp ip daddr . ip saddr . udp dport @written_to accept
  iifname "ext" drop
"""

LET_IN = """
  iifname "ext" ip protocol udp dnat to udp dport map @mappings
"""

# A host inside writes to a mapping of another host inside: the packet turns round in the box and
# bears the mapping of the first (RFC 4787, 6).
TURN_ROUND = """
  iifname "lan" ip daddr @own ip protocol udp dnat to udp dport map @mappings
"""

TURN_ROUND_SOURCE = """
  iifname "lan" oifname "lan" ip protocol udp ct status dnat masquerade_as_own
"""


def rules(kind, address, timeout_s, hairpin):
    """The nft rules of a box of |kind| whose public address is |address|."""
    is_cone = kind in CONE
    has_map = is_cone or hairpin
    parts = ["table ip box {"]
    if has_map:
        parts.append(MAP.replace("{timeout}", str(timeout_s)))
    if kind == "address_restricted":
        parts.append(WRITTEN_TO.replace("{timeout}", str(timeout_s)))

    parts.append(" chain input {\n  type filter hook input priority 0")
    if kind != "plain_masquerade":
        parts.append('  iifname "ext" ct state new drop')
    parts.append(" }\n chain forward {\n  type filter hook forward priority 0")
    parts.append("  ct state invalid drop")
    if kind == "udp_blocked":
        parts.append("  ip protocol udp drop")
    if has_map:
        parts.append(NOTE.format(timeout=timeout_s))
    if kind == "address_restricted":
        parts.append(NOTE_WRITTEN_TO.format(timeout=timeout_s))

    parts.append(" }\n chain before {\n  type nat hook prerouting priority dstnat")
    if is_cone:
        parts.append(LET_IN)
    if hairpin:
        parts.append(TURN_ROUND.replace("@own", address))
    parts.append(" }\n chain after {\n  type nat hook postrouting priority srcnat")
    if hairpin:
        parts.append(TURN_ROUND_SOURCE.replace("masquerade_as_own", f"snat to {address}"))
    parts.append('  oifname "ext" masquerade' + (" fully-random" if kind == "symmetric" else ""))
    parts.append(" }\n}")
    return "\n".join(parts) + "\n"
