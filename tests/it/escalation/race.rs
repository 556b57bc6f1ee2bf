//! Answers that come at once: one counts.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{accept, annas_ticket, declining, escalate, escalations};
use crate::{
    agents::{employ, used},
    routing::pull,
    support::{Desk, reason},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_answers_one_counts() {
    let desk = Arc::new(Desk::open().await);
    let replica = Arc::new(desk.replica().await);
    let name = annas_ticket(&desk).await.name;
    let takers: Vec<String> = (0..6).map(|n| format!("taker-{n}")).collect();
    for taker in &takers {
        employ(&desk, taker, "applications", 1, &[]).await;
    }
    let asked = escalate(&desk, "anna", &name, "applications").await.expect("escalated").into_inner();
    let escalation = asked.escalation.expect("an escalation").name;
    let mut answers = JoinSet::new();
    for (n, taker) in takers.iter().cloned().enumerate() {
        let desk = Arc::clone(if n % 2 == 0 { &desk } else { &replica });
        let escalation = escalation.clone();
        answers.spawn(async move {
            // Some accept, one declines, some just take the next ticket.
            let outcome = match n {
                0 => escalations(desk.agent(&taker))
                    .decline_escalation(declining(&escalation))
                    .await
                    .map(|_| ()),
                1 | 2 => {
                    let pulled = pull(&desk, &taker, "applications").await.expect("pulled or none");
                    return usize::from(pulled.into_inner().ticket.is_some());
                }
                _ => accept(&desk, &taker, &escalation).await.map(|_| ()),
            };
            let outcome = outcome.map(tonic::Response::new);
            if outcome.is_err() {
                assert_eq!(reason(&outcome), "FailedPrecondition ESCALATION_NOT_PENDING");
            }
            usize::from(outcome.is_ok())
        });
    }
    let counted: usize = answers.join_all().await.into_iter().sum();
    assert_eq!(counted, 1);
    let mut owned = used(&desk, "anna").await;
    for taker in &takers {
        owned += used(&desk, taker).await;
    }
    assert_eq!(owned, 1, "it has one owner");
    drop(replica);
    Arc::into_inner(desk).expect("the last one").finish().await;
}
