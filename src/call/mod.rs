//! messages → timed audio: the sans-IO state of one stream.
