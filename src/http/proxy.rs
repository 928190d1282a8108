//! What the client saw, behind a proxy: its address and the URL that it asked for. Forwarded headers
//! are believed from configured proxies only; a configured public URL beats them all.

use std::net::IpAddr;

use axum::http::{HeaderMap, Uri, header};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Proxies {
    /// What the world calls this server, without a path: `https://calls.example.com`.
    pub public_url: Option<String>,
    /// Addresses whose `X-Forwarded-*` headers are believed.
    pub trusted: Vec<IpAddr>,
}

impl Proxies {
    /// The address that asked: the last forwarded one that is not a trusted proxy itself.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trusted.contains(&peer) {
            return peer;
        }
        let forwarded = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok());
        let hops: Vec<IpAddr> = forwarded
            .flat_map(|hops| hops.split(','))
            .filter_map(|hop| hop.trim().parse().ok())
            .collect();
        hops.into_iter()
            .rev()
            .find(|hop| !self.trusted.contains(hop))
            .unwrap_or(peer)
    }

    /// The URL as the client wrote it, with `scheme` (`https` or `wss`, downgraded to their plain forms
    /// where the request came in plain and nobody says otherwise).
    #[must_use]
    pub fn public_url(&self, scheme: &str, peer: IpAddr, headers: &HeaderMap, uri: &Uri) -> String {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        if let Some(base) = &self.public_url {
            let host = base
                .split_once("://")
                .map_or(base.as_str(), |(_, host)| host)
                .trim_end_matches('/');
            let plain = base.starts_with("http://") || base.starts_with("ws://");
            return format!(
                "{}://{host}{path}",
                if plain { plain_of(scheme) } else { scheme }
            );
        }
        let believed = |name: &str| {
            let first = headers.get(name)?.to_str().ok()?.split(',').next()?.trim();
            self.trusted.contains(&peer).then_some(first)
        };
        let host = believed("x-forwarded-host")
            .or_else(|| headers.get(header::HOST)?.to_str().ok())
            .unwrap_or_default();
        let secure = matches!(believed("x-forwarded-proto"), Some("https" | "wss"));
        format!(
            "{}://{host}{path}",
            if secure { scheme } else { plain_of(scheme) }
        )
    }
}

fn plain_of(scheme: &str) -> &'static str {
    if scheme == "wss" { "ws" } else { "http" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect::<Vec<(axum::http::HeaderName, _)>>()
            .into_iter()
            .collect()
    }

    #[test]
    fn forwarded_headers_count_from_trusted_peers_only() {
        let proxy: IpAddr = [10, 0, 0, 1].into();
        let stranger: IpAddr = [9, 9, 9, 9].into();
        let forwarded = headers(&[
            ("host", "inner:8080"),
            ("x-forwarded-for", "1.1.1.1, 2.2.2.2"),
            ("x-forwarded-host", "calls.example.com"),
            ("x-forwarded-proto", "https"),
        ]);
        let uri: Uri = "/media".parse().unwrap();
        let trusting = Proxies {
            trusted: vec![proxy],
            ..Proxies::default()
        };
        let fixed = Proxies {
            public_url: Some("https://fixed.example/".into()),
            ..Proxies::default()
        };
        for (proxies, peer, client, url) in [
            (&trusting, proxy, "2.2.2.2", "wss://calls.example.com/media"),
            (&trusting, stranger, "9.9.9.9", "ws://inner:8080/media"),
            (&fixed, proxy, "10.0.0.1", "wss://fixed.example/media"),
        ] {
            assert_eq!(proxies.client(peer, &forwarded).to_string(), client);
            assert_eq!(proxies.public_url("wss", peer, &forwarded, &uri), url);
        }
    }
}
