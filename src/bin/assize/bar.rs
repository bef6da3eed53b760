//! Progress on a terminal; elsewhere nothing is drawn.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for so many rows.
pub(crate) fn rows(count: usize) -> ProgressBar {
    styled(
        u64::try_from(count).unwrap_or(u64::MAX),
        "{bar:40} {human_pos} of {human_len} requests, {per_sec}, {eta}",
    )
}

/// A bar for bytes, whose number is not known yet.
pub(crate) fn bytes() -> ProgressBar {
    styled(0, "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta}")
}

fn styled(length: u64, template: &str) -> ProgressBar {
    // Drawn on standard error, and only where that is a terminal.
    let bar = ProgressBar::new(length);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        // The plain one serves as well.
        Err(_) => bar,
    }
}
