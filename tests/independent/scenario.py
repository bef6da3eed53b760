"""One log, stated by hand: every outcome, every balance and both checkpoints were worked out on paper from SEMANTICS.

The tables say what happens; the notes beside them show the sums. Money is in micro-units.
"""

from __future__ import annotations

from write_log import (
    SECOND,
    LogWriter,
    account_row,
    admission_arguments,
    admission_outcome,
    bytes32,
    digest,
    encode_account,
    encode_decision,
    encode_ledger,
    encode_policy,
    encode_request,
    encode_terms,
    genesis,
    hold_row,
    i64,
    operation,
    operation_row,
    settled_row,
    u8,
    u16,
    u32,
    u64,
)

SECRET = bytes(range(64, 112))
KEY_ID = 7
LOG_ID = bytes.fromhex("00112233445566778899aabbccddeeff")
KEY_FILE = b"assize-key-1\nid=7\nsecret=" + SECRET.hex().encode() + b"\n"
T0 = 1_700_000_000 * SECOND
FIRST_TERMS = encode_terms(horizon=5 * SECOND, operations=1, clock_jump=SECOND, late_window=0)
TERMS = encode_terms(60 * SECOND, 8, 3600 * SECOND, 30 * SECOND, adjust_window=5 * SECOND, settled=1)

CAPS, CONTEXT, QUALITY, REGION = range(4)
CACHED, INPUT, OUTPUT = range(3)
ALPHA, BETA, GAMMA, DELTA, EPSILON, ZETA = 1, 2, 3, 4, 7, 9
ORG, TEAM_B, TEAM_A, KEY = range(4)
DENY, IF_AVAILABLE, DEBT = range(3)
EXECUTE, SUBSTITUTE, DENIED = range(3)

SCHEMA = {
    "name": "demo-1",
    "columns": [("caps", "set"), ("context", "number"), ("quality", "bps"), ("region", "member")],
    "quantities": [("cached", 1_000_000, INPUT), ("input", 1_000_000, None), ("output", 1_000_000, None)],
    "tier_by": [CACHED, INPUT],
    "gates": [
        (CAPS, "has_all", "request"),
        (CONTEXT, "fits", [CACHED, INPUT, OUTPUT]),
        (REGION, "one_of", "request"),
        (QUALITY, "at_least", "request"),
    ],
    "merit": QUALITY,
}

CANDIDATES = [
    {
        "id": ALPHA,
        "name": "alpha",
        "values": {CAPS: [0, 1], CONTEXT: 8_000, QUALITY: 9_000, REGION: 0},
        "cards": [(0, {INPUT: 3_000_000, OUTPUT: 15_000_000})],
    },
    {
        "id": BETA,
        "name": "beta",
        "values": {CAPS: [0], CONTEXT: 128_000, QUALITY: 8_000, REGION: 1},
        "cards": [
            (0, {CACHED: 500_000, INPUT: 1_000_000, OUTPUT: 4_000_000}),
            (10_000, {INPUT: 2_000_000, OUTPUT: 8_000_000}),
        ],
    },
    {
        "id": GAMMA,
        "name": "gamma",
        "flat": 100,
        "values": {CAPS: [0, 1, 9], CONTEXT: 32_000, REGION: 0},
        "cards": [(0, {INPUT: 500_000, OUTPUT: 1_000_000})],
    },
    {
        "id": DELTA,
        "name": "delta",
        "enabled": False,
        "values": {CAPS: [0], CONTEXT: 32_000, QUALITY: 5_000, REGION: 0},
        "cards": [(0, {INPUT: 1, OUTPUT: 1})],
    },
    {"id": EPSILON, "name": "epsilon", "values": {CAPS: [0]}, "cards": []},
    {
        "id": ZETA,
        "name": "zeta",
        "values": {CAPS: [1], CONTEXT: 16_000, QUALITY: 7_000, REGION: 2},
        "cards": [(0, {OUTPUT: 1_000_000})],
    },
]

_COMMON = {
    "name": "demo",
    "schema": SCHEMA,
    "members": {CAPS: [(0, "tools"), (1, "vision"), (9, "audio")], REGION: [(0, "eu"), (1, "us"), (2, "ap")]},
    "candidates": CANDIDATES,
}
POLICY_1 = {**_COMMON, "epoch": 1, "substitution": ("margin", 2_000)}
POLICY_2 = {
    **_COMMON,
    "epoch": 2,
    "substitution": ("best", None),
    "limits": {"risk": 8_000, "confidence": 500},
    "utility": {"multiplier": 5_000, "merit_unknown": 6_000, "weights": [(CONTEXT, -1, 0)]},
}
P1, P2 = encode_policy(POLICY_1), encode_policy(POLICY_2)

# 1000 input and 200 output tokens: alpha 3000 + 3000, beta 1000 + 800, gamma 100 + 500 + 200
_TOKENS = {INPUT: 1_000, OUTPUT: 200}
REQUESTS = {
    "plain": {"demands": {0: [0]}, "quantities": _TOKENS},
    "beta wanted": {"demands": {0: [0]}, "quantities": _TOKENS, "requested": BETA},
    "region": {"demands": {0: [0], 2: [2]}, "quantities": _TOKENS},
    "cached": {"demands": {0: [0], 3: 7_500}, "quantities": {CACHED: 1_000, OUTPUT: 10}, "limit": 4_000},
    "not beta": {"demands": {0: [0]}, "quantities": _TOKENS, "excluded": [BETA]},
    "not gamma": {"demands": {0: [0]}, "quantities": _TOKENS, "excluded": [GAMMA]},
    "worth": {"value": 100_000, "confidence": 9_000, "risk": 1_000, "demands": {0: [0]}, "quantities": _TOKENS},
    "worth not beta": {
        "value": 100_000,
        "confidence": 9_000,
        "risk": 1_000,
        "demands": {0: [0]},
        "quantities": _TOKENS,
        "excluded": [BETA],
    },
    "risky": {"value": 100_000, "confidence": 9_000, "risk": 8_000, "demands": {0: [0]}, "quantities": _TOKENS},
}
R = {name: encode_request(request, SCHEMA) for name, request in REQUESTS.items()}

GAMMA_FIRST = encode_decision(EXECUTE, 2, (GAMMA, 800), (BETA, 1_800))
BETA_KEPT = encode_decision(EXECUTE, 1, (BETA, 1_800), (GAMMA, 800))  # 1800 - 800 is within the margin of 2000
GAMMA_INSTEAD = encode_decision(SUBSTITUTE, 4, (GAMMA, 800))  # limit 1200: beta and alpha cost more
BETA_FIRST = encode_decision(EXECUTE, 2, (BETA, 1_800), (ALPHA, 6_000))
# 1000 cached: beta 500, alpha by its input rate 3000; output 40 and 150; gamma's quality is unknown
BETA_CACHED = encode_decision(EXECUTE, 2, (BETA, 540), (ALPHA, 3_150))
REGION_DENIED = encode_decision(DENIED, 32 + 2)  # delta disabled, zeta by gate 0, epsilon by gate 1, three by gate 2
COST_DENIED = encode_decision(DENIED, 20)  # one each by disabled, gate 0, gate 1; three by cost
RISK_DENIED = encode_decision(DENIED, 16)
# value · confidence = 9 · 10⁸; risk 5000; beta 72000 - 5000 - 1800 + 128000; gamma counts as 6000: 54000 - 5000 - 800 + 32000
BETA_WORTH = encode_decision(EXECUTE, 2, (BETA, 1_800, 193_200), (GAMMA, 800, 80_200))

ACCOUNTS = [
    encode_account("org", None, DEBT),
    encode_account("team-b", ORG, IF_AVAILABLE),
    encode_account("team-a", ORG, DENY),
    encode_account("key", None, DEBT),
]


def at(seconds: float) -> int:
    return T0 + int(seconds * SECOND)


def admitted(policy: bytes, decision: bytes, deadline: float, limit: int | None = None) -> bytes:
    return admission_outcome(0, policy, decision, limit, i64(at(deadline)))


def ask(path: list, request: str, outcome: bytes, op: bytes = operation(None), attested: bool = True) -> tuple[int, bytes]:
    return 16, op + admission_arguments("alice", path, R[request], attested) + outcome


def usage(hold: int, served: int, quantities: dict, outcome: tuple) -> tuple[int, bytes]:
    stated = u8(sum(1 << quantity for quantity in quantities)) + b"".join(u64(quantities[q]) for q in sorted(quantities))
    return 17, operation(None) + u64(hold) + u8(1) + u32(served) + stated + _commit_outcome(*outcome)


def amount(hold: int, spent: int, outcome: tuple, op: bytes = operation(None)) -> tuple[int, bytes]:
    return 17, op + u64(hold) + u8(2) + u64(spent) + _commit_outcome(*outcome)


def part(hold: int, so_far: int, outcome: tuple, op: bytes = operation(None), code: int = 0) -> tuple[int, bytes]:
    """The outcome is what was spent so far, extra, unfunded, and what is held then."""
    return 20, op + u64(hold) + u8(2) + u64(so_far) + u8(code) + b"".join(map(u64, outcome))


def adjust(hold: int, actual: int, outcome: tuple, op: bytes = operation(None)) -> tuple[int, bytes]:
    """The outcome is extra, unfunded and refunded."""
    return 23, op + u64(hold) + u64(actual) + b"".join(map(u64, outcome))


def part_usage(hold: int, served: int, quantities: dict, outcome: tuple) -> tuple[int, bytes]:
    _, payload = usage(hold, served, quantities, (0, 0, 0, 0))
    return 20, payload[:-25] + u8(0) + b"".join(map(u64, outcome))


def _commit_outcome(code: int, actual: int, extra: int, unfunded: int) -> bytes:
    return u8(code) + u64(actual) + u64(extra) + u64(unfunded)


def release(hold: int, code: int, given_back: int) -> tuple[int, bytes]:
    return 18, operation(None) + u64(hold) + u8(code) + u64(given_back)


def extend(hold: int, more: int, outcome: bytes) -> tuple[int, bytes]:
    return 19, operation(None) + u64(hold) + u64(more) + outcome


def reroute(hold: int, failed: int, request: str, given_back: int, outcome: bytes) -> tuple[int, bytes]:
    return 21, operation(None) + u64(hold) + u32(failed) + u16(len(R[request])) + R[request] + u64(given_back) + outcome


def grant(account: int, change: int, op: bytes = operation(None)) -> tuple[int, bytes]:
    return 33, op + u32(account) + u8(0) + i64(change)


OP_GRANT, OP_ADMIT, OP_AGAIN = operation(1, at(0.7)), operation(2, at(1)), operation(2, at(69))
OP_PART, OP_ADJUST = operation(3, at(71)), operation(4, at(71))
HALTED = u8(4)
CUT = digest("what was cut", b"")

# Time in seconds after T0, kind and payload; the notes give available / reserved / committed / unfunded where they change.
FIRST_SEGMENT = [
    # 1: longer times and more operations than at first
    (0.1, (1, TERMS)),
    (0.2, (3, u8(0))),
    (0.3, (32, ACCOUNTS[ORG])),
    (0.4, (32, ACCOUNTS[TEAM_B])),
    (0.5, (32, ACCOUNTS[TEAM_A])),
    (0.6, (32, ACCOUNTS[KEY])),
    (0.7, grant(ORG, 20_000, OP_GRANT)),
    (0.8, grant(TEAM_B, 5_000)),
    (0.9, grant(TEAM_A, 3_000)),
    (1.0, grant(KEY, 10_000)),
    # 11: team-b 4200 / 800, org 19200 / 800
    (1.1, ask([TEAM_B], "plain", admitted(P1, GAMMA_FIRST, 10), OP_ADMIT)),
    # 12: team-a 1200 / 1800, org 17400 / 2600, key 8200 / 1800
    (1.2, ask([TEAM_A, KEY], "beta wanted", admitted(P1, BETA_KEPT, 10), attested=False)),
    (1.3, ask([TEAM_B], "region", admission_outcome(1, P1, REGION_DENIED))),
    # 14: 1800 > 1200, so again with 1200: team-a 400 / 2600, org 16600 / 3400
    (1.4, ask([TEAM_A], "beta wanted", admitted(P1, GAMMA_INSTEAD, 10, limit=1_200))),
    # 15: 800 > 400, and with 400 none
    (1.5, ask([TEAM_A], "plain", admission_outcome(2, P1, COST_DENIED, 400, u32(TEAM_A) + u8(0)))),
    # 16: 100 + 500 + 150 of 800: team-b 4250 / 0 / 750, org 16650 / 2600 / 750
    (1.6, usage(11, GAMMA, {INPUT: 1_000, OUTPUT: 150}, (0, 750, 0, 0))),
    # 17: 1000 + 1200 of 1800, team-a denies: team-a 400 / 800 / 1800 / 400, org 16650 / 800 / 2550 / 400, key 8200 / 0 / 1800 / 400
    (1.7, usage(12, BETA, {INPUT: 1_000, OUTPUT: 300}, (0, 2_200, 0, 400))),
    # 18: team-a 100 / 1100, org 16350 / 1100
    (1.8, extend(14, 300, u8(0) + i64(at(20)) + u64(1_100))),
    (1.9, extend(14, 500, u8(2) + u32(TEAM_A) + u8(0))),
    # 20: team-b 3710 / 540, org 15810 / 1640
    (2.0, ask([TEAM_B], "cached", admitted(P1, BETA_CACHED, 10))),
    # 21: 4460 above the hold, team-b has 3710: team-b 0 / 0 / 5000 / 750, org 12100 / 1100 / 6800 / 1150
    (2.1, amount(20, 5_000, (0, 5_000, 3_710, 750))),
    # 22: key 7400 / 800
    (2.2, ask([KEY], "plain", admitted(P1, GAMMA_FIRST, 10))),
    # 23: debt: key -11800 / 0 / 21800 / 400
    (2.3, amount(22, 20_000, (0, 20_000, 19_200, 0))),
    (2.4, (4, u32(GAMMA) + u8(0))),
    # 25: org 10300 / 2900
    (2.5, ask([ORG], "plain", admitted(P1, BETA_FIRST, 5))),
    (2.6, (3, u8(1))),
    (2.7, ask([ORG], "plain", HALTED)),
    (2.8, extend(25, 1, HALTED)),
    # 29: alpha at 6000 is above the 1800 released: org 12100 / 1100
    (2.9, reroute(25, BETA, "not beta", 1_800, HALTED)),
    (3.0, (3, u8(0))),
    (3.1, (4, u32(GAMMA) + u8(1))),
    # 32: org 11300 / 1900
    (3.2, ask([ORG], "plain", admitted(P1, GAMMA_FIRST, 8))),
    # 33: org 10300 / 2900
    (3.3, reroute(32, GAMMA, "not gamma", 800, admitted(P1, BETA_FIRST, 9))),
    (3.4, (4, u32(5) + u8(0))),
]

SECOND_SEGMENT = [
    (4.0, (2, P2)),
    # 36: org 12100 / 1100
    (9.0, (22, u16(1) + u64(33))),
    # 37: org unfunded 1250
    (10.0, amount(33, 100, (1, 100, 0, 100))),
    # 38: 1800 > 0, and with 0 none
    (10.1, ask([TEAM_B], "worth", admission_outcome(2, P2, COST_DENIED, 0, u32(TEAM_B) + u8(0)))),
    # 39 and 40: org 10300 / 2900, and at its deadline back
    (10.2, ask([ORG], "worth", admitted(P2, BETA_WORTH, 11))),
    (11.0, release(39, 1, 0)),
    # 41 and 42: the same, released in time
    (11.1, ask([ORG], "worth", admitted(P2, BETA_WORTH, 30))),
    (11.2, release(41, 0, 1_800)),
    # 43: org granted 19000, 11100 / 1100
    (11.3, grant(ORG, -1_000)),
    (11.4, (34, u32(KEY))),
    # 45: by the policy that admitted it, 800 of 1100: team-a 400 / 0 / 2600 / 400, org 11400 / 0 / 7600 / 1250
    (15.0, usage(14, GAMMA, {INPUT: 1_000, OUTPUT: 200}, (0, 800, 0, 0))),
    # 46: the operation id of record 11, forgotten by now; 1800 > 400, and with 400 none
    (70.0, ask([ORG, TEAM_A], "worth", admission_outcome(2, P2, COST_DENIED, 400, u32(TEAM_A) + u8(0)), OP_AGAIN)),
    # 47 to 49: org 9600 / 1800, and back though the reroute is denied
    (70.1, ask([ORG], "worth", admitted(P2, BETA_WORTH, 100))),
    (70.2, (3, u8(2))),
    (70.3, reroute(47, BETA, "worth not beta", 1_800, HALTED)),
    (70.4, (3, u8(0))),
    # 51: org 9600 / 1800 / 7600 / 1250
    (70.5, ask([ORG], "worth", admitted(P2, BETA_WORTH, 200))),
    # 52: the caller's clock went back, the log's does not
    (70.0, ask([TEAM_B], "risky", admission_outcome(1, P2, RISK_DENIED))),
    # 53: as after a cut of 24 bytes where it stands; at the log's time, whatever the clock says
    (70.6, (66, lambda log: u32(log.number) + u64(len(log.files[log.name])) + u64(24) + CUT)),
    # 54: 300 of 1800 is booked, and 1500 stays held: org 9600 / 1500 / 7900 / 1250
    (71.0, part(51, 300, (300, 0, 0, 1_500), OP_PART)),
    # 55 and 56: another hold, org 7800 / 3300; 500 of it: 7800 / 2800 / 8400
    (71.1, ask([ORG], "worth", admitted(P2, BETA_WORTH, 200))),
    (71.2, part(55, 500, (500, 0, 0, 1_300))),
    # 57: 1000 and 800 so far, so 1300 more: 7800 / 1500 / 9700
    (71.3, part_usage(55, BETA, _TOKENS, (1_800, 0, 0, 0))),
    # 58: 200 more, of which none is held: debt. org 7600 / 1500 / 9900
    (71.4, part(55, 2_000, (2_000, 200, 0, 0))),
    # 59: nothing but the last 100: org 7500 / 1500 / 10000
    (71.5, amount(55, 2_100, (0, 2_100, 100, 0))),
    # 60: the invoice says 1900: org 7700 / 1500 / 9800
    (71.6, adjust(55, 1_900, (0, 0, 200), OP_ADJUST)),
]


def middle_checkpoint() -> bytes:
    """The ledger after record 34."""
    org, team_b, team_a, key = ACCOUNTS
    accounts = [
        account_row(org, 20_000, 10_300, 6_800, 1_150),
        account_row(team_b, 5_000, 0, 5_000, 750),
        account_row(team_a, 3_000, 100, 1_800, 400),
        account_row(key, 10_000, -11_800, 21_800, 400),
    ]
    holds = [
        hold_row(14, 0, 1_100, at(20), 1, GAMMA, [TEAM_A], [TEAM_A, ORG]),
        hold_row(33, 0, 1_800, at(9), 1, BETA, [ORG], [ORG]),
    ]
    granted = u32(ORG) + u8(0) + i64(20_000)
    operations = [
        operation_row(1, at(0.7), 33, granted, 7, b""),
        operation_row(2, at(1), 16, admission_arguments("alice", [TEAM_B], R["plain"]), 11, admitted(P1, GAMMA_FIRST, 10)),
    ]
    settled = [settled_row(22, at(2.3), 20_000, 0, [KEY], [KEY])]
    return encode_ledger(34, at(3.4), TERMS, 0, 1, [bytes32(P1)], [5], accounts, holds, operations, settled)


def final_ledger(by_name: bool) -> bytes:
    """The ledger at the head; `by_name` as the ledger's digest takes it (FORMAT 10.10)."""
    org, team_b, team_a, key = ACCOUNTS
    if by_name:  # key, org, team-a, team-b
        team_b, team_a = encode_account("team-b", 1, IF_AVAILABLE), encode_account("team-a", 1, DENY)
    rows = [
        account_row(org, 19_000, 7_700, 9_800, 1_250),
        account_row(team_b, 5_000, 0, 5_000, 750),
        account_row(team_a, 3_000, 400, 2_600, 400),
        account_row(key, 10_000, -11_800, 21_800, 400, closed=True),
    ]
    accounts = [rows[number] for number in ((KEY, ORG, TEAM_A, TEAM_B) if by_name else range(4))]
    number = 1 if by_name else ORG
    holds = [hold_row(51, 0, 1_500, at(200), 2, BETA, [number], [number], spent=300)]
    arguments = admission_arguments("alice", [ORG, TEAM_A], R["worth"])
    outcome = admission_outcome(2, P2, COST_DENIED, 400, u32(TEAM_A) + u8(0))
    operations = [
        operation_row(2, at(69), 16, arguments, 46, outcome),
        operation_row(3, at(71), 20, u64(51) + u8(2) + u64(300), 54, u8(0) + u64(300) + u64(0) + u64(0) + u64(1_500)),
        operation_row(4, at(71), 23, u64(55) + u64(1_900), 60, u64(0) + u64(0) + u64(200)),
    ]
    policy = digest("assize/policy/1", P2) if by_name else bytes32(P2)
    settled = [settled_row(55, at(71.5), 1_900, 0, [number], [number])]
    return encode_ledger(60, at(71.6), TERMS, 0, 2, [policy], [5], accounts, holds, operations, settled)


TOTALS = {"granted": 37_000, "available": -3_700, "reserved": 1_500, "committed": 39_200, "lapsed": 0, "unfunded": 2_800}
DECISIONS = {"admitted": 13, "denied_budget": 3, "denied_halted": 3, "denied_policy": 2}


def build(first: list = FIRST_SEGMENT, second: list | None = SECOND_SEGMENT, checkpoint: bytes | None = None, mode: int = 1) -> LogWriter:
    """Writes the log, or a variation of it; without a second segment the first is not sealed."""
    log = LogWriter(SECRET, 0 if mode == 3 else KEY_ID, LOG_ID, T0, mode)
    log.begin_segment(genesis(T0, FIRST_TERMS, 1, P1))
    _append(log, first)
    if second is not None:
        log.seal()
        log.files[log.name] += bytes(64)
        log.begin_segment(middle_checkpoint() if checkpoint is None else checkpoint)
        _append(log, second)
    log.files[log.name] += bytes(64)
    return log


OTHER_SECRET, OTHER_KEY_ID = bytes(range(32)), 9


def build_keys(*modes: int) -> LogWriter:
    """A segment without records in each mode, under the first key and the other one in turn."""
    keys = [(SECRET, KEY_ID), (OTHER_SECRET, OTHER_KEY_ID)]
    log = LogWriter(SECRET, KEY_ID, LOG_ID, T0, modes[0])
    log.begin_segment(genesis(T0, FIRST_TERMS, 1, P1))
    for at, mode in enumerate(modes[1:], 1):
        log.change_key(*keys[at % 2], mode)
        log.begin_segment(genesis(T0, FIRST_TERMS, 1, P1))
    return log


def _append(log: LogWriter, steps: list) -> None:
    for seconds, (kind, payload) in steps:
        log.record(kind, payload(log) if callable(payload) else payload, at(seconds))
        if log.sequence % 3 == 0:
            log.synced_through = log.sequence - 1
