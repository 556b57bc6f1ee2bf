//! A folder of this machine, for trials: the service itself takes and gives the bytes, at `attachments_listen`. A URL is sealed and
//! says all that there is to know, so that no question goes to the database. Bytes come in beside their place and are moved there
//! when they are whole, as announced and on the disk.

use std::{
    fs::TryLockError,
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use http::StatusCode;
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::{
    fs::{self, File, OpenOptions},
    io::AsyncWriteExt as _,
    time::timeout,
};
use tonic::body::Body;

use super::{Attachment, Key, Seen};
use crate::{
    error::Result as Outcome,
    ids::{Id, TenantId},
    seal::Sealer,
    time::Time,
};

/// How long a client may be silent while it sends.
const SILENCE: std::time::Duration = std::time::Duration::from_secs(30);

const PUT: &str = "attachment PUT";
const GET: &str = "attachment GET";
/// Where the URLs begin below the address.
pub const PATH: &str = "/attachments/";

/// The folder.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
    /// Where others reach the service, without a slash at the end.
    base: String,
}

/// What a URL lets be put.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Put {
    tenant: TenantId,
    id: Id,
    bytes: i64,
    sha256: Vec<u8>,
    until: Time,
}

/// What a URL lets be had.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Get {
    tenant: TenantId,
    id: Id,
    pub file_name: String,
    pub media_type: String,
    until: Time,
}

/// Why bytes are not taken or given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub status: StatusCode,
    pub text: &'static str,
}

impl Refused {
    pub fn new(status: StatusCode, text: &'static str) -> Self {
        Self { status, text }
    }
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "the folder of the attachments does not work");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the file could not be kept")
    }
}

impl Folder {
    pub fn new(root: PathBuf, base: &str) -> Self {
        Self { root, base: base.trim_end_matches('/').to_owned() }
    }

    pub fn upload(&self, sealer: &Sealer, attachment: &Attachment, until: Time) -> Outcome<String> {
        let put = Put {
            tenant: attachment.tenant_id.clone(),
            id: attachment.id,
            bytes: attachment.byte_count,
            sha256: attachment.sha256.clone(),
            until,
        };
        Ok(format!("{}{PATH}{}", self.base, sealer.seal(PUT, &put)?))
    }

    pub fn download(&self, sealer: &Sealer, attachment: &Attachment, until: Time) -> Outcome<String> {
        let get = Get {
            tenant: attachment.tenant_id.clone(),
            id: attachment.id,
            file_name: attachment.file_name.clone(),
            media_type: attachment.media_type.clone(),
            until,
        };
        Ok(format!("{}{PATH}{}", self.base, sealer.seal(GET, &get)?))
    }

    /// What a token lets be put now.
    pub fn open_put(sealer: &Sealer, token: &str, now: Time) -> Result<Put, Refused> {
        sealer.open::<Put>(PUT, token).filter(|put| now < put.until).ok_or_else(no_longer)
    }

    /// What a token lets be had now.
    pub fn open_get(sealer: &Sealer, token: &str, now: Time) -> Result<Get, Refused> {
        sealer.open::<Get>(GET, token).filter(|get| now < get.until).ok_or_else(no_longer)
    }

    /// Takes what was announced, and nothing else.
    pub async fn take(&self, put: &Put, body: Body) -> Result<(), Refused> {
        let key = Key { tenant: put.tenant.clone(), id: put.id };
        let (place, beside) = (self.place(&key), self.beside(&key));
        let home = place.parent().unwrap_or(&self.root);
        fs::create_dir_all(home).await?;
        let mut file = claim(&beside).await?;
        match receive(&mut file, put, body).await {
            Ok(()) => {
                file.sync_all().await?;
                fs::rename(&beside, &place).await?;
                // Else the file's new name might not outlive a crash of the machine.
                File::open(home).await?.sync_all().await?;
                Ok(())
            }
            Err(refused) => {
                fs::remove_file(&beside).await?;
                Err(refused)
            }
        }
    }

    /// The bytes, and how many.
    pub async fn give(&self, get: &Get) -> Result<(File, u64), Refused> {
        let key = Key { tenant: get.tenant.clone(), id: get.id };
        let file = match File::open(self.place(&key)).await {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Refused::new(StatusCode::NOT_FOUND, "the file is not there any more"));
            }
            Err(error) => return Err(error.into()),
        };
        let length = file.metadata().await?.len();
        Ok((file, length))
    }

    /// Nothing gets here but what has the announced digest.
    pub async fn look(&self, key: &Key, attachment: &Attachment) -> Result<Option<Seen>, String> {
        match fs::metadata(self.place(key)).await {
            Ok(found) => {
                let sha256 = Some(attachment.sha256.clone());
                Ok(Some(Seen { byte_count: found.len().cast_signed(), sha256 }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    pub async fn remove(&self, key: &Key) -> Result<(), String> {
        for file in [self.place(key), self.beside(key)] {
            match fs::remove_file(file).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.to_string()),
                _ => {}
            }
        }
        Ok(())
    }

    pub async fn examine(&self) -> Result<String, String> {
        let probe = self.root.join("-probe");
        let tried = async {
            fs::create_dir_all(&self.root).await?;
            fs::write(&probe, b"ticketing").await?;
            fs::remove_file(&probe).await
        };
        let place = self.root.display();
        tried.await.map_err(|error: io::Error| format!("{place}: {error}"))?;
        Ok(format!("the folder {place}, for trials on one machine"))
    }

    fn place(&self, key: &Key) -> PathBuf {
        self.root.join(key.tenant.as_str()).join(key.id.to_string())
    }

    fn beside(&self, key: &Key) -> PathBuf {
        self.root.join(key.tenant.as_str()).join(format!("{}.part", key.id))
    }
}

fn no_longer() -> Refused {
    Refused::new(StatusCode::FORBIDDEN, "this URL is not good, or not any more")
}

/// The file, for one who sends alone. What a server left there that died is written over.
async fn claim(beside: &Path) -> Result<File, Refused> {
    let busy = || Refused::new(StatusCode::CONFLICT, "the file is being sent already");
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(beside).await?.into_std().await;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(busy()),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    // Somebody may have finished in between, and this is the file itself then.
    let named = fs::metadata(beside).await.ok().map(|it| (it.dev(), it.ino()));
    let mine = file.metadata()?;
    if named != Some((mine.dev(), mine.ino())) {
        return Err(busy());
    }
    let file = File::from_std(file);
    file.set_len(0).await?;
    Ok(file)
}

async fn receive(file: &mut File, put: &Put, mut body: Body) -> Result<(), Refused> {
    let bad = |text| Refused::new(StatusCode::BAD_REQUEST, text);
    let (mut bytes, mut digest) = (0, Sha256::new());
    while let Some(frame) = timeout(SILENCE, body.frame())
        .await
        .map_err(|_| Refused::new(StatusCode::REQUEST_TIMEOUT, "nothing came for too long"))?
    {
        let frame = frame.map_err(|_| bad("the request broke off"))?;
        let Some(data) = frame.data_ref() else { continue };
        bytes += data.len() as i64;
        if bytes > put.bytes {
            return Err(bad("there are more bytes than were announced"));
        }
        digest.update(data);
        file.write_all(data).await?;
    }
    if bytes < put.bytes {
        return Err(bad("there are fewer bytes than were announced"));
    }
    if digest.finalize().as_slice() != put.sha256 {
        return Err(bad("the bytes have another SHA-256 than was announced"));
    }
    file.flush().await?;
    Ok(())
}
