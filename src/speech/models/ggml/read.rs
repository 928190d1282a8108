//! Reader of whisper.cpp's model file: to quantise one, and to know what a file of unknown origin is.

use super::{Form, Header, MAGIC, QUANTISED, Read, half, io};

const MAX_TOKENS: u32 = 1_000_000;
const MAX_TOKEN: u32 = 4096;
const MAX_NAME: u32 = 256;
const MAX_VALUES: u32 = 1 << 30;
const MAX_FILTERS: u32 = 1 << 20;

/// Why a file is not a model that whisper.cpp can load.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("not a ggml whisper model: {0}")]
    Malformed(String),
}

/// Reads a model file from its start to its end.
pub struct Reader<R> {
    input: R,
    pub header: Header,
    /// The form of the matrices.
    pub matrices: Form,
}

/// A tensor, in single precision.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    pub name: String,
    /// Outermost first.
    pub shape: Vec<u32>,
    pub values: Vec<f32>,
}

impl<R: Read> Reader<R> {
    /// Reads the head.
    ///
    /// # Errors
    /// When it is not the head of a whisper model, or the input fails.
    pub fn new(mut input: R) -> Result<Self, Error> {
        let magic = u32_of(&mut input)?;
        if magic != MAGIC {
            return Err(Error::Malformed(format!("it begins with {magic:#010x}")));
        }
        let mut fields = [0; 10];
        for field in &mut fields {
            *field = u32_of(&mut input)?;
        }
        let file_type = u32_of(&mut input)?;
        let Some(matrices) = Form::ALL.into_iter().find(|f| {
            f.file_type() == file_type || f.file_type().checked_sub(QUANTISED) == Some(file_type)
        }) else {
            return Err(Error::Malformed(format!("file type {file_type}")));
        };
        let [
            vocabulary,
            audio_ctx,
            audio_state,
            audio_heads,
            audio_layers,
            text_ctx,
            text_state,
            text_heads,
            text_layers,
            mels,
        ] = fields;
        Ok(Self {
            input,
            header: Header {
                vocabulary,
                audio_ctx,
                audio_state,
                audio_heads,
                audio_layers,
                text_ctx,
                text_state,
                text_heads,
                text_layers,
                mels,
            },
            matrices,
        })
    }

    /// Mel filters and tokens; comes once, before the tensors.
    ///
    /// # Errors
    /// When they are malformed, or the input fails.
    pub fn filters_and_tokens(&mut self) -> Result<(Vec<f32>, Vec<Vec<u8>>), Error> {
        let bands = u32_of(&mut self.input)?;
        let bins = u32_of(&mut self.input)?;
        let count = within("mel filters", bands.saturating_mul(bins), MAX_FILTERS)?;
        let filters = singles(&bytes_of(&mut self.input, count * 4)?);
        let tokens = within("tokens", u32_of(&mut self.input)?, MAX_TOKENS)?;
        let tokens = (0..tokens)
            .map(|_| {
                let length = within("bytes of a token", u32_of(&mut self.input)?, MAX_TOKEN)?;
                bytes_of(&mut self.input, length)
            })
            .collect::<Result<_, _>>()?;
        Ok((filters, tokens))
    }

    /// The next tensor, `None` after the last.
    ///
    /// # Errors
    /// When it is malformed, quantised already, or the input fails.
    pub fn tensor(&mut self) -> Result<Option<Tensor>, Error> {
        let mut first = [0];
        if self.input.read(&mut first)? == 0 {
            return Ok(None);
        }
        let mut rest = [0; 3];
        self.input.read_exact(&mut rest)?;
        let rank = within(
            "dimensions",
            u32::from_le_bytes([first[0], rest[0], rest[1], rest[2]]),
            4,
        )?;
        let name_length = within("bytes of a name", u32_of(&mut self.input)?, MAX_NAME)?;
        let form = u32_of(&mut self.input)?;
        let mut shape = (0..rank)
            .map(|_| u32_of(&mut self.input))
            .collect::<Result<Vec<_>, _>>()?;
        shape.reverse();
        let name = String::from_utf8(bytes_of(&mut self.input, name_length)?)
            .map_err(|_| Error::Malformed("a name is not UTF-8".into()))?;
        let count = shape.iter().fold(1u32, |n, &d| n.saturating_mul(d));
        let count = within(&name, count, MAX_VALUES)?;
        let values = match form {
            0 => singles(&bytes_of(&mut self.input, count * 4)?),
            1 => halves(&bytes_of(&mut self.input, count * 2)?),
            other => {
                return Err(Error::Malformed(format!(
                    "{name} is of type {other}; only f32 and f16 can be quantised"
                )));
            }
        };
        Ok(Some(Tensor {
            name,
            shape,
            values,
        }))
    }
}

fn within(what: &str, value: u32, most: u32) -> Result<usize, Error> {
    if value > most {
        return Err(Error::Malformed(format!("{what}: {value}")));
    }
    Ok(value as usize)
}

fn u32_of(input: &mut impl Read) -> Result<u32, Error> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

/// Grows as bytes arrive, so that a length that lies costs nothing.
fn bytes_of(input: &mut impl Read, length: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    input.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(bytes)
}

fn singles(bytes: &[u8]) -> Vec<f32> {
    let chunks = bytes.as_chunks().0.iter();
    chunks.map(|&b: &[u8; 4]| f32::from_le_bytes(b)).collect()
}

fn halves(bytes: &[u8]) -> Vec<f32> {
    let chunks = bytes.as_chunks().0.iter();
    chunks
        .map(|&b: &[u8; 2]| half::to_f32(u16::from_le_bytes(b)))
        .collect()
}
