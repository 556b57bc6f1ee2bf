//! Where the bytes of files lie: a bucket of an S3-compatible store, or a folder for trials on one machine. Objects are named
//! after tenant and id, so nothing that a caller wrote is part of a path.

mod bucket;
pub mod door;
mod folder;

use std::{
    fmt::{self, Write as _},
    time::Duration,
};

pub use bucket::{Bucket, Keys};
pub use folder::Folder;

use super::Attachment;
use crate::{
    error::Result,
    ids::{Id, TenantId},
    seal::Sealer,
    time::Time,
};

/// Which object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub tenant: TenantId,
    pub id: Id,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.id)
    }
}

impl Key {
    fn of(attachment: &Attachment) -> Self {
        Self { tenant: attachment.tenant_id.clone(), id: attachment.id }
    }
}

/// What lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub byte_count: i64,
    /// `None`: the store does not know.
    pub sha256: Option<Vec<u8>>,
}

/// One HTTP PUT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    pub url: String,
    /// Headers that it must have.
    pub headers: Vec<(&'static str, String)>,
    /// Until when it may begin.
    pub expire_time: Time,
}

/// A store.
#[derive(Clone, Debug)]
pub enum Place {
    Folder(Folder),
    Bucket(Box<Bucket>),
}

/// Where the bytes lie, and within which bounds.
#[derive(Clone, Debug)]
pub struct Objects {
    pub place: Place,
    /// Of one file.
    pub max_bytes: i64,
    /// How long a URL is good for.
    pub lifetime: Duration,
}

impl Objects {
    /// Where the bytes of a file are to be put.
    pub fn upload(&self, sealer: &Sealer, attachment: &Attachment, now: Time) -> Result<Upload> {
        let expire_time = now.after(self.lifetime).min(attachment.expire_time);
        let (url, headers) = match &self.place {
            Place::Folder(folder) => (folder.upload(sealer, attachment, expire_time)?, Vec::new()),
            Place::Bucket(bucket) => bucket.upload(attachment, between(now, expire_time)),
        };
        Ok(Upload { url, headers, expire_time })
    }

    /// Where they are to be had, and until when.
    pub fn download(&self, sealer: &Sealer, attachment: &Attachment, now: Time) -> Result<(String, Time)> {
        let expire_time = now.after(self.lifetime);
        let url = match &self.place {
            Place::Folder(folder) => folder.download(sealer, attachment, expire_time)?,
            Place::Bucket(bucket) => bucket.download(attachment, self.lifetime),
        };
        Ok((url, expire_time))
    }

    /// What lies where they belong. The error is for people.
    pub async fn look(&self, attachment: &Attachment) -> Result<Option<Seen>, String> {
        let key = Key::of(attachment);
        match &self.place {
            Place::Folder(folder) => folder.look(&key, attachment).await,
            Place::Bucket(bucket) => bucket.look(&key.to_string()).await,
        }
    }

    /// Removes an object; that it is not there is no fault. The error is for people.
    pub async fn remove(&self, key: &Key) -> Result<(), String> {
        match &self.place {
            Place::Folder(folder) => folder.remove(key).await,
            Place::Bucket(bucket) => bucket.remove(&key.to_string()).await,
        }
    }

    /// Puts something there, finds it and takes it away again; says where.
    pub async fn examine(&self) -> Result<String, String> {
        match &self.place {
            Place::Folder(folder) => folder.examine().await,
            Place::Bucket(bucket) => bucket.examine().await,
        }
    }
}

fn between(now: Time, then: Time) -> Duration {
    Duration::try_from(then.duration_since(*now)).unwrap_or_default()
}

/// `attachment; …`: a browser stores the file and does not show it, whatever it is.
fn disposition(file_name: &str) -> String {
    let plain = |it: char| {
        if it.is_ascii_graphic() && !['"', '%', '\\'].contains(&it) || it == ' ' { it } else { '_' }
    };
    let ascii: String = file_name.chars().map(plain).collect();
    let mut encoded = String::new();
    for byte in file_name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            _ = write!(encoded, "%{byte:02X}");
        }
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(
            disposition("Fehler \"ü\"; x=y\u{202e}%.png"),
            "attachment; filename=\"Fehler ___; x=y__.png\"; \
             filename*=UTF-8''Fehler%20%22%C3%BC%22%3B%20x%3Dy%E2%80%AE%25.png"
        );
    }
}
