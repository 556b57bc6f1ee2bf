//! Hours of a day as they are written: `08:00` to `18:00`, `22:00` to `06:00` of the next day, `00:00` to `24:00`.

/// Minutes of a day by the clock on the wall.
const DAY: u16 = 24 * 60;
const WEEK: u16 = 7 * DAY;

/// Minutes after the midnight that begins the day, half-open; the end may be on the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hours {
    pub open: u16,
    pub close: u16,
}

impl Hours {
    pub const WHOLE_DAY: Self = Self { open: 0, close: DAY };

    /// From one minute of the day to another; one that is not later is on the next day. Nothing: they are the same, or
    /// the day is over when it opens.
    pub fn new(open: u16, close: u16) -> Option<Self> {
        if open >= DAY || close > DAY || open == close {
            return None;
        }
        Some(Self { open, close: if close < open { close + DAY } else { close } })
    }
}

/// The minute of the day that a text such as `08:30` says; `24:00` is the end of the day.
pub fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |part: &str| -> Option<u16> {
        let is_two_digits = part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_digit());
        part.parse().ok().filter(|_| is_two_digits)
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= DAY).then_some(minute)
}

/// The pairs of entries that overlap in some week. An entry is one of a list of hours on one weekday, Monday 0, with its
/// place in that list; touching is no overlap.
pub fn overlaps(entries: &[(usize, usize, Hours)]) -> Vec<(usize, usize, usize)> {
    let at = |shift: u16| {
        entries.iter().map(move |(place, day, hours)| {
            let midnight = *day as u16 * DAY + shift;
            (midnight + hours.open, midnight + hours.close, *day, *place)
        })
    };
    // The second week is for what Sunday night reaches.
    let mut line: Vec<_> = at(0).chain(at(WEEK)).collect();
    line.sort_unstable();
    let mut found = Vec::new();
    let mut longest: Option<(u16, usize)> = None;
    for (open, close, day, place) in line {
        if let Some((end, other)) = longest
            && open < end
        {
            found.push((place.max(other), place.min(other), day));
        }
        if longest.is_none_or(|(end, _)| close > end) {
            longest = Some((close, place));
        }
    }
    found.sort_unstable();
    found.dedup_by_key(|(later, earlier, _)| (*later, *earlier));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(text: &str) -> Hours {
        let (open, close) = text.split_once('-').expect("two times");
        Hours::new(minute(open).expect("a time"), minute(close).expect("a time")).expect("hours")
    }

    #[test]
    fn a_time_is_two_digits_and_two_digits() {
        let cases = [("00:00", Some(0)), ("08:30", Some(510)), ("23:59", Some(1439)), ("24:00", Some(1440))];
        for (text, expected) in cases {
            assert_eq!(minute(text), expected, "{text}");
        }
        for text in ["", "8:30", "08:3", "08:60", "24:01", "25:00", "+8:00", "08:00:00", "0800", "08:0٣"] {
            assert_eq!(minute(text), None, "{text}");
        }
    }

    #[test]
    fn the_end_of_a_night_is_on_the_next_day() {
        assert_eq!(hours("08:00-18:00"), Hours { open: 480, close: 1080 });
        assert_eq!(hours("22:00-06:00"), Hours { open: 1320, close: 1800 });
        assert_eq!(hours("22:00-00:00"), hours("22:00-24:00"));
        assert_eq!(hours("00:00-24:00"), Hours::WHOLE_DAY);
        for (open, close) in [(0, 0), (480, 480), (1440, 1440), (1440, 60), (0, 1441)] {
            assert_eq!(Hours::new(open, close), None, "{open} to {close}");
        }
    }

    #[test]
    fn overlaps_are_found_also_over_midnight_and_over_the_week() {
        // Place, weekday and hours of the entries; then the later and the earlier place, and the weekday.
        let cases = [
            ("0 Mo 08:00-12:00, 1 Mo 12:00-18:00", vec![]),
            ("0 Mo 08:00-12:00, 1 Tu 08:00-12:00", vec![]),
            ("0 Mo 13:00-18:00, 1 Mo 08:00-13:01", vec![(1, 0, 0)]),
            ("0 Mo 08:00-18:00, 0 Mo 08:00-18:00", vec![(0, 0, 0)]),
            ("0 Mo 22:00-06:00, 1 Tu 05:00-07:00", vec![(1, 0, 1)]),
            ("0 Mo 22:00-06:00, 1 Tu 06:00-07:00", vec![]),
            ("0 Su 22:00-06:00, 1 Mo 05:00-07:00", vec![(1, 0, 0)]),
            ("0 Mo 00:00-24:00, 1 Mo 08:00-09:00, 2 Mo 10:00-11:00", vec![(1, 0, 0), (2, 0, 0)]),
        ];
        let entry = |text: &str| {
            let mut parts = text.split(' ');
            let mut part = || parts.next().expect("three parts");
            let (place, day) = (part().parse().expect("a place"), part());
            let day = ["Mo", "Tu", "Su"].iter().position(|known| *known == day).expect("a weekday");
            (place, if day == 2 { 6 } else { day }, hours(part()))
        };
        for (text, expected) in cases {
            let entries: Vec<_> = text.split(", ").map(entry).collect();
            assert_eq!(overlaps(&entries), expected, "{text}");
        }
    }
}
