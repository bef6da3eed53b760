//! One call of the engine, what it said that it did, and what all that was said must come to. The models of pairs and of
//! threes and the random schedules are made of these.

use super::*;
use alloc::collections::BTreeMap;

/// A call, with its amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Reserve(u64),
    Extend(u64),
    Part(u64),
    Commit(u64),
    Release,
    Expire,
    Forget,
    Grant(i64),
    Adjust(i64),
    Close,
    Read,
}

/// Where a call is made. Of these, it takes what it needs.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) account: AccountId,
    pub(super) path: Path,
    pub(super) hold: Option<Hold>,
    /// Holds at the account of which a reader knows: while it reads, each changes at most once.
    pub(super) watched: Vec<Hold>,
}

/// How a call was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Answer {
    Done,
    Late,
    Denied,
    Full,
    Closed,
    InUse,
    Settled,
    Expired,
    StillOpen,
    Contended,
}

/// What a call said: of the money, what has changed by it at its account (`granted`) or at every cell of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) answer: Answer,
    pub(super) granted: i64,
    pub(super) booked: i64,
    pub(super) unfunded: i64,
    /// It has ended its hold.
    pub(super) ended: bool,
}

impl Said {
    pub(super) const fn only(answer: Answer) -> Self {
        Self { answer, granted: 0, booked: 0, unfunded: 0, ended: false }
    }

    fn spent(answer: Answer, settled: Settlement) -> Self {
        let booked = i64::try_from(settled.booked_micros()).unwrap();
        Self { booked, unfunded: settled.unfunded().signed_micros(), ..Self::only(answer) }
    }
}

impl Act {
    /// Makes the call; says what it said, and the hold that it made.
    pub(super) fn perform(self, engine: &Engine, place: &Place) -> (Said, Option<Hold>) {
        let said = match self {
            Self::Reserve(micros) => return reserve(engine, place, micros),
            Self::Extend(micros) => engine
                .extend(place.hold.unwrap(), amount(micros))
                .map_or_else(|error| Said::only(error.into()), |()| Said::only(Answer::Done)),
            Self::Part(micros) => engine
                .part_commit(place.hold.unwrap(), amount(micros))
                .map_or_else(|error| Said::only(error.into()), |settled| Said::spent(Answer::Done, settled)),
            Self::Commit(_) | Self::Release | Self::Expire | Self::Forget => {
                self.end(engine, place.hold.unwrap()).unwrap_or_else(|error| Said::only(error.into()))
            }
            Self::Grant(micros) => engine.grant(place.account, micros).map_or_else(
                |error| Said::only(error.into()),
                |()| Said { granted: micros, ..Said::only(Answer::Done) },
            ),
            Self::Adjust(micros) => adjust(engine, place, micros),
            Self::Close => Said::only(match engine.close_account(place.account) {
                Ok(()) => Answer::Done,
                Err(AccountError::HoldsOpen { .. } | AccountError::ChildrenOpen { .. }) => Answer::InUse,
                Err(AccountError::Closed { .. }) => Answer::Closed,
                Err(error) => panic!("{error}"),
            }),
            Self::Read => {
                read(engine, place);
                Said::only(Answer::Done)
            }
        };
        (said, None)
    }

    fn end(self, engine: &Engine, hold: Hold) -> Result<Said, SettleError> {
        let ended = |said: Said| Said { ended: true, ..said };
        match self {
            Self::Commit(micros) => {
                let settled = engine.commit(hold, amount(micros))?;
                let late = matches!(settled, Settlement::Late { .. });
                Ok(ended(Said::spent(if late { Answer::Late } else { Answer::Done }, settled)))
            }
            Self::Release => Ok(ended(Said::only(match engine.release(hold)? {
                Release::Returned { .. } => Answer::Done,
                Release::Expired { .. } => Answer::Late,
            }))),
            Self::Forget => engine.forget(hold).map(|()| ended(Said::only(Answer::Done))),
            _ => engine.expire(hold).map(|_| Said::only(Answer::Done)),
        }
    }

    /// It makes more available, if it does what it is for.
    #[cfg(loom)]
    pub(super) fn gives(self) -> bool {
        match self {
            Self::Release | Self::Expire => true,
            Self::Commit(micros) => micros < HELD,
            Self::Grant(micros) => micros > 0,
            Self::Adjust(micros) => micros < 0,
            _ => false,
        }
    }
}

/// What every hold of a model is made with.
pub(super) const HELD: u64 = 2;

fn reserve(engine: &Engine, place: &Place, micros: u64) -> (Said, Option<Hold>) {
    match engine.reserve(&place.path, amount(micros)) {
        Ok(hold) => (Said::only(Answer::Done), Some(hold)),
        Err(error) => {
            if let ReserveError::Insufficient { available_micros, .. } = error {
                assert!(available_micros < micros.cast_signed(), "{error}");
            }
            (Said::only(error.into()), None)
        }
    }
}

fn adjust(engine: &Engine, place: &Place, micros: i64) -> Said {
    match engine.adjust(&place.path, micros) {
        Ok(Adjusted { booked, unfunded, refunded }) => Said {
            booked: booked.signed_micros() - refunded.signed_micros(),
            unfunded: unfunded.signed_micros(),
            ..Said::only(Answer::Done)
        },
        Err(AdjustError::AboveCommitted { .. }) => Said::only(Answer::Denied),
        Err(AdjustError::Path(PathError::Closed { .. })) => Said::only(Answer::Closed),
        Err(error) => panic!("{error}"),
    }
}

/// INVARIANT I6, live: what is reserved is not below the holds that were seen open before the reading and after it.
fn read(engine: &Engine, place: &Place) {
    let held = |hold: &Hold| match engine.hold(*hold) {
        Some(HoldReading { amount, state: HoldState::Open, .. }) => amount.micros(),
        _ => 0,
    };
    let before: Vec<u64> = place.watched.iter().map(held).collect();
    let reading = engine.read(place.account).unwrap();
    let least: u64 =
        place.watched.iter().map(held).zip(before).map(|(after, before)| after.min(before)).sum();
    conserved(&reading);
    assert!(reading.reserved_micros >= least, "{reading:?} shows less than the holds of {least}");
}

/// What several calls said, summed up by account, and every hold that there was with how often it was ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    sums: BTreeMap<AccountId, Sums>,
    holds: BTreeMap<Hold, u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    granted: i64,
    booked: i64,
    unfunded: i64,
    reserved: i64,
}

impl Tally {
    /// Makes a call and counts it.
    pub(super) fn perform(&mut self, engine: &Engine, place: &Place, act: Act) -> (Said, Option<Hold>) {
        let (said, made) = act.perform(engine, place);
        self.add(engine, place, said, made);
        (said, made)
    }

    pub(super) fn add(&mut self, engine: &Engine, place: &Place, said: Said, made: Option<Hold>) {
        self.sums.entry(place.account).or_default().granted += said.granted;
        for account in engine.accounts_on(&place.path) {
            let sums = self.sums.entry(account).or_default();
            sums.booked += said.booked;
            sums.unfunded += said.unfunded;
        }
        if let Some(hold) = made {
            self.holds.entry(hold).or_default();
        }
        if said.ended {
            *self.holds.entry(place.hold.unwrap()).or_default() += 1;
        }
    }

    #[cfg(shuttle)]
    pub(super) fn merge(&mut self, other: Self) {
        for (account, sums) in other.sums {
            let mine = self.sums.entry(account).or_default();
            mine.granted += sums.granted;
            mine.booked += sums.booked;
            mine.unfunded += sums.unfunded;
        }
        for (hold, ended) in other.holds {
            *self.holds.entry(hold).or_default() += ended;
        }
    }

    /// Nobody works any more: every hold was ended once and is gone, or was not and is there; every account's
    /// counters are what the calls said; and none is in debt that may not be.
    pub(super) fn check(&self, engine: &Engine) {
        let mut sums = self.sums.clone();
        for (&hold, &ended) in &self.holds {
            let reading = engine.hold(hold);
            assert_eq!(u32::from(reading.is_none()), ended, "{hold:?} was ended {ended} times: {reading:?}");
            let Some(HoldReading { amount, state: HoldState::Open, path, .. }) = reading else { continue };
            for account in engine.accounts_on(&path) {
                sums.entry(account).or_default().reserved += amount.signed_micros();
            }
        }
        for (&account, sums) in &sums {
            let available = sums.granted - sums.booked - sums.reserved;
            at_rest(engine, account, [sums.granted, available, sums.reserved, sums.booked, sums.unfunded]);
            let may_owe = engine.terms(account).unwrap().overrun == Overrun::Debt;
            assert!(available >= 0 || may_owe, "account {account} has {available}");
            if engine.read(account).unwrap().state == AccountState::Closed {
                assert_eq!(sums.reserved, 0, "account {account} is closed");
            }
        }
    }
}

impl From<ReserveError> for Answer {
    fn from(error: ReserveError) -> Self {
        match error {
            ReserveError::Insufficient { .. } => Self::Denied,
            ReserveError::Closed { .. } => Self::Closed,
            ReserveError::Contended => Self::Contended,
            ReserveError::HoldsFull { .. } => Self::Full,
            ReserveError::WindowEnded { .. } | ReserveError::ForeignPath => panic!("{error}"),
        }
    }
}

impl From<ExtendError> for Answer {
    fn from(error: ExtendError) -> Self {
        match error {
            ExtendError::Insufficient { .. } => Self::Denied,
            ExtendError::Expired => Self::Expired,
            ExtendError::AlreadySettled => Self::Settled,
            ExtendError::Contended => Self::Contended,
            ExtendError::AboveMaximum { .. } => panic!("{error}"),
        }
    }
}

impl From<SettleError> for Answer {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::AlreadySettled => Self::Settled,
            SettleError::AlreadyExpired => Self::Expired,
            SettleError::StillOpen => Self::StillOpen,
            SettleError::Contended => Self::Contended,
        }
    }
}

impl From<GrantError> for Answer {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::AboveAvailable { .. } => Self::Denied,
            GrantError::Closed { .. } => Self::Closed,
            GrantError::Contended => Self::Contended,
            error => panic!("{error}"),
        }
    }
}
