//! CTranslate2's vocabulary → the bytes of each token, as ggml files carry them.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Tokens of text that a ggml file lists: those of GPT-2 and the one after, which is empty in
/// multilingual models and the end of text in English ones. whisper.cpp makes up the rest by number.
pub const LISTED: usize = 50_257;

const END_OF_TEXT: &str = "<|endoftext|>";

/// Why a vocabulary cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {source}")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path}: {source}")]
    Json {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{path}: {what}")]
    Unfit { path: PathBuf, what: String },
}

/// Reads `vocabulary.txt` (a token a line) or `vocabulary.json` (a list); gives [`LISTED`] tokens.
///
/// # Errors
/// When the file cannot be read or is not that of a whisper model.
pub fn read(path: &Path, multilingual: bool) -> Result<Vec<Vec<u8>>, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })?;
    let tokens: Vec<String> = if path.extension().is_some_and(|e| e == "json") {
        serde_json::from_str(&text).map_err(|source| Error::Json {
            path: path.to_owned(),
            source,
        })?
    } else {
        text.split('\n').map(str::to_owned).collect()
    };
    listed(&tokens, multilingual).map_err(|what| Error::Unfit {
        path: path.to_owned(),
        what,
    })
}

fn listed(tokens: &[String], multilingual: bool) -> Result<Vec<Vec<u8>>, String> {
    let end = if multilingual { LISTED } else { LISTED - 1 };
    match tokens.get(end) {
        Some(token) if token == END_OF_TEXT => {}
        Some(token) => {
            return Err(format!(
                "token {end} is {token:?}; whisper has {END_OF_TEXT} there"
            ));
        }
        None => {
            return Err(format!(
                "{} tokens; whisper has at least {}",
                tokens.len(),
                end + 1
            ));
        }
    }
    tokens[..LISTED]
        .iter()
        .enumerate()
        .map(|(i, token)| {
            bytes(token).ok_or_else(|| format!("token {i}, {token:?}, is not byte-level BPE"))
        })
        .collect()
}

fn bytes(token: &str) -> Option<Vec<u8>> {
    if token == END_OF_TEXT {
        return Some(token.as_bytes().to_vec());
    }
    token.chars().map(byte).collect()
}

/// GPT-2's byte-level alphabet (`bytes_to_unicode` in openai/gpt-2): printable Latin-1 stands for itself,
/// the other 68 bytes are U+0100 and on, in order.
fn byte(letter: char) -> Option<u8> {
    let printable = |b: u8| matches!(b, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    match u32::from(letter) {
        code @ 0..0x100 => u8::try_from(code).ok().filter(|&b| printable(b)),
        code => (0..=u8::MAX)
            .filter(|&b| !printable(b))
            .nth(usize::try_from(code - 0x100).ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_has_a_letter_for_every_byte() {
        let mut seen: Vec<u8> = (0..0x200)
            .filter_map(char::from_u32)
            .filter_map(byte)
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..=u8::MAX).collect::<Vec<_>>());
        for (letter, expected) in [
            ('A', b'A'),
            ('Ġ', b' '),
            ('Ċ', b'\n'),
            ('Ā', 0),
            ('Ń', 0xad),
        ] {
            assert_eq!(byte(letter), Some(expected), "{letter}");
        }
        assert_eq!(byte(' '), None);
        assert_eq!(byte('語'), None);
    }

    fn tokens(end: usize) -> Vec<String> {
        let mut tokens: Vec<String> = (0..end).map(|i| format!("t{i}")).collect();
        tokens.push(END_OF_TEXT.into());
        tokens.extend((0..10).map(|i| format!("<|{i}|>")));
        tokens
    }

    #[test]
    fn lists_the_text_tokens_of_both_kinds_of_model() {
        let english = listed(&tokens(LISTED - 1), false).unwrap();
        assert_eq!(english.len(), LISTED);
        assert_eq!(english[LISTED - 1], END_OF_TEXT.as_bytes());
        let mut multilingual = tokens(LISTED);
        multilingual[LISTED - 1] = String::new();
        multilingual[7] = "Ġה".chars().take(1).chain("×Ķ".chars()).collect();
        let multilingual = listed(&multilingual, true).unwrap();
        assert_eq!(multilingual.len(), LISTED);
        assert_eq!(multilingual[LISTED - 1], b"");
        assert_eq!(multilingual[7], " ה".as_bytes());
    }

    #[test]
    fn refuses_what_is_not_whispers() {
        let refused = |tokens: &[String], multilingual| listed(tokens, multilingual).unwrap_err();
        assert_eq!(
            refused(&tokens(100), true),
            "111 tokens; whisper has at least 50258"
        );
        assert_eq!(
            refused(&tokens(LISTED), false),
            "token 50256 is \"t50256\"; whisper has <|endoftext|> there"
        );
        let mut odd = tokens(LISTED);
        odd[3] = "two words".into();
        assert_eq!(
            refused(&odd, true),
            "token 3, \"two words\", is not byte-level BPE"
        );
    }
}
