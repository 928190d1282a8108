//! What a free worker does next, sans-IO: earliest deadline first. The last look at an utterance goes
//! before other looks, those before post-call windows. A track has one job running and one wish; the
//! audio is taken when the job starts, so it is always the newest.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::speech::live::Want;

/// `T` is a track, `B` a post-call window.
#[derive(Debug)]
pub(super) struct Queue<T, B> {
    live: Vec<Entry<T>>,
    /// One for each post-call pass that runs: each waits for its window before it asks for the next.
    batch: VecDeque<(Instant, B)>,
    batch_running: usize,
    /// A post-call window that has waited so long goes before live ones, one at a time.
    batch_patience: Duration,
}

#[derive(Debug)]
struct Entry<T> {
    id: u64,
    track: T,
    wish: Option<Wish>,
    running: bool,
}

#[derive(Debug, Clone, Copy)]
struct Wish {
    want: Want,
    since: Instant,
}

impl Wish {
    /// A last look first; of the others, one in whose silence the endpoint is near is due sooner.
    fn order(&self) -> (bool, Instant) {
        let slack = match self.want {
            Want::Final => Duration::ZERO,
            Want::Settle => Duration::from_millis(300),
            Want::Partial => Duration::from_millis(1000),
        };
        (self.want != Want::Final, self.since + slack)
    }
}

/// What a worker is to do.
#[derive(Debug, PartialEq)]
pub(super) enum Job<T, B> {
    Live {
        id: u64,
        track: T,
        want: Want,
        waited: Duration,
    },
    Batch(B),
}

impl<T: Clone, B> Queue<T, B> {
    pub(super) fn new(batch_patience: Duration) -> Self {
        Self {
            live: Vec::new(),
            batch: VecDeque::new(),
            batch_running: 0,
            batch_patience,
        }
    }

    pub(super) fn enroll(&mut self, id: u64, track: T) {
        self.live.push(Entry {
            id,
            track,
            wish: None,
            running: false,
        });
    }

    pub(super) fn leave(&mut self, id: u64) {
        self.live.retain(|entry| entry.id != id);
    }

    /// Whether no track is served.
    pub(super) const fn is_idle(&self) -> bool {
        self.live.is_empty()
    }

    /// A track wants a look. A wish that stands keeps its place, unless the new one is more pressing.
    pub(super) fn wish(&mut self, id: u64, want: Want, now: Instant) {
        if let Some(entry) = self.live.iter_mut().find(|entry| entry.id == id)
            && entry.wish.is_none_or(|wish| want < wish.want)
        {
            entry.wish = Some(Wish { want, since: now });
        }
    }

    pub(super) fn push_batch(&mut self, job: B, now: Instant) {
        self.batch.push_back((now, job));
    }

    pub(super) fn take(&mut self, now: Instant) -> Option<Job<T, B>> {
        let overdue = |(since, _): &(Instant, B)| now - *since >= self.batch_patience;
        if self.batch_running == 0 && self.batch.front().is_some_and(overdue) {
            return self.take_batch();
        }
        self.take_live(now).or_else(|| {
            let free = self.live.is_empty() || self.batch_running == 0;
            free.then(|| self.take_batch()).flatten()
        })
    }

    fn take_live(&mut self, now: Instant) -> Option<Job<T, B>> {
        let ready = self.live.iter_mut().filter(|entry| !entry.running);
        let (order, entry) = ready
            .filter_map(|entry| Some((entry.wish?.order(), entry)))
            .min_by_key(|(order, _)| *order)?;
        debug_assert!(entry.wish.is_some_and(|wish| wish.order() == order));
        let wish = entry.wish.take()?;
        entry.running = true;
        Some(Job::Live {
            id: entry.id,
            track: entry.track.clone(),
            want: wish.want,
            waited: now - wish.since,
        })
    }

    fn take_batch(&mut self) -> Option<Job<T, B>> {
        let (_, job) = self.batch.pop_front()?;
        self.batch_running += 1;
        Some(Job::Batch(job))
    }

    /// The track's job is over; it may want another.
    pub(super) fn done(&mut self, id: u64, want: Option<Want>, now: Instant) {
        if let Some(entry) = self.live.iter_mut().find(|entry| entry.id == id) {
            entry.running = false;
        }
        if let Some(want) = want {
            self.wish(id, want, now);
        }
    }

    pub(super) fn batch_done(&mut self) {
        self.batch_running -= 1;
    }

    /// Looks that wait for a worker.
    pub(super) fn waiting(&self) -> usize {
        self.live
            .iter()
            .filter(|e| e.wish.is_some() && !e.running)
            .count()
    }

    /// How long the oldest of them has waited.
    pub(super) fn longest_wait(&self, now: Instant) -> Duration {
        let ready = self.live.iter().filter(|entry| !entry.running);
        let waits = ready.filter_map(|entry| Some(now - entry.wish?.since));
        waits.max().unwrap_or_default()
    }

    /// Drops every post-call window: whoever waits for one is told by that.
    pub(super) fn drop_batch(&mut self) {
        self.batch.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Clock;

    const PATIENCE: Duration = Duration::from_secs(10);

    struct Scenario {
        clock: Clock,
        queue: Queue<&'static str, &'static str>,
    }

    impl Scenario {
        fn new(tracks: &[(u64, &'static str)]) -> Self {
            let mut queue = Queue::new(PATIENCE);
            for (id, track) in tracks {
                queue.enroll(*id, *track);
            }
            Self {
                clock: Clock::manual(jiff::Timestamp::UNIX_EPOCH),
                queue,
            }
        }

        fn after(&mut self, ms: u64) -> &mut Self {
            self.clock.advance(Duration::from_millis(ms));
            self
        }

        fn wish(&mut self, id: u64, want: Want) -> &mut Self {
            self.queue.wish(id, want, self.clock.now());
            self
        }

        fn batch(&mut self, name: &'static str) -> &mut Self {
            self.queue.push_batch(name, self.clock.now());
            self
        }

        /// The name of what a free worker gets.
        fn take(&mut self) -> Option<&'static str> {
            match self.queue.take(self.clock.now())? {
                Job::Live { track, .. } => Some(track),
                Job::Batch(name) => Some(name),
            }
        }

        fn take_all(&mut self) -> Vec<&'static str> {
            std::iter::from_fn(|| self.take()).collect()
        }
    }

    #[test]
    fn the_earliest_deadline_goes_first_and_last_looks_before_all() {
        let mut lanes = Scenario::new(&[(1, "a"), (2, "b"), (3, "c"), (4, "d")]);
        lanes.batch("post");
        lanes
            .wish(1, Want::Partial)
            .after(10)
            .wish(2, Want::Partial);
        lanes
            .after(500)
            .wish(3, Want::Settle)
            .after(900)
            .wish(4, Want::Final);
        assert_eq!(lanes.take_all(), ["d", "c", "a", "b", "post"]);
    }

    #[test]
    fn a_track_has_one_job_and_one_wish() {
        let mut lanes = Scenario::new(&[(1, "a"), (2, "b")]);
        lanes.wish(1, Want::Partial);
        assert_eq!(lanes.take(), Some("a"));
        for _ in 0..5 {
            lanes.wish(1, Want::Partial);
        }
        assert_eq!(lanes.take(), None, "it is being looked at");
        let now = lanes.clock.now();
        lanes.queue.done(1, Some(Want::Partial), now);
        assert_eq!(lanes.take_all(), ["a"], "and once more, not five times");
    }

    #[test]
    fn a_more_pressing_wish_replaces_the_one_that_stands() {
        let mut lanes = Scenario::new(&[(1, "a"), (2, "b")]);
        lanes.wish(1, Want::Partial).wish(2, Want::Partial);
        lanes.after(10).wish(2, Want::Final).wish(2, Want::Partial);
        assert_eq!(lanes.take_all(), ["b", "a"]);
    }

    #[test]
    fn post_call_windows_take_one_worker_while_calls_are_live() {
        let mut lanes = Scenario::new(&[(1, "a")]);
        lanes.batch("x").batch("y");
        assert_eq!(lanes.take_all(), ["x"]);
        lanes.queue.leave(1);
        assert_eq!(lanes.take_all(), ["y"]);
        lanes.queue.batch_done();
        lanes.queue.batch_done();
    }

    #[test]
    fn a_post_call_window_waits_for_its_turn_and_no_longer() {
        let mut lanes = Scenario::new(&[(1, "a"), (2, "b")]);
        lanes
            .batch("x")
            .batch("y")
            .wish(1, Want::Final)
            .wish(2, Want::Partial);
        assert_eq!(lanes.take(), Some("a"));
        lanes.after(10_000);
        assert_eq!(lanes.take(), Some("x"));
        assert_eq!(lanes.take(), Some("b"), "one at a time");
        assert_eq!(lanes.take(), None);
    }

    #[test]
    fn who_left_gets_nothing() {
        let mut lanes = Scenario::new(&[(1, "a"), (2, "b")]);
        lanes.wish(1, Want::Final).wish(2, Want::Partial).after(70);
        assert_eq!(lanes.queue.waiting(), 2);
        assert_eq!(lanes.queue.longest_wait(lanes.clock.now()).as_millis(), 70);
        lanes.queue.leave(1);
        lanes.wish(1, Want::Final);
        assert_eq!(lanes.take_all(), ["b"]);
        assert_eq!(lanes.queue.longest_wait(lanes.clock.now()).as_millis(), 0);
    }
}
