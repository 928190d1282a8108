//! How far the final passes of this process are, for those who watch.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{ids::CallSid, time::MediaTime};

/// Shared by all who hear and all who look.
#[derive(Clone, Default)]
pub struct Progress(Arc<Mutex<HashMap<CallSid, Sound>>>);

/// What is heard of a call by now, and all of its sound; tracks are counted together.
pub type Sound = (MediaTime, MediaTime);

/// One final pass, from its beginning until this is dropped.
pub(super) struct Under<'a> {
    progress: &'a Progress,
    call: &'a CallSid,
}

impl Progress {
    /// `None` where the call is not being heard by this process.
    #[must_use]
    pub fn of(&self, call: &CallSid) -> Option<Sound> {
        self.calls().get(call).copied()
    }

    pub(super) fn begin<'a>(&'a self, call: &'a CallSid, total: MediaTime) -> Under<'a> {
        self.calls().insert(call.clone(), (MediaTime::ZERO, total));
        Under {
            progress: self,
            call,
        }
    }

    /// Never back, and never beyond the end: windows may be heard again, and tails are padded.
    pub(super) fn heard(&self, call: &CallSid, done: MediaTime) {
        if let Some((before, total)) = self.calls().get_mut(call) {
            *before = done.min(*total).max(*before);
        }
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<CallSid, Sound>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Under<'_> {
    fn drop(&mut self) {
        self.progress.calls().remove(self.call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_forward_only_and_ends() {
        let (progress, call) = (Progress::default(), "FI1".parse().unwrap());
        let ms = MediaTime::from_ms;
        progress.heard(&call, ms(5));
        assert_eq!(progress.of(&call), None);
        let under = progress.begin(&call, ms(100));
        for (heard, told) in [(30, 30), (20, 30), (70, 70), (130, 100)] {
            progress.heard(&call, ms(heard));
            assert_eq!(progress.of(&call), Some((ms(told), ms(100))));
        }
        drop(under);
        assert_eq!(progress.of(&call), None);
    }
}
