"""Windows by hand: rollovers, lapses, debts, lending, closed cells, boundaries (SEMANTICS 18)."""

from __future__ import annotations

import unittest
from random import Random

from limits import Limit
from stated import (
    DAY,
    DEBT,
    DENIED_BY_COST,
    DENIED_BY_EXCLUSION,
    DENY,
    HALTED,
    HOUR,
    IF_AVAILABLE,
    Stated,
    adjust,
    ask,
    boundary,
    closed,
    commit,
    dear,
    denied_budget,
    denied_policy,
    expire,
    extend,
    extend_denied,
    first,
    given,
    grant,
    held_row,
    hold,
    instant_of,
    opened,
    part,
    release,
    reparent,
    request,
    reroute,
    settled,
)
from windows import DAY as DAY_KIND
from windows import Window
from write_log import GIVEN, LIFETIME, SECOND, day, encode_account, fixed, limits_row, month, u8, window_row

DAILY = encode_account("a", None, DENY, [day(0)])
I64_MAX = 2**63 - 1


def days(*rows: tuple) -> list[bytes]:
    """Windows of one day each: its number, then granted, available, committed, lapsed, unfunded."""
    return [window_row(number * DAY, (number + 1) * DAY, *money) for number, *money in rows]


class Rollovers(Stated):
    """One account of a daily limit with 1000 a day; hold 3 takes 300 on day 0."""

    HELD = [(0, opened(DAILY)), (0, grant(0, 1_000)), (HOUR, hold([0], 300, 3 * DAY))]
    CELL = (0, 0, 0)

    def row(self, *rows: tuple, fields: bytes = DAILY, allowance: int = 1_000) -> list[bytes]:
        return [limits_row(fields, [(allowance, days(*rows))])]

    def held(self, amount: int, deadline: int = 3 * DAY, **more) -> bytes:
        return held_row(3, amount, deadline, [0], [self.CELL], **more)

    def test_what_is_available_lapses(self):
        """1000 - 300 lapse; the next day begins with 1000, of which 100 are held."""
        steps = [*self.HELD, (DAY, hold([0], 100, 3 * DAY))]
        other = held_row(4, 100, 3 * DAY, [0], [(0, 0, DAY)])
        self.stands(steps, self.row((0, 1_000, 0, 0, 700), (1, 1_000, 900)), [self.held(300), other])
        # a nanosecond before, nothing does
        early = [*self.HELD, (DAY - 1, hold([0], 100, 3 * DAY))]
        self.stands(early, self.row((0, 1_000, 600)))
        # the cell goes with the last hold that names it; 300 lapsed before
        self.stands([*steps, (DAY, release(3, 300))], self.row((1, 1_000, 900)), [other])
        ended = [*steps, (5 * DAY, release(4, 0, expired=1))]
        self.stands(ended, self.row((0, 1_000, 0, 0, 700), (5, 1_000, 1_000)), [self.held(300)])

    def test_a_record_that_rolled_late_is_found(self):
        """On day 0 there are 700 for an admission, on day 1 there are 1000."""
        self.breaks(
            self.HELD,
            (DAY, ask([0], request(800), given(3 * DAY, first(800, both=False))), "not the one replayed"),
            (DAY, ask([0], request(800), given(3 * DAY, first(800))), None),
            (DAY, ask([0], request(800), denied_budget(0, 0, limit=700)), "limit applied 700"),
            (DAY - 1, ask([0], request(800), denied_budget(0, 0, limit=700)), None),
            (DAY - 1, ask([0], request(800), given(3 * DAY, first(800))), "not the one replayed"),
            (DAY, ask([0], request(1_001), denied_budget(0, 0, limit=1_000)), None),
        )  # fmt: skip

    def test_grants(self):
        """Of the window now, and of each later one: 1000 + 50 on day 1, 1050 - 1040 on day 2."""
        steps = [*self.HELD, (DAY, grant(0, 50)), (2 * DAY, grant(0, -1_040))]
        self.stands(steps[:4], self.row((0, 1_000, 0, 0, 700), (1, 1_050, 1_050), allowance=1_050))
        self.stands(steps, self.row((0, 1_000, 0, 0, 700), (2, 10, 10), allowance=10))
        self.breaks(
            self.HELD,
            (HOUR, grant(0, -701), "takes 701 of 700"),
            (DAY, grant(0, -701), None),
            (DAY, grant(0, -1_001), "takes 1001 of 1000"),
            (DAY, grant(0, I64_MAX - 1_000), None),
            (DAY, grant(0, I64_MAX - 999), "above i64::MAX"),
        )

    def test_an_allowance_has_its_own_bound(self):
        """In debt, granted is below the allowance: 1000 at -1000 after a day with 2000 too much."""
        fields = encode_account("a", None, DEBT, [day(0)])
        steps = [(0, opened(fields)), *self.HELD[1:], (HOUR, commit(3, 3_000, extra=2_700)), (DAY, grant(0, 1))]
        # 1000 - 3000 = -2000 of debt, 1001 - 2000
        self.stands(steps, self.row((0, 1_000, -2_000, 3_000), (1, -999, -999), fields=fields, allowance=1_001))
        self.breaks(
            steps,
            (DAY, grant(0, I64_MAX - 1_001), None),
            (DAY, grant(0, I64_MAX - 1_000), "allowance"),
        )

    def test_debts_go_on_over_skipped_windows(self):
        """A debt of 2500 with 1000 a day: each whole day between pays 1000 of it."""
        fields = encode_account("a", None, DEBT, [day(0)])
        steps = [(0, opened(fields)), *self.HELD[1:], (HOUR, commit(3, 3_500, extra=3_200))]
        # whole days between have paid 0, 1000 or 2000; what goes on is owed
        kept = {number: (0, 1_000 * number, 1_000 * number - 3_500, 3_500) for number in (1, 2, 3)}
        self.stands(steps, self.row((0, 1_000, -2_500, 3_500), fields=fields))
        # touched by an adjustment that changes nothing
        for number, left in ((1, -1_500), (2, -500)):
            rolled = [*steps, (number * DAY, adjust(3, 3_500))]
            self.stands(rolled, self.row(kept[number], (number, left, left), fields=fields))
        rolled = [*steps, (3 * DAY, adjust(3, 3_500))]
        self.stands(rolled, self.row(kept[3], (3, 500, 500), fields=fields))
        # after the adjust window nothing names day 0: 2500 - 3 · 1000 is no debt
        rolled = [*steps, (4 * DAY, grant(0, 1))]
        self.stands(rolled, self.row((4, 1_001, 1_001), fields=fields, allowance=1_001), settled=[])
        # touched each day, the same; but day 0 owes it all to day 1
        rolled = [*steps, (DAY, adjust(3, 3_500)), (2 * DAY, adjust(3, 3_500)), (3 * DAY, adjust(3, 3_500))]
        self.stands(rolled, self.row(kept[1], (3, 500, 500), fields=fields))
        self.breaks(
            steps,
            (2 * DAY, ask([0], request(1), given(3 * DAY, first(1))), "not the one replayed"),
            (2 * DAY, ask([0], request(1), denied_budget(0, 0, limit=0)), None),
            (2 * DAY, ask([0], request(0), given(3 * DAY, first(0))), None),
            (3 * DAY, ask([0], request(501), denied_budget(0, 0, limit=500)), None),
            (3 * DAY, ask([0], request(250), given(4 * DAY, first(250))), None),
        )

    def test_extensions_are_lent(self):
        """200 more on day 1: granted 1000 - 200 there, and owed by day 0, where 500 are held and 700 lapsed."""
        steps = [*self.HELD, (DAY, extend(3, 200, 3 * DAY, 500))]
        self.stands(steps, self.row((0, 1_000, -200, 0, 700), (1, 800, 800)), [self.held(500)])
        # 200 of 500 go back to day 1
        self.stands([*steps, (DAY, release(3, 500))], self.row((1, 1_000, 1_000)), [])
        # 400 of 500, and 100 of what is owed go back
        done = [*steps, (DAY, commit(3, 400))]
        self.stands(done, self.row((0, 1_000, -100, 400, 700), (1, 900, 900)), [], [settled(3, DAY, 400, 0, [0], [self.CELL])])
        # the day after lends again, from its own
        again = [*steps, (2 * DAY, extend(3, 1_000, 4 * DAY, 1_500))]
        self.stands(again, self.row((0, 1_000, -1_200, 0, 700), (2, 0, 0)), [self.held(1_500, 4 * DAY)])
        # day 2 is given no more than the 1000 that it lent
        self.stands([*again, (2 * DAY, release(3, 1_500))], self.row((2, 1_000, 1_000)), [])
        self.breaks(
            self.HELD,
            (DAY, extend(3, 1_000, 3 * DAY, 1_300), None),
            (DAY, extend(3, 1_001, 3 * DAY, 1_301), "not the one replayed"),
            (DAY, extend_denied(3, 1_001, 0, 0), None),
            (DAY, extend_denied(3, 701, 0, 0), "not the one replayed"),
            (DAY - 1, extend_denied(3, 701, 0, 0), None),
        )

    def test_overruns_by_mode(self):
        """Day 1 has 1000, of which 900 are held: 100 are left for an extra of 400 - 300."""
        for mode, spent, extra, unfunded, closed_row, current in (
            (DENY, 500, 0, 200, (1_000, 0, 300, 700, 200), (1_000, 100)),
            (IF_AVAILABLE, 350, 50, 0, (1_000, -50, 350, 700, 0), (950, 50)),
            (IF_AVAILABLE, 500, 100, 100, (1_000, -100, 400, 700, 100), (900, 0)),
            (DEBT, 500, 200, 0, (1_000, -200, 500, 700, 0), (800, -100)),
            (DENY, 250, 0, 0, (1_000, 0, 250, 750, 0), (1_000, 100)),
        ):
            fields = encode_account("a", None, mode, [day(0)])
            steps = [(0, opened(fields)), *self.HELD[1:], (DAY, hold([0], 900, 3 * DAY))]
            ended = (DAY, commit(3, spent, extra, unfunded))
            found = settled(3, DAY, spent - unfunded, unfunded, [0], [self.CELL])
            self.stands([*steps, ended], self.row((0, *closed_row), (1, *current), fields=fields), settled=[found])
            # in two parts the same
            parts = [*steps, (DAY, part(3, 250, 50)), (DAY, part(3, spent, 0 if spent > 250 else 50, extra, unfunded))]
            self.stands([*parts, (DAY, commit(3, spent))], self.row((0, *closed_row), (1, *current), fields=fields))
            self.breaks(
                steps,
                (DAY, commit(3, spent, extra + 1, unfunded), "not the one replayed"),
                (DAY, commit(3, 1_500, 1_200, 0), None if mode == DEBT else "not the one replayed"),
            )

    def test_lent_debts_go_on_too(self):
        """An extra of 1500 on day 1, which has 1000: -500, and day 2 begins with 500."""
        fields = encode_account("a", None, DEBT, [day(0)])
        steps = [(0, opened(fields)), *self.HELD[1:], (DAY, commit(3, 1_800, extra=1_500))]
        closed_row = (0, 1_000, -1_500, 1_800, 700)
        self.stands(steps, self.row(closed_row, (1, -500, -500), fields=fields))
        self.stands([*steps, (2 * DAY, adjust(3, 1_800))], self.row(closed_row, (2, 500, 500), fields=fields))

    def test_expiry(self):
        """The hold's 300 lapse with the rest, and what comes late is unfunded on its own day."""
        steps = [*self.HELD, (3 * DAY, expire(3))]
        self.stands(steps, self.row((0, 1_000, 0, 0, 1_000), (3, 1_000, 1_000)), [self.held(300, state=1)])
        late = [*steps, (3 * DAY + 1, commit(3, 77, unfunded=77, expired=1))]
        found = [settled(3, 3 * DAY + 1, 0, 77, [0], [self.CELL])]
        self.stands(late, self.row((0, 1_000, 0, 0, 1_000, 77), (3, 1_000, 1_000)), [], found)
        # by its own record
        own = [*self.HELD, (3 * DAY, commit(3, 77, unfunded=77, expired=1))]
        self.stands(own, self.row((0, 1_000, 0, 0, 1_000, 77), (3, 1_000, 1_000)), [])
        self.stands([*self.HELD, (3 * DAY, release(3, 0, expired=1))], self.row((3, 1_000, 1_000)), [])
        # the late window is two days from the deadline; then the cell is forgotten, by a record that touches nothing
        self.stands([*steps, (5 * DAY, (3, u8(0)))], self.row((0, 1_000, 0, 0, 1_000), (3, 1_000, 1_000)))
        self.stands([*steps, (5 * DAY + 1, (3, u8(0)))], self.row((3, 1_000, 1_000)), [])

    def test_adjustments(self):
        """Hold 3 is committed with 300 on day 0. What comes back on day 1 lapses on day 0, what is more is lent by day 1."""
        steps = [*self.HELD, (HOUR, commit(3, 300))]
        same_day = [*steps, (2 * HOUR, adjust(3, 250, refunded=50))]
        self.stands(same_day, self.row((0, 1_000, 750, 250)))
        less = [*steps, (DAY, adjust(3, 250, refunded=50))]
        found = [settled(3, HOUR, 250, 0, [0], [self.CELL])]
        self.stands(less, self.row((0, 1_000, 0, 250, 750), (1, 1_000, 1_000)), settled=found)
        more = [*steps, (DAY, adjust(3, 1_500, unfunded=1_200))]
        self.stands(more, self.row((0, 1_000, 0, 300, 700, 1_200), (1, 1_000, 1_000)))
        fields = encode_account("a", None, IF_AVAILABLE, [day(0)])
        steps = [(0, opened(fields)), *steps[1:]]
        more = [*steps, (DAY, adjust(3, 1_500, extra=1_000, unfunded=200))]
        self.stands(more, self.row((0, 1_000, -1_000, 1_300, 700, 200), (1, 0, 0), fields=fields))
        # and down again: day 1 gets back what it lent
        down = [*more, (DAY, adjust(3, 0, refunded=1_300))]
        self.stands(down, self.row((0, 1_000, 0, 0, 1_000, 200), (1, 1_000, 1_000), fields=fields))
        self.breaks(
            steps,
            (DAY, adjust(3, 1_301, extra=1_000, unfunded=1), None),
            (DAY, adjust(3, 1_301, extra=1_001), "not the one replayed"),
            (DAY, adjust(3, 1_001, extra=700, unfunded=1), "not the one replayed"),
            (3 * DAY + HOUR, adjust(3, 300), None),
            (3 * DAY + HOUR + 1, adjust(3, 300), "not remembered"),
        )

    def test_a_reroute_lapses_and_takes_anew(self):
        steps = [*self.HELD, (DAY, reroute(3, 300, 300, given(3 * DAY, dear(300))))]
        cell = held_row(4, 600, 3 * DAY, [0], [(0, 0, DAY)], candidate=2)
        self.stands(steps, self.row((1, 1_000, 400)), [cell])
        self.breaks(
            self.HELD,
            # on day 0 there are 1000 after the release, and on day 1 again
            (HOUR, reroute(3, 500, 300, given(3 * DAY, dear(500))), None),
            (DAY, reroute(3, 500, 300, given(3 * DAY, dear(500))), None),
            (DAY, reroute(3, 501, 300, denied_budget(0, 0, DENIED_BY_EXCLUSION, limit=1_000)), None),
        )

    def test_what_does_not_touch_rolls_nothing(self):
        """Switches, new parents and other accounts' records touch nothing."""
        other = encode_account("b", None, DENY)
        steps = [*self.HELD, (HOUR, opened(other)), (HOUR, (3, u8(2))), (DAY, (3, u8(1))), (DAY, grant(1, 5))]
        steps += [(DAY, reparent(0, 1)), (DAY, reparent(0, None))]
        still = limits_row(DAILY, [(1_000, days((0, 1_000, 700)))])
        self.stands(steps, [still, limits_row(other, [(5, [window_row(0, 0, 5, 5)])])])
        # a halted extension is of a hold
        rolled = [*steps, (DAY, (19, extend(3, 1, 3 * DAY, 301)[1][:17] + HALTED))]
        apart = limits_row(other, [(5, [window_row(0, 0, 5, 5)])])
        self.stands(rolled, [*self.row((0, 1_000, 0, 0, 700), (1, 1_000, 1_000)), apart])
        # an idle account closes as it stands
        idle = [(0, opened(DAILY)), (0, grant(0, 1_000)), (DAY, closed(0))]
        self.stands(idle, [limits_row(DAILY, [(1_000, days((0, 1_000, 1_000)))], closed=True)])

    def test_what_is_denied_rolls_over(self):
        """An admission or a reroute does, whatever it comes to, under every halt."""
        rolled = self.row((0, 1_000, 0, 0, 700), (1, 1_000, 1_000))
        for halt in (1, 2):
            steps = [*self.HELD, (HOUR, (3, u8(halt)))]
            self.stands([*steps, (DAY - 1, ask([0], request(1), HALTED))], self.row((0, 1_000, 700)), [self.held(300)])
            self.stands([*steps, (DAY, ask([0], request(1), HALTED))], rolled, [self.held(300)])
            # 400 of the dear one are more than was released
            self.stands([*steps, (DAY, reroute(3, 200, 300, HALTED))], self.row((1, 1_000, 1_000)), [])
        denied = ask([0], request(5, limit=4), denied_policy(DENIED_BY_COST))
        self.stands([*self.HELD, (DAY, denied)], rolled, [self.held(300)])
        denied = ask([0], request(1_001), denied_budget(0, 0, limit=1_000))
        self.stands([*self.HELD, (DAY, denied)], rolled, [self.held(300)])

    def test_a_closed_account_keeps_its_windows(self):
        """Its last hold expired before; what is settled of it late rolls over the open parent, and not the account."""
        child = encode_account("c", 0, DENY, [day(0), GIVEN])
        both = [(0, opened(DAILY)), (0, opened(child)), (0, grant(0, 1_000)), (0, grant(1, 500)), (0, grant(1, 600, 1))]
        steps = [*both, (HOUR, hold([1], 300, 2 * HOUR)), (2 * HOUR, expire(6)), (3 * HOUR, closed(1))]
        cells = [(1, 0, 0), (1, 1, 0), (0, 0, 0)]

        def rows(parent: list, missed: int = 0) -> list[bytes]:
            given_window = window_row(0, I64_MAX, 600, 600, 0, 0, missed)
            kept = limits_row(child, [(500, days((0, 500, 500, 0, 0, missed))), (600, [given_window])], closed=True)
            return [limits_row(DAILY, [(1_000, days(*parent))]), kept]

        self.stands([*steps, (DAY, (3, u8(0)))], rows([(0, 1_000, 1_000)]))
        late = [*steps, (DAY, commit(6, 77, unfunded=77, expired=1))]
        found = [settled(6, DAY, 0, 77, [1], cells)]
        self.stands(late, rows([(0, 1_000, 0, 0, 1_000, 77), (1, 1_000, 1_000)], 77), [], found)
        self.stands([*steps, (DAY, release(6, 0, expired=1))], rows([(1, 1_000, 1_000)]), [], [])
        # in time for its own day, and remembered for longer
        early = [*steps, (4 * HOUR, commit(6, 77, unfunded=77, expired=1))]
        found = [settled(6, 4 * HOUR, 0, 77, [1], cells)]
        self.stands([*early, (DAY, (3, u8(0)))], rows([(0, 1_000, 1_000, 0, 0, 77)], 77), [], found)
        self.breaks(late, (DAY, adjust(6, 0), "account 1 is closed"), (DAY, boundary(1, 1), "account 1 is closed"))
        # closed with a window that had ended before: the hold's cell goes with the hold, the current one stays
        steps = [(0, opened(DAILY)), (0, grant(0, 1_000)), (HOUR, hold([0], 300, DAY)), (DAY, expire(3)), (DAY, closed(0))]
        kept = [limits_row(DAILY, [(1_000, days((0, 1_000, 0, 0, 1_000), (1, 1_000, 1_000)))], closed=True)]
        self.stands([*steps, (2 * DAY, (3, u8(0)))], kept, [self.held(300, DAY, state=1)])
        missed = days((0, 1_000, 0, 0, 1_000, 9), (1, 1_000, 1_000))
        kept = [limits_row(DAILY, [(1_000, missed)], closed=True)]
        self.stands([*steps, (2 * DAY, commit(3, 9, unfunded=9, expired=1))], kept, [])
        kept = [limits_row(DAILY, [(1_000, days((1, 1_000, 1_000)))], closed=True)]
        self.stands([*steps, (2 * DAY, release(3, 0, expired=1))], kept, [])

    def test_a_checkpoint_has_the_closed_windows(self):
        """What a checkpoint says of windows that closed and of holds in them, and a change of each of its fields."""
        steps = [*self.HELD, (DAY, extend(3, 200, 3 * DAY, 500)), (DAY, grant(0, 10))]
        good = days((0, 1_000, -200, 0, 700), (1, 810, 810))

        def written(windows: list, allowance: int = 1_010, cell: tuple = self.CELL) -> dict:
            log = self.log(steps)
            log.seal()
            accounts = [limits_row(DAILY, [(allowance, windows)])]
            log.begin_segment(self.checkpoint(steps, DAY, accounts, [held_row(3, 500, 3 * DAY, [0], [cell])]))
            return log.files

        self.verified(written(good))
        bad = [
            days((0, 1_000, -200, 0, 700), (1, 810, 811)),
            days((0, 1_000, 0, 0, 700), (1, 1_010, 1_010)),
            days((0, 1_200, 0, 0, 700), (1, 810, 810)),
            days((0, 1_200, 700), (1, 810, 810)),
            days((1, 810, 810)),
            days((0, 1_000, -200, 0, 700)),
            good[::-1],
            days((0, 1_000, -200, 0, 700), (1, 810, 810), (2, 0, 0)),
        ]
        for windows in bad:
            self.refused(written(windows), "differs from the replay in its accounts")
        self.refused(written(good, allowance=1_000), "accounts")
        self.refused(written(good, cell=(0, 0, DAY)), "holds")
        self.refused(written(good, cell=(0, 1, 0)), "holds")

    def test_a_checkpoint_has_one_window_of_a_lifetime(self):
        fields = encode_account("a", None, DENY)
        steps = [(0, opened(fields)), (0, grant(0, 1_000)), (HOUR, hold([0], 300, 3 * DAY)), (DAY, commit(3, 200))]

        def written(*windows: bytes, allowance: int = 1_000) -> dict:
            log = self.log(steps)
            log.seal()
            found = [settled(3, DAY, 200, 0, [0], [(0, 0, 0)])]
            log.begin_segment(self.checkpoint(steps, DAY, [limits_row(fields, [(allowance, windows)])], [], found))
            return log.files

        self.verified(written(window_row(0, 0, 1_000, 800, 200)))
        for windows in (
            [window_row(0, DAY, 1_000, 800, 200)],
            [window_row(-1, 0, 1_000, 800, 200)],
            [window_row(0, I64_MAX, 1_000, 800, 200)],
            [window_row(0, 0, 1_100, 900, 200)],
            [window_row(0, 0, 1_000, 700, 200, 100)],
            [window_row(0, 0, 1_000, 0, 200, 800), window_row(0, 0, 1_000, 1_000)],
            [],
        ):
            self.refused(written(*windows), "differs from the replay in its accounts")
        self.refused(written(window_row(0, 0, 1_000, 800, 200), allowance=1_100), "accounts")


class NeverMore(unittest.TestCase):
    """SEMANTICS 18.4: what windows hold and have booked, whatever comes back and wherever allowances change."""

    def test_than_all_windows_had(self):
        made_up = 0
        for seed in range(2_000):
            made_up += Spender(Random(seed)).run()
        self.assertGreater(made_up, 1_000)


class Spender:
    """Holds of one limit of a day, by chance."""

    def __init__(self, rng: Random):
        self.rng = rng
        self.limit = Limit(None, 0, Window(DAY_KIND), 0)
        self.windows, self.past, self.day = [self.limit.current], 0, 0
        self.mode = rng.choice([DENY, IF_AVAILABLE, DEBT])
        self.held: list[tuple] = []
        self.booked: list[tuple] = []
        self.limit.grant(rng.choice([50, 100, 300]))

    def run(self) -> int:
        """How often something made up for what was owed."""
        steps = (self.pass_days, self.hold, self.hold, self.extend, self.release, self.commit, self.commit, self.refund, self.grant)
        made_up = 0
        for _ in range(40):
            made_up += self.rng.choice(steps)() or 0
            spent = sum(cell.reserved + cell.committed for cell in self.windows)
            debt = max(-self.limit.current.available, 0)
            assert spent <= self.past + self.limit.allowance + debt, f"{spent} of {self.past} and {self.limit.allowance}"
            faults = [cell.fault() for cell in self.windows]
            assert not any(faults), faults
            assert self.mode == DEBT or self.limit.current.available >= 0
        return made_up

    def pass_days(self) -> None:
        days = self.rng.choice([1, 1, 1, 2, 3])
        self.past += days * self.limit.allowance
        self.day += days
        self.limit.roll(self.day * DAY)
        self.windows.append(self.limit.current)

    def hold(self) -> None:
        amount, cell = self.rng.randint(0, 120), self.limit.current
        if amount == 0 or amount <= cell.available:
            cell.reserve(amount)
            self.held.append((cell, amount))

    def extend(self) -> None:
        if self.held:
            cell, amount = self.held.pop()
            more = self.rng.randint(0, 80)
            if more <= cell.left:
                cell.reserve(more)
                amount += more
            self.held.append((cell, amount))

    def any_of(self, found: list) -> tuple:
        return found.pop(self.rng.randrange(len(found))) if found else (self.limit.current, 0)

    def release(self) -> int:
        cell, amount = self.any_of(self.held)
        return cell.release(amount) > 0

    def commit(self) -> int:
        cell, amount = self.any_of(self.held)
        spent = self.rng.randint(0, amount + 100)
        extra = max(spent - amount, 0)
        room = {DENY: 0, IF_AVAILABLE: cell.left, DEBT: cell.most_debt}[self.mode]
        extra, within = max(min(extra, room), 0), min(spent, amount)
        cell.book(within, extra)
        self.booked.append((cell, within + extra))
        return cell.release(amount - within) > 0

    def refund(self) -> int:
        cell, amount = self.any_of(self.booked)
        back = self.rng.randint(0, amount)
        self.booked.append((cell, amount - back))
        return cell.refund(back) > 0

    def grant(self) -> None:
        change = self.rng.choice([50, 20, -20, -50])
        if change > 0 or -change <= self.limit.current.available:
            self.limit.grant(change)


class BeforeTheEpoch(Stated):
    START = instant_of(1968, 2, 28, 23)

    def test_a_leap_day(self):
        """Monthly by +2 h: at 1968-02-29T22:00Z March begins there, and by UTC two hours later."""
        fields = encode_account("a", None, DENY, [month(7_200), month(0), day(0)])
        grants = [(self.START, grant(0, 100, limit)) for limit in range(3)]
        march = instant_of(1968, 2, 29, 22)
        steps = [(self.START, opened(fields)), *grants, (march - 1, hold([0], 10, march + DAY))]
        spans = [(instant_of(1968, 1, 31, 22), march), (instant_of(1968, 2, 1), instant_of(1968, 3, 1))]
        february = [window_row(*span, 100, 90) for span in spans]
        leap_day = window_row(instant_of(1968, 2, 29), instant_of(1968, 3, 1), 100, 90)
        limits = [(100, [february[0]]), (100, [february[1]]), (100, [leap_day])]
        self.stands(steps, [limits_row(fields, limits)])
        # at 22:00 the first limit alone rolls over
        limits[0] = (100, [window_row(*spans[0], 100, 0, 0, 90), window_row(march, instant_of(1968, 3, 31, 22), 100, 80)])
        limits[1] = (100, [window_row(instant_of(1968, 2, 1), instant_of(1968, 3, 1), 100, 70)])
        limits[2] = (100, [window_row(instant_of(1968, 2, 29), instant_of(1968, 3, 1), 100, 70)])
        self.stands([*steps, (march, hold([0], 20, march + DAY))], [limits_row(fields, limits)])


class OtherWindows(Stated):
    def test_each_limit_has_its_windows(self):
        """For life, 5 s from 2 s on, and given: a path of three cells, of which each can bind."""
        fields = encode_account("a", None, DENY, [LIFETIME, fixed(5 * SECOND, 2 * SECOND), GIVEN])
        start = [(SECOND, opened(fields)), (SECOND, grant(0, 1_000, 0)), (SECOND, grant(0, 300, 1)), (SECOND, grant(0, 400, 2))]
        spans = [(0, 0), (-3 * SECOND, 2 * SECOND), (SECOND, I64_MAX)]
        rows = [window_row(*span, money, money) for span, money in zip(spans, (1_000, 300, 400))]
        self.stands(start, [limits_row(fields, [(1_000, rows[:1]), (300, rows[1:2]), (400, rows[2:])])])
        one = [*start, (SECOND, hold([0], 150, 9 * SECOND))]
        cells = [(0, 0, 0), (0, 1, -3 * SECOND), (0, 2, SECOND)]
        held = held_row(5, 150, 9 * SECOND, [0], cells)
        # at 2 s the second limit has 300 again, the third still 250
        two = [*one, (2 * SECOND, ask([0], request(251), denied_budget(0, 2, limit=250)))]
        lapsed = window_row(*spans[1], 300, 0, 0, 150)
        limits = [
            (1_000, [window_row(0, 0, 1_000, 850)]),
            (300, [lapsed, window_row(2 * SECOND, 7 * SECOND, 300, 300)]),
            (400, [window_row(*spans[2], 400, 250)]),
        ]
        self.stands(two, [limits_row(fields, limits)], [held])
        # a boundary of the third, and one of it at the same instant
        three = [*two, (3 * SECOND, boundary(0, 2)), (3 * SECOND, boundary(0, 2))]
        limits[2] = (400, [window_row(SECOND, I64_MAX, 400, 0, 0, 250), window_row(3 * SECOND + 1, I64_MAX, 400, 400)])
        self.stands(three, [limits_row(fields, limits)], [held])
        self.breaks(
            three,
            (3 * SECOND, ask([0], request(301), denied_budget(0, 1, limit=300)), None),
            (3 * SECOND, ask([0], request(301), denied_budget(0, 2, limit=300)), "not the one replayed"),
            (3 * SECOND, boundary(0, 1), "functions of the instant"),
            (3 * SECOND, boundary(0, 0), "functions of the instant"),
            (3 * SECOND, boundary(0, 3), "no limit 3"),
            (3 * SECOND, boundary(1, 2), "unknown"),
            (3 * SECOND, grant(0, 1, 3), "no limit 3"),
        )
        # at 7 s the hold is extended by the least of 850, 300 and 400, lent where its cell is closed
        four = [*three, (7 * SECOND, extend(5, 300, 9 * SECOND, 450))]
        limits = [
            (1_000, [window_row(0, 0, 1_000, 550)]),
            (300, [window_row(*spans[1], 300, -300, 0, 150), window_row(7 * SECOND, 12 * SECOND, 0, 0)]),
            (400, [window_row(SECOND, I64_MAX, 400, -300, 0, 250), window_row(3 * SECOND + 1, I64_MAX, 100, 100)]),
        ]
        self.stands(four, [limits_row(fields, limits)], [held_row(5, 450, 9 * SECOND, [0], cells)])
        self.breaks(three, (7 * SECOND, extend_denied(5, 301, 0, 1), None))
        # released, it comes back to the limit for life, and what was lent to the windows that lent it
        spans = [(0, 0), (7 * SECOND, 12 * SECOND), (3 * SECOND + 1, I64_MAX)]
        limits = [(money, [window_row(*span, money, money)]) for span, money in zip(spans, (1_000, 300, 400))]
        self.stands([*four, (7 * SECOND, release(5, 450))], [limits_row(fields, limits)], [])

    def test_a_boundary_rolls_what_has_ended_first(self):
        """Its debt goes on whole, however long it was: 100 - 500 on a limit of 100; the daily limit has a new day, and the
        parent waits for a touch."""
        fields = encode_account("a", None, DEBT, [GIVEN, day(0)])
        steps = [(0, opened(fields)), (0, grant(0, 100)), (0, grant(0, 700, 1)), (0, hold([0], 50, 9 * DAY))]
        steps += [(0, commit(4, 500, extra=450)), (5 * DAY, boundary(0, 0))]
        # settled three days before, the hold is forgotten
        rolled = (700, days((5, 700, 700)))
        self.stands(steps, [limits_row(fields, [(100, [window_row(5 * DAY, I64_MAX, -300, -300)]), rolled])], [], [])
        paid = [*steps, (5 * DAY, grant(0, 20))]
        self.stands(paid, [limits_row(fields, [(120, [window_row(5 * DAY, I64_MAX, -280, -280)]), rolled])])
        # a nanosecond before its day ends
        early = [*steps[:-1], (DAY - 1, boundary(0, 0))]
        windows = [window_row(0, I64_MAX, 100, -400, 500), window_row(DAY - 1, I64_MAX, -300, -300)]
        self.stands(early, [limits_row(fields, [(100, windows), (700, days((0, 700, 200, 500)))])], [])
        # of the account below, the limit of the one above is not rolled over
        below = encode_account("b", 0, DENY, [day(0), GIVEN])
        steps = [(0, opened(DAILY)), (0, opened(below)), (DAY, boundary(1, 1))]
        limits = [(0, days((1, 0, 0))), (0, [window_row(DAY, I64_MAX, 0, 0)])]
        self.stands(steps, [limits_row(DAILY, [(0, days((0, 0, 0)))]), limits_row(below, limits)])

    def test_no_boundary_after_the_last_instant(self):
        fields = encode_account("a", None, DENY, [GIVEN])
        log = self.log([(0, opened(fields))])
        ledger = self.verified(log.files).ledger
        [limit] = ledger.accounts[0].limits
        limit.roll_given(I64_MAX)
        with self.assertRaisesRegex(Exception, "last instant"):
            ledger.apply(36, 2, 0, 0, boundary(0, 0)[1])



class Bounds(Stated):
    """18.5: granted less available is at most i64::MAX at a current cell, what is owed at a closed one, but for life."""

    FIELDS = encode_account("a", None, DEBT, [day(0)])

    def row(self, allowance: int, *rows: tuple, fields: bytes = FIELDS) -> list[bytes]:
        return [limits_row(fields, [(allowance, days(*rows))])]

    def start(self, allowance: int, *holds: int, fields: bytes = FIELDS) -> list:
        granted = [(0, grant(0, allowance))] if allowance else [(0, (3, u8(0)))]
        return [(0, opened(fields)), *granted, *[(0, hold([0], cents, 9 * DAY)) for cents in holds]]

    def test_a_window_of_the_most_has_no_debt(self):
        """Of i64::MAX, 1 and 1 are held: an extra books what is available, and another one nothing."""
        steps = [*self.start(I64_MAX, 1, 1), (0, commit(3, I64_MAX, extra=I64_MAX - 2, unfunded=1)), (0, commit(4, 5, unfunded=4))]
        self.stands(steps, self.row(I64_MAX, (0, I64_MAX, 0, I64_MAX, 0, 5)))
        # nothing is refused when it closes, and day 1 lends
        rolled = [*steps, (DAY, adjust(3, I64_MAX))]
        self.stands(rolled, self.row(I64_MAX, (0, I64_MAX, 0, I64_MAX, 0, 5), (1, I64_MAX, I64_MAX)))
        more = [*steps, (DAY, adjust(4, 10, extra=5))]
        self.stands(more, self.row(I64_MAX, (0, I64_MAX, -5, I64_MAX + 5, 0, 5), (1, I64_MAX - 5, I64_MAX - 5)))
        self.breaks(steps, (DAY, adjust(4, 10, unfunded=5), "not the one replayed"))

    def test_the_floor_of_a_current_cell(self):
        """1000 less 400 held: 600, from which i64::MAX - 400 bring it to 1000 - i64::MAX."""
        steps = [*self.start(1_000, 300, 100), (0, commit(3, I64_MAX, extra=I64_MAX - 400, unfunded=100))]
        self.stands(steps, self.row(1_000, (0, 1_000, 1_000 - I64_MAX, I64_MAX - 100, 0, 100)))
        self.breaks(
            steps,
            (1, commit(4, 101, unfunded=1), None),
            (1, commit(4, 101, extra=1), "not the one replayed"),
            (1, part(4, 101, 0, unfunded=1), None),
            (1, adjust(3, I64_MAX), None),
        )
        # what is refunded can be booked again: 50 of 61
        self.breaks(
            [*steps, (1, adjust(3, I64_MAX - 150, refunded=50))],
            (1, commit(4, 161, extra=50, unfunded=11), None),
            (1, commit(4, 161, extra=51, unfunded=10), "not the one replayed"),
        )
        # closed, it owes the debt, which goes on: 1000 - (i64::MAX - 1000)
        rolled = [*steps, (DAY, adjust(3, I64_MAX))]
        left = 2_000 - I64_MAX
        self.stands(rolled, self.row(1_000, (0, 1_000, 1_000 - I64_MAX, I64_MAX - 100, 0, 100), (1, left, left)))

    def owing(self, mode: int = DENY) -> list:
        """Holds 3 and 4 are of day 0, which owes i64::MAX - 100 on day 1; day 2 has i64::MAX again."""
        fields = encode_account("a", None, mode, [day(0)])
        steps = self.start(I64_MAX, 10, 0, fields=fields)
        return [*steps, (DAY, extend(4, I64_MAX - 100, 9 * DAY, I64_MAX - 100))]

    def test_the_bound_of_a_closed_cell(self):
        """Day 0 owes i64::MAX - 100, and so 100 can be lent to it, though day 2 has far more."""
        owed, lapsed = I64_MAX - 100, I64_MAX - 10
        for mode in (DENY, IF_AVAILABLE, DEBT):
            fields = encode_account("a", None, mode, [day(0)])
            steps = self.owing(mode)
            self.stands(steps, self.row(I64_MAX, (0, I64_MAX, -owed, 0, lapsed), (1, 100, 100), fields=fields))
            self.breaks(
                steps,
                (2 * DAY, extend(3, 100, 9 * DAY, 110), None),
                (2 * DAY, extend(3, 101, 9 * DAY, 111), "not the one replayed"),
                (2 * DAY, extend_denied(3, 101, 0, 0), None),
                (2 * DAY, extend_denied(3, 100, 0, 0), "not the one replayed"),
            )
            extended = [*steps, (2 * DAY, extend(3, 100, 9 * DAY, 110))]
            current = (2, I64_MAX - 100, I64_MAX - 100)
            self.stands(extended, self.row(I64_MAX, (0, I64_MAX, -I64_MAX, 0, lapsed), current, fields=fields))
            self.breaks(
                extended,
                (2 * DAY, extend(3, 0, 9 * DAY, 110), None),
                (2 * DAY, extend_denied(3, 1, 0, 0), None),
                (2 * DAY, commit(3, 111, unfunded=1), None),
                (3 * DAY, extend_denied(3, 1, 0, 0), None),
            )
            booked = 0 if mode == DENY else 100
            ended = [*steps, (2 * DAY, commit(3, 160, extra=booked, unfunded=150 - booked))]
            closed_row = (0, I64_MAX, -owed - booked, 10 + booked, lapsed, 150 - booked)
            current = (2, I64_MAX - booked, I64_MAX - booked)
            self.stands(ended, self.row(I64_MAX, closed_row, current, fields=fields))
            # the same in a part, and by an adjustment
            self.breaks(steps, (2 * DAY, part(3, 160, 0, extra=booked, unfunded=150 - booked), None))
            told = [*steps, (DAY, commit(3, 10))]
            self.breaks(told, (2 * DAY, adjust(3, 160, extra=booked, unfunded=150 - booked), None))
            # what comes back makes up for what is owed, and day 2 has been charged for nothing
            back = [*steps, (2 * DAY, release(3, 10))]
            rows = self.row(I64_MAX, (0, I64_MAX, 10 - owed, 0, lapsed), (2, I64_MAX, I64_MAX), fields=fields)
            self.stands(back, rows)

    def test_the_least_binds_an_extension(self):
        """What a closed cell can be lent counts as what its limit has: 100, beside an account that has 50, 100 or 150."""
        for other, binding in ((50, 1), (100, 0), (150, 0)):
            steps = [*self.start(I64_MAX, 0), (0, opened(encode_account("b", None, DENY)))]
            steps += [(0, grant(1, other)), (0, hold([0, 1], 0, 9 * DAY))]
            steps += [(DAY, extend(3, I64_MAX - 100, 9 * DAY, I64_MAX - 100))]
            least = min(other, 100)
            self.breaks(
                steps,
                (2 * DAY, extend(6, least, 9 * DAY, least), None),
                (2 * DAY, extend_denied(6, least + 1, binding, 0), None),
                (2 * DAY, extend_denied(6, least + 1, 1 - binding, 0), "not the one replayed"),
            )

    def test_lending_goes_down_to_the_least(self):
        """Day 1 has 1000, and holds 900 of it. Day 0 is lent i64::MAX - 300; then day 1 can go 400 deeper."""
        steps = [*self.start(1_000, 300), (DAY, hold([0], 900, 9 * DAY))]
        steps += [(DAY, commit(3, I64_MAX, extra=I64_MAX - 300))]
        closed_row = (0, 1_000, 300 - I64_MAX, I64_MAX, 700)
        self.stands(steps, self.row(1_000, closed_row, (1, 1_300 - I64_MAX, 400 - I64_MAX)))
        deep = [*steps, (DAY, commit(4, 1_305, extra=400, unfunded=5))]
        self.stands(deep, self.row(1_000, closed_row, (1, 1_300 - I64_MAX, -I64_MAX, 1_300, 0, 5)))
        self.breaks(steps, (DAY, commit(4, 1_305, extra=401, unfunded=4), "not the one replayed"))
        rolled = [*deep, (2 * DAY, adjust(4, 1_305))]
        kept = (1, 1_300 - I64_MAX, -I64_MAX, 1_300, 0, 5)
        self.stands(rolled, self.row(1_000, closed_row, kept, (2, 1_000 - I64_MAX, 1_000 - I64_MAX)))

    def test_lending_leaves_the_payer_as_far_apart(self):
        """Day 1 has 1000 and holds 600: what it lends lowers granted and available alike. 400 less i64::MAX are left."""
        steps = [*self.start(0, 0), (DAY, grant(0, 1_000)), (DAY, hold([0], 600, 9 * DAY))]
        steps += [(DAY, commit(3, I64_MAX, extra=I64_MAX))]
        self.stands(steps, self.row(1_000, (0, 0, -I64_MAX, I64_MAX), (1, 1_000 - I64_MAX, 400 - I64_MAX)))

    def test_a_limit_for_life_keeps_its_floor(self):
        """Both limits have 2^62 and spend it on day 0; on day 1 each can owe i64::MAX, the one for life all of it."""
        half = 2**62
        fields = encode_account("a", None, DEBT, [LIFETIME, day(0)])
        steps = [(0, opened(fields)), (0, grant(0, half)), (0, grant(0, half, 1)), (0, hold([0], 0, 9 * DAY))]
        steps += [(0, commit(4, half, extra=half)), (DAY, hold([0], 0, 9 * DAY)), (DAY, commit(6, I64_MAX, extra=I64_MAX))]
        for_life = [window_row(0, 0, half, -I64_MAX, half + I64_MAX)]
        daily = days((0, half, 0, half), (1, half, half - I64_MAX, I64_MAX))
        self.stands(steps, [limits_row(fields, [(half, for_life), (half, daily)])])
        self.breaks(steps[:-1], (DAY, commit(6, I64_MAX, extra=I64_MAX - half, unfunded=half), "not the one replayed"))


if __name__ == "__main__":
    unittest.main()
