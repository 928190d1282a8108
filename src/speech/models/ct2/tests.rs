use std::io::Write;

use proptest::prelude::*;

use super::*;

/// Writes what `read` reads; broken on purpose where a test says so.
#[derive(Default)]
pub(crate) struct Builder {
    variables: Vec<Vec<u8>>,
    aliases: Vec<(String, String)>,
}

impl Builder {
    pub(crate) fn variable(mut self, name: &str, shape: &[u32], kind: u8, bytes: &[u8]) -> Self {
        let mut out = string(name);
        out.push(u8::try_from(shape.len()).unwrap());
        out.extend(shape.iter().flat_map(|d| d.to_le_bytes()));
        out.push(kind);
        out.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
        out.extend(bytes);
        self.variables.push(out);
        self
    }

    pub(crate) fn singles(self, name: &str, shape: &[u32], values: &[f32]) -> Self {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.variable(name, shape, 0, &bytes)
    }

    pub(crate) fn alias(mut self, alias: &str, name: &str) -> Self {
        self.aliases.push((alias.into(), name.into()));
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = 6u32.to_le_bytes().to_vec();
        out.extend(string("WhisperSpec"));
        out.extend(3u32.to_le_bytes());
        out.extend(u32::try_from(self.variables.len()).unwrap().to_le_bytes());
        out.extend(self.variables.concat());
        out.extend(u32::try_from(self.aliases.len()).unwrap().to_le_bytes());
        for (alias, name) in &self.aliases {
            out.extend(string(alias));
            out.extend(string(name));
        }
        out
    }
}

fn string(text: &str) -> Vec<u8> {
    let mut out = u16::try_from(text.len() + 1)
        .unwrap()
        .to_le_bytes()
        .to_vec();
    out.extend(text.as_bytes());
    out.push(0);
    out
}

fn open(bytes: &[u8]) -> Result<Ct2, Error> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    Ct2::open(file.path())
}

fn sample() -> Builder {
    Builder::default()
        .singles("a/weight", &[2, 3], &[1.0, -2.0, 3.5, 0.0, 5.0, 6.0])
        .variable("b/weight", &[2], 4, &[0x00, 0x3c, 0x00, 0xc0])
        .variable("c/weight", &[2, 2], 1, &[127, 0x81, 64, 0])
        .singles("c/weight_scale", &[2], &[127.0, 64.0])
        .variable("d/weight", &[1], 5, &[0x80, 0x3f])
        .variable("e/weight", &[2], 2, &[0x00, 0x04, 0x00, 0xfc])
        .singles("e/weight_scale", &[], &[1024.0])
        .variable("heads", &[], 2, &[8, 0])
        .alias("again/weight", "a/weight")
}

#[test]
fn every_type_comes_back_as_single_precision() {
    let model = open(&sample().bytes()).unwrap();
    assert_eq!(model.specification, "WhisperSpec");
    for (name, values) in [
        ("a/weight", &[1.0, -2.0, 3.5, 0.0, 5.0, 6.0][..]),
        ("again/weight", &[1.0, -2.0, 3.5, 0.0, 5.0, 6.0]),
        ("b/weight", &[1.0, -2.0]),
        ("c/weight", &[1.0, -1.0, 1.0, 0.0]),
        ("d/weight", &[1.0]),
        ("e/weight", &[1.0, -1.0]),
    ] {
        assert_eq!(model.values(name).unwrap(), values, "{name}");
    }
    assert_eq!(model.variable("again/weight").unwrap().shape, [2, 3]);
    assert_eq!(model.scalar("heads").unwrap(), 8);
    assert!(model.has("a/weight") && !model.has("z/weight"));
}

#[test]
fn what_cannot_be_used_is_named() {
    let check = |builder: Builder, name: &str, expected: &str| {
        let model = open(&builder.bytes()).unwrap();
        let error = model.values(name).map(drop).unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    };
    check(sample(), "z", "no variable z");
    let int8 = || Builder::default().variable("q", &[2, 1], 1, &[1, 2]);
    check(int8(), "q", "no variable q_scale");
    check(
        int8().singles("q_scale", &[3], &[1.0; 3]),
        "q",
        "variable q_scale has 3 values for 2 rows",
    );
    check(
        int8().singles("q_scale", &[2], &[1.0, 0.0]),
        "q",
        "variable q_scale holds 0",
    );
    let model = open(&sample().bytes()).unwrap();
    for name in ["a/weight", "e/weight_scale_no"] {
        assert!(model.scalar(name).is_err());
    }
}

#[test]
fn malformed_tables_say_what_and_where() {
    let good = sample().bytes();
    let patched = |at: usize, bytes: &[u8]| {
        let mut file = good.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    // Offsets of the sample: version 0, name 4, revision 18, count 22, first name 26, rank 37,
    // dimensions 38, type 46, bytes 47.
    let nul = 4 + 2 + 11;
    for (file, expected) in [
        (
            vec![],
            "at byte 0: the file ends: version takes 4 bytes, 0 are left",
        ),
        (
            patched(0, &[9]),
            "at byte 4: binary version 9; CTranslate2 models have 4, 5 or 6 here",
        ),
        (
            patched(nul, b"x"),
            "at byte 18: name of the specification does not end in NUL",
        ),
        (
            patched(6, &[0xff]),
            "at byte 18: name of the specification is not UTF-8",
        ),
        (patched(22, &[255; 4]), "at byte 26: 4294967295 variables"),
        (
            patched(37, &[200]),
            "at byte 38: a/weight has 200 dimensions",
        ),
        (
            patched(38, &[255; 8]),
            "at byte 51: a/weight is said to take 24 bytes, which its shape [4294967295, 4294967295] of Float32 does not",
        ),
        (
            patched(46, &[77]),
            "at byte 47: a/weight is of an unknown type 77",
        ),
        (
            patched(47, &[25]),
            "at byte 51: a/weight is said to take 25 bytes, which its shape [2, 3] of Float32 does not",
        ),
        (
            good[..60].to_vec(),
            "at byte 51: the file ends: a/weight takes 24 bytes, 9 are left",
        ),
        ([&good[..], b"xy"].concat(), "2 bytes follow the last alias"),
        (
            sample().alias("f", "nowhere").bytes(),
            "f stands for nowhere, which is not there",
        ),
        (
            sample().singles("a/weight", &[], &[1.0]).bytes(),
            "a second variable a/weight",
        ),
    ] {
        let error = open(&file).map(drop).unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}\nexpected {expected}");
    }
}

#[test]
fn every_cut_is_an_error() {
    let good = sample().bytes();
    for length in 0..good.len() {
        assert!(open(&good[..length]).is_err(), "cut to {length} bytes");
    }
}

proptest! {
    #[test]
    fn junk_never_panics(at in 0usize..300, junk in prop::collection::vec(any::<u8>(), 1..8)) {
        let mut file = sample().bytes();
        let at = at.min(file.len() - 1);
        let end = (at + junk.len()).min(file.len());
        file[at..end].copy_from_slice(&junk[..end - at]);
        if let Ok(model) = open(&file) {
            for name in ["a/weight", "c/weight", "e/weight", "heads"] {
                drop(model.values(name));
                drop(model.scalar(name));
            }
        }
    }
}
