//! What the document says about services: what is to be available, when, and how much of that time.

use serde::{Deserialize, Serialize};

use super::Keyed;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Service {
    pub key: String,
    pub display_name: String,
    /// Key of the calendar of the agreed hours; empty: always.
    pub calendar: String,
    pub availability_target_percent: Percent,
}

impl Keyed for Service {
    fn key(&self) -> &str {
        &self.key
    }
}

/// A share in percent, exact to a thousandth; 0 where nothing is said. People and messages write it as the number that it
/// is, `99.95`; it is compared as a whole number, so that a target is met or not met by no rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Percent(u32);

impl Percent {
    pub const MAX: Self = Self(100_000);

    /// In thousandths.
    pub fn thousandths(self) -> u32 {
        self.0
    }
}

impl TryFrom<f64> for Percent {
    type Error = &'static str;

    #[allow(clippy::float_cmp)] // the very number is meant
    fn try_from(percent: f64) -> Result<Self, Self::Error> {
        let thousandths = (percent * 1000.0).round();
        // The nearest number of three decimals is the one that was written.
        if (0.0..=f64::from(Self::MAX.0)).contains(&thousandths) && thousandths / 1000.0 == percent {
            Ok(Self(thousandths as u32))
        } else {
            Err("must be 0 to 100 with at most three decimals")
        }
    }
}

impl From<Percent> for f64 {
    fn from(percent: Percent) -> Self {
        Self::from(percent.0) / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thousandth_is_one_number_and_nothing_else_is() {
        for thousandths in 0..=Percent::MAX.0 {
            assert_eq!(Percent::try_from(f64::from(Percent(thousandths))), Ok(Percent(thousandths)));
        }
        for text in ["99.95", "99.999", "0.001", "100", "7"] {
            let percent: Percent = serde_saphyr::from_str(text).expect("a percentage");
            assert_eq!(serde_json::to_string(&f64::from(percent)).ok(), Some(with_decimals(text)));
        }
        for wrong in [-0.001, 100.001, 99.9995, f64::NAN, f64::INFINITY, 1e300] {
            assert!(Percent::try_from(wrong).is_err(), "{wrong}");
        }
    }

    fn with_decimals(text: &str) -> String {
        if text.contains('.') { text.to_owned() } else { format!("{text}.0") }
    }
}
