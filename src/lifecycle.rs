//! Start, drain and stop of the process.
