//! `callscribe models convert`.

use std::path::PathBuf;

use clap::ValueEnum;

use super::progress::Bar;
use crate::speech::models::{convert, ggml::Form, pull::Stretch};

#[derive(clap::Args)]
pub(super) struct Args {
    /// A folder with model.bin, or the wheels that hold one together; or one ggml file, to quantise it.
    #[arg(required = true, value_name = "DIR|WHEEL|GGML")]
    inputs: Vec<PathBuf>,
    /// Where to write; `ggml-NAME.bin` in the folder of models makes it usable as NAME.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// How to store the matrices.
    #[arg(long, value_enum, default_value_t = Quantize::F16)]
    quantize: Quantize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Quantize {
    /// In full precision: twice the size, no better.
    F32,
    /// In half precision, as OpenAI published the weights.
    F16,
    /// Eight bits a weight.
    #[value(name = "q8_0")]
    Q8_0,
    /// Five bits a weight and an offset.
    #[value(name = "q5_1")]
    Q5_1,
    /// Five bits a weight.
    #[value(name = "q5_0")]
    Q5_0,
}

impl From<Quantize> for Form {
    fn from(quantize: Quantize) -> Self {
        match quantize {
            Quantize::F32 => Self::F32,
            Quantize::F16 => Self::F16,
            Quantize::Q8_0 => Self::Q8_0,
            Quantize::Q5_1 => Self::Q5_1,
            Quantize::Q5_0 => Self::Q5_0,
        }
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let bar = Bar::new(&args.out.display().to_string());
    let form = Form::from(args.quantize);
    let converted = convert::convert(&args.inputs, &args.out, form, &mut |done, all| {
        bar.steps(Stretch::Converting, done as u64, all as u64);
    });
    bar.finish();
    let header = converted?.header;
    println!(
        "{}: {} bytes, {form:?}, {} layers, {} tokens ({})",
        args.out.display(),
        args.out.metadata()?.len(),
        header.audio_layers + header.text_layers,
        header.vocabulary,
        if header.multilingual() {
            "multilingual"
        } else {
            "English"
        }
    );
    Ok(())
}
