#!/usr/bin/env python3
"""probe.py: finds out what a NAT does, by STUN (RFC 8489) and its NAT discovery (RFC 5780).

usage: probe.py server ADDRESS ADDRESS            listens at 2 addresses x 2 ports; "ready"
       probe.py behaviour ADDRESS ADDRESS [PORT]  one line of JSON: mapping, filtering, hairpin, TCP
       probe.py pings ADDRESS COUNT               that many requests, 1 ms apart: which came back
       probe.py hold ADDRESS ADDRESS              holds one socket and does what standard input says

`hold` reads lines and answers each with a line of JSON: "ask" (a Binding to the first address from
the held socket: the mapped address), "ask2" (to the second), "knock" (a second socket makes the
first address send to the held socket's mapping: does it arrive?), "knock2" (the same, the second
address, which the held socket may not have written to), "punch ADDRESS PORT" (the heart of ICE: for
two seconds ask that end and every end that asks us, and answer them: which end answered?), "port"
(the held socket's own port).

The words of the answer are RFC 4787's: mapping and filtering are "endpoint_independent",
"address_dependent" or "address_and_port_dependent"; "none" says that there is no NAT or filter.

SPDX-License-Identifier: BSD-2-Clause
"""
import json
import os
import select
import socket
import struct
import sys
import time

PORT = 3478
COOKIE = 0x2112A442
REQUEST, RESPONSE = 0x0001, 0x0101
MAPPED_ADDRESS, CHANGE_REQUEST, XOR_MAPPED_ADDRESS = 0x0001, 0x0003, 0x0020
RESPONSE_PORT, RESPONSE_ORIGIN, OTHER_ADDRESS = 0x0027, 0x802B, 0x802C
CHANGE_ADDRESS, CHANGE_PORT = 4, 2
TRIES, RETRY_S = 4, 0.3
PUNCH_S, PUNCH_EVERY_S = 2.0, 0.1

INDEPENDENT, BY_ADDRESS, BY_PORT, NONE = (
    "endpoint_independent", "address_dependent", "address_and_port_dependent", "none")


# ---- messages ------------------------------------------------------------------------------------

def attribute(kind, value):
    """One attribute, padded."""
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def address_value(address, mask=b"\0" * 6):
    """The value of an attribute that is an IPv4 address and port."""
    plain = struct.pack("!H", address[1]) + socket.inet_aton(address[0])
    return b"\0\1" + bytes(a ^ b for a, b in zip(plain, mask))


def message(kind, transaction, attributes):
    """A STUN message."""
    return struct.pack("!HHI", kind, len(attributes), COOKIE) + transaction + attributes


def parse(data):
    """Returns (kind, transaction, {attribute: value}), or None when it is not STUN."""
    if len(data) < 20:
        return None
    kind, length, cookie = struct.unpack_from("!HHI", data)
    if cookie != COOKIE or length != len(data) - 20:
        return None
    attributes, at = {}, 20
    while at + 4 <= len(data):
        name, size = struct.unpack_from("!HH", data, at)
        if at + 4 + size > len(data):
            return None
        attributes.setdefault(name, data[at + 4:at + 4 + size])
        at += 4 + (size + 3) // 4 * 4
    return kind, data[8:20], attributes


def mapped_address(attributes):
    """(address, port) of XOR-MAPPED-ADDRESS, or None."""
    value = attributes.get(XOR_MAPPED_ADDRESS)
    if value is None or len(value) != 8:
        return None
    mask = struct.pack("!HI", COOKIE >> 16, COOKIE)
    plain = bytes(a ^ b for a, b in zip(value[2:], mask))
    return socket.inet_ntoa(plain[2:]), struct.unpack("!H", plain[:2])[0]


# ---- server --------------------------------------------------------------------------------------

def answer(sockets, at, data, source):
    """Answers one Binding request that came to |at|, (0..1, 0..1) of addresses and ports."""
    parsed = parse(data)
    if not parsed or parsed[0] != REQUEST:
        return
    attributes = parsed[2]
    change = struct.unpack("!I", attributes.get(CHANGE_REQUEST, bytes(4)))[0]
    sender = sockets[at[0] ^ bool(change & CHANGE_ADDRESS), at[1] ^ bool(change & CHANGE_PORT)]
    other = sockets[1 - at[0], 1 - at[1]]
    mask = struct.pack("!HI", COOKIE >> 16, COOKIE)
    reply = message(RESPONSE, parsed[1],
                    attribute(XOR_MAPPED_ADDRESS, address_value(source, mask))
                    + attribute(MAPPED_ADDRESS, address_value(source))
                    + attribute(RESPONSE_ORIGIN, address_value(sender.getsockname()))
                    + attribute(OTHER_ADDRESS, address_value(other.getsockname())))
    if RESPONSE_PORT in attributes:
        source = (source[0], struct.unpack_from("!H", attributes[RESPONSE_PORT])[0])
    sender.sendto(reply, source)


def serve(addresses):
    """Answers until it is ended; also accepts TCP at the first address and hangs up."""
    sockets = {}
    for i, address in enumerate(addresses):
        for j in (0, 1):
            sockets[i, j] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sockets[i, j].bind((address, PORT + j))
    where = {one: at for at, one in sockets.items()}
    with socket.create_server((addresses[0], PORT)) as tcp:
        print("ready", flush=True)
        while True:
            for one in select.select([tcp, *where], [], [])[0]:
                if one is tcp:
                    tcp.accept()[0].close()
                    continue
                data, source = one.recvfrom(2048)
                try:
                    answer(sockets, where[one], data, source)
                except (struct.error, OSError):
                    pass  # not a request that can be answered


# ---- client --------------------------------------------------------------------------------------

def open_socket(port=0):
    """A UDP socket at a port of our own."""
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("0.0.0.0", port))
    return one


def exchange(sender, to, attributes=b"", receiver=None):
    """Sends a Binding request until |receiver| (the sender unless told) hears the answer, or hears
    the request itself. Returns the answer's attributes, or None."""
    receiver = receiver or sender
    transaction = os.urandom(12)
    for _ in range(TRIES):
        try:
            sender.sendto(message(REQUEST, transaction, attributes), to)
        except OSError:
            pass  # an ICMP error of an earlier packet
        until = time.monotonic() + RETRY_S
        while (left := until - time.monotonic()) > 0:
            if not select.select([receiver], [], [], left)[0]:
                break
            try:
                parsed = parse(receiver.recv(2048))
            except OSError:
                continue
            if parsed and parsed[1] == transaction:
                return parsed[2]
    return None


def ask(one, to):
    """The mapped address of a socket as |to| sees it, or None."""
    attributes = exchange(one, to)
    return mapped_address(attributes) if attributes else None


def change(flags):
    """A CHANGE-REQUEST."""
    return attribute(CHANGE_REQUEST, struct.pack("!I", flags))


def own_addresses(to):
    """The address that this host uses towards |to|."""
    with open_socket() as one:
        one.connect(to)
        return one.getsockname()[0]


def find_mapping(addresses, port):
    """RFC 5780, 4.3: the same socket as three ends see it."""
    with open_socket(port) as one:
        first = ask(one, (addresses[0], PORT))
        if first is None:
            return "blocked", None
        if first == (own_addresses((addresses[0], PORT)), one.getsockname()[1]):
            return NONE, first
        second = ask(one, (addresses[1], PORT))
        third = ask(one, (addresses[1], PORT + 1))
    if first == second == third:
        return INDEPENDENT, first
    return (BY_ADDRESS if second == third else BY_PORT), first


def find_filtering(addresses):
    """RFC 5780, 4.4, from a socket that has written to nobody else."""
    with open_socket() as one:
        first = (addresses[0], PORT)
        mapped = ask(one, first)
        if mapped is None:
            return "blocked"
        if exchange(one, first, change(CHANGE_ADDRESS | CHANGE_PORT)) is not None:
            return NONE if mapped[0] == own_addresses(first) else INDEPENDENT
        return BY_ADDRESS if exchange(one, first, change(CHANGE_PORT)) is not None else BY_PORT


def find_hairpin(addresses):
    """RFC 5780, 4.5: does a packet to our own mapping come back?"""
    with open_socket() as one, open_socket() as other:
        mapped = ask(one, (addresses[0], PORT))
        if mapped is None or ask(other, (addresses[0], PORT)) is None:
            return False
        return exchange(other, mapped, receiver=one) is not None


def can_connect(address):
    """Whether TCP gets through."""
    try:
        socket.create_connection((address, PORT), timeout=TRIES * RETRY_S).close()
        return True
    except OSError:
        return False


def behaviour(addresses, port=0):
    """All that this program can find out."""
    mapping, mapped = find_mapping(addresses, port)
    if mapping == "blocked":
        return {"mapping": mapping, "filtering": mapping, "hairpin": False, "mapped": None,
                "tcp": can_connect(addresses[0])}
    return {"mapping": mapping, "filtering": find_filtering(addresses),
            "hairpin": find_hairpin(addresses), "mapped": mapped,
            "tcp": can_connect(addresses[0])}


def punch(one, remote):
    """Connectivity checks with |remote|, who does the same now. Returns who answered, or None."""
    transaction, linked, targets = os.urandom(12), None, [remote]
    begin = time.monotonic()
    next_try = begin
    while (now := time.monotonic()) < begin + PUNCH_S:
        if now >= next_try:
            next_try = now + PUNCH_EVERY_S
            for target in targets:
                one.sendto(message(REQUEST, transaction, b""), target)
        if not select.select([one], [], [], max(0, next_try - time.monotonic()))[0]:
            continue
        try:
            data, source = one.recvfrom(2048)
        except OSError:
            continue
        parsed = parse(data)
        if parsed and parsed[0] == REQUEST:
            one.sendto(message(RESPONSE, parsed[1], b""), source)
            if source not in targets and len(targets) < 4:
                targets.append(source)  # a peer-reflexive candidate
        elif parsed and parsed[1] == transaction:
            linked = linked or source
    return linked


def pings(address, count):
    """Numbered requests; what became of them."""
    sent, times, copies = {}, {}, 0
    with open_socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        begin = time.monotonic()
        end = begin + count / 1000 + 1.5
        while time.monotonic() < end:
            due = min(count, int((time.monotonic() - begin) * 1000) + 1)
            for number in range(len(sent), due):
                sent[number] = time.monotonic()
                one.sendto(message(REQUEST, number.to_bytes(12, "big"), b""), (address, PORT))
            while select.select([one], [], [], 0.0005)[0]:
                parsed = parse(one.recv(2048))
                if not parsed:
                    continue
                number = int.from_bytes(parsed[1], "big")
                copies += number in times
                times.setdefault(number, (time.monotonic() - sent[number]) * 1000)
    return {"sent": count, "answered": sorted(times), "copies": copies,
            "rtt_ms": sorted(round(rtt, 2) for rtt in times.values())}


def hold(addresses):
    """Does what standard input says."""
    held = open_socket()
    mapped = None
    for line in sys.stdin:
        word, *rest = line.split()
        server = (addresses[word.endswith("2")], PORT)
        if word == "port":
            print(json.dumps({"port": held.getsockname()[1]}), flush=True)
        elif word == "punch":
            print(json.dumps({"linked": punch(held, (rest[0], int(rest[1])))}), flush=True)
        elif word.startswith("ask"):
            found = ask(held, server)
            mapped = found or mapped
            print(json.dumps({"mapped": found}), flush=True)
        elif word.startswith("knock"):
            with open_socket() as other:
                port = attribute(RESPONSE_PORT, struct.pack("!H", mapped[1]))
                heard = exchange(other, server, port, receiver=held) is not None
            print(json.dumps({"heard": heard}), flush=True)
        else:
            sys.exit(f"probe: unknown word '{word}'")


def main():
    """The command line."""
    if len(sys.argv) < 4 or sys.argv[1] not in ("server", "behaviour", "pings", "hold"):
        sys.exit(__doc__)
    addresses = sys.argv[2:4]
    if sys.argv[1] == "server":
        serve(addresses)
    elif sys.argv[1] == "pings":
        print(json.dumps(pings(addresses[0], int(addresses[1]))), flush=True)
    elif sys.argv[1] == "behaviour":
        port = int(sys.argv[4]) if len(sys.argv) > 4 else 0
        print(json.dumps(behaviour(addresses, port)), flush=True)
    else:
        hold(addresses)


if __name__ == "__main__":
    main()
