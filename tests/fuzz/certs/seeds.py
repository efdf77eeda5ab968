#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""seeds.py: writes certificates and configuration documents for the fuzzers to begin with.

usage: seeds.py OUTPUT-DIRECTORY VECTOR-DIRECTORY

The certificates are those of the vectors; documents have one of them as root-cert.
"""
import base64
import json
import os
import sys

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<overlay xmlns="urn:ietf:params:xml:ns:p2p:config-base"
  xmlns:sip="urn:ietf:params:xml:ns:p2p:config-base:sip"
  xmlns:chord="urn:ietf:params:xml:ns:p2p:config-chord">
<configuration instance-name="overlay.example.org" sequence="22" expiration="2100-01-01T00:00:00Z">
<root-cert>%(root)s</root-cert>
<enrollment-server>https://example.org</enrollment-server>
<self-signed-permitted digest="sha1">false</self-signed-permitted>
<bootstrap-node address="192.0.2.1" port="6084"/>
<chord:chord-reactive>true</chord:chord-reactive>
<configuration-signer>a0a1a2a3a4a5a6a7a8a9aaabacadaeaf</configuration-signer>
<kind-signer>a0a1a2a3a4a5a6a7a8a9aaabacadaeaf</kind-signer>
<sip:domain-restrictions enable="true"><sip:pattern>.*</sip:pattern></sip:domain-restrictions>
<required-kinds><kind-block><kind id="2000"><data-model>ARRAY</data-model>
<access-control>NODE-MULTIPLE</access-control><max-node-multiple>3</max-node-multiple>
<max-count>22</max-count><max-size>4</max-size></kind>
<kind-signature>%(signature)s</kind-signature></kind-block></required-kinds>
</configuration><!-- x --><signature>%(signature)s</signature></overlay>
"""


def write(directory, name, data):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, name), "wb") as out:
        out.write(data)


def main(output, vectors):
    with open(os.path.join(vectors, "index.json"), encoding="utf-8") as file:
        index = json.load(file)
    with open(os.path.join(vectors, "messages", "ping_req_nodeid_hash.json"),
              encoding="utf-8") as file:
        message = bytes.fromhex(json.load(file)["hex"])
    root = bytes.fromhex(index["rsa_cert_der"])
    # The security block is the message's end: the certificates' length, type, length, certificate.
    block = message[message.index(root) - 5:]
    texts = {"root": base64.b64encode(root).decode(), "signature": base64.b64encode(block).decode()}
    write(os.path.join(output, "fuzz_certificate"), "rsa", root)
    write(os.path.join(output, "fuzz_certificate"), "ecdsa", bytes.fromhex(index["ecdsa_cert_der"]))
    write(os.path.join(output, "fuzz_config"), "signed", (DOCUMENT % texts).encode())
    texts["signature"] = "AAAA"
    write(os.path.join(output, "fuzz_config"), "small", (DOCUMENT % texts).encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
