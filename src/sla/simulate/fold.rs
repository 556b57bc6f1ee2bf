//! Counts what a simulation sees: by policy and kind of clock how many were kept and missed, and where that differs from what
//! ran. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    configuration::{Agreement, ClockKind, Configuration},
    ids::Id,
    sla::{
        Clock, ClockState,
        evaluate::{Phase, Reading},
        model::floor,
    },
    tickets::Past,
    time::Time,
};

/// A clock that would have been kept where one was missed, or the other way round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub ticket: Id,
    pub number: i64,
    pub create_time: Time,
    pub kind: ClockKind,
    pub level: String,
    pub policy: String,
    pub priority: String,
    /// When the simulated clock was due.
    pub due_time: Option<Time>,
    /// How late it is: open seconds, and by the wall.
    pub overrun_seconds: u64,
    pub late_seconds: u64,
    pub breached: bool,
    pub breached_today: bool,
}

/// What is counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    pub agreement: Agreement,
    pub policy: String,
    pub kind: ClockKind,
    pub level: String,
    pub priority: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub clocks: u64,
    /// Neither kept nor missed yet.
    pub open: u64,
    pub achieved: u64,
    pub breached: u64,
    pub cancelled: u64,
    /// Open seconds of those that have ended, ascending.
    elapsed: Vec<u64>,
    /// Open seconds over the target, of those that were missed.
    pub overrun: u64,
    pub longest_overrun: u64,
}

impl Counts {
    /// The elapsed seconds below which this share (percent) of the ended clocks lies; `None`: none has ended.
    pub fn elapsed(&self, percent: usize) -> Option<u64> {
        let rank = (self.elapsed.len() * percent).div_ceil(100).max(1);
        self.elapsed.get(rank - 1).copied()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub configuration_revision: i64,
    pub tickets: u64,
    /// For which no policy would have held.
    pub without_policy: u64,
    pub groups: Vec<(Group, Counts)>,
    pub newly_breached: u64,
    pub no_longer_breached: u64,
    /// Tickets with a breach, simulated and today.
    pub breached_tickets: u64,
    pub breached_tickets_today: u64,
}

#[derive(Debug)]
pub struct Fold<'c> {
    configuration: &'c Configuration,
    now: Time,
    groups: BTreeMap<Group, Counts>,
    summary: Summary,
}

/// What two clocks of a ticket have in common that measure the same.
type Same = (Agreement, ClockKind, String);

fn same(clock: &Clock) -> Same {
    (clock.agreement, clock.kind, clock.level.clone())
}

impl<'c> Fold<'c> {
    pub fn new(configuration: &'c Configuration, now: Time) -> Self {
        let summary = Summary { configuration_revision: configuration.revision, ..Summary::default() };
        Self { configuration, now, groups: BTreeMap::new(), summary }
    }

    /// One more ticket, with the clocks that it would have had and those that it had.
    pub fn see(&mut self, past: &Past, simulated: &[Clock], ran: &[Clock]) -> Vec<Difference> {
        let today: BTreeSet<Same> = ran.iter().filter(|clock| self.is_late_today(clock)).map(same).collect();
        let mut readings: BTreeMap<Same, (&Clock, Reading)> = BTreeMap::new();
        let mut late = BTreeSet::new();
        for clock in simulated {
            let reading = clock.read(self.configuration, self.now);
            let is_late = reading.breach.is_some() && !clock.breached_on_apply;
            if reading.phase != Phase::Superseded {
                self.count(clock, &reading, is_late);
            }
            if is_late {
                late.insert(same(clock));
            }
            // Of several of a kind, the one that was missed, else the last.
            if is_late || !late.contains(&same(clock)) {
                readings.insert(same(clock), (clock, reading));
            }
        }
        self.summary.tickets += 1;
        self.summary.without_policy += u64::from(simulated.is_empty());
        self.summary.breached_tickets += u64::from(!late.is_empty());
        self.summary.breached_tickets_today += u64::from(!today.is_empty());
        let mut differences = Vec::new();
        for it in late.symmetric_difference(&today) {
            let breached = late.contains(it);
            if breached {
                self.summary.newly_breached += 1;
            } else {
                self.summary.no_longer_breached += 1;
            }
            differences.push(difference(past, it, readings.get(it), breached, self.now));
        }
        differences
    }

    fn is_late_today(&self, clock: &Clock) -> bool {
        let overdue = clock.phase() == Phase::Running
            && !clock.breached_on_apply
            && clock.due_time.is_some_and(|due| due < floor(self.now));
        clock.breach_time.is_some() || overdue
    }

    fn count(&mut self, clock: &Clock, reading: &Reading, late: bool) {
        let group = Group {
            agreement: clock.agreement,
            policy: clock.policy.clone(),
            kind: clock.kind,
            level: clock.level.clone(),
            priority: clock.priority.clone(),
        };
        let counts = self.groups.entry(group).or_default();
        counts.clocks += 1;
        if late {
            counts.breached += 1;
            let over = reading.elapsed.saturating_sub(clock.target_seconds.unsigned_abs());
            counts.overrun += over;
            counts.longest_overrun = counts.longest_overrun.max(over);
        } else {
            match reading.state {
                ClockState::Achieved => counts.achieved += 1,
                ClockState::Cancelled => counts.cancelled += 1,
                _ => counts.open += 1,
            }
        }
        if reading.phase == Phase::Stopped {
            counts.elapsed.push(reading.elapsed);
        }
    }

    pub fn finish(self) -> Summary {
        let sorted = |(group, mut counts): (Group, Counts)| {
            counts.elapsed.sort_unstable();
            (group, counts)
        };
        Summary { groups: self.groups.into_iter().map(sorted).collect(), ..self.summary }
    }
}

fn difference(
    past: &Past,
    (_, kind, level): &Same,
    reading: Option<&(&Clock, Reading)>,
    breached: bool,
    now: Time,
) -> Difference {
    let over = |(clock, reading): &(&Clock, Reading)| {
        let wall = reading.breach.map_or(0, |breach| {
            let end = reading.end.unwrap_or(floor(now));
            u64::try_from(end.as_second() - breach.as_second()).unwrap_or(0)
        });
        (reading.elapsed.saturating_sub(clock.target_seconds.unsigned_abs()), wall)
    };
    let (overrun_seconds, late_seconds) = reading.filter(|_| breached).map_or((0, 0), over);
    Difference {
        ticket: past.now.id,
        number: past.now.number,
        create_time: past.now.create_time,
        kind: *kind,
        level: level.clone(),
        policy: reading.map(|(clock, _)| clock.policy.clone()).unwrap_or_default(),
        priority: reading.map(|(clock, _)| clock.priority.clone()).unwrap_or_default(),
        due_time: reading.and_then(|(_, reading)| reading.breach.or(reading.due)),
        overrun_seconds,
        late_seconds,
        breached,
        breached_today: !breached,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        sla::{
            simulate::clocks,
            story::{Story, configuration, time},
        },
        tickets::State,
    };

    const LAX: &str =
        "[{key: lax, calendar: office, clocks: [{clock: FIRST_RESOLUTION, target_duration: 8h}]}]";
    const STRICT: &str = r#"
- key: strict
  condition: ticket.priority == "P1"
  calendar: office
  clocks: [{clock: FIRST_RESOLUTION, target_duration: 1h}]
- key: rest
  calendar: office
  clocks: [{clock: FIRST_RESOLUTION, target_duration: 4h}]
"#;

    fn past(story: &Story) -> Past {
        let came =
            crate::tickets::undo(&story.ticket, &story.log[1..].iter().rev().cloned().collect::<Vec<_>>());
        Past { came: came.expect("undone"), rule: String::new(), raised: false, now: story.ticket.clone() }
    }

    #[test]
    fn the_same_promises_make_the_same_clocks() {
        let mut story = Story::new(LAX, "02T08:00:00");
        story.prioritised(time("02T09:00:00"), "P1");
        story.moves(time("03T10:00:00"), State::Resolved);
        let again = clocks(&configuration(1, LAX), &past(&story), &story.log).expect("simulated");
        let told = |clock: &Clock| Clock {
            told: crate::tickets::Json::default(),
            detect_time: None,
            ..clock.clone()
        };
        assert_eq!(again, story.clocks.iter().map(told).collect::<Vec<_>>());
    }

    #[test]
    fn other_promises_are_counted_against_todays() {
        let mut kept = Story::new(LAX, "02T08:00:00");
        kept.moves(time("02T11:00:00"), State::Resolved);
        // Within the eight hours of today, later than the four that would have been promised.
        let mut late = Story::new(LAX, "02T08:00:00");
        late.moves(time("02T15:00:00"), State::Resolved);
        // Missed today, and from the first hour on with the stricter promise, chosen by the priority as it became.
        let mut missed = Story::new(LAX, "02T08:00:00");
        missed.prioritised(time("02T08:30:00"), "P1");
        missed.moves(time("04T08:00:00"), State::Resolved);
        let strict = configuration(0, STRICT);
        let mut fold = Fold::new(&strict, time("05T08:00:00"));
        let mut differences = Vec::new();
        for story in [&kept, &late, &missed] {
            let simulated = clocks(&strict, &past(story), &story.log).expect("simulated");
            differences.extend(fold.see(&past(story), &simulated, &story.clocks));
        }
        let [one] = &differences[..] else { panic!("{differences:#?}") };
        assert_eq!(
            (one.breached, one.breached_today, one.due_time),
            (true, false, Some(time("02T12:00:00")))
        );
        assert_eq!((one.overrun_seconds, one.late_seconds), (2 * 3600, 3 * 3600), "lunch is no working time");
        let summary = fold.finish();
        assert_eq!((summary.tickets, summary.breached_tickets, summary.breached_tickets_today), (3, 2, 1));
        assert_eq!((summary.newly_breached, summary.no_longer_breached), (1, 0));
        let told: Vec<_> = summary
            .groups
            .iter()
            .map(|(group, counts)| {
                (group.policy.as_str(), counts.clocks, counts.breached, counts.elapsed(50))
            })
            .collect();
        assert_eq!(told, [("rest", 2, 1, Some(3 * 3600)), ("strict", 1, 1, Some(16 * 3600))]);
    }
}
