//! The log: keyed, hash-chained frames in segments, durable in groups. It sees bytes, not decisions.
//!
//! A [`Log`] is written by one process; callers append under a short lock, and one of those who wait writes and
//! syncs for all of them. What the records mean is the [`Fold`]'s affair: it is given every record in order, and
//! is asked for a checkpoint when a segment begins. A [`Reader`] verifies a log without touching it.
//!
//! Bytes are those of `docs/FORMAT.md`, sections 5 to 8, 10.1 and 11. Files are named in [`storage`] alone.

pub mod storage;

mod anchor;
mod chain;
mod damage;
mod error;
mod evolving;
mod fold;
mod frame;
mod group;
mod inventory;
mod key;
mod key_file;
mod log;
mod parallel;
mod part;
mod reader;
mod recovery;
mod retention;
mod scanner;
mod seek;
mod segment;
mod unsynced;
mod window;
mod writer;

pub use anchor::{Anchor, AnchorError};
pub use error::{
    AppendError, Blame, ChangeKeyError, CreateError, Failure, Fault, FindError, OpenError, OptionsError,
    Place, ReadError, RetainError, WaitError,
};
pub use evolving::{EvolvingKey, StateError};
pub use fold::{Fold, RecordFrame};
pub use frame::{CHECKPOINT_PART, KEY_CHANGE, RECOVERY, RETENTION, SEAL};
#[cfg(feature = "tokio")]
pub(crate) use group::{DriverId, TaskSlot, Unanswered};
pub use key::{KeyMode, Keying, LogKey, NoKey};
pub use key_file::{KeyTextError, format_key, parse_key};
pub use log::{
    CreateOptions, Cut, Level, Log, LogOptions, OpenOptions, Progress, Recovery, Retained, Stats, UnkeyedLog,
};
pub(crate) use parallel::{read_parts, threads_available};
pub(crate) use part::Part;
pub use reader::{Completeness, FrameView, Pruned, ReadOptions, Reader, Summary, Tags, Tail};
pub use retention::{Keep, Retention};
pub use seek::{FindOptions, FoundRecord, find_record};
