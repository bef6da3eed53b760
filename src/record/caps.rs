//! An account's limits, throttles and caps on exposure, as bytes. FORMAT 9.14.

use alloc::vec::Vec;

use super::error::RecordError;
use crate::caps::{Caps, CapsDraft};
use crate::codec::{Reader, Writer};
use crate::limits::{LIMITS_MAX, THROTTLES_MAX};
use crate::num::Amount;
use crate::throttle::{Counts, Throttle};
use crate::window::Window;

pub(super) fn write_caps(caps: &Caps, writer: &mut Writer<'_>) {
    writer.u8(count(caps.windows().len()));
    for window in caps.windows() {
        write_window(*window, writer);
    }
    writer.u8(count(caps.throttles().len()));
    for throttle in caps.throttles() {
        write_throttle(throttle, writer);
    }
    writer.u64(caps.held_max().map_or(0, Amount::micros));
    writer.u32(caps.holds_max().unwrap_or(0));
}

pub(super) fn read_caps(reader: &mut Reader<'_>) -> Result<Caps, RecordError> {
    let mut draft = CapsDraft { windows: Vec::new(), ..CapsDraft::default() };
    let limits = reader.u8()?;
    if usize::from(limits) > LIMITS_MAX {
        return Err(reader.invalid("count of limits").into());
    }
    for _ in 0..limits {
        draft.windows.push(read_window(reader)?);
    }
    let throttles = reader.u8()?;
    if usize::from(throttles) > THROTTLES_MAX {
        return Err(reader.invalid("count of throttles").into());
    }
    for _ in 0..throttles {
        draft.throttles.push(read_throttle(reader)?);
    }
    let held_max = Amount::new(reader.u64()?).ok_or_else(|| reader.invalid("cap on what is held"))?;
    draft.held_max = (held_max != Amount::ZERO).then_some(held_max);
    draft.holds_max = Some(reader.u32()?).filter(|max| *max != 0);
    Caps::new(draft).map_err(RecordError::Caps)
}

fn write_window(window: Window, writer: &mut Writer<'_>) {
    match window {
        Window::Lifetime => writer.u8(0),
        Window::Day { utc_offset_s } => {
            writer.u8(1);
            writer.raw(&utc_offset_s.to_le_bytes());
        }
        Window::Month { utc_offset_s } => {
            writer.u8(2);
            writer.raw(&utc_offset_s.to_le_bytes());
        }
        Window::Fixed { length_ns, origin_ns } => {
            writer.u8(3);
            writer.u64(length_ns);
            writer.i64(origin_ns);
        }
        Window::Given => writer.u8(4),
    }
}

fn read_window(reader: &mut Reader<'_>) -> Result<Window, RecordError> {
    Ok(match reader.u8()? {
        0 => Window::Lifetime,
        1 => Window::Day { utc_offset_s: i32::from_le_bytes(reader.array()?) },
        2 => Window::Month { utc_offset_s: i32::from_le_bytes(reader.array()?) },
        3 => Window::Fixed { length_ns: reader.u64()?, origin_ns: reader.i64()? },
        4 => Window::Given,
        _ => return Err(reader.invalid("window of a limit").into()),
    })
}

fn write_throttle(throttle: &Throttle, writer: &mut Writer<'_>) {
    match throttle.counts {
        Counts::Requests => writer.u8(0),
        Counts::Cost => writer.u8(1),
        Counts::Units { quantities } => {
            writer.u8(2);
            writer.u8(quantities);
        }
    }
    writer.u64(throttle.rate);
    writer.u64(throttle.period_ns);
    writer.u64(throttle.burst);
}

fn read_throttle(reader: &mut Reader<'_>) -> Result<Throttle, RecordError> {
    let counts = match reader.u8()? {
        0 => Counts::Requests,
        1 => Counts::Cost,
        2 => Counts::Units { quantities: reader.u8()? },
        _ => return Err(reader.invalid("what a throttle counts").into()),
    };
    Ok(Throttle { counts, rate: reader.u64()?, period_ns: reader.u64()?, burst: reader.u64()? })
}

fn count(items: usize) -> u8 {
    // OK because caps have at most 4 of anything.
    u8::try_from(items).unwrap_or(u8::MAX)
}
