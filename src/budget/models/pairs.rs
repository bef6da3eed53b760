//! Every pair of calls that can meet, wherever they can meet. CONCURRENCY "Every pair of calls".
//!
//! What the two calls say and leave must be what they say and leave one after the other, in one order or in the other;
//! or one says that it was contended, and has done nothing. What they do one after the other is compared with a naive
//! ledger by `tests/budget_model`.

use super::acts::{Act, Answer, HELD, Place, Said, Tally};
use super::*;

/// Where two calls meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scene {
    /// On one account, both at its one hold.
    OneHold,
    /// On a path of two accounts, both at its one hold.
    SharedPath,
    /// The first below, the second above, each at a hold of its own.
    BelowAbove,
    /// The other way round.
    AboveBelow,
    /// On paths of the same two accounts in opposite orders, each at a hold of its own.
    Crossing,
    /// On an account of two stripes, each at a hold on its own.
    Stripes,
    /// On one stripe of an account of two, each at a hold of its own.
    SameStripe,
    /// On two accounts below one of two stripes, each at a hold on its own.
    StripesAbove,
}

/// What a call needs to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    Open,
    Expired,
}

/// Every call in every way in which it changes something else, or meets others otherwise.
const ACTS: [(Act, Needs); 16] = [
    (Act::Reserve(2), Needs::Nothing),
    (Act::Extend(2), Needs::Open),
    (Act::Part(1), Needs::Open),
    (Act::Part(4), Needs::Open),
    (Act::Commit(1), Needs::Open),
    (Act::Commit(4), Needs::Open),
    (Act::Release, Needs::Open),
    (Act::Expire, Needs::Open),
    (Act::Commit(2), Needs::Expired),
    (Act::Forget, Needs::Expired),
    (Act::Grant(2), Needs::Nothing),
    (Act::Grant(-2), Needs::Nothing),
    (Act::Adjust(-1), Needs::Nothing),
    (Act::Adjust(2), Needs::Nothing),
    (Act::Close, Needs::Nothing),
    (Act::Read, Needs::Nothing),
];

/// What one run takes at most, of what loom counts: a call that never ends is found by it.
const BRANCHES_MAX: usize = 10_000;

/// What was booked before the calls, so that there is something to give back.
const BOOKED: u64 = 1;

/// What both calls said, and what they left: of each account its counters, of each hold what is left.
#[derive(Debug, PartialEq, Eq)]
struct End {
    said: [Said; 2],
    accounts: Vec<AccountReading>,
    holds: Vec<Option<(Amount, HoldState)>>,
}

/// Everything that two calls start from.
struct Start {
    engine: Arc<Engine>,
    places: [Place; 2],
    holds: Vec<Hold>,
    tally: Tally,
}

impl Scene {
    fn own_holds(self) -> bool {
        !matches!(self, Self::OneHold | Self::SharedPath)
    }

    /// The accounts that each call names, and those that it finds on its path.
    fn paths(self) -> [&'static [u32]; 2] {
        match self {
            Self::OneHold => [&[0], &[0]],
            Self::SharedPath => [&[0, 1], &[0, 1]],
            Self::BelowAbove => [&[1], &[0]],
            Self::AboveBelow => [&[0], &[1]],
            Self::Crossing => [&[0, 1], &[1, 0]],
            Self::Stripes | Self::SameStripe => [&[0], &[0]],
            Self::StripesAbove => [&[1], &[2]],
        }
    }

    fn start(self, acts: [(Act, Needs); 2]) -> Start {
        let parent = matches!(self, Self::BelowAbove | Self::AboveBelow | Self::StripesAbove).then_some(0);
        let mode = Overrun::IfAvailable;
        let accounts = [("a", None, mode, 0), ("b", parent, mode, 0), ("c", parent, mode, 0)];
        let (count, stripes) = match self {
            Self::OneHold => (1, 1),
            Self::SharedPath | Self::BelowAbove | Self::AboveBelow | Self::Crossing => (2, 1),
            Self::Stripes | Self::SameStripe => (1, 2),
            Self::StripesAbove => (3, 2),
        };
        let engine = engine_striped(4, &accounts[..count], stripes);
        // What is granted goes to the first stripe: where both calls are on the second, they have to get it from there.
        let mut stripe = if self == Self::SameStripe { 1..=1 } else { 0..=1 }.cycle();
        let mut places = self.paths().map(|named| {
            let named: Vec<_> = named.iter().copied().map(AccountId).collect();
            let path = engine.path_on_stripe(&named, stripe.next().unwrap()).unwrap();
            Place { account: named[0], path, hold: None, watched: Vec::new() }
        });
        let (mut tally, mut holds) = (Tally::default(), Vec::new());
        let each: Vec<_> = (0..engine.accounts())
            .map(|number| Place { account: AccountId(number), ..places[0].clone() })
            .collect();
        for place in &each {
            tally.perform(&engine, place, Act::Grant(9));
        }
        // Booked on the paths that have all accounts between them.
        for place in match self {
            Self::AboveBelow => &places[1..],
            Self::StripesAbove => &places[..],
            _ => &places[..1],
        } {
            let (_, hold) = tally.perform(&engine, place, Act::Reserve(BOOKED));
            tally.perform(&engine, &Place { hold, ..place.clone() }, Act::Commit(BOOKED));
        }
        for (by, needs) in self.holds(acts).collect::<Vec<_>>() {
            let (_, made) = tally.perform(&engine, &places[by], Act::Reserve(HELD));
            places[by].hold = made;
            if needs == Needs::Expired {
                tally.perform(&engine, &places[by], Act::Expire);
            }
            holds.extend(made);
        }
        // One of two calls that take can be short: of what is left, or, where the other gives, without it.
        let spare = if acts.iter().any(|(act, _)| act.gives()) { 1 } else { 3 };
        for place in &each {
            let available = engine.read(place.account).unwrap().available_micros;
            tally.perform(&engine, place, Act::Grant(spare - available));
        }
        if !self.own_holds() {
            places[1].hold = places[0].hold;
        }
        for place in &mut places {
            let at = |hold: &&Hold| {
                let path = engine.hold(**hold).unwrap().path;
                engine.accounts_on(&path).any(|account| account == place.account)
            };
            place.watched = holds.iter().filter(at).copied().collect();
        }
        Start { engine, places, holds, tally }
    }

    /// The holds to be made: whose path they are on, and whether they expire. A shared one is expired if one of the
    /// calls needs that, unless the other is to expire it.
    fn holds(self, acts: [(Act, Needs); 2]) -> impl Iterator<Item = (usize, Needs)> {
        let [first, second] = acts.map(|(_, needs)| needs);
        let expires = acts.iter().any(|&(act, _)| act == Act::Expire);
        let shared = match (first, second) {
            (Needs::Nothing, other) | (other, Needs::Nothing) => other,
            (Needs::Open, Needs::Open) => Needs::Open,
            _ if expires => Needs::Open,
            _ => Needs::Expired,
        };
        let made =
            if self.own_holds() { [(0, first), (1, second)] } else { [(0, shared), (1, Needs::Nothing)] };
        made.into_iter().filter(|&(_, needs)| needs != Needs::Nothing)
    }
}

impl Start {
    fn end(mut self, said: [(Said, Option<Hold>); 2]) -> End {
        for (place, (said, made)) in self.places.iter().zip(said) {
            self.tally.add(&self.engine, place, said, made);
            self.holds.extend(made);
        }
        self.tally.check(&self.engine);
        End {
            said: said.map(|(said, _)| said),
            accounts: (0..self.engine.accounts())
                .map(|at| self.engine.read(AccountId(at)).unwrap().0)
                .collect(),
            holds: self
                .holds
                .iter()
                .map(|&hold| self.engine.hold(hold).map(|reading| (reading.amount, reading.state)))
                .collect(),
        }
    }
}

/// What the calls at these places, one after the other, end in; the others were contended, and did nothing.
fn one_after_the_other(scene: Scene, acts: [(Act, Needs); 2], order: &'static [usize]) -> End {
    let end = PlainArc::new(PlainMutex::new(None));
    let ended = end.clone();
    let mut builder = Builder::new();
    builder.max_branches = BRANCHES_MAX;
    builder.check(move || {
        let start = scene.start(acts);
        let mut said = [(Said::only(Answer::Contended), None); 2];
        for &at in order {
            said[at] = acts[at].0.perform(&start.engine, &start.places[at]);
        }
        *ended.lock().unwrap() = Some(start.end(said));
    });
    end.lock().unwrap().take().unwrap()
}

fn meet(scene: Scene, acts: [(Act, Needs); 2]) {
    let orders: [&'static [usize]; 5] = [&[0, 1], &[1, 0], &[0], &[1], &[]];
    let ends = orders.map(|order| one_after_the_other(scene, acts, order));
    let seen = PlainArc::new(PlainMutex::new([0u32; 5]));
    let expected = PlainArc::new(ends);
    // Each call in each thread: loom forgets that a load in the first depends on what the second does later. A reader
    // is in the second.
    let first: &[usize] = if acts[1].0 == Act::Read { &[0] } else { &[0, 1] };
    for &here in first {
        let there = 1 - here;
        let (counts, expected) = (seen.clone(), expected.clone());
        let mut builder = Builder::new();
        builder.preemption_bound = bound(scene);
        builder.max_branches = BRANCHES_MAX;
        builder.check(move || {
            let start = scene.start(acts);
            let place = start.places[there].clone();
            let other = in_thread(&start.engine, move |engine| acts[there].0.perform(engine, &place));
            let mut said = [acts[here].0.perform(&start.engine, &start.places[here]), other.join().unwrap()];
            said.rotate_left(here);
            let end = start.end(said);
            match expected.iter().position(|expected| *expected == end) {
                Some(order) => counts.lock().unwrap()[order] += 1,
                None if is_excused(&end) => {}
                None => panic!("{scene:?} {acts:?}: {end:#?} is none of {expected:#?}"),
            }
        });
    }
    let seen = *seen.lock().unwrap();
    let same = expected[0] == expected[1];
    assert!(seen[0] > 0 && (seen[1] > 0 || same), "{scene:?} {acts:?}: only {seen:?}");
}

/// An end that no order of the calls has, and that the engine's promises allow: a closing finds a reserve on its way
/// and gives up; the reserve has found the closing on its way (B7.2).
fn is_excused(end: &End) -> bool {
    let answers = end.said.map(|said| said.answer);
    answers.contains(&Answer::InUse)
        && answers.contains(&Answer::Contended)
        && end.accounts.iter().all(|reading| reading.state == AccountState::Open)
}

/// Paths of two accounts in opposite orders have too many interleavings for a minute.
fn bound(scene: Scene) -> Option<usize> {
    match scene {
        Scene::Crossing | Scene::StripesAbove => preemptions(3),
        _ => None,
    }
}

/// One call as the first of two, with each that comes with it.
fn meets_each(scene: Scene, first: (Act, Needs)) {
    let place = ACTS.iter().position(|&act| act == first).unwrap();
    let mut pairs = 0;
    for (number, &second) in ACTS.iter().enumerate() {
        let ordered = scene == Scene::BelowAbove || scene == Scene::AboveBelow;
        // Readers are the second.
        let is_first = ordered || number >= place || second.0 == Act::Read;
        // What needs no hold meets others on a path of two accounts no otherwise than below and above.
        let on_hold = scene != Scene::SharedPath || second.1 != Needs::Nothing;
        if is_first && on_hold {
            meet(scene, [first, second]);
            pairs += 1;
        }
    }
    assert!(pairs > 0);
}

/// One test for each scene and each call that is the first of two.
macro_rules! scenes {
    ($($module:ident: $scene:ident),*) => {$(
        mod $module {
            use super::{Act, Needs, Scene::$scene, meets_each};
            rows! { $scene Open: loom_extend Extend(2), loom_part Part(1), loom_part_above Part(4), loom_commit Commit(1),
                loom_commit_above Commit(4), loom_release Release, loom_expire Expire }
            rows! { $scene Expired: loom_commit_late Commit(2), loom_forget Forget }
            scenes! { $scene }
        }
    )*};
    (SharedPath) => {};
    ($scene:ident) => {
        rows! { $scene Nothing: loom_reserve Reserve(2), loom_grant_up Grant(2), loom_grant_down Grant(-2),
            loom_refund Adjust(-1), loom_extra Adjust(2), loom_close Close }
    };
}

macro_rules! rows {
    ($scene:ident $needs:ident: $($name:ident $act:ident $(($micros:literal))?),*) => {$(
        #[test]
        fn $name() {
            meets_each($scene, (Act::$act $(($micros))?, Needs::$needs));
        }
    )*};
}

scenes! { one_hold: OneHold, shared_path: SharedPath, below_above: BelowAbove, above_below: AboveBelow, crossing: Crossing,
stripes: Stripes, same_stripe: SameStripe, stripes_above: StripesAbove }
