//! Frames: the envelopes of records and control frames. FORMAT 7.

/// The kind of a checkpoint's part, a control frame. FORMAT 9.1.
pub const CHECKPOINT_PART: u16 = 64;
/// The kind of a seal, a control frame. FORMAT 9.1.
pub const SEAL: u16 = 65;
/// The kind of the record that opening writes after it cut a torn tail. FORMAT 9.16.
pub const RECOVERY: u16 = 66;

/// FORMAT 6.4.
pub(super) const FORMAT_VERSION: u16 = 1;
/// FORMAT 6.4.
pub(super) const KEY_MODE_STATIC: u8 = 1;
