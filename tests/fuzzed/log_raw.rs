//! Any bytes as the files of a log.

use assize::id::LogId;

use super::{
    Reached,
    battery::{host::LOG_ID, image::Image},
    keyed::{Keyed, Mode},
    log::Judged,
};

/// Bytes: the mode that reader and writer are told, with the number of the first segment; then files, each a count (`u16`) and
/// as many bytes, the last one what is left.
pub fn check(bytes: &[u8]) -> Reached {
    let mut reached = Reached::new();
    let Some((first, mut rest)) = bytes.split_first() else { return reached };
    let mode = Mode::ALL[usize::from(first % 4) % Mode::ALL.len()];
    let mut image = Image::default();
    let begins = 1 + u32::from(first / 4 % 4);
    for number in begins..begins + SEGMENTS_MAX {
        let Some((count, files)) = rest.split_first_chunk() else { break };
        let count = usize::from(u16::from_le_bytes(*count)).min(files.len());
        let (file, after) = files.split_at(count);
        image = image.with(number, file.to_vec());
        rest = after;
    }
    // What is told of the log is what its first header says.
    let segment = image.segments().next().map(|(_, segment)| segment.get(16..32));
    let log_id = segment.flatten().map_or(LOG_ID, |id| LogId(id.try_into().unwrap()));
    Judged { keyed: Keyed { mode, log_id }, image, thoroughly: *first >= 0x80 }.judge(&mut reached);
    reached
}

/// The bytes that say so of a log.
pub fn of(image: &Image, mode: Mode) -> Vec<u8> {
    let (first, _) = image.segments().next().unwrap();
    let place = Mode::ALL.iter().position(|known| *known == mode).unwrap();
    let mut bytes = vec![u8::try_from(place).unwrap() + 4 * u8::try_from(first - 1).unwrap()];
    for (_, segment) in image.segments() {
        bytes.extend_from_slice(&u16::try_from(segment.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(segment);
    }
    bytes
}

const SEGMENTS_MAX: u32 = 8;
