//! Which text of a call is served, and why.

/// A final text of fewer characters than this, trimmed, is empty: it replaces nothing.
const LEAST_CHARACTERS: usize = 10;

/// What the final pass came to.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    Text(&'a str),
    /// Why there is none.
    Failed(&'a str),
    /// Why there will never be one: nothing was recorded.
    Absent(&'a str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    Live,
    Final,
    /// Neither has text.
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub served: Served,
    /// For people: stored, logged and shown with the transcript.
    pub reason: String,
}

/// The final text replaces the live one unless it is empty or missing. Characters are Unicode scalars,
/// so that a Hebrew letter counts as a Latin one does.
#[must_use]
pub fn serve_rule(live: &str, outcome: Outcome<'_>) -> Verdict {
    match outcome {
        Outcome::Text(text) if text.trim().chars().count() >= LEAST_CHARACTERS => Verdict {
            served: Served::Final,
            reason: format!(
                "final text, {} characters",
                thousands(text.trim().chars().count())
            ),
        },
        Outcome::Text(_) => {
            let why = format!("final text had fewer than {LEAST_CHARACTERS} characters");
            live_kept(live, &why)
        }
        Outcome::Failed(why) => live_kept(live, &format!("final pass failed: {why}")),
        Outcome::Absent(why) => live_kept(live, why),
    }
}

fn live_kept(live: &str, why: &str) -> Verdict {
    if live.trim().is_empty() {
        Verdict {
            served: Served::Nothing,
            reason: format!("{why}, and there was no live text"),
        }
    } else {
        Verdict {
            served: Served::Live,
            reason: format!("{why}: live text kept"),
        }
    }
}

/// `1,234`.
fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(live: &str, outcome: Outcome<'_>, served: Served, reason: &str) {
        let verdict = serve_rule(live, outcome);
        assert_eq!(verdict.served, served, "{live:?} {outcome:?}");
        assert_eq!(verdict.reason, reason, "{live:?} {outcome:?}");
    }

    #[test]
    fn ten_characters_replace_and_nine_do_not() {
        use Outcome::{Absent, Failed, Text};
        let short = "final text had fewer than 10 characters: live text kept";
        let none = "final text had fewer than 10 characters, and there was no live text";
        check(
            "live",
            Text("0123456789"),
            Served::Final,
            "final text, 10 characters",
        );
        check("live", Text("012345678"), Served::Live, short);
        check("live", Text("  012345678 \n"), Served::Live, short);
        check(
            "live",
            Text(" 0 234567 9 "),
            Served::Final,
            "final text, 10 characters",
        );
        check("live", Text(""), Served::Live, short);
        // Nine letters of two bytes each: bytes do not count.
        check("live", Text("שלוםעליכם"), Served::Live, short);
        check(
            "live",
            Text("שלום עליכם"),
            Served::Final,
            "final text, 10 characters",
        );
        check(
            "",
            Text("0123456789"),
            Served::Final,
            "final text, 10 characters",
        );
        check("", Text("Yes."), Served::Nothing, none);
        check(" \n", Text(" "), Served::Nothing, none);
        // A short live text is a text: the rule is about what replaces.
        check("Yes.", Text("Yes."), Served::Live, short);
        check(
            "live",
            Failed("no model"),
            Served::Live,
            "final pass failed: no model: live text kept",
        );
        check(
            "",
            Failed("no model"),
            Served::Nothing,
            "final pass failed: no model, and there was no live text",
        );
        check(
            "live",
            Absent("no recording"),
            Served::Live,
            "no recording: live text kept",
        );
        check(
            "",
            Absent("no recording"),
            Served::Nothing,
            "no recording, and there was no live text",
        );
    }

    #[test]
    fn long_texts_are_counted_in_groups() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1234, "1,234"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(thousands(n), text);
        }
        let long = "ab ".repeat(412);
        let verdict = serve_rule("", Outcome::Text(&long));
        assert_eq!(verdict.reason, "final text, 1,235 characters");
    }
}
