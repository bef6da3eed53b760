//! Cost and utility in integers: SEMANTICS 6.2 and 7.1, written once for both widths.
//!
//! Where nothing can pass 64 bits the narrow width is chosen, once for a request ([`Bounds`](super::bounds)), or for
//! one product; both round alike.

use core::num::NonZero;

macro_rules! arithmetic {
    ($width:ident, $unsigned:ty, $signed:ty) => {
        pub(super) mod $width {
            use core::num::NonZero;

            /// Confidence and merit, or risk and multiplier, are both in basis points.
            const WHOLE: NonZero<$unsigned> = NonZero::new(100_000_000).unwrap();

            /// ⌈amount × rate / per⌉.
            #[inline]
            pub(in crate::kernel) fn charge(
                amount: $unsigned,
                rate: $unsigned,
                per: NonZero<$unsigned>,
            ) -> $unsigned {
                let product = amount.wrapping_mul(rate);
                (product / per).wrapping_add(<$unsigned>::from(product % per > 0))
            }

            /// ⌊a · b / 10⁸⌋ of what is not negative.
            #[inline]
            pub(in crate::kernel) fn share(a: $unsigned, b: $unsigned) -> $unsigned {
                a.wrapping_mul(b) / WHOLE
            }

            /// Gain less loss, cost and penalty.
            #[inline]
            pub(in crate::kernel) fn worth(
                gain: $signed,
                loss: $signed,
                cost: $signed,
                penalty: $signed,
            ) -> $signed {
                gain.wrapping_sub(loss).wrapping_sub(cost).wrapping_sub(penalty)
            }
        }
    };
}

arithmetic!(narrow, u64, i64);
arithmetic!(wide, u128, i128);

/// ⌈amount × rate / per⌉.
#[inline]
pub(super) fn charge(amount: u64, rate: u64, per: NonZero<u64>) -> u128 {
    match amount.checked_mul(rate) {
        Some(_) => u128::from(narrow::charge(amount, rate, per)),
        // OK because two factors below 2⁶⁴ have a product below 2¹²⁸.
        None => wide::charge(u128::from(amount), u128::from(rate), per.into()),
    }
}

/// ⌊a · b / 10⁸⌋ of what is below 2¹²⁷.
#[inline]
pub(super) fn share(a: u128, b: u64) -> i128 {
    match u64::try_from(a).ok().filter(|a| a.checked_mul(b).is_some()) {
        Some(a) => i128::from(narrow::share(a, b)),
        // OK because a product below 2¹²⁷ is one of `i128`.
        None => wide::share(a, u128::from(b)).cast_signed(),
    }
}

/// ⌈a · b / 10⁸⌉ of what is below 2⁶³.
#[inline]
pub(super) fn share_up(a: u64, b: u64) -> u64 {
    a.wrapping_mul(b).wrapping_add(SCALE - 1) / SCALE
}

/// What micro-units are multiplied by where nothing is divided yet.
pub(super) const SCALE: u64 = 100_000_000;
