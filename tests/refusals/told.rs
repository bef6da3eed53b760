//! What a refusal tells of itself, whatever its type, and how a row causes one.

use std::{any::type_name, fmt::Debug};

use assize::{
    budget::{
        AccountError, AdjustError, ExtendError, GrantError, PathError, ReserveError, RestoreError,
        SettleError,
    },
    controller::{
        DenialClass, Fault, NotAdmitted, NotExtended, NotRerouted, NotSettled, NotShadowed, NotSwapped,
    },
    policy::SwapError,
    retry::Retry,
};

/// What is done | the refusal, its code, its class and its retry | how.
pub(crate) type Row = (&'static str, &'static str, u16, &'static str, Option<Retry>, fn() -> Caused);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) name: String,
    pub(crate) code: u16,
    pub(crate) class: String,
    pub(crate) retry: Option<Retry>,
}

/// A refusal, and what the same call came to when it was made again.
pub(crate) struct Caused {
    pub(crate) first: Told,
    pub(crate) again: Result<(), Told>,
}

/// Makes a call that is turned away, does what its refusal waits for, and makes it again.
pub(crate) fn twice<T, E: Into<Told>>(
    mut call: impl FnMut() -> Result<T, E>,
    between: impl FnOnce(),
) -> Caused {
    let first = match call() {
        Err(error) => error.into(),
        Ok(_) => panic!("the call is not turned away"),
    };
    between();
    Caused { first, again: call().map(drop).map_err(Into::into) }
}

/// The same, of a refusal that waits for nothing.
pub(crate) fn for_good<T, E: Into<Told>>(call: impl FnMut() -> Result<T, E>) -> Caused {
    twice(call, || {})
}

/// The type and the variant, as code names them.
fn name_of<T: Debug>(value: &T) -> String {
    let kind = type_name::<T>().rsplit("::").next().unwrap();
    let shown = format!("{value:?}");
    let variant = shown.split(|c: char| !c.is_alphanumeric()).next().unwrap();
    format!("{kind}::{variant}")
}

fn told<T: Debug>(value: &T, code: u16, retry: Option<Retry>) -> Told {
    Told { name: name_of(value), code, class: "–".to_owned(), retry }
}

impl From<DenialClass> for Told {
    fn from(class: DenialClass) -> Self {
        Self { class: "denial".to_owned(), ..told(&class, class.code().into(), Some(class.retry())) }
    }
}

impl From<Fault> for Told {
    fn from(fault: Fault) -> Self {
        Self { class: fault.class().to_string(), ..told(&fault, fault.code(), Some(fault.retry())) }
    }
}

macro_rules! refusals_with_retry {
    ($($refusal:ty),*) => {$(
        impl From<$refusal> for Told {
            fn from(refusal: $refusal) -> Self {
                told(&refusal, refusal.code(), Some(refusal.retry()))
            }
        }
    )*};
}

macro_rules! refusals_without_retry {
    ($($refusal:ty),*) => {$(
        impl From<$refusal> for Told {
            fn from(refusal: $refusal) -> Self {
                told(&refusal, refusal.code(), None)
            }
        }
    )*};
}

refusals_with_retry!(PathError, AccountError, GrantError, ReserveError, ExtendError, SettleError);
refusals_without_retry!(SwapError, NotShadowed);

impl From<AdjustError> for Told {
    fn from(error: AdjustError) -> Self {
        let whole = told(&error, error.code(), Some(error.retry()));
        match error {
            AdjustError::Path(within) => within_of(whole, within.into()),
            _ => whole,
        }
    }
}

impl From<RestoreError> for Told {
    fn from(error: RestoreError) -> Self {
        let whole = told(&error, error.code(), None);
        match error {
            RestoreError::Account(within) => within_of(whole, within.into()),
            _ => whole,
        }
    }
}

/// An error that says no more than the one within has its code.
fn within_of(whole: Told, within: Told) -> Told {
    assert_eq!(whole.code, within.code);
    assert!(whole.retry.is_none() || whole.retry == within.retry);
    within
}

impl From<NotAdmitted> for Told {
    fn from(not: NotAdmitted) -> Self {
        match not {
            NotAdmitted::Denied(denial) => denial.class().into(),
            NotAdmitted::Faulted(fault) => fault.into(),
            NotAdmitted::Repeated(repeated) => panic!("{repeated}"),
        }
    }
}

impl From<NotExtended> for Told {
    fn from(not: NotExtended) -> Self {
        match not {
            NotExtended::Denied(denial) => denial.class().into(),
            NotExtended::Faulted(fault) => fault.into(),
        }
    }
}

impl From<NotRerouted> for Told {
    fn from(not: NotRerouted) -> Self {
        match not {
            NotRerouted::Denied(denial) => denial.class().into(),
            NotRerouted::Faulted { fault, .. } => fault.into(),
            NotRerouted::Repeated(repeated) => panic!("{repeated}"),
        }
    }
}

impl From<NotSettled> for Told {
    fn from(not: NotSettled) -> Self {
        not.fault.into()
    }
}

impl From<NotSwapped> for Told {
    fn from(not: NotSwapped) -> Self {
        match not {
            NotSwapped::Policy(error) => error.into(),
            NotSwapped::Faulted(fault) => fault.into(),
        }
    }
}
