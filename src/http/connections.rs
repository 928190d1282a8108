//! Accepts connections and serves the doors on each, to a clean end. `axum::serve` would, but it lets a
//! client that sends nothing, or half a head, stay for ever.

use std::{io, net::SocketAddr, pin::pin, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::tasks;

/// How long a client may take to send a request's head, and to begin its next one.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Where the system is out of descriptors, others must close before more can be taken.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// Serves `app` until `closing`, then waits for requests in progress. Sockets that were upgraded are
/// their takers' to wait for.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    closing: CancellationToken,
    head_timeout: Duration,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(head_timeout);
    let open = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = closing.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                let connection =
                    connection(http.clone(), socket, peer, app.clone(), closing.clone());
                drop(tasks::spawn("connection", open.track_future(connection)));
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::error!(%error, "connections cannot be accepted");
                tokio::time::sleep(AFTER_ERROR).await;
            }
        }
    }
    drop(listener);
    open.close();
    open.wait().await;
}

async fn connection(
    http: http1::Builder,
    socket: TcpStream,
    peer: SocketAddr,
    app: Router,
    closing: CancellationToken,
) {
    // A frame of words must not wait for more to fill a packet.
    let _ = socket.set_nodelay(true);
    let service = service_fn(|request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().oneshot(request)
    });
    let connection = http
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection broke");
    }
}

/// It was gone before it could be accepted.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const WHOLE: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

    /// Everything that a client is told who sends `sent` and then waits for the end.
    async fn talk(sent: &str, head_timeout: Duration) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().route(
            "/",
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }),
        );
        let closing = CancellationToken::new();
        let server = tasks::spawn(
            "server",
            serve(listener, app, closing.clone(), head_timeout),
        );
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(sent.as_bytes()).await.unwrap();
        let mut told = String::new();
        client.read_to_string(&mut told).await.unwrap();
        closing.cancel();
        server.await.unwrap();
        told
    }

    #[tokio::test]
    async fn whoever_sends_no_whole_head_in_time_is_hung_up_on() {
        for sent in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: a\r\n"] {
            let told = talk(sent, SHORT).await;
            assert!(!told.contains("127.0.0.1"), "{sent:?}: {told}");
        }
    }

    #[tokio::test]
    async fn whoever_sends_no_second_request_in_time_is_too() {
        let told = talk(WHOLE, SHORT).await;
        assert!(told.starts_with("HTTP/1.1 200 OK"), "{told}");
        assert!(told.ends_with("127.0.0.1"), "{told}");
    }

    #[tokio::test]
    async fn a_request_is_answered_and_the_connection_closed_where_that_is_asked_for() {
        let sent = WHOLE.replace("host: a", "host: a\r\nconnection: close");
        let told = talk(&sent, HEAD_TIMEOUT).await;
        assert!(told.ends_with("127.0.0.1"), "{told}");
    }
}
