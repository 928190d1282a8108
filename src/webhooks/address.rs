//! Where requests may go. A target's name is looked up by us, and what it resolves to is checked, since
//! a name that is public today may point at this machine tomorrow; the connection then goes to the
//! addresses that were checked, and to no others.

use std::{
    error::Error as StdError,
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Looks a name up. Tests bring their own.
pub type Lookup = dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync;

/// An address that requests do not go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused(pub IpAddr);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "its address, {}, is of this machine or a private network (webhooks.allow_private)",
            self.0
        )
    }
}

impl StdError for Refused {}

/// Looks names up, and passes on what is allowed.
pub(super) struct Checked {
    pub(super) lookup: Arc<Lookup>,
    pub(super) allow_private: bool,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, allow_private) = ((self.lookup)(name.as_str().to_owned()), self.allow_private);
        Box::pin(async move {
            let found = found.await?;
            let (good, bad): (Vec<_>, Vec<_>) = found
                .into_iter()
                .partition(|ip| allow_private || is_public(*ip));
            match (good.is_empty(), bad.first()) {
                (true, Some(ip)) => Err(Refused(*ip).into()),
                (true, None) => Err("the name has no address".into()),
                // The port is put in by whoever connects.
                _ => Ok(Box::new(good.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs),
            }
        })
    }
}

/// The system's look-up.
#[must_use]
pub fn system() -> Arc<Lookup> {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

/// Whether an address is of the public internet, by IANA's registries of special-purpose addresses; one
/// that carries an IPv4 address inside is judged by that.
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_4(ip),
        IpAddr::V6(ip) => is_public_6(ip),
    }
}

/// Azure hands out a machine's secrets here, at an address that looks public.
const AZURE_WIRE_SERVER: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

fn is_public_4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
        || ip == AZURE_WIRE_SERVER;
    !special
}

fn is_public_6(ip: Ipv6Addr) -> bool {
    let parts = ip.segments();
    let inner = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        // Mapped into IPv6, and translated by the well-known prefix of NAT64.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            inner(high, low)
        }
        // 6to4.
        [0x2002, high, low, ..] => inner(high, low),
        // Protocol assignments (Teredo among them) and documentation.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        // All that is handed out so far lies in 2000::/3.
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_this_machine_or_its_network_is_not_public() {
        for refused in [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "127.255.255.254",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "169.254.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.9",
            "198.18.0.1",
            "198.19.255.255",
            "192.88.99.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "::8.8.8.8",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "3fff::1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "100::1",
            "5f00::1",
        ] {
            assert!(!is_public(refused.parse().unwrap()), "{refused}");
        }
    }

    #[test]
    fn their_neighbours_are_public() {
        for public in [
            "8.8.8.8",
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "168.63.129.17",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "2606:4700:4700::1111",
            "2a00:1450::1",
            "2001:4860:4860::8888",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[tokio::test]
    async fn a_name_is_what_it_resolves_to() {
        for (found, allow_private, expected) in [
            (&["8.8.8.8"][..], false, Ok(1)),
            (&["8.8.8.8", "127.0.0.1", "::1"], false, Ok(1)),
            (&["127.0.0.1"], false, Err("127.0.0.1")),
            (&["::ffff:10.0.0.1"], false, Err("10.0.0.1")),
            (&["127.0.0.1", "8.8.8.8"], true, Ok(2)),
            (&[], true, Err("no address")),
        ] {
            let ips: Vec<IpAddr> = found.iter().map(|ip| ip.parse().unwrap()).collect();
            let checked = Checked {
                lookup: Arc::new(move |_| {
                    let ips = ips.clone();
                    Box::pin(async move { Ok(ips) })
                }),
                allow_private,
            };
            let resolved = checked.resolve("name.test".parse().unwrap()).await;
            match (resolved.map(Iterator::count), expected) {
                (Ok(count), Ok(expected)) => assert_eq!(count, expected, "{found:?}"),
                (Err(error), Err(part)) => {
                    assert!(error.to_string().contains(part), "{found:?}: {error}");
                }
                (resolved, _) => panic!("{found:?}: {resolved:?}"),
            }
        }
    }
}
