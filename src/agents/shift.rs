//! Who is on shift: by the agent's own calendar, else by that of the team for which it would work, else always.

use std::time::Duration;

use super::Agent;
use crate::{calendar::Calendar, configuration::Configuration, time::Time};

/// How far a change of shift is looked for.
const HORIZON: Duration = Duration::from_hours(366 * 24);

/// Whether an agent is on shift for any of its teams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    pub on: bool,
    /// When that changes; nothing: not within a year.
    pub change_time: Option<Time>,
}

impl Agent {
    /// Whether the team's work may be given to it now, as far as its shift goes.
    pub fn is_on_shift(&self, configuration: &Configuration, team: &str, now: Time) -> bool {
        configuration.on_shift(&self.calendar, team, now)
    }

    /// Whether it is there to be given the team's work: on shift, and not away.
    pub fn is_present(&self, configuration: &Configuration, team: &str, now: Time) -> bool {
        !self.is_away(now) && self.is_on_shift(configuration, team, now)
    }
}

impl Shift {
    pub fn of(configuration: &Configuration, agent: &Agent, now: Time) -> Self {
        let calendar = |team: &String| configuration.shift_calendar(&agent.calendar, team);
        // Who is in no team works for none; its own calendar still says when it is there.
        let teams = if agent.teams.is_empty() { &[String::new()] } else { &agent.teams[..] };
        let Some(calendars) = teams.iter().map(calendar).collect::<Option<Vec<&Calendar>>>() else {
            return Self { on: true, change_time: None };
        };
        if calendars.iter().any(|calendar| calendar.is_open(now)) {
            return Self { on: true, change_time: end(&calendars, now) };
        }
        let next = calendars.iter().filter_map(|calendar| calendar.next_opening(now)).min();
        Self { on: false, change_time: next.filter(|next| *next <= now.after(HORIZON)) }
    }
}

/// When none of the calendars is open any more: where one closes another may have opened.
fn end(calendars: &[&Calendar], now: Time) -> Option<Time> {
    let last = now.after(HORIZON);
    let mut end = now;
    while calendars.iter().any(|calendar| calendar.is_open(end)) {
        let mut ends = Vec::new();
        for calendar in calendars.iter().filter(|calendar| calendar.is_open(end)) {
            ends.push(calendar.closes(end)?);
        }
        end = ends.into_iter().max().filter(|end| *end <= last)?;
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agents::fixture::agent,
        configuration::{Document, Team},
    };

    /// Three teams: the day's, the night's, and one that is always there.
    fn configuration() -> Configuration {
        let calendars = "
            - {key: day, time_zone: UTC, hours: [{days: [MONDAY, TUESDAY], open: '08:00', close: '20:00'}]}
            - {key: night, time_zone: UTC, hours: [{days: [MONDAY], open: '19:00', close: '08:00'}]}
            - {key: late, time_zone: UTC, exceptions: [{date: 2030-01-01, hours: [{open: '08:00', close: '09:00'}]}]}
            - {key: ever, time_zone: UTC, hours: [{days: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY], open: '00:00', close: '24:00'}]}
        ";
        let team = |key: &str, calendar: &str| Team {
            key: key.into(),
            calendar: calendar.into(),
            ..Team::default()
        };
        let teams = [("days", "day"), ("nights", "night"), ("all", ""), ("lost", "gone"), ("ever", "ever")];
        Configuration::new(
            1,
            Document {
                calendars: serde_saphyr::from_str(calendars).expect("calendars"),
                teams: teams.map(|(key, calendar)| team(key, calendar)).to_vec(),
                ..Document::default()
            },
        )
    }

    fn time(text: &str) -> Time {
        text.parse().expect("a time")
    }

    #[test]
    fn the_agents_own_calendar_comes_before_the_teams() {
        let configuration = configuration();
        let noon = time("2026-03-02T12:00:00Z");
        for (own, team, on) in [
            ("", "days", true),
            ("", "nights", false),
            ("", "all", true),
            ("", "lost", true),
            ("", "no such team", true),
            ("night", "days", false),
            ("day", "nights", true),
            ("gone", "nights", false),
        ] {
            let agent = Agent { calendar: own.into(), ..agent("ada", 1) };
            assert_eq!(agent.is_on_shift(&configuration, team, noon), on, "{own:?} for {team}");
            assert_eq!(agent.is_present(&configuration, team, noon), on, "{own:?} for {team}");
        }
    }

    #[test]
    fn a_shift_lasts_while_any_team_is_on() {
        let configuration = configuration();
        let shift = |own: &str, teams: &[&str], now: &str| {
            let teams = teams.iter().map(|team| (*team).to_owned()).collect();
            let agent = Agent { calendar: own.into(), teams, ..agent("ada", 1) };
            let Shift { on, change_time } = Shift::of(&configuration, &agent, time(now));
            (on, change_time.map(|time| time.to_string()).unwrap_or_default())
        };
        let told = |on: bool, change: &str| (on, change.to_owned());
        let (monday, sunday) = ("2026-03-02T12:00:00Z", "2026-03-01T12:00:00Z");
        assert_eq!(shift("", &["days"], monday), told(true, "2026-03-02T20:00:00Z"));
        assert_eq!(shift("", &["nights"], monday), told(false, "2026-03-02T19:00:00Z"));
        assert_eq!(shift("", &["days", "nights"], monday), told(true, "2026-03-03T20:00:00Z"));
        assert_eq!(shift("", &["days", "nights"], sunday), told(false, "2026-03-02T08:00:00Z"));
        assert_eq!(shift("day", &["nights"], monday), told(true, "2026-03-02T20:00:00Z"));
        assert_eq!(shift("night", &[], monday), told(false, "2026-03-02T19:00:00Z"));
        for (own, teams, on) in [
            ("", &["days", "all"][..], true),
            ("late", &["days"], false),
            ("", &["ever"], true),
            ("", &[], true),
        ] {
            assert_eq!(shift(own, teams, monday), told(on, ""), "{own:?} {teams:?}");
        }
    }
}
