//! What services must be: their agreed hours are those of a calendar that there is.

use super::{List, calendars};
use crate::{
    configuration::{Calendar, Service},
    error::Violations,
};

pub const MAX_SERVICES: usize = 1000;

pub fn service(at: &str, service: &Service, calendars: &List<'_, Calendar>, faults: &mut Violations) {
    calendars::reference(format!("{at}.calendar"), &service.calendar, calendars, faults);
    if service.key.contains('/') {
        faults.add(format!("{at}.key"), "must not contain /");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{configuration::Document, error::Error};

    fn told(services: &str) -> Vec<String> {
        let sample = include_str!("../../../demo/configuration.yaml");
        let mut document: Document = serde_saphyr::from_str(sample).expect("the sample");
        document.services = serde_saphyr::from_str(services).expect("services");
        let mut faults = Violations::default();
        crate::configuration::validate(&document, &mut faults);
        match faults.into_result() {
            Err(Error::Invalid(_, faults)) => {
                faults.into_iter().map(|fault| format!("{}: {}", fault.field, fault.text)).collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_service_has_a_key_and_hours_that_there_are() {
        assert_eq!(told("[{key: vpn}, {key: erp, calendar: office-hours}]"), Vec::<String>::new());
        assert_eq!(
            told("[{key: vpn}, {key: vpn, calendar: office-hour}, {key: a/b, display_name: \"a\\nb\"}]"),
            [
                "services[1].key: \"vpn\" is the key of services[0] already",
                "services[1].calendar: there is no \"office-hour\" in calendars; did you mean \"office-hours\"?",
                "services[key=\"a/b\"].key: must not contain /",
                "services[key=\"a/b\"].display_name: must be at most 128 characters without control characters",
            ]
        );
    }

    #[test]
    fn a_target_is_a_percentage_and_fields_are_known() {
        let read = |text: &str| serde_saphyr::from_str::<Service>(text).map_err(|error| error.to_string());
        assert!(read("{key: vpn, availability_target_percent: 99.95}").is_ok());
        for (text, word) in [
            ("{key: vpn, availability_target_percent: 100.5}", "must be 0 to 100"),
            ("{key: vpn, availability_target_percent: 99.99995}", "three decimals"),
            ("{key: vpn, target: 99.9}", "target"),
        ] {
            let refused = read(text).expect_err(text);
            assert!(refused.contains(word), "{refused}");
        }
    }
}
