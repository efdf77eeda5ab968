"""enrol_protocol_test.py: enrolment by curl and openssl alone.

RFC 6940 11.2, 11.3. usage: enrol_protocol_test.py RELOAD RELOAD-ENROLLD
SPDX-License-Identifier: BSD-2-Clause
"""

from enrolment_office import CERTIFICATE, DOCUMENT, OVERLAY, PASSWORD, WithOffice, main, must


class Curl(WithOffice):
    """RFC 6940 11.3 with nothing of ours on the node's side."""

    def certificate(self, body, *options):
        path = self.office.write("node.der", body)
        return must("openssl", "x509", "-inform", "DER", "-in", path, "-noout", *options)

    def enrol_with(self, rsa):
        key = self.office.make_key(rsa=rsa)
        status, content_type, body = self.office.curl(self.office.make_csr(key))
        self.assertEqual((status, content_type), (200, CERTIFICATE), body)
        names = self.certificate(body, "-ext", "subjectAltName")
        self.assertRegex(names, r"critical\n\s+URI:reload://0110[0-9a-f]{32}@%s/, email:alice@%s\n"
                         % (OVERLAY, OVERLAY))
        self.assertEqual(self.certificate(body, "-subject").strip(), "subject=")
        self.assertEqual(self.certificate(body, "-pubkey"),
                         must("openssl", "pkey", "-in", key, "-pubout"))
        pem = self.office.path("node.pem")
        must("openssl", "x509", "-inform", "DER", "-in", self.office.path("node.der"), "-out", pem)
        must("openssl", "verify", "-x509_strict", "-CAfile", self.office.ca, pem)
        return names

    def test_p256(self):
        self.enrol_with(rsa=False)

    def test_rsa(self):
        self.enrol_with(rsa=True)

    def test_same_key_same_node_id(self):
        key = self.office.make_key("again.pem")
        answers = [self.office.curl(self.office.make_csr(key))[2] for _ in range(2)]
        names = [self.certificate(body, "-ext", "subjectAltName") for body in answers]
        self.assertEqual(names[0], names[1])
        self.assertNotEqual(answers[0], answers[1])

    def test_document(self):
        out = self.office.path("document.xml")
        done = must("curl", "-sS", "--cacert", self.office.ca, "-o", out, "-w",
                    "%{http_code} %{content_type}", self.office.config_url)
        self.assertEqual(done, "200 " + DOCUMENT)
        with open(out, "rb") as got, open(self.office.path("enrolld", "overlay.xml"), "rb") as kept:
            self.assertEqual(got.read(), kept.read())


class Tokens(WithOffice):
    """RFC 6940 11.3: each token of a 403, as text/plain and nothing else in the body."""
    INIT = ("--key", "rsa")
    SETTINGS = {"node-ids-per-user": 1, "failures-per-user": 100, "failures-per-address": 100}

    def assert_token(self, token, answer):
        self.assertEqual(answer, (403, "text/plain", token.encode()))

    def setUp(self):
        self.csr = self.office.make_csr(self.office.make_key())

    def test_failed_authentication(self):
        for username, password in (("alice", "wrong password"), ("nobody", PASSWORD), ("", ""),
                                   ("alice", "")):
            self.assert_token("failed_authentication",
                              self.office.curl(self.csr, username=username, password=password))

    def test_username_not_available(self):
        csr = self.office.make_csr(self.office.path("key.pem"), "-addext",
                                   "subjectAltName=email:bob@" + OVERLAY)
        self.assert_token("username_not_available", self.office.curl(csr))

    def test_node_ids_not_available(self):
        self.assert_token("Node-IDs_not_available", self.office.curl(self.csr, "-F", "nodeids=2"))
        self.office.add_user("carol")
        self.assertEqual(self.office.curl(self.csr, username="carol")[0], 200)
        other = self.office.make_csr(self.office.make_key("second.pem"))
        self.assert_token("Node-IDs_not_available", self.office.curl(other, username="carol"))

    def test_bad_csr(self):
        self.assert_token("bad_CSR", self.office.curl(self.office.write("bad.csr", b"\x30\x03abc")))
        self.assert_token("bad_CSR", self.office.curl(self.office.write("none.csr", b"")))


if __name__ == "__main__":
    main()
