//! The rest of the day: many tickets at once, each on its ordinary course.

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use ticketing_proto::v1::{self as pb, Channel};

use super::{
    cast::{Cast, customers},
    knowledge::Articles,
    matters::{Course, DAY, Matter},
    person::Person,
    told,
    watcher::Watcher,
};

/// How often the matters of the day come.
const ROUNDS: usize = 4;
/// Tickets on their way at a time.
const AT_ONCE: usize = 12;

/// Plays the rest of the day.
pub async fn pass(cast: &Cast, watcher: &Watcher, articles: &Articles) -> anyhow::Result<()> {
    let bar = told::background(ROUNDS * DAY.len());
    let day =
        (0..ROUNDS).flat_map(|round| DAY.iter().enumerate().map(move |(n, matter)| (round + n, matter)));
    stream::iter(day)
        .map(|(n, matter)| async move {
            let ticket = go(cast, watcher, articles, matter, n).await;
            ticket.with_context(|| format!("the ticket {:?} could not go its way", matter.title))
        })
        .buffer_unordered(AT_ONCE)
        .try_for_each(|()| {
            bar.inc(1);
            std::future::ready(Ok(()))
        })
        .await?;
    told::background_over(&bar);
    Ok(())
}

async fn go(
    cast: &Cast,
    watcher: &Watcher,
    articles: &Articles,
    matter: &Matter,
    n: usize,
) -> anyhow::Result<()> {
    let requesters = customers(matter.language);
    let customer = cast.of(requesters[n % requesters.len()]);
    // A call is recorded by whoever takes it; the rest the customers write themselves.
    let desk = cast.of(if matter.language == "de" { "anna" } else { "emily" });
    let recorder = if matter.channel == Channel::Phone { desk } else { customer };
    let ticket = recorder.record(matter, customer.key).await?;
    let agent = cast.of(&watcher.owner(&ticket).await?);
    match matter.course {
        Course::FirstContact => solve(agent, &ticket, "first-contact", "").await,
        Course::Desk => solve(agent, &ticket, "answered", "").await,
        Course::AskBack => {
            agent.ask_back(&ticket, question(matter)).await?;
            customer.tell(&ticket, answer(matter)).await?;
            solve(agent, &ticket, "workaround", "").await
        }
        Course::Unanswered => {
            agent.ask_back(&ticket, question(matter)).await?;
            Ok(())
        }
        Course::Second(team, reason) => {
            agent.hand_over(&ticket, team, reason, "beyond what the desk may do").await?;
            let specialist = cast.of(member(team, n));
            specialist.claim(&ticket).await?;
            solve(specialist, &ticket, "fixed", &articles["rights"].name).await
        }
        Course::Third(team, reason) => {
            agent
                .hand_over(&ticket, "applications", pb::EscalationReason::Complexity, "needs analysis")
                .await?;
            let specialist = cast.of(member("applications", n));
            specialist.claim(&ticket).await?;
            specialist.hand_over(&ticket, team, reason, "cause found, needs a change").await?;
            let engineer = cast.of(member(team, n));
            engineer.claim(&ticket).await?;
            engineer.hand_back(&ticket, "the change is live").await?;
            solve(specialist, &ticket, "fixed", &articles["change"].name).await
        }
    }
}

async fn solve(agent: &Person, ticket: &pb::Ticket, code: &str, article: &str) -> anyhow::Result<()> {
    agent.resolve(ticket, code, "done", article).await?;
    agent.close(ticket).await?;
    Ok(())
}

/// Who of a team takes the n-th ticket.
fn member(team: &str, n: usize) -> &'static str {
    match team {
        "infrastructure" => "katrin",
        "engineering" => "tomasz",
        "data" => "lea",
        _ => ["jonas", "meera"][n % 2],
    }
}

fn question(matter: &Matter) -> &'static str {
    if matter.language == "de" {
        "Seit wann, und was steht auf dem Bildschirm?"
    } else {
        "Since when, and what does the screen say?"
    }
}

fn answer(matter: &Matter) -> &'static str {
    if matter.language == "de" {
        "Seit heute früh; es steht: Fehler 17."
    } else {
        "Since this morning; it says: error 17."
    }
}
