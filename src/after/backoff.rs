//! How long a failed job waits.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use super::Options;

/// Twice as long after each attempt, up to a limit, less up to a quarter: jobs that failed together (the
/// disk was full, the model broken) do not come back together. The part is drawn from the job's id and
/// attempt, so that a test can tell it.
pub(super) fn backoff(options: &Options, job: &str, attempt: u32) -> Duration {
    let first = f64::from(options.retry_first_s.max(1));
    let doublings = i32::try_from(attempt.saturating_sub(1).min(30)).unwrap_or(30);
    let longest = f64::from(options.retry_most_s.max(1));
    let wait = (first * f64::powi(2.0, doublings)).min(longest);
    Duration::from_secs_f64(wait * (1.0 - 0.25 * share(job, attempt)))
}

/// 0 to 1.
pub(super) fn share(job: &str, attempt: u32) -> f64 {
    let mut hasher = DefaultHasher::new();
    (job, attempt).hash(&mut hasher);
    let steps = u16::try_from(hasher.finish() % 1024).unwrap_or(0);
    f64::from(steps) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit() {
        let options = Options {
            retry_first_s: 10,
            retry_most_s: 100,
            ..Options::default()
        };
        for (attempt, most) in [
            (0, 10),
            (1, 10),
            (2, 20),
            (3, 40),
            (4, 80),
            (5, 100),
            (u32::MAX, 100),
        ] {
            let most = Duration::from_secs(most);
            for job in ["a", "b", "c"] {
                let wait = backoff(&options, job, attempt);
                assert!(wait <= most && wait >= most * 3 / 4, "{attempt}: {wait:?}");
            }
        }
    }

    #[test]
    fn jobs_that_failed_together_part() {
        let options = Options::default();
        let mut waits: Vec<Duration> = (0..20)
            .map(|job| backoff(&options, &format!("job{job}"), 3))
            .collect();
        waits.sort();
        waits.dedup();
        assert!(waits.len() > 15, "{waits:?}");
    }
}
