//! The table of variables. Nothing is allocated on the word of a length in the file before that length
//! has been held against what the file can hold.

use std::{
    collections::BTreeMap,
    io::{self, Read, Seek, SeekFrom},
};

use super::{Kind, Variable};

/// Whisper large has about 1,700 variables.
const MAX_VARIABLES: u32 = 100_000;
const MAX_RANK: u8 = 8;

pub(super) struct Table {
    pub(super) specification: String,
    pub(super) variables: BTreeMap<String, Variable>,
    pub(super) aliases: BTreeMap<String, String>,
}

#[derive(Debug)]
pub(super) struct FaultAt {
    pub(super) at: u64,
    pub(super) what: Fault,
}

#[derive(Debug)]
pub(super) enum Fault {
    Io(io::Error),
    Format(String),
}

/// `length`: of the whole file, in bytes.
pub(super) fn read(file: &mut (impl Read + Seek), length: u64) -> Result<Table, FaultAt> {
    let mut input = Input {
        file,
        at: 0,
        length,
    };
    let version = input.u32("version")?;
    if !(4..=6).contains(&version) {
        return Err(input.format(format!(
            "binary version {version}; CTranslate2 models have 4, 5 or 6 here"
        )));
    }
    let specification = input.string("name of the specification")?;
    input.u32("revision")?;
    let variables = variables(&mut input)?;
    let aliases = aliases(&mut input, &variables)?;
    if input.at != length {
        let extra = length - input.at;
        return Err(input.format(format!("{extra} bytes follow the last alias")));
    }
    Ok(Table {
        specification,
        variables,
        aliases,
    })
}

fn variables<R: Read + Seek>(
    input: &mut Input<'_, R>,
) -> Result<BTreeMap<String, Variable>, FaultAt> {
    let count = input.u32("number of variables")?;
    if count > MAX_VARIABLES {
        return Err(input.format(format!("{count} variables")));
    }
    let mut variables = BTreeMap::new();
    for _ in 0..count {
        let name = input.string("name of a variable")?;
        let variable = variable(input, &name)?;
        if variables.insert(name.clone(), variable).is_some() {
            return Err(input.format(format!("a second variable {name}")));
        }
    }
    Ok(variables)
}

fn variable<R: Read + Seek>(input: &mut Input<'_, R>, name: &str) -> Result<Variable, FaultAt> {
    let [rank] = input.array(&format!("rank of {name}"))?;
    if rank > MAX_RANK {
        return Err(input.format(format!("{name} has {rank} dimensions")));
    }
    let mut shape = Vec::new();
    let mut count = Some(1usize);
    for _ in 0..rank {
        let size = input.u32(&format!("dimension of {name}"))? as usize;
        count = count.and_then(|c| c.checked_mul(size));
        shape.push(size);
    }
    let [type_id] = input.array(&format!("type of {name}"))?;
    let Some(&kind) = Kind::ALL.get(usize::from(type_id)) else {
        return Err(input.format(format!("{name} is of an unknown type {type_id}")));
    };
    let bytes = input.u32(&format!("size of {name}"))?;
    let wanted = count.and_then(|c| c.checked_mul(kind.bytes()));
    if wanted != Some(bytes as usize) {
        return Err(input.format(format!(
            "{name} is said to take {bytes} bytes, which its shape {shape:?} of {kind:?} does not"
        )));
    }
    let offset = input.at;
    input.skip(u64::from(bytes), name)?;
    Ok(Variable {
        shape,
        kind,
        offset,
        count: bytes as usize / kind.bytes(),
    })
}

fn aliases<R: Read + Seek>(
    input: &mut Input<'_, R>,
    variables: &BTreeMap<String, Variable>,
) -> Result<BTreeMap<String, String>, FaultAt> {
    let count = input.u32("number of aliases")?;
    if count > MAX_VARIABLES {
        return Err(input.format(format!("{count} aliases")));
    }
    let mut aliases = BTreeMap::new();
    for _ in 0..count {
        let alias = input.string("alias")?;
        let name = input.string("target of an alias")?;
        if !variables.contains_key(&name) {
            return Err(input.format(format!("{alias} stands for {name}, which is not there")));
        }
        aliases.insert(alias, name);
    }
    Ok(aliases)
}

struct Input<'a, R> {
    file: &'a mut R,
    at: u64,
    length: u64,
}

impl<R: Read + Seek> Input<'_, R> {
    fn format(&self, what: String) -> FaultAt {
        FaultAt {
            at: self.at,
            what: Fault::Format(what),
        }
    }

    fn need(&self, bytes: u64, what: &str) -> Result<(), FaultAt> {
        let left = self.length - self.at;
        if bytes > left {
            return Err(self.format(format!(
                "the file ends: {what} takes {bytes} bytes, {left} are left"
            )));
        }
        Ok(())
    }

    fn fill(&mut self, buffer: &mut [u8], what: &str) -> Result<(), FaultAt> {
        self.need(buffer.len() as u64, what)?;
        self.file.read_exact(buffer).map_err(|e| FaultAt {
            at: self.at,
            what: Fault::Io(e),
        })?;
        self.at += buffer.len() as u64;
        Ok(())
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], FaultAt> {
        let mut buffer = [0; N];
        self.fill(&mut buffer, what)?;
        Ok(buffer)
    }

    fn u32(&mut self, what: &str) -> Result<u32, FaultAt> {
        self.array(what).map(u32::from_le_bytes)
    }

    fn string(&mut self, what: &str) -> Result<String, FaultAt> {
        let length = u16::from_le_bytes(self.array(what)?);
        let mut text = vec![0; usize::from(length)];
        self.fill(&mut text, what)?;
        if text.pop() != Some(0) {
            return Err(self.format(format!("{what} does not end in NUL")));
        }
        String::from_utf8(text).map_err(|_| self.format(format!("{what} is not UTF-8")))
    }

    fn skip(&mut self, bytes: u64, what: &str) -> Result<(), FaultAt> {
        self.need(bytes, what)?;
        self.at += bytes;
        self.file
            .seek(SeekFrom::Start(self.at))
            .map(drop)
            .map_err(|e| FaultAt {
                at: self.at,
                what: Fault::Io(e),
            })
    }
}
