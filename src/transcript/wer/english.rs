//! English as it is written out. After the replacements of Whisper's `EnglishTextNormalizer`.

/// Said while thinking; no words.
const HESITATIONS: [&str; 6] = ["hmm", "mm", "mhm", "mmm", "uh", "um"];

const WHOLE: [(&str, &str); 43] = [
    ("won't", "will not"),
    ("can't", "can not"),
    ("cannot", "can not"),
    ("let's", "let us"),
    ("ain't", "aint"),
    ("y'all", "you all"),
    ("i'ma", "i am going to"),
    ("ma'am", "madam"),
    ("wanna", "want to"),
    ("kinda", "kind of"),
    ("sorta", "sort of"),
    ("dunno", "do not know"),
    ("gotta", "got to"),
    ("gonna", "going to"),
    ("imma", "i am going to"),
    ("woulda", "would have"),
    ("coulda", "could have"),
    ("shoulda", "should have"),
    ("cause", "because"),
    ("okay", "ok"),
    ("mr", "mister"),
    ("mrs", "missus"),
    ("st", "saint"),
    ("dr", "doctor"),
    ("prof", "professor"),
    ("capt", "captain"),
    ("gov", "governor"),
    ("ald", "alderman"),
    ("gen", "general"),
    ("sen", "senator"),
    ("rep", "representative"),
    ("pres", "president"),
    ("rev", "reverend"),
    ("hon", "honorable"),
    ("asst", "assistant"),
    ("assoc", "associate"),
    ("lt", "lieutenant"),
    ("col", "colonel"),
    ("jr", "junior"),
    ("sr", "senior"),
    ("esq", "esquire"),
    ("vs", "versus"),
    ("etc", "et cetera"),
];

/// Contracted ends of words.
const ENDS: [(&str, &str); 8] = [
    ("n't", "not"),
    ("'re", "are"),
    ("'s", "is"),
    ("'d", "would"),
    ("'ll", "will"),
    ("'t", "not"),
    ("'ve", "have"),
    ("'m", "am"),
];

/// Before these `'d` is had and `'s` is has.
const PERFECT: [&str; 2] = ["been", "gone"];

/// Appends the words that `token` stands for; `next` tells some apart.
pub(super) fn expand(token: &str, next: Option<&str>, words: &mut Vec<String>) {
    let mut push = |text: &str| words.extend(text.split_whitespace().map(str::to_owned));
    if HESITATIONS.contains(&token) {
        return;
    }
    if let Some((_, whole)) = WHOLE.iter().find(|(short, _)| *short == token) {
        return push(whole);
    }
    let end = ENDS.iter().find(|(end, _)| token.ends_with(end));
    let Some((end, long)) = end else {
        return push(&token.replace('\'', " "));
    };
    let perfect = next.is_some_and(|next| PERFECT.contains(&next));
    let long = match *end {
        "'d" if perfect || next == Some("done") => "had",
        "'s" if perfect || next == Some("got") => "has",
        _ => long,
    };
    expand(&token[..token.len() - end.len()], None, words);
    words.push(long.to_owned());
}
