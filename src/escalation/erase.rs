//! Erasing what was said with escalations: on their rows, and in the receipts that hold a copy of them.

use serde_json::json;

use super::store;
use crate::{
    db::Tx,
    error::Result,
    idempotency::{self, Known},
    ids::Id,
};

/// Whose receipts hold an escalation.
const METHODS: &[&str] = &[
    "EscalationService/escalate_ticket",
    "EscalationService/accept_escalation",
    "EscalationService/decline_escalation",
    "EscalationService/withdraw_escalation",
    "EscalationService/hand_back_ticket",
];

/// Erases the texts of the tickets' escalations, which the transaction has locked; `calls` led to their events. Says how
/// many escalations and how many receipts there were.
pub async fn erase_in(tx: &mut Tx, tickets: &[Id], calls: &[Known]) -> Result<(u64, u64)> {
    let escalations = store::erase(tx, tickets).await?;
    let texts = json!({"justification": "", "settle_note": ""});
    let receipts = idempotency::overwrite(tx, METHODS, calls, &texts).await?;
    Ok((escalations, receipts))
}
