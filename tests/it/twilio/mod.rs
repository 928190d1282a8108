//! Twilio's doors and the leads behind them: cases 40 to 44 and 47 of the faults met in the wild, over
//! real sockets.

mod faults;
mod leads;
mod oracle;
pub(crate) mod peer;
mod refused;
mod rings;
mod signed;
