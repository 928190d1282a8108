//! samples → files: a WAV that survives `kill -9`, its sidecar, layout, recovery, retention.
