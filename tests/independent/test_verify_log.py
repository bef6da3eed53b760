"""The verifier against a log stated by hand, and against that log changed by someone without the key."""

from __future__ import annotations

import json
import os
import unittest

import scenario as s
import scenario_windows as windows
import wire
from chain import Log
from on_disk import OnDisk
from write_log import LogWriter, digest, encode_policy, genesis, u8, u16, u32


class TheWholeLog(OnDisk):
    def test_it_holds(self):
        """The replay's ledger is the one that was worked out by hand."""
        written = s.build()
        log = self.verified(written.files)
        self.assertEqual((log.segments, log.sequence, log.tag), (2, 60, written.tag))
        self.assertEqual(log.ledger.totals(), s.TOTALS)
        self.assertEqual(dict(log.ledger.decisions), s.DECISIONS)
        self.assertEqual(b"".join(raw for _, raw in log.ledger.canonical_sections()), s.final_ledger(by_name=False))
        self.assertEqual(log.ledger.digest(), digest("assize/ledger/1", s.final_ledger(by_name=True)))

    def test_the_command(self):
        written = s.build()
        self.write(written.files)
        self.put(self.anchor, written.anchor())
        code, out = self.run_main(self.directory, "--key", self.key, "--json")
        found = json.loads(out)
        self.assertEqual(code, 0)
        self.assertEqual((found["holds"], found["records"], found["totals"]), (True, 60, s.TOTALS))
        self.assertEqual(found["ledger_digest"], digest("assize/ledger/1", s.final_ledger(by_name=True)).hex())
        self.assertEqual([level["granted"] for level in found["totals_by_level"]], [29_000, 8_000])
        self.assertIn("completeness: without an anchor", found["not_proven"][0])
        code, out = self.run_main(self.directory, "--key", self.key, "--anchor", self.anchor)
        self.assertEqual(code, 0)
        self.assertNotIn("without an anchor", out)

    def test_a_checkpoint_in_parts_and_empty_segments(self):
        """Parts of 1 MiB; a segment without records seals itself with its last sequence one below its first."""
        big = {**s.POLICY_1, "candidates": [{**s.CANDIDATES[0], "id": id, "name": f"{id:0120}"} for id in range(7_000)]}
        policy = encode_policy(big)
        log = LogWriter(s.SECRET, s.KEY_ID, s.LOG_ID, s.T0)
        for _ in range(2):
            log.begin_segment(genesis(s.T0, s.TERMS, 1, policy))
            log.seal()
        log.begin_segment(genesis(s.T0, s.TERMS, 1, policy))
        self.assertEqual(sum(kind == 64 for _, _, kind in log.starts), 6)
        self.assertEqual(self.verified(log.files).sequence, 0)
        short = LogWriter(s.SECRET, s.KEY_ID, s.LOG_ID, s.T0)
        short.begin_segment(genesis(s.T0, s.TERMS, 1, policy), part_bytes=(1 << 20) - 8)
        self.refused(short.files, "checkpoint part 0 has 1048568 bytes")


class TheLogOfWindows(OnDisk):
    def test_it_holds(self):
        """The ledger of windows, throttles, caps and new parents is the one that was worked out by hand."""
        log = self.verified(windows.build().files)
        self.assertEqual(log.ledger.totals(), windows.TOTALS)
        self.assertEqual(dict(log.ledger.decisions), windows.DECISIONS)
        self.assertEqual(b"".join(raw for _, raw in log.ledger.canonical_sections()), windows.final_ledger(by_name=False))
        self.assertEqual(log.ledger.digest(), digest("assize/ledger/1", windows.final_ledger(by_name=True)))

    def test_the_command_counts_levels_by_the_parents_now(self):
        """team, lab below it, and org on its own: 13840 + 2900, then 1250 granted."""
        self.write(windows.build().files)
        code, out = self.run_main(self.directory, "--key", self.key, "--json")
        found = json.loads(out)
        self.assertEqual((code, [level["granted"] for level in found["totals_by_level"]]), (0, [16_740, 1_250]))
        self.assertEqual(found["counts"]["rollovers of month windows"], 1)

    def test_its_checkpoint_is_compared_bit_by_bit(self):
        whole = windows.middle_checkpoint()
        for at in range(0, len(whole), 5):
            changed = bytearray(whole)
            changed[at] ^= 1 << at % 8
            error = self.refused(windows.build(checkpoint=bytes(changed)).files, "checkpoint differs from the replay")
            self.assertEqual((error.segment, error.sequence), (2, 25))

    def test_every_record_is_needed(self):
        """With a switch that changes nothing in its place, what follows does not hold, but for denials: the last of them rolls over
        what the next record touches as well."""
        nothing = (4, u32(99) + u8(1))
        for at, (hours, _) in enumerate(windows.FIRST_SEGMENT, 1):
            steps = [*windows.FIRST_SEGMENT[: at - 1], (hours, nothing), *windows.FIRST_SEGMENT[at:]]
            if at in (10, 14, 19, 21):
                self.verified(windows.build(steps).files)
            else:
                self.refused(windows.build(steps).files)


class InputsAndPlaces(OnDisk):
    def test_key_files(self):
        self.write(s.build().files)
        rows = [
            (s.KEY_FILE, 0o600, 0),
            (s.KEY_FILE, 0o400, 0),
            (s.KEY_FILE, 0o640, 2),
            (s.KEY_FILE, 0o604, 2),
            (s.KEY_FILE[:-1], 0o600, 2),
            (s.KEY_FILE + b"\n", 0o600, 2),
            (s.KEY_FILE.replace(b"\n", b"\r\n"), 0o600, 2),
            (s.KEY_FILE.replace(b"id=7", b"id=07"), 0o600, 2),
            (s.KEY_FILE.replace(b"id=7", b"id=4294967296"), 0o600, 2),
            (s.KEY_FILE.replace(s.SECRET.hex().encode(), s.SECRET.hex().upper().encode()), 0o600, 2),
            (b"assize-key-1\nid=7\nsecret=" + b"00" * 31 + b"\n", 0o600, 2),
            (b"assize-key-1\nid=7\nsecret=" + b"00" * 65 + b"\n", 0o600, 2),
            (s.KEY_FILE.replace(b"id=7", b"id=8"), 0o600, 1),
            (s.KEY_FILE.replace(b"6f\n", b"6e\n"), 0o600, 1),
        ]
        for content, mode, expected in rows:
            with self.subTest(content=content, mode=mode):
                self.put(self.key, content)
                os.chmod(self.key, mode)
                code, out = self.run_main(self.directory, "--key", self.key)
                self.assertEqual(code, expected, out)
                self.assertNotIn(s.SECRET.hex(), out)
                os.chmod(self.key, 0o600)

    def test_anchors(self):
        written, other = s.build(), s.build(s.FIRST_SEGMENT[:20], None)
        middle = s.build(s.FIRST_SEGMENT[:12], None)
        head = written.anchor()
        elsewhere = LogWriter(s.SECRET, s.KEY_ID, bytes(16), s.T0)
        elsewhere.begin_segment(genesis(s.T0, s.TERMS, 1, s.P1))
        rows = [
            (written, head, 0, "nothing was recorded after"),
            (written, middle.anchor(), 0, "after the anchor at sequence 12"),
            (other, middle.anchor(), 0, "after the anchor at sequence 12"),
            (other, head, 1, "at sequence 60, the log ends at 20"),
            (written, s.build(s.FIRST_SEGMENT[:12] + [(1.3, (3, u8(0)))], None).anchor(), 1, "no frame of sequence 13"),
            (written, elsewhere.anchor(), 1, "the anchor is of log"),
            (written, head[:-1] + bytes([head[-1] ^ 1]), 1, "anchor's tag"),
            (written, head[:-1], 2, "120 bytes"),
            (written, head + b"\0", 2, "120 bytes"),
            (written, b"X" + head[1:], 2, "120 bytes"),
            (written, head[:8] + u16(2) + head[10:], 2, "version 2"),
        ]
        for log, anchor, expected, message in rows:
            with self.subTest(message=message):
                self.write(log.files)
                self.put(self.anchor, anchor)
                code, out = self.run_main(self.directory, "--key", self.key, "--anchor", self.anchor)
                self.assertEqual(code, expected, out)
                self.assertIn(message, out)
        self.assertEqual(self.run_main(self.directory, "--key", self.key, "--anchor", self.anchor + "x")[0], 2)

    def test_places(self):
        files = s.build().files
        self.assertEqual(self.run_main(self.directory + "x", "--key", self.key)[0], 3)
        self.assertEqual(self.run_main(self.directory, "--key", self.key)[0], 1)
        self.assertEqual(self.run_main(self.directory, "--key", self.key + "x")[0], 2)
        self.assertEqual(self.run_main(self.directory)[0], 2)
        self.verified({**files, "00000003.seg.tmp": b"begun"})
        self.refused({**files, "notes.txt": b""}, "notes.txt")
        self.refused({**files, "00000003.tmp": b""}, "00000003.tmp")
        self.refused({"00000001.seg.tmp": b""}, "no segment")
        self.refused({"00000002.seg": files["00000002.seg"]}, "segment 1 is missing")
        self.refused({"00000001.seg": files["00000001.seg"], "00000003.seg": files["00000002.seg"]}, "segment 2 is missing")
        self.refused({**files, "00000000.seg": files["00000001.seg"]}, "'00000000.seg' in the directory is no segment")

    def test_a_failure_as_json(self):
        files = s.build().files
        at = 4_000
        files["00000001.seg"][at] ^= 1
        self.write(files)
        code, out = self.run_main(self.directory, "--key", self.key, "--json")
        found = json.loads(out)
        self.assertEqual((code, found["holds"], found["segment"]), (1, False, 1))
        self.assertLessEqual(found["offset"], at)


class Tampering(OnDisk):
    """Without the key: every change to the files is found, and named."""

    def setUp(self):
        super().setUp()
        self.written = s.build()
        self.files = {name: bytes(content) for name, content in self.written.files.items()}

    def place_of(self, name: str, offset: int) -> int:
        """The offset of the header or frame that has the byte."""
        starts = [start for file, start, _ in self.written.starts if file == name and start <= offset]
        return starts[-1] if starts else 0

    def test_one_bit(self):
        """One bit of every seventh byte, another each time: every frame of the log is hit several times."""
        flips = 0
        for name, content in self.files.items():
            for at in range(0, len(content), 7):
                changed = bytearray(content)
                changed[at] ^= 1 << (at // 7) % 8
                error = self.refused({**self.files, name: changed})
                self.assertEqual(error.segment, int(name[:8]), f"{name} at {at}: {error}")
                inside = at < len(content) - 64
                if inside:
                    self.assertEqual(error.offset, self.place_of(name, at), f"{name} at {at}: {error}")
                flips += 1
        self.assertGreater(flips, 1_500)

    def frames(self, name: str) -> list[bytes]:
        starts = [start for file, start, _ in self.written.starts if file == name]
        content = self.files[name]
        return [content[:256]] + [content[a:b] for a, b in zip(starts, [*starts[1:], len(content) - 64])]

    def test_frames_taken_away_repeated_swapped(self):
        for name in self.files:
            frames = self.frames(name)
            for at in range(1, len(frames)):
                last = at == len(frames) - 1 and name == "00000002.seg"
                without = frames[:at] + frames[at + 1 :]
                twice = frames[: at + 1] + frames[at:]
                swapped = frames[: at - 1] + [frames[at], frames[at - 1]] + frames[at + 1 :]
                for changed in (without, twice) if at == 1 else (without, twice, swapped):
                    if changed is without and last:
                        continue  # a suffix cut at a record: an anchor shows it
                    error = self.refused({**self.files, name: b"".join(changed)})
                    self.assertEqual(error.segment, int(name[:8]))

    def test_frames_of_another_log_or_segment(self):
        other = LogWriter(s.SECRET, s.KEY_ID, b"another log 0000", s.T0)
        other.begin_segment(genesis(s.T0, s.FIRST_TERMS, 1, s.P1))
        for seconds, (kind, payload) in s.FIRST_SEGMENT:
            other.record(kind, payload, s.at(seconds))
        other.seal()
        mine, theirs = self.frames("00000001.seg"), bytes(other.files["00000001.seg"])
        start = [start for _, start, _ in other.starts][5]
        spliced = b"".join(mine[:6]) + theirs[start:]
        self.refused({**self.files, "00000001.seg": spliced}, "no whole frame")
        self.refused({**self.files, "00000001.seg": theirs + bytes(64)}, "another log|differ")
        self.refused({**self.files, "00000002.seg": self.files["00000001.seg"]}, "names segment 1")

    def test_a_cut_last_segment(self):
        """Cut at any byte it is a torn tail or, at a frame's end, whole; a live reader takes it up to the last whole frame."""
        name = "00000002.seg"
        content = self.files[name]
        ends = {start for file, start, _ in self.written.starts if file == name} | {len(content) - 64}
        first_record = next(start for file, start, kind in self.written.starts if file == name and kind != 64)
        torn = 0
        for cut in range(first_record, len(content) - 64, 7):
            cut_log = {**self.files, name: content[:cut]}
            before = max(end for end in ends if end <= cut)
            if not any(content[before:cut]):
                self.verified(cut_log)
                continue
            torn += 1
            error = self.refused(cut_log, "torn tail; opening recovers")
            self.assertEqual(error.offset, before)
            log = self.verified(cut_log, live=True)
            self.assertEqual(log.sequence, error.sequence - 1)
            self.assertGreater(log.tail_bytes, 0)
        self.assertGreater(torn, 400)

    def test_a_cut_earlier_segment(self):
        content = self.files["00000001.seg"]
        for cut in range(0, len(content) - 64, 97):
            self.refused({**self.files, "00000001.seg": content[:cut]}, live=True)
        self.verified({**self.files, "00000001.seg": content[:-64]})

    def test_damage_is_not_a_torn_tail(self):
        """A record that a later frame says was on disk: a failure even for a live reader."""
        name = "00000002.seg"
        starts = [start for file, start, kind in self.written.starts if file == name and kind != 64]
        changed = bytearray(self.files[name])
        changed[starts[3] + 50] ^= 4
        error = self.refused({**self.files, name: changed}, "damaged", live=True)
        self.assertEqual((error.sequence, error.offset), (38, starts[3]))
        changed = bytearray(self.files[name])
        changed[starts[-1] + 50] ^= 4
        self.refused({**self.files, name: changed}, "torn tail")
        self.assertEqual(self.verified({**self.files, name: changed}, live=True).sequence, 59)

    def test_a_live_reader_looks_twice(self):
        """What looks like damage may be a read that a writer overtook: the bytes stand when they are read again."""
        name = "00000002.seg"
        starts = [start for file, start, kind in self.written.starts if file == name and kind != 64]
        early = bytearray(self.files[name])
        early[starts[3] : starts[3] + 16] = bytes(16)
        self.write(self.files)
        log = Log(self.directory, [wire.read_key_file(self.key)], live=True)
        read, readings = log._read, []

        def overtaken(number: int) -> bytes:
            readings.append(number)
            return bytes(early) if readings == [1, 2] else read(number)

        log._read = overtaken
        log.verify()
        self.assertEqual((log.sequence, readings), (60, [1, 2, 2]))

    def test_bytes_after_the_end(self):
        for name in self.files:
            for at in (1, 63):
                changed = bytearray(self.files[name])
                changed[-at] = 1
                self.refused({**self.files, name: changed}, "seal|torn tail")


if __name__ == "__main__":
    unittest.main()
