"""Decisions: rows worked out by hand from SEMANTICS, and random policies against the naive oracle."""

from __future__ import annotations

import random
import unittest
from collections import Counter

import decide
import oracle
import scenario as s
from decide import Kernel
from policy import Policy, Request
from random_policy import random_policy, random_request
from wire import U64_MAX, Malformed
from write_log import encode_decision, encode_policy, encode_request


def decided(policy: dict, request: dict, disabled=(), limit=None) -> bytes:
    kernel = Kernel(Policy(encode_policy(policy)))
    kernel.set_disabled(disabled)
    parsed = Request(encode_request(request, policy["schema"]), kernel.policy)
    return kernel.rank(parsed).decide(decide.stated_limit(parsed) if limit is None else limit).canonical()


class ByHand(unittest.TestCase):
    """What each rule says, over the catalog of the scenario: plain costs 6000 at alpha, 1800 at beta, 800 at gamma."""

    def rows(self, rows: list) -> None:
        for policy, request, limit, disabled, expected in rows:
            with self.subTest(policy=policy["substitution"], request=request, limit=limit):
                self.assertEqual(decided(policy, request, disabled, limit).hex(), expected.hex())

    def test_order_and_substitution(self):
        plain, wanted = s.REQUESTS["plain"], s.REQUESTS["beta wanted"]
        never = {**s.POLICY_1, "substitution": ("never", None)}
        best = {**s.POLICY_1, "substitution": ("best", None)}
        if_ineligible = {**s.POLICY_1, "substitution": ("if_ineligible", None)}
        tight = {**s.POLICY_1, "substitution": ("margin", 999)}
        outranked = encode_decision(1, 3, (s.GAMMA, 800), (s.BETA, 1_800))
        self.rows(
            [
                (s.POLICY_1, plain, None, (), s.GAMMA_FIRST),
                (s.POLICY_1, wanted, None, (), s.BETA_KEPT),
                ({**s.POLICY_1, "substitution": ("margin", 1_000)}, wanted, None, (), s.BETA_KEPT),
                (tight, wanted, None, (), outranked),
                (best, wanted, None, (), outranked),
                (best, {**plain, "requested": s.GAMMA}, None, (), encode_decision(0, 1, (s.GAMMA, 800), (s.BETA, 1_800))),
                (if_ineligible, {**plain, "requested": s.ALPHA}, None, (), encode_decision(0, 1, (s.ALPHA, 6_000), (s.GAMMA, 800))),
                (if_ineligible, {**plain, "requested": s.ZETA}, None, (), encode_decision(1, 4, (s.GAMMA, 800), (s.BETA, 1_800))),
                (if_ineligible, {**plain, "requested": 77}, None, (), encode_decision(1, 4, (s.GAMMA, 800), (s.BETA, 1_800))),
                (never, {**plain, "requested": s.ALPHA}, None, (), encode_decision(0, 1, (s.ALPHA, 6_000), (s.GAMMA, 800))),
                (never, {**plain, "requested": s.ZETA}, None, (), encode_decision(2, 22)),
                (never, {**plain, "requested": s.ALPHA}, 100, (), encode_decision(2, 22)),
                (never, plain, None, (), s.GAMMA_FIRST),
                (s.POLICY_1, plain, None, (s.GAMMA, 5), s.BETA_FIRST),
                (s.POLICY_1, {**plain, "excluded": [s.ALPHA, s.BETA, 999]}, None, (), encode_decision(0, 2, (s.GAMMA, 800))),
                (s.POLICY_1, plain, 1_200, (), encode_decision(0, 2, (s.GAMMA, 800))),
                (s.POLICY_1, plain, 800, (), encode_decision(0, 2, (s.GAMMA, 800))),
                (s.POLICY_1, plain, 799, (), s.COST_DENIED),
                (s.POLICY_1, {**plain, "limit": 799}, None, (), s.COST_DENIED),
            ]
        )

    def test_denials_name_what_turned_most_away(self):
        plain = s.REQUESTS["plain"]
        everyone = [candidate["id"] for candidate in s.CANDIDATES]
        self.rows(
            [
                (s.POLICY_1, s.REQUESTS["region"], None, (), s.REGION_DENIED),
                (s.POLICY_1, plain, None, everyone, encode_decision(2, 18)),
                (s.POLICY_1, {**plain, "excluded": everyone}, None, (), encode_decision(2, 19)),
                # delta disabled, gamma excluded, the other four by gate 0
                (
                    s.POLICY_1,
                    {"demands": {0: [0, 1, 9]}, "quantities": s._TOKENS, "excluded": [s.GAMMA]},
                    None,
                    (),
                    encode_decision(2, 32),
                ),
                # gamma excluded, delta disabled: of equals the earliest
                (
                    {**s.POLICY_1, "candidates": s.CANDIDATES[2:4]},
                    {**plain, "excluded": [s.GAMMA]},
                    None,
                    (),
                    encode_decision(2, 18),
                ),
                (s.POLICY_2, s.REQUESTS["risky"], None, (), s.RISK_DENIED),
                (s.POLICY_2, {**s.REQUESTS["worth"], "confidence": 499}, None, (), encode_decision(2, 17)),
                (s.POLICY_2, {**s.REQUESTS["risky"], "confidence": 0}, None, (), s.RISK_DENIED),
            ]
        )

    def test_an_empty_demanded_set(self):
        """SEMANTICS 3.3."""
        tokens = {s.INPUT: 1, s.OUTPUT: 1}  # alpha 3 + 15, beta 1 + 4, gamma 100 + 1 + 1; epsilon's context is unknown
        all_of_none = {"demands": {0: []}, "quantities": tokens}
        self.rows(
            [
                (s.POLICY_1, all_of_none, None, (), encode_decision(0, 2, (s.BETA, 5), (s.ALPHA, 18))),
                # delta disabled, epsilon by gate 1, the other four by gate 2
                (s.POLICY_1, {"demands": {2: []}, "quantities": tokens}, None, (), encode_decision(2, 34)),
            ]
        )

    def test_cards_fallbacks_and_rounding(self):
        """SEMANTICS 6: the card of the whole request is chosen by cached + input; above 10000 beta has another."""
        policy = Policy(s.P1)
        catalog = {candidate.id: candidate for candidate in policy.candidates}
        rows = [
            (s.BETA, {}, 0),
            (s.GAMMA, {}, 100),
            (s.GAMMA, {s.INPUT: 1}, 101),
            (s.GAMMA, {s.INPUT: 2}, 101),
            (s.GAMMA, {s.INPUT: 3}, 102),
            (s.BETA, {s.INPUT: 10_000}, 10_000),
            (s.BETA, {s.INPUT: 10_001}, 20_002),
            (s.BETA, {s.INPUT: 10_001, s.OUTPUT: 100}, 20_802),
            (s.BETA, {s.CACHED: 1, s.INPUT: 9_999}, 10_000),
            (s.BETA, {s.CACHED: 2, s.INPUT: 9_999}, 4 + 19_998),
            (s.BETA, {s.CACHED: 3}, 2),
            (s.ALPHA, {s.CACHED: 1_000, s.OUTPUT: 10}, 3_150),
            (s.EPSILON, {}, None),
            (s.ZETA, {s.OUTPUT: 5}, 5),
            (s.ZETA, {s.INPUT: 5}, None),
            (s.ALPHA, {s.OUTPUT: U64_MAX}, 15 * U64_MAX),
        ]
        for candidate, quantities, cost in rows:
            with self.subTest(candidate=candidate, quantities=quantities):
                self.assertEqual(policy.cost(catalog[candidate], quantities), cost)
                self.assertEqual(oracle.cost_of(s.SCHEMA, {c["id"]: c for c in s.CANDIDATES}[candidate], quantities), cost)
        # what does not fit u64 is above every limit
        huge = {"quantities": {s.OUTPUT: U64_MAX}}
        alone = {**s.POLICY_1, "schema": {**s.SCHEMA, "gates": []}, "candidates": s.CANDIDATES[:1]}
        self.assertEqual(decided(alone, huge), encode_decision(2, 20))

    def test_utility(self):
        worth = s.REQUESTS["worth"]
        bare = {**s.POLICY_2, "utility": {"multiplier": 10_000, "merit_unknown": None, "weights": []}, "limits": {}}
        # 1 · 9999 · 9000 / 10⁸ = 0 (truncated): alpha's utility is below 0, and gamma's is unknown
        small = {"value": 1, "confidence": 9_999, "risk": 9_999, "quantities": {s.INPUT: 1}}
        # 2⁶³ - 1 · 10⁴ · 9000 / 10⁸ - 3, no risk: below the clamp; weights lift it above
        big = {"value": 2**63 - 1, "confidence": 10_000, "risk": 0, "quantities": {s.INPUT: 1}, "excluded": [s.BETA, s.ZETA]}
        lifted = {**bare, "utility": {"multiplier": 0, "merit_unknown": None, "weights": [(s.CONTEXT, -(2**62), None)]}}
        self.rows(
            [
                (s.POLICY_2, worth, None, (), s.BETA_WORTH),
                # without beta: gamma 80200, alpha 78000
                (
                    s.POLICY_2,
                    {**worth, "excluded": [s.BETA]},
                    None,
                    (),
                    encode_decision(0, 2, (s.GAMMA, 800, 80_200), (s.ALPHA, 6_000, 78_000)),
                ),
                # a negative value counts as 0: alpha 8000 - 6000, beta 128000 - 1800, gamma 32000 - 800
                (
                    s.POLICY_2,
                    {**worth, "value": -5},
                    None,
                    (),
                    encode_decision(0, 2, (s.BETA, 1_800, 126_200), (s.GAMMA, 800, 31_200)),
                ),
                (bare, {**worth, "risk": 0}, None, (), encode_decision(0, 2, (s.ALPHA, 6_000, 75_000), (s.BETA, 1_800, 70_200))),
                # disabled delta; zeta and epsilon without a cost; alpha, beta, gamma by utility
                (bare, small, None, (), encode_decision(2, 21)),
                (bare, big, None, (), encode_decision(0, 2, (s.ALPHA, 3, (2**63 - 1) * 9 // 10 - 3))),
                (lifted, big, None, (), encode_decision(0, 2, (s.ALPHA, 3, 2**63 - 1))),
            ]
        )

    def test_tied_merit_counts_as_the_utility_counts_it(self):
        """Two of one cost and one utility: with a utility unknown merit is what it counts as, without it stands last."""
        flat = {"cards": [(0, {})], "flat": 5}
        catalog = [
            {"id": 1, "name": "unknown", "values": {}, **flat},
            {"id": 2, "name": "known", "values": {s.QUALITY: 6_000}, **flat},
        ]
        request = {"value": 10**6, "confidence": 10_000, "risk": 0}
        first, second = (1, 5, 599_995), (2, 5, 599_995)
        rules = {**s.POLICY_2, "utility": {"multiplier": 0, "merit_unknown": 6_000, "weights": []}, "candidates": catalog}
        self.rows(
            [
                (rules, request, None, (), encode_decision(0, 2, first, second)),
                ({**s.POLICY_1, "candidates": catalog}, {}, None, (), encode_decision(0, 2, second[:2], first[:2])),
            ]
        )

    def test_margin_with_a_utility(self):
        """SEMANTICS 5.4 and 7.4: beta is 193200, gamma 80200: 113000 apart."""
        wanted = {**s.REQUESTS["worth"], "requested": s.GAMMA}
        kept = encode_decision(0, 1, (s.GAMMA, 800, 80_200), (s.BETA, 1_800, 193_200))
        taken = encode_decision(1, 3, (s.BETA, 1_800, 193_200), (s.GAMMA, 800, 80_200))
        for margin, expected in ((113_000, kept), (112_999, taken)):
            self.assertEqual(decided({**s.POLICY_2, "substitution": ("margin", margin)}, wanted), expected)

    def test_malformed_requests(self):
        rows = [
            ({"demands": {1: 5}}, s.P1, "does not feed"),
            ({"demands": {3: 10_001}}, s.P1, "10001 bps"),
            ({"demands": {0: [2]}}, s.P1, "not listed"),
            ({"demands": {4: 5}}, s.P1, "reserved bits"),
            ({"quantities": {3: 1}}, s.P1, "reserved bits"),
            ({"quantities": {0: 0}}, s.P1, "quantity of 0"),
            ({"confidence": 10_001}, s.P1, "confidence"),
            ({"excluded": []}, s.P1, "0 excluded"),
            ({"excluded": list(range(17))}, s.P1, "17 excluded"),
            ({"excluded": [2, 2]}, s.P1, "ascending"),
            ({"value": 1, "confidence": 1}, s.P2, "risk"),
            ({"value": 1, "risk": 1}, s.P2, "confidence"),
            ({"confidence": 1, "risk": 1}, s.P2, "value"),
        ]
        for request, policy, message in rows:
            with self.subTest(request=request), self.assertRaisesRegex(Malformed, message):
                Request(encode_request(request, s.SCHEMA), Policy(policy))
        sets = [(at, relation, "request") for at in range(6) for relation in ("has_all", "has_any")]
        wide = {"name": "w", "columns": [(f"c{at}", "set") for at in range(6)], "quantities": [], "tier_by": [], "gates": sets}
        catalog = [{"id": 0, "name": "c", "values": {}, "cards": []}]
        members = {at: [(0, "m")] for at in range(6)}
        policy = {**s.POLICY_1, "schema": {**wide, "merit": None}, "candidates": catalog, "members": members}
        parsed = Policy(encode_policy(policy))
        Request(encode_request({"demands": {at: [0] for at in range(8)}}, wide), parsed)
        with self.assertRaisesRegex(Malformed, "more than 8"):
            Request(encode_request({"demands": {at: [0] for at in range(9)}}, wide), parsed)
        for raw in (encode_request({}, s.SCHEMA) + b"\0", encode_request({"risk": 1}, s.SCHEMA)[:-1]):
            with self.assertRaises(Malformed):
                Request(raw, Policy(s.P1))

    def test_malformed_policies(self):
        def changed(**parts) -> dict:
            return {**s.POLICY_1, **parts}

        def schema(**parts) -> dict:
            return changed(schema={**s.SCHEMA, **parts})

        def catalog(**parts) -> dict:
            return changed(candidates=[{**s.CANDIDATES[0], **parts}])

        columns, gates, quantities = s.SCHEMA["columns"], s.SCHEMA["gates"], s.SCHEMA["quantities"]
        rows = [
            (schema(columns=[("context", "set"), ("caps", "number"), *columns[2:]]), "ascending"),
            (schema(quantities=[quantities[0], quantities[2], quantities[1]]), "ascending"),
            (schema(quantities=[("cached", 0, 1), *quantities[1:]]), "per 0"),
            (schema(quantities=[("cached", 1, 1), ("input", 1, 0), ("output", 1, None)]), "cycle"),
            (schema(quantities=[("cached", 1, 3), *quantities[1:]]), "nowhere"),
            (schema(quantities=[("cached", 1_000, 1), *quantities[1:]]), "another number"),
            (schema(gates=[(s.CAPS, "at_least", "request")]), "another kind"),
            (schema(gates=[(s.REGION, "has_all", "request")]), "another kind"),
            (schema(gates=[(s.CONTEXT, "fits", "risk")]), "source 2"),
            (schema(gates=[(s.CAPS, "has_all", [0])]), "source 1"),
            (schema(gates=[(s.CONTEXT, "fits", [])]), "no quantity"),
            (schema(gates=[gates[0], gates[0]]), "two gates"),
            (schema(gates=gates * 5), "gates is 20"),
            (schema(merit=s.CONTEXT), "merit column"),
            (schema(tier_by=[]), "no quantity chooses"),
            ({**s.POLICY_2, "schema": {**s.SCHEMA, "merit": None}}, "without a merit"),
            ({**s.POLICY_2, "limits": {"risk": 10_001}}, "risk hard limit"),
            ({**s.POLICY_2, "utility": {"multiplier": 0, "merit_unknown": 10_001, "weights": []}}, "merit when unknown"),
            ({**s.POLICY_2, "utility": {"multiplier": 0, "merit_unknown": None, "weights": [(s.CAPS, 1, 0)]}}, "not numeric"),
            ({**s.POLICY_2, "utility": {"multiplier": 0, "merit_unknown": 1, "weights": [(1, 1, 0), (1, 1, 0)]}}, "ascending"),
            ({**s.POLICY_2, "utility": {"multiplier": 0, "merit_unknown": 1, "weights": [(1, -(2**63), 2**33)]}}, "2\\^96"),
            (changed(members={**s.POLICY_1["members"], s.REGION: [(0, "eu"), (1, "eu"), (2, "ap")]}), "one name"),
            (changed(members={**s.POLICY_1["members"], s.REGION: [(0, "eu"), (512, "us")]}), "512"),
            (changed(candidates=[]), "0 candidates"),
            (changed(candidates=s.CANDIDATES[::-1]), "ascending"),
            (changed(candidates=[s.CANDIDATES[0], {**s.CANDIDATES[1], "name": "alpha"}]), "one name"),
            (catalog(values={s.QUALITY: 10_001}), "10001"),
            (catalog(values={s.REGION: 3}), "not listed"),
            (catalog(values={s.CAPS: [2]}), "not listed"),
            (catalog(cards=[(1, {})]), "base card"),
            (catalog(cards=[(0, {}), (9, {}), (9, {})]), "ascending"),
            (catalog(cards=[(above, {}) for above in range(5)]), "cards is 5"),
        ]
        for policy, message in rows:
            with self.subTest(message=message), self.assertRaisesRegex(Malformed, message):
                Policy(encode_policy(policy))
        for raw in (s.P1[:-1], s.P1 + b"\0", b"\2" + s.P1[1:]):
            with self.assertRaises(Malformed):
                Policy(raw)


class AgainstTheOracle(unittest.TestCase):
    def test_random_policies(self):
        """Every decision equals the oracle's, and every reason was reached. Requests repeat, so that pruned tables are used too."""
        rng = random.Random(20_240_501)
        reached: Counter = Counter()
        pruned = 0
        for _ in range(250):
            policy = random_policy(rng)
            kernel = Kernel(Policy(encode_policy(policy)))
            disabled = set(rng.sample(range(40), rng.randint(0, 3)))
            kernel.set_disabled(disabled)
            for _ in range(12):
                request = random_request(rng, policy["schema"])
                for _ in range(decide._USES_BEFORE_PRUNING + 1):
                    request["value"] = request["value"] + rng.randint(0, 1)
                    request["quantities"] = {q: rng.randint(1, 12) for q in request["quantities"]}
                    parsed = Request(encode_request(request, policy["schema"]), kernel.policy)
                    ranking = kernel.rank(parsed)
                    for limit in (decide.stated_limit(parsed), rng.randint(0, 30)):
                        found = ranking.decide(limit)
                        self.assertEqual(
                            found.canonical(), oracle.decide(policy, request, disabled, limit), (policy, request, limit)
                        )
                        reached[found.reason] += 1
            pruned += sum(table.best is not table.all for table in kernel._tables.values())
        for reason in (1, 2, 3, 4, 16, 17, 18, 19, 20, 21, 22, 32, 33, 34):
            self.assertGreater(reached[reason], 20, f"reason {reason}: {reached}")
        self.assertGreater(pruned, 500)


if __name__ == "__main__":
    unittest.main()
