//! The HTTP requests that put bytes into the folder and get them from there. A browser stores what it gets and does not show
//! it, whatever it is: nothing of a file runs as a page of this server.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::StreamBody;
use hyper::body::Frame;
use tokio_util::io::ReaderStream;
use tonic::body::Body;

use super::{
    Place, disposition,
    folder::{Folder, PATH, Refused},
};
use crate::app::App;

/// Answers one request.
pub async fn answer(app: Arc<App>, request: Request<Body>) -> Response<Body> {
    let refused = match app.objects.as_ref().map(|objects| &objects.place) {
        Some(Place::Folder(folder)) => match route(&app, folder, request).await {
            Ok(response) => return response,
            Err(refused) => refused,
        },
        _ => Refused::new(StatusCode::NOT_FOUND, "there is nothing here"),
    };
    let mut response = Response::new(Body::new(format!("{}\n", refused.text)));
    *response.status_mut() = refused.status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

async fn route(app: &App, folder: &Folder, request: Request<Body>) -> Result<Response<Body>, Refused> {
    let token = request.uri().path().strip_prefix(PATH).map(str::to_owned);
    let token = token.ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, "there is nothing here"))?;
    let now = app.clock.now();
    match *request.method() {
        Method::PUT => {
            let put = Folder::open_put(&app.sealer, &token, now)?;
            folder.take(&put, request.into_body()).await?;
            Ok(Response::new(Body::empty()))
        }
        Method::GET => {
            let get = Folder::open_get(&app.sealer, &token, now)?;
            let (file, length) = folder.give(&get).await?;
            let bytes = ReaderStream::new(file).map_ok(Frame::data);
            let mut response = Response::new(Body::new(StreamBody::new(bytes)));
            let headers = response.headers_mut();
            let text = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
            headers.insert(header::CONTENT_TYPE, text(&get.media_type));
            headers.insert(header::CONTENT_LENGTH, length.into());
            headers.insert(header::CONTENT_DISPOSITION, text(&disposition(&get.file_name)));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            headers.insert(
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static("sandbox; default-src 'none'"),
            );
            Ok(response)
        }
        _ => Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, "only PUT and GET are known here")),
    }
}
