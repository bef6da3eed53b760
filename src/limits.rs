//! Every maximum of the library, in one place. A value above its limit is an error that names the limit.

/// Candidates in one catalog.
pub const CANDIDATES_MAX: usize = 65_535;
/// Columns in one schema.
pub const COLUMNS_MAX: usize = 32;
/// Gates in one schema.
pub const GATES_MAX: usize = 16;
/// Priced quantities in one schema.
pub const QUANTITIES_MAX: usize = 8;
/// Rate cards of one candidate.
pub const CARDS_MAX: usize = 4;
/// Members that one set column can name; member numbers are below it.
pub const MEMBERS_MAX: usize = 512;
/// Candidates that one request can exclude.
pub const EXCLUDED_MAX: usize = 16;
/// Sets that one request can demand; its other demands are numbers.
pub const REQUEST_SETS_MAX: usize = 8;
/// Bytes of a policy's, schema's, column's, quantity's, member's or candidate's name.
pub const POLICY_NAME_BYTES_MAX: usize = 128;
/// Bytes of a policy document, checked before it is parsed.
pub const DOCUMENT_BYTES_MAX: usize = 64 << 20;
/// Bytes of a policy's canonical form.
pub const POLICY_BYTES_MAX: usize = 48 << 20;
/// The largest sum of weighted columns, as a power of two, that a policy may reach (proved at freezing).
pub const PENALTY_BITS_MAX: u32 = 96;

/// Bytes of an account's or a principal's name.
pub const NAME_BYTES_MAX: usize = 64;
/// Accounts that one reservation can name.
pub const PATH_ACCOUNTS_MAX: usize = 4;
/// Levels of an account tree, the root included.
pub const DEPTH_MAX: usize = 8;
/// Distinct cells on one path.
pub const PATH_CELLS_MAX: usize = 24;
/// Stripes of a striped account.
pub const STRIPES_MAX: u8 = 16;
/// Limits of an account.
pub const LIMITS_MAX: usize = 3;
/// Throttles of an account.
pub const THROTTLES_MAX: usize = 4;
/// Accounts in one engine.
pub const ACCOUNTS_MAX: usize = 1 << 24;
/// Open holds in one engine.
pub const HOLDS_MAX: usize = 1 << 24;
/// Generations of a hold's slot; the slot retires before the count wraps.
pub const GENERATION_MAX: u64 = (1 << 56) - 1;
/// Times that a denial which met the tentative takes of others looks again before it says that it is contended.
pub const TAKE_ATTEMPTS_MAX: u32 = if cfg!(loom) { 2 } else { 128 };
/// Times that a settlement above its hold looks again while the tentative takes of others make a cell look poorer than
/// it is: longer than these take, since it cannot be contended and would book less.
pub const OVERRUN_ATTEMPTS_MAX: u32 = 4 * TAKE_ATTEMPTS_MAX;
/// Times that a call which met another one at its hold looks again before it says that it is contended.
pub const SETTLE_ATTEMPTS_MAX: u32 = if cfg!(loom) { 2 } else { 128 };
/// Times that all free lists are looked through, while others change them, before a new slot is taken.
pub const FREE_SWEEPS_MAX: u32 = if cfg!(loom) { 1 } else { 4 };
/// Ended windows that are looked at for one that no hold names, when the next window needs a cell.
pub const ENDED_LOOKS_MAX: usize = 8;

/// Bytes of one frame's payload.
pub const PAYLOAD_BYTES_MAX: usize = 64 << 20;
/// Bytes of one part of a checkpoint.
pub const CHECKPOINT_PART_BYTES_MAX: usize = 1 << 20;
/// Bytes that may wait in a log's queue.
pub const QUEUE_BYTES_MAX: usize = 128 << 20;
/// The smallest queue: the record of a recovery has room.
pub const QUEUE_BYTES_MIN: usize = 1 << 10;
/// The smallest queue of a controller's log: what one call appends, a policy apart, has room.
pub const CONTROLLER_QUEUE_BYTES_MIN: usize = 16 << 10;
/// Bytes of records after which a segment ends, at most.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 40;
/// Bytes by which a segment's file grows ahead of its frames, where segments have as many.
pub const GROWN_AHEAD_BYTES: u64 = 1 << 20;
/// Times that reading a log is begun while retentions delete segments beside it.
pub const READ_BEGINNINGS_MAX: u32 = 16;
/// Segments in one log.
pub const SEGMENTS_MAX: u32 = 99_999_999;
/// Bytes of a root key, least and most.
pub const KEY_BYTES_MIN: usize = 32;
/// See [`KEY_BYTES_MIN`].
pub const KEY_BYTES_MAX: usize = 64;
/// Bytes of a key file or an anchor file, checked before it is parsed.
pub const SMALL_FILE_BYTES_MAX: usize = 4096;

/// Holds that one record can expire.
pub const EXPIRED_PER_RECORD_MAX: usize = 256;
/// Holds that one admission expires before it decides.
pub const EXPIRED_PER_ADMISSION_MAX: usize = 4;
/// Operation ids that one log remembers within its horizon.
pub const OPERATIONS_MAX: usize = 1 << 24;
/// Settled holds that one log remembers, to be adjusted.
pub const SETTLED_MAX: usize = 1 << 24;
/// Requests that can wait for a shadow policy.
pub const SHADOW_QUEUE_MAX: usize = 1 << 16;
/// Disagreements of a shadow policy that can be listed.
pub const SHADOW_DISAGREEMENTS_MAX: usize = 1 << 16;
