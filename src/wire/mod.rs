//! bytes → messages: Twilio's media-stream frames in and out, and signatures.
