//! CTranslate2 → ggml, and ggml → quantised ggml. Tensor by tensor: memory is that of the largest.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read},
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    bundle::{self, Bundle},
    ct2::{self, Ct2},
    ggml::{self, Form, Header, Writer},
    layout::{self, Entry},
    mel, vocabulary,
};

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Converted {
    pub header: Header,
    pub matrices: Form,
    pub tensors: usize,
}

/// Why a model cannot be converted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Bundle(#[from] bundle::Error),
    #[error(transparent)]
    Ct2(#[from] ct2::Error),
    #[error(transparent)]
    Vocabulary(#[from] vocabulary::Error),
    #[error("{path}: {source}")]
    Ggml { path: PathBuf, source: ggml::Error },
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path}: {what}")]
    Unfit { path: PathBuf, what: String },
}

/// Converts `inputs` (a folder, wheels, or one ggml file) to `out`, which appears complete or not at all.
/// `progress` hears tensors done and in all.
///
/// # Errors
/// When the input is not a whisper model that whisper.cpp can run, or a file fails.
pub fn convert(
    inputs: &[PathBuf],
    out: &Path,
    matrices: Form,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Converted, Error> {
    let io = |source| Error::Io {
        path: out.to_owned(),
        source,
    };
    let folder = match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let temporary = tempfile::Builder::new()
        .prefix(".converting-")
        .tempfile_in(folder)
        .map_err(io)?;
    let target = Target {
        file: temporary.as_file(),
        path: out,
        matrices,
    };
    let converted = match inputs {
        [file] if is_ggml(file) => quantise(file, &target, progress)?,
        _ => from_ct2(&Bundle::open(inputs, folder)?, &target, progress)?,
    };
    temporary.as_file().sync_all().map_err(io)?;
    readable_by_all(temporary.as_file()).map_err(io)?;
    temporary.persist(out).map_err(|e| io(e.error))?;
    Ok(converted)
}

/// Temporary files are private; a model is as readable as any other file.
fn readable_by_all(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

fn is_ggml(path: &Path) -> bool {
    let mut magic = [0; 4];
    File::open(path).is_ok_and(|mut f| f.read_exact(&mut magic).is_ok()) && magic == *b"lmgg"
}

struct Target<'a> {
    file: &'a File,
    /// For messages.
    path: &'a Path,
    matrices: Form,
}

impl Target<'_> {
    fn failed(&self, source: io::Error) -> Error {
        Error::Io {
            path: self.path.to_owned(),
            source,
        }
    }
}

fn from_ct2(
    bundle: &Bundle,
    target: &Target<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Converted, Error> {
    let model = Ct2::open(&bundle.model)?;
    let header = header(&model, &bundle.model)?;
    if let Some(config) = &bundle.config {
        check_languages(config, &header)?;
    }
    let tokens = vocabulary::read(&bundle.vocabulary, header.multilingual())?;
    let filters = mel::filters(header.mels as usize);
    let out = BufWriter::new(target.file);
    let mut writer = Writer::new(out, &header, target.matrices, &filters, &tokens)
        .map_err(|e| target.failed(e))?;
    let entries = layout::entries(header.audio_layers, header.text_layers);
    for (done, entry) in entries.iter().enumerate() {
        progress(done, entries.len());
        let shape = shape_of(&entry.tensor, &header);
        let form = ggml::form_of(&entry.tensor, &shape, target.matrices);
        let values = values_of(&model, entry, &shape, form)?;
        writer
            .tensor(&entry.tensor, &shape, form, &values)
            .map_err(|e| target.failed(e))?;
    }
    writer.finish().map_err(|e| target.failed(e))?;
    progress(entries.len(), entries.len());
    Ok(Converted {
        header,
        matrices: target.matrices,
        tensors: entries.len(),
    })
}

/// The measures, held against those that whisper.cpp knows.
fn header(model: &Ct2, path: &Path) -> Result<Header, Error> {
    let unfit = |what: String| Error::Unfit {
        path: path.to_owned(),
        what,
    };
    if model.specification != "WhisperSpec" {
        return Err(unfit(format!(
            "a {} model; only WhisperSpec can be converted",
            model.specification
        )));
    }
    let dimension = |name: &str, axis: usize| -> Result<u32, Error> {
        let shape = &model.variable(name)?.shape;
        let size = shape.get(axis).and_then(|&d| u32::try_from(d).ok());
        size.ok_or_else(|| model.unfit(name, format!("has the shape {shape:?}")).into())
    };
    let layers = |side: &str| {
        let there = |n: &u32| model.has(&format!("{side}/layer_{n}/ffn/linear_0/weight"));
        (0u32..)
            .take_while(there)
            .zip(1..)
            .last()
            .map_or(0, |l| l.1)
    };
    let header = Header {
        vocabulary: dimension("decoder/embeddings/weight", 0)?,
        audio_ctx: dimension("encoder/position_encodings/encodings", 0)?,
        audio_state: dimension("encoder/position_encodings/encodings", 1)?,
        audio_heads: model.scalar("encoder/num_heads")?,
        audio_layers: layers("encoder"),
        text_ctx: dimension("decoder/position_encodings/encodings", 0)?,
        text_state: dimension("decoder/position_encodings/encodings", 1)?,
        text_heads: model.scalar("decoder/num_heads")?,
        text_layers: layers("decoder"),
        mels: dimension("encoder/conv1/weight", 1)?,
    };
    for (what, value, known) in [
        ("tokens", header.vocabulary, &[51_864, 51_865, 51_866][..]),
        ("mel bands", header.mels, &[80, 128]),
        ("encoder layers", header.audio_layers, &[4, 6, 12, 24, 32]),
        ("positions of audio", header.audio_ctx, &[1500]),
        (
            "text state, the audio state being its equal",
            header.text_state,
            &[header.audio_state],
        ),
    ] {
        if !known.contains(&value) {
            return Err(unfit(format!(
                "{value} {what}; whisper.cpp knows {known:?}"
            )));
        }
    }
    Ok(header)
}

/// Numbers of languages in `config.json` and vocabulary have to agree: token numbers follow from them.
fn check_languages(path: &Path, header: &Header) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Config {
        #[serde(default)]
        lang_ids: Vec<u32>,
    }
    let unfit = |what: String| Error::Unfit {
        path: path.to_owned(),
        what,
    };
    let text = std::fs::read(path).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })?;
    let config: Config = serde_json::from_slice(&text).map_err(|e| unfit(e.to_string()))?;
    // whisper.cpp, num_languages(): n_vocab − 51765 − 1.
    let expected = header.vocabulary as usize - 51_766 + usize::from(!header.multilingual());
    let found = config.lang_ids.len();
    if header.multilingual() && found != 0 && found != expected {
        return Err(unfit(format!(
            "{found} languages, but {} tokens mean {expected}",
            header.vocabulary
        )));
    }
    Ok(())
}

/// What whisper.cpp wants a tensor's shape to be, outermost first.
fn shape_of(tensor: &str, header: &Header) -> Vec<u32> {
    let state = header.audio_state;
    let inner = 4 * state;
    match tensor {
        "encoder.positional_embedding" => vec![header.audio_ctx, state],
        "decoder.positional_embedding" => vec![header.text_ctx, state],
        "decoder.token_embedding.weight" => vec![header.vocabulary, state],
        "encoder.conv1.weight" => vec![state, header.mels, 3],
        "encoder.conv2.weight" => vec![state, state, 3],
        "encoder.conv1.bias" | "encoder.conv2.bias" => vec![state, 1],
        _ if tensor.ends_with("mlp.0.weight") => vec![inner, state],
        _ if tensor.ends_with("mlp.2.weight") => vec![state, inner],
        _ if tensor.ends_with("mlp.0.bias") => vec![inner],
        _ if tensor.ends_with(".bias") || tensor.contains("ln") => vec![state],
        _ => vec![state, state],
    }
}

fn values_of(model: &Ct2, entry: &Entry, shape: &[u32], form: Form) -> Result<Vec<f32>, Error> {
    let name = &entry.variable;
    let (part, parts) = entry.part;
    let mut expected: Vec<usize> = shape.iter().map(|&d| d as usize).collect();
    if entry.tensor.ends_with(".bias") {
        expected.truncate(1);
    }
    expected[0] *= parts;
    let found = &model.variable(name)?.shape;
    if *found != expected {
        let what = format!("has the shape {found:?}; {expected:?} is expected");
        return Err(model.unfit(name, what).into());
    }
    let mut values = model.values(name)?;
    if parts > 1 {
        let length = values.len() / parts;
        values.drain(..part * length);
        values.truncate(length);
    }
    let most = if form == Form::F32 {
        f32::MAX
    } else {
        65_504.0
    };
    match values.iter().find(|v| v.is_nan() || v.abs() > most) {
        Some(bad) => Err(model
            .unfit(name, format!("holds {bad}, which {form:?} does not"))
            .into()),
        None => Ok(values),
    }
}

fn quantise(
    path: &Path,
    target: &Target<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Converted, Error> {
    let failed = |source| Error::Ggml {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(|e| failed(e.into()))?;
    let mut reader = ggml::Reader::new(BufReader::new(file)).map_err(failed)?;
    let header = reader.header;
    let (filters, tokens) = reader.filters_and_tokens().map_err(failed)?;
    let out = BufWriter::new(target.file);
    let mut writer = Writer::new(out, &header, target.matrices, &filters, &tokens)
        .map_err(|e| target.failed(e))?;
    let total = layout::entries(header.audio_layers, header.text_layers).len();
    let mut tensors = 0;
    while let Some(tensor) = reader.tensor().map_err(failed)? {
        progress(tensors.min(total), total);
        let form = ggml::form_of(&tensor.name, &tensor.shape, target.matrices);
        writer
            .tensor(&tensor.name, &tensor.shape, form, &tensor.values)
            .map_err(|e| target.failed(e))?;
        tensors += 1;
    }
    if tensors != total {
        return Err(Error::Unfit {
            path: path.to_owned(),
            what: format!("{tensors} tensors of {total}: the file is cut short"),
        });
    }
    writer.finish().map_err(|e| target.failed(e))?;
    progress(total, total);
    Ok(Converted {
        header,
        matrices: target.matrices,
        tensors,
    })
}

#[cfg(test)]
pub(super) mod tests;
