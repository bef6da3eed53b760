"""The kinds of records and their codes (FORMAT 9).

A part of the independent verifier: written from docs/FORMAT.md and docs/SEMANTICS.md alone, Python standard library only.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from decide import reason_name
from wire import TOO_SHORT, U32_MAX, Malformed, Reader

(
    TERMS, POLICY, HALT, CANDIDATE, ADMISSION, COMMIT, RELEASE, EXTEND, PART_COMMIT, REROUTE, EXPIRE, ADJUST, ACCOUNT, GRANT, CLOSE,
    REPARENT, BOUNDARY, RECOVERY, RETENTION,
) = (
    1, 2, 3, 4, 16, 17, 18, 19, 20, 21, 22, 23, 32, 33, 34, 35, 36, 66, 67,
)  # fmt: skip
CHECKPOINT_PART, SEAL = 64, 65
KEY_CHANGE = 68  # a control frame, which no ledger sees
KIND_NAMES = {
    TERMS: "terms", POLICY: "policy", HALT: "halt", CANDIDATE: "candidate switch", ADMISSION: "admission", COMMIT: "commit",
    RELEASE: "release", EXTEND: "extend", PART_COMMIT: "part commit", REROUTE: "reroute", EXPIRE: "expire", ADJUST: "adjust", ACCOUNT: "account", GRANT: "grant",
    CLOSE: "account closed", REPARENT: "reparent", BOUNDARY: "window boundary", RECOVERY: "recovery", RETENTION: "retention", CHECKPOINT_PART: "checkpoint part", SEAL: "seal",
}  # fmt: skip

NO_HALT, REDUCE_ONLY, HALT_ALL = range(3)
DENY_OVERRUN, IF_AVAILABLE, DEBT = range(3)  # in the order of strictness (SEMANTICS 9.6)
ADMITTED, DENIED_POLICY, DENIED_BUDGET, DENIED_THROTTLE, DENIED_HALTED = range(5)  # FORMAT 9.8
OUTCOME_NAMES = {0: "admitted", 1: "denied_policy", 2: "denied_budget", 3: "denied_throttle", 4: "denied_halted"}
OPEN, EXPIRED = range(2)

CAP_HELD, CAP_HOLDS = 3, 4  # FORMAT 9.8: what binds, after the limits' numbers
PATH_MAX, CELLS_MAX, LEVELS_MAX = 4, 24, 8  # SEMANTICS 9.3 and 9.18
LIMITS_MAX, THROTTLES_MAX = 3, 4  # FORMAT 9.14
EXPIRE_MAX = 256  # FORMAT 9.13
TERMS_BYTES, OPERATIONS_MAX, SETTLED_MAX = 44, 1 << 24, 1 << 24  # FORMAT 9.4
NO_PARENT = U32_MAX  # FORMAT 9.14


class Contradiction(Exception):
    """A record that the replay does not reproduce, or that the rules do not allow."""


class Terms(NamedTuple):
    """FORMAT 9.4."""

    horizon: int
    operations_max: int
    clock_jump: int
    late_window: int
    adjust_window: int
    settled_max: int


def read_terms(source: Reader) -> tuple[Terms, bytes]:
    """FORMAT 9.4."""
    raw = source.take(TERMS_BYTES)
    if any(raw[40:]):
        raise Malformed("the terms' last 4 bytes are not zero")
    terms = Terms._make(struct.unpack_from("<QIQQQI", raw))
    if terms.settled_max > SETTLED_MAX:
        raise Malformed(f"terms of {terms.settled_max} settled holds, at most {SETTLED_MAX}")
    if terms.operations_max > OPERATIONS_MAX:
        raise Malformed(f"terms of {terms.operations_max} operations, at most {OPERATIONS_MAX}")
    return terms, raw


def describe_outcome(outcome: bytes) -> str:
    """An outcome of FORMAT 9.8 in words, as far as it can be read."""
    source = Reader(outcome)
    try:
        text = OUTCOME_NAMES.get(source.u8(), "an unknown outcome")
        if not source.data[1:]:
            return text
        text += f", epoch {source.u64()}"
        source.take(32)
        if source.u8():
            text += f", limit applied {source.u64()}"
        action, reason, mask = source.u8(), source.u8(), source.u8()
        text += f", action {action} ({reason_name(reason)})"
        if mask & 1:
            text += f" candidate {source.u32()} at {source.u64()}"
        return text
    except (Malformed, *TOO_SHORT):
        return f"{len(outcome)} bytes, unreadable"
