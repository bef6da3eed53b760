"""Logs whose oldest segments were deleted: what may be missing, what may not, and from where the replay goes on (FORMAT 8.8)."""

from __future__ import annotations

import json
import unittest
from unittest import mock

import random_log
import scenario as s
import write_log
from on_disk import OnDisk
from write_log import LogWriter, u32, u64


def named(number: int) -> str:
    return f"{number:08}.seg"


def stated() -> LogWriter:
    """The log that is stated by hand, to be gone on with: without the zeros at its end."""
    log = s.build()
    del log.files[log.name][-64:]
    return log


def let_go() -> LogWriter:
    """The same, whose second segment lets go of the first."""
    log = stated()
    log.retain(2, log.time)
    return log


class Pruned(OnDisk):
    def test_before_and_after_the_deletion(self):
        """The same ledger, from the checkpoint as from the beginning; what is not proven says which."""
        log = let_go()
        whole = self.verified(log.files)
        self.assertIsNone(whole.pruned_through)
        del log.files[named(1)]
        pruned = self.verified(log.files)
        self.assertEqual((pruned.segments, pruned.sequence, pruned.tag), (1, 61, log.tag))
        self.assertEqual(pruned.ledger.digest(), whole.ledger.digest())
        code, out = self.run_main(self.directory, "--key", self.key, "--json")
        found = json.loads(out)
        self.assertEqual((code, found["pruned_through"], found["records"]), (0, pruned.pruned_through, 61 - pruned.pruned_through))
        self.assertIn("trusts its first checkpoint", found["not_proven"][0])

    def test_no_retention_says_so(self):
        files = stated().files
        del files[named(1)]
        self.refused(files, "segment 1 is missing")

    def test_an_anchor_that_was_deleted(self):
        log = stated()
        anchors = [log.anchor()]
        log.retain(2, log.time)
        anchors.append(log.anchor())
        del log.files[named(1)]
        self.write(log.files)
        for anchor in anchors:
            self.put(self.anchor, anchor)
            self.assertEqual(self.run_main(self.directory, "--key", self.key, "--anchor", self.anchor)[0], 0)
        first = s.build(second=None)
        self.put(self.anchor, first.anchor())
        code, out = self.run_main(self.directory, "--key", self.key, "--anchor", self.anchor)
        self.assertEqual(code, 1)
        self.assertIn("the log is pruned through", out)

    def test_what_a_retention_may_not_name(self):
        header = bytes(range(32))
        before = s.build().files[named(2)][40:48]
        for payload, message in (
            (u32(1) + u64(0) + header, "a retention names segment 1 after 0"),
            (u32(3) + u64(0) + header, "a retention names segment 3 after 0"),
            (u32(2) + before + header, "another header of segment 2"),
            (u32(2) + u64(1) + let_go().kept[2], "or another sequence"),
            (u32(2) + before + let_go().kept[2] + b"\0", "payload"),
        ):
            with self.subTest(message):
                log = stated()
                log.record(67, payload, log.time)
                self.refused(log.files, message)
        log = let_go()
        log.retain(2, log.time)
        self.refused(log.files, "a retention names segment 2 after 2")


class Random(OnDisk):
    """Logs of every kind of record, in segments: every one of them can be where the replay begins."""

    def test_every_checkpoint_is_a_beginning(self):
        self.put(self.key, b"assize-key-1\nid=%d\nsecret=%s\n" % (random_log.KEY_ID, random_log.SECRET.hex().encode()))
        begun = 0
        with mock.patch.object(write_log, "crc32c", random_log.fast_crc32c):
            for seed in range(4):
                written = random_log.RandomLog(seed)
                for _ in range(6):
                    written.run(40)
                    written.rotate()
                log = written.writer
                log.retain(log.number, log.time)
                whole = self.verified(log.files)
                for first in range(2, log.number + 1):
                    kept = {name: content for name, content in log.files.items() if name >= named(first)}
                    pruned = self.verified(kept)
                    self.assertEqual((pruned.ledger.digest(), pruned.tag), (whole.ledger.digest(), whole.tag))
                    # What a crash leaves before it is passed over, as long as there is a gap between.
                    if first > 2:
                        self.assertEqual(self.verified({**kept, named(1): b"left"}).tag, whole.tag)
                    begun += 1
        self.assertGreater(begun, 20)


if __name__ == "__main__":
    unittest.main()
