//! How often a password may be tried: so often at once, then once in a while. A failure is a debt that time
//! pays; what is remembered is bounded, whoever asks.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

/// From one address, then one every 30 s. An office behind one address mistypes less.
const OF_ADDRESS: Rate = Rate {
    at_once: 20,
    every: Duration::from_secs(30),
};
/// At one account, from anywhere, then one a minute. Somebody who tries that on purpose makes its owner
/// wait for a new login too, but sessions go on.
const OF_ACCOUNT: Rate = Rate {
    at_once: 10,
    every: Duration::from_secs(60),
};
/// Addresses, or accounts, remembered; beyond, those that owe least are forgotten.
const REMEMBERED: usize = 10_000;

#[derive(Clone, Copy)]
struct Rate {
    at_once: u32,
    every: Duration,
}

/// Tries by address and by account.
pub(super) struct Limits {
    addresses: Limiter,
    accounts: Limiter,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            addresses: Limiter::new(OF_ADDRESS),
            accounts: Limiter::new(OF_ACCOUNT),
        }
    }
}

impl Limits {
    /// Takes a try at an account, or says how long to wait for one.
    pub(super) fn take(
        &mut self,
        address: IpAddr,
        account: &str,
        now: Instant,
    ) -> Result<(), Duration> {
        let address = network(address);
        self.addresses.take(&address, now)?;
        self.accounts.take(account, now).inspect_err(|_| {
            self.addresses.give_back(&address);
        })
    }

    /// It was no failure.
    pub(super) fn give_back(&mut self, address: IpAddr, account: &str) {
        self.addresses.give_back(&network(address));
        self.accounts.give_back(account);
    }
}

/// Whoever has one address of IPv6 has its whole /64.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V6(six) => six.segments()[..4]
            .iter()
            .map(|s| format!("{s:x}:"))
            .collect(),
        four => four.to_string(),
    }
}

struct Limiter {
    rate: Rate,
    /// When each has paid all its debts.
    debts: HashMap<String, Instant>,
}

impl Limiter {
    fn new(rate: Rate) -> Self {
        let debts = HashMap::new();
        Self { rate, debts }
    }

    fn take(&mut self, key: &str, now: Instant) -> Result<(), Duration> {
        let most = self.rate.every * self.rate.at_once;
        let paid = self.debts.get(key).copied().unwrap_or(now).max(now);
        let owed = paid - now + self.rate.every;
        if owed > most {
            return Err(owed - most);
        }
        if self.debts.len() >= REMEMBERED && !self.debts.contains_key(key) {
            self.make_room(now);
        }
        self.debts.insert(key.to_owned(), now + owed);
        Ok(())
    }

    fn give_back(&mut self, key: &str) {
        if let Some(paid) = self.debts.get_mut(key) {
            *paid = paid.checked_sub(self.rate.every).unwrap_or(*paid);
        }
    }

    fn make_room(&mut self, now: Instant) {
        self.debts.retain(|_, paid| *paid > now);
        if self.debts.len() < REMEMBERED {
            return;
        }
        let least = self.debts.iter().min_by_key(|(_, paid)| **paid);
        if let Some(key) = least.map(|(key, _)| key.clone()) {
            self.debts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Clock;

    fn start() -> Instant {
        Clock::manual(jiff::Timestamp::UNIX_EPOCH).now()
    }

    #[test]
    fn so_many_at_once_then_one_in_a_while() {
        let (now, address) = (start(), IpAddr::from([10, 0, 0, 1]));
        let mut limits = Limits::default();
        for _ in 0..10 {
            assert_eq!(limits.take(address, "dana", now), Ok(()));
        }
        let minute = Duration::from_secs(60);
        assert_eq!(limits.take(address, "dana", now), Err(minute));
        let other = IpAddr::from([10, 0, 0, 2]);
        assert_eq!(
            limits.take(other, "dana", now),
            Err(minute),
            "from anywhere"
        );
        assert_eq!(limits.take(address, "yossi", now), Ok(()));
        assert_eq!(limits.take(other, "dana", now + minute), Ok(()));
        assert_eq!(limits.take(other, "dana", now + minute), Err(minute));
    }

    #[test]
    fn an_address_that_tries_many_names_waits_as_well() {
        let (now, address) = (start(), "2001:db8::1".parse().unwrap());
        let mut limits = Limits::default();
        for n in 0..20 {
            assert_eq!(limits.take(address, &n.to_string(), now), Ok(()));
        }
        let wait = Err(Duration::from_secs(30));
        assert_eq!(limits.take(address, "another", now), wait);
        let neighbour = "2001:db8::ffff".parse().unwrap();
        assert_eq!(limits.take(neighbour, "another", now), wait);
        let stranger = "2001:db8:0:1::1".parse().unwrap();
        assert_eq!(limits.take(stranger, "another", now), Ok(()));
    }

    #[test]
    fn who_gets_in_owes_nothing() {
        let (now, address) = (start(), IpAddr::from([10, 0, 0, 1]));
        let mut limits = Limits::default();
        for _ in 0..100 {
            assert_eq!(limits.take(address, "dana", now), Ok(()));
            limits.give_back(address, "dana");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let now = start();
        let mut limiter = Limiter::new(OF_ADDRESS);
        for n in 0..REMEMBERED + 50 {
            assert_eq!(limiter.take(&n.to_string(), now), Ok(()));
        }
        assert_eq!(limiter.debts.len(), REMEMBERED);
        let later = now + Duration::from_secs(31);
        assert_eq!(limiter.take("late", later), Ok(()));
        assert_eq!(
            limiter.debts.len(),
            1,
            "those that owe nothing are forgotten"
        );
    }
}
