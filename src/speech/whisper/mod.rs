//! [`Engine`] on whisper.cpp. One context of weights, one thread and one state per session: several
//! sessions of one thread do more than one session of several, because ggml spins at its barriers.
//!
//! What whisper.cpp gets wrong is answered here: the no-speech probability is computed anew (its own
//! reads the wrong row of logits), clips are padded to a second (shorter ones are read past their end),
//! NaN is silenced, languages are set once a session (each setting leaks), and a window is always one
//! segment, so that one call costs one run of the encoder.

use std::{
    fs::File,
    io::BufReader,
    sync::{Arc, Once},
};

use whisper_rs::{
    DtwMode, DtwModelPreset, DtwParameters, WhisperContext, WhisperContextParameters,
};

use super::{
    Engine, EngineError, ModelInfo, Session,
    models::{ModelFile, ggml},
};

mod blocks;
mod ends;
mod one_thread;
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
    /// Loads the weights of a model that [`find`](super::models::find) found.
    ///
    /// # Errors
    /// When the file is unreadable or no whisper model.
    pub fn load(file: &ModelFile) -> Result<Self, EngineError> {
        static QUIET: Once = Once::new();
        QUIET.call_once(|| {
            whisper_rs::install_logging_hooks();
            blocks::go_back();
            // The linker may leave out what Rust alone never calls.
            std::hint::black_box(one_thread::__wrap_ggml_backend_init_by_type as *const ());
        });
        let load = |why: &dyn std::fmt::Display| EngineError::Load {
            path: file.path.display().to_string(),
            why: why.to_string(),
        };
        let opened = File::open(&file.path).map_err(|error| load(&error))?;
        let reader = ggml::Reader::new(BufReader::new(opened)).map_err(|error| load(&error))?;
        let mut parameters = WhisperContextParameters::new();
        parameters.dtw_parameters(DtwParameters {
            mode: alignment_heads(&reader.header),
            ..DtwParameters::default()
        });
        let context = WhisperContext::new_with_params(&file.path, parameters)
            .map_err(|error| load(&error))?;
        let model = ModelInfo {
            name: file.name.clone(),
            sha256: file.sha256.clone(),
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

/// The attention heads whose gaze follows the audio: word times come from them. Known for each
/// published size; fine-tuned models keep those of what they were tuned from, and the last layer
/// stands in for the rest.
fn alignment_heads(header: &ggml::Header) -> DtwMode<'static> {
    let english = !header.multilingual();
    let model_preset = match (header.audio_layers, header.text_layers) {
        (4, 4) if english => DtwModelPreset::TinyEn,
        (4, 4) => DtwModelPreset::Tiny,
        (6, 6) if english => DtwModelPreset::BaseEn,
        (6, 6) => DtwModelPreset::Base,
        (12, 12) if english => DtwModelPreset::SmallEn,
        (12, 12) => DtwModelPreset::Small,
        (24, 24) if english => DtwModelPreset::MediumEn,
        (24, 24) => DtwModelPreset::Medium,
        (32, 4) => DtwModelPreset::LargeV3Turbo,
        (32, 32) if header.vocabulary > 51_865 => DtwModelPreset::LargeV3,
        (32, 32) => DtwModelPreset::LargeV2,
        _ => return DtwMode::TopMost { n_top: 1 },
    };
    DtwMode::ModelPreset { model_preset }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_model_says_so() {
        let dir = tempfile::tempdir().unwrap();
        for junk in [&b""[..], b"lmgg", &[0; 100]] {
            let path = dir.path().join("junk.bin");
            std::fs::write(&path, junk).unwrap();
            let file = ModelFile {
                name: "junk".into(),
                path,
                sha256: String::new(),
                multilingual: true,
            };
            match Whisper::load(&file) {
                Err(EngineError::Load { path, .. }) => assert!(path.ends_with("junk.bin")),
                Err(error) => panic!("{error}"),
                Ok(_) => panic!("it loaded"),
            }
        }
    }
}
