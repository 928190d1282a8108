//! The fields by which lists of calls are narrowed down, on the pages that have them.

use maud::{Markup, html};

use super::state_label;
use crate::store::{CallState, Which};

/// What the fields hold, as it stands in the address.
pub(super) struct Fields<'a> {
    pub state: &'a str,
    pub since: &'a str,
    pub until: &'a str,
    pub number: &'a str,
}

pub(super) fn fields(now: &Fields<'_>) -> Markup {
    html! {
        label { span { "State" } select name="state" {
            @for which in Which::EACH {
                option value=(if which == Which::All { "" } else { which.as_str() })
                    selected[now.state == which.as_str()] { (label(which)) }
            }
        } }
        label { span { "From" } input type="date" name="since" value=(now.since); }
        label { span { "To" } input type="date" name="until" value=(now.until); }
        label { span { "Number" } input type="text" name="number" value=(now.number) inputmode="tel" autocomplete="off" placeholder="Last digits" size="12"; }
    }
}

const fn label(which: Which) -> &'static str {
    match which {
        Which::All => "All",
        Which::Live => state_label(CallState::Live),
        Which::Ended => "Over",
        Which::Finishing => state_label(CallState::Finishing),
        Which::Final => state_label(CallState::Final),
        Which::Empty => state_label(CallState::Empty),
        Which::Failed => state_label(CallState::Failed),
    }
}

/// An address with these values, without the empty ones.
pub(super) fn address(path: &str, values: &[(&str, &str)]) -> String {
    let given = values.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<String> = given
        .map(|(name, value)| format!("{name}={}", escaped(value)))
        .collect();
    if pairs.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", pairs.join("&"))
    }
}

fn escaped(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_what_is_given() {
        assert_eq!(address("/", &[("q", ""), ("cursor", "")]), "/");
        assert_eq!(
            address("/", &[("q", "a \"b\"&ש"), ("cursor", "1.A")]),
            "/?q=a%20%22b%22%26%D7%A9&cursor=1.A"
        );
    }
}
