//! Which transcript goes out.

/// A final text goes out when it is longer than this; Unicode scalars, trimmed.
const FINAL_LONGER_THAN: usize = 50;

/// A transcript that may go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The version that it is.
    pub version: u32,
    /// As people read it: speakers, where there are several.
    pub text: String,
    /// Characters that were said, without the speakers' names.
    pub characters: usize,
}

/// What goes out, and why that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// 0 for none.
    pub version: u32,
    /// `final`, `live` or `none`.
    pub source: &'static str,
    /// None where there is no text at all.
    pub text: Option<String>,
    /// For people: stored and logged. It holds no text of the call.
    pub reason: String,
}

/// The final transcript where it is longer than 50 characters, else the realtime one; where there is no
/// realtime one, what there is. `no_final` says why there is no final one, where there is none.
#[must_use]
pub fn choose(last: Option<Candidate>, live: Option<Candidate>, no_final: &str) -> Choice {
    let spoken = |candidate: &Candidate| candidate.characters > 0;
    let (last, live) = (last.filter(spoken), live.filter(spoken));
    let taken = |source, candidate: Candidate, reason: String| Choice {
        version: candidate.version,
        source,
        text: Some(candidate.text),
        reason,
    };
    match (last, live) {
        (Some(last), _) if last.characters > FINAL_LONGER_THAN => {
            let reason = format!("the final transcript: {} characters", last.characters);
            taken("final", last, reason)
        }
        (Some(last), Some(live)) => {
            let reason = format!(
                "the realtime transcript: the final one has {} characters, {FINAL_LONGER_THAN} or fewer",
                last.characters
            );
            taken("live", live, reason)
        }
        (Some(last), None) => {
            let reason = format!(
                "the final transcript: {} characters, and there is no realtime one",
                last.characters
            );
            taken("final", last, reason)
        }
        (None, Some(live)) => taken("live", live, format!("the realtime transcript: {no_final}")),
        (None, None) => Choice {
            version: 0,
            source: "none",
            text: None,
            reason: format!("no transcript: {no_final}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_final_one_goes_out_from_51_characters_on() {
        let candidate = |version, characters: Option<usize>| {
            characters.map(|characters| Candidate {
                version,
                text: "ש".repeat(characters),
                characters,
            })
        };
        for (last, live, version, source, why) in [
            (Some(51), Some(900), 2, "final", "51 characters"),
            (Some(50), Some(900), 1, "live", "50 characters, 50 or fewer"),
            (Some(50), Some(1), 1, "live", "50 or fewer"),
            (Some(50), None, 2, "final", "no realtime one"),
            (Some(50), Some(0), 2, "final", "no realtime one"),
            (Some(0), Some(20), 1, "live", "not ready"),
            (None, Some(20), 1, "live", "not ready"),
            (None, Some(0), 0, "none", "not ready"),
            (Some(0), None, 0, "none", "not ready"),
            (None, None, 0, "none", "not ready"),
        ] {
            let choice = choose(candidate(2, last), candidate(1, live), "it is not ready");
            assert_eq!(
                (choice.version, choice.source),
                (version, source),
                "{last:?} {live:?}"
            );
            assert_eq!(choice.text.is_some(), version > 0, "{last:?} {live:?}");
            assert!(
                choice.reason.contains(why),
                "{last:?} {live:?}: {}",
                choice.reason
            );
        }
    }
}
