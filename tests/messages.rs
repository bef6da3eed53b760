//! What errors say, word for word, since hosts show it to people: what was seen, and the bound; and that none says what it
//! comes from, which its source says. Those that take a permit or a log to make are not among them.
#![cfg(feature = "wal")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::io::ErrorKind;

use assize::budget::{
    AccountError, AdjustError, CellCounters, ExtendError, GrantError, PathError, ReserveError, RestoreError,
    SettleError,
};
use assize::caps::{Binding, Bound, CapsError};
use assize::codec::CodecError;
use assize::crypto::{Digest, Digester, KeyError, KeyId, Tag};
use assize::id::{AccountId, CandidateId, Epoch, LogId, Name, NameError, OperationId, Sequence};
use assize::ledger::{CheckpointError, LedgerError};
use assize::num::{Amount, MicroUnits, Timestamp};
use assize::record::{Kind, RecordError};
use assize::throttle::ThrottleError;
use assize::wal::storage::{AnchorFileError, Cause, FileName, KeyFileError, Operation, StorageError};
use assize::wal::{
    AnchorError, AppendError, Blame, ChangeKeyError, CreateError, Failure, Fault, FindError, KeyMode,
    KeyTextError, OpenError, OptionsError, Place, ReadError, StateError, WaitError,
};
use assize::window::WindowError;

const ACCOUNT: AccountId = AccountId(7);
const BINDING: Binding = Binding { account: ACCOUNT, bound: Bound::Limit(0) };

#[track_caller]
fn say<T: std::fmt::Display>(rows: &[(T, &str)]) {
    for (value, said) in rows {
        assert_eq!(value.to_string(), *said);
    }
}

#[test]
fn what_is_told_of_values() {
    say(&[(CandidateId(7), "7")]);
    say(&[(AccountId(7), "7")]);
    say(&[(Sequence(7), "7")]);
    say(&[(Epoch(7), "7")]);
    say(&[(LogId([0x5A; 16]), "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a")]);
    say(&[(OperationId([1; 16]), "01010101010101010101010101010101")]);
    say(&[(Name::new("one").unwrap(), "one")]);
    assert_eq!(format!("{:>5}|{:?}", Name::new("one").unwrap(), Name::new("one").unwrap()), "  one|\"one\"");
    say(&[(MicroUnits(7), "7 µ")]);
    say(&[(Amount::new(7).unwrap(), "7 µ")]);
    let digest = Digest(std::array::from_fn(|at| u8::try_from(at).unwrap()));
    let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    say(&[(digest, hex)]);
    assert_eq!(format!("{digest:?}"), hex);
    assert_eq!(format!("{:?}", Tag(digest.0)), "Tag(..)");
    assert_eq!(format!("{:?}", Digester::untagged()), "Digester(..)");
    say(&[
        (Bound::Limit(1), "limit 1"),
        (Bound::Held, "the cap on what is held"),
        (Bound::Holds, "the cap on holds"),
    ]);
    say(&[(BINDING, "7"), (Binding { account: ACCOUNT, bound: Bound::Holds }, "7 (the cap on holds)")]);
    say(&[(Kind::PartCommit, "part_commit"), (Kind::Admission, "admission")]);
}

#[test]
fn what_is_told_of_names_and_numbers() {
    tell([
        (NameError::Empty, "a name is empty; it has 1 to 64 bytes"),
        (NameError::Control, "a name has a control character"),
        (NameError::TooLong { seen: 65 }, "a name has 65 bytes; the limit is 64"),
    ]);
    tell([(
        Amount::try_from(MicroUnits(u64::MAX)).unwrap_err(),
        "18446744073709551615 is above the maximum of 9223372036854775807",
    )]);
    tell([
        (CodecError::Truncated { offset: 3, wanted: 8, left: 2 }, "at byte 3: 8 bytes wanted, 2 left"),
        (CodecError::Trailing { offset: 3, left: 2 }, "at byte 3: 2 bytes after the end"),
        (CodecError::Invalid { offset: 3, what: "kind" }, "before byte 3: invalid kind"),
        (CodecError::TooLong { seen: 256, max: 255 }, "256 bytes do not fit a count of at most 255"),
    ]);
}

#[test]
fn what_is_told_of_terms() {
    let throttles = [
        (ThrottleError::NoQuantity, "a throttle of units counts at least one quantity"),
        (ThrottleError::Rate { seen: 0 }, "a rate of 0; it is 1 to 4611686018427387904"),
        (ThrottleError::Period { seen_ns: 0 }, "a period of 0 ns; it is 1 to 72057594037927936 ns"),
        (ThrottleError::Burst { seen: 0 }, "a burst of 0; it is 1 to 4611686018427387904"),
    ];
    tell(throttles);
    let windows = [
        (
            WindowError::Offset { seen_s: 64_801 },
            "an offset of 64801 s from UTC; the limit is 64800 s either way",
        ),
        (WindowError::Length { seen_ns: 9 }, "a window of 9 ns; it has 1000000 to 4611686018427387904 ns"),
        (
            WindowError::Origin { seen_ns: -1, length_ns: 9 },
            "windows from -1 ns on; the origin is from 0 to below the length of 9 ns",
        ),
    ];
    tell(windows);
    tell(
        [
            (CapsError::Limits { seen: 4 }, "4 limits; an account has 1 to 3".to_owned()),
            (CapsError::Throttles { seen: 5 }, "5 throttles; an account has at most 4".to_owned()),
            (CapsError::Window { limit: 1, error: windows[1].0 }, format!("limit 1: {}", windows[1].1)),
            (CapsError::Twice { limit: 2 }, "limit 2 has the window of an earlier one".to_owned()),
            (
                CapsError::Throttle { throttle: 1, error: throttles[0].0 },
                format!("throttle 1: {}", throttles[0].1),
            ),
            (CapsError::Nothing, "a cap on exposure of 0; it is at least 1".to_owned()),
        ]
        .each_ref()
        .map(|(error, said)| (*error, said.as_str())),
    );
}

#[test]
fn what_is_told_of_accounts() {
    tell([
        (
            AccountError::TermsDiffer { account: ACCOUNT },
            "account 7 has that name and other terms; terms are kept for life",
        ),
        (AccountError::Closed { account: ACCOUNT }, "account 7 is closed"),
        (AccountError::Unknown { account: ACCOUNT }, "there is no account 7"),
        (AccountError::Limit { account: ACCOUNT, limit: 2 }, "account 7 has no limit 2"),
        (
            AccountError::NotGiven { account: ACCOUNT, limit: 2 },
            "the windows of limit 2 of account 7 end by themselves",
        ),
        (
            AccountError::LastInstant { account: ACCOUNT, limit: 2 },
            "the current window of limit 2 of account 7 began at the last instant; none can follow it",
        ),
        (
            AccountError::Stripes { account: ACCOUNT, stripes: 99 },
            "account 7 cannot have 99 stripes: an account with one limit for life that may not go into debt can be \
             given 2 to 16, once",
        ),
        (AccountError::SameParent { account: ACCOUNT }, "account 7 is below that parent already"),
        (AccountError::BelowItself { account: ACCOUNT }, "account 7 would be below itself"),
        (
            AccountError::TooDeep { parent: ACCOUNT },
            "account 7 is at level 8, the deepest; none can be below it",
        ),
        (AccountError::AccountsFull { max: 9 }, "there are 9 accounts, the most that there may be"),
        (
            AccountError::HoldsOpen { account: ACCOUNT, reserved_micros: 5 },
            "account 7 has open holds of 5 µ; it closes when there are none",
        ),
        (
            AccountError::ChildrenOpen { account: ACCOUNT, children: 5 },
            "account 7 has 5 open accounts below it; it closes when there are none",
        ),
    ]);
    tell([
        (GrantError::Unknown { account: ACCOUNT }, "there is no account 7"),
        (GrantError::Closed { account: ACCOUNT }, "account 7 is closed"),
        (GrantError::Limit { account: ACCOUNT, limit: 2 }, "account 7 has no limit 2"),
        (
            GrantError::AboveMaximum { granted_micros: 5, delta_micros: 6 },
            "a grant of 6 µ on top of 5 µ passes the limit of 9223372036854775807 µ",
        ),
        (
            GrantError::AboveAvailable { available_micros: 5, delta_micros: -6 },
            "a grant of -6 µ takes more than the 5 µ available",
        ),
        (GrantError::Contended, "contended: too many attempts at once; try again"),
    ]);
    tell([
        (PathError::Empty, "no account is named; a path has 1 to 4"),
        (PathError::TooManyAccounts { seen: 5 }, "5 accounts are named; the limit is 4"),
        (PathError::Repeated { account: ACCOUNT }, "account 7 is named twice"),
        (PathError::Unknown { account: ACCOUNT }, "there is no account 7"),
        (PathError::Closed { account: ACCOUNT }, "account 7 is closed"),
        (PathError::Foreign, "the path was made by another engine"),
        (
            PathError::TooManyCells,
            "the limits and caps of the accounts named and of those above them are more than 24 cells",
        ),
        (PathError::WindowEnded { account: ACCOUNT }, "a window of account 7 has ended; make the path again"),
    ]);
}

#[test]
fn what_is_told_of_holds() {
    let amount = Amount::new(5).unwrap();
    tell([
        (
            ReserveError::Insufficient { binding: BINDING, available_micros: -1 },
            "account 7 has only -1 µ available",
        ),
        (ReserveError::Closed { account: ACCOUNT }, "account 7 is closed"),
        (
            ReserveError::WindowEnded { account: ACCOUNT },
            "a window of account 7 has ended; make the path again",
        ),
        (ReserveError::Contended, "contended: too many attempts at once; try again"),
        (ReserveError::HoldsFull { max: 9 }, "there are 9 open holds, the most that there may be"),
        (ReserveError::ForeignPath, "the path was made by another engine"),
    ]);
    tell([
        (
            ExtendError::Insufficient { binding: BINDING, available_micros: 5 },
            "account 7 has only 5 µ available",
        ),
        (
            ExtendError::AboveMaximum { held: amount, more: Amount::MAX },
            "a hold of 5 µ extended by 9223372036854775807 µ passes the limit of 9223372036854775807 µ",
        ),
        (ExtendError::Expired, "the hold has expired"),
        (ExtendError::AlreadySettled, "the hold has ended"),
        (ExtendError::Contended, "contended: too many attempts at once; try again"),
    ]);
    tell([
        (SettleError::AlreadySettled, "the hold has ended"),
        (SettleError::AlreadyExpired, "the hold has expired already"),
        (SettleError::StillOpen, "the hold is open; only an expired one can be forgotten"),
        (SettleError::Contended, "contended: another call has the hold; try again"),
    ]);
    tell([
        (AdjustError::Path(PathError::Foreign), "the path was made by another engine"),
        (
            AdjustError::AboveCommitted { account: ACCOUNT, committed_micros: 5 },
            "account 7 has only 5 µ committed",
        ),
    ]);
    let counters = CellCounters {
        granted_micros: 1,
        available_micros: 2,
        committed_micros: 3,
        lapsed_micros: 4,
        ..CellCounters::default()
    };
    tell([
        (RestoreError::Account(AccountError::Closed { account: ACCOUNT }), "account 7 is closed"),
        (RestoreError::Repeated { account: ACCOUNT }, "account 7 has that name already"),
        (
            RestoreError::Counters(counters),
            "1 µ granted is not 2 µ available, 3 µ committed and 4 µ lapsed with holds at or above 0",
        ),
        (RestoreError::Window(counters), "1 µ granted with 2 µ available is none of the windows of a limit"),
        (
            RestoreError::ClosedHolds { reserved_micros: 5 },
            "a closed account would hold 5 µ; it can hold nothing",
        ),
        (RestoreError::Limits { seen: 2 }, "2 limits, which are not those of the account's terms"),
        (RestoreError::Path { seen: 25 }, "a hold names 25 cells; it has 1 to 24, each once"),
        (
            RestoreError::AboveReserved { account: ACCOUNT, unclaimed_micros: 4, amount },
            "a hold of 5 µ is above the 4 µ reserved and unclaimed at account 7",
        ),
        (
            RestoreError::Unclaimed { account: ACCOUNT, unclaimed_micros: 4 },
            "account 7 has 4 µ reserved that no hold claims",
        ),
        (RestoreError::HoldsFull { max: 9 }, "there are 9 open holds, the most that there may be"),
    ]);
}

#[test]
fn what_is_told_of_records_and_ledgers() {
    use assize::record::PathError;
    let codec = CodecError::Invalid { offset: 3, what: "kind" };
    tell([
        (PathError::Empty, "a path names no account; it names 1 to 4"),
        (PathError::TooMany { seen: 5 }, "a path names 5 accounts; the limit is 4"),
        (PathError::Twice { account: ACCOUNT }, "a path names account 7 twice"),
    ]);
    tell([
        (RecordError::Kind { seen: 99 }, "kind 99 is no record of this version"),
        (RecordError::Codec(codec), "before byte 3: invalid kind"),
        (RecordError::Name(NameError::Control), "a name has a control character"),
        (RecordError::Path(PathError::Twice { account: ACCOUNT }), "a path names account 7 twice"),
        (RecordError::Caps(CapsError::Nothing), "a cap on exposure of 0; it is at least 1"),
        (RecordError::Contradiction { what: "it is both" }, "contradiction: it is both"),
    ]);
    tell([
        (CheckpointError::Codec(codec), "before byte 3: invalid kind"),
        (CheckpointError::Contradiction { what: "it is both" }, "contradiction: it is both"),
        (CheckpointError::Account { account: ACCOUNT, what: "it is both" }, "account 7: it is both"),
    ]);
    tell([
        (
            LedgerError::Checkpoint(CheckpointError::Codec(codec)),
            "the checkpoint is none: before byte 3: invalid kind",
        ),
        (
            LedgerError::Record { sequence: Sequence(5), kind: 1, error: RecordError::Kind { seen: 1 } },
            "record 5 has a payload that is none of kind 1: kind 1 is no record of this version",
        ),
        (LedgerError::Unrestored, "the ledger was not restored yet"),
    ]);
}

#[test]
fn what_is_told_of_keys_and_logs() {
    tell([(KeyError::Length { seen: 5 }, "a key has 5 bytes; it has 32 to 64")]);
    let key = KeyError::Length { seen: 5 };
    tell([
        (KeyTextError::Line { number: 1 }, "line 1 of a key file is \"assize-key-1\""),
        (KeyTextError::Line { number: 2 }, "line 2 of a key file is \"id=\" and a decimal below 2^32"),
        (
            KeyTextError::Line { number: 3 },
            "line 3 of a key file is \"secret=\" and 64 to 128 lower-case hex digits",
        ),
        (KeyTextError::Line { number: 4 }, "a key file has three lines, each ended by a line feed"),
        (KeyTextError::Key(key), "the secret is no key: a key has 5 bytes; it has 32 to 64"),
    ]);
    let log_id = LogId([0x5A; 16]);
    tell([
        (StateError::Missing, "the key's store has no state"),
        (
            StateError::Exists { log_id, segment: 5 },
            "the key's store has a state already, of log 5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a, segment 5",
        ),
        (StateError::NotAState, "the bytes do not start as a key's state does"),
        (
            StateError::Version { seen: 2, mode: 9 },
            "the key's state names format version 2 and key mode 9; 1 and 2 are read",
        ),
        (StateError::Torn, "the key's state is torn or altered: its digest does not hold"),
        (
            StateError::Log { seen: log_id },
            "the key's state is of another log, 5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
        ),
        (
            StateError::Used { segment: 5 },
            "the key's state is of segment 5; a log is created with one of segment 1",
        ),
        (
            StateError::Behind { segment: 5, last: 6 },
            "the key's state is of segment 5 and the log's last is 6: an old copy",
        ),
        (
            StateError::Ahead { segment: 8, last: 6 },
            "the key's state is of segment 8 and the log's last is 6: it is ahead",
        ),
    ]);
}

#[track_caller]
fn tell<E: std::error::Error, S: AsRef<str>>(rows: impl IntoIterator<Item = (E, S)>) {
    for (error, said) in rows {
        assert_eq!(told(&error), said.as_ref());
    }
}

#[track_caller]
fn blamed<E: std::error::Error, S: AsRef<str>>(
    blame: impl Fn(&E) -> Blame,
    rows: impl IntoIterator<Item = (E, S, Blame)>,
) {
    for (error, said, expected) in rows {
        assert_eq!((told(&error).as_str(), blame(&error)), (said.as_ref(), expected));
    }
}

/// What an error says, and what it comes from, which it does not say itself.
fn told(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        assert!(!told.contains(&source.to_string()), "said twice: {told}: {source}");
        told = format!("{told}: {source}");
        next = source.source();
    }
    told
}

fn storage(cause: Cause) -> StorageError {
    StorageError::new(Operation::SyncDir, "", cause)
}

#[test]
fn what_is_told_of_storage() {
    let named = |operation| StorageError::new(operation, "a.seg", Cause::Locked).to_string();
    let operations = [
        (Operation::Establish, "make the directory"),
        (Operation::Lock, "lock"),
        (Operation::List, "list"),
        (Operation::Create, "create"),
        (Operation::Open, "open"),
        (Operation::Rename, "rename"),
        (Operation::Remove, "remove"),
        (Operation::SyncDir, "sync the directory"),
        (Operation::Read, "read"),
        (Operation::Write, "write"),
        (Operation::Sync, "sync"),
        (Operation::SetLen, "set the length"),
        (Operation::Len, "tell the length"),
    ];
    for (operation, said) in operations {
        assert_eq!(named(operation), format!("cannot {said} a.seg: another writer holds the lock"));
    }
    tell([
        (storage(Cause::Io(ErrorKind::NotFound)), "cannot sync the directory: entity not found"),
        (
            storage(Cause::NotPlain),
            "cannot sync the directory: neither a plain file nor a plain directory; links are not followed",
        ),
        (
            storage(Cause::Mode { seen: 0o644 }),
            "cannot sync the directory: mode 644 gives rights to group or others",
        ),
        (storage(Cause::TooLarge { max: 9 }), "cannot sync the directory: it has more than 9 bytes"),
    ]);
    let full = storage(Cause::Io(ErrorKind::StorageFull));
    tell([
        (
            KeyFileError::Storage(full),
            "the key file cannot be used: cannot sync the directory: no storage space",
        ),
        (
            KeyFileError::Text(KeyTextError::Line { number: 4 }),
            "the file is no key file: a key file has three lines, each ended by a line feed",
        ),
        (
            KeyFileError::Key(KeyError::Length { seen: 5 }),
            "the secret is no key: a key has 5 bytes; it has 32 to 64",
        ),
    ]);
    blamed(
        AnchorFileError::blame,
        [
            (
                AnchorFileError::Storage(full),
                "the anchor file cannot be read: cannot sync the directory: no storage space",
                Blame::Storage,
            ),
            (
                AnchorFileError::Anchor(AnchorError::Tag),
                "the anchor file does not hold: the anchor's tag does not verify: altered, or another key with this id",
                Blame::Evidence,
            ),
        ],
    );
}

#[test]
fn what_is_told_of_anchors() {
    tell([
        (AnchorError::NotAnAnchor, "the bytes do not start as an anchor does"),
        (
            AnchorError::Version { seen: 2, mode: 9 },
            "the anchor states format version 2 and key mode 9; 1, and 1 to 3, are read",
        ),
        (AnchorError::Unkeyed, "the anchor is of an unkeyed log, and a keyed one is expected"),
        (
            AnchorError::Mode { seen: KeyMode::Static, wanted: KeyMode::Evolving },
            "the anchor is of a log with static keys, and the key given is evolving",
        ),
        (
            AnchorError::Past { segment: 5 },
            "the anchor is of segment 5, whose key is gone; the root key can check it",
        ),
        (AnchorError::UnknownKey { id: KeyId(5) }, "no key with the anchor's id 5 was given"),
    ]);
    let malformed = AnchorError::Malformed(CodecError::Trailing { offset: 120, left: 1 });
    assert_eq!(told(&malformed), "the anchor does not have its form: at byte 120: 1 bytes after the end");
}

#[test]
fn what_is_told_of_logs() {
    let full = storage(Cause::Io(ErrorKind::StorageFull));
    let failure = Failure::Storage(full);
    let failed = "the storage failed: cannot sync the directory: no storage space";
    let place = Place { segment: 1, sequence: Sequence(2), offset: 3 };
    let here = "segment 1, sequence 2, offset 3";
    let log_id = LogId([0x5A; 16]);
    let hex = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
    assert_eq!(told(&failure), failed);
    tell([
        (Failure::SegmentsExhausted, "the log has as many segments as it can have"),
        (
            Failure::Fold { sequence: Sequence(5) },
            "the state does not take record 5; this is a bug, please report it",
        ),
        (Failure::Panicked, "a thread panicked while it wrote; this is a bug, please report it"),
    ]);
    let options = OptionsError::SegmentBytes { seen: 0 };
    let taken = "segments of 0 bytes; 1 to 1099511627776 are taken";
    tell([
        (options, taken),
        (OptionsError::QueueBytes { seen: 1 }, "a queue of 1 bytes; 1024 to 134217728 are taken"),
    ]);
    type Created = CreateError<NameError>;
    tell([
        (Created::Options(options), format!("the log's options are out of their range: {taken}")),
        (Created::Exists, "the directory is not empty; a log is created in a new one".to_owned()),
        (Created::Locked, "another writer holds the lock".to_owned()),
        (
            Created::KeyState(StateError::Missing),
            "no log can be created with the key's state: the key's store has no state".to_owned(),
        ),
        (
            Created::Fold(NameError::Control),
            "the first state has no checkpoint; this is a bug, please report it: a name has a control character"
                .to_owned(),
        ),
        (
            Created::Storage(full),
            "the log cannot be created: cannot sync the directory: no storage space".to_owned(),
        ),
    ]);
    type Opened = OpenError<NameError>;
    blamed(
        Opened::blame,
        [
            (
                Opened::Options(options),
                format!("the log's options are out of their range: {taken}"),
                Blame::Caller,
            ),
            (Opened::Locked, "another writer holds the lock".to_owned(), Blame::Storage),
            (
                Opened::KeyState(StateError::Missing),
                "the log does not open with the key's state: the key's store has no state".to_owned(),
                StateError::Missing.blame(),
            ),
            (
                Opened::Recover(failure),
                format!("the log cannot be made ready for writing: {failed}"),
                Blame::Storage,
            ),
        ],
    );
    tell([
        (ReadError::Foreign { name: FileName::new("a\nb") }, "a?b is no segment's name".to_owned()),
        (ReadError::UnknownKey { place, id: KeyId(5) }, format!("{here}: no key with id 5 was given")),
        (
            ReadError::Overtaken { segment: 5 },
            "segment 5 was deleted by a retention while the log was read; read it again".to_owned(),
        ),
        (
            ReadError::Storage(full),
            "the log cannot be read: cannot sync the directory: no storage space".to_owned(),
        ),
    ]);
    say(&[
        (
            Fault::OtherKeyMode { seen: KeyMode::Unkeyed, wanted: KeyMode::Static },
            "the header states unkeyed keys, and static ones are expected",
        ),
        (
            Fault::KeyNotNamed { seen: KeyId(5) },
            "the header is under key 5, which the segment before it does not name",
        ),
        (Fault::AnchorLog { seen: log_id }, &format!("the anchor is of another log, {hex}")),
        (Fault::AnchorAhead { anchor: Sequence(5) }, "the log ends before its anchor, at sequence 5"),
        (Fault::AnchorTag, "no frame of the anchor's sequence has the anchor's tag"),
    ]);
    tell([
        (
            FindError::Read(ReadError::Storage(full)),
            "the log cannot be read: cannot sync the directory: no storage space".to_owned(),
        ),
        (
            FindError::Before { segment: 5, through: Sequence(6) },
            "the log begins after it: with segment 5, after sequence 6".to_owned(),
        ),
        (FindError::After { segment: 5 }, "the log ends before it, in segment 5".to_owned()),
        (FindError::Unreadable { place }, format!("{here}: no whole frame stands here")),
    ]);
    tell([
        (
            AppendError::Full { queued: 5, wanted: 6, max: 10 },
            "the queue has 5 of 10 bytes; 6 more do not fit".to_owned(),
        ),
        (AppendError::Kind { seen: 9 }, "kind 9 is none that a caller appends".to_owned()),
        (AppendError::Time, "the effective time is before the log's".to_owned()),
        (AppendError::Poisoned(failure), format!("the log is poisoned and takes nothing more: {failed}")),
    ]);
    blamed(
        WaitError::blame,
        [
            (
                WaitError::Unknown(failure),
                format!("the log is poisoned: open it again to learn what is on disk: {failed}"),
                Blame::Storage,
            ),
            (
                WaitError::NotAppended { head: Sequence(5) },
                "the last record has sequence 5".to_owned(),
                Blame::Caller,
            ),
        ],
    );
    blamed(
        ChangeKeyError::blame,
        [
            (ChangeKeyError::Same { id: KeyId(5) }, "key 5 is the log's already".to_owned(), Blame::Caller),
            (
                ChangeKeyError::KeyState(StateError::Missing),
                "the log does not go on with the key's state: the key's store has no state".to_owned(),
                StateError::Missing.blame(),
            ),
            (
                ChangeKeyError::Poisoned(failure),
                format!("the log is poisoned and takes nothing more: {failed}"),
                Blame::Storage,
            ),
        ],
    );
}

#[test]
fn what_is_told_by_a_controller() {
    use assize::controller::{CreateError, Fault, NotSwapped, OpenError};
    let (hold, account) = (Sequence(5), ACCOUNT);
    let too_large = Amount::try_from(MicroUnits(u64::MAX)).unwrap_err();
    let beyond = "18446744073709551615 is above the maximum of 9223372036854775807";
    let amount = |micros| Amount::new(micros).unwrap();
    let rows = [
        (Fault::Path(PathError::Empty), "no path: no account is named; a path has 1 to 4"),
        (
            Fault::DeadlinePast { deadline: Timestamp(5), effective: Timestamp(6) },
            "the deadline 5 ns is not after the effective time 6 ns",
        ),
        (
            Fault::IdReused { id: OperationId([1; 16]) },
            "operation 01010101010101010101010101010101 was another operation",
        ),
        (
            Fault::Stale { issued: Timestamp(5), oldest: Timestamp(6) },
            "issued at 5 ns; the oldest issue time taken is 6 ns",
        ),
        (
            Fault::ClockJump { seen: Timestamp(6), latest: Timestamp(5) },
            "the time 6 ns is ahead of the log; the latest taken is 5 ns",
        ),
        (Fault::SettledAlready { hold }, "hold 5 has ended"),
        (Fault::Expired { hold }, "hold 5 has expired"),
        (
            Fault::Unpriced { candidate: CandidateId(5) },
            "the quantities have no price at candidate 5 that fits 9223372036854775807 µ",
        ),
        (
            Fault::AboveMaximum { held: amount(5), more: Amount::MAX },
            "a hold of 5 µ extended by 9223372036854775807 µ passes the limit of 9223372036854775807 µ",
        ),
        (
            Fault::ForeignPermit { log: LogId([0x5A; 16]) },
            "the permit is of log 5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
        ),
        (
            Fault::SpentBelow { spent: amount(6), seen: amount(5) },
            "5 µ is stated as spent so far; part commits have stated 6 µ already",
        ),
        (Fault::NotAdjustable { hold }, "hold 5 is not remembered as committed"),
        (Fault::NoRecord { head: Sequence(5) }, "there is no such record; the last is 5"),
        (Fault::QueueFull, "the log's queue is full; drive the log"),
        (Fault::OperationsFull { max: 5 }, "5 operations are remembered, the most that may be"),
        (Fault::HoldsFull { max: 5 }, "there are 5 open holds, the most that there may be"),
        (Fault::TooLarge { seen: 6, max: 5 }, "a record of 6 bytes; the limit is 5"),
        (Fault::Contended, "contended: too many attempts at once; try again"),
        (Fault::Account(AccountError::Closed { account }), "account 7 is closed"),
        (
            Fault::Grant { account, error: GrantError::Closed { account } },
            "grant to account 7: account 7 is closed",
        ),
        (Fault::UnknownCandidate { candidate: CandidateId(5) }, "the policy in force has no candidate 5"),
        (
            Fault::UnknownQuantity { throttle: 1, quantities: 2 },
            "throttle 1 counts a quantity that the schema does not have; it has 2",
        ),
        (Fault::Poisoned, "the log failed earlier; open it again"),
        (
            Fault::Unknown { sequence: Sequence(5) },
            "the log failed; record 5 may be on disk or not: open it again and ask",
        ),
        (Fault::NoDriver, "no driver writes for those who await"),
        (
            Fault::DriverEnded { sequence: Sequence(5) },
            "the driver ended before record 5 was where it must be; it is queued",
        ),
        (Fault::Broken, "the engine and the ledger disagree: a bug, please report"),
    ];
    tell(rows);
    assert_eq!(
        Fault::Operations(too_large).to_string(),
        format!("operations or settled holds remembered: {beyond}")
    );
    tell([(NotSwapped::Faulted(Fault::Contended), "contended: too many attempts at once; try again")]);
    let create = |error| CreateError::Log(assize::wal::CreateError::<LedgerError>::from(error));
    tell([
        (CreateError::Queue { seen: 5 }, "a queue of 5 bytes; a controller needs at least 16384".to_owned()),
        (CreateError::Operations(too_large), format!("operations or settled holds remembered: {beyond}")),
        (create(storage(Cause::Locked)), "the log is not created: another writer holds the lock".to_owned()),
        (
            CreateError::Assemble(OpenError::Unusable),
            "the log is created and not opened: the log failed while it was opened".to_owned(),
        ),
    ]);
    tell([
        (OpenError::Queue { seen: 5 }, "a queue of 5 bytes; a controller needs at least 16384"),
        (
            OpenError::Restore(RestoreError::HoldsFull { max: 5 }),
            "the ledger does not fit the engine: there are 5 open holds, the most that there may be",
        ),
        (
            OpenError::Operation(RecordError::Kind { seen: 99 }),
            "an operation's outcome is not readable: kind 99 is no record of this version",
        ),
    ]);
}

#[test]
fn what_is_told_by_an_auditor() {
    use assize::audit::Problem;
    use assize::ledger::Mismatch;
    let account = ACCOUNT;
    say(&[
        (
            Problem::Genesis(CheckpointError::Codec(CodecError::Trailing { offset: 1, left: 1 })),
            "the first checkpoint is no beginning of a log",
        ),
        (
            Problem::GenesisTime { expected: Timestamp(5), seen: Timestamp(6) },
            "the first checkpoint is of 6 ns; the header of 5 ns",
        ),
        (Problem::GenesisMissing, "the log has no checkpoint before its first record"),
        (
            Problem::Checkpoint { byte: 5, expected_bytes: 6 },
            "the checkpoint differs at byte 5 from the 6 bytes that its records make",
        ),
        (Problem::Payload(RecordError::Kind { seen: 99 }), "the payload is none of the record's kind"),
        (
            Problem::Ledger { kind: Kind::Grant, mismatch: Mismatch::SameParent { account } },
            "grant: account 7 is below that parent already",
        ),
        (Problem::Conservation(Mismatch::Conservation { account }), "money is not conserved at account 7"),
    ]);
    let throttle = Mismatch::Throttle { expected: None, seen: Some((account, 1)) };
    say(&[
        (Mismatch::Sequence { expected: Sequence(5) }, "sequence 5 was expected"),
        (
            Mismatch::PolicyLost { epoch: Epoch(5) },
            "the policy of epoch 5 is lost; this is a bug, please report it",
        ),
        (Mismatch::Full { account }, "account 7 has as many open holds as may be"),
        (throttle, "throttle 1 of account 7 is said to deny; it is no throttle"),
        (Mismatch::LimitUnknown { account, limit: 2 }, "account 7 has no limit 2, or no such window of it"),
        (Mismatch::NotGiven { account, limit: 2 }, "the windows of limit 2 of account 7 end by themselves"),
        (
            Mismatch::QuantityUnknown { throttle: 1 },
            "throttle 1 counts a quantity that the schema does not have",
        ),
        (Mismatch::BelowItself { account }, "account 7 would be below itself"),
        (Mismatch::TooManyAccounts, "there are as many accounts as may be"),
        (Mismatch::Overflow { account }, "a counter of account 7 leaves its range"),
    ]);
}
