//! Sentences that whisper says over no speech: credits and farewells of the films it learned from.

use super::Voice;
use crate::speech::Decoded;

/// Never said on the telephone. A text that is one of these, or begins with one, is invented.
const CREDITS: &[&str] = &[
    "thanks for watching",
    "thank you for watching",
    "thank you so much for watching",
    "please subscribe",
    "like and subscribe",
    "dont forget to subscribe",
    "subtitles by",
    "subtitles by the amaraorg community",
    "transcription by castingwords",
    "captioning by",
    "www",
    "ill see you in the next video",
    "see you in the next video",
    "כתוביות על ידי",
    "תורגם על ידי",
    "תודה שצפיתם",
    "תודה על הצפייה",
    "צפייה מהנה",
    "субтитры сделал",
    "продолжение следует",
    "спасибо за просмотр",
    "sous titres realises par",
    "soustitres réalisés para la communauté damaraorg",
    "merci davoir regardé cette vidéo",
    "untertitel der amaraorg community",
    "untertitel im auftrag des zdf",
    "vielen dank fürs zuschauen",
    "subtítulos realizados por la comunidad de amaraorg",
    "gracias por ver el video",
    "sottotitoli creati dalla comunità amaraorg",
    "legendas pela comunidade amaraorg",
    "اشتركوا في القناة",
    "ترجمة نانسي قنقر",
    "ご視聴ありがとうございました",
];

/// Said on the telephone too: invented where the evidence for speech is weak.
const FAREWELLS: &[&str] = &[
    "you",
    "thank you",
    "thank you very much",
    "thank you so much",
    "thanks",
    "bye",
    "bye bye",
    "byebye",
    "okay",
    "ok",
    "oh",
    "ah",
    "uh",
    "um",
    "hmm",
    "mm",
    "so",
    "yeah",
    "the",
    "i",
    "a",
    "im sorry",
    "silence",
    "music",
    "applause",
    "beep",
    "תודה",
    "תודה רבה",
    "תודה לכם",
    "ביי",
    "אוקיי",
    "כן",
    "спасибо",
    "gracias",
    "merci",
    "danke",
    "vielen dank",
    "شكرا",
];

/// Less voice than this is weak evidence: s.
const SHORT: f32 = 0.5;
/// Voice quieter than this is weak evidence: dBFS.
const QUIET: f32 = -45.0;
/// A no-speech probability over this is weak evidence.
const NO_SPEECH: f32 = 0.35;
/// A mean log probability under this is weak evidence.
const UNSURE: f32 = -0.7;

pub(super) fn invented(words: &[String], decoded: &Decoded, voice: Voice) -> bool {
    let text = words.join(" ");
    let begins = |credit: &&str| {
        text.strip_prefix(*credit)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    if CREDITS.iter().any(begins) {
        return true;
    }
    let weak = voice.dbfs < QUIET && voice.seconds < 2.0 * SHORT
        || decoded.no_speech > NO_SPEECH
        || decoded.avg_logprob < UNSURE
        || voice.seconds < SHORT && decoded.avg_logprob < UNSURE / 2.0;
    weak && FAREWELLS.contains(&text.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::fold;
    use super::*;

    #[test]
    fn phrases_are_written_as_texts_are_folded() {
        for phrase in CREDITS.iter().chain(FAREWELLS) {
            let folded: Vec<String> = phrase.split(' ').map(fold).collect();
            assert_eq!(folded.join(" "), *phrase);
        }
    }
}
