//! Windows of an engine by itself.

use assize::{
    budget::{AccountError, AccountTerms, Engine, EngineOptions, ReserveError},
    caps::{Caps, CapsDraft},
    id::AccountId,
    num::Timestamp,
    overrun::Overrun::Deny,
    window::Window,
};

use super::{amount, read, terms};

/// An engine with an account of 100 a window, which the host ends.
fn engine() -> Engine {
    let engine = Engine::new(EngineOptions::default());
    let caps = Caps::new(CapsDraft { windows: vec![Window::Given], ..CapsDraft::default() }).unwrap();
    let account = engine.ensure_account(&AccountTerms { caps, ..terms("a", None, Deny) }).unwrap();
    engine.grant(account, 100).unwrap();
    engine
}

#[test]
fn what_is_pinned_is_corrected_in_its_own_window() {
    let engine = engine();
    let account = AccountId(0);
    let path = engine.path(&[account]).unwrap();
    let spend = |path| engine.commit(engine.reserve(path, amount(100)).unwrap(), amount(100)).unwrap();
    engine.pin(&path);
    let _ = spend(&path);
    for at in [1, 2] {
        engine.end_window(account, Timestamp(at)).unwrap();
    }
    let _ = spend(&engine.path(&[account]).unwrap());
    assert_eq!(engine.adjust(&path, -60).unwrap().refunded, amount(60));
    assert_eq!(read(&engine, 0), [100, 0, 0, 100, 0]);
    // Once nobody keeps it, its cell is a later window's.
    engine.unpin(&path);
    engine.end_window(account, Timestamp(3)).unwrap();
    assert_eq!(engine.path(&[account]).unwrap(), path);
}

#[test]
fn windows_that_are_over_end_for_an_account_and_all_above_it() {
    let engine = Engine::new(EngineOptions::default());
    let fixed = Window::Fixed { length_ns: 1_000_000, origin_ns: 0 };
    let caps = Caps::new(CapsDraft { windows: vec![fixed], ..CapsDraft::default() }).unwrap();
    let parent = engine.ensure_account(&AccountTerms { caps, ..terms("a", None, Deny) }).unwrap();
    let child = engine.ensure_account(&terms("b", Some(parent.0), Deny)).unwrap();
    engine.grant(parent, 100).unwrap();
    engine.grant(child, 1_000).unwrap();
    let early = engine.path(&[child]).unwrap();
    let _ = engine.commit(engine.reserve(&early, amount(70)).unwrap(), amount(70)).unwrap();

    // Not over yet.
    engine.roll(child, Timestamp(999_999)).unwrap();
    assert_eq!(read(&engine, 0), [100, 30, 0, 70, 0]);
    let hold = engine.reserve(&early, amount(10)).unwrap();
    let _ = engine.release(hold).unwrap();

    // Two windows later: what was left has lapsed, and the limit is there anew.
    engine.roll(child, Timestamp(2_000_000)).unwrap();
    assert_eq!(read(&engine, 0), [100, 100, 0, 0, 0]);
    assert_eq!(read(&engine, 1), [1_000, 930, 0, 70, 0]);
    assert!(
        matches!(engine.reserve(&early, amount(1)), Err(ReserveError::WindowEnded { account }) if account == parent)
    );
    let later = engine.path(&[child]).unwrap();
    let _ = engine.commit(engine.reserve(&later, amount(100)).unwrap(), amount(100)).unwrap();

    // An instant before changes nothing.
    engine.roll(child, Timestamp(0)).unwrap();
    assert_eq!(read(&engine, 0), [100, 0, 0, 100, 0]);
    let unknown = AccountId(2);
    assert_eq!(engine.roll(unknown, Timestamp(0)), Err(AccountError::Unknown { account: unknown }));
}
