//! bytes → messages: Twilio's media-stream frames in and out, its webhooks, TwiML, and signatures; the
//! microphone of our own page.
//!
//! | file | |
//! |---|---|
//! | [`message`] | what Twilio sends, parsed at the edge into a closed enum |
//! | [`payload`] | base64 → mu-law, into a buffer that is reused |
//! | [`outbound`] | what we may send back on a bidirectional stream |
//! | [`sender`] | the same messages from Twilio's side, for replay, load and tests |
//! | [`form`], [`webhook`] | what Twilio posts about a call: forms, and the closed types behind them |
//! | [`twiml`] | what a call is told to do, as XML |
//! | [`signature`] | `X-Twilio-Signature`: made and checked |
//! | [`microphone`] | what our own page streams from a browser: a hello, then packets of Opus or PCM |
//! | [`recording_url`] | where a recording of the provider's is, and who may be asked for it |
//!
//! The edge is lenient where senders differ (numbers as strings or integers, optional and extra
//! fields, strings for numbers in custom parameters) and strict where leniency would put noise into a
//! recording (payloads are canonical base64 or nothing).

mod fields;
pub mod message;
pub mod payload;
pub mod outbound;
pub mod sender;
pub mod form;
pub mod webhook;
pub mod twiml;
pub mod signature;
pub mod microphone;
pub mod recording_url;
#[doc(hidden)]
pub mod probe;
