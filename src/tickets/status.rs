//! The life of a ticket as one table: every state and verb has its next state, or none, which is a refusal.

use crate::error::{Reason, Refusal};

use super::{HoldKind, State, Ticket};

/// What can be done with a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    Update,
    Assign,
    Claim,
    Release,
    Hold(HoldKind),
    Resume,
    Resolve,
    Close,
    Reopen,
    Cancel,
    Tag,
    Follow,
    Comment,
    Attach,
    LinkArticle,
    Route,
    Transfer,
    Escalate,
    HandBack,
    /// To go on in another ticket.
    Merge,
    /// To be the one in which others go on.
    Absorb,
    Unmerge,
    Link,
}

impl State {
    /// By somebody, for good or for now.
    pub fn is_solved(self) -> bool {
        matches!(self, Self::Resolved | Self::Closed)
    }
}

impl Verb {
    pub const ALL: &[Self] = &[
        Self::Update,
        Self::Assign,
        Self::Claim,
        Self::Release,
        Self::Hold(HoldKind::Customer),
        Self::Hold(HoldKind::Vendor),
        Self::Hold(HoldKind::Other),
        Self::Resume,
        Self::Resolve,
        Self::Close,
        Self::Reopen,
        Self::Cancel,
        Self::Tag,
        Self::Follow,
        Self::Comment,
        Self::Attach,
        Self::LinkArticle,
        Self::Route,
        Self::Transfer,
        Self::Escalate,
        Self::HandBack,
        Self::Merge,
        Self::Absorb,
        Self::Unmerge,
        Self::Link,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Assign => "assign",
            Self::Claim => "claim",
            Self::Release => "release",
            Self::Hold(_) => "hold",
            Self::Resume => "resume",
            Self::Resolve => "resolve",
            Self::Close => "close",
            Self::Reopen => "reopen",
            Self::Cancel => "cancel",
            Self::Tag => "tag",
            Self::Follow => "follow",
            Self::Comment => "comment",
            Self::Attach => "attach",
            Self::LinkArticle => "link_article",
            Self::Route => "route",
            Self::Transfer => "transfer",
            Self::Escalate => "escalate",
            Self::HandBack => "hand_back",
            Self::Merge => "merge",
            Self::Absorb => "absorb",
            Self::Unmerge => "unmerge",
            Self::Link => "link",
        }
    }
}

/// The table.
#[allow(clippy::match_same_arms)] // a row is a verb; that two lead to the same state is no reason to mix them
pub fn next(state: State, verb: Verb) -> Option<State> {
    use State::{Cancelled, Closed, Merged, New, OnHold, Open, Resolved, WaitingOnCustomer, WaitingOnVendor};
    let live = matches!(state, New | Open | WaitingOnCustomer | WaitingOnVendor | OnHold);
    match (verb, state) {
        // Whoever takes a new ticket up opens it; a waiting one waits on in other hands.
        (Verb::Assign | Verb::Claim | Verb::Escalate, New) => Some(Open),
        (Verb::Assign | Verb::Claim | Verb::Escalate | Verb::HandBack | Verb::Route | Verb::Transfer, _)
            if live =>
        {
            Some(state)
        }
        (Verb::Release, Open) => Some(Open),
        (Verb::Hold(kind), _) if live => Some(match kind {
            HoldKind::Customer => WaitingOnCustomer,
            HoldKind::Vendor => WaitingOnVendor,
            HoldKind::Other => OnHold,
        }),
        (Verb::Resume, WaitingOnCustomer | WaitingOnVendor | OnHold) => Some(Open),
        (Verb::Resolve, _) if live => Some(Resolved),
        (Verb::Close, Resolved) => Some(Closed),
        (Verb::Reopen, Resolved) => Some(Open),
        (Verb::Cancel, _) if live => Some(Cancelled),
        (Verb::Update | Verb::Tag, Resolved) => Some(Resolved),
        (Verb::Update | Verb::Tag, _) if live => Some(state),
        (Verb::Merge, Resolved) => Some(Merged),
        (Verb::Merge, _) if live => Some(Merged),
        // What is solved would leave open what is merged into it.
        (Verb::Absorb, _) if live => Some(state),
        // Back to where it was, which its log knows.
        (Verb::Unmerge, Merged) => Some(Merged),
        (Verb::Follow | Verb::Comment | Verb::Attach | Verb::Link | Verb::LinkArticle, Merged) => None,
        (Verb::Follow | Verb::Comment | Verb::Attach | Verb::Link | Verb::LinkArticle, _) => Some(state),
        _ => None,
    }
}

/// The next state, or the refusal that names what is allowed instead.
pub fn advance(state: State, verb: Verb) -> Result<State, Refusal> {
    next(state, verb).ok_or_else(|| {
        let allowed = allowed(state).join(",");
        Refusal::new(
            Reason::TicketStateConflict,
            format!(
                "a ticket that is {} cannot be the object of {}; it allows: {allowed}",
                state.name(),
                verb.name()
            ),
        )
        .with("state", state.name())
        .with("verb", verb.name())
        .with("allowed", allowed)
    })
}

/// As [`advance`], for the verbs that end or move the work: whoever was asked to take over or to advise must have
/// answered before.
pub fn advance_settled(ticket: &Ticket, verb: Verb) -> Result<State, Refusal> {
    let state = advance(ticket.state, verb)?;
    let Some(id) = ticket.pending_escalation else { return Ok(state) };
    let text = "an escalation waits for its answer; answer or withdraw it first";
    let name = format!("{}/escalations/{id}", ticket.name());
    Err(Refusal::new(Reason::EscalationPending, text).with("escalation", name))
}

/// The verbs that a state allows, by name.
pub fn allowed(state: State) -> Vec<&'static str> {
    let mut names: Vec<_> =
        Verb::ALL.iter().filter(|verb| next(state, **verb).is_some()).map(|v| v.name()).collect();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written out by hand: the table's own test must not be the table again.
    #[test]
    fn every_pair_is_as_the_domain_says() {
        let expect = |state, names: &str| {
            assert_eq!(allowed(state).join(" "), names, "{state:?}");
        };
        let live = "update assign claim {} resolve cancel tag follow comment attach link_article route transfer escalate hand_back merge absorb link";
        expect(State::New, &live.replace("{}", "hold"));
        expect(State::Open, &live.replace("{}", "release hold"));
        for waiting in [State::WaitingOnCustomer, State::WaitingOnVendor, State::OnHold] {
            expect(waiting, &live.replace("{}", "hold resume"));
        }
        expect(State::Resolved, "update close reopen tag follow comment attach link_article merge link");
        expect(State::Closed, "follow comment attach link_article link");
        expect(State::Cancelled, "follow comment attach link_article link");
        expect(State::Merged, "unmerge");
    }

    #[test]
    fn nothing_leaves_an_end_and_nothing_becomes_new() {
        for state in State::ALL {
            for verb in Verb::ALL {
                let Some(after) = next(*state, *verb) else { continue };
                assert!(after != State::New || *state == State::New, "{state:?} {verb:?}");
                if matches!(state, State::Closed | State::Cancelled | State::Merged) {
                    assert_eq!(after, *state, "{verb:?}");
                }
            }
        }
    }

    #[test]
    fn a_refusal_names_what_is_allowed() {
        let refusal =
            advance(State::Resolved, Verb::Hold(HoldKind::Other)).expect_err("no hold when resolved");
        assert_eq!(refusal.reason, Reason::TicketStateConflict);
        assert_eq!(
            refusal.metadata["allowed"],
            "update,close,reopen,tag,follow,comment,attach,link_article,merge,link"
        );
    }
}
