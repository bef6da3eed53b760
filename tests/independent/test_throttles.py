"""Throttles by hand, and the order in which an admission meets what may deny it (SEMANTICS 10.1 and 19)."""

from __future__ import annotations

import unittest

from stated import (
    CENTS,
    DAY,
    DENIED_BY_COST,
    DENIED_BY_EXCLUSION,
    DENY,
    END,
    HALTED,
    TOKENS,
    Stated,
    ask,
    dear,
    denied_budget,
    denied_policy,
    extend,
    first,
    for_life,
    given,
    grant,
    hold,
    opened,
    plain,
    release,
    request,
    reroute,
    throttled,
)
from write_log import (
    COST,
    REQUESTS,
    SECOND,
    encode_account,
    encode_decision,
    throttle,
    u8,
    units,
)


class Throttles(Stated):
    """19.2: passes when what is left of the backlog and n periods are at most burst periods."""

    def steps(self, *throttles: bytes, start: int = 0) -> list:
        fields = encode_account("a", None, DENY, throttles=throttles)
        return [(start, opened(fields)), (start, grant(0, 10**6))]

    def test_requests(self):
        """2 a second, 3 at once. After three at 0 the backlog is 3 s; one more passes when it is 2 s: half a second later."""
        limit = throttle(REQUESTS, 2, SECOND, 3)
        steps = [*self.steps(limit), *[(0, hold([0], 1, END))] * 3]
        half = SECOND // 2
        no, yes = ask([0], request(1), throttled(0, 0, first(1))), hold([0], 1, END)
        self.breaks(steps, (0, no, None), (0, yes, "not the one replayed"))
        self.breaks(steps, (half - 1, no, None), (half - 1, yes, "denied_throttle"))
        self.breaks(steps, (half, yes, None), (half, no, "not the one replayed"))
        row = for_life(encode_account("a", None, DENY, throttles=[limit]), 10**6, 10**6 - 4, throttles=[(half, 3 * SECOND)])
        self.stands([*steps, (half, yes)], [row])
        # what is denied consumes nothing, and leaves the instant
        row = for_life(encode_account("a", None, DENY, throttles=[limit]), 10**6, 10**6 - 3, throttles=[(0, 3 * SECOND)])
        self.stands([*steps, *[(half - 1, no)] * 5], [row])
        self.breaks([*steps, *[(half - 1, no)] * 5], (half, yes, None))
        # after a second and a half and more, three at once again
        for later in (3 * half, DAY):
            self.breaks([*steps, *[(later, yes)] * 3], (later, no, None), (later, yes, "not the one replayed"))
        # an odd rate: 3 in 10 ns, of which none is rounded; from a full backlog of 10 a request passes 4 ns later, not 3
        odd = [*self.steps(throttle(REQUESTS, 3, 10, 1)), (0, yes)]
        self.breaks(odd, (3, no, None), (3, yes, "not the one replayed"), (4, yes, None), (4, no, "not the one replayed"))
        fields = encode_account("a", None, DENY, throttles=[throttle(REQUESTS, 3, 10, 1)])
        row = for_life(fields, 10**6, 10**6 - 2, throttles=[(4, 10)])
        self.stands([*odd, (4, yes)], [row])

    def test_cost(self):
        """100 a second, 250 at once: 200, then 50 pass and 51 do not; a second later 100 more. 251 never pass; 0 always does."""
        fields = throttle(COST, 100, SECOND, 250)
        steps = [*self.steps(fields), (0, hold([0], 200, END))]

        def no(cents: int) -> tuple:
            return ask([0], request(cents), throttled(0, 0, first(cents)))

        self.breaks(steps, (0, hold([0], 50, END), None), (0, no(51), None), (0, no(50), "not the one replayed"))
        self.breaks(steps, (0, hold([0], 51, END), "denied_throttle"))
        full = [*steps, (0, hold([0], 50, END))]
        self.breaks(full, (SECOND, hold([0], 100, END), None), (SECOND, no(101), None), (SECOND - 1, no(100), None))
        self.breaks(full, (0, hold([0], 0, END), None), (0, no(0), "not the one replayed"), (DAY, no(251), None))
        self.breaks(full, (DAY, hold([0], 250, END), None), (DAY, hold([0], 251, END), "not the one replayed"))
        # one of 0 counts nothing, but its instant is the state: 250 periods less a second's 100 are left
        row = for_life(encode_account("a", None, DENY, throttles=[fields]), 10**6, 10**6 - 250, throttles=[(SECOND, 150 * SECOND)])
        self.stands([*full, (SECOND, hold([0], 0, END))], [row])

    def test_units(self):
        """Tokens alone, and cents and tokens: 10 at once of the first, 15 of the second."""
        throttles = [throttle(units(TOKENS), 1, SECOND, 10), throttle(units(CENTS, TOKENS), 1, SECOND, 15)]
        steps = self.steps(*throttles)

        def asked(cents: int, tokens: int, denied: int | None) -> tuple:
            outcome = given(END, first(cents)) if denied is None else throttled(0, denied, first(cents))
            return ask([0], request(cents, tokens), outcome)

        self.breaks(
            steps,
            (0, asked(5, 10, None), None),
            (0, asked(6, 10, 1), None),
            (0, asked(5, 11, 0), None),
            (0, asked(5, 11, 1), "not the one replayed"),
            (0, asked(6, 10, 0), "not the one replayed"),
            (0, asked(6, 10, None), "denied_throttle"),
            (0, asked(15, 0, None), None),
            (0, ask([0], request(0, 2**64 - 1), throttled(0, 0, first(0))), None),
        )
        # what the second denies, the first has not counted
        self.breaks([*steps, (0, asked(6, 10, 1))], (0, asked(5, 10, None), None))
        states = [(0, 7 * SECOND), (0, 12 * SECOND)]
        row = for_life(encode_account("a", None, DENY, throttles=throttles), 10**6, 10**6 - 5, throttles=states)
        self.stands([*steps, (0, asked(5, 7, None))], [row])

    def test_the_largest_are_exact(self):
        """A backlog of 2^118, which the ledger writes in two halves."""
        largest = throttle(units(TOKENS), 2**62, 2**56, 2**62)
        steps = self.steps(largest)
        yes = ask([0], request(0, 2**62), given(END, first(0)))
        row = for_life(encode_account("a", None, DENY, throttles=[largest]), 10**6, 10**6, throttles=[(0, 2**118)])
        self.stands([*steps, (0, yes)], [row])
        one = ask([0], request(0, 1), given(END, first(0)))
        # 2^62 of a rate are gone a nanosecond later: one unit takes 2^56 periods, and fits
        self.breaks([*steps, (0, yes)], (0, one, "denied_throttle"), (1, one, None))
        self.breaks([*steps, (0, yes)], (1, ask([0], request(0, 65), throttled(0, 0, first(0))), None))
        self.breaks([*steps, (0, yes)], (1, ask([0], request(0, 64), given(END, first(0))), None))

    def test_the_earliest_on_the_path_is_named(self):
        one = [throttle(REQUESTS, 1, DAY, 1)]
        steps = [(0, plain("root", throttles=one)), (0, plain("a", 0, throttles=one)), (0, plain("b", 0))]
        steps += [(0, hold([1], 0, END))]

        def denied(path: list, account: int) -> tuple:
            return ask(path, request(0), throttled(account, 0, first(0)))

        self.breaks(
            steps,
            (1, denied([1], 1), None),
            (1, denied([1], 0), "not the one replayed"),
            (1, denied([2], 0), None),
            (1, denied([2, 1], 0), None),
            (1, hold([2], 0, END), "denied_throttle"),
        )

    def test_before_1970(self):
        """A throttle that never counted has no backlog, whatever the time."""
        self.START = -DAY
        steps = self.steps(throttle(REQUESTS, 2**62, SECOND, 1), start=-DAY)
        self.breaks(steps, (-DAY, hold([0], 1, END), None), (-DAY, ask([0], request(1), throttled(0, 0, first(1))), "not the one"))
        slow = [*self.steps(throttle(REQUESTS, 1, SECOND, 1), start=-DAY), (-DAY, hold([0], 1, END))]
        later = SECOND - DAY
        self.breaks(slow, (later, hold([0], 1, END), None), (later - 1, hold([0], 1, END), "denied_throttle"))

    def test_reroutes_and_settlements_are_not_counted(self):
        steps = [*self.steps(throttle(REQUESTS, 1, DAY, 1)), (0, hold([0], 1, END))]
        self.breaks(
            steps,
            (1, reroute(3, 1, 1, given(END, dear(1))), None),
            (1, reroute(3, 1, 1, throttled(0, 0, dear(1))), "not the one replayed"),
            (1, extend(3, 5, END, 6), None),
        )
        rerouted = [*steps, (1, reroute(3, 1, 1, given(END, dear(1))))]
        row = for_life(self.steps(throttle(REQUESTS, 1, DAY, 1))[0][1][1], 10**6, 10**6 - 2, throttles=[(0, DAY)])
        self.stands(rerouted, [row])


class TheOrder(Stated):
    """10.1: halted, then the policy, then caps on holds, then money, then throttles."""

    def test_each_before_the_next(self):
        fields = encode_account("a", None, DENY, throttles=[throttle(COST, 1, DAY, 50)], caps=(0, 1))
        steps = [(0, opened(fields)), (0, grant(0, 100))]
        dear_only = {"excluded": [1]}
        self.breaks(
            steps,
            # the cheap one of 60 fits the money, and not the throttle; the second decision too
            (0, ask([0], request(60), throttled(0, 0, first(60))), None),
            (0, ask([0], request(60), given(END, first(60))), "denied_throttle"),
            (0, ask([0], request(101), denied_budget(0, 0, limit=100)), None),
            (0, ask([0], request(101), throttled(0, 0, first(101))), "denied_budget"),
            (0, ask([0], request(51, **dear_only), denied_budget(0, 0, DENIED_BY_EXCLUSION, limit=100)), None),
            (0, ask([0], request(50, **dear_only), throttled(0, 0, dear(50))), None),
            (0, ask([0], request(25, **dear_only), given(END, dear(25))), None),
        )
        full = [*steps, (0, hold([0], 50, END))]
        self.breaks(
            full,
            (0, ask([0], request(200), denied_budget(0, 4, first(200))), None),
            (0, ask([0], request(200, limit=199), denied_policy(DENIED_BY_COST)), None),
            (0, ask([0], request(200, limit=199), denied_budget(0, 4)), "denied_policy"),
        )
        self.breaks([*full, (0, (3, u8(1)))], (0, ask([0], request(200, limit=199), HALTED), None))
        self.breaks([*full, (0, release(3, 50))], (0, hold([0], 1, END), "denied_throttle"))

    def test_a_second_decision_may_meet_a_throttle(self):
        """The dear one is asked for and costs 120 of 100; with a limit of 100 the cheap one stands in, which the throttle stops."""
        steps = [(0, plain("a", throttles=[throttle(COST, 1, DAY, 50)])), (0, grant(0, 100))]
        asked = request(60, requested=2)
        instead = encode_decision(1, 4, (1, 60))
        self.breaks(
            steps,
            (0, ask([0], asked, throttled(0, 0, instead, limit=100)), None),
            (0, ask([0], asked, throttled(0, 0, instead)), "not the one replayed"),
            (0, ask([0], asked, given(END, instead, limit=100)), "denied_throttle"),
            (0, ask([0], request(50, requested=2), throttled(0, 0, encode_decision(0, 1, (2, 100), (1, 50)))), None),
            (0, ask([0], request(25, requested=2), given(END, encode_decision(0, 1, (2, 50), (1, 25)))), None),
        )


if __name__ == "__main__":
    unittest.main()
