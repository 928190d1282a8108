//! A voice that needs no recording.

/// A buzz through three moving formants, in syllables: voice to a voice detector.
#[derive(Debug, Default)]
pub(in crate::speech) struct Voice {
    samples: u32,
    phase: f32,
    formants: [[f32; 2]; 3],
}

impl Voice {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a test signal"
    )]
    pub(in crate::speech) fn speak(&mut self, ms: u64) -> Vec<i16> {
        use std::f32::consts::TAU;
        const RATE: f32 = 16_000.0;
        let sample = |_| {
            let t = self.samples as f32 / RATE;
            self.samples += 1;
            self.phase += 120.0 * (1.0 + 0.08 * (t * 3.0).sin()) / RATE;
            let pulse = if self.phase >= 1.0 { 1.0 } else { 0.0 };
            self.phase = self.phase.fract();
            let mut voice = 0.0;
            let shapes = [(700.0, 80.0), (1220.0, 90.0), (2600.0, 120.0)];
            for (n, (state, (center, width))) in self.formants.iter_mut().zip(shapes).enumerate() {
                let center = center * (1.0 + 0.3 * (t * 7.0 + n as f32).sin());
                let radius: f32 = (-TAU / 2.0 * width / RATE).exp();
                let turn = 2.0 * radius * (TAU * center / RATE).cos();
                let out =
                    pulse * (1.0 - radius) * 4.0 + turn * state[0] - radius * radius * state[1];
                *state = [out, state[0]];
                voice += out;
            }
            (voice * (0.6 + 0.4 * (t * TAU * 4.0).sin()) * 8000.0) as i16
        };
        (0..ms * 16).map(sample).collect()
    }
}
