//! A text as the words that are compared: lower case, without punctuation, marks and hesitations,
//! contractions written out and numbers in digits. After Whisper's `EnglishTextNormalizer`, but for British
//! spellings, currencies before their number, and numbers that follow each other, which are one here
//! however they are written. Other languages lose what is no letter, mark or digit.

use unicode_normalization::{
    UnicodeNormalization,
    char::{canonical_combining_class, is_combining_mark},
};

use super::{english, numbers};

/// The words of a text.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let tokens = tokens(&fold(&without_brackets(text)));
    let mut words = Vec::with_capacity(tokens.len());
    for (n, token) in tokens.iter().enumerate() {
        english::expand(token, tokens.get(n + 1).map(String::as_str), &mut words);
    }
    numbers::in_digits(&words)
}

/// What stands in brackets is no speech: `[music]`, `(laughs)`.
fn without_brackets(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find(['[', '(', '<']) {
        let close = match rest.as_bytes()[open] {
            b'[' => ']',
            b'(' => ')',
            _ => '>',
        };
        let Some(len) = rest[open..].find(close) else {
            break;
        };
        kept.push_str(&rest[..open]);
        kept.push(' ');
        rest = &rest[open + len + 1..];
    }
    kept + rest
}

/// Lower case, compatible forms made one, accents and vowel points off. Marks of combining class under 10
/// stay: in the scripts of India they are vowels, and a word is another without them.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| canonical_combining_class(*c) < 10) {
        match c {
            '’' | '‘' | 'ʼ' | '`' => folded.push('\''),
            'ß' | 'ẞ' => folded.push_str("ss"),
            'œ' | 'Œ' => folded.push_str("oe"),
            'æ' | 'Æ' => folded.push_str("ae"),
            'ø' | 'Ø' => folded.push('o'),
            'ð' | 'Ð' | 'đ' | 'Đ' => folded.push('d'),
            'þ' | 'Þ' => folded.push_str("th"),
            'ł' | 'Ł' => folded.push('l'),
            c => folded.extend(
                c.to_lowercase()
                    .filter(|c| canonical_combining_class(*c) < 10),
            ),
        }
    }
    folded
}

/// Letters, marks and digits that stand together. Apostrophes stay within a word, points within a number,
/// currencies before one; letters and digits part, but for `21st` and `1960s`.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let at = |n: usize| chars.get(n).copied().unwrap_or(' ');
    let mut tokens = Vec::new();
    let mut token = String::new();
    for (n, &c) in chars.iter().enumerate() {
        let (before, after) = (if n > 0 { at(n - 1) } else { ' ' }, at(n + 1));
        let digits = before.is_numeric() && after.is_numeric();
        match c {
            _ if is_word(c) => {
                if parts(&token, c, &chars[n..]) {
                    tokens.push(std::mem::take(&mut token));
                }
                token.push(c);
            }
            '\'' | '"' | '׳' | '״' if is_hebrew(before) => {}
            '\'' if is_word(before) && is_word(after) => token.push(c),
            '.' if digits => token.push(c),
            ',' if digits => {}
            _ => {
                tokens.push(std::mem::take(&mut token));
                match c {
                    '$' | '£' | '€' if after.is_numeric() => token.push(c),
                    '%' => tokens.push("percent".into()),
                    _ => {}
                }
            }
        }
    }
    tokens.push(token);
    tokens.retain(|token| !token.is_empty());
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// Whose abbreviations have quotes in them.
fn is_hebrew(c: char) -> bool {
    ('א'..='ת').contains(&c)
}

/// Whether a new token begins between a letter and a digit.
fn parts(token: &str, c: char, rest: &[char]) -> bool {
    let Some(last) = token.chars().next_back() else {
        return false;
    };
    if last.is_alphabetic() && c.is_numeric() {
        return true;
    }
    if !(last.is_numeric() && c.is_alphabetic()) {
        return false;
    }
    let suffix: String = rest.iter().take_while(|c| is_word(**c)).collect();
    !["st", "nd", "rd", "th", "s"].contains(&suffix.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_words() {
        for (text, expected) in [
            ("", ""),
            (" -- ?! ", ""),
            ("Hello, World!", "hello world"),
            ("well-known e.g. this", "well known e g this"),
            ("[music] so (laughs) it <noise> goes", "so it goes"),
            ("an (open bracket", "an open bracket"),
            ("Um, hmm, uh: yes", "yes"),
            // contractions
            ("It's fine, isn't it?", "it is fine is not it"),
            ("it’s 'quoted' words'", "it is quoted words"),
            (
                "can't cannot won't let's",
                "can not can not will not let us",
            ),
            (
                "he'd been, he'd go; she's gone",
                "he had been he would go she has gone",
            ),
            ("they shouldn't've", "they should not have"),
            ("gonna wanna dunno", "going to want to do not know"),
            ("Mr. Hale and Dr. Who", "mister hale and doctor who"),
            ("rock 'n' roll o'clock", "rock n roll o clock"),
            // symbols, letters and digits
            ("5pm, the 21st, 1960s, A4", "5 pm the 21st 1960s a 4"),
            ("1,000.50 at 20%", "1000.50 at 20 percent"),
            ("$5 or five dollars", "5 dollars or 5 dollars"),
            ("$2.5 million", "2500000 dollars"),
            // scripts
            ("Café naïve ŒUVRE Straße", "cafe naive oeuvre strasse"),
            ("שָׁלוֹם, עוֹלָם!", "שלום עולם"),
            ("צה״ל או צה\"ל; ג׳ירפה ג'ירפה", "צהל או צהל גירפה גירפה"),
            ("בית־ספר", "בית ספר"),
            ("Привет, мир.", "привет мир"),
            ("नमस्ते दुनिया।", "नमस्ते दुनिया"),
            ("مَرْحَبًا", "مرحبا"),
            ("ＡＢＣ ½", "abc 12"),
        ] {
            let expected: Vec<&str> = expected.split_whitespace().collect();
            assert_eq!(words(text), expected, "{text}");
        }
    }
}
