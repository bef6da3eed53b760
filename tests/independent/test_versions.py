"""The fixed files of every format version: they are what would be written today, and every log comes to what is stated beside it,
also the ones that the other implementation wrote."""

from __future__ import annotations

import glob
import json
import os
import tempfile
import unittest

import record_fields
import stated_records
import wire
import write_vectors
from chain import EvidenceError, Log, read_anchor_file
from records import KIND_NAMES

V1 = os.path.join(write_vectors.VERSIONS, "v1")


def read(*path: str) -> bytes:
    with open(os.path.join(write_vectors.VERSIONS, *path), "rb") as file:
        return file.read()


class TheFiles(unittest.TestCase):
    def test_they_are_as_written(self):
        listed = write_vectors.manifest()
        for path, content in write_vectors.vectors().items():
            self.assertEqual(read(path), content, path)
            self.assertEqual(write_vectors.hashlib.sha256(content).hexdigest(), listed[path], path)

    def test_every_kind_of_record_is_there(self):
        codes = {record_fields.KINDS[fields["kind"]] for _, fields in stated_records.RECORDS}
        self.assertEqual(codes, set(KIND_NAMES) - {64, 65, 68})


class TheLogs(unittest.TestCase):
    def test_every_log_comes_to_what_is_stated(self):
        stated = [path for path in glob.glob(os.path.join(V1, "*.json")) if os.path.isdir(path[:-5])]
        self.assertGreater(len(stated), 6)
        for path in stated:
            with self.subTest(os.path.basename(path)):
                self.comes_to(json.loads(read(path)), path[:-5])

    def comes_to(self, expected: dict, directory: str) -> None:
        roots = [wire.RootKey(root["id"], bytes.fromhex(root["secret"])) for root in expected["roots"]] or None
        if expected["torn_bytes"]:
            with self.assertRaisesRegex(EvidenceError, "torn tail"):
                Log(directory, roots).verify()
        with tempfile.NamedTemporaryFile() as file:
            file.write(bytes.fromhex(expected["anchor"]))
            file.flush()
            anchor = read_anchor_file(file.name)
        log = Log(directory, roots, anchor, live=expected["torn_bytes"] > 0)
        log.verify()
        head = {"segment": max(log.headers), "sequence": log.sequence, "tag": log.tag.hex(), "log_time": log.log_time}
        self.assertEqual(head, expected["head"])
        self.assertTrue(log.anchor_found)
        found = {
            "log_id": log.log_id.hex(),
            "files": log.segments,
            "records": log.sequence - (log.pruned_through or 0),
            "pruned_through": log.pruned_through,
            "torn_bytes": log.tail_bytes,
            "ledger_digest": log.ledger.digest().hex(),
            "snapshot_digest": log.ledger.snapshot_digest().hex(),
        }
        self.assertEqual(found, {name: expected[name] for name in found})


if __name__ == "__main__":
    unittest.main()
