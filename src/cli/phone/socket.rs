//! The connection to the media door, as Twilio opens it.

use std::{sync::Arc, time::Duration};

use rustls::{ClientConfig, pki_types::ServerName};
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        self,
        client::IntoClientRequest,
        handshake::client::Request,
        http::{HeaderValue, Uri},
        protocol::WebSocketConfig,
    },
};

use super::Failure;
use crate::wire::signature;

/// Twilio names itself so (seen on a live upgrade).
const USER_AGENT: &str = "Twilio.TmeWs/1.0";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes that a connection's read buffer holds; the default of 128 KiB is dear where thousands wait for
/// a server that has little to say.
const READ_BUFFER: usize = 4 * 1024;
/// The most of a refusal's text that is shown, in characters.
const SHOWN: usize = 300;

/// A connection with or without TLS.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

pub(super) type Socket = WebSocketStream<Box<dyn Wire>>;

/// Where to connect and what to sign.
#[derive(Debug, Clone)]
pub struct Door {
    /// `ws://` or `wss://`.
    pub url: String,
    /// The URL as the server knows itself, where a proxy stands between; by default `url` as `wss`,
    /// which is all that Twilio ever connects to.
    pub signed_url: Option<String>,
    /// The auth token; without one nothing is signed.
    pub token: Option<SecretString>,
}

impl Door {
    /// Connects and upgrades.
    pub(super) async fn open(&self) -> Result<Socket, Failure> {
        let request = self.request()?;
        let wire = self.wire(request.uri()).await?;
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
        match tokio::time::timeout(
            CONNECT_TIMEOUT,
            client_async_with_config(request, wire, Some(config)),
        )
        .await
        {
            Ok(Ok((socket, _))) => Ok(socket),
            Ok(Err(tungstenite::Error::Http(answer))) => {
                let body = answer.body().as_deref().unwrap_or_default();
                let text = String::from_utf8_lossy(body);
                Err(Failure::Refused {
                    status: answer.status().as_u16(),
                    text: text.trim().chars().take(SHOWN).collect(),
                })
            }
            Ok(Err(error)) => Err(Failure::Broken(error.to_string())),
            Err(_) => Err(Failure::Broken("the upgrade took over 10 s".into())),
        }
    }

    /// Whether anything listens there at all.
    ///
    /// # Errors
    /// When the address is none, or nothing answers.
    pub(in crate::cli) async fn knock(&self) -> Result<(), Failure> {
        let request = self.request()?;
        self.wire(request.uri()).await.map(drop)
    }

    async fn wire(&self, uri: &Uri) -> Result<Box<dyn Wire>, Failure> {
        let unreachable = |why: String| Failure::Unreachable {
            url: self.url.clone(),
            why,
        };
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, connect(uri)).await;
        let wire = connected.map_err(|_| unreachable("no answer within 10 s".into()))?;
        wire.map_err(|error| unreachable(error.to_string()))
    }

    fn request(&self) -> Result<Request, Failure> {
        let bad = |why: &dyn std::fmt::Display| Failure::Url {
            url: self.url.clone(),
            why: why.to_string(),
        };
        let url = self.url.split('#').next().unwrap_or_default();
        let mut request = url.into_client_request().map_err(|error| bad(&error))?;
        let secure = match request.uri().scheme_str() {
            Some("wss") => true,
            Some("ws") => false,
            _ => return Err(bad(&"it does not begin with ws:// or wss://")),
        };
        let headers = request.headers_mut();
        headers.insert("User-Agent", HeaderValue::from_static(USER_AGENT));
        if let Some(token) = &self.token {
            let as_wss = || match url.strip_prefix("ws://") {
                Some(rest) if !secure => format!("wss://{rest}"),
                _ => url.to_owned(),
            };
            let signed = self.signed_url.clone().unwrap_or_else(as_wss);
            let signature = signature::sign(token.expose_secret(), &signed, &[]);
            let signature = HeaderValue::from_str(&signature).map_err(|error| bad(&error))?;
            headers.insert("X-Twilio-Signature", signature);
        }
        Ok(request)
    }
}

async fn connect(uri: &Uri) -> anyhow::Result<Box<dyn Wire>> {
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let secure = uri.scheme_str() == Some("wss");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let tcp = TcpStream::connect((host, port)).await?;
    tcp.set_nodelay(true)?;
    if !secure {
        return Ok(Box::new(tcp));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned())?;
    let tls = TlsConnector::from(Arc::new(config));
    Ok(Box::new(tls.connect(name, tcp).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(url: &str, signed_url: Option<&str>) -> Door {
        Door {
            url: url.into(),
            signed_url: signed_url.map(Into::into),
            token: Some("12345".into()),
        }
    }

    #[test]
    fn the_upgrade_is_signed_as_twilio_signs_it() {
        let signature = "7PR3qMkpDyEJtMrVOY/LDyNq8J8=";
        for (url, signed) in [
            ("wss://example.com/media", None),
            ("ws://example.com/media", None),
            ("wss://example.com/media#part", None),
            ("ws://127.0.0.1:8080/media", Some("wss://example.com/media")),
        ] {
            let request = door(url, signed).request().unwrap();
            let headers = request.headers();
            assert_eq!(headers["X-Twilio-Signature"], signature, "{url}");
            assert_eq!(headers["User-Agent"], USER_AGENT);
            assert!(!headers.contains_key("Origin"));
            assert!(!headers.contains_key("Sec-WebSocket-Protocol"));
            assert!(!headers.contains_key("Sec-WebSocket-Extensions"));
        }
        let mut unsigned = door("ws://h/media", None);
        unsigned.token = None;
        let request = unsigned.request().unwrap();
        assert!(!request.headers().contains_key("X-Twilio-Signature"));
    }

    #[test]
    fn urls_that_are_no_media_door_are_refused() {
        for bad in [
            "",
            "localhost:8080",
            "http://h/media",
            "ws://",
            "wss:/x",
            "ws://h h/",
        ] {
            let error = door(bad, None).request().unwrap_err();
            assert!(matches!(error, Failure::Url { .. }), "{bad}: {error}");
        }
    }
}
