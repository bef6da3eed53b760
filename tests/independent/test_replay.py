"""Logs written with the key, so that their chain holds, whose records break a rule: the replay finds each."""

from __future__ import annotations

import unittest
from collections import Counter

import scenario as s
import wire
from on_disk import OnDisk
from random_log import KEY_ID, SECRET, RandomLog
from write_log import (
    LogWriter,
    admission_outcome,
    encode_account,
    encode_decision,
    encode_policy,
    encode_request,
    encode_terms,
    genesis,
    i64,
    operation,
    u8,
    u16,
    u32,
    u64,
)


class RandomLogs(OnDisk):
    def test_they_hold(self):
        """The file that other implementations replay reaches every kind of record and every rule of windows, throttles and caps,
        and verifies here from its bytes alone."""
        kinds: Counter = Counter()
        reached: Counter = Counter()
        for seed in range(16):
            log = RandomLog(seed)
            log.run(500)
            self.put(self.key, b"assize-key-1\nid=%d\nsecret=%s\n" % (KEY_ID, SECRET.hex().encode()))
            self.assertEqual(self.verified(log.writer.files).ledger.digest(), log.ledger.digest())
            kinds += log.kinds
            reached += log.ledger.counts + log.ledger.decisions + log.reached
        for kind in (1, 2, 3, 4, 16, 17, 18, 19, 20, 21, 22, 23, 32, 33, 34, 35, 36):
            self.assertGreater(kinds[kind], 20, f"kind {kind}: {kinds}")
        for name, least in self.LEAST.items():
            self.assertGreater(reached[name], least, f"{name}: {reached}")

    LEAST = {
        "rollovers of day windows": 20,
        "rollovers of month windows": 20,
        "rollovers of fixed windows": 500,
        "rollovers of given windows": 20,
        "rollovers of cells that holds name": 100,
        "rollovers that lapsed": 100,
        "rollovers that carried a debt": 50,
        "rollovers with a debt lowered by skipped windows": 10,
        "holds that lapsed in a closed cell": 100,
        "rests that lapsed in a closed cell": 10,
        "refunds that lapsed in a closed cell": 10,
        "holds that made up for what is owed": 50,
        "rests that made up for what is owed": 10,
        "refunds that made up for what is owed": 10,
        "extensions lent to a closed cell": 10,
        "overruns lent to a closed cell": 50,
        "adjustments lent to a closed cell": 10,
        "overruns of straddling holds, mode 0": 3,
        "overruns of straddling holds, mode 1": 10,
        "overruns of straddling holds, mode 2": 10,
        "budget denials by a limit": 100,
        "budget denials by a cap on what is held": 10,
        "budget denials by a cap on holds": 10,
        "denied_throttle": 50,
        "throttles of requests that deny": 10,
        "throttles of cost that deny": 10,
        "throttles of units that deny": 5,
        "throttles filled to the brim": 50,
        "reparented with open holds": 10,
        "reroutes by another path": 5,
        "extends denied": 10,
        "admissions before 1970": 100,
    }


class WithTheKey(OnDisk):
    """With the key: the chain holds, and the replay finds what the rules do not allow."""

    def rows(self, first: list, second: list | None, rows: list, allowed: tuple = ()) -> None:
        """Each row is appended to the records before it: seconds, (kind, payload), what the failure says or None."""
        steps = len(first) + len(second or [])
        for seconds, step, message in rows:
            with self.subTest(message=message, step=step):
                added = [(seconds, step)]
                log = s.build(first + added, None) if second is None else s.build(first, second + added)
                if message is None:
                    self.assertEqual(self.verified(log.files).sequence, steps + 1)
                else:
                    self.assertEqual(self.refused(log.files, message).sequence, steps + 1)

    def after(self, records: int, *rows: tuple) -> None:
        self.rows(s.FIRST_SEGMENT[:records], None, list(rows))

    def after_swap(self, records: int, *rows: tuple) -> None:
        self.rows(s.FIRST_SEGMENT, s.SECOND_SEGMENT[: records - 34], list(rows))

    def test_admissions(self):
        def asked(decision: bytes, **parts) -> tuple:
            return s.ask([s.TEAM_B], "plain", s.admitted(s.P1, decision, **{"deadline": 10, **parts}))

        def denied_at(account: int, what: int) -> bytes:
            return admission_outcome(2, s.P1, s.COST_DENIED, 400, u32(account) + u8(what))

        outcome = s.admitted(s.P1, s.GAMMA_FIRST, 10)
        self.after(
            10,
            (1.1, asked(s.GAMMA_FIRST), None),
            (1.1, asked(s.GAMMA_FIRST, deadline=1.1), "deadline"),
            (1.1, asked(encode_decision(0, 2, (s.GAMMA, 801), (s.BETA, 1_800))), "not the one replayed"),
            (1.1, asked(encode_decision(0, 2, (s.GAMMA, 800))), "not the one replayed"),
            (1.1, asked(encode_decision(0, 2, (s.BETA, 1_800), (s.GAMMA, 800))), "candidate 2 at 1800.*candidate 3 at 800"),
            (1.1, asked(encode_decision(0, 1, (s.GAMMA, 800), (s.BETA, 1_800))), "not the one replayed"),
            (1.1, asked(s.GAMMA_FIRST, limit=5_000), "limit applied 5000"),
            (1.1, s.ask([s.TEAM_B], "plain", s.admitted(s.P2, s.GAMMA_FIRST, 10)), "epoch 2"),
            (1.1, s.ask([s.TEAM_B], "plain", outcome + b"\0"), "not the one replayed"),
            (1.1, s.ask([s.TEAM_B], "plain", outcome[:-9]), "not the one replayed"),
            (1.1, s.ask([s.TEAM_B], "plain", s.HALTED), "not the one replayed"),
            (1.1, s.ask([s.TEAM_B], "plain", admission_outcome(1, s.P1, s.COST_DENIED)), "denied_policy"),
            (1.1, s.ask([s.TEAM_B, s.TEAM_B], "plain", outcome), "twice"),
            (1.1, s.ask([4], "plain", outcome), "account 4 is unknown"),
            (1.1, s.ask([], "plain", outcome), "path of 0"),
            (1.1, s.ask([0, 1, 2, 3, 0], "plain", outcome), "path of 5"),
            (1.1, (16, b"\0\3" + s.ask([s.TEAM_B], "plain", outcome)[1][2:]), "principal's origin"),
            (1.1, (16, b"\2"), "operation is 2"),
            (1.1, (16, b"\0\1\5ab"), "wanted"),
            (1.1, (16, b""), "too soon"),
        )  # fmt: skip
        self.after(
            13,
            (1.4, s.ask([s.TEAM_A], "beta wanted", s.admitted(s.P1, s.GAMMA_INSTEAD, 10, limit=1_201)), "limit applied 1201"),
            (1.4, s.ask([s.TEAM_A], "beta wanted", s.admitted(s.P1, s.BETA_KEPT, 10)), "candidate 2 at 1800"),
            (
                1.4,
                s.ask([s.TEAM_A], "beta wanted", admission_outcome(2, s.P1, s.COST_DENIED, 1_200, u32(s.TEAM_A) + u8(0))),
                "denied_budget",
            ),
        )
        self.after(
            14,
            (1.5, s.ask([s.TEAM_A], "plain", denied_at(s.ORG, 0)), "not the one replayed"),
            (1.5, s.ask([s.TEAM_A], "plain", denied_at(s.TEAM_A, 1)), "not the one replayed"),
            (1.5, s.ask([s.TEAM_A], "plain", denied_at(s.TEAM_A, 0)), None),
            (1.5, s.ask([s.TEAM_A], "plain", admission_outcome(1, s.P1, s.COST_DENIED)), "denied_policy"),
            (1.5, s.ask([s.TEAM_A, s.TEAM_B], "plain", denied_at(s.TEAM_A, 0)), None),
            (1.5, s.ask([s.TEAM_A], "plain", s.admitted(s.P1, s.GAMMA_FIRST, 10)), "candidate 3 at 800"),
        )

    def test_names(self):
        """FORMAT 1.8: 1 to 64 bytes for accounts and principals, 1 to 128 elsewhere, no control characters."""

        def account(name: str) -> tuple:
            return 32, encode_account(name, None, 0)

        def principal(name: str) -> tuple:
            kind, payload = s.ask([s.TEAM_B], "plain", s.admitted(s.P1, s.GAMMA_FIRST, 10))
            return kind, payload.replace(b"\5alice", bytes([len(name.encode())]) + name.encode())

        def policy(name: str) -> tuple:
            return 2, encode_policy({**s.POLICY_1, "epoch": 2, "name": name})

        for named, most in ((account, 64), (principal, 64), (policy, 128)):
            rows = [
                ("a", None),
                (" \U0001f600\u200b\u00a0", None),
                ("a" * most, None),
                ("", "has 0 bytes"),
                ("a" * (most + 1), f"1 to {most}"),
            ]
            rows += [(f"a{control}", "control") for control in "\0\n\x1f\x7f\x80\x9f"]
            self.after(10, *((1.1, named(name), message) for name, message in rows))

    def test_the_binding_account_is_the_earliest_of_equals(self):
        """Key and team-a both brought to 400; org, between them on the path, has more."""
        prepared = s.FIRST_SEGMENT[:10] + [(1.0, s.grant(s.KEY, -9_600)), (1.0, s.grant(s.TEAM_A, -2_600))]
        for path, binding in (([s.TEAM_A, s.KEY], s.TEAM_A), ([s.KEY, s.TEAM_A], s.KEY)):
            step = s.ask(path, "plain", admission_outcome(2, s.P1, s.COST_DENIED, 400, u32(binding) + u8(0)))
            self.rows(prepared, None, [(1.1, step, None)])
            self.rows(prepared, None, [(1.1, s.ask(path, "plain", step[1][-53:-5]), "not the one replayed|unreadable")])

    def test_malformed_requests(self):
        raw = encode_request({"demands": {1: 5}}, s.SCHEMA)
        body = b"\0\1\1a\1" + u32(s.TEAM_B) + u16(len(raw)) + raw
        self.after(10, (1.1, (16, body + s.HALTED), "does not feed"))
        self.after(26, (2.7, (16, body + s.HALTED), "does not feed"))
        self.after_swap(35, (9.0, s.ask([s.ORG], "plain", s.HALTED), "does not state"))

    def test_settlements(self):
        tokens = {s.INPUT: 1_000, s.OUTPUT: 150}
        self.after(
            15,
            (1.6, s.usage(11, s.GAMMA, tokens, (0, 751, 0, 0)), "751"),
            (1.6, s.usage(11, s.GAMMA, tokens, (1, 750, 0, 750)), "not the one replayed"),
            (1.6, s.usage(11, s.BETA, tokens, (0, 1_600, 800, 0)), None),
            (1.6, s.usage(11, s.DELTA, tokens, (0, 2, 0, 0)), None),
            (1.6, s.usage(11, s.GAMMA, {}, (0, 100, 0, 0)), None),
            (1.6, s.usage(11, 5, tokens, (0, 750, 0, 0)), "does not have"),
            (1.6, s.usage(11, s.EPSILON, tokens, (0, 0, 0, 0)), "no price"),
            (1.6, s.usage(11, s.GAMMA, {3: 1}, (0, 100, 0, 0)), "does not have"),
            (1.6, s.usage(11, s.GAMMA, {s.INPUT: 0}, (0, 100, 0, 0)), "quantity of 0"),
            (1.6, s.usage(11, s.ALPHA, {s.OUTPUT: 2**63}, (0, 0, 0, 0)), "spent"),
            (1.6, s.amount(11, 2**63, (0, 2**63, 0, 0)), "spent"),
            (1.6, s.amount(13, 1, (0, 1, 0, 0)), "hold 13 is unknown"),
            (1.6, s.amount(99, 1, (0, 1, 0, 0)), "hold 99 is unknown"),
            (1.6, (17, b"\0" + u64(11) + b"\3"), "spend is 3"),
            (1.6, s.release(11, 0, 800), None),
            (1.6, s.release(11, 0, 799), "not the one replayed"),
            (1.6, s.release(11, 1, 0), "not the one replayed"),
            (10.0, s.release(11, 1, 0), None),
            (10.0, s.release(11, 0, 800), "not the one replayed"),
            (10.0, s.amount(11, 5, (1, 5, 0, 5)), None),
            (10.0, s.amount(11, 5, (0, 5, 0, 0)), "not the one replayed"),
            (40.0, s.amount(11, 5, (1, 5, 0, 5)), None),
            (40.000000001, s.amount(11, 5, (1, 5, 0, 5)), "hold 11 is unknown"),
            (10.0, s.extend(11, 1, u8(0) + i64(s.at(30)) + u64(801)), "expired"),
            (10.0, s.reroute(11, s.GAMMA, "not gamma", 800, s.HALTED), "expired"),
        )
        self.after(
            16,
            (1.7, s.amount(11, 1, (0, 1, 0, 0)), "hold 11 is unknown"),
            (1.7, s.release(11, 0, 800), "hold 11 is unknown"),
            (1.7, s.usage(12, s.BETA, {s.INPUT: 1_000, s.OUTPUT: 300}, (0, 2_200, 400, 0)), "not the one replayed"),
        )
        self.after(
            20,
            (2.1, s.amount(20, 5_000, (0, 5_000, 3_711, 749)), "not the one replayed"),
            (2.1, s.amount(20, 5_000, (0, 5_000, 4_460, 0)), "not the one replayed"),
            (2.1, s.amount(20, 540, (0, 540, 0, 0)), None),
        )
        most = 2**63 - 1
        self.after(
            22,
            # debt goes to -i64::MAX and no further: 7400 + most may be booked
            (2.3, s.amount(22, most, (0, most, most - 800, 0)), None),
            (2.3, s.amount(22, 20_000, (0, 20_000, 0, 19_200)), "not the one replayed"),
        )
        deep = [*s.FIRST_SEGMENT[:23], (2.4, s.ask([s.KEY], "plain", s.HALTED))]
        self.rows(deep[:23], None, [(2.4, s.amount(22, 1, (0, 1, 0, 0)), "hold 22 is unknown")])

    def test_debt_has_a_floor(self):
        """key has 7400 and holds 800 twice: 6600, then -11800 + ... down to -i64::MAX, and the rest is unfunded."""
        most = 2**63 - 1
        first = [*s.FIRST_SEGMENT[:22], (2.3, s.ask([s.KEY], "plain", s.admitted(s.P1, s.GAMMA_FIRST, 10)))]
        first.append((2.4, s.amount(22, most, (0, most, most - 800, 0))))  # available 6600 - (most - 800)
        left = 6_600 - (most - 800) + most
        self.assertEqual(left, 7_400)
        self.rows(
            first,
            None,
            [
                (2.5, s.amount(23, 800 + left, (0, 800 + left, left, 0)), None),
                (2.5, s.amount(23, 800 + left + 1, (0, 800 + left + 1, left, 1)), None),
                (2.5, s.amount(23, 800 + left + 1, (0, 800 + left + 1, left + 1, 0)), "not the one replayed"),
            ],
        )

    def test_part_commits(self):
        """Hold 12: 1800 of beta at team-a (deny), key (debt); hold 14: 800 at team-a."""
        tokens = {s.INPUT: 1_000, s.OUTPUT: 100}  # 1000 + 400
        self.after(
            16,
            (1.7, s.part(12, 500, (500, 0, 0, 1_300)), None),
            (1.7, s.part(12, 0, (0, 0, 0, 1_800)), None),
            (1.7, s.part(12, 1_800, (1_800, 0, 0, 0)), None),
            (1.7, s.part(12, 1_801, (1_801, 0, 1, 0)), None),
            (1.7, s.part(12, 2**63 - 1, (2**63 - 1, 0, 2**63 - 1_801, 0)), None),
            (1.7, s.part(12, 2**63, (2**63, 0, 2**63 - 1_800, 0)), "spent"),
            (1.7, s.part(12, 1_801, (1_801, 1, 0, 0)), "not the one replayed"),
            (1.7, s.part(12, 500, (501, 0, 0, 1_300)), "not the one replayed"),
            (1.7, s.part(12, 500, (500, 0, 0, 1_301)), "not the one replayed"),
            (1.7, s.part(12, 500, (500, 0, 1, 1_300)), "not the one replayed"),
            (1.7, s.part(12, 500, (500, 0, 0, 1_300), code=1), "not the one replayed"),
            (1.7, s.part(11, 500, (500, 0, 0, 300)), "hold 11 is unknown"),
            (1.7, s.part_usage(12, s.BETA, tokens, (1_400, 0, 0, 400)), None),
            (1.7, s.part_usage(12, s.BETA, tokens, (1_399, 0, 0, 401)), "not the one replayed"),
            (1.7, s.part_usage(12, s.EPSILON, tokens, (0, 0, 0, 1_800)), "no price"),
            (10.0, s.part(12, 500, (500, 0, 0, 1_300)), "expired"),
            (1.7, (20, s.part(12, 500, (500, 0, 0, 1_300))[1] + b"\0"), "payload"),
        )
        parts = [*s.FIRST_SEGMENT[:16], (1.7, s.part(12, 500, (500, 0, 0, 1_300)))]
        self.rows(
            parts,
            None,
            [
                (1.8, s.part(12, 500, (500, 0, 0, 1_300)), None),
                (1.8, s.part(12, 499, (499, 0, 0, 1_301)), "499 is stated as spent, below the 500"),
                (1.8, s.part(12, 2_000, (2_000, 0, 200, 0)), None),
                (1.8, s.part_usage(12, s.BETA, tokens, (1_400, 0, 0, 400)), None),
                (1.8, s.amount(12, 499, (0, 499, 0, 0)), "below the 500"),
                (1.8, s.amount(12, 500, (0, 500, 0, 0)), None),
                (1.8, s.amount(12, 1_900, (0, 1_900, 0, 100)), None),
                (1.8, s.amount(12, 1_900, (0, 1_900, 0, 0)), "not the one replayed"),
                (1.8, s.usage(12, s.BETA, tokens, (0, 1_400, 0, 0)), None),
                (1.8, s.release(12, 0, 1_300), None),
                (1.8, s.release(12, 0, 1_800), "not the one replayed"),
                (1.8, s.extend(12, 100, u8(0) + i64(s.at(20)) + u64(1_400)), None),
                (1.8, s.extend(12, 100, u8(0) + i64(s.at(20)) + u64(1_900)), "not the one replayed"),
                (1.8, s.reroute(12, s.BETA, "not beta", 1_800, s.HALTED), "not the one replayed"),
                (10.0, (22, u16(1) + u64(12)), None),
                (10.0, s.amount(12, 600, (1, 600, 0, 100)), None),
                (10.0, s.amount(12, 600, (1, 600, 0, 600)), "not the one replayed"),
            ],
        )

    def test_adjustments(self):
        """Hold 55 is settled with 2100 booked at org (debt), the only one that is remembered."""
        steps = s.SECOND_SEGMENT[:25]
        rows = [
            (71.6, s.adjust(55, 2_100, (0, 0, 0)), None),
            (71.6, s.adjust(55, 2_000, (0, 0, 100)), None),
            (71.6, s.adjust(55, 0, (0, 0, 2_100)), None),
            (71.6, s.adjust(55, 2_200, (100, 0, 0)), None),
            (71.6, s.adjust(55, 2_200, (0, 100, 0)), "not the one replayed"),
            (71.6, s.adjust(55, 2_000, (0, 0, 99)), "not the one replayed"),
            (71.6, s.adjust(55, 2**63, (0, 0, 0)), "adjustment to"),
            (71.6, s.adjust(51, 0, (0, 0, 0)), "hold 51 is not remembered"),
            (71.6, s.adjust(14, 0, (0, 0, 800)), "hold 14 is not remembered"),
            (76.5, s.adjust(55, 0, (0, 0, 2_100)), None),
            (76.500000001, s.adjust(55, 0, (0, 0, 2_100)), "hold 55 is not remembered"),
        ]
        self.rows(s.FIRST_SEGMENT, steps, rows)
        # Down and up again, and down to nothing once.
        down = [*steps, (71.6, s.adjust(55, 500, (0, 0, 1_600)))]
        rows = [
            (71.7, s.adjust(55, 500, (0, 0, 0)), None),
            (71.7, s.adjust(55, 700, (200, 0, 0)), None),
            (71.7, s.adjust(55, 0, (0, 0, 500)), None),
            (71.7, s.adjust(55, 0, (0, 0, 2_100)), "not the one replayed"),
        ]
        self.rows(s.FIRST_SEGMENT, down, rows)

    def test_extensions(self):
        self.after(
            17,
            (1.8, s.extend(14, 400, u8(0) + i64(s.at(10)) + u64(1_200)), None),
            (1.8, s.extend(14, 401, u8(0) + i64(s.at(20)) + u64(1_201)), "not the one replayed"),
            (1.8, s.extend(14, 401, u8(2) + u32(s.TEAM_A) + u8(0)), None),
            (1.8, s.extend(14, 401, u8(2) + u32(s.ORG) + u8(0)), "not the one replayed"),
            (1.8, s.extend(14, 300, u8(2) + u32(s.TEAM_A) + u8(0)), "not the one replayed"),
            (1.8, s.extend(14, 300, u8(0) + i64(s.at(9)) + u64(1_100)), "not the one replayed"),
            (1.8, s.extend(14, 300, u8(0) + i64(s.at(20)) + u64(1_101)), "not the one replayed"),
            (1.8, s.extend(14, 0, u8(0) + i64(s.at(20)) + u64(800)), None),
            (1.8, s.extend(12, 1, u8(0) + i64(s.at(20)) + u64(1_801)), "hold 12 is unknown"),
            (1.8, s.extend(14, 300, s.HALTED), "not the one replayed"),
            (1.8, s.extend(14, 2**63 - 1, u8(2) + u32(s.TEAM_A) + u8(0)), None),
            (1.8, s.extend(14, 2**63, u8(2) + u32(s.TEAM_A) + u8(0)), "extension by"),
        )

    def test_expiry(self):
        self.after(
            16,
            (9.9, (22, u16(1) + u64(12)), "not|open and due"),
            (10.0, (22, u16(2) + u64(12) + u64(14)), None),
            (10.0, (22, u16(2) + u64(14) + u64(12)), "ascending"),
            (10.0, (22, u16(1) + u64(11)), "open and due"),
            (10.0, (22, u16(2) + u64(12) + u64(12)), "ascending"),
            (10.0, (22, u16(0)), "0 holds"),
            (10.0, (22, u16(257) + b"".join(u64(n) for n in range(257))), "257 holds"),
        )
        expired = [*s.FIRST_SEGMENT[:16], (10.0, (22, u16(2) + u64(12) + u64(14)))]
        self.rows(
            expired,
            None,
            [
                (11.0, (22, u16(1) + u64(12)), "open and due"),
                (11.0, s.release(12, 1, 0), None),
                (11.0, s.release(12, 0, 1_800), "not the one replayed"),
                (40.0, s.amount(12, 9, (1, 9, 0, 9)), None),
                (40.1, s.amount(12, 9, (1, 9, 0, 9)), "hold 12 is unknown"),
                (11.0, s.extend(12, 1, u8(0) + i64(s.at(30)) + u64(1_801)), "expired"),
            ],
        )

    def test_halts_and_reroutes(self):
        given = s.admitted(s.P1, s.BETA_FIRST, 9)
        self.after(
            26,
            (2.7, s.ask([s.ORG], "plain", s.admitted(s.P1, s.BETA_FIRST, 9)), "denied_halted"),
            (2.7, s.extend(25, 1, u8(0) + i64(s.at(6)) + u64(1_801)), "not the one replayed"),
            (2.7, s.release(25, 0, 1_800), None),
            # beta again costs what was released
            (2.7, s.reroute(25, s.BETA, "plain", 1_800, given), "not among the excluded"),
            (2.7, s.reroute(25, s.GAMMA, "not gamma", 1_800, given), None),
            (2.7, s.reroute(25, s.GAMMA, "not gamma", 1_800, s.HALTED), "not the one replayed"),
            (2.7, s.reroute(25, s.BETA, "not beta", 1_800, s.HALTED), None),
        )
        self.after(
            32,
            (3.3, s.reroute(32, s.GAMMA, "not gamma", 799, given), "not the one replayed"),
            (3.3, s.reroute(32, s.GAMMA, "not gamma", 800, s.admitted(s.P1, s.GAMMA_FIRST, 9)), "not the one replayed"),
            (3.3, s.reroute(32, s.GAMMA, "not gamma", 800, s.HALTED), "not the one replayed"),
        )
        self.after(33, (3.4, s.reroute(32, s.GAMMA, "not gamma", 800, given), "hold 32 is unknown"))

    def test_operations(self):
        def op(id: int, issued: float) -> tuple:
            return s.grant(s.ORG, 1, operation(id, s.at(issued)))

        self.after(
            11,
            (1.2, op(2, 1.2), "again"),
            (1.2, op(3, 1.2), None),
            (61.0, op(2, 61.0), "again"),
            (61.1, op(2, 61.1), None),
            (61.0, op(3, 1.0), None),
            (61.1, op(3, 1.0), "stale"),
            (1.2, op(3, 3_601.2), None),
            (1.2, op(3, 3_602.2), "clock jump"),
        )
        full = s.FIRST_SEGMENT[:11] + [(1.2, op(id, 1.2)) for id in range(3, 9)]
        self.rows(full, None, [(1.3, op(9, 1.3), "operations_full"), (61.0, op(9, 61.0), None), (1.3, s.grant(s.ORG, 1), None)])

    def test_grants_and_accounts(self):
        def opened(name: str, parent, tail: bytes) -> tuple:
            return 32, encode_account(name, parent, 0)[: len(name) + 6] + tail

        good = b"\1\0\0" + bytes(12)
        self.after(
            15,
            (1.6, s.grant(s.TEAM_A, -400), None),
            (1.6, s.grant(s.TEAM_A, -401), "takes 401 of 400"),
            (1.6, s.grant(s.TEAM_A, 0), "grant of 0"),
            (1.6, s.grant(s.ORG, 2**63 - 1 - 20_000), None),
            (1.6, s.grant(s.ORG, 2**63 - 20_000), "above i64::MAX"),
            (1.6, s.grant(s.ORG, -(2**63)), "takes"),
            (1.6, s.grant(9, 1), "unknown"),
            (1.6, (33, b"\0" + u32(0) + u8(1) + i64(1)), "limit 1"),
            (1.6, opened("new", None, good), None),
            (1.6, opened("new", s.TEAM_A, good), None),
            (1.6, opened("key", None, good), "taken"),
            (1.6, opened("new", 4, good), "unknown"),
            (1.6, (32, encode_account("new", None, 3)), "overrun is 3"),
            (1.6, (32, b"\2\xff\xfe" + encode_account("", None, 0)[1:]), "UTF-8"),
            (1.6, (34, u32(s.TEAM_B)), "hold open"),
            (1.6, (34, u32(s.ORG)), "an open child"),
        )
        closed = [*s.FIRST_SEGMENT[:10], (1.0, (34, u32(s.TEAM_A)))]
        self.rows(
            closed,
            None,
            [
                (1.1, (34, u32(s.TEAM_A)), "closed"),
                (1.1, s.grant(s.TEAM_A, 1), "closed"),
                (1.1, (34, u32(s.ORG)), "open child"),
                (1.1, (32, encode_account("new", s.TEAM_A, 0)), "closed"),
                (1.1, (32, encode_account("team-a", s.ORG, 0)), "taken"),
                (1.1, s.ask([s.TEAM_A], "plain", s.admitted(s.P1, s.GAMMA_FIRST, 10)), "closed"),
            ],
        )

    def test_policies_and_terms(self):
        renamed = [{**s.CANDIDATES[0], "name": "omega"}, *s.CANDIDATES[1:]]
        members = {**s.POLICY_1["members"], s.REGION: [(0, "uk"), (1, "us"), (2, "ap")]}
        other = {**s.SCHEMA, "name": "demo-2"}

        def swap(**parts) -> tuple:
            return 2, encode_policy({**s.POLICY_1, "epoch": 2, **parts})

        self.after(
            1,
            (0.2, swap(), None),
            (0.2, swap(candidates=s.CANDIDATES[:1]), None),
            (0.2, swap(epoch=1), "epoch 1"),
            (0.2, swap(epoch=0), "epoch 0"),
            (0.2, swap(schema=other), "another schema"),
            (0.2, swap(candidates=renamed), "another name"),
            (0.2, swap(members=members), "another name"),
            (0.2, (2, s.P2[:-1]), "too soon|left"),
            (0.2, (1, s.TERMS[:-1] + b"\1"), "not zero"),
            (0.2, (1, s.TERMS + b"\0"), "after its end"),
            (0.2, (1, encode_terms(5, 1 << 24, 0, 0)), None),
            (0.2, (1, encode_terms(5, (1 << 24) + 1, 0, 0)), "16777217 operations"),
            (0.2, (3, u8(3)), "halt is 3"),
            (0.2, (4, u32(1) + u8(2)), "switch is 2"),
            (0.2, (3, u8(0) + u8(0)), "after its end"),
        )

    def test_times(self):
        self.after(1, (3_600.1, (3, u8(0)), None), (3_600.100000001, (3, u8(0)), "ahead"))
        self.rows([], None, [(1.0, (3, u8(0)), None), (1.1, (1, s.TERMS), "ahead")])  # the first terms allow a second
        for effective, caller, message in [
            (s.at(5), s.at(4), "not the later"),
            (s.at(4), s.at(5), "not the later"),
            (s.at(3), s.at(3), "not the later"),
        ]:
            log = s.build(s.FIRST_SEGMENT, None)
            log.files[log.name] = log.files[log.name][:-64]
            log.frame(3, u8(0), 35, effective, caller)
            self.assertEqual(self.refused(log.files, message).sequence, 35)

    def test_frames(self):
        def framed(change) -> dict:
            log = s.build(s.FIRST_SEGMENT[:4], None)
            log.files[log.name] = log.files[log.name][:-64]
            change(log)
            return log.files

        def synced(through: int):
            def change(log: LogWriter) -> None:
                log.synced_through = through
                log.record(3, u8(0), s.at(1))

            return change

        rows = [
            (lambda log: log.frame(3, u8(0), 6, s.at(1), s.at(1)), "sequence 6"),
            (lambda log: log.frame(3, u8(0), 4, s.at(1), s.at(1)), "sequence 4"),
            (lambda log: log.frame(64, u32(0) + u32(1) + b"x", 4, log.time, log.time), "kind 64"),
            (lambda log: log.frame(65, bytes(88), 4, log.time, log.time), "seal's payload"),
            (lambda log: log.frame(65, bytes(88), 4, log.time + 1, log.time + 1), "control frame's times"),
            (lambda log: log.frame(68, bytes(5), 5, log.time, log.time), "sequence 5"),
            (synced(5), "synced_through 5"),
            (synced(1), "synced_through 1"),
        ]
        rows += [
            (lambda log, kind=kind: log.record(kind, b"", s.at(1)), f"kind {kind} ")
            for kind in (0, 5, 24, 37, 69, 128, 135, 65_535)
        ]
        for change, message in rows:
            with self.subTest(message=message):
                self.assertIn(self.refused(framed(change), message).sequence, (4, 5))

    def test_recovery_stands_at_its_cut(self):
        def recovery(segment: int, offset, size: int) -> tuple:
            return 66, lambda log: u32(segment) + u64(offset(len(log.files[log.name]))) + u64(size) + s.CUT

        self.after(
            3,
            (1.0, recovery(1, lambda here: here, 1), None),
            (1.0, recovery(1, lambda here: here - 8, 1), "elsewhere"),
            (1.0, recovery(2, lambda here: here, 1), "elsewhere"),
            (1.0, recovery(1, lambda here: here, 0), "elsewhere"),
        )

    def test_checkpoints(self):
        whole = s.middle_checkpoint()
        for at in range(0, len(whole), 3):
            changed = bytearray(whole)
            changed[at] ^= 0x10
            error = self.refused(s.build(checkpoint=bytes(changed)).files, "checkpoint differs from the replay")
            self.assertEqual((error.segment, error.sequence), (2, 34))
        self.refused(s.build(checkpoint=whole + b"\0").files, "1 bytes more")
        self.refused(s.build(checkpoint=whole[:-1]).files, "operations")
        first = genesis(s.T0, s.FIRST_TERMS, 1, s.P1)
        for at in (2, 10, 60, 62, 63, len(first) - 1):
            changed = bytearray(first)
            changed[at] ^= 1
            log = LogWriter(s.SECRET, s.KEY_ID, s.LOG_ID, s.T0)
            log.begin_segment(bytes(changed))
            self.assertEqual(self.refused(log.files).sequence, 0)
        for checkpoint in (b"", b"x", first[:40], first + b"\0"):
            log = LogWriter(s.SECRET, s.KEY_ID, s.LOG_ID, s.T0)
            log.begin_segment(checkpoint)
            self.refused(log.files)

    def test_headers_that_do_not_continue(self):
        def joined(change) -> dict:
            log = s.build(s.FIRST_SEGMENT[:4], None)
            log.files[log.name] = log.files[log.name][:-64]
            log.seal()
            change(log)
            log.begin_segment(b"never read")
            return log.files

        rows = [
            (lambda log: setattr(log, "sequence", 5), "continues from sequence 5"),
            (lambda log: setattr(log, "time", log.time + 1), "the log stands elsewhere"),
            (lambda log: setattr(log, "seal_tag", bytes(32)), "seal's tag"),
            (lambda log: setattr(log, "seal_sha256", bytes(32)), "SHA-256"),
        ]
        for change, message in rows:
            error = self.refused(joined(change), message)
            self.assertEqual((error.segment, error.offset), (2, 0))

    def test_errors_show_no_tag(self):
        """What a failure says does not help to mend the log."""
        written = s.build()
        changed = bytearray(written.files["00000002.seg"])
        start = next(start for file, start, kind in written.starts if file == "00000002.seg" and kind == 16)
        body = start + 60
        changed[body] ^= 1
        end = next(other for file, other, _ in written.starts if file == "00000002.seg" and other > start)
        crc = wire.crc32c(s.LOG_ID + u32(2) + bytes(changed[start : end - 4]))
        changed[end - 4 : end] = u32(crc)
        error = self.refused({**written.files, "00000002.seg": changed}, "the frame's tag does not hold")
        self.assertNotRegex(str(error), "[0-9a-f]{16}")


if __name__ == "__main__":
    unittest.main()
