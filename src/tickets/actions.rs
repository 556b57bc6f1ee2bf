//! What a caller may do with a ticket now: the verbs that its state allows, as far as the caller's rights go.

use super::{HoldKind, State, Verb, links, read, status::next};
use crate::{
    access::Permission,
    app::App,
    ctx::{Actor, ActorKind, Ctx},
    error::Result,
    ids::Id,
};

/// Something that may be done with a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    pub verb: Verb,
    /// The method that does it, by its full name.
    pub method: &'static str,
    /// Where it leads; `None`: it leaves the state alone.
    pub leads_to: Option<State>,
}

/// The methods of the verbs and the right that each needs; the test below holds them to the contract.
const METHODS: &[(Verb, &str, Permission)] = &[
    (Verb::Update, "ticketing.v1.TicketService/UpdateTicket", Permission::TicketsWork),
    (Verb::Assign, "ticketing.v1.TicketService/AssignTicket", Permission::TicketsDispatch),
    (Verb::Claim, "ticketing.v1.TicketService/ClaimTicket", Permission::TicketsWork),
    (Verb::Release, "ticketing.v1.TicketService/ReleaseTicket", Permission::TicketsWork),
    (Verb::Hold(HoldKind::Customer), "ticketing.v1.TicketService/HoldTicket", Permission::TicketsWork),
    (Verb::Hold(HoldKind::Vendor), "ticketing.v1.TicketService/HoldTicket", Permission::TicketsWork),
    (Verb::Hold(HoldKind::Other), "ticketing.v1.TicketService/HoldTicket", Permission::TicketsWork),
    (Verb::Resume, "ticketing.v1.TicketService/ResumeTicket", Permission::TicketsWork),
    (Verb::Resolve, "ticketing.v1.TicketService/ResolveTicket", Permission::TicketsWork),
    (Verb::Close, "ticketing.v1.TicketService/CloseTicket", Permission::TicketsWork),
    (Verb::Reopen, "ticketing.v1.TicketService/ReopenTicket", Permission::TicketsWork),
    (Verb::Cancel, "ticketing.v1.TicketService/CancelTicket", Permission::TicketsDispatch),
    (Verb::Tag, "ticketing.v1.TicketService/AddTags", Permission::TicketsWork),
    (Verb::Tag, "ticketing.v1.TicketService/RemoveTags", Permission::TicketsWork),
    (Verb::Follow, "ticketing.v1.TicketService/AddFollower", Permission::TicketsWork),
    (Verb::Follow, "ticketing.v1.TicketService/RemoveFollower", Permission::TicketsWork),
    (Verb::Comment, "ticketing.v1.CommentService/CreateComment", Permission::CommentsWrite),
    (Verb::Attach, "ticketing.v1.AttachmentService/CreateAttachment", Permission::AttachmentsWrite),
    (Verb::LinkArticle, "ticketing.v1.KnowledgeService/LinkArticle", Permission::KnowledgeWrite),
    (Verb::Route, "ticketing.v1.RoutingService/RouteTicket", Permission::TicketsDispatch),
    (Verb::Transfer, "ticketing.v1.RoutingService/TransferTicket", Permission::TicketsWork),
    (Verb::Escalate, "ticketing.v1.EscalationService/EscalateTicket", Permission::EscalationsWork),
    (Verb::HandBack, "ticketing.v1.EscalationService/HandBackTicket", Permission::EscalationsWork),
    (Verb::Merge, "ticketing.v1.TicketService/MergeTickets", Permission::TicketsWork),
    (Verb::Absorb, "ticketing.v1.TicketService/MergeTickets", Permission::TicketsWork),
    (Verb::Unmerge, "ticketing.v1.TicketService/UnmergeTicket", Permission::TicketsWork),
    (Verb::Link, "ticketing.v1.TicketService/LinkTickets", Permission::TicketsWork),
    (Verb::Link, "ticketing.v1.TicketService/UnlinkTickets", Permission::TicketsWork),
];

/// The rule.
pub fn allowed(actor: &Actor, state: State) -> Vec<Action> {
    let may = |verb, permission| {
        // Only an agent can take a ticket into the caller's own hands.
        actor.may(permission) && (verb != Verb::Claim || actor.kind == ActorKind::Agent)
    };
    let rows = METHODS.iter().filter(|(verb, _, permission)| may(*verb, *permission));
    rows.filter_map(|&(verb, method, _)| {
        let after = next(state, verb)?;
        Some(Action { verb, method, leads_to: (after != state).then_some(after) })
    })
    .collect()
}

/// What may be done, and the problems whose resolution may be taken over.
pub async fn list(app: &App, ctx: &Ctx, id: Id) -> Result<(Vec<Action>, Vec<Id>)> {
    let ticket = read::get(app, ctx, id).await?;
    let actions = allowed(&ctx.actor, ticket.state);
    let resolves = actions.iter().any(|action| action.verb == Verb::Resolve);
    let offers = if resolves { links::offers(app, ctx, id).await? } else { Vec::new() };
    Ok((actions, offers))
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;

    use super::*;
    use crate::ctx::Role;

    fn actor(kind: ActorKind, role: Role) -> Actor {
        Actor { kind, id: "x".to_owned(), roles: vec![role], tenants: None }
    }

    fn verbs(actor: &Actor, state: State) -> String {
        let mut names: Vec<_> = allowed(actor, state).iter().map(|action| action.verb.name()).collect();
        names.dedup();
        names.join(" ")
    }

    #[test]
    fn the_methods_and_their_rights_are_those_of_the_contract() {
        let pool = DescriptorPool::decode(ticketing_proto::DESCRIPTOR).expect("the contract");
        let policy = pool.get_extension_by_name("ticketing.v1.policy").expect("the option");
        for (verb, name, permission) in METHODS {
            let (service, name) = name.split_once('/').expect("service/method");
            let service = pool.get_service_by_name(service).expect("a service");
            let method = service.methods().find(|method| method.name() == name).expect("a method");
            let declared = method.options().get_extension(&policy).into_owned();
            let declared = declared.as_message().expect("a message").get_field_by_name("permission");
            let declared = declared.expect("a permission").as_enum_number();
            assert_eq!(declared, Some(i32::from(*permission)), "{verb:?} {name}");
        }
        for verb in Verb::ALL {
            assert!(METHODS.iter().any(|(known, ..)| known == verb), "{verb:?} has no method");
        }
    }

    #[test]
    fn a_caller_is_shown_what_the_state_and_the_rights_allow() {
        let agent = actor(ActorKind::Agent, Role::Agent);
        let live = "update claim hold resolve tag follow comment attach link_article transfer escalate hand_back merge absorb link";
        assert_eq!(verbs(&agent, State::New), live);
        assert_eq!(
            verbs(&agent, State::Resolved),
            "update close reopen tag follow comment attach link_article merge link"
        );
        let manager = actor(ActorKind::Agent, Role::Manager);
        assert_eq!(
            verbs(&manager, State::OnHold),
            "update assign claim hold resume resolve cancel tag follow comment attach link_article route transfer escalate hand_back merge absorb link"
        );
        assert_eq!(
            verbs(&actor(ActorKind::Service, Role::Service), State::Closed),
            "follow comment attach link_article link"
        );
        assert!(!verbs(&actor(ActorKind::Service, Role::Service), State::New).contains("claim"));
        assert_eq!(verbs(&actor(ActorKind::Customer, Role::Customer), State::Open), "comment attach");
        assert_eq!(verbs(&manager, State::Merged), "unmerge");
    }

    #[test]
    fn an_action_says_where_it_leads() {
        let agent = actor(ActorKind::Agent, Role::Agent);
        let leads_to = |state, verb| {
            let found = allowed(&agent, state).into_iter().find(|action| action.verb == verb);
            found.expect("allowed").leads_to
        };
        assert_eq!(leads_to(State::New, Verb::Claim), Some(State::Open));
        assert_eq!(leads_to(State::Open, Verb::Claim), None);
        assert_eq!(leads_to(State::Open, Verb::Hold(HoldKind::Vendor)), Some(State::WaitingOnVendor));
        assert_eq!(leads_to(State::Open, Verb::Tag), None);
    }
}
