//! Where a webhook may go. A subscriber chooses the address, so without this rule the service would fetch from its own
//! network whatever a subscriber names: the metadata of the cloud, a database, itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

/// The longest URL, bytes.
const MAX_URL: usize = 2048;

/// How far webhooks reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Also private addresses, and plain http: for trials and closed networks.
    pub private: bool,
}

/// A URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub tls: bool,
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
    /// As it stands in the request.
    pub authority: String,
    pub path: String,
}

impl Target {
    /// Reads a URL; the error says what is wrong with it. What a name resolves to is looked at when it is known.
    pub fn parse(url: &str, reach: Reach) -> Result<Self, &'static str> {
        if url.len() > MAX_URL {
            return Err("must be at most 2048 bytes");
        }
        if url.contains(['#', '\\']) || url.chars().any(|it| it.is_whitespace() || it.is_control()) {
            return Err("must have no fragment, blank or backslash");
        }
        let uri: Uri = url.parse().map_err(|_| "must be a URL such as https://example.com/hook")?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if reach.private => false,
            _ => return Err("must begin with https://"),
        };
        let authority = uri.authority().ok_or("must name a host")?;
        if authority.as_str().contains('@') {
            return Err("must not contain a user or a password");
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let after = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        if port == 0 || !after.is_empty() && authority.port_u16().is_none() {
            return Err("must have a port of 1 to 65535, or none");
        }
        check_host(&host, reach)?;
        // Below 1024 live the services that a stranger's request may harm: mail, shells, directories.
        if !reach.private && port < 1024 && port != 443 && port != 80 {
            return Err("must go to port 443, 80 or one from 1024 on");
        }
        let path = uri.path_and_query().map_or("/", |it| it.as_str()).to_owned();
        Ok(Self { tls, host, port, authority: authority.as_str().to_owned(), path })
    }
}

fn check_host(host: &str, reach: Reach) -> Result<(), &'static str> {
    const PRIVATE: &str = "must not lead into a private network";
    if let Ok(address) = host.parse::<IpAddr>() {
        return if may_reach(address, reach) { Ok(()) } else { Err(PRIVATE) };
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let plain = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    let is_name =
        !name.is_empty() && name.split('.').all(|label| !label.is_empty() && label.chars().all(plain));
    // 2130706433, 0x7f.1, 127.1: no names, but addresses to whoever reads them as C does.
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = last.chars().all(|it| it.is_ascii_digit()) || last.starts_with("0x");
    if !is_name || is_number {
        return Err("must name a host, or write its address in full");
    }
    let is_local = name == "localhost" || name.ends_with(".localhost") || name.ends_with(".internal");
    if is_local && !reach.private { Err(PRIVATE) } else { Ok(()) }
}

/// Whether a connection to this address may be opened.
pub fn may_reach(address: IpAddr, reach: Reach) -> bool {
    reach.private || is_public(address)
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let part = address.segments();
    let v4 = |high: u16, low: u16| is_public_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match (part[0], part[1]) {
        // An IPv4 address in another coat: mapped, or behind NAT64.
        (0, 0) if part[2..6] == [0, 0, 0, 0xffff] => v4(part[6], part[7]),
        (0x64, 0xff9b) if part[2..6] == [0, 0, 0, 0] => v4(part[6], part[7]),
        // 6to4.
        (0x2002, _) => v4(part[1], part[2]),
        // Teredo and other protocols' own; examples.
        (0x2001, 0..=0x1ff | 0xdb8) | (0x3fff, 0..=0xfff) => false,
        // What is given out to the world.
        (0x2000..=0x3fff, _) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: Reach = Reach { private: false };

    /// Hosts that lead into somebody's house, or are none.
    const INSIDE: &str = "
        127.0.0.1 127.255.255.254 127.1 0 0.0.0.0 2130706433 017700000001 0x7f000001 0x7f.0.0.1 0x7f.1
        127.0.0x1 127.0.01 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1
        100.127.255.255 192.0.0.1 192.0.2.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255
        240.0.0.1 255.255.255.255 192.88.99.1 [::] [::1] [::127.0.0.1] [::ffff:127.0.0.1] [::ffff:7f00:1]
        [::ffff:10.0.0.1] [::ffff:169.254.169.254] [64:ff9b::127.0.0.1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::1]
        [2002:7f00:1::] [2002:a00:1::] [2002:a9fe:a9fe::1] [2001::1] [2001:db8::1] [3fff::1] [fc00::1]
        [fd00:ec2::254] [fe80::1] [fec0::1] [ff02::1] [100::1] [::ffff:0:127.0.0.1] localhost LOCALHOST
        localhost. a.localhost metadata.google.internal instance-data.ec2.internal a..b . exa%6dple.com";

    #[test]
    fn what_leads_inside_is_refused() {
        for host in INSIDE.split_whitespace() {
            assert!(Target::parse(&format!("https://{host}/hook"), PUBLIC).is_err(), "{host}");
        }
    }

    #[test]
    fn what_is_no_plain_https_url_is_refused() {
        for url in [
            "",
            "example.com",
            "/hook",
            "http://example.com/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "https://",
            "https:///hook",
            "https://user@example.com/",
            "https://a:b@example.com/",
            "https://example.com@127.0.0.1/",
            "https://example.com/#fragment",
            "https://example.com\\@127.0.0.1/",
            "https://example.com/a b",
            "https://example.com/\r\nX: y",
            "https://example.com:0x50/",
            "https://example.com:/",
            "https://example.com:99999/",
            "https://example.com:22/",
            "https://example.com:25/",
            "https://exämple.com/",
        ] {
            assert!(Target::parse(url, PUBLIC).is_err(), "{url}");
        }
        let long = format!("https://example.com/{}", "a".repeat(MAX_URL));
        assert!(Target::parse(&long, PUBLIC).is_err());
    }

    #[test]
    fn what_the_world_may_reach_is_reached() {
        for (url, host, port) in [
            ("https://example.com", "example.com", 443),
            ("https://Example.com./hook?a=b", "example.com.", 443),
            ("https://example.com:8443/hook", "example.com", 8443),
            ("https://example.com:80/", "example.com", 80),
            ("https://8.8.8.8/", "8.8.8.8", 443),
            ("https://[2606:4700::1111]:4443/", "2606:4700::1111", 4443),
            ("https://[::ffff:8.8.8.8]/", "::ffff:8.8.8.8", 443),
            ("https://172.32.0.1/", "172.32.0.1", 443),
            ("https://100.128.0.1/", "100.128.0.1", 443),
        ] {
            let target = Target::parse(url, PUBLIC).unwrap_or_else(|fault| panic!("{url}: {fault}"));
            assert_eq!((target.tls, target.host.as_str(), target.port), (true, host, port), "{url}");
        }
    }

    #[test]
    fn a_closed_network_may_be_reached_where_that_is_said() {
        let target = Target::parse("http://127.0.0.1:8080/hook", Reach { private: true }).expect("allowed");
        assert_eq!((target.tls, target.port, target.path.as_str()), (false, 8080, "/hook"));
        assert!(Target::parse("http://0x7f.1/", Reach { private: true }).is_err());
    }
}
