//! [`Engine`] on whisper.cpp. One context of weights, one thread and one state per session: several
//! sessions of one thread do more than one session of several, because ggml spins at its barriers.
//!
//! What whisper.cpp gets wrong is answered here: the no-speech probability is computed anew (its own
//! reads the wrong row of logits), clips are padded to a second (shorter ones are read past their end),
//! NaN is silenced, languages are set once a session (each setting leaks), and a window is always one
//! segment, so that one call costs one run of the encoder.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::{Arc, Once},
};

use sha2::{Digest, Sha256};
use whisper_rs::{
    DtwMode, DtwModelPreset, DtwParameters, WhisperContext, WhisperContextParameters,
};

use super::{Engine, EngineError, ModelInfo, Session};

mod session;
mod words;

/// Frames of the encoder at full context: 30 s, 20 ms each.
pub const FULL_AUDIO_CTX: u32 = 1500;

/// Loaded whisper weights.
pub struct Whisper {
    context: Arc<WhisperContext>,
    model: ModelInfo,
}

impl Whisper {
    /// Loads a ggml model file; `name` is what transcripts will call it.
    ///
    /// # Errors
    /// When the file is missing, unreadable, or no ggml model.
    pub fn load(name: &str, path: &Path) -> Result<Self, EngineError> {
        static QUIET: Once = Once::new();
        QUIET.call_once(whisper_rs::install_logging_hooks);
        let load = |why: String| EngineError::Load {
            path: path.display().to_string(),
            why,
        };
        let header = Header::read(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => EngineError::Missing {
                name: name.to_owned(),
                path: path.display().to_string(),
            },
            io::ErrorKind::InvalidData => load("it is no ggml model file".into()),
            _ => load(error.to_string()),
        })?;
        let mut parameters = WhisperContextParameters::new();
        parameters.dtw_parameters(DtwParameters {
            mode: header.alignment_heads(),
            ..DtwParameters::default()
        });
        let context = WhisperContext::new_with_params(path, parameters)
            .map_err(|error| load(error.to_string()))?;
        let model = ModelInfo {
            name: name.to_owned(),
            sha256: header.sha256,
            multilingual: context.is_multilingual(),
        };
        Ok(Self {
            context: Arc::new(context),
            model,
        })
    }
}

impl Engine for Whisper {
    fn session(&self) -> Result<Box<dyn Session>, EngineError> {
        Ok(Box::new(session::WhisperSession::new(
            Arc::clone(&self.context),
            &self.model,
        )?))
    }

    fn model(&self) -> &ModelInfo {
        &self.model
    }
}

/// The numbers at the head of a ggml model file that say which whisper it is.
struct Header {
    sha256: String,
    vocabulary: u32,
    audio_layers: u32,
    text_layers: u32,
}

impl Header {
    /// Reads the whole file, for its hash; `InvalidData` when it does not begin as a ggml model does.
    fn read(path: &Path) -> io::Result<Self> {
        const GGML_MAGIC: u32 = 0x6767_6d6c;
        let mut file = File::open(path)?;
        let mut head = [0; 12 * 4];
        file.read_exact(&mut head)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        let number = |at: usize| {
            let bytes = &head[at * 4..at * 4 + 4];
            u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
        };
        if number(0) != GGML_MAGIC {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut hasher = Sha256::new_with_prefix(head);
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => hasher.update(&buffer[..read]),
            }
        }
        let hex = |byte: &u8| format!("{byte:02x}");
        Ok(Self {
            sha256: hasher.finalize().iter().map(hex).collect(),
            vocabulary: number(1),
            audio_layers: number(5),
            text_layers: number(9),
        })
    }

    /// The attention heads whose gaze follows the audio: word times come from them. Known for each
    /// published size; fine-tuned models keep those of what they were tuned from, and the last layer
    /// stands in for the rest.
    fn alignment_heads(&self) -> DtwMode<'static> {
        let english = self.vocabulary < 51_865;
        let model_preset = match (self.audio_layers, self.text_layers) {
            (4, 4) if english => DtwModelPreset::TinyEn,
            (4, 4) => DtwModelPreset::Tiny,
            (6, 6) if english => DtwModelPreset::BaseEn,
            (6, 6) => DtwModelPreset::Base,
            (12, 12) if english => DtwModelPreset::SmallEn,
            (12, 12) => DtwModelPreset::Small,
            (24, 24) if english => DtwModelPreset::MediumEn,
            (24, 24) => DtwModelPreset::Medium,
            (32, 4) => DtwModelPreset::LargeV3Turbo,
            (32, 32) if self.vocabulary > 51_865 => DtwModelPreset::LargeV3,
            (32, 32) => DtwModelPreset::LargeV2,
            _ => return DtwMode::TopMost { n_top: 1 },
        };
        DtwMode::ModelPreset { model_preset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_model_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let error = |path: &Path| match Whisper::load("base", path) {
            Ok(_) => panic!("it loaded"),
            Err(error) => error.to_string(),
        };
        let missing = error(&dir.path().join("none.bin"));
        assert!(missing.contains("callscribe models pull base"), "{missing}");
        for junk in [&b""[..], b"lmgg", &[0; 100]] {
            let path = dir.path().join("junk.bin");
            std::fs::write(&path, junk).unwrap();
            let error = error(&path);
            assert!(error.contains("no ggml model"), "{error}");
        }
    }
}
