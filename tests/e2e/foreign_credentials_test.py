"""foreign_credentials_test.py: credentials made with the openssl command and a document written by
hand are as good as our own.

A node of another implementation shares the overlay that way. RFC 6940 11.1, 11.3; I2, I7.
usage: foreign_credentials_test.py RELOAD. SPDX-License-Identifier: BSD-2-Clause
"""
import base64
import json
import os
import shutil
import sys
import tempfile
import unittest

from enrolment_office import must, run

RELOAD = None  # path of the program, from the command line
OVERLAY = "overlay.example.net"
NODE_ID = "00112233445566778899aabbccddeeff"
USER = "alice@example.net"

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<!-- written by hand -->
<overlay xmlns="urn:ietf:params:xml:ns:p2p:config-base"
         xmlns:chord="urn:ietf:params:xml:ns:p2p:config-chord">
  <configuration instance-name="{overlay}" sequence="22" expiration="{expiration}">
    <topology-plugin> CHORD-RELOAD </topology-plugin>
    <node-id-length>16</node-id-length>
    <root-cert>
{root}
    </root-cert>
    <bootstrap-node address="192.0.2.1" port="6084"/>
    <clients-permitted> true </clients-permitted>
    <no-ice>true</no-ice>
    <chord:chord-reactive>true</chord:chord-reactive>
    <max-message-size> 6000 </max-message-size>
    <initial-ttl> 30 </initial-ttl>
    <overlay-reliability-timer>3000</overlay-reliability-timer>
    <overlay-link-protocol>TLS</overlay-link-protocol>
    <required-kinds>
      <kind-block>
        <kind id="4026531841">
          <data-model>DICTIONARY</data-model>
          <access-control>USER-NODE-MATCH</access-control>
          <max-count>4</max-count>
          <max-size>512</max-size>
        </kind>
      </kind-block>
      <kind-block>
        <kind id="2000">
          <data-model>ARRAY</data-model>
          <access-control>NODE-MULTIPLE</access-control>
          <max-node-multiple>3</max-node-multiple>
          <max-count>22</max-count>
          <max-size>4</max-size>
        </kind>
      </kind-block>
    </required-kinds>
  </configuration>
</overlay>
"""


class Elsewhere(unittest.TestCase):
    """A CA, a key, a certificate and a document, all with openssl and an editor."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="reload-e2e-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.make_ca("ca")
        self.make_node()
        self.write_document()

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def make_ca(self, name):
        must("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
             self.path(name + ".key"), "-out", self.path(name + ".crt"), "-subj",
             "/O=Example/CN=Root", "-days", "30", "-addext", "keyUsage=critical,keyCertSign")

    def make_node(self, uri="reload://0110%s@%s/" % (NODE_ID, OVERLAY), email=USER, subject="/",
                  ca="ca", days="10", constraints="critical,CA:FALSE", new_key=True, critical=True):
        if new_key:
            must("openssl", "genrsa", "-out", self.path("node.key"), "2048")
            os.chmod(self.path("node.key"), 0o600)
        must("openssl", "req", "-new", "-key", self.path("node.key"), "-subj", subject, "-out",
             self.path("node.csr"))
        names = ["URI:" + uri] * bool(uri) + ["email:" + email] * bool(email)
        extensions = self.write("extensions", "basicConstraints=%s\nsubjectAltName=%s%s\n"
                                % (constraints, "critical," if critical else "", ",".join(names)))
        must("openssl", "x509", "-req", "-in", self.path("node.csr"), "-CA", self.path(ca + ".crt"),
             "-CAkey", self.path(ca + ".key"), "-days", days, "-extfile", extensions, "-out",
             self.path("node.crt"))

    def write_document(self, change=None, **values):
        der = must("openssl", "x509", "-in", self.path("ca.crt"), "-outform", "PEM")
        root = "".join(der.split("-----")[2].split())
        base64.b64decode(root, validate=True)
        text = DOCUMENT.format(**dict({"overlay": OVERLAY, "root": root,
                                       "expiration": "2099-01-01T00:00:00Z"}, **values))
        self.write("overlay.xml", change(text) if change else text)

    def check(self):
        return run(RELOAD, "enrol", "--check", self.folder, "--json")

    def assert_good(self):
        done = self.check()
        self.assertEqual(done.returncode, 0, done.stderr)
        outcome = json.loads(done.stdout)
        self.assertEqual(outcome["overlay"], OVERLAY)
        self.assertEqual(outcome["user"], USER)
        self.assertEqual(outcome["node_id"], NODE_ID)

    def assert_refused(self, *said):
        done = self.check()
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual(done.stdout, "")
        last = done.stderr.splitlines()[-1]
        for text in said:
            self.assertIn(text, last)

    # ---- what must work --------------------------------------------------------------------------

    def test_as_the_rfc_says(self):
        self.assert_good()

    def test_uri_of_others(self):
        """I2: no final slash; a bare Node-ID."""
        for uri in ("reload://0110%s@%s", "reload://%s@%s/", "reload://%s@%s"):
            self.make_node(uri=uri % (NODE_ID, OVERLAY), new_key=False)
            self.assert_good()

    def test_uncritical_names(self):
        self.make_node(critical=False)
        self.assert_good()

    def test_key_of_another_format(self):
        must("openssl", "rsa", "-in", self.path("node.key"), "-traditional", "-out",
             self.path("traditional"))
        os.chmod(self.path("traditional"), 0o600)
        os.rename(self.path("traditional"), self.path("node.key"))
        self.assert_good()

    # ---- what must not ---------------------------------------------------------------------------

    def test_another_ca(self):
        self.make_ca("other")
        self.make_node(ca="other")
        self.assert_refused("certificate")

    def test_another_key(self):
        must("openssl", "genrsa", "-out", self.path("node.key"), "2048")
        self.assert_refused(self.path("node.key"), self.path("node.crt"), "enrol again")

    def test_subject(self):
        """C5; RFC6940-11.3-23: a subject must be empty."""
        for subject in ("/CN=alice", "/CN=" + USER, "/O=Example"):
            self.make_node(subject=subject, new_key=False)
            self.assert_refused("subject is not empty", "CA")

    def test_names(self):
        for names in ({"uri": ""}, {"email": ""},
                      {"uri": "reload://0110%s@other.example/" % NODE_ID},
                      {"uri": "https://0110%s@%s/" % (NODE_ID, OVERLAY)},
                      {"uri": "reload://0110%s@%s/" % (NODE_ID[:-2], OVERLAY)},
                      {"uri": "reload://0110%s@%s/" % ("0" * 32, OVERLAY)},
                      {"uri": "reload://0110%s@%s/" % ("f" * 32, OVERLAY)},
                      {"email": "a@b,email:c@d"}):
            self.make_node(new_key=False, **names)
            self.assert_refused("certificate")

    def test_a_ca_as_a_node(self):
        self.make_node(constraints="critical,CA:TRUE")
        self.assert_refused("certificate")

    def test_expired(self):
        self.write_document(expiration="2001-01-01T00:00:00Z")
        self.assert_refused("overlay.xml", "expired")

    def test_expired_certificate(self):
        must("openssl", "x509", "-req", "-in", self.path("node.csr"), "-CA", self.path("ca.crt"),
             "-CAkey", self.path("ca.key"), "-days", "-1", "-extfile", self.path("extensions"),
             "-out", self.path("node.crt"))
        self.assert_refused()

    def test_documents(self):
        for old, new in (("</overlay>", ""), (">16<", ">15<"), ("> 30 <", "> 0 <"),
                         ("DICTIONARY", "QUEUE"),
                         ("USER-NODE-MATCH", "EVERYBODY"), ("<root-cert>", "<root-cert>AAAA"),
                         ("> 6000 <", "> 10 <"), (">3000<", ">100<")):
            with self.subTest(old=old):
                self.write_document(lambda text, old=old, new=new: text.replace(old, new, 1))
                self.assert_refused("overlay.xml")

    def test_open_key(self):
        os.chmod(self.path("node.key"), 0o644)
        self.assert_refused("node.key")


if __name__ == "__main__":
    RELOAD = sys.argv[1]
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
