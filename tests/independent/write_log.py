#!/usr/bin/env python3
"""A scribe for tests: encodes what it is told by FORMAT and chains it. It decides nothing and keeps no ledger.

It shares no code with the verifier, so that a mistake in one of them shows. Everything it writes is stated by the caller: outcomes,
checkpoints and times. `scenario.py` states one log by hand; `write_vectors.py` writes it to `vectors/`.
"""

from __future__ import annotations

import hashlib
import hmac
import struct

SECOND = 1_000_000_000
NO_PARENT = 2**32 - 1


def digest(tag: str, body: bytes) -> bytes:
    """FORMAT 1.4."""
    return hashlib.sha256(bytes([len(tag)]) + tag.encode() + body).digest()


def u8(value: int) -> bytes:
    return struct.pack("<B", value)


def u16(value: int) -> bytes:
    return struct.pack("<H", value)


def u32(value: int) -> bytes:
    return struct.pack("<I", value)


def u64(value: int) -> bytes:
    return struct.pack("<Q", value)


def i64(value: int) -> bytes:
    return struct.pack("<q", value)


def i32(value: int) -> bytes:
    return struct.pack("<i", value)


def text8(text: str) -> bytes:
    return u8(len(text.encode())) + text.encode()


def bitmap(members) -> bytes:
    """FORMAT 1.6."""
    out = bytearray(max(members) // 8 + 1) if members else bytearray()
    for member in members:
        out[member // 8] |= 1 << member % 8
    return u8(len(out)) + bytes(out)


def mask_of(items) -> int:
    return sum(1 << item for item in items)


# ---- Policies, requests, decisions (FORMAT 2 to 4) ----

KINDS = {"bps": 0, "number": 1, "set": 2, "member": 3}
RELATIONS = {"at_least": 0, "at_most": 1, "fits": 2, "has_all": 3, "has_any": 4, "one_of": 5}
SUBSTITUTIONS = {"best": 0, "margin": 1, "if_ineligible": 2, "never": 3}


def encode_schema(schema: dict) -> bytes:
    """FORMAT 2.2. Columns and quantities are given in the order of their names; everything else by index."""
    out = text8(schema["name"]) + u8(len(schema["columns"]))
    for name, kind in schema["columns"]:
        out += text8(name) + u8(KINDS[kind])
    out += u8(len(schema["quantities"]))
    for name, per, fallback in schema["quantities"]:
        out += text8(name) + u64(per) + u8(255 if fallback is None else fallback)
    out += u8(mask_of(schema["tier_by"])) + u8(len(schema["gates"]))
    for column, relation, source in schema["gates"]:
        out += u8(column) + u8(RELATIONS[relation])
        out += u8(0) if source == "request" else u8(2) if source == "risk" else u8(1) + u8(mask_of(source))
    return out + u8(255 if schema["merit"] is None else schema["merit"])


def encode_value(kind: str, value) -> bytes:
    if kind == "set":
        return bitmap(value)
    return u16(value) if kind == "member" else u64(value)


def encode_candidate(candidate: dict, schema: dict) -> bytes:
    """FORMAT 2.8."""
    known = sorted(candidate["values"])
    out = u32(candidate["id"]) + text8(candidate["name"]) + u8(candidate.get("enabled", True)) + u64(candidate.get("flat", 0))
    out += u32(mask_of(known))
    for column in known:
        out += encode_value(schema["columns"][column][1], candidate["values"][column])
    out += u8(len(candidate["cards"]))
    for above, rates in candidate["cards"]:
        out += u64(above) + u8(mask_of(rates)) + b"".join(u64(rates[quantity]) for quantity in sorted(rates))
    return out


def encode_policy(policy: dict) -> bytes:
    """FORMAT 2.1."""
    schema = policy["schema"]
    out = u16(1) + text8(policy["name"]) + u64(policy["epoch"]) + encode_schema(schema)
    limits = policy.get("limits", {})
    stated = [name for name in ("risk", "confidence") if name in limits]
    out += u8(("risk" in limits) + 2 * ("confidence" in limits)) + b"".join(u16(limits[name]) for name in stated)
    utility = policy.get("utility")
    if utility is None:
        out += u8(0)
    else:
        out += u8(1) + u32(utility["multiplier"])
        out += u16(65_535 if utility["merit_unknown"] is None else utility["merit_unknown"]) + u8(len(utility["weights"]))
        for column, weight, unknown in utility["weights"]:
            out += u8(column) + i64(weight) + (u8(0) if unknown is None else u8(1) + u64(unknown))
    rule, margin = policy["substitution"]
    out += u8(SUBSTITUTIONS[rule]) + (u64(margin) if rule == "margin" else b"")
    for column, (_, kind) in enumerate(schema["columns"]):
        if kind in ("set", "member"):
            listed = policy["members"][column]
            out += u16(len(listed)) + b"".join(u16(number) + text8(name) for number, name in listed)
    out += u32(len(policy["candidates"]))
    return out + b"".join(encode_candidate(candidate, schema) for candidate in policy["candidates"])


def encode_request(request: dict, schema: dict) -> bytes:
    """FORMAT 3.1."""
    facts = ("value", "confidence", "risk", "requested", "limit", "excluded")
    demands, quantities = request.get("demands", {}), request.get("quantities", {})
    out = u8(mask_of(i for i, fact in enumerate(facts) if fact in request)) + u16(mask_of(demands)) + u8(mask_of(quantities))
    codes = {"value": i64, "confidence": u16, "risk": u16, "requested": u32, "limit": u64}
    for fact, code in codes.items():
        if fact in request:
            out += code(request[fact])
    if "excluded" in request:
        out += u8(len(request["excluded"])) + b"".join(u32(candidate) for candidate in request["excluded"])
    for gate in sorted(demands):
        demand = demands[gate]
        out += u64(demand) if isinstance(demand, int) else bitmap(demand)
    return out + b"".join(u64(quantities[quantity]) for quantity in sorted(quantities))


def encode_decision(action: int, reason: int, selected: tuple | None = None, runner_up: tuple | None = None) -> bytes:
    """FORMAT 4.1. A choice is (candidate, cost) or (candidate, cost, utility)."""
    choices = [choice for choice in (selected, runner_up) if choice is not None]
    mask = (1 if selected else 0) | (2 if runner_up else 0) | (4 if selected and len(selected) == 3 else 0)
    out = u8(action) + u8(reason) + u8(mask)
    for choice in choices:
        out += u32(choice[0]) + u64(choice[1]) + (i64(choice[2]) if len(choice) == 3 else b"")
    return out


# ---- Payloads (FORMAT 9) ----


def operation(id: int | None, issued: int = 0) -> bytes:
    """FORMAT 9.2."""
    return u8(0) if id is None else u8(1) + id.to_bytes(16, "big") + i64(issued)


def encode_terms(horizon, operations, clock_jump, late_window, adjust_window: int = 0, settled: int = 0) -> bytes:
    """FORMAT 9.4."""
    return u64(horizon) + u32(operations) + u64(clock_jump) + u64(late_window) + u64(adjust_window) + u32(settled) + bytes(4)


def encode_account(name: str, parent: int | None, overrun: int, windows=(b"\0",), throttles=(), caps=(0, 0)) -> bytes:
    """FORMAT 9.14. Windows and throttles are encoded already; the caps are the most held and the most holds."""
    out = text8(name) + u32(NO_PARENT if parent is None else parent) + u8(overrun)
    for items in (windows, throttles):
        out += u8(len(items)) + b"".join(items)
    return out + u64(caps[0]) + u32(caps[1])


LIFETIME, GIVEN = u8(0), u8(4)
REQUESTS, COST = u8(0), u8(1)


def day(offset: int) -> bytes:
    return u8(1) + i32(offset)


def month(offset: int) -> bytes:
    return u8(2) + i32(offset)


def fixed(length: int, origin: int = 0) -> bytes:
    return u8(3) + u64(length) + i64(origin)


def units(*quantities: int) -> bytes:
    return u8(2) + u8(mask_of(quantities))


def throttle(counts: bytes, rate: int, period: int, burst: int) -> bytes:
    """FORMAT 9.14; `counts` is REQUESTS, COST or units."""
    return counts + u64(rate) + u64(period) + u64(burst)


def admission_arguments(principal: str, path: list, request: bytes, attested: bool = True) -> bytes:
    out = u8(1 if attested else 2) + text8(principal) + u8(len(path)) + b"".join(u32(account) for account in path)
    return out + u16(len(request)) + request


def admission_outcome(code: int, policy: bytes, decision: bytes, limit: int | None = None, end: bytes = b"") -> bytes:
    """FORMAT 9.8 for codes 0 to 3; `end` is the deadline, or the account and what of it binds or throttles."""
    (epoch,) = struct.unpack_from("<Q", policy, 3 + policy[2])
    head = u8(code) + u64(epoch) + digest("assize/policy/1", policy)
    return head + (u8(0) if limit is None else u8(1) + u64(limit)) + decision + end


# ---- Checkpoints (FORMAT 10) ----


def account_row(fields: bytes, granted: int, available: int, committed: int, unfunded: int, closed: bool = False) -> bytes:
    """FORMAT 10.6 for one lifetime limit, nothing lapsed."""
    return limits_row(fields, [(granted, [window_row(0, 0, granted, available, committed, 0, unfunded)])], closed=closed)


def limits_row(fields: bytes, limits: list, throttles: list = (), closed: bool = False) -> bytes:
    """FORMAT 10.6: for each limit its allowance and its windows, for each throttle its instant and backlog."""
    out = fields + u8(closed)
    for allowance, windows in limits:
        out += u64(allowance) + u32(len(windows)) + b"".join(windows)
    return out + b"".join(i64(instant) + backlog.to_bytes(16, "little") for instant, backlog in throttles)


def window_row(start, end, granted, available, committed=0, lapsed=0, unfunded=0) -> bytes:
    return i64(start) + i64(end) + i64(granted) + i64(available) + u64(committed) + u64(lapsed) + u64(unfunded)


def hold_row(sequence, state, amount, deadline, epoch, candidate, named: list, cells: list, spent: int = 0, missed: int = 0) -> bytes:
    """FORMAT 10.7."""
    out = u64(sequence) + u8(state) + u64(amount) + u64(spent) + u64(missed) + i64(deadline) + u64(epoch) + u32(candidate)
    return out + _paid_by(named, cells)


def settled_row(sequence: int, at: int, booked: int, unfunded: int, named: list, cells: list) -> bytes:
    """FORMAT 10.11."""
    return u64(sequence) + i64(at) + u64(booked) + u64(unfunded) + _paid_by(named, cells)


def _paid_by(named: list, cells: list) -> bytes:
    """A cell is an account with a limit and the start of its window, or an account alone for its one lifetime limit."""
    out = u8(len(named)) + b"".join(u32(account) for account in named) + u8(len(cells))
    for cell in cells:
        account, limit, start = cell if isinstance(cell, tuple) else (cell, 0, 0)
        out += u32(account) + u8(limit) + i64(start)
    return out


def operation_row(id: int, issued: int, kind: int, arguments: bytes, sequence: int, outcome: bytes) -> bytes:
    """FORMAT 10.9."""
    out = id.to_bytes(16, "big") + i64(issued) + digest("assize/operation/1", u16(kind) + arguments)
    return out + u16(kind) + u64(sequence) + u8(len(outcome)) + outcome


def encode_ledger(sequence, time, terms, halt, epoch, policies, disabled, accounts, holds, operations, settled=()) -> bytes:
    """FORMAT 10.3; `policies` are already encoded for their place (10.4 or 10.10), the other lists are rows."""
    out = u16(1) + u64(sequence) + i64(time) + terms + u8(halt) + u64(epoch)
    out += u32(len(policies)) + b"".join(policies) + u32(len(disabled)) + b"".join(u32(candidate) for candidate in disabled)
    for rows in (accounts, holds, settled, operations):
        out += u32(len(rows)) + b"".join(rows)
    return out


def genesis(time: int, terms: bytes, epoch: int, policy: bytes) -> bytes:
    """FORMAT 10.2."""
    return encode_ledger(0, time, terms, 0, epoch, [bytes32(policy)], [], [], [], [])


def bytes32(raw: bytes) -> bytes:
    return u32(len(raw)) + raw


# ---- The chain (FORMAT 5 to 7, 11) ----


def crc32c(data: bytes) -> int:
    """FORMAT 7.4, a bit at a time."""
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = (state >> 1) ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


def mac(key: bytes, message: bytes) -> bytes:
    if key == NO_KEY:
        return hashlib.sha256(message).digest()  # FORMAT 5.4
    return hmac.new(key, message, hashlib.sha256).digest()


NO_KEY = b""


class LogWriter:
    """Chains frames into segments. `files` holds the bytes of each segment so far."""

    def __init__(self, secret: bytes, key_id: int, log_id: bytes, time: int, mode: int = 1):
        self.key_id, self.log_id, self.time, self.mode = key_id, log_id, time, mode
        self._source = mac(log_id, secret) if mode != 3 else NO_KEY  # PRK; with evolving keys, K of the segment
        self.states: list[bytes] = []  # FORMAT 5.6, of each segment
        self.files: dict[str, bytearray] = {}
        self.number = self.sequence = self.synced_through = 0
        self.tag = self.seal_tag = self.seal_sha256 = bytes(32)
        self.kept = (0, 0, bytes(32))  # FORMAT 9.21, the last
        self.tags: list[tuple[int, int, int, bytes]] = []  # segment, sequence, kind, tag of every frame
        self.starts: list[tuple[str, int, int]] = []  # file, offset, kind of every frame

    @property
    def name(self) -> str:
        return f"{self.number:08}.seg"

    def key(self, label: bytes) -> bytes:
        if self.mode == 3:
            return NO_KEY
        return mac(self._source, label + b"\1")

    def begin_segment(self, checkpoint: bytes, part_bytes: int = 1 << 20) -> None:
        self.number += 1
        if self.mode == 2:
            self._source = self.key(b"assize/evolve/1" + u32(self.key_id))
            self.states.append(self.state())
        self._segment_key = self.key(b"assize/segment/1" + u32(self.key_id) + u32(self.number))
        self._frames, self._first = 0, self.sequence + 1
        head = b"ASSIZE\r\n" + u16(1) + u8(self.mode) + u8(0) + u32(self.key_id) + self.log_id + u32(self.number) + u32(0)
        head += u64(self.sequence) + i64(self.time) + self.seal_tag + self.seal_sha256
        head += u32(self.kept[0]) + u32(0) + u64(self.kept[1]) + self.kept[2] + bytes(48)
        self.tag = mac(self._segment_key, self._prefix("assize/header") + head)
        head += self.tag
        self.files[self.name] = bytearray(head + u32(crc32c(self.log_id + u32(self.number) + head)) + u32(0))
        parts = [checkpoint[at : at + part_bytes] for at in range(0, len(checkpoint), part_bytes)]
        for at, part in enumerate(parts):
            self.frame(64, u32(at) + u32(len(parts)) + part, self.sequence, self.time, self.time)

    def change_key(self, secret: bytes, key_id: int, mode: int) -> None:
        """FORMAT 7.8: the next segment is under that key."""
        self.frame(68, u32(key_id) + u8(mode), self.sequence, self.time, self.time)
        self.seal()
        self.key_id, self.mode, self._source = key_id, mode, mac(self.log_id, secret)
        for _ in range(self.number if mode == 2 else 0):
            self._source = self.key(b"assize/evolve/1" + u32(key_id))

    def record(self, kind: int, payload: bytes, caller: int) -> int:
        self.sequence += 1
        if kind != 66:  # a cut is recorded at the log's own time (SEMANTICS 8.2)
            self.time = max(self.time, caller)
        self.frame(kind, payload, self.sequence, self.time, caller)
        return self.sequence

    def retain(self, segment: int, caller: int) -> int:
        return self.record(67, self.retention(segment), caller)

    def retention(self, segment: int) -> bytes:
        """FORMAT 9.21: the payload that lets go of what comes before that segment, by which the next header goes."""
        header = bytes(self.files[f"{segment:08}.seg"][:256])
        self.kept = (segment, struct.unpack_from("<Q", header, 40)[0], hashlib.sha256(header).digest())
        return u32(self.kept[0]) + u64(self.kept[1]) + self.kept[2]

    def seal(self) -> None:
        before = self.files[self.name]
        payload = u64(self._frames) + u64(self._first) + u64(self.sequence) + self.tag + hashlib.sha256(before).digest()
        self.frame(65, payload, self.sequence, self.time, self.time)
        self.seal_tag, self.seal_sha256 = self.tag, hashlib.sha256(self.files[self.name]).digest()

    def frame(self, kind: int, payload: bytes, sequence: int, effective: int, caller: int) -> None:
        """FORMAT 7.1, 7.3, 7.4."""
        head = u32(0x315A5341) + u32(len(payload)) + u64(sequence) + i64(effective) + i64(caller)
        body = head + u64(self.synced_through) + u16(kind) + u16(0) + payload
        while (len(body) + 36) % 8:
            body += b"\0"
        self.tag = mac(self._segment_key, self._prefix("assize/frame") + self.tag + body)
        body += self.tag
        self.starts.append((self.name, len(self.files[self.name]), kind))
        self.files[self.name] += body + u32(crc32c(self.log_id + u32(self.number) + body))
        self._frames += 1
        self.tags.append((self.number, sequence, kind, self.tag))

    def anchor(self) -> bytes:
        """FORMAT 11.1, of the head."""
        out = b"ASZANCH1" + u16(1) + u8(self.mode) + u8(0) + u32(self.key_id) + self.log_id + u32(self.number) + u32(0)
        out += u64(self.sequence) + self.tag + i64(self.time)
        return out + mac(self.key(b"assize/anchor/1" + u32(self.key_id)), out)

    def state(self) -> bytes:
        """FORMAT 5.6."""
        out = b"ASZSTAT1" + u16(1) + u8(2) + u8(0) + u32(self.key_id) + self.log_id + u32(self.number) + u32(0) + self._source
        return out + digest("assize/state/1", out)

    def _prefix(self, domain: str) -> bytes:
        """FORMAT 6.6."""
        out = domain.encode().ljust(16, b"\0") + u16(1) + u8(self.mode) + u8(0) + u32(self.key_id) + self.log_id + u32(self.number)
        return out.ljust(64, b"\0")
