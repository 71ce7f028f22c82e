//! Which pages in a browser may command a service.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

use super::error_document::Refusal;

/// Refuses a POST by a page of another origin. Since any content type is taken,
/// a browser would let every page its user opens command this service; only
/// browsers send `Origin`, so no other client notices.
///
/// A page is our own if its origin is the host asked for, and that host is an
/// IP address or `localhost`: a name could be the page's own, made to point at
/// this machine after the page was loaded (DNS rebinding).
pub(super) fn refuse_foreign_page(headers: &HeaderMap) -> Result<(), Refusal> {
    foreign_page(headers).map_err(|why| Refusal::new(StatusCode::FORBIDDEN, why))
}

/// The same, for services that word their refusals themselves.
///
/// # Errors
/// Why not, for a 403.
pub fn foreign_page(headers: &HeaderMap) -> Result<(), String> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let origin_host = origin.as_bytes().split(|byte| *byte == b'/').nth(2);
    if origin_host.is_none() || origin_host != host {
        return Err(format!(
            "pages of the origin {origin:?} may not query this service"
        ));
    }
    let host = String::from_utf8_lossy(host.unwrap_or_default());
    if !is_beyond_names(&host) {
        return Err(format!(
            "pages may query this service by its IP address or as localhost only, \
             since a name like {host:?} may belong to another page"
        ));
    }
    Ok(())
}

/// Whether `host`, with or without a port, means a machine without asking DNS.
fn is_beyond_names(host: &str) -> bool {
    // RFC 3986 §3.2.2: an IPv6 address stands in brackets.
    if let Some(rest) = host.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else {
            return false;
        };
        return address.parse::<Ipv6Addr>().is_ok()
            && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (name, port) = match host.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    (name.eq_ignore_ascii_case("localhost") || name.parse::<Ipv4Addr>().is_ok())
        && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}
