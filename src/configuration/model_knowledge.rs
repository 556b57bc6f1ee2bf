//! What the document says about knowledge: what a level owes, and when an article does not hold any more.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KnowledgeDuty {
    #[default]
    None,
    Link,
    CreateOrLink,
}

/// When an article does not hold any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KnowledgePolicy {
    /// So many tickets that it solved were opened again; 0: never.
    pub stale_reopen_count: i32,
    /// And they are so many of a hundred that it solved.
    pub stale_reopen_percent: i32,
}

impl Default for KnowledgePolicy {
    fn default() -> Self {
        Self { stale_reopen_count: 3, stale_reopen_percent: 25 }
    }
}
