//! Clocks and spans in words.

use ticketing_proto::v1 as pb;

pub fn kind(kind: pb::ClockKind, level: &str) -> String {
    let name = kind.as_str_name().trim_start_matches("CLOCK_KIND_");
    if level.is_empty() { name.to_owned() } else { format!("{name} {level}") }
}

/// Days of 24 hours, hours and minutes; seconds when it is short.
pub fn span(span: Option<&prost_types::Duration>) -> String {
    let Some(seconds) = span.map(|span| span.seconds) else { return "-".to_owned() };
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m"),
        (0, ..) => format!("{hours}h {minutes:02}m"),
        _ => format!("{days}d {hours:02}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_two_parts_at_most() {
        for (seconds, told) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3599, "59m"),
            (3600, "1h 00m"),
            (90_000, "1d 01h"),
            (864_000, "10d 00h"),
        ] {
            assert_eq!(span(Some(&prost_types::Duration { seconds, nanos: 0 })), told);
        }
        assert_eq!(span(None), "-");
    }
}
