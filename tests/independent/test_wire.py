"""Checksums, keys and encodings against published vectors and rows worked out by hand."""

from __future__ import annotations

import json
import os
import unittest

import scenario as s
import wire
import write_log
from write_log import bitmap, encode_candidate, encode_request


PUBLISHED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "published", "vectors.json")


class PublishedVectors(unittest.TestCase):
    def setUp(self):
        with open(PUBLISHED, encoding="utf-8") as file:
            self.published = json.load(file)

    def of(self, function: str) -> list:
        """Each vector of that function, its texts of hex as bytes."""
        rows = self.published[function]["vectors"]
        self.assertGreater(len(rows), 2)
        return [{key: bytes.fromhex(value) for key, value in row.items() if key not in ("name", "repeat")} for row in rows]

    def test_crc32c_of_rfc_3720(self):
        for row in self.of("crc32c"):
            data, expected = row["message"], int.from_bytes(row["checksum"], "big")
            self.assertEqual(wire.crc32c(data), expected)
            self.assertEqual(write_log.crc32c(data), expected)
            self.assertEqual(wire.crc32c_words(wire.words_of(data), wire.U32_MAX) ^ wire.U32_MAX, expected)

    def test_hmac_of_rfc_4231(self):
        for row in self.of("hmac_sha256"):
            for hmac in (wire.hmac_sha256, write_log.mac):
                self.assertEqual(hmac(row["key"], row["message"])[: len(row["tag"])], row["tag"])

    def test_hkdf_of_rfc_5869(self):
        for row in self.of("hkdf_sha256"):
            self.assertEqual(wire.hkdf_extract(row["salt"], row["ikm"]), row["prk"])
            self.assertEqual(wire.hkdf_expand(row["prk"], row["info"], len(row["okm"])), row["okm"])

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
