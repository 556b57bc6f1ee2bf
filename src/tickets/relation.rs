//! How tickets stand to each other: the kinds of links, seen from either end.

use serde_json::json;

use super::codes;
use crate::{events::Event, ids::Id, time::Time};

codes! {
    /// What the first ticket of a link is to the second.
    LinkKind {
        Parent = "PARENT",
        Duplicates = "DUPLICATES",
        Blocks = "BLOCKS",
        CausedBy = "CAUSED_BY",
        Relates = "RELATES",
        FollowUp = "FOLLOW_UP",
        MergedInto = "MERGED_INTO",
    }
}

impl LinkKind {
    /// Of these no ticket may lead back to itself.
    pub fn is_a_tree(self) -> bool {
        matches!(self, Self::Parent | Self::Blocks)
    }
}

/// How one ticket stands to another: a kind of link, from its first or from its second end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relation {
    pub kind: LinkKind,
    /// Seen from the second end.
    pub inverse: bool,
}

const INVERSES: &[(LinkKind, &str)] = &[
    (LinkKind::Parent, "CHILD"),
    (LinkKind::Duplicates, "DUPLICATED_BY"),
    (LinkKind::Blocks, "BLOCKED_BY"),
    (LinkKind::CausedBy, "CAUSES"),
    (LinkKind::Relates, "RELATES"),
    (LinkKind::FollowUp, "FOLLOWED_UP_BY"),
    (LinkKind::MergedInto, "MERGED_FROM"),
];

impl Relation {
    pub const MERGED_INTO: Self = Self { kind: LinkKind::MergedInto, inverse: false };
    pub const CAUSED_BY: Self = Self { kind: LinkKind::CausedBy, inverse: false };

    pub fn name(self) -> &'static str {
        let inverse = INVERSES.iter().find(|(kind, _)| self.inverse && *kind == self.kind);
        inverse.map_or(self.kind.name(), |(_, name)| name)
    }

    pub fn parse(name: &str) -> Option<Self> {
        let inverse = || INVERSES.iter().find(|(_, inverse)| *inverse == name);
        LinkKind::parse(name)
            .map(|kind| Self { kind, inverse: false })
            .or_else(|| inverse().map(|(kind, _)| Self { kind: *kind, inverse: true }))
    }

    /// The same from the other end.
    #[must_use]
    pub fn turned(self) -> Self {
        Self { inverse: !self.inverse, ..self }
    }

    /// The link's first and second ticket, if `one` stands so to `other`. Where both ends are alike, the older is the first.
    pub fn ends(self, one: Id, other: Id) -> (Id, Id) {
        let turned = if self.kind == LinkKind::Relates { other < one } else { self.inverse };
        if turned { (other, one) } else { (one, other) }
    }

    /// Says on an event how its ticket stands to these.
    pub fn tell(self, event: &mut Event, others: &[Id]) {
        event.details.insert("relation".into(), self.name().into());
        let others: Vec<String> = others.iter().map(Id::to_string).collect();
        event.details.insert("tickets".into(), json!(others));
    }
}

/// A ticket to which another one is tied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tie {
    pub relation: Relation,
    pub other: Id,
    pub create_time: Time,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tickets::fixture::id;

    #[test]
    fn every_relation_reads_as_it_is_named_and_turns_into_its_inverse() {
        for kind in LinkKind::ALL {
            for inverse in [false, true] {
                let relation = Relation { kind: *kind, inverse };
                let read = Relation::parse(relation.name()).expect("a name");
                // Of RELATES both ends have one name.
                assert_eq!((read.kind, read.name()), (*kind, relation.name()));
                assert_eq!(read.inverse, inverse && *kind != LinkKind::Relates);
                assert_eq!(relation.turned().turned(), relation);
            }
        }
        assert_eq!(Relation::parse("PARENT").map(|it| it.turned().name()), Some("CHILD"));
        assert_eq!(Relation::parse("parent"), None);
    }

    #[test]
    fn both_ends_say_the_same_link() {
        for name in ["PARENT", "CHILD", "BLOCKS", "CAUSES", "RELATES", "FOLLOWED_UP_BY"] {
            let relation = Relation::parse(name).expect("a name");
            assert_eq!(relation.ends(id(1), id(2)), relation.turned().ends(id(2), id(1)), "{name}");
        }
        assert_eq!(Relation::parse("CHILD").expect("a name").ends(id(1), id(2)), (id(2), id(1)));
        let relates = Relation::parse("RELATES").expect("a name");
        assert_eq!(relates.ends(id(2), id(1)), (id(1), id(2)));
    }
}
