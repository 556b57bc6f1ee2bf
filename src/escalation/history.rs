//! What became of a ticket's escalations, and what follows from that: how often it came to a level, by which one it is
//! where it is, and which one is to be handed back.

use super::{Escalation, Mode, State};
use crate::{
    error::{Error, Result},
    ids::Id,
    tickets::Ticket,
};

/// All escalations of a ticket, in the order in which they were asked.
#[derive(Clone, Debug, Default)]
pub struct History(pub Vec<Escalation>);

impl History {
    pub fn find(&self, ticket: &Ticket, id: Id) -> Result<&Escalation> {
        let found = self.0.iter().find(|escalation| escalation.id == id);
        found.ok_or_else(|| Error::not_found("escalation", format!("{}/escalations/{id}", ticket.name())))
    }

    /// How often the level took the ticket over, whether it handed it back or not.
    pub fn arrivals(&self, level: &str) -> usize {
        let arrived = |it: &&Escalation| {
            it.mode == Mode::Handover && it.state == State::Accepted && it.to_level == level
        };
        self.0.iter().filter(arrived).count()
    }

    /// Whether the ticket is where it is by a handover, once this one is over.
    pub fn is_handed_over_without(&self, id: Id) -> bool {
        self.open().any(|it| it.mode == Mode::Handover && it.id != id)
    }

    /// What a hand-back ends: the latest handover, or advice for the team that has the ticket. Its owner hands back the
    /// ticket; anybody else the latest of both.
    pub fn to_hand_back(&self, ticket: &Ticket, by_owner: bool) -> Option<&Escalation> {
        self.open().rev().find(|it| match it.mode {
            Mode::Handover => true,
            Mode::Consult => !by_owner && it.from_team == ticket.team,
        })
    }

    /// Who had the ticket before what is not over yet.
    pub fn former_owners(&self) -> impl Iterator<Item = String> {
        let pending = self.0.iter().filter(|it| it.state == State::Pending);
        pending.chain(self.open()).filter_map(|it| it.from_agent.clone())
    }

    /// Accepted and not handed back.
    fn open(&self) -> impl DoubleEndedIterator<Item = &Escalation> {
        self.0.iter().filter(|it| it.state == State::Accepted && it.hand_back_time.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        escalation::fixture::{consultation, handover, owned},
        tickets::fixture::{id, start},
    };

    fn handed_back(escalation: Escalation) -> Escalation {
        Escalation { hand_back_time: Some(start()), ..escalation }
    }

    #[test]
    fn only_accepted_handovers_arrived() {
        let history = History(vec![
            handover(1, State::Accepted),
            handed_back(handover(2, State::Accepted)),
            handover(3, State::Declined),
            handover(4, State::Expired),
            handover(5, State::Withdrawn),
            handover(6, State::Pending),
            consultation(7, State::Accepted),
        ]);
        assert_eq!((history.arrivals("L2"), history.arrivals("L3")), (2, 0));
    }

    #[test]
    fn the_owner_hands_back_the_ticket_and_others_the_latest() {
        let at_l1 = owned();
        let ends = |history: &[Escalation], by_owner| {
            History(history.to_vec()).to_hand_back(&at_l1, by_owner).map(|it| it.id)
        };
        let taken_over = handover(1, State::Accepted);
        let advised = consultation(2, State::Accepted);
        let both = [taken_over.clone(), advised.clone()];
        assert_eq!((ends(&both, true), ends(&both, false)), (Some(id(1)), Some(id(2))));
        assert_eq!((ends(&both[1..], true), ends(&both[1..], false)), (None, Some(id(2))));
        let over = [handed_back(taken_over.clone()), handed_back(advised.clone())];
        assert_eq!((ends(&over, true), ends(&over, false)), (None, None));
        let unanswered = [handover(1, State::Pending), consultation(2, State::Declined)];
        assert_eq!((ends(&unanswered, true), ends(&unanswered, false)), (None, None));
        let for_others = Escalation { from_team: "desk-en".into(), ..advised };
        assert_eq!(ends(&[taken_over, for_others], false), Some(id(1)), "not advice for this team");
    }

    #[test]
    fn a_ticket_stays_escalated_while_an_earlier_handover_is_open() {
        let two = History(vec![handover(1, State::Accepted), handover(2, State::Accepted)]);
        assert!(two.is_handed_over_without(id(2)));
        let one = History(vec![handed_back(handover(1, State::Accepted)), handover(2, State::Accepted)]);
        assert!(!one.is_handed_over_without(id(2)));
    }
}
