//! Server-Sent Events, read from pieces of a body as they come (WHATWG HTML, 9.2.6).

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::cli) struct Event {
    pub(in crate::cli) id: Option<String>,
    /// `message` when the server names none.
    pub(in crate::cli) name: String,
    pub(in crate::cli) data: String,
}

/// What was read so far of a stream of events.
#[derive(Debug, Default)]
pub(in crate::cli) struct Reader {
    rest: Vec<u8>,
    event: Event,
    has_data: bool,
    /// The id of the last event, for `Last-Event-ID`.
    pub(in crate::cli) last_id: Option<String>,
}

/// The longest line that is waited for, in bytes; a longer one is thrown away.
const MAX_LINE: usize = 16 << 20;

impl Reader {
    /// Takes a piece of the body, and gives what events it completed.
    pub(in crate::cli) fn take(&mut self, piece: &[u8]) -> Vec<Event> {
        self.rest.extend_from_slice(piece);
        let mut events = Vec::new();
        let mut from = 0;
        while let Some(len) = self.rest[from..].iter().position(|b| *b == b'\n') {
            let line = &self.rest[from..from + len];
            let line =
                String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
            events.extend(self.line(&line));
            from += len + 1;
        }
        self.rest.drain(..from);
        if self.rest.len() > MAX_LINE {
            self.rest.clear();
        }
        events
    }

    fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let mut event = std::mem::take(&mut self.event);
            event.id.clone_from(&self.last_id);
            if event.name.is_empty() {
                "message".clone_into(&mut event.name);
            }
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "id" => self.last_id = Some(value.to_owned()),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_out_however_the_body_is_cut() {
        let body = ": hello\n\nid: 7\nevent: delta\ndata: {\"a\":\"ש\"}\n\nretry: 10\r\ndata:one\r\ndata: two\r\n\r\nevent: empty\n\nid: 9\ndata: x\n\ndata: cut";
        let event = |id: &str, name: &str, data: &str| Event {
            id: Some(id.into()),
            name: name.into(),
            data: data.into(),
        };
        let expected = [
            event("7", "delta", "{\"a\":\"ש\"}"),
            event("7", "message", "one\ntwo"),
            event("9", "message", "x"),
        ];
        for size in 1..body.len() {
            let mut reader = Reader::default();
            let events: Vec<Event> = body
                .as_bytes()
                .chunks(size)
                .flat_map(|piece| reader.take(piece))
                .collect();
            assert_eq!(events, expected, "pieces of {size}");
            assert_eq!(reader.last_id.as_deref(), Some("9"));
        }
    }
}
