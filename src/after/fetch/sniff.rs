//! Whether bytes are audio, by how they begin.

/// As many bytes tell.
pub(super) const ENOUGH: usize = 12;

/// WAV, or MP3 with or without its tag. An error page is neither, whatever its type says.
pub(super) fn is_audio(head: &[u8]) -> bool {
    let is_wav = head.len() >= ENOUGH && &head[..4] == b"RIFF" && &head[8..12] == b"WAVE";
    is_wav || head.starts_with(b"ID3") || is_mpeg_frame(head)
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
            (&b"RIFF\x24\0\0\0WAVEfmt "[..], true),
            (b"ID3\x04\0\0\0\0\0\0\0\0", true),
            (b"\xff\xfb\x90\xc4\0\0\0\0", true),
            (b"\xff\xf3\x48\xc4\0\0\0\0", true),
            (b"RIFF\x24\0\0\0AVI LIST", false),
            (b"RIFF", false),
            (b"<!DOCTYPE html><html>", false),
            (b"{\"code\": 20404}", false),
            (b"\xff\xfe<\0h\0t\0m\0", false),
            (b"\xff\xff\xff\xff\xff", false),
            (b"\xff", false),
            (b"", false),
        ] {
            assert_eq!(is_audio(head), expected, "{head:?}");
        }
    }
}
