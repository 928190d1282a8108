//! Who may open a stream: a bound on all, a bound per address, and nobody while draining. Decided
//! before the upgrade, so that a refusal is a plain 503 that the provider reports as such.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use metrics::{counter, gauge};

/// Files of a stream: its socket, and a recording and a sidecar of one track or two recordings.
pub const FILES_PER_STREAM: usize = 3;
/// Files that all else may need: the database, viewers, downloads, deliveries.
pub const FILES_BESIDE: usize = 64;

/// How many of `wanted` streams a process that may open so many files can carry: one more would take a
/// file from a call that is there.
#[must_use]
pub fn carried(wanted: usize, files: u64) -> usize {
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    wanted.min(files.saturating_sub(FILES_BESIDE) / FILES_PER_STREAM)
}

/// Counts open streams.
#[derive(Clone)]
pub struct Admission(Arc<Inner>);

struct Inner {
    max: usize,
    max_per_address: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Why a stream was not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the server is draining")]
    Draining,
    #[error(
        "as many streams are open as configured (media.max_streams) or as files allow (ulimit -n)"
    )]
    Full,
    #[error(
        "as many streams as configured are open from this address (media.max_streams_per_address)"
    )]
    AddressFull,
}

impl Refusal {
    const fn label(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::Full => "full",
            Self::AddressFull => "address_full",
        }
    }
}

/// One stream's place; given back when dropped.
pub struct Permit {
    admission: Admission,
    address: IpAddr,
}

impl Admission {
    #[must_use]
    pub fn new(max: usize, max_per_address: usize) -> Self {
        Self(Arc::new(Inner {
            max,
            max_per_address,
            open: Mutex::default(),
        }))
    }

    /// Takes a place, or says why not; a refusal is counted.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn admit(&self, address: IpAddr, draining: bool) -> Result<Permit, Refusal> {
        let admitted = if draining {
            Err(Refusal::Draining)
        } else {
            self.take(address)
        };
        if let Err(refusal) = admitted {
            counter!("callscribe_streams_refused_total", "reason" => refusal.label()).increment(1);
        }
        admitted.map(|()| Permit {
            admission: self.clone(),
            address,
        })
    }

    fn take(&self, address: IpAddr) -> Result<(), Refusal> {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.all >= self.0.max {
            return Err(Refusal::Full);
        }
        if open
            .by_address
            .get(&address)
            .is_some_and(|&n| n >= self.0.max_per_address)
        {
            return Err(Refusal::AddressFull);
        }
        *open.by_address.entry(address).or_default() += 1;
        open.all += 1;
        gauge!("callscribe_streams_active").increment(1.0);
        Ok(())
    }

    /// Streams open now, and how many may be.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        let open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        (open.all, self.0.max)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self
            .admission
            .0
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        open.all -= 1;
        if let Some(count) = open.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&self.address);
            }
        }
        gauge!("callscribe_streams_active").decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_and_places_come_back() {
        let (here, there) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let admission = Admission::new(3, 2);
        assert_eq!(admission.admit(here, true).err(), Some(Refusal::Draining));
        let first = admission.admit(here, false).unwrap();
        let _second = admission.admit(here, false).unwrap();
        assert_eq!(
            admission.admit(here, false).err(),
            Some(Refusal::AddressFull)
        );
        let third = admission.admit(there, false).unwrap();
        assert_eq!(admission.admit(there, false).err(), Some(Refusal::Full));
        drop(third);
        drop(first);
        assert_eq!(admission.load(), (1, 3));
        assert!(admission.admit(here, false).is_ok());
    }
}
