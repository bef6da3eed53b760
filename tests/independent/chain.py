"""The chain: segments, frames, seals, checkpoints and anchors (FORMAT 6, 7, 8, 10.1, 10.2 and 11).

A part of the independent verifier: written from docs/FORMAT.md and docs/SEMANTICS.md alone, Python standard library only.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
import struct
from typing import NamedTuple, Optional

from ledger import Ledger
from records import CHECKPOINT_PART, KEY_CHANGE, KIND_NAMES, RECOVERY, RETENTION, SEAL, Contradiction
from restore import restore
from wire import KEY_MODES, U32_MAX, BadInput, Malformed, RootKey, crc32c_bytes, crc32c_words, UNKEYED, tag_of, words_of

SEGMENT_MAGIC = b"ASSIZE\r\n"
FRAME_MAGIC = b"ASZ1"
ANCHOR_MAGIC = b"ASZANCH1"
VERSION = 1
SEGMENTS_MAX = 99_999_999  # FORMAT 6.1
HEADER_BYTES, ANCHOR_BYTES = 256, 120
FRAME_HEAD = struct.Struct("<IIQqqQHH")  # FORMAT 7.1, 44 bytes
FRAME_TAIL = 36
FRAME_MIN = 80
PAYLOAD_MAX = 64 << 20
PART_BYTES = 1 << 20  # FORMAT 10.1
ZEROS = bytes(32)


class EvidenceError(Exception):
    """The evidence does not hold, and where. It shows no key and no tag that was computed."""

    def __init__(self, what: str, segment: Optional[int] = None, sequence: Optional[int] = None, offset: Optional[int] = None):
        super().__init__(what)
        self.what, self.segment, self.sequence, self.offset = what, segment, sequence, offset


class Anchor(NamedTuple):
    """FORMAT 11.1."""

    mode: int
    key_id: int
    log_id: bytes
    segment: int
    sequence: int
    tag: bytes
    log_time: int
    signed: bytes
    mac: bytes


def read_anchor_file(path: str) -> Anchor:
    try:
        with open(path, "rb") as file:
            raw = file.read(ANCHOR_BYTES + 1)
    except OSError as error:
        raise BadInput(f"anchor file {path}: {error.strerror}") from None
    if len(raw) != ANCHOR_BYTES or raw[:8] != ANCHOR_MAGIC:
        raise BadInput(f"anchor file {path} is not {ANCHOR_BYTES} bytes that start with {ANCHOR_MAGIC.decode()}")
    version, mode, zero, key_id, log_id, segment, zeros, sequence, tag, log_time = struct.unpack_from("<HBBI16sIIQ32sq", raw, 8)
    if (version, zero, zeros) != (VERSION, 0, 0) or mode not in KEY_MODES:
        raise BadInput(f"anchor file {path} has version {version} and key mode {mode}, or reserved bytes that are not zero")
    if not 1 <= segment <= SEGMENTS_MAX:
        raise BadInput(f"anchor file {path} names segment {segment}")
    return Anchor(mode, key_id, log_id, segment, sequence, tag, log_time, raw[:88], raw[88:])


class Retention(NamedTuple):
    """FORMAT 9.21, and 6.4 in a header: the first segment kept, the last record before it, SHA-256 of its header."""

    segment: int
    sequence: int
    header: bytes


NO_RETENTION = Retention(0, 0, ZEROS)


class Frame(NamedTuple):
    """A whole frame (FORMAT 8.1): magic, length, padding and checksum hold."""

    offset: int
    end: int
    sequence: int
    effective: int
    caller: int
    synced_through: int
    kind: int
    extension: int
    payload: bytes
    tag: bytes

    @property
    def signed_end(self) -> int:
        return self.end - FRAME_TAIL


class Segment:
    """The bytes of one segment file, and what its checksums and tags start from."""

    def __init__(self, number: int, data: bytes, key: Optional[bytes], mode: int, key_id: int, log_id: bytes):
        self.number, self.data, self._key, self._ids = number, data, key, (mode, key_id, log_id)
        self._words = words_of(data)
        self._crc_start = crc32c_bytes(log_id + struct.pack("<I", number))
        # FORMAT 6.6
        self._prefix = struct.pack("<HBBI16sI", VERSION, mode, 0, key_id, log_id, number) + bytes(20)
        self._frame_prefix = b"assize/frame".ljust(16, b"\0") + self._prefix

    def with_bytes(self, data: bytes) -> Segment:
        """The same segment, read again."""
        return Segment(self.number, data, self._key, *self._ids)

    def header_crc_holds(self) -> bool:
        (recorded,) = struct.unpack_from("<I", self.data, 248)
        return crc32c_words(self._words[: 248 // 4], self._crc_start) ^ U32_MAX == recorded

    def header_tag_holds(self) -> bool:
        """FORMAT 6.5."""
        prefix = b"assize/header".ljust(16, b"\0") + self._prefix
        return hmac.compare_digest(tag_of(self._key, prefix + self.data[:216]), self.data[216:248])

    def frame_at(self, offset: int) -> Optional[Frame]:
        """FORMAT 7.1 and 7.4; None where no whole frame stands."""
        data = self.data
        if offset + FRAME_MIN > len(data) or data[offset : offset + 4] != FRAME_MAGIC:
            return None
        _, size, sequence, effective, caller, synced, kind, extension = FRAME_HEAD.unpack_from(data, offset)
        unpadded = offset + 44 + size + extension
        end = unpadded + (-(size + extension)) % 8 + FRAME_TAIL
        if size > PAYLOAD_MAX or end > len(data) or any(data[unpadded : end - FRAME_TAIL]):
            return None
        (recorded,) = struct.unpack_from("<I", data, end - 4)
        if crc32c_words(self._words[offset // 4 : end // 4 - 1], self._crc_start) ^ U32_MAX != recorded:
            return None
        payload = data[offset + 44 : offset + 44 + size]
        return Frame(offset, end, sequence, effective, caller, synced, kind, extension, payload, data[end - FRAME_TAIL : end - 4])

    def frame_tag_holds(self, frame: Frame, previous: bytes) -> bool:
        """FORMAT 7.3."""
        message = self._frame_prefix + previous + self.data[frame.offset : frame.signed_end]
        return hmac.compare_digest(tag_of(self._key, message), frame.tag)

    def damaged_behind(self, offset: int, expected: int) -> Optional[Frame]:
        """FORMAT 8.3: a later frame which says that the record expected at `offset` was on disk."""
        at = self.data.find(FRAME_MAGIC, offset + 1)
        while at >= 0:
            frame = self.frame_at(at) if at % 8 == 0 else None
            last = expected + (len(self.data) - offset) // FRAME_MIN
            if frame is not None and expected <= frame.sequence <= last and frame.synced_through >= expected:
                return frame
            at = self.data.find(FRAME_MAGIC, at + 1)
        return None


class Log:
    """Verifies and replays a directory, segment by segment."""

    def __init__(self, directory: str, roots: Optional[list[RootKey]], anchor: Optional[Anchor] = None, live: bool = False):
        """Without roots, the log must be an unkeyed one."""
        self.directory, self.anchor, self.live = directory, anchor, live
        self.unkeyed = roots is None
        self.roots = {root.id: root for root in roots or []}
        self.keys: list[tuple[int, int]] = []  # id and mode, of the first segment and after each change
        self.next_key: Optional[tuple[int, int]] = None  # named in this segment, FORMAT 7.8
        self.ledger: Ledger = None  # type: ignore[assignment]  # made of the first checkpoint
        self.log_id = b""
        self.log_time = self.segments = self.frames = self.sequence = self.synced_through = 0
        self.tag = self.seal_tag = self.sealed_sha256 = ZEROS
        self.seal_offsets: tuple = ()  # of the segment before: where its seal starts and ends
        self.retention = NO_RETENTION  # the last so far
        self.headers: dict[int, tuple[int, bytes]] = {}  # of the segments read: sequence and SHA-256
        self.pruned_through: Optional[int] = None  # the last record before the first segment read, if that is not segment 1
        self.anchor_found = False
        self.records_after_anchor = 0
        self.tail_bytes = 0
        self._number = self._offset = 0
        self._expected = 1

    def verify(self) -> None:
        """FORMAT 8.2. Raises EvidenceError, or OSError where a file cannot be read."""
        try:
            numbers = self._to_be_read(self._segment_numbers())
            for number in numbers:
                self._segment(number, last=number == numbers[-1])
            if numbers[0] > max(self.retention.segment, 1):
                raise EvidenceError(f"segment {numbers[0] - 1} is missing, and no retention says so", segment=numbers[0] - 1)
            self.ledger.check_reserved()
            self._check_anchor()
        except (Contradiction, Malformed) as error:
            raise self._failure(str(error)) from None

    def _failure(self, what: str, sequence: Optional[int] = None) -> EvidenceError:
        at = self._expected if sequence is None else sequence
        return EvidenceError(what, self._number or None, at, self._offset)

    def _segment_numbers(self) -> list[int]:
        """FORMAT 6.1."""
        numbers = []
        for name in sorted(os.listdir(self.directory)):
            path = os.path.join(self.directory, name)
            known = re.fullmatch(r"[0-9]{8}\.seg(\.tmp)?", name) and int(name[:8])
            if not known or not stat.S_ISREG(os.lstat(path).st_mode):
                raise EvidenceError(f"{name!r} in the directory is no segment")
            if not name.endswith(".tmp"):
                numbers.append(int(name[:8]))
        if not numbers:
            raise EvidenceError("the directory has no segment")
        return numbers

    def _to_be_read(self, numbers: list[int]) -> list[int]:
        """FORMAT 8.8. What the last segment says of the last retention is believed here, and verified when it is read."""
        first = numbers[-1]
        while first - 1 in numbers:
            first -= 1
        if first == 1:
            return numbers
        kept = self._last_named(numbers[-1])
        missing = [number for number in range(max(kept, 1), first) if number not in numbers]
        if missing:
            raise EvidenceError(f"segment {missing[0]} is missing", segment=missing[0])
        return [number for number in numbers if number >= first]

    def _last_named(self, number: int) -> int:
        """The segment that the last retention names, by the header of that segment and its records."""
        data = self._read(number)
        if len(data) < HEADER_BYTES:
            return 0
        (kept,) = struct.unpack_from("<I", data, 120)
        segment = Segment(number, data, None, data[10], *struct.unpack_from("<I16s", data, 12))
        frame = segment.frame_at(HEADER_BYTES)
        while frame is not None:
            if frame.kind == RETENTION and len(frame.payload) == 44:
                (kept,) = struct.unpack_from("<I", frame.payload)
            frame = segment.frame_at(frame.end)
        return kept

    # ---- Segments ----

    def _segment(self, number: int, last: bool) -> None:
        self._number, self._offset = number, 0
        segment = self._header(number, self._read(number))
        self.segments += 1
        at = self._checkpoint(segment)
        first = self._expected
        while True:
            self._offset = at
            frame = segment.frame_at(at)
            if frame is None and last and self.live and segment.damaged_behind(at, self._expected):
                segment = segment.with_bytes(self._read(number))  # FORMAT 8.2: they may have been written meanwhile
                frame = segment.frame_at(at)
            if frame is None:
                break
            if frame.kind == SEAL:
                self._seal(segment, frame, first)
                return
            if frame.kind == KEY_CHANGE:
                self._key_change(segment, frame)
            else:
                self._record(segment, frame)
            at = frame.end
        self._end_without_seal(segment, at, last)

    def _read(self, number: int) -> bytes:
        with open(os.path.join(self.directory, f"{number:08}.seg"), "rb") as file:
            return file.read()

    def _header(self, number: int, data: bytes) -> Segment:
        """FORMAT 6.4 and 6.5, against the segment before. A failure names the sequence of the last record."""
        if len(data) < HEADER_BYTES or data[:8] != SEGMENT_MAGIC:
            raise self._failure("no segment header stands here", self.sequence)
        version, mode, zero, key_id, log_id, named, zeros, sequence, time = struct.unpack_from("<HBBI16sIIQq", data, 8)
        previous_tag, previous_sha256 = data[56:88], data[88:120]
        kept, kept_zeros, kept_sequence, kept_header = struct.unpack_from("<IIQ32s", data, 120)
        retention = Retention(kept, kept_sequence, kept_header)
        is_first = not self.segments
        known = version == VERSION and mode in KEY_MODES
        root = self.roots.get(key_id)
        segment_key = root.segment_key(mode, log_id, number) if known and root and mode != UNKEYED else None
        segment = Segment(number, data, segment_key, mode, key_id, log_id)
        if named == number and not segment.header_crc_holds():
            raise self._failure("the segment header is broken: its checksum does not hold", self.sequence)
        if not known:
            raise self._failure(f"format version {version}, key mode {mode}: this reader knows version 1, modes 1 to 3", self.sequence)
        if named != number:
            raise self._failure(f"the header names segment {named}", self.sequence)
        if (mode == UNKEYED) != self.unkeyed:
            wanted = "an unkeyed one" if self.unkeyed else "one with keys"
            raise self._failure(f"the log is {KEY_MODES[mode]}, {wanted} is expected", self.sequence)
        if self.unkeyed and key_id:
            raise self._failure(f"an unkeyed log names key {key_id}", self.sequence)
        if root is None and not self.unkeyed:
            given = ", ".join(str(given) for given in sorted(self.roots))
            raise self._failure(f"the segment is keyed with key {key_id}, key {given} was given", self.sequence)
        key, before = (key_id, mode), self.keys[-1] if self.keys else (key_id, mode)
        if key not in (before, self.next_key):
            stated, wanted = (f"key {id}, {KEY_MODES[mode]}" for id, mode in (key, before))
            raise self._failure(f"the segment is under {stated}, the one before it under {wanted} and names no other", self.sequence)
        if not is_first and log_id != self.log_id:
            raise self._failure(f"the segment is of another log, {log_id.hex()}", self.sequence)
        if zero or zeros or kept_zeros or any(data[168:216]) or any(data[252:256]):
            raise self._failure("reserved bytes of the header are not zero", self.sequence)
        if not segment.header_tag_holds():
            raise self._failure("the header's tag does not hold: another key, or changed", self.sequence)
        if retention != NO_RETENTION and not 2 <= retention.segment < number:
            raise self._failure(f"the header of segment {number} names segment {retention.segment} as the first kept", self.sequence)
        if is_first:
            self.log_id, self.log_time = log_id, time
        if is_first and number > 1:
            self.sequence, self.retention, self.pruned_through = sequence, retention, sequence
            self._expected, self.seal_tag, self.sealed_sha256 = sequence + 1, previous_tag, previous_sha256
        if sequence != self.sequence or time != self.log_time:
            raise self._failure(f"the header continues from sequence {sequence} at {time}, the log stands elsewhere", self.sequence)
        if previous_tag != self.seal_tag or previous_sha256 != self.sealed_sha256:
            raise self._failure("the header does not continue the segment before: seal's tag or SHA-256 differ", self.sequence)
        if retention != self.retention:
            raise self._failure("the header does not carry the last retention before it", self.sequence)
        if key != before or not self.keys:
            self.keys.append(key)
        self.headers[number] = (sequence, hashlib.sha256(data[:HEADER_BYTES]).digest())
        self.tag, self.frames, self.next_key = data[216:248], 0, None
        return segment

    def _checkpoint(self, segment: Segment) -> int:
        """FORMAT 10.1 and 10.2; returns where it ends."""
        at, parts, received = HEADER_BYTES, 1, []
        while len(received) < parts:
            self._offset = at
            frame = segment.frame_at(at)
            if frame is None or frame.kind != CHECKPOINT_PART:
                raise self._failure(f"the checkpoint is not complete: {len(received)} parts stand", self.sequence)
            self._envelope(segment, frame, control=True)
            if len(frame.payload) < 9:
                raise self._failure("a checkpoint part without bytes", self.sequence)
            part, stated = struct.unpack_from("<II", frame.payload)
            if part != len(received) or stated <= part or (received and stated != parts):
                raise self._failure(f"checkpoint part {part} of {stated}, part {len(received)} was expected", self.sequence)
            parts = stated
            size = len(frame.payload) - 8
            if size > PART_BYTES or (size < PART_BYTES and part + 1 < parts):
                raise self._failure(f"checkpoint part {part} has {size} bytes", self.sequence)
            received.append(frame.payload[8:])
            at = frame.end
        checkpoint = b"".join(received)
        try:
            if self.ledger is None:
                begin = Ledger if segment.number == 1 else restore
                self.ledger = begin(self.log_time, checkpoint)
            if self.ledger.sequence != self.sequence:
                raise Malformed(f"the checkpoint is of sequence {self.ledger.sequence}")
            self.ledger.check_reserved()
        except (Contradiction, Malformed) as error:
            raise self._failure(str(error), self.sequence) from None
        self._compare_checkpoint(checkpoint)
        return at

    def _compare_checkpoint(self, recorded: bytes) -> None:
        at = 0
        for name, replayed in self.ledger.canonical_sections():
            if recorded[at : at + len(replayed)] != replayed:
                raise self._failure(f"the checkpoint differs from the replay in its {name}", self.sequence)
            at += len(replayed)
        if at != len(recorded):
            raise self._failure(f"the checkpoint has {len(recorded) - at} bytes more than the replay", self.sequence)

    def _seal(self, segment: Segment, frame: Frame, first: int) -> None:
        """FORMAT 7.7, and what may follow it."""
        before, frames = self.tag, self.frames
        self._envelope(segment, frame, control=True)
        sha256 = hashlib.sha256(memoryview(segment.data)[: frame.offset])
        expected = struct.pack("<QQQ", frames, first, self.sequence) + before + sha256.digest()
        if frame.payload != expected:
            raise self._failure("the seal's payload is not what stands before it", self.sequence)
        sha256.update(memoryview(segment.data)[frame.offset : frame.end])
        self.seal_tag, self.sealed_sha256 = frame.tag, sha256.digest()
        self.seal_offsets = (frame.offset, frame.end)
        if segment.data[frame.end :].count(0) != len(segment.data) - frame.end:
            self._offset = frame.end
            raise self._failure("bytes after the seal are not zero")

    def _end_without_seal(self, segment: Segment, at: int, last: bool) -> None:
        """FORMAT 8.2 and 8.3."""
        tail = segment.data[at:].rstrip(b"\0")
        if not last:
            raise self._failure(
                "no whole frame stands here, and the segment has a successor" if tail else "the segment has no seal"
            )
        if not tail:
            return
        later = segment.damaged_behind(at, self._expected)
        if later is not None:
            raise self._failure(
                f"the record is damaged: frame {later.sequence} at {later.offset} says that it was on disk "
                f"(synced through {later.synced_through})"
            )
        if not self.live:
            raise self._failure("torn tail; opening recovers")
        self.tail_bytes = len(tail)

    def _key_change(self, segment: Segment, frame: Frame) -> None:
        """FORMAT 7.8."""
        self._envelope(segment, frame, control=True)
        if len(frame.payload) != 5 or frame.payload[4] not in KEY_MODES or frame.payload[4] == UNKEYED:
            raise self._failure("the change of key names none")
        self.next_key = struct.unpack("<IB", frame.payload)

    # ---- Frames ----

    def _envelope(self, segment: Segment, frame: Frame, control: bool) -> None:
        """FORMAT 7.2, 7.3, 7.5 and 8.1."""
        expected = self.sequence if control else self.sequence + 1
        if not segment.frame_tag_holds(frame, self.tag):
            raise self._failure("the frame's tag does not hold: changed, moved, or of another log", expected)
        if frame.extension:
            raise self._failure(f"an extension area of {frame.extension} bytes (reserved)", expected)
        if frame.sequence != expected:
            raise self._failure(f"sequence {frame.sequence} stands where {expected} was expected", expected)
        time = self.log_time
        if control and (frame.effective != time or frame.caller != time):
            raise self._failure(f"a control frame's times are not the log's {time}", expected)
        if not self.synced_through <= frame.synced_through < expected + control:
            raise self._failure(
                f"synced_through {frame.synced_through} after {self.synced_through}, in a frame of sequence {frame.sequence}",
                expected,
            )
        self.synced_through, self.tag = frame.synced_through, frame.tag
        self.frames += 1
        if self.anchor is not None and not self.anchor_found:
            self.anchor_found = frame.sequence == self.anchor.sequence and frame.tag == self.anchor.tag

    def _record(self, segment: Segment, frame: Frame) -> None:
        if frame.kind not in KIND_NAMES or frame.kind == CHECKPOINT_PART:
            self._envelope(segment, frame, control=frame.kind == CHECKPOINT_PART)
            raise self._failure(f"kind {frame.kind} is unknown, reserved, or not allowed here")
        if self.anchor_found:
            self.records_after_anchor += 1
        self._envelope(segment, frame, control=False)
        self.ledger.apply(frame.kind, frame.sequence, frame.effective, frame.caller, frame.payload)
        if frame.kind == RECOVERY:
            self._recovery(frame)
        if frame.kind == RETENTION:
            self._retention(frame)
        self.sequence, self.log_time = frame.sequence, frame.effective
        self._expected = frame.sequence + 1

    def _recovery(self, frame: Frame) -> None:
        """FORMAT 9.16: the first record after a cut stands where the cut was, or follows the seal that does."""
        segment, offset, size = struct.unpack_from("<IQQ", frame.payload)
        here = segment == self._number and offset == frame.offset
        at_seal = segment == self._number - 1 and offset in self.seal_offsets
        if size == 0 or not (here or at_seal):
            raise self._failure(f"a recovery of {size} bytes at segment {segment}, offset {offset}, stands elsewhere")

    def _retention(self, frame: Frame) -> None:
        """FORMAT 8.8: it names a later segment than the one before it, up to this one, and that one's header."""
        named = Retention(*struct.unpack("<IQ32s", frame.payload))
        if not max(self.retention.segment + 1, 2) <= named.segment <= self._number:
            raise self._failure(f"a retention names segment {named.segment} after {self.retention.segment}")
        if self.headers.get(named.segment, named[1:]) != named[1:]:
            raise self._failure(f"a retention names another header of segment {named.segment}, or another sequence")
        if not self.retention.sequence <= named.sequence <= self.headers[self._number][0]:
            raise self._failure(f"a retention names sequence {named.sequence}")
        self.retention = named

    # ---- Anchors ----

    def _check_anchor(self) -> None:
        """FORMAT 11.1 and 11.2."""
        anchor = self.anchor
        if anchor is None:
            return
        root = self.roots.get(anchor.key_id)
        if (anchor.mode == UNKEYED) != self.unkeyed:
            raise EvidenceError(f"the anchor is {KEY_MODES[anchor.mode]}, the log is not" if self.unkeyed else "the anchor is unkeyed")
        if anchor.log_id != self.log_id or (root is None and not self.unkeyed) or anchor.key_id not in (id for id, _ in self.keys):
            raise EvidenceError(f"the anchor is of log {anchor.log_id.hex()}, key {anchor.key_id}")
        if (anchor.key_id, anchor.mode) not in self.keys:
            raise EvidenceError(f"the anchor is of a log with {KEY_MODES[anchor.mode]} keys")
        key = None if root is None else root.anchor_key(anchor.mode, self.log_id, anchor.segment)
        if not hmac.compare_digest(tag_of(key, anchor.signed), anchor.mac):
            raise EvidenceError("the anchor's tag does not hold")
        if not self.anchor_found:
            if self.pruned_through is not None and anchor.segment < min(self.headers):
                raise EvidenceError(
                    f"the anchor is at sequence {anchor.sequence}, the log is pruned through {self.pruned_through}",
                    min(self.headers), self.pruned_through, 0,
                )  # fmt: skip
            if anchor.sequence > self.sequence:
                raise EvidenceError(
                    f"the anchor is at sequence {anchor.sequence}, the log ends at {self.sequence}: its end is missing",
                    self._number, self.sequence, self._offset,
                )  # fmt: skip
            raise EvidenceError(f"no frame of sequence {anchor.sequence} has the anchor's tag", sequence=anchor.sequence)
