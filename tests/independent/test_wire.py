"""Checksums, keys and encodings against published vectors and rows worked out by hand."""

from __future__ import annotations

import unittest

import scenario as s
import wire
from write_log import bitmap, encode_candidate, encode_request


class PublishedVectors(unittest.TestCase):
    def test_crc32c_of_rfc_3720(self):
        rows = [
            (bytes(32), 0x8A9136AA),
            (b"\xff" * 32, 0x62A8AB43),
            (bytes(range(32)), 0x46DD794E),
            (bytes(range(31, -1, -1)), 0x113FDB5C),
            (b"123456789", 0xE3069283),
        ]
        for data, expected in rows:
            self.assertEqual(wire.crc32c(data), expected)
            if len(data) % 4 == 0:
                self.assertEqual(wire.crc32c_words(wire.words_of(data), wire.U32_MAX) ^ wire.U32_MAX, expected)

    def test_hmac_of_rfc_4231(self):
        rows = [
            (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (bytes(range(1, 26)), b"\xcd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
            (
                b"\xaa" * 131,
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ]
        for key, message, expected in rows:
            self.assertEqual(wire.hmac_sha256(key, message).hex(), expected)

    def test_hkdf_of_rfc_5869(self):
        salt, info = bytes(range(13)), bytes(range(0xF0, 0xFA))
        prk = wire.hkdf_extract(salt, b"\x0b" * 22)
        self.assertEqual(prk.hex(), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")
        okm = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        self.assertEqual(wire.hkdf_expand(prk, info, 42).hex(), okm)
        prk = wire.hkdf_extract(b"", b"\x0b" * 22)
        okm = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
        self.assertEqual(wire.hkdf_expand(prk, b"", 42).hex(), okm)

    def test_sets(self):
        rows = [([], "00"), ([0], "0101"), ([7, 8], "028001"), ([0, 9], "020102"), ([511], "40" + "00" * 63 + "80")]
        for members, encoded in rows:
            self.assertEqual(bitmap(members).hex(), encoded)
            bits = wire.Reader(bytes.fromhex(encoded)).set8("a set")
            self.assertEqual(wire.members_of(bits), members)
        for refused in ("0100", "020100", "41" + "00" * 64 + "01"):
            with self.assertRaises(wire.Malformed):
                wire.Reader(bytes.fromhex(refused)).set8("a set")


class Candidates(unittest.TestCase):
    def test_a_candidates_bytes(self):
        """FORMAT 2.8 by hand: id, name, enabled, flat, mask of columns 0, 1 and 3, set, number, member, one card of two rates."""
        expected = (
            "03000000" "0567616d6d61" "01" "6400000000000000" "0b000000" "020302" "007d000000000000" "0000"
            "01" "0000000000000000" "06" "20a1070000000000" "40420f0000000000"
        )  # fmt: skip
        self.assertEqual(encode_candidate(s.CANDIDATES[2], s.SCHEMA).hex(), expected)

    def test_a_requests_bytes(self):
        request = {"risk": 258, "requested": 3, "demands": {0: [0, 9], 3: 7}, "quantities": {1: 5}}
        expected = "0c09000202010300000002010207000000000000000500000000000000"
        self.assertEqual(encode_request(request, s.SCHEMA).hex(), expected)


if __name__ == "__main__":
    unittest.main()
