//! What surveys must be: a scale to answer by, a condition that can be asked, and times that can be kept.

use std::time::Duration;

use super::{YEAR, sla::condition, span};
use crate::{
    configuration::{CustomField, FeedbackScale, Survey},
    error::Violations,
};

pub const MAX_SURVEYS: usize = 100;
const MAX_DELAY: Duration = Duration::from_hours(30 * 24);
const MIN_LIFETIME: u64 = 60 * 60;

pub fn survey(at: &str, survey: &Survey, custom_fields: &[CustomField], faults: &mut Violations) {
    if survey.scale == FeedbackScale::Unspecified {
        let known = FeedbackScale::NAMES[1..].join(", ");
        faults.add(format!("{at}.scale"), format!("must be one of {known}"));
    }
    condition(at, &survey.condition, custom_fields, faults);
    span(format!("{at}.delay_duration"), survey.delay(), 0, MAX_DELAY, faults);
    if !(0..=100).contains(&survey.sample_percent) {
        faults.add(format!("{at}.sample_percent"), "must be 1 to 100");
    }
    span(format!("{at}.token_lifetime_duration"), survey.token_lifetime(), MIN_LIFETIME, YEAR, faults);
    span(format!("{at}.quiet_duration"), survey.quiet(), 0, YEAR, faults);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{configuration::Document, error::Error};

    fn told(surveys: &str) -> Vec<String> {
        let sample = include_str!("../../../demo/configuration.yaml");
        let mut document: Document = serde_saphyr::from_str(sample).expect("the sample");
        document.surveys = serde_saphyr::from_str(surveys).expect("surveys");
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
    fn a_survey_has_a_scale_and_times_that_can_be_kept() {
        assert_eq!(told("[{key: pulse, scale: NPS}]"), Vec::<String>::new());
        let longest =
            "[{key: pulse, scale: CES, delay_duration: 30d, sample_percent: 1, token_lifetime_duration: 366d,
                         quiet_duration: 366d, condition: 'ticket.priority == \"P1\"'}]";
        assert_eq!(told(longest), Vec::<String>::new());
        let wrong = "[{key: pulse, delay_duration: 31d, sample_percent: 101, token_lifetime_duration: 59m,
                       quiet_duration: 367d}]";
        assert_eq!(
            told(wrong),
            [
                "surveys[key=\"pulse\"].scale: must be one of CSAT, NPS, CES",
                "surveys[key=\"pulse\"].delay_duration: must be whole seconds, 0 s to 30 days",
                "surveys[key=\"pulse\"].sample_percent: must be 1 to 100",
                "surveys[key=\"pulse\"].token_lifetime_duration: must be whole seconds, 3600 s to 366 days",
                "surveys[key=\"pulse\"].quiet_duration: must be whole seconds, 0 s to 366 days",
            ]
        );
        let asked = told("[{key: pulse, scale: CSAT, condition: ticket.mood}, {key: pulse, scale: CSAT}]");
        let fields: Vec<&str> = asked.iter().filter_map(|it| it.split(": ").next()).collect();
        assert_eq!(fields, ["surveys[1].key", "surveys[key=\"pulse\"].condition"]);
    }
}
