//! Windows of an engine by itself.

use assize::{
    budget::{AccountTerms, Engine, EngineOptions},
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
