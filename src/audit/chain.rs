//! The chain: what of an entry is linked, how, and whether the links hold. Whoever alters, removes or inserts an entry
//! would have to make every link behind it again, and the head that others have noted.

use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::model::Entry;

/// Bytes of a link.
pub const LINK: usize = 32;

/// Where a chain ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Of the last entry; 0: there is none.
    pub position: i64,
    pub link: Vec<u8>,
}

impl Default for Head {
    /// Before the first entry.
    fn default() -> Self {
        Self { position: 0, link: vec![0; LINK] }
    }
}

impl Head {
    /// The end of the chain with the entry that comes next, which has its place.
    #[must_use]
    pub fn extended(&self, entry: &Entry) -> Self {
        let linked = Sha256::new().chain_update(&self.link).chain_update(canonical(entry));
        Self { position: self.position + 1, link: linked.finalize().to_vec() }
    }
}

/// The text of an entry that is linked: a JSON array without blanks, in which each value has its place. It reads back, so
/// no two entries have the same. Its form never changes; another one would begin with another number.
pub fn canonical(entry: &Entry) -> String {
    let hex = |digest: &Option<Vec<u8>>| digest.as_ref().map(|digest| HEXLOWER.encode(digest));
    let Entry { tenant_id, id, position, time, actor_kind, actor_id, action, target, request_id, .. } = entry;
    json!([
        1,
        tenant_id,
        position,
        id.to_string(),
        time.to_string(),
        actor_kind,
        actor_id,
        action,
        target,
        request_id,
        hex(&entry.before),
        hex(&entry.after),
    ])
    .to_string()
}

/// What is wrong with a chain, by the first place where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error(
        "the entry at position {0} is not the one that was chained: it was altered, or another was put there"
    )]
    Altered(i64),
    #[error("the entry at position {0} is missing")]
    Missing(i64),
    #[error("the entry at position {0} was inserted: the chain does not lead to it")]
    Inserted(i64),
    #[error("the head at position {0} is not the end of the chain: it was altered")]
    Head(i64),
    #[error("the chain up to position {0} is not the one that ended there: it was made again")]
    Remade(i64),
}

/// Goes along a chain, entry by entry.
#[derive(Clone, Debug)]
pub struct Verifier {
    /// Where the chain says that it ends.
    end: Head,
    /// An end that was noted elsewhere.
    noted: Option<Head>,
    /// How far it is sound.
    at: Head,
}

impl Verifier {
    pub fn new(end: Head, noted: Option<Head>) -> Self {
        Self { end, noted, at: Head::default() }
    }

    /// The next entry in the order of the positions; an entry without one has no business here.
    pub fn step(&mut self, entry: &Entry) -> Result<(), Fault> {
        let position = entry.position.unwrap_or_default();
        let wanted = self.at.position + 1;
        if position < wanted || position > self.end.position {
            return Err(Fault::Inserted(position));
        }
        if position > wanted {
            return Err(Fault::Missing(wanted));
        }
        let next = self.at.extended(entry);
        if entry.link.as_ref() != Some(&next.link) {
            return Err(Fault::Altered(position));
        }
        self.at = next;
        match &self.noted {
            Some(noted) if noted.position == position && noted.link != self.at.link => {
                Err(Fault::Remade(position))
            }
            _ => Ok(()),
        }
    }

    /// No entry follows.
    pub fn finish(self) -> Result<Head, Fault> {
        let reaches = self.noted.as_ref().map_or(0, |noted| noted.position).max(self.end.position);
        if self.at.position < reaches {
            return Err(Fault::Missing(self.at.position + 1));
        }
        if self.at.link != self.end.link {
            return Err(Fault::Head(self.end.position));
        }
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests;
