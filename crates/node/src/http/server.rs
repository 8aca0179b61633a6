//! The server: connections in, requests to the router, and an end in good order.

use super::App;
use super::gate::{HEADERS_BYTES_MAX, URI_BYTES_MAX};
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Service;

/// How long a connection may stay idle between requests, and how long headers may take to arrive: a shift's browsers keep theirs
/// open through a quiet minute.
pub const IDLE_WITHIN: Duration = Duration::from_secs(75);
/// How long answers in progress may go on when the node is stopping.
pub const CLOSE_WITHIN: Duration = Duration::from_secs(10);
/// How often upkeep is done.
pub const UPKEEP_EVERY: Duration = Duration::from_secs(1);
/// Most bytes of request line and headers that are read at all. What is under this and over the API's own limits gets a proper
/// answer.
const HEAD_BYTES_MAX: usize = 2 * (URI_BYTES_MAX + HEADERS_BYTES_MAX);
/// How long to wait when the system has no more file descriptors.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Serves `router` on `listener` until `shutdown` is ready; then takes no more connections, lets answers in progress end within
/// [`CLOSE_WITHIN`], and saves what is in memory.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    router: Router,
    shutdown: impl Future<Output = ()>,
) {
    let upkeep = tokio::spawn(keep_up(app.clone()));
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(app.settings.connections_max));
    tokio::select! {
        () = accept_all(&listener, &router, &graceful, &places) => {}
        () = shutdown => {}
    }
    drop(listener);
    app.closing.send_replace(true);
    // Whoever has not ended by then is cut off when the runtime ends.
    if tokio::time::timeout(CLOSE_WITHIN, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some answers did not end in time");
    }
    upkeep.abort();
    let saved = app.accounts.run(|accounts| accounts.save()).await;
    if let Err(error) = saved {
        tracing::error!("accounts: {error}");
    }
}

async fn accept_all(
    listener: &TcpListener,
    router: &Router,
    graceful: &GracefulShutdown,
    places: &Arc<Semaphore>,
) {
    while let Ok(place) = places.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((stream, address)) => {
                tokio::spawn(connection(
                    stream,
                    address,
                    router.clone(),
                    graceful.watcher(),
                    place,
                ));
            }
            Err(error) => {
                tracing::warn!("a connection could not be accepted: {error}");
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    router: Router,
    watcher: Watcher,
    _place: OwnedSemaphorePermit,
) {
    // Small answers go out at once.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(address));
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_WITHIN)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    // What goes wrong on a line is the other side's, or nobody's: there is nothing to do about it here.
    let _ = watcher.watch(connection).await;
}

async fn keep_up(app: Arc<App>) {
    let mut ticks = tokio::time::interval(UPKEEP_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let app = app.clone();
        let _ = tokio::task::spawn_blocking(move || app.upkeep()).await;
    }
}
