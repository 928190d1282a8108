//! Which CTranslate2 variable becomes which ggml tensor, in the order in which whisper.cpp's published
//! files hold them. CTranslate2 joins the projections of attention that read the same input: query, key
//! and value of self-attention, key and value of attention to the encoder.

/// One tensor to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As whisper.cpp calls it.
    pub tensor: String,
    /// As CTranslate2 calls it.
    pub variable: String,
    /// Which part of the rows, of how many equal parts.
    pub part: (usize, usize),
}

/// All tensors of a model with so many layers.
#[must_use]
pub fn entries(audio_layers: u32, text_layers: u32) -> Vec<Entry> {
    let mut all = List::default();
    let positions = "position_encodings/encodings";
    for side in ["decoder", "encoder"] {
        all.whole(
            &format!("{side}.positional_embedding"),
            &format!("{side}/{positions}"),
        );
    }
    all.whole(
        "decoder.token_embedding.weight",
        "decoder/embeddings/weight",
    );
    for layer in 0..text_layers {
        all.block(
            &format!("decoder.blocks.{layer}"),
            &format!("decoder/layer_{layer}"),
        );
        all.cross_attention(
            &format!("decoder.blocks.{layer}.cross_attn"),
            &format!("decoder/layer_{layer}/attention"),
        );
    }
    all.norm("decoder.ln", "decoder/layer_norm");
    for conv in ["conv1", "conv2"] {
        all.linear(&format!("encoder.{conv}"), &format!("encoder/{conv}"));
    }
    for layer in 0..audio_layers {
        all.block(
            &format!("encoder.blocks.{layer}"),
            &format!("encoder/layer_{layer}"),
        );
    }
    all.norm("encoder.ln_post", "encoder/layer_norm");
    all.0
}

#[derive(Default)]
struct List(Vec<Entry>);

impl List {
    fn block(&mut self, tensor: &str, variable: &str) {
        self.norm(
            &format!("{tensor}.mlp_ln"),
            &format!("{variable}/ffn/layer_norm"),
        );
        self.linear(
            &format!("{tensor}.mlp.0"),
            &format!("{variable}/ffn/linear_0"),
        );
        self.linear(
            &format!("{tensor}.mlp.2"),
            &format!("{variable}/ffn/linear_1"),
        );
        let attention = format!("{variable}/self_attention");
        self.norm(
            &format!("{tensor}.attn_ln"),
            &format!("{attention}/layer_norm"),
        );
        let joined = format!("{attention}/linear_0");
        self.projection(&format!("{tensor}.attn.query"), &joined, (0, 3));
        self.key(&format!("{tensor}.attn.key"), &joined, (1, 3));
        self.projection(&format!("{tensor}.attn.value"), &joined, (2, 3));
        self.linear(
            &format!("{tensor}.attn.out"),
            &format!("{attention}/linear_1"),
        );
    }

    fn cross_attention(&mut self, tensor: &str, variable: &str) {
        self.norm(&format!("{tensor}_ln"), &format!("{variable}/layer_norm"));
        self.linear(&format!("{tensor}.query"), &format!("{variable}/linear_0"));
        let joined = format!("{variable}/linear_1");
        self.key(&format!("{tensor}.key"), &joined, (0, 2));
        self.projection(&format!("{tensor}.value"), &joined, (1, 2));
        self.linear(&format!("{tensor}.out"), &format!("{variable}/linear_2"));
    }

    fn norm(&mut self, tensor: &str, variable: &str) {
        self.whole(&format!("{tensor}.weight"), &format!("{variable}/gamma"));
        self.whole(&format!("{tensor}.bias"), &format!("{variable}/beta"));
    }

    fn linear(&mut self, tensor: &str, variable: &str) {
        self.projection(tensor, variable, (0, 1));
    }

    fn projection(&mut self, tensor: &str, variable: &str, part: (usize, usize)) {
        self.key(tensor, variable, part);
        self.push(format!("{tensor}.bias"), format!("{variable}/bias"), part);
    }

    /// Whisper's keys have no bias; CTranslate2 fills its place with zeros.
    fn key(&mut self, tensor: &str, variable: &str, part: (usize, usize)) {
        self.push(
            format!("{tensor}.weight"),
            format!("{variable}/weight"),
            part,
        );
    }

    fn whole(&mut self, tensor: &str, variable: &str) {
        self.push(tensor.to_owned(), variable.to_owned(), (0, 1));
    }

    fn push(&mut self, tensor: String, variable: String, part: (usize, usize)) {
        self.0.push(Entry {
            tensor,
            variable,
            part,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn has_as_many_tensors_as_whisper_cpp_waits_for() {
        // whisper_model_load: 3 position and token tables, 4 of convolutions, 4 of final norms; 15 a layer
        // of the encoder, 24 of the decoder.
        for (audio, text, tensors) in [(4, 4, 167), (6, 6, 245), (32, 4, 587), (32, 32, 1259)] {
            let entries = entries(audio, text);
            let names: BTreeSet<_> = entries.iter().map(|e| &e.tensor).collect();
            assert_eq!(names.len(), entries.len());
            assert_eq!(names.len(), tensors);
        }
    }

    #[test]
    fn joined_projections_are_taken_apart() {
        let entries = entries(1, 1);
        let check = |tensor: &str, variable: &str, part| {
            let entry = entries.iter().find(|e| e.tensor == tensor).unwrap();
            assert_eq!((entry.variable.as_str(), entry.part), (variable, part));
        };
        let own = "decoder/layer_0/self_attention";
        check(
            "decoder.blocks.0.attn.key.weight",
            &format!("{own}/linear_0/weight"),
            (1, 3),
        );
        check(
            "decoder.blocks.0.attn.value.bias",
            &format!("{own}/linear_0/bias"),
            (2, 3),
        );
        check(
            "decoder.blocks.0.attn.out.bias",
            &format!("{own}/linear_1/bias"),
            (0, 1),
        );
        let cross = "decoder/layer_0/attention";
        check(
            "decoder.blocks.0.cross_attn.query.bias",
            &format!("{cross}/linear_0/bias"),
            (0, 1),
        );
        check(
            "decoder.blocks.0.cross_attn.key.weight",
            &format!("{cross}/linear_1/weight"),
            (0, 2),
        );
        check(
            "decoder.blocks.0.cross_attn.value.bias",
            &format!("{cross}/linear_1/bias"),
            (1, 2),
        );
        check(
            "decoder.blocks.0.cross_attn_ln.bias",
            &format!("{cross}/layer_norm/beta"),
            (0, 1),
        );
        assert!(!entries.iter().any(|e| e.tensor.ends_with("key.bias")));
    }
}
