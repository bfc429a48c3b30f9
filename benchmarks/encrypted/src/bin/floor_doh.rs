//! The floor of DoH over HTTP/2: hyper, rustls and tokio on one thread, a fixed answer.

use std::convert::Infallible;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use zoners_encrypted::{Outcome, answer, arguments, run, server_tls};

fn main() -> Outcome<()> {
    run(serve())
}

async fn serve() -> Outcome<()> {
    let (address, chain, key) = arguments()?;
    let acceptor = TlsAcceptor::from(Arc::new(server_tls(&chain, &key, "h2")?));
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(converse(stream, acceptor.clone()));
    }
}

async fn converse(stream: TcpStream, acceptor: TlsAcceptor) -> Outcome<()> {
    let stream = TokioIo::new(acceptor.accept(stream).await?);
    let service = service_fn(respond);
    Ok(http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await?)
}

async fn respond(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut reply = Vec::new();
    if request.method() == Method::GET {
        let encoded = request.uri().query().and_then(|query| query.strip_prefix("dns="));
        let query = BASE64_URL_SAFE_NO_PAD.decode(encoded.unwrap_or_default());
        answer(&query.unwrap_or_default(), &mut reply);
    } else if let Ok(body) = request.into_body().collect().await {
        answer(&body.to_bytes(), &mut reply);
    }
    let response = Response::builder()
        .header(CONTENT_TYPE, "application/dns-message")
        .header(CACHE_CONTROL, "max-age=3600");
    Ok(response.body(Full::new(reply.into())).expect("fixed headers"))
}
