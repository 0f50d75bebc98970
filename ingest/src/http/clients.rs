//! How much one client may ask: what one takes, the others lack.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
};

use actix_web::{dev::ServiceRequest, http::header::HeaderName};
use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock, DefaultClock},
};

/// Seconds' worth of requests that may come at once: a map asks for a screen full of tiles.
const BURST_SECONDS: u32 = 10;

/// Requests after which clients that ask no more are forgotten.
const TIDY_EVERY: u32 = 4096;

/// Clients by their address, each with requests of its own.
pub(crate) struct Clients {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
    /// In which a proxy names the client.
    header: Option<HeaderName>,
    asked: AtomicU32,
}

impl Clients {
    /// Clients that may ask so often, requests a second.
    pub(crate) fn new(per_second: NonZeroU32, header: Option<HeaderName>) -> Self {
        let burst = per_second.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_SECONDS - 1));
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Self {
            limiter: DefaultKeyedRateLimiter::keyed(quota),
            clock: DefaultClock::default(),
            header,
            asked: AtomicU32::new(0),
        }
    }

    /// Counts a request. Where the client has asked too much, the whole seconds that it shall wait.
    pub(crate) fn admit(&self, request: &ServiceRequest) -> Result<(), u64> {
        let Some(client) = self.client(request) else { return Ok(()) };
        if self.asked.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter.check_key(&client).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
        })
    }

    /// Whose request it is; `None` of this machine's own, and of a proxy on it that names nobody.
    fn client(&self, request: &ServiceRequest) -> Option<IpAddr> {
        let named = self.header.as_ref().and_then(|name| {
            // What clients write themselves comes first; the proxy in front of this server adds the last.
            let value = request.headers().get_all(name).last()?.to_str().ok()?;
            value.rsplit(',').next()?.trim().parse().ok()
        });
        let peer = || request.peer_addr().map(|peer| peer.ip()).filter(|ip| !ip.is_loopback());
        named.or_else(peer).map(network)
    }
}

/// Who has one address of version 6 has 2^64 of them.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
        ip @ IpAddr::V4(_) => ip,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn clients(header: Option<&'static str>) -> Clients {
        Clients::new(NonZeroU32::MIN, header.map(HeaderName::from_static))
    }

    fn from(peer: &str, forwarded: Option<&str>) -> ServiceRequest {
        let request = TestRequest::default().peer_addr(peer.parse().unwrap());
        match forwarded {
            Some(value) => request.insert_header(("x-forwarded-for", value)).to_srv_request(),
            None => request.to_srv_request(),
        }
    }

    #[test]
    fn a_burst_passes_and_then_each_waits_for_itself() {
        let clients = clients(None);
        let greedy = from("192.0.2.1:4000", None);
        let admitted = (0..30).take_while(|_| clients.admit(&greedy).is_ok()).count();
        // The clock runs on meanwhile.
        assert!((10..=12).contains(&admitted), "{admitted}");
        assert_eq!(clients.admit(&greedy), Err(1));
        assert_eq!(clients.admit(&from("192.0.2.2:4000", None)), Ok(()));
    }

    #[test]
    fn another_port_or_address_of_one_network_is_the_same_client() {
        let clients = clients(None);
        for n in 0..40 {
            let _ = clients.admit(&from(&format!("[2001:db8::{n:x}]:{}", 4000 + n), None));
        }
        assert_eq!(clients.admit(&from("[2001:db8::ffff]:1", None)), Err(1));
        assert_eq!(clients.admit(&from("[2001:db8:0:1::1]:1", None)), Ok(()));
    }

    #[test]
    fn a_proxy_says_whose_a_request_is_and_clients_cannot() {
        let behind = clients(Some("x-forwarded-for"));
        let told = |value: &str| from("127.0.0.1:80", Some(value));
        for n in 0..40 {
            // What the client made up differs each time.
            let _ = behind.admit(&told(&format!("203.0.113.{n}, 192.0.2.1")));
        }
        assert_eq!(behind.admit(&told("192.0.2.1")), Err(1));
        assert_eq!(behind.admit(&told("192.0.2.2")), Ok(()));
        // Where no proxy is known, nobody's word counts, and this machine may ask.
        let alone = clients(None);
        assert!((0..100).all(|_| alone.admit(&told("192.0.2.1")).is_ok()));
    }

    #[test]
    fn clients_that_ask_no_more_are_forgotten() {
        let clients = Clients::new(NonZeroU32::new(1_000_000).unwrap(), None);
        for n in 0..TIDY_EVERY * 3 {
            let ip = std::net::Ipv4Addr::from_bits(0x0a00_0000 + n);
            assert_eq!(clients.admit(&from(&format!("{ip}:1"), None)), Ok(()));
        }
        assert!(clients.limiter.len() <= TIDY_EVERY as usize, "{}", clients.limiter.len());
    }
}
