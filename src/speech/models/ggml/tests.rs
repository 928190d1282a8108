use super::*;

fn header() -> Header {
    Header {
        vocabulary: 51_865,
        audio_ctx: 3,
        audio_state: 32,
        audio_heads: 1,
        audio_layers: 4,
        text_ctx: 2,
        text_state: 32,
        text_heads: 1,
        text_layers: 4,
        mels: 2,
    }
}

fn written(matrices: Form) -> Vec<u8> {
    let tokens = vec![b"a".to_vec(), Vec::new(), b" b".to_vec()];
    let mut writer = Writer::new(
        Vec::new(),
        &header(),
        matrices,
        &[0.5, 0.0, -0.0, 1.0],
        &tokens,
    )
    .unwrap();
    let values: Vec<f32> = (0..64u8).map(|i| f32::from(i) - 32.0).collect();
    for (name, shape) in [
        ("encoder.positional_embedding", &[2, 32][..]),
        ("encoder.conv1.weight", &[1, 2, 32]),
        ("encoder.conv1.bias", &[64, 1]),
        ("decoder.token_embedding.weight", &[2, 32]),
        ("decoder.ln.weight", &[64]),
    ] {
        let form = form_of(name, shape, matrices);
        writer.tensor(name, shape, form, &values).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn a_file_reads_back() {
    for matrices in [Form::F32, Form::F16] {
        let file = written(matrices);
        let mut reader = Reader::new(&file[..]).unwrap();
        assert_eq!((reader.header, reader.matrices), (header(), matrices));
        assert!(reader.header.multilingual());
        let (filters, tokens) = reader.filters_and_tokens().unwrap();
        assert_eq!(filters, [0.5, 0.0, 0.0, 1.0]);
        assert!(filters[2].is_sign_negative());
        assert_eq!(tokens, [&b"a"[..], b"", b" b"]);
        let mut names = Vec::new();
        while let Some(tensor) = reader.tensor().unwrap() {
            assert_eq!(tensor.values[0], -32.0);
            assert_eq!(tensor.values[63], 31.0);
            names.push((tensor.name, tensor.shape));
        }
        assert_eq!(names.len(), 5);
        assert_eq!(names[1], ("encoder.conv1.weight".into(), vec![1, 2, 32]));
    }
}

#[test]
fn the_bytes_are_those_of_the_script() {
    let file = written(Form::F16);
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    assert_eq!(&file[..4], b"lmgg");
    assert_eq!((word(4), word(40), word(44)), (51_865, 2, 1));
    assert_eq!((word(48), word(52)), (2, 2));
    assert_eq!(word(72), 3); // tokens follow four filters
    assert_eq!(&file[76..81], b"\x01\0\0\0a");
    let tensor = 76 + 5 + 4 + 6;
    assert_eq!(
        (word(tensor), word(tensor + 4), word(tensor + 8)),
        (2, 28, 0)
    );
    assert_eq!((word(tensor + 12), word(tensor + 16)), (32, 2)); // innermost first
}

#[test]
fn only_matrices_are_quantised() {
    for (name, shape, expected) in [
        ("encoder.conv1.weight", &[512, 80, 3][..], Form::F16),
        ("encoder.conv1.bias", &[512, 1], Form::F32),
        ("decoder.positional_embedding", &[448, 512], Form::F32),
        ("decoder.ln.weight", &[512], Form::F32),
        ("decoder.token_embedding.weight", &[51_865, 512], Form::Q8_0),
        ("encoder.blocks.0.mlp.0.bias", &[2048], Form::F32),
        ("encoder.blocks.0.mlp.0.weight", &[2048, 512], Form::Q8_0),
    ] {
        assert_eq!(form_of(name, shape, Form::Q8_0), expected, "{name}");
    }
    let file = written(Form::Q8_0);
    let reader = Reader::new(&file[..]).unwrap();
    assert_eq!(reader.matrices, Form::Q8_0);
    assert_eq!(file[44..48], 2007u32.to_le_bytes());
}

#[test]
fn rows_must_divide_into_blocks() {
    let mut writer = Writer::new(Vec::new(), &header(), Form::Q8_0, &[], &[]).unwrap();
    let error = writer
        .tensor("w", &[2, 33], Form::Q8_0, &[0.0; 66])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "w: rows of 33 do not divide into blocks of Q8_0"
    );
}

#[test]
fn malformed_files_are_errors() {
    let good = written(Form::F16);
    let mut between_tensors = vec![91];
    for (name, rank, bytes) in [(28, 2, 256), (20, 3, 128), (18, 2, 256), (30, 2, 128)] {
        let end = between_tensors[between_tensors.len() - 1] + 12 + 4 * rank + name + bytes;
        between_tensors.push(end);
    }
    for length in 0..good.len() {
        let read = || {
            let mut reader = Reader::new(&good[..length])?;
            reader.filters_and_tokens()?;
            while reader.tensor()?.is_some() {}
            Ok::<_, Error>(())
        };
        // The file does not say how many tensors there are: only the reader's user can tell.
        assert!(
            read().is_err() || between_tensors.contains(&length),
            "{length}"
        );
    }
    assert!(Reader::new(&b"RIFF0000WAVE"[..]).is_err());
    let quantised = written(Form::Q8_0);
    let mut reader = Reader::new(&quantised[..]).unwrap();
    reader.filters_and_tokens().unwrap();
    let error = loop {
        match reader.tensor() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("no quantised tensor"),
            Err(error) => break error.to_string(),
        }
    };
    assert_eq!(
        error,
        "not a ggml whisper model: decoder.token_embedding.weight is of type 8; only f32 and f16 can be quantised"
    );
}
