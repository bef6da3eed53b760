//! Seats, free lists and new slots. CONCURRENCY B5.

use super::*;

/// A slot leaves its free list and comes back while another call looks at the list: it is in one place at a time.
#[test]
fn loom_a_recycled_slot_is_given_once() {
    explore(&["given", "none left"], || {
        let slab = slab_without_free_seats(3);
        let all: Vec<u32> = (0..3).map(|_| slab.claim(0).unwrap().index).collect();
        for &index in &all {
            give_back(&slab, index);
        }
        let other = {
            let slab = slab.clone();
            spawn(move || {
                let top = slab.claim(0).map(|claim| claim.index);
                let below = slab.claim(0).map(|claim| claim.index);
                if let Some(index) = top {
                    give_back(&slab, index);
                }
                below
            })
        };
        let mine = slab.claim(0).map(|claim| claim.index);
        let theirs = other.join().unwrap();
        assert!(mine.is_none() || mine != theirs, "{mine:?} {theirs:?}");
        // What is left is given once too, and nothing is lost.
        let mut given: Vec<u32> = mine.into_iter().chain(theirs).collect();
        while let Some(claim) = slab.claim(0) {
            assert!(!given.contains(&claim.index), "{} {given:?}", claim.index);
            given.push(claim.index);
        }
        assert_eq!(given.len(), 3);
        if mine.is_some() && theirs.is_some() { "given" } else { "none left" }
    });
}

/// Two calls take new slots at once, and there is one: it is given once.
#[test]
fn loom_a_new_slot_is_given_once() {
    explore(&["mine", "theirs"], || {
        let slab = slab_without_free_seats(1);
        let other = {
            let slab = slab.clone();
            spawn(move || slab.claim(1).is_some())
        };
        let mine = slab.claim(0).is_some();
        assert!(mine != other.join().unwrap());
        if mine { "mine" } else { "theirs" }
    });
}

/// Two calls want the only seat, and each gives it back: it belongs to one at a time, and what that one wrote stands
/// until it has given the seat back.
#[test]
fn loom_a_seat_belongs_to_one_call() {
    explore(&["both", "mine", "theirs"], || {
        let slab = Arc::new(Slab::new(2, 1));
        let sit = |slab: &Slab, mark: u64| {
            let Some(claim) = slab.claim(0) else { return false };
            claim.slot.set_amount(amount(mark));
            assert_eq!(claim.slot.amount(), amount(mark));
            assert_eq!(claim.slot.word(), claim.word);
            slab.recycle(claim.index, claim.slot, claim.word, 0);
            true
        };
        let other = {
            let slab = slab.clone();
            spawn(move || sit(&slab, 1))
        };
        let mine = sit(&slab, 2);
        let theirs = other.join().unwrap();
        assert!(slab.claim(0).is_some(), "it was given back");
        match (mine, theirs) {
            (true, true) => "both",
            (true, false) => "mine",
            (false, true) => "theirs",
            (false, false) => panic!("somebody sits"),
        }
    });
}

/// A hold is settled while another call takes its seat for another path: what is booked is the settled hold's own.
#[test]
fn loom_a_seat_changes_hands() {
    explore(&["same seat", "another"], || {
        let (engine, _) = engine(&[("a", None, Overrun::Deny, 9), ("b", None, Overrun::Deny, 9)]);
        let (a, b) = (AccountId(0), AccountId(1));
        let first = engine.path(&[a]).unwrap();
        let both = engine.path(&[a, b]).unwrap();
        let old = engine.reserve(&first, amount(4)).unwrap();
        let other = in_thread(&engine, move |engine| engine.reserve(&both, amount(2)).unwrap());
        let _ = engine.commit(old, amount(3)).unwrap();
        let new = other.join().unwrap();
        at_rest(&engine, a, [9, 4, 2, 3, 0]);
        at_rest(&engine, b, [9, 7, 2, 0, 0]);
        assert!(engine.hold(old).is_none());
        assert_eq!(engine.hold(new).map(|seen| (seen.amount, seen.path)), Some((amount(2), both)));
        if new.slot == old.slot { "same seat" } else { "another" }
    });
}

/// A slab all of whose seats are taken, with that many slots besides.
fn slab_without_free_seats(listed: u32) -> Arc<Slab> {
    let slab = Arc::new(Slab::new(8, 2 + listed));
    assert_eq!([0, 1].map(|start| slab.claim(start).unwrap().index), [0, 1], "the seats");
    slab
}

fn give_back(slab: &Slab, index: u32) {
    let slot = slab.get(index).unwrap();
    slab.recycle(index, slot, slot.word(), 0);
}
