//! Samples under every interleaving of those who offer and the one who takes.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release --lib --features wal loom_` runs them.

use super::*;
use crate::sync::{
    Arc,
    model::{Builder, spawn},
};

#[test]
fn loom_shadow_each_sample_is_taken_once_or_counted() {
    Builder::new().check(|| {
        let samples = Arc::new(Samples::new());
        samples.want(Some(1));
        let offering = spawn({
            let samples = Arc::clone(&samples);
            move || {
                samples.offer(|| 1_u32);
                samples.offer(|| 2);
            }
        });
        samples.offer(|| 4);
        let mut taken: u32 = samples.take().into_iter().sum();
        offering.join().unwrap();
        let (waiting, skipped) = samples.counts();
        taken += samples.take().into_iter().sum::<u32>();
        assert_eq!(samples.take(), None, "there is room for one");
        assert!(waiting <= 1 && u64::from(taken.count_ones()) + skipped == 3, "{taken} {skipped}");
    });
}

#[test]
fn loom_shadow_nothing_is_left_after_the_end() {
    Builder::new().check(|| {
        let samples = Arc::new(Samples::new());
        samples.want(Some(2));
        let offering = spawn({
            let samples = Arc::clone(&samples);
            move || samples.offer(|| 1_u32)
        });
        samples.want(None);
        offering.join().unwrap();
        assert_eq!((samples.take(), samples.counts().0), (None, 0));
        samples.offer(|| 2);
        assert_eq!(samples.take(), None);
    });
}
