"""Evolving keys, and logs that go on under another key."""

from __future__ import annotations

import json

import scenario as s
import wire
import write_log
from on_disk import OnDisk
from write_log import LogWriter, genesis, u8, u32


class EvolvingKeys(OnDisk):
    def test_the_log_holds_under_its_root(self):
        written = s.build(mode=2)
        log = self.verified(written.files)
        self.assertEqual((log.segments, log.sequence, log.tag, log.keys), (2, 60, written.tag, [(s.KEY_ID, 2)]))
        self.assertEqual(log.ledger.totals(), s.TOTALS)
        self.assertNotEqual(written.tag, s.build().tag)
        self.put(self.anchor, written.anchor())
        code, out = self.run_main(self.directory, "--key", self.key, "--anchor", self.anchor, "--json")
        self.assertEqual((code, json.loads(out)["keys"]), (0, [{"id": s.KEY_ID, "mode": "evolving"}]))

    def test_keys_are_of_their_segment(self):
        """A segment whose key is not the next one does not hold."""

        class Stuck(LogWriter):
            def key(self, label: bytes) -> bytes:
                return super().key(b"assize/evolve/2" if label.startswith(b"assize/evolve") and self.number == 2 else label)

        log = Stuck(s.SECRET, s.KEY_ID, s.LOG_ID, s.T0, 2)
        log.begin_segment(genesis(s.T0, s.TERMS, 1, s.P1))
        log.seal()
        log.begin_segment(genesis(s.T0, s.TERMS, 1, s.P1))
        self.assertEqual(self.refused(log.files, "the header's tag does not hold").segment, 2)

    def test_modes_are_not_mixed(self):
        static, evolving = s.build(), s.build(mode=2)
        for first, second, message in ((static, evolving, "key 7, evolving, the one before it under key 7, static"), (evolving, static, "key 7, static, the one")):
            self.refused({**first.files, "00000002.seg": second.files["00000002.seg"]}, message)
        relabelled = bytearray(static.files["00000001.seg"])
        relabelled[10] = 2
        relabelled[248:252] = u32(write_log.crc32c(s.LOG_ID + u32(1) + bytes(relabelled[:248])))
        self.refused({"00000001.seg": relabelled}, "the header's tag does not hold")
        for mode, message in ((3, "the log is unkeyed, one with keys is expected"), (4, "key mode 4")):
            relabelled[10] = mode
            relabelled[248:252] = u32(write_log.crc32c(s.LOG_ID + u32(1) + bytes(relabelled[:248])))
            self.refused({"00000001.seg": relabelled}, message)

    def test_anchors_are_of_their_segment_and_mode(self):
        written = s.build(mode=2)
        first, last = s.build(s.FIRST_SEGMENT, None, mode=2).anchor(), written.anchor()
        later_key = written.key(b"assize/anchor/1" + u32(s.KEY_ID))
        rows = [
            (first, 0, "after the anchor at sequence 34"),
            (last, 0, "nothing was recorded after"),
            (s.build().anchor(), 1, "static keys"),
            (first[:88] + write_log.mac(later_key, first[:88]), 1, "anchor's tag"),
            (last[:32] + u32(0) + last[36:], 2, "names segment 0"),
        ]
        self.write(written.files)
        for anchor, expected, message in rows:
            with self.subTest(message=message):
                self.put(self.anchor, anchor)
                code, out = self.run_main(self.directory, "--key", self.key, "--anchor", self.anchor)
                self.assertEqual(code, expected, out)
                self.assertIn(message, out)


class ChangesOfKey(OnDisk):
    more_keys = (wire.RootKey(s.OTHER_KEY_ID, s.OTHER_SECRET),)

    def test_they_hold_in_all_modes(self):
        for modes in ((1, 1), (1, 2), (2, 1), (2, 2, 1, 2)):
            log = self.verified(s.build_keys(*modes).files)
            self.assertEqual([mode for _, mode in log.keys], list(modes))
            self.assertEqual([id for id, _ in log.keys], [(s.KEY_ID, s.OTHER_KEY_ID)[at % 2] for at in range(len(modes))])

    def test_the_command_takes_several_keys(self):
        log = s.build_keys(1, 2)
        self.write(log.files)
        other = self.key + "-other"
        self.put(other, b"assize-key-1\nid=9\nsecret=" + s.OTHER_SECRET.hex().encode() + b"\n")
        self.put(self.anchor, log.anchor())
        code, out = self.run_main(self.directory, "--key", self.key, "--key", other, "--anchor", self.anchor)
        self.assertEqual(code, 0, out)
        self.assertIn("7 (static), 9 (evolving)", out)
        code, out = self.run_main(self.directory, "--key", self.key)
        self.assertEqual(code, 1)
        self.assertIn("keyed with key 9, key 7 was given", out)
        self.assertEqual(self.run_main(self.directory, "--key", self.key, "--key", self.key)[0], 2)

    def test_a_key_must_be_named(self):
        log = LogWriter(s.SECRET, s.KEY_ID, s.LOG_ID, s.T0)
        log.begin_segment(genesis(s.T0, s.TERMS, 1, s.P1))
        log.frame = lambda kind, *rest: kind == 68 or LogWriter.frame(log, kind, *rest)
        log.change_key(s.OTHER_SECRET, s.OTHER_KEY_ID, 1)
        log.begin_segment(genesis(s.T0, s.TERMS, 1, s.P1))
        self.refused(log.files, "under key 9, static, the one before it under key 7, static and names no other")

    def test_what_is_named_is_a_key(self):
        for payload in (u32(9), u32(9) + u8(0), u32(9) + u8(3), u32(9) + u8(1) + u8(0)):
            log = LogWriter(s.SECRET, s.KEY_ID, s.LOG_ID, s.T0)
            log.begin_segment(genesis(s.T0, s.TERMS, 1, s.P1))
            log.frame(68, payload, 0, s.T0, s.T0)
            self.refused(log.files, "names none")


class WithoutAKey(OnDisk):
    unkeyed = True

    def test_it_holds_and_says_what_it_does_not_prove(self):
        written = s.build(mode=3)
        log = self.verified(written.files)
        self.assertEqual((log.sequence, log.tag, log.keys), (60, written.tag, [(0, 3)]))
        self.put(self.anchor, written.anchor())
        code, out = self.run_main(self.directory, "--unkeyed", "--anchor", self.anchor)
        self.assertEqual(code, 0, out)
        self.assertIn("can write it anew", out)
        self.assertEqual(self.run_main(self.directory)[0], 2)
        self.assertEqual(self.run_main(self.directory, "--unkeyed", "--key", self.key)[0], 2)

    def test_none_stands_in_for_a_keyed_one_nor_the_other_way_round(self):
        keyed, unkeyed = s.build(), s.build(mode=3)
        self.refused(keyed.files, "the log is static, an unkeyed one is expected")
        self.refused({**unkeyed.files, "00000002.seg": keyed.files["00000002.seg"]}, "the log is static, an unkeyed one is expected")
        self.write(unkeyed.files)
        code, out = self.run_main(self.directory, "--key", self.key)
        self.assertEqual(code, 1)
        self.assertIn("the log is unkeyed, one with keys is expected", out)
        self.put(self.anchor, keyed.anchor())
        self.assertEqual(self.run_main(self.directory, "--unkeyed", "--anchor", self.anchor)[0], 1)

    def test_accidents_show(self):
        files = s.build(mode=3).files
        for at in range(0, len(files["00000001.seg"]) - 64, 97):
            changed = bytearray(files["00000001.seg"])
            changed[at] ^= 1
            self.refused({**files, "00000001.seg": changed})
