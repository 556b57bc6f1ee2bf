//! What is new on a bill when a ticket is rated again: signed differences. What was told stays told, and the sum of all that
//! was told is what rating from scratch leads to.

use std::collections::BTreeMap;

use super::rate::{Key, Line};
use crate::time::Time;

/// What was told of a line so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub key: Key,
    pub units: i64,
    pub amount: i64,
    /// How often it was told of.
    pub sequence: i64,
    pub price: i64,
    pub currency: String,
    pub work_time: Time,
}

/// One more thing to tell of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    pub key: Key,
    /// 1, 2, 3 … for each line: with its key, what makes it one of a kind.
    pub sequence: i64,
    pub units: i64,
    pub amount: i64,
    pub price: i64,
    pub currency: String,
    pub work_time: Time,
    pub needs_consent: bool,
}

/// The rule. What did not change is not told of.
pub fn decide(told: &[Standing], lines: &[Line]) -> Vec<Delta> {
    let mut before: BTreeMap<&Key, &Standing> = told.iter().map(|it| (&it.key, it)).collect();
    let mut deltas: Vec<Delta> = lines
        .iter()
        .map(|line| {
            let was = before.remove(&line.key);
            let (units, amount, sequence) = was.map_or((0, 0, 0), |it| (it.units, it.amount, it.sequence));
            Delta {
                key: line.key.clone(),
                sequence: sequence + 1,
                units: line.units - units,
                amount: line.amount - amount,
                price: line.price,
                currency: line.currency.clone(),
                work_time: line.work_time,
                needs_consent: line.needs_consent,
            }
        })
        .collect();
    deltas.extend(before.into_values().map(|it| Delta {
        key: it.key.clone(),
        sequence: it.sequence + 1,
        units: -it.units,
        amount: -it.amount,
        price: it.price,
        currency: it.currency.clone(),
        work_time: it.work_time,
        needs_consent: false,
    }));
    deltas.retain(|delta| delta.units != 0 || delta.amount != 0);
    deltas
}
