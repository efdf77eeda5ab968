#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""vectors_test.py: reload decode finds in each vector of tests/data/vectors the values that the
implementation that made it put there, and signatures verify.

usage: vectors_test.py RELOAD VECTOR-DIRECTORY
"""
import glob
import json
import os
import subprocess
import sys
import tempfile

# The other implementation's names for the RFC's fields.
NAMES = {
    "username": "ufrag", "link_type": "overlay_link", "related_address": "rel_addr_port",
    "kind_id": "kind", "id": "response_id", "info": "error_info", "overlay_data":
    "overlay_specific_data", "extension": "extension_contents",
}
NAMES_IN = {
    "ErrorResponse": {"code": "error_code"},
    "SignerIdentity": {"type": "identity_type"},
    "CertificateHash": {"hash_algorithm": "hash_alg"},
    "CertificateHashNodeID": {"hash_algorithm": "hash_alg",
                              "certificate_hash": "certificate_node_id_hash"},
    "JoinRequest": {"node_id": "joining_peer_id"},
    "LeaveRequest": {"node_id": "leaving_peer_id"},
    "Signature": {"value": "signature_value"},
    "AckFrame": {"sequence": "ack_sequence"},
}
# Fields whose content stands in the structure itself here, under one of these names.
FLAT = {
    "IPAddressPort": ("addr_port", ("v4addr_port", "v6addr_port")),
    "ConfigUpdateRequest": ("data", ("config_data", "kinds")),
    "ChordLeaveData": ("node_list", ("predecessors", "successors")),
}
# Fields whose members stand in the structure itself here.
SPREAD = {"FramedMessage": "frame", "UpdateRequest": "data"}
# Fields with one member here, named for the variant.
VARIANT = {"Destination": ("data", "destination_data"), "ProbeInformation": ("value", "value"),
           "StoredData": ("value", "value"), "StoredMetaData": ("metadata", "metadata"),
           "StoredDataSpecifier": ("specifier", "model_specifier")}
ENUM_NAMES = {"from_predecessor": "from_pred", "from_successor": "from_succ"}
EXTRA = {"compressed", "model", "relo_token"}  # said here, not there


class Mismatch(Exception):
    pass


def text_of(ours):
    """The octets of what is printed as text, or as {"hex": ...} when it is none."""
    return bytes.fromhex(ours["hex"]) if isinstance(ours, dict) else ours.encode()


def same(theirs, ours, path):
    """Compares a value; names of enums are compared without regard to case and hyphens."""
    if isinstance(theirs, dict) and "enum" in theirs:
        name = ENUM_NAMES.get(theirs["enum"], str(theirs["enum"])).lower().replace("-", "_")
        if ours != theirs["value"] and str(ours).lower().replace("-", "_") != name:
            raise Mismatch(f"{path}: {theirs} is not {ours}")
    elif isinstance(theirs, dict) and "hex" in theirs:
        if isinstance(ours, list):  # a list here that the other side does not look into
            ours = "".join(f"{len(part) // 2:04x}{part}" for part in ours)
        if ours != theirs["hex"] and text_of(ours) != bytes.fromhex(theirs["hex"]):
            raise Mismatch(f"{path}: {theirs['hex']} is not {ours}")
    elif isinstance(theirs, dict):
        same_structure(theirs, ours, path)
    elif isinstance(theirs, list):
        if len(theirs) != len(ours):
            raise Mismatch(f"{path}: {len(theirs)} elements are not {len(ours)}")
        for at, (a, b) in enumerate(zip(theirs, ours)):
            same(a, b, f"{path}[{at}]")
    elif theirs != ours:
        raise Mismatch(f"{path}: {theirs!r} is not {ours!r}")


def same_structure(theirs, ours, path):
    kind = theirs.get("_type", "")
    left = set(ours) - EXTRA
    for key, value in theirs.items():
        if key == "_type":
            continue
        name = NAMES_IN.get(kind, {}).get(key) or NAMES.get(key, key)
        if kind in FLAT and FLAT[kind][0] == key:
            name = next(n for n in FLAT[kind][1] if n in ours)
        elif SPREAD.get(kind) == key:
            members = {n: ours[n] for n in left - {"type", "uptime"}}
            same_structure(value or {}, members, f"{path}.{key}")
            left -= set(members)
            continue
        elif kind in VARIANT and VARIANT[kind][0] == key:
            name = VARIANT[kind][1]
            members = [v for n, v in ours[name].items() if n not in EXTRA]
            if members:
                same(value, members[0], f"{path}.{key}")
            elif value not in (None, [], {}) and value.get("_type") != "Empty":
                raise Mismatch(f"{path}.{key}: {value} is not here")
            left.discard(name)
            continue
        if (value is None or value == {"_type": "Empty"}) and name not in ours:
            continue
        if name not in ours:
            raise Mismatch(f"{path}: no {name} in {sorted(ours)}")
        same(value, ours[name], f"{path}.{key}")
        left.discard(name)
    if left:
        raise Mismatch(f"{path}: {sorted(left)} are not in the vector")


def decode(reload, vector, *options):
    result = subprocess.run([reload, "decode", vector["hex"], *options], capture_output=True,
                            text=True, check=False, timeout=60)
    if result.returncode != 0:
        raise Mismatch(f"exit code {result.returncode}: {result.stderr.strip()}")
    return json.loads(result.stdout)


def check_message(reload, vector):
    fields = vector["fields"]
    signer = fields["security_block"]["signature"]["identity"]["type"]["enum"]
    ours = decode(reload, vector, *([] if signer == "none" else ["--verify"]))
    if signer != "none" and ours["signature"] != "valid":
        raise Mismatch("no valid signature")
    contents = ours["contents"]
    same(fields["header"], ours["header"], "header")
    same(int(fields["header_relo_token"], 16), ours["header"]["relo_token"], "relo_token")
    same(fields["code"], contents["message_code"], "code")
    same(fields["body"], contents["message_body"], "body")
    same(fields["extensions"], contents["extensions"], "extensions")
    same(fields["security_block"], ours["security_block"], "security_block")
    return signer != "none"


def data_signature_input(resource, kind, octets, data):
    """resource_id || kind || storage_time || StoredDataValue || SignerIdentity (7.1), the
    Resource-ID with its length. |octets| are the whole StoredData, |data| is what it decodes to."""
    value = next(v for n, v in data["value"].items() if n != "model")
    entry = value["value"] if isinstance(value["value"], dict) else value
    size = 5 + len(entry["value"]) // 2
    if "key" in value:
        size += 2 + len(value["key"]) // 2
    if "index" in value:
        size += 4
    identity = data["signature"]["identity"]["identity"]
    digest = bytes.fromhex(next(v for n, v in identity.items() if n != "hash_alg"))
    kind_of = {"cert_hash": 1, "cert_hash_node_id": 2}[data["signature"]["identity"][
        "identity_type"]]
    signer = bytes([kind_of]) + (len(digest) + 2).to_bytes(2, "big") + bytes([4, len(digest)])
    return (bytes([len(resource)]) + resource + kind.to_bytes(4, "big") + octets[4:12]
            + octets[16:16 + size] + signer + digest)


def check_data_signature(reload, vector, index, key):
    """The signature of a stored value, by the openssl command."""
    data = decode(reload, vector, "--element", "StoredData")
    signature = bytes.fromhex(data["signature"]["signature_value"])
    if not signature:
        return False
    kind = {"dictionary": 1, "single_value": 2}.get(data["value"]["model"])
    for candidate in [kind] if kind else [3, 16]:
        signed = data_signature_input(bytes.fromhex(index["resource_id"]), candidate,
                                      bytes.fromhex(vector["hex"]), data)
        with tempfile.NamedTemporaryFile() as file:
            file.write(signature)
            file.flush()
            result = subprocess.run(["openssl", "dgst", "-sha256", "-verify", key, "-signature",
                                     file.name], input=signed, capture_output=True, check=False,
                                    timeout=60)
        if result.returncode == 0:
            return True
    raise Mismatch("the value's signature does not verify")


def check_element(reload, vector):
    fields = vector["fields"]
    name = {"IPAddressPort": "IpAddressPort", "ICECandidate": "IceCandidate"}.get(
        fields["_type"], fields["_type"])
    same(fields, decode(reload, vector, "--element", name), name)
    return False


def check_data_signatures(reload, directory):
    """Checks all stored values; returns how many verified and how many did not."""
    with open(os.path.join(directory, "index.json"), encoding="utf-8") as file:
        index = json.load(file)
    verified = failed = 0
    with tempfile.NamedTemporaryFile() as key:
        certificate = bytes.fromhex(index["rsa_cert_der"])
        subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-pubkey", "-out", key.name],
                       input=certificate, check=True, capture_output=True, timeout=60)
        for path in sorted(glob.glob(os.path.join(directory, "elements", "stored_data_*.json"))):
            with open(path, encoding="utf-8") as file:
                vector = json.load(file)
            try:
                verified += check_data_signature(reload, vector, index, key.name)
            except Mismatch as problem:
                failed += 1
                print(f"{vector['name']}: {problem}")
    return verified, failed


def main(reload, directory):
    failed = verified = count = 0
    for path in sorted(glob.glob(os.path.join(directory, "*", "*.json"))):
        with open(path, encoding="utf-8") as file:
            vector = json.load(file)
        check = check_message if vector["level"] == "message" else check_element
        count += 1
        try:
            verified += check(reload, vector)
        except (Mismatch, KeyError, StopIteration) as problem:
            failed += 1
            print(f"{vector['name']}: {type(problem).__name__} {problem}")
    values, wrong = check_data_signatures(reload, directory)
    print(f"{count} vectors, {failed} wrong; signatures of {verified} messages and {values} values "
          f"verified, {wrong} not")
    return 1 if failed or wrong or count < 70 or verified < 30 or values < 4 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
