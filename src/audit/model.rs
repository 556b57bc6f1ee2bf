//! An entry as it is kept: field names are the columns of the table `audit`.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::{
    ctx::ActorKind,
    filter::{Field, Kind, Schema},
    ids::{Id, TenantId},
    time::Time,
};

/// What a filter of entries may name.
pub const FIELDS: Schema = Schema(&[
    Field { name: "time", column: "time", kind: Kind::Time },
    Field { name: "actor", column: "shown_actor", kind: Kind::Text },
    Field { name: "action", column: "action", kind: Kind::Text },
    Field { name: "target", column: "shown_target", kind: Kind::Text },
]);

/// Somebody did something, or read it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Entry {
    pub tenant_id: TenantId,
    pub id: Id,
    /// Place in the tenant's chain, from 1 on; `None`: not chained yet.
    pub position: Option<i64>,
    pub time: Time,
    pub actor_kind: ActorKind,
    /// An agent's key or a service's name; a customer's pseudonym.
    pub actor_id: String,
    /// The method's full name.
    pub action: String,
    /// Name of the resource; a contact's with the pseudonym for its key.
    pub target: String,
    /// Under which the call stands in the server's log; empty where it might tell of a contact.
    pub request_id: String,
    /// SHA-256 of what stood there.
    pub before: Option<Vec<u8>>,
    pub after: Option<Vec<u8>>,
    /// SHA-256 of the link before and this entry.
    pub link: Option<Vec<u8>>,
}

/// An entry for people: with the keys of contacts who were not erased.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Shown {
    pub shown_actor: String,
    pub shown_target: String,
    #[sqlx(flatten)]
    pub entry: Entry,
}

/// Under what name the log knows a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub key: String,
    pub salt: Vec<u8>,
    pub pseudonym: String,
}

impl Person {
    pub fn new(key: &str, salt: Vec<u8>) -> Self {
        Self { key: key.to_owned(), pseudonym: pseudonym(&salt, key), salt }
    }

    /// Whether the name is still that of this key.
    pub fn is_sound(&self) -> bool {
        pseudonym(&self.salt, &self.key) == self.pseudonym
    }
}

/// Nobody can tell the key from it, or try keys, who does not have the salt.
fn pseudonym(salt: &[u8], key: &str) -> String {
    HEXLOWER.encode(&digest(salt, key.as_bytes()))
}

/// What is kept of a text that is not to be kept; of one about a person, with the person's salt.
pub fn digest(salt: &[u8], text: &[u8]) -> Vec<u8> {
    Sha256::new().chain_update(salt).chain_update(text).finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::parse;

    #[test]
    fn the_document_names_every_field_with_an_example_that_parses() {
        let text = include_str!("../../docs/filter.md");
        let (_, section) = text.split_once("## Audit entries\n").expect("a section on entries");
        let section = section.split("\n## ").next().expect("split has a first part");
        let rows = section.lines().filter(|line| line.starts_with("| `"));
        let rows: Vec<Vec<&str>> =
            rows.map(|row| row.split('|').map(|cell| cell.trim().trim_matches('`')).collect()).collect();
        let names: Vec<&str> = FIELDS.0.iter().map(|field| field.name).collect();
        assert_eq!(rows.iter().map(|cells| cells[1]).collect::<Vec<_>>(), names);
        for cells in rows {
            assert!(cells[3].starts_with(cells[1]), "{}", cells[3]);
            assert!(parse(cells[3], &FIELDS).is_ok(), "{}: {:?}", cells[3], parse(cells[3], &FIELDS));
        }
    }

    #[test]
    fn a_pseudonym_is_of_one_key_and_one_salt() {
        let peter = Person::new("peter", vec![1; 16]);
        assert!(peter.is_sound());
        assert!(!peter.pseudonym.contains("peter"));
        assert_ne!(peter.pseudonym, Person::new("peter", vec![2; 16]).pseudonym);
        assert!(!Person { key: "paul".to_owned(), ..peter }.is_sound());
    }
}
