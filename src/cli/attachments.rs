//! Where the files of tickets lie, as the settings say.

use std::sync::Arc;

use anyhow::Context as _;

use super::serve::{bind, serving};
use crate::{
    app::App,
    attachments::{
        self,
        objects::{Bucket, Folder, Keys, Objects, Place, door},
    },
    config::{Role, Settings, Store},
    db::Db,
    error::chain,
    outbound::{Trust, certificates},
    serve::{self, Tls},
};

/// The store that the settings name; `None`: none.
pub fn open(settings: &Settings) -> anyhow::Result<Option<Objects>> {
    let Some(store) = &settings.attachments_url else { return Ok(None) };
    let place = match store {
        Store::Folder(folder) => Place::Folder(Folder::new(folder.clone(), &door_address(settings))),
        Store::Bucket { name, prefix } => Place::Bucket(Box::new(bucket(settings, name, prefix)?)),
    };
    Ok(Some(Objects {
        place,
        max_bytes: settings.attachments_max_bytes.get().into(),
        lifetime: std::time::Duration::from_secs(settings.attachments_url_seconds.get().into()),
    }))
}

/// Where callers reach the door of a folder.
fn door_address(settings: &Settings) -> String {
    match (&settings.attachments_public_url, settings.attachments_listen) {
        (Some(url), _) => url.to_string(),
        (None, Some(listen)) if settings.tls_certificate_file.is_some() => format!("https://{listen}"),
        (None, Some(listen)) => format!("http://{listen}"),
        // A process that only works shows no URL to anybody.
        (None, None) => String::new(),
    }
}

fn bucket(settings: &Settings, name: &str, prefix: &str) -> anyhow::Result<Bucket> {
    let (Some(id), Some(key)) = (&settings.attachments_key_id_file, &settings.attachments_key_file) else {
        anyhow::bail!("attachments_key_id_file and attachments_key_file say who may write to the bucket");
    };
    let keys = Keys::read(id, key).context("attachments_key_id_file, attachments_key_file")?;
    let authorities = match &settings.attachments_ca_file {
        Some(file) => certificates(file).context("attachments_ca_file")?,
        None => Vec::new(),
    };
    let endpoint = settings.attachments_endpoint.as_ref().map(ToString::to_string);
    let public = settings.attachments_public_url.as_ref().map(ToString::to_string);
    Bucket::new(
        (name, prefix),
        endpoint.as_deref(),
        public.as_deref(),
        &settings.attachments_region,
        keys,
        Trust::with(&authorities)?,
    )
}

/// Opens the door of a folder, until the service drains.
pub async fn serve(app: &Arc<App>, settings: &Settings, tls: Option<Tls>) -> anyhow::Result<()> {
    let folder = matches!(settings.attachments_url, Some(Store::Folder(_)));
    let listen = settings.attachments_listen.filter(|_| folder && settings.role.contains(&Role::Api));
    let Some(listener) = bind(listen, "attachments_listen").await? else { return Ok(()) };
    let handler = Arc::clone(app);
    let answer = move |request| door::answer(Arc::clone(&handler), request);
    let files = serve::files(listener, tls, answer, &serving(settings), app.drain.clone())?;
    app.tasks.spawn(files);
    Ok(())
}

/// Whether the store takes and shows files, for `ticketing doctor`; `None`: there is none.
pub async fn examine(settings: &Settings) -> Option<Result<String, String>> {
    match open(settings) {
        Ok(objects) => Some(objects?.examine().await),
        Err(error) => Some(Err(format!("{error:#}"))),
    }
}

/// Objects that wait to be removed.
pub async fn waiting(db: &Db) -> Result<String, String> {
    let waiting = attachments::waiting(db.across()).await.map_err(|error| chain(&error))?;
    Ok(format!("to be removed from the store of files: {waiting}"))
}
