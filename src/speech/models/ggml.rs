//! whisper.cpp's model file: hyperparameters, mel filters, tokens, tensors, all little-endian
//! (`whisper_model_load` in `whisper.cpp`; `models/convert-pt-to-ggml.py` writes it).

use std::io::{self, Read, Write};

use super::{half, quantize};

mod read;
pub use read::{Error, Reader, Tensor};

/// "ggml" as a number.
const MAGIC: u32 = 0x6767_6d6c;
/// `GGML_QNT_VERSION` · `GGML_QNT_VERSION_FACTOR`: added to the file type of quantised files.
const QUANTISED: u32 = 2000;

/// How the values of a tensor are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    F32,
    F16,
    Q5_0,
    Q5_1,
    Q8_0,
}

impl Form {
    const ALL: [Self; 5] = [Self::F32, Self::F16, Self::Q5_0, Self::Q5_1, Self::Q8_0];

    /// `ggml_type`.
    const fn id(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q5_0 => 6,
            Self::Q5_1 => 7,
            Self::Q8_0 => 8,
        }
    }

    /// `ggml_ftype` of a file whose matrices are of this form, with the version of quantisation.
    const fn file_type(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q5_0 => 8 + QUANTISED,
            Self::Q5_1 => 9 + QUANTISED,
            Self::Q8_0 => 7 + QUANTISED,
        }
    }

    /// Values and bytes of the smallest unit.
    #[must_use]
    pub const fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 => (1, 2),
            Self::Q5_0 => (quantize::BLOCK, 22),
            Self::Q5_1 => (quantize::BLOCK, 24),
            Self::Q8_0 => (quantize::BLOCK, 34),
        }
    }

    fn encode(self, values: &[f32], out: &mut Vec<u8>) {
        match self {
            Self::F32 => out.extend(values.iter().flat_map(|v| v.to_le_bytes())),
            Self::F16 => out.extend(values.iter().flat_map(|&v| half::from_f32(v).to_le_bytes())),
            Self::Q5_0 => quantize::q5_0(values, out),
            Self::Q5_1 => quantize::q5_1(values, out),
            Self::Q8_0 => quantize::q8_0(values, out),
        }
    }
}

/// The model's measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub vocabulary: u32,
    pub audio_ctx: u32,
    pub audio_state: u32,
    pub audio_heads: u32,
    pub audio_layers: u32,
    pub text_ctx: u32,
    pub text_state: u32,
    pub text_heads: u32,
    pub text_layers: u32,
    pub mels: u32,
}

impl Header {
    const fn fields(&self) -> [u32; 10] {
        [
            self.vocabulary,
            self.audio_ctx,
            self.audio_state,
            self.audio_heads,
            self.audio_layers,
            self.text_ctx,
            self.text_state,
            self.text_heads,
            self.text_layers,
            self.mels,
        ]
    }

    /// whisper.cpp tells the kinds apart by the size of the vocabulary.
    #[must_use]
    pub const fn multilingual(&self) -> bool {
        self.vocabulary >= 51_865
    }
}

/// Which form a tensor takes in a file whose matrices are of `matrices`: whisper.cpp computes with biases,
/// norms and positions in full, and with convolutions in half precision at least.
#[must_use]
pub fn form_of(name: &str, shape: &[u32], matrices: Form) -> Form {
    let full = shape.len() < 2
        || name.ends_with("positional_embedding")
        || matches!(name, "encoder.conv1.bias" | "encoder.conv2.bias");
    match (full, shape.len()) {
        (true, _) => Form::F32,
        (false, 3..) if matrices != Form::F32 => Form::F16,
        _ => matrices,
    }
}

/// Writes a model file, tensor by tensor.
pub struct Writer<W> {
    out: W,
    scratch: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// `filters`: `mels` rows; `tokens`: by number.
    ///
    /// # Errors
    /// Of `out`.
    pub fn new(
        mut out: W,
        header: &Header,
        matrices: Form,
        filters: &[f32],
        tokens: &[Vec<u8>],
    ) -> io::Result<Self> {
        let mut head = MAGIC.to_le_bytes().to_vec();
        head.extend(header.fields().iter().flat_map(|f| f.to_le_bytes()));
        head.extend(matrices.file_type().to_le_bytes());
        head.extend(header.mels.to_le_bytes());
        head.extend(length(filters.len() / header.mels.max(1) as usize)?);
        head.extend(filters.iter().flat_map(|f| f.to_le_bytes()));
        head.extend(length(tokens.len())?);
        for token in tokens {
            head.extend(length(token.len())?);
            head.extend(token);
        }
        out.write_all(&head)?;
        Ok(Self {
            out,
            scratch: Vec::new(),
        })
    }

    /// `shape`: outermost first, as in PyTorch; the file has it the other way round.
    ///
    /// # Errors
    /// Of the output; or `InvalidInput` when rows do not divide into the form's blocks.
    pub fn tensor(
        &mut self,
        name: &str,
        shape: &[u32],
        form: Form,
        values: &[f32],
    ) -> io::Result<()> {
        let row = shape.last().map_or(1, |&d| d as usize);
        if !row.is_multiple_of(form.block().0) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{name}: rows of {row} do not divide into blocks of {form:?}"),
            ));
        }
        let out = &mut self.scratch;
        out.clear();
        out.extend(length(shape.len())?);
        out.extend(length(name.len())?);
        out.extend(form.id().to_le_bytes());
        out.extend(shape.iter().rev().flat_map(|d| d.to_le_bytes()));
        out.extend(name.as_bytes());
        form.encode(values, out);
        self.out.write_all(out)
    }

    /// # Errors
    /// Of the output.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

fn length(n: usize) -> io::Result<[u8; 4]> {
    u32::try_from(n)
        .map(u32::to_le_bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("a length of {n}")))
}

#[cfg(test)]
mod tests;
