//! Pages of Ogg (RFC 3533, section 6), into which the packets of a stream are cut. A page has a checksum,
//! the serial number of its stream, and the place in time (granule) of the last packet that ends in it.

use std::io::{self, Write};

/// Flags of a page.
pub(super) const CONTINUED: u8 = 1;
pub(super) const FIRST: u8 = 2;
pub(super) const LAST: u8 = 4;

const CAPTURE: &[u8; 4] = b"OggS";
/// Bytes before the lacing.
const HEAD: usize = 27;
const CHECKSUM: std::ops::Range<usize> = 22..26;
const MOST_LACES: usize = 255;
/// Bytes of the longest page.
pub(super) const LONGEST: usize = HEAD + MOST_LACES + MOST_LACES * 255;
/// The granule of a page in which no packet ends.
const NOWHERE: u64 = u64::MAX;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) flags: u8,
    pub(super) granule: Option<u64>,
    pub(super) serial: u32,
    pub(super) sequence: u32,
    /// Lengths of the pieces of `body`; a packet ends with a piece shorter than 255 bytes.
    pub(super) lacing: Vec<u8>,
    pub(super) body: Vec<u8>,
}

impl Page {
    /// Where in `bytes` a page may begin.
    pub(super) fn find(bytes: &[u8]) -> Option<usize> {
        bytes.windows(CAPTURE.len()).position(|at| at == CAPTURE)
    }

    /// The page at the start of `bytes`, and its length; `None` where it is not whole or not sound.
    pub(super) fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
        if &head[..4] != CAPTURE || head[4] != 0 {
            return None;
        }
        let (lacing, rest) = rest.split_at_checked(usize::from(head[26]))?;
        let body = rest.get(..lacing.iter().map(|n| usize::from(*n)).sum())?;
        let field =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let granule = u64::from(field(6)) | u64::from(field(10)) << 32;
        let page = Self {
            flags: head[5],
            granule: (granule != NOWHERE).then_some(granule),
            serial: field(14),
            sequence: field(18),
            lacing: lacing.to_vec(),
            body: body.to_vec(),
        };
        let length = HEAD + lacing.len() + body.len();
        let mut plain = *head;
        plain[CHECKSUM].fill(0);
        let sum = [&plain[..], lacing, body].into_iter().fold(0, checksum);
        (sum == field(CHECKSUM.start)).then_some((page, length))
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = CAPTURE.to_vec();
        bytes.extend([0, self.flags]);
        bytes.extend(self.granule.unwrap_or(NOWHERE).to_le_bytes());
        bytes.extend(self.serial.to_le_bytes());
        bytes.extend(self.sequence.to_le_bytes());
        bytes.extend([0; CHECKSUM.end - CHECKSUM.start]);
        bytes.extend(u8::try_from(self.lacing.len()));
        bytes.extend(&self.lacing);
        bytes.extend(&self.body);
        let sum = checksum(0, &bytes);
        bytes[CHECKSUM].copy_from_slice(&sum.to_le_bytes());
        bytes
    }
}

/// Writes one stream. Every packet lies in one page.
pub(super) struct Writer<W> {
    out: W,
    page: Page,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(out: W, serial: u32) -> Self {
        let page = Page {
            flags: FIRST,
            serial,
            ..Page::default()
        };
        Self { out, page }
    }

    /// Adds a packet that ends at `granule`. It has to fit into a page: 65,000 bytes do.
    pub(super) fn packet(&mut self, packet: &[u8], granule: u64) -> io::Result<()> {
        let full = packet.len() / 255;
        if self.page.lacing.len() + full + 1 > MOST_LACES {
            self.turn()?;
        }
        self.page.lacing.resize(self.page.lacing.len() + full, 255);
        self.page.lacing.extend(u8::try_from(packet.len() % 255));
        self.page.body.extend(packet);
        self.page.granule = Some(granule);
        Ok(())
    }

    /// Ends the page, to begin another.
    pub(super) fn turn(&mut self) -> io::Result<()> {
        self.out.write_all(&self.page.to_bytes())?;
        self.page = Page {
            serial: self.page.serial,
            sequence: self.page.sequence.wrapping_add(1),
            ..Page::default()
        };
        Ok(())
    }

    /// Ends the page and the stream.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.page.flags |= LAST;
        self.turn()?;
        self.out.flush()
    }
}

/// The checksum of RFC 3533, continued over `bytes`: CRC-32 with its bits in the order they come.
fn checksum(sum: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(sum, |sum, byte| {
        let [top, ..] = sum.to_be_bytes();
        sum << 8 ^ TABLE[usize::from(top ^ byte)]
    })
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut at = 0_u32;
    while at < 256 {
        let mut sum = at << 24;
        let mut bit = 0;
        while bit < 8 {
            sum = sum << 1 ^ if sum >> 31 == 1 { 0x04C1_1DB7 } else { 0 };
            bit += 1;
        }
        table[at as usize] = sum;
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_the_standard() {
        // The check value of CRC-32/CKSUM, 0x765E_7680, before it is inverted.
        assert_eq!(checksum(0, b"123456789"), !0x765E_7680);
        assert_eq!(TABLE[1], 0x04C1_1DB7);
    }

    #[test]
    fn a_page_comes_back_and_a_damaged_one_does_not() {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, 7);
        for (length, granule) in [(0_usize, 1), (254, 2), (255, 3), (1275, 4)] {
            writer.packet(&vec![5; length], granule).unwrap();
        }
        writer.finish().unwrap();
        let (page, length) = Page::parse(&out).unwrap();
        assert_eq!(
            (length, page.granule, page.serial, page.flags),
            (out.len(), Some(4), 7, FIRST | LAST)
        );
        assert_eq!(page.lacing, [0, 254, 255, 0, 255, 255, 255, 255, 255, 0]);
        assert_eq!(page.to_bytes(), out);
        for at in 0..out.len() {
            assert_eq!(Page::parse(&out[..at]), None, "cut at {at}");
            out[at] ^= 0x10;
            assert_eq!(Page::parse(&out), None, "byte {at}");
            out[at] ^= 0x10;
        }
    }
}
