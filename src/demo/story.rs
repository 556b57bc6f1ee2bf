//! The scenes of the day that are told one by one, with the refusals that show the rules at work.

use anyhow::{Context as _, bail};
use ticketing_proto::v1::{self as pb, DeclineReason, EscalationReason};
use tonic_types::StatusExt as _;

use super::{
    cast::Cast,
    knowledge::{Articles, publish, suggest},
    matters::{ARCHIVE, IMPORT, Matter, OUTAGE, PASSWORD, PRINTER, ROUNDING},
    person::{Answer, Person, key},
    told::{happens, refused, says, title},
    watcher::Watcher,
};

/// Plays the scenes.
pub async fn tell(cast: &Cast, watcher: &Watcher, articles: &Articles) -> anyhow::Result<()> {
    first_contact(cast, watcher).await?;
    // Long rows of calls; on the heap the day stays a small future.
    Box::pin(asked_back_and_consulted(cast, watcher, &articles["lock"])).await?;
    Box::pin(up_to_engineering(cast, watcher)).await?;
    declined(cast, watcher, &articles["sensor"]).await?;
    no_skipping(cast, watcher).await?;
    outage(cast, &articles["line"]).await
}

async fn first_contact(cast: &Cast, watcher: &Watcher) -> anyhow::Result<()> {
    title("Solved in the first call");
    let (ticket, agent) = pushed(cast, watcher, "anna", &PASSWORD, "sabine").await?;
    let answer = suggest(agent, &ticket).await?;
    says(agent, &format!("is proposed article {}: {}", answer.number, answer.title));
    let done = "Kennwort am Telefon zurückgesetzt";
    let ticket = agent.resolve(&ticket, "first-contact", done, &answer.name).await?;
    says(agent, "solves it with that while Sabine is on the phone");
    agent.close(&ticket).await?;
    Ok(())
}

async fn asked_back_and_consulted(
    cast: &Cast,
    watcher: &Watcher,
    article: &pb::Article,
) -> anyhow::Result<()> {
    title("Asked back, escalated, advised, reopened");
    let [murat, jonas, meera, tomasz] = ["murat", "jonas", "meera", "tomasz"].map(|key| cast.of(key));
    let (ticket, agent) = pushed(cast, watcher, "murat", &IMPORT, "murat").await?;
    let ticket = agent.ask_back(&ticket, "Welche Datei war die letzte, die durchlief?").await?;
    says(agent, &format!("asks the customer back: {}", state(&ticket)));
    let ticket = murat.tell(&ticket, "AUF-0611.xml, kurz nach sechs.").await?;
    says(murat, &format!("answers, and the ticket is {} again", state(&ticket)));
    let asked = "Import hängt nach AUF-0611.xml, Neustart half nicht";
    agent.hand_over(&ticket, "applications", EscalationReason::Complexity, asked).await?;
    says(agent, "hands it over to the application support: COMPLEXITY");

    let ticket = jonas.pull("applications").await?;
    says(jonas, &format!("pulls the next ticket of the queue: #{}", ticket.number));
    let ticket = jonas
        .consult(&ticket, "engineering", EscalationReason::MissingSkill, "Sperre in der Warteschlange?")
        .await?;
    says(jonas, "asks engineering for advice and keeps the ticket");
    let ticket = tomasz.accept(&ticket).await?;
    let ticket = tomasz.note(&ticket, "Known deadlock: release the lock of job 7, then restart it.").await?;
    let ticket = tomasz.hand_back(&ticket, "release the lock of job 7").await?;
    says(tomasz, "accepts, writes down how, and hands the advice back");

    let bare = jonas.resolve(&ticket, "fixed", "Sperre gelöst", "").await;
    told_refusal(jonas, "resolves it, naming no article", bare)?;
    let ticket = jonas.resolve(&ticket, "fixed", "Sperre gelöst", &article.name).await?;
    says(jonas, &format!("resolves it with article {}: {}", article.number, article.title));

    let ticket = murat.tell(&ticket, "Leider steht der Import schon wieder.").await?;
    says(murat, &format!("writes that it is back: the ticket is {} again", state(&ticket)));
    let ticket = meera.claim(&ticket).await?;
    let ticket = meera.resolve(&ticket, "fixed", "Auftrag 7 neu angelegt", &article.name).await?;
    meera.close(&ticket).await?;
    says(meera, "takes it from the queue, makes job 7 anew, and closes it");
    Ok(())
}

async fn up_to_engineering(cast: &Cast, watcher: &Watcher) -> anyhow::Result<()> {
    title("Up to engineering and back");
    let [meera, tomasz] = ["meera", "tomasz"].map(|key| cast.of(key));
    let (ticket, agent) = pushed(cast, watcher, "grace", &ROUNDING, "grace").await?;
    let ticket = agent
        .hand_over(&ticket, "applications", EscalationReason::MissingSkill, "totals wrong on long invoices")
        .await?;
    says(agent, "hands it over to the application support: MISSING_SKILL");
    let ticket = meera.claim(&ticket).await?;
    let cause = "VAT is rounded per line, not per invoice";
    let ticket = meera.hand_over(&ticket, "engineering", EscalationReason::CodeChange, cause).await?;
    says(meera, "claims it, finds the cause and hands it over to engineering: CODE_CHANGE");
    let ticket = tomasz.claim(&ticket).await?;
    let said = tomasz.tell(&ticket, "Hello Grace, we are on it.").await;
    told_refusal(tomasz, "claims it and writes to the customer", said)?;
    let ticket = tomasz.hand_back(&ticket, "4.2.1 rounds per invoice; it is live").await?;
    says(tomasz, &format!("ships 4.2.1 and hands it back with the solution, to {}", key(&ticket.assignee)));
    let article = publish(tomasz, cast.of("petra"), found()).await?;
    says(tomasz, &format!("writes down why; Petra Lange reviews it: article {} is in use", article.number));
    let ticket = meera.tell(&ticket, "Hello Grace, totals are right from now on.").await?;
    let ticket = meera.resolve(&ticket, "fixed", "rounded per invoice since 4.2.1", &article.name).await?;
    meera.close(&ticket).await?;
    says(meera, "tells the customer, resolves it with the article and closes it");
    tomasz.enter_work(&ticket, "development", 90).await?;
    says(tomasz, "enters an hour and a half of work: Harrow & Finch have Gold, and it is covered");
    Ok(())
}

/// What engineering found out, for those below.
fn found() -> pb::Article {
    pb::Article {
        kind: pb::ArticleKind::Solution.into(),
        lowest_level: "L2".to_owned(),
        category: "software.error".to_owned(),
        product: "Tourenplan".to_owned(),
        language_code: "en".to_owned(),
        title: "Totals of long invoices are off by cents".to_owned(),
        text: "VAT was rounded per line. Since 4.2.1 it is rounded per invoice: update.".to_owned(),
        ..Default::default()
    }
}

async fn declined(cast: &Cast, watcher: &Watcher, article: &pb::Article) -> anyhow::Result<()> {
    title("Not complete, then not theirs");
    let katrin = cast.of("katrin");
    let (ticket, agent) = pushed(cast, watcher, "dieter", &PRINTER, "dieter").await?;
    let asked = "Treiber neu, Fehler bleibt";
    let early = agent.hand_over(&ticket, "infrastructure", EscalationReason::Complexity, asked).await;
    told_refusal(agent, "hands it over to the infrastructure team", early)?;
    let ticket = agent.write_serial_number(&ticket, "ZD-421-7734").await?;
    let ticket = agent.hand_over(&ticket, "infrastructure", EscalationReason::Complexity, asked).await?;
    says(agent, "records the serial number and hands it over again");
    let ticket = katrin.decline(&ticket, DeclineReason::KnownSolution, &article.title).await?;
    let (number, agent_key) = (article.number, key(&ticket.assignee));
    says(katrin, &format!("declines: KNOWN_SOLUTION, article {number}; back to {agent_key}"));
    let ticket = agent.resolve(&ticket, "fixed", "Sensor kalibriert", &article.name).await?;
    agent.close(&ticket).await?;
    says(agent, "follows the article and closes it");
    Ok(())
}

async fn no_skipping(cast: &Cast, watcher: &Watcher) -> anyhow::Result<()> {
    title("One level at a time");
    let [jonas, lea] = ["jonas", "lea"].map(|key| cast.of(key));
    let (ticket, agent) = pushed(cast, watcher, "ulrike", &ARCHIVE, "ulrike").await?;
    let asked = "Verträge vor 2020 fehlen in der Suche";
    let skipped = agent.hand_over(&ticket, "data", EscalationReason::DataChange, asked).await;
    told_refusal(agent, "hands it over to the data team at once", skipped)?;
    let ticket = agent.hand_over(&ticket, "applications", EscalationReason::Complexity, asked).await?;
    let ticket = jonas.claim(&ticket).await?;
    let ticket = jonas.hand_over(&ticket, "data", EscalationReason::DataChange, "Index neu aufbauen").await?;
    let ticket = lea.claim(&ticket).await?;
    says(jonas, "takes it the proper way, and Lea Hofmann corrects the data");
    let bare = lea.resolve(&ticket, "fixed", "Index neu aufgebaut", "").await;
    told_refusal(lea, "resolves it and writes nothing down", bare)?;
    let ticket = lea.resolve_and_draft(&ticket, "fixed", "Index 2014 bis 2019 neu aufgebaut").await?;
    says(lea, "has a solution drafted from the ticket, which pays what the third level owes");
    lea.close(&ticket).await?;
    lea.enter_work(&ticket, "repair", 50).await?;
    jonas.enter_work(&ticket, "analysis", 20).await?;
    says(
        lea,
        "enters 50 minutes of work and Jonas Keller 20: Stadtwerke Rheinau bought no support, and pay for it",
    );
    Ok(())
}

async fn outage(cast: &Cast, article: &pb::Article) -> anyhow::Result<()> {
    title("An outage, and a vendor");
    let [anna, katrin, nora] = ["anna", "katrin", "nora"].map(|key| cast.of(key));
    let ticket = anna.record(&OUTAGE, "ulrike").await?;
    says(anna, &format!("records #{}: {}", ticket.number, ticket.title));
    happens(&format!(
        "the rule for outages makes it {} of {} at {}",
        ticket.priority, ticket.team, ticket.level
    ));
    let ticket = katrin.pull("infrastructure").await?;
    let cause = "Leitung zum Standort tot, unser Router ist in Ordnung";
    let ticket = katrin.hand_over(&ticket, "netvendor", EscalationReason::VendorDefect, cause).await?;
    says(katrin, "pulls it and hands it over to the network vendor: VENDOR_DEFECT");
    let ticket = nora.claim(&ticket).await?;
    let ticket = nora.wait_for_vendor(&ticket, "NL-20931").await?;
    says(nora, &format!("opens NL-20931 on the vendor's side: {}", state(&ticket)));
    let ticket = nora.hand_back(&ticket, "Faser gespleißt").await?;
    says(nora, "hands it back: the fibre is spliced");
    let ticket = katrin.resume(&ticket).await?;
    let ticket = katrin.tell(&ticket, "Rheinau ist wieder am Netz.").await?;
    let ticket = katrin.resolve(&ticket, "fixed", "Faser gespleißt", &article.name).await?;
    katrin.close(&ticket).await?;
    says(katrin, "checks, tells the customer, resolves and closes it");
    Ok(())
}

/// A ticket that is recorded and pushed to somebody of the desk.
async fn pushed<'c>(
    cast: &'c Cast,
    watcher: &Watcher,
    recorder: &str,
    matter: &Matter,
    requester: &str,
) -> anyhow::Result<(pb::Ticket, &'c Person)> {
    let recorder = cast.of(recorder);
    let ticket = recorder.record(matter, requester).await?;
    says(recorder, &format!("records #{}: {}", ticket.number, ticket.title));
    let agent = cast.of(&watcher.owner(&ticket).await?);
    // The agent sees more of it than a customer does.
    let ticket = agent.read(&ticket.name).await?;
    happens(&format!("the queue {} pushes it to {}", key(&ticket.queue), agent.display_name));
    Ok((ticket, agent))
}

/// Tells the refusal; it is a fault of the demo if there is none.
fn told_refusal(who: &Person, what: &str, answer: Answer) -> anyhow::Result<()> {
    let Err(status) = answer else { bail!("{} {what}, and was not refused", who.display_name) };
    let details = status.get_error_details();
    let reason = &details.error_info().context("a failure without a reason")?.reason;
    refused(who, what, reason, status.message());
    Ok(())
}

/// As people say it.
fn state(ticket: &pb::Ticket) -> String {
    ticket.state().as_str_name().trim_start_matches("TICKET_STATE_").replace('_', " ").to_lowercase()
}
