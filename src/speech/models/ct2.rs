//! Reader of CTranslate2's `model.bin` (binary versions 4 to 6): a table of named variables. Only the
//! table is held; values are read when asked for, so that memory is that of the largest variable.
//!
//! Layout, little-endian (`python/ctranslate2/specs/model_spec.py`, `_serialize`): u32 version, string
//! specification, u32 revision, u32 count, variables, u32 count, aliases. A variable is its name, u8
//! rank, u32 dimensions, u8 type, u32 bytes, values. A string is u16 length, text, NUL.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::half;

mod table;

/// An open `model.bin`.
#[derive(Debug)]
pub struct Ct2 {
    path: PathBuf,
    file: File,
    /// "WhisperSpec" for the models that this is for.
    pub specification: String,
    variables: BTreeMap<String, Variable>,
    aliases: BTreeMap<String, String>,
}

/// Where a variable's values lie and what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Outermost first; empty for a scalar.
    pub shape: Vec<usize>,
    pub kind: Kind,
    /// In the file, of the first value.
    offset: u64,
    count: usize,
}

/// `DataType` in CTranslate2's `types.h`, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Float32,
    Int8,
    Int16,
    Int32,
    Float16,
    Bfloat16,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Float32,
        Self::Int8,
        Self::Int16,
        Self::Int32,
        Self::Float16,
        Self::Bfloat16,
    ];

    /// Of one value.
    const fn bytes(self) -> usize {
        match self {
            Self::Int8 => 1,
            Self::Int16 | Self::Float16 | Self::Bfloat16 => 2,
            Self::Float32 | Self::Int32 => 4,
        }
    }
}

/// What is wrong with a `model.bin`, and where.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path}: at byte {at}: {what}")]
    Malformed {
        path: PathBuf,
        at: u64,
        what: String,
    },
    #[error("{path}: no variable {name}")]
    Missing { path: PathBuf, name: String },
    #[error("{path}: variable {name} {what}")]
    Unfit {
        path: PathBuf,
        name: String,
        what: String,
    },
}

impl Ct2 {
    /// Reads the table.
    ///
    /// # Errors
    /// When the file cannot be read, or is not a complete CTranslate2 model.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Io {
            path: path.to_owned(),
            source,
        };
        let mut file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let table =
            table::read(&mut io::BufReader::new(&mut file), length).map_err(|fault| match fault
                .what
            {
                table::Fault::Io(source) => io(source),
                table::Fault::Format(what) => Error::Malformed {
                    path: path.to_owned(),
                    at: fault.at,
                    what,
                },
            })?;
        Ok(Self {
            path: path.to_owned(),
            file,
            specification: table.specification,
            variables: table.variables,
            aliases: table.aliases,
        })
    }

    /// # Errors
    /// When there is no variable or alias of that name.
    pub fn variable(&self, name: &str) -> Result<&Variable, Error> {
        let target = self.aliases.get(name).map_or(name, String::as_str);
        self.variables.get(target).ok_or_else(|| self.missing(name))
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.variable(name).is_ok()
    }

    /// A scalar attribute, such as a number of heads.
    ///
    /// # Errors
    /// When it is absent, not a scalar, or not a whole number of zero or more.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be a small whole number first"
    )]
    pub fn scalar(&self, name: &str) -> Result<u32, Error> {
        let values = self.values(name)?;
        match values[..] {
            [value] if (0.0..=16_777_216.0).contains(&value) && value.fract() == 0.0 => {
                Ok(value as u32)
            }
            _ => Err(self.unfit(name, "is not a whole number")),
        }
    }

    /// All values of a variable as single precision; whole-number weights are multiplied out by their
    /// scales (`NAME_scale`: one for all, or one a row).
    ///
    /// # Errors
    /// When it is absent or cannot be read, or its scales are missing or do not fit.
    pub fn values(&self, name: &str) -> Result<Vec<f32>, Error> {
        let target = self.aliases.get(name).map_or(name, String::as_str);
        let variable = self.variable(name)?;
        let values = self.raw(variable)?;
        match variable.kind {
            Kind::Int8 | Kind::Int16 if !variable.shape.is_empty() => {
                self.scaled(target, variable, values)
            }
            _ => Ok(values),
        }
    }

    fn scaled(
        &self,
        name: &str,
        variable: &Variable,
        mut values: Vec<f32>,
    ) -> Result<Vec<f32>, Error> {
        let scale_name = format!("{name}_scale");
        let scales = self.raw(self.variable(&scale_name)?)?;
        let rows = variable.shape[0];
        if scales.len() != 1 && scales.len() != rows {
            let what = format!("has {} values for {rows} rows", scales.len());
            return Err(self.unfit(&scale_name, what));
        }
        if let Some(bad) = scales.iter().find(|s| !s.is_normal()) {
            return Err(self.unfit(&scale_name, format!("holds {bad}")));
        }
        let row = (values.len() / rows.max(1)).max(1);
        for (i, row) in values.chunks_mut(row).enumerate() {
            let scale = scales[i % scales.len()];
            for value in row {
                *value /= scale;
            }
        }
        Ok(values)
    }

    fn raw(&self, variable: &Variable) -> Result<Vec<f32>, Error> {
        let mut bytes = vec![0; variable.count * variable.kind.bytes()];
        self.file
            .read_exact_at(&mut bytes, variable.offset)
            .map_err(|source| Error::Io {
                path: self.path.clone(),
                source,
            })?;
        Ok(decode(variable.kind, &bytes))
    }

    fn missing(&self, name: &str) -> Error {
        Error::Missing {
            path: self.path.clone(),
            name: name.to_owned(),
        }
    }

    /// An error about a variable that is there but cannot be used.
    #[must_use]
    pub fn unfit(&self, name: &str, what: impl Into<String>) -> Error {
        Error::Unfit {
            path: self.path.clone(),
            name: name.to_owned(),
            what: what.into(),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "32-bit integers occur only as small attributes"
)]
fn decode(kind: Kind, bytes: &[u8]) -> Vec<f32> {
    let words = || {
        bytes
            .as_chunks()
            .0
            .iter()
            .map(|&b: &[u8; 2]| u16::from_le_bytes(b))
    };
    let doubles = || bytes.as_chunks::<4>().0.iter().copied();
    match kind {
        Kind::Float32 => doubles().map(f32::from_le_bytes).collect(),
        Kind::Int32 => doubles().map(|b| i32::from_le_bytes(b) as f32).collect(),
        Kind::Float16 => words().map(half::to_f32).collect(),
        Kind::Bfloat16 => words().map(half::bf16_to_f32).collect(),
        Kind::Int16 => words().map(|w| f32::from(w.cast_signed())).collect(),
        Kind::Int8 => bytes.iter().map(|&b| f32::from(b.cast_signed())).collect(),
    }
}

#[cfg(test)]
pub(super) mod tests;
