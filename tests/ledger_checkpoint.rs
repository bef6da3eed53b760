//! The ledger's canonical form: there and back, its digest, and what is no form of any ledger.
#![cfg(feature = "wal")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test"
)]

#[path = "ledger/world.rs"]
mod world;

use assize::caps::{Caps, CapsDraft};
use assize::codec::CodecError;
use assize::crypto::Digest;
use assize::id::{AccountId, CandidateId, Epoch, Sequence};
use assize::ledger::{CheckpointError, Ledger};
use assize::overrun::Overrun;
use assize::record::{
    Account, AccountClosed, Boundary, CandidateSwitch, ExtendOutcome, Halt, Record, Settled, Spend, Switch,
    Terms,
};
use assize::window::Window;
use world::*;

/// A world with something of everything: closed accounts, debts, both kinds of holds, policies that holds name,
/// operations of several kinds.
fn full() -> World {
    let mut world = World::funded();
    world.must(&Record::Terms(remembering(2, 1_000)));
    world.must(&account("debtor", Some(0), Overrun::Debt));
    world.must(&account("gone", Some(3), Overrun::IfAvailable));
    world.must(&grant(3, 40));
    world.must(&Record::AccountClosed(AccountClosed { account: AccountId(4) }));
    let mut call = world.admitted(path(&[2]), 3, 600);
    call.operation = operation(3, after(0));
    world.must(&Record::Admission(call));
    let expired = world.admit(&[1, 3], 1, 5);
    let committed = world.admit(&[3], 1, 600);
    let mut call = commit(committed, Spend::Amount(amount(45)), (Settled::InTime, 45, 0, 25));
    call.operation = operation(2, after(1));
    world.must(&Record::Commit(call));
    world.must(&swap(2));
    world.must(&swap(3));
    let extended = world.admit(&[2, 1], 2, 600);
    let more = ExtendOutcome::Extended { deadline: after(700), held: amount(50) };
    let Record::Extend(mut call) = extend(extended, 6, more) else { unreachable!() };
    call.operation = operation(1, after(2));
    world.must(&Record::Extend(call));
    let mut call = part_commit(extended, Spend::Amount(amount(7)), (7, 0, 0, 43));
    call.operation = operation(4, after(3));
    world.must(&Record::PartCommit(call));
    world.wait(6);
    world.must(&expire(&[expired]));
    for candidate in [NEAR, CandidateId(900)] {
        world.must(&Record::CandidateSwitch(CandidateSwitch { candidate, switch: Switch::Disabled }));
    }
    world.must(&Record::Halt(Halt::ReduceOnly));
    world
}

#[test]
fn a_ledger_restored_from_its_form_is_the_same() {
    let world = full();
    let form = world.form();
    let restored = Ledger::decode(&form).unwrap();
    let mut again = Vec::new();
    restored.encode(&mut again);
    assert_eq!(again, form);
    assert_eq!(restored.digest(), world.ledger.digest());
    assert_eq!(restored.check_conservation(), Ok(()));
    let epochs: Vec<_> = [1, 2, 3].map(|epoch| restored.policy_of(Epoch(epoch)).is_some()).into();
    assert_eq!(epochs, [true, false, true], "one in force, one named by holds");

    // And it goes on the same: holds end, are forgotten, and take their policies and operations with them.
    let mut worlds = [world, World { ledger: restored, now: after(6) }];
    let forms = worlds.each_mut().map(|world| {
        world.must(&Record::Halt(Halt::None));
        let open: Vec<_> = world.ledger.holds().map(|(hold, _)| hold).collect();
        world.wait(3_600);
        world.must(&Record::Halt(Halt::All));
        world.must(&expire(&[open[0]]));
        world.must(&Record::AccountClosed(AccountClosed { account: AccountId(3) }));
        world.wait(86_400);
        world.must(&Record::Halt(Halt::None));
        assert_eq!((world.ledger.operations().count(), world.ledger.holds().count()), (0, 1));
        assert!(world.ledger.policy_of(Epoch(1)).is_none());
        world.form()
    });
    assert_eq!(forms[0], forms[1]);
}

/// FORMAT 10.3 to 10.6 by hand, for the smallest ledger with an account.
#[test]
fn the_form_is_laid_out_as_the_format_says() {
    let mut world = World::with(Terms {
        operation_horizon_ns: 1,
        operations_max: 2,
        clock_jump_ns_max: 3,
        late_window_ns: 4,
        adjust_window_ns: 0,
        settled_max: 0,
    });
    world.must(&account("a", None, Overrun::Debt));
    world.must(&grant(0, 60));
    let hold = world.admit(&[0], 3, 60);
    assert_eq!(hold, Sequence(3));
    let mut canonical = Vec::new();
    policy(1).encode(&mut canonical);
    let mut expected: Vec<u8> = vec![1, 0];
    expected.extend(3_u64.to_le_bytes());
    expected.extend(CREATED.0.to_le_bytes());
    expected.extend(1_u64.to_le_bytes());
    expected.extend(2_u32.to_le_bytes());
    expected.extend(3_u64.to_le_bytes());
    expected.extend(4_u64.to_le_bytes());
    expected.extend([0; 16]);
    expected.push(0);
    let policies_at = expected.len();
    expected.extend(1_u64.to_le_bytes());
    expected.extend(1_u32.to_le_bytes());
    expected.extend((canonical.len() as u32).to_le_bytes());
    expected.extend(&canonical);
    let after_policies = expected.len();
    expected.extend(0_u32.to_le_bytes());
    expected.extend(1_u32.to_le_bytes());
    expected.extend(b"\x01a\xff\xff\xff\xff\x02\x01\x00\x00");
    expected.extend([0; 12]);
    expected.push(0);
    expected.extend(60_u64.to_le_bytes());
    expected.extend(1_u32.to_le_bytes());
    expected.extend([0; 16]);
    expected.extend(60_i64.to_le_bytes());
    expected.extend([0; 32]);
    expected.extend(1_u32.to_le_bytes());
    expected.extend(3_u64.to_le_bytes());
    expected.push(0);
    expected.extend(60_u64.to_le_bytes());
    expected.extend([0; 16]);
    expected.extend(after(60).0.to_le_bytes());
    expected.extend(1_u64.to_le_bytes());
    expected.extend(2_u32.to_le_bytes());
    expected.extend([1, 0, 0, 0, 0]);
    expected.extend([1, 0, 0, 0, 0, 0]);
    expected.extend([0; 8]);
    expected.extend([0; 4]);
    expected.extend(0_u32.to_le_bytes());
    assert_eq!(world.form(), expected);

    // FORMAT 10.10, where the only account has rank 0.
    let mut named = expected[..policies_at].to_vec();
    named.extend(1_u64.to_le_bytes());
    named.extend(1_u32.to_le_bytes());
    named.extend(policy(1).digest().0);
    named.extend(&expected[after_policies..]);
    assert_eq!(world.ledger.digest(), Digest::of("assize/ledger/1", &named));
}

/// I8: the same accounts, opened in another order, under the same sequences and times.
#[test]
fn the_digest_does_not_depend_on_the_order_of_opening() {
    let build = |order: [&'static str; 4]| {
        let mut world = World::new();
        let handle = |text: &str| order.iter().position(|found| *found == text).unwrap() as u32;
        for text in order {
            let (parent, overrun) = match text {
                "zeta" | "alpha" => (None, Overrun::Deny),
                "mu" => (Some(handle("zeta")), Overrun::Debt),
                _ => (Some(handle("alpha")), Overrun::IfAvailable),
            };
            world.must(&account(text, parent, overrun));
        }
        for (text, granted) in [("zeta", 900), ("alpha", 800), ("mu", 700), ("nu", 600)] {
            world.must(&grant(handle(text), granted));
        }
        let first = world.admit(&[handle("mu"), handle("nu")], 3, 60);
        let second = world.admit(&[handle("nu")], 2, 60);
        let Record::Release(mut call) = release(second, Some(40)) else { unreachable!() };
        call.operation = operation(1, after(0));
        world.must(&Record::Release(call));
        assert_eq!(world.ledger.hold(first).unwrap().amount, amount(60));
        world
    };
    let one = build(["zeta", "mu", "alpha", "nu"]);
    let other = build(["alpha", "nu", "zeta", "mu"]);
    assert_ne!(one.form(), other.form());
    assert_eq!(one.ledger.digest(), other.ledger.digest());
    // And it is bound to the sequence.
    let mut later = build(["zeta", "mu", "alpha", "nu"]);
    later.must(&Record::Halt(Halt::None));
    assert_ne!(one.ledger.digest(), later.ledger.digest());
}

/// I3: any bit flipped in a form makes it none, or another ledger's.
#[test]
fn any_flipped_bit_shows() {
    let world = full();
    let form = world.form();
    let digest = world.ledger.digest();
    let (mut refused, mut others) = (0, 0);
    for bit in 0..form.len() * 8 {
        let mut flipped = form.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match Ledger::decode(&flipped) {
            Err(_) => refused += 1,
            Ok(other) => {
                others += 1;
                let mut again = Vec::new();
                other.encode(&mut again);
                assert_eq!(again, flipped, "bit {bit} has a second form");
                assert_ne!(other.digest(), digest, "bit {bit} does not show");
            }
        }
    }
    assert!(refused > 2_000 && others > 500, "both happen: {refused}, {others}");
}

#[test]
fn a_form_cut_anywhere_or_longer_is_none() {
    let mut form = full().form();
    for cut in 0..form.len() {
        assert!(Ledger::decode(&form[..cut]).is_err(), "cut at {cut}");
    }
    form.push(0);
    let longer = Ledger::decode(&form).map(drop);
    assert!(matches!(longer, Err(CheckpointError::Codec(CodecError::Trailing { .. }))), "{longer:?}");
}

/// Where the parts of [`full`]'s form are, by what was written before each.
struct Parts {
    form: Vec<u8>,
    accounts_at: usize,
    holds_at: usize,
    settled_at: usize,
    operations_at: usize,
}

fn parts() -> Parts {
    let world = full();
    let form = world.form();
    let operations: usize = world
        .ledger
        .operations()
        .map(|(_, found)| 16 + 8 + 32 + 2 + 8 + 1 + found.outcome_bytes().len())
        .sum();
    let operations_at = form.len() - operations - 4;
    let holds: usize = world
        .ledger
        .holds()
        .map(|(_, hold)| {
            let cells = hold.cells.len();
            8 + 1 + 8 + 8 + 8 + 8 + 8 + 4 + 1 + 4 * hold.path.accounts().len() + 1 + 13 * cells
        })
        .sum();
    // The settled hold is of one account, and takes from that and the one above it.
    let settled_at = operations_at - (8 + 8 + 8 + 8 + 1 + 4 + 1 + 13 * 2) - 4;
    let holds_at = settled_at - holds - 4;
    let accounts: usize = world
        .ledger
        .accounts()
        .map(|(_, found)| found.opened.name.as_str().len() + 1 + 9 + 12 - 1 + 1 + 12 + 56)
        .sum();
    let accounts_at = holds_at - accounts - 4;
    let count = |at: usize| u32::from_le_bytes(form[at..at + 4].try_into().unwrap());
    assert_eq!([accounts_at, holds_at, settled_at, operations_at].map(count), [5, 3, 1, 4]);
    Parts { form, accounts_at, holds_at, settled_at, operations_at }
}

#[test]
fn forms_that_contradict_themselves_are_none() {
    let Parts { form, accounts_at, holds_at, settled_at, operations_at } = parts();
    let put = |at: usize, bytes: &[u8]| {
        let mut altered = form.clone();
        altered[at..at + bytes.len()].copy_from_slice(bytes);
        match Ledger::decode(&altered) {
            Err(CheckpointError::Contradiction { what } | CheckpointError::Account { what, .. }) => what,
            Err(CheckpointError::Codec(CodecError::Invalid { what, .. })) => what,
            other => panic!("{other:?}"),
        }
    };
    // "org": name 4, parent 4, overrun 1, limits 1, window 1, throttles 1, exposure 12; state; window 16; counters.
    let org = accounts_at + 4;
    let state = org + 4 + 4 + 4 + 12;
    let window = state + 1 + 8 + 4;
    let counters = window + 16;
    let first_hold = holds_at + 4;
    let hold_path = first_hold + 8 + 1 + 8 + 8 + 8 + 8 + 8 + 4;
    let settled = settled_at + 4;
    let first_operation = operations_at + 4;
    let cases: Vec<(usize, Vec<u8>, &str)> = vec![
        (0, vec![2], "layout of a checkpoint"),
        (62, vec![3], "halt"),
        (63, vec![2], "the policy in force is not the last"),
        (accounts_at - 8, 901_u32.to_le_bytes().into(), "order of disabled candidates"),
        (accounts_at, u32::MAX.to_le_bytes().into(), "count of accounts"),
        (org + 4, 77_u32.to_le_bytes().into(), "there is no such account to be its parent"),
        (org + 4, 1_u32.to_le_bytes().into(), "it is too deep below its root"),
        (state, vec![2], "state of an account"),
        (state, vec![1], "it is closed with a hold or an account open at or below it"),
        (state + 1, u64::MAX.to_le_bytes().into(), "allowance"),
        (state + 1, vec![1], "cell of a lifetime"),
        (state + 9, vec![0], "count of windows"),
        (window, vec![1], "window of a limit"),
        (counters, 1_001_i64.to_le_bytes().into(), "cell of a lifetime"),
        (counters + 8, i64::MAX.to_le_bytes().into(), "counters of a cell"),
        (counters + 24, vec![1], "cell of a lifetime"),
        (holds_at, u32::MAX.to_le_bytes().into(), "count of holds"),
        (first_hold, 0_u64.to_le_bytes().into(), "sequence of a hold"),
        (first_hold, 500_u64.to_le_bytes().into(), "sequence of a hold"),
        (first_hold + 8, vec![2], "state of a hold"),
        (first_hold + 8, vec![1], "a hold has expired before its deadline"),
        (first_hold + 9, u64::MAX.to_le_bytes().into(), "amount of a hold"),
        (first_hold + 9, 61_u64.to_le_bytes().into(), "its open holds do not hold what it has reserved"),
        (first_hold + 17, (1_u64 << 63).to_le_bytes().into(), "amount spent of a hold"),
        (first_hold + 25, 1_u64.to_le_bytes().into(), "amount unfunded of a hold"),
        (settled_at, 3_u32.to_le_bytes().into(), "count of settled holds"),
        (settled, 0_u64.to_le_bytes().into(), "sequence of a settled hold"),
        (settled, 500_u64.to_le_bytes().into(), "sequence of a settled hold"),
        (settled + 8, after(7).0.to_le_bytes().into(), "a settled hold is not within the window"),
        (
            settled + 8,
            (CREATED.0 - 994 * 1_000_000_000 - 1).to_le_bytes().into(),
            "a settled hold is not within the window",
        ),
        (settled + 16, u64::MAX.to_le_bytes().into(), "amount booked"),
        (settled + 24, u64::MAX.to_le_bytes().into(), "amount unfunded"),
        (settled + 33, 77_u32.to_le_bytes().into(), "a hold's cells are not those of its path"),
        (first_hold + 41, 2_u64.to_le_bytes().into(), "a hold's policy or candidate is missing"),
        (first_hold + 49, 44_u32.to_le_bytes().into(), "a hold's policy or candidate is missing"),
        (hold_path + 1, 77_u32.to_le_bytes().into(), "a hold's cells are not those of its path"),
        (hold_path + 5, vec![0], "count of a hold's cells"),
        (hold_path + 6, vec![1], "a hold's cells are not those of its path"),
        (hold_path + 10, vec![1], "a hold's cells are not those of its path"),
        (hold_path + 11, vec![1], "a hold's cells are not those of its path"),
        (operations_at, u32::MAX.to_le_bytes().into(), "count of operations"),
        (first_operation, vec![9], "order of operations"),
        (first_operation + 16, 0_i64.to_le_bytes().into(), "an operation is beyond the horizon"),
        (first_operation + 56, vec![1, 0], "kind of an operation"),
        (first_operation + 56, vec![64, 0], "kind of an operation"),
        (first_operation + 58, 0_u64.to_le_bytes().into(), "sequence of an operation"),
        (first_operation + 58, 500_u64.to_le_bytes().into(), "sequence of an operation"),
    ];
    for (at, bytes, what) in cases {
        assert_eq!(put(at, &bytes), what, "at {at}");
    }
    // Another kind of operation, whose outcome these bytes are not.
    let mut altered = form.clone();
    altered[first_operation + 56] = 17;
    assert!(matches!(Ledger::decode(&altered), Err(CheckpointError::Record(_))));
    // A bit in a policy's text.
    let mut altered = form.clone();
    altered[80] ^= 0x80;
    assert!(matches!(Ledger::decode(&altered), Err(CheckpointError::Policy(_))));
    // A name twice.
    let mut world = World::new();
    world.must(&account("a", None, Overrun::Deny));
    world.must(&account("b", None, Overrun::Deny));
    let mut form = world.form();
    let at = form.iter().rposition(|&byte| byte == b'b').unwrap();
    form[at] = b'a';
    let what = "its name is another's";
    let expected = Err(CheckpointError::Account { account: AccountId(1), what });
    assert_eq!(Ledger::decode(&form).map(drop), expected);
}

#[test]
fn an_ended_window_has_nothing_but_what_it_owes_and_none_more_than_the_allowance() {
    let mut world = World::new();
    let caps = Caps::new(CapsDraft { windows: vec![Window::Given], ..CapsDraft::default() }).unwrap();
    let (name, overrun) = (name("trip"), Overrun::Debt);
    world.must(&Record::Account(Account { name, parent: None, overrun, caps }));
    world.must(&grant(0, 100));
    let _kept = world.admit(&[0], 1, 600);
    let spent = world.admit(&[0], 1, 600);
    world.must(&commit_amount(spent, (Settled::InTime, 110, 90, 0)));
    world.must(&Record::Boundary(Boundary { account: AccountId(0), limit: 0 }));
    let form = world.form();
    let row = form.windows(4).position(|bytes| bytes == b"trip").unwrap() + 4 + 4 + 4 + 12 + 1;
    let closed = row + 8 + 4 + 16;
    let current = closed + 40 + 16;
    let put = |at: usize, granted: i64, available: i64| {
        let mut altered = form.clone();
        altered[at..at + 16].copy_from_slice(&[granted.to_le_bytes(), available.to_le_bytes()].concat());
        match Ledger::decode(&altered) {
            Ok(_) => "is one",
            Err(CheckpointError::Account { what, .. }) => what,
            Err(CheckpointError::Codec(CodecError::Invalid { what, .. })) => what,
            other => panic!("{other:?}"),
        }
    };
    // Where | granted | available
    let cases = [
        (closed, 100, -30, "is one"),
        (closed, 131, 1, "amount available of a closed window"),
        (closed, i64::MIN + 130, i64::MIN, "its counters do not add up"),
        (current, 70, 70, "is one"),
        (current, 100, 100, "is one"),
        (current, 101, 101, "amount granted of a window"),
    ];
    for (at, granted, available, what) in cases {
        assert_eq!(put(at, granted, available), what, "{granted} granted, {available} available");
    }
}

#[test]
fn only_a_genesis_has_no_records() {
    let genesis = World::new().form();
    assert!(Ledger::decode(&genesis).is_ok());
    let mut world = World::new();
    world.must(&Record::Halt(Halt::All));
    let mut form = world.form();
    form[2] = 0;
    let what = "something happened before the first record";
    assert_eq!(Ledger::decode(&form).map(drop), Err(CheckpointError::Contradiction { what }));
}

/// A policy that nothing names is not kept, and one that is kept is named.
#[test]
fn policies_are_kept_as_long_as_they_are_named() {
    let mut world = World::funded();
    let hold = world.admit(&[2], 1, 60);
    world.must(&swap(2));
    let with = world.form();
    world.must(&release(hold, Some(20)));
    let without = world.form();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    policy(1).encode(&mut first);
    policy(2).encode(&mut second);
    assert_eq!(with.len() - without.len(), 4 + first.len() + 8 + 1 + 8 + 8 + 8 + 8 + 8 + 4 + 1 + 4 + 1 + 39);
    // The form without the hold, but with its policy still there.
    let at = 2 + 8 + 8 + 44 + 1 + 8;
    let mut kept = without[..at].to_vec();
    kept.extend(2_u32.to_le_bytes());
    for canonical in [&first, &second] {
        kept.extend((canonical.len() as u32).to_le_bytes());
        kept.extend(canonical);
    }
    kept.extend(&without[at + 4 + 4 + second.len()..]);
    let what = "a policy is neither in force nor named by a hold";
    assert_eq!(Ledger::decode(&kept).map(drop), Err(CheckpointError::Contradiction { what }));
}

/// An expired hold whose window has passed is none any more. FORMAT 10.8.
#[test]
fn a_form_has_nothing_that_time_has_ended() {
    let mut world = World::funded();
    let hold = world.admit(&[2], 1, 60);
    world.wait(60);
    world.must(&expire(&[hold]));
    let mut form = world.form();
    form[10..18].copy_from_slice(&after(60 + 3_601).0.to_le_bytes());
    let what = "an expired hold is beyond the late window";
    assert_eq!(Ledger::decode(&form).map(drop), Err(CheckpointError::Contradiction { what }));
}
