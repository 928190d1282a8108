//! Where the read loop leaves a track's samples: a bounded buffer that never blocks on work.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// 8 s of 16 kHz samples. When the hearing thread is further behind, all but the newest go and are
/// counted: live text skips ahead, the recording and the final pass have everything.
pub(super) const MOST_SAMPLES: usize = 8 * 16_000;
/// 60 ms: enough for one wake-up of the hearing thread.
const WORTH_WAKING: usize = 960;

#[derive(Debug, Default)]
pub(super) struct Mailbox(Mutex<Mail>);

/// What lies in a mailbox: first the gap, then the samples, then the end.
#[derive(Debug, Default)]
pub(super) struct Mail {
    pub(super) skipped: u64,
    pub(super) samples: Vec<i16>,
    pub(super) finished: bool,
    /// The hearing thread knows.
    called: bool,
}

impl Mailbox {
    /// Leaves samples; `true` when the hearing thread is to be called.
    pub(super) fn push(&self, samples: &[i16]) -> bool {
        let mut mail = self.lock();
        if mail.samples.len() + samples.len() > MOST_SAMPLES {
            mail.skipped += mail.samples.len() as u64;
            mail.samples.clear();
        }
        mail.samples.extend_from_slice(samples);
        mail.samples.len() >= WORTH_WAKING && mail.call()
    }

    /// Says that no more will come; `true` when the hearing thread is to be called.
    pub(super) fn finish(&self) -> bool {
        let mut mail = self.lock();
        mail.finished = true;
        mail.call()
    }

    /// Takes all there is into `mail`, whose buffer is used again.
    pub(super) fn take(&self, mail: &mut Mail) {
        mail.samples.clear();
        let mut lies = self.lock();
        std::mem::swap(&mut lies.samples, &mut mail.samples);
        mail.skipped = std::mem::take(&mut lies.skipped);
        mail.finished = lies.finished;
        lies.called = false;
    }

    fn lock(&self) -> MutexGuard<'_, Mail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mail {
    fn call(&mut self) -> bool {
        !std::mem::replace(&mut self.called, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_for_60_ms() {
        let mailbox = Mailbox::default();
        let calls: Vec<bool> = (0..6).map(|_| mailbox.push(&[1; 320])).collect();
        assert_eq!(calls, [false, false, true, false, false, false]);
        let mut mail = Mail::default();
        mailbox.take(&mut mail);
        assert_eq!(mail.samples.len(), 6 * 320);
        assert!(!mailbox.push(&[1; 320]) && mailbox.push(&[1; 640]));
        assert!(!mailbox.finish(), "it was called already");
        mailbox.take(&mut mail);
        assert_eq!((mail.samples.len(), mail.finished), (960, true));
    }

    #[test]
    fn overflow_keeps_the_newest_and_the_count() {
        let mailbox = Mailbox::default();
        let mut pushed = 0_u64;
        for n in 0..3000_i16 {
            mailbox.push(&[n; 320]);
            pushed += 320;
        }
        let mut mail = Mail::default();
        mailbox.take(&mut mail);
        assert!(mail.samples.len() <= MOST_SAMPLES);
        assert_eq!(mail.skipped + mail.samples.len() as u64, pushed);
        assert_eq!(mail.samples.last(), Some(&2999));
    }
}
