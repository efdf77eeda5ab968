#!/usr/bin/env python3
"""lying_turnserver.py: stands in for coturn's turnserver, below reloadd. It knows its users and
grants them addresses that are nobody's; STUN it answers as it should, so that it is announced.

Its configuration is on descriptor 3, as that of the real one. RFC 8656, RFC 8489.
SPDX-License-Identifier: BSD-2-Clause
"""
import base64
import hashlib
import hmac
import re
import socket
import struct

COOKIE = 0x2112A442
BINDING, ALLOCATE = 1, 3
REQUESTS = (ALLOCATE, 4, 8, 9)  # and Refresh, CreatePermission, ChannelBind
USERNAME, INTEGRITY, ERROR_CODE, LIFETIME, REALM, NONCE = 6, 8, 9, 13, 0x14, 0x15
RELAYED, MAPPED = 0x16, 0x20
RELAYED_LIE, MAPPED_LIE = ("198.51.100.77", 50000), ("198.51.100.78", 4444)


def attribute(kind, value):
    """One attribute, padded."""
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def address(kind, host, port):
    """An attribute with an IPv4 address in the XOR form."""
    number = int.from_bytes(socket.inet_aton(host), "big")
    return attribute(kind, struct.pack("!HHI", 1, port ^ COOKIE >> 16, number ^ COOKIE))


def attributes_of(datagram):
    """{type: value} of a STUN message."""
    found, at = {}, 20
    while at + 4 <= len(datagram):
        kind, size = struct.unpack_from("!HH", datagram, at)
        found[kind] = datagram[at + 4:at + 4 + size]
        at += 4 + size + -size % 4
    return found


def message(kind, transaction, body, key=None):
    """A STUN message, with MESSAGE-INTEGRITY when there is a key."""
    if key:
        begin = struct.pack("!HH", kind, len(body) + 24) + transaction + body
        body += attribute(INTEGRITY, hmac.new(key, begin, hashlib.sha1).digest())
    return struct.pack("!HH", kind, len(body)) + transaction + body


def answer(datagram, sender, secret):
    """What is said to |datagram|; None: nothing."""
    kind, transaction = struct.unpack_from("!H", datagram)[0], datagram[4:20]
    if kind == BINDING:
        return message(0x101, transaction, address(MAPPED, *sender))
    if kind not in REQUESTS:
        return None
    found = attributes_of(datagram)
    if USERNAME not in found:
        return message(kind | 0x110, transaction,
                       attribute(ERROR_CODE, b"\0\0\4\1Unauthorized") + attribute(REALM, b"realm")
                       + attribute(NONCE, b"nonce"))
    user = found[USERNAME]
    password = base64.b64encode(hmac.new(secret, user, hashlib.sha1).digest())
    body = attribute(LIFETIME, struct.pack("!I", 600))
    if kind == ALLOCATE:
        body = address(RELAYED, *RELAYED_LIE) + address(MAPPED, *MAPPED_LIE) + body
    return message(kind | 0x100, transaction, body,
                   hashlib.md5(user + b":realm:" + password).digest())


def main():
    """Serves until it is ended."""
    with open("/proc/self/fd/3", encoding="ascii") as file:
        settings = dict(re.findall(r"^([a-z-]+)=(.*)$", file.read(), re.MULTILINE))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((settings["listening-ip"], int(settings["listening-port"])))
        while True:
            datagram, sender = server.recvfrom(2048)
            if len(datagram) < 20:
                continue
            said = answer(datagram, sender, settings["static-auth-secret"].encode())
            if said:
                server.sendto(said, sender)


if __name__ == "__main__":
    main()
