//! What a consumer heard, held against what the log says. Knows nothing of how events travel.

use std::collections::{HashMap, HashSet};

/// A ticket's version: what one event is about.
pub type Told = (String, i64);

/// The faults of a consumer's story, each counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// In the log and never heard.
    pub missing: usize,
    /// Heard and not in the log.
    pub invented: usize,
    /// Heard for the first time after a higher version of the same ticket.
    pub inverted: usize,
    /// Heard again: allowed on the way, and what the inbox is for.
    pub repeated: usize,
    /// What had its effect more than once behind the inbox.
    pub doubled: usize,
}

impl Faults {
    /// Whether nothing is wrong that an inbox does not cure.
    pub fn none(self) -> bool {
        Self { repeated: 0, ..self } == Self::default()
    }
}

/// A consumer with an inbox: what is in it has had its effect.
#[derive(Debug, Default)]
pub struct Consumer {
    inbox: HashSet<Told>,
    effects: HashMap<Told, usize>,
    highest: HashMap<String, i64>,
    inverted: usize,
    repeated: usize,
}

impl Consumer {
    pub fn hear(&mut self, told: Told) {
        if !self.inbox.insert(told.clone()) {
            self.repeated += 1;
            return;
        }
        let highest = self.highest.entry(told.0.clone()).or_default();
        if told.1 < *highest {
            self.inverted += 1;
        }
        *highest = told.1.max(*highest);
        *self.effects.entry(told).or_default() += 1;
    }

    #[allow(dead_code)] // the benchmark asks while it waits
    pub fn heard(&self) -> usize {
        self.inbox.len()
    }

    pub fn judge(&self, log: &HashSet<Told>) -> Faults {
        Faults {
            missing: log.difference(&self.inbox).count(),
            invented: self.inbox.difference(log).count(),
            inverted: self.inverted,
            repeated: self.repeated,
            doubled: self.effects.values().filter(|effects| **effects > 1).count(),
        }
    }
}
