//! How a queue does: how many wait and for how long, and who could take them.

use std::time::Duration;

use crate::{
    agents::{self, Loaded},
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    error::{Error, Result},
    tickets::queue::{self, Depth},
    time::Time,
};

/// The figures of one queue.
#[derive(Debug)]
pub struct QueueStats {
    pub read_time: Time,
    pub depth: Depth,
    pub staffing: Staffing,
}

/// Who works a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Staffing {
    pub agents: i64,
    /// On shift and available.
    pub present: i64,
    /// Present, and with room.
    pub free: i64,
    /// The room of those.
    pub room: i64,
}

/// Counts the agents of a team.
pub fn staffing(configuration: &Configuration, team: &str, members: &[Loaded], now: Time) -> Staffing {
    let mut staffing = Staffing { agents: members.len() as i64, ..Staffing::default() };
    for member in members.iter().filter(|member| member.agent.is_present(configuration, team, now)) {
        staffing.present += 1;
        staffing.free += i64::from(member.room() > 0);
        staffing.room += member.room();
    }
    staffing
}

impl Depth {
    /// How long so many of the waiting have waited at most: 0 is half of them, 1 nine of ten, 2 ninety-nine of a hundred.
    pub fn wait(&self, percentile: usize) -> Option<Duration> {
        let seconds = self.waits.as_ref()?.get(percentile)?;
        Some(Duration::from_secs(seconds.max(0.0) as u64))
    }
}

pub async fn queue_stats(app: &App, ctx: &Ctx, queue: &str) -> Result<QueueStats> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    if configuration.queue(queue).is_none() {
        return Err(Error::field("queue", &format!("no queue {queue:?} is configured")));
    }
    let depth = queue::depth(app, &ctx.tenant, queue, ctx.now).await?;
    let team = configuration.place(queue).team;
    let mut tx = app.db.begin(&ctx.tenant).await?;
    let members = agents::members(&mut tx, &configuration, std::slice::from_ref(&team), &[]).await?;
    Ok(QueueStats { read_time: ctx.now, depth, staffing: staffing(&configuration, &team, &members, ctx.now) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agents::{Availability, fixture::loaded},
        tickets::fixture,
    };

    #[test]
    fn who_is_away_is_not_there_and_who_is_full_is_not_free() {
        let mut away = loaded("dan", 9, 0);
        away.agent.availability = Availability::Away;
        let members = [loaded("ada", 3, 1), loaded("bob", 2, 2), loaded("eve", 1, 4), away];
        let expected = Staffing { agents: 4, present: 3, free: 1, room: 2 };
        let counted = |team, now| staffing(fixture::configuration(), team, &members, now);
        assert_eq!(counted("desk-de", fixture::start()), expected);
        let sunday = fixture::start().before(Duration::from_hours(24));
        let nobody = Staffing { agents: 4, ..Staffing::default() };
        assert_eq!(counted("data", sunday), nobody, "nobody is on shift");
    }
}
