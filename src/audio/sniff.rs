//! Whether bytes are audio, and of which kind, by how they begin; a name is anybody's.

/// As many bytes tell.
pub const ENOUGH: usize = 12;

/// What a file is by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Wav,
    Mp3,
    /// AAC without a container.
    Aac,
    /// M4A and its like.
    Mp4,
    /// Opus, Vorbis or FLAC in Ogg.
    Ogg,
    Flac,
    /// And Matroska.
    Webm,
}

impl Kind {
    /// The usual ending of such a file's name.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Wav => ".wav",
            Self::Mp3 => ".mp3",
            Self::Aac => ".aac",
            Self::Mp4 => ".m4a",
            Self::Ogg => ".ogg",
            Self::Flac => ".flac",
            Self::Webm => ".webm",
        }
    }
}

/// The kind; `None` for what is no audio. An error page is none, whatever its type says.
#[must_use]
pub fn kind(head: &[u8]) -> Option<Kind> {
    let at = |place: usize, text: &[u8]| head.get(place..).is_some_and(|h| h.starts_with(text));
    let is_wav = (at(0, b"RIFF") || at(0, b"RF64")) && at(8, b"WAVE");
    Some(match () {
        () if is_wav => Kind::Wav,
        () if at(0, b"ID3") => Kind::Mp3,
        () if at(4, b"ftyp") => Kind::Mp4,
        () if at(0, b"OggS") => Kind::Ogg,
        () if at(0, b"fLaC") => Kind::Flac,
        () if at(0, b"\x1a\x45\xdf\xa3") => Kind::Webm,
        () if is_adts(head) => Kind::Aac,
        () if is_mpeg_frame(head) => Kind::Mp3,
        () => return None,
    })
}

/// Twelve bits set, layer 0, a sample rate that exists.
const fn is_adts(head: &[u8]) -> bool {
    let [first, second, third, ..] = head else {
        return false;
    };
    *first == 0xff && *second & 0xf6 == 0xf0 && *third >> 2 & 15 < 13
}

/// Eleven bits set, then a layer, a bit rate and a sample rate that exist.
const fn is_mpeg_frame(head: &[u8]) -> bool {
    let [first, second, third, ..] = head else {
        return false;
    };
    let layer = *second >> 1 & 3;
    let version = *second >> 3 & 3;
    *first == 0xff
        && *second >> 5 == 7
        && layer != 0
        && version != 1
        && *third >> 4 != 15
        && *third >> 2 & 3 != 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_by_example() {
        for (head, expected) in [
            (&b"RIFF\x24\0\0\0WAVEfmt "[..], Some(Kind::Wav)),
            (b"RF64\xff\xff\xff\xffWAVEds64", Some(Kind::Wav)),
            (b"ID3\x04\0\0\0\0\0\0\0\0", Some(Kind::Mp3)),
            (b"\xff\xfb\x90\xc4\0\0\0\0", Some(Kind::Mp3)),
            (b"\xff\xf3\x48\xc4\0\0\0\0", Some(Kind::Mp3)),
            (b"\xff\xf1\x4c\x80\0\0\0\0", Some(Kind::Aac)),
            (b"\0\0\0\x1cftypM4A \0\0", Some(Kind::Mp4)),
            (b"OggS\0\x02\0\0", Some(Kind::Ogg)),
            (b"fLaC\0\0\0\x22", Some(Kind::Flac)),
            (b"\x1a\x45\xdf\xa3\x9f\x42", Some(Kind::Webm)),
            (b"RIFF\x24\0\0\0AVI LIST", None),
            (b"RIFF", None),
            (b"<!DOCTYPE html><html>", None),
            (b"{\"code\": 20404}", None),
            (b"%PDF-1.7\n", None),
            (b"\xff\xfe<\0h\0t\0m\0", None),
            (b"\xff\xff\xff\xff\xff", None),
            (b"\xff", None),
            (b"", None),
        ] {
            assert_eq!(kind(head), expected, "{head:?}");
        }
    }
}
