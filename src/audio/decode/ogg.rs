//! Finds the pages and packets of one stream in an Ogg file. Pages that are damaged are passed over.

use std::io;

use super::riff::Bytes;
use crate::audio::ogg::{self, Page};

/// Bytes read at once: any page fits.
const WINDOW: usize = 2 * ogg::LONGEST;
/// Places that look like a page and are none, before the file is given up on: a file may be made to
/// have one every few bytes, each 64 KB to check.
const MOST_FALSE: usize = 1000;
/// No packet of Opus is longer (RFC 7845, section 6); of one that is, this much is kept.
const LONGEST_PACKET: usize = 1 << 16;

/// A place in a file from which pages are read on.
#[derive(Default)]
pub(super) struct Pages {
    window: Vec<u8>,
    /// In `window`.
    at: usize,
    /// In the file, behind `window`.
    next: u64,
    ended: bool,
    refused: usize,
}

impl Pages {
    pub(super) fn next(&mut self, file: &dyn Bytes) -> io::Result<Option<Page>> {
        while self.refused < MOST_FALSE {
            self.fill(file)?;
            let rest = &self.window[self.at..];
            match Page::find(rest) {
                Some(0) => match Page::parse(rest) {
                    Some((page, length)) => {
                        self.at += length;
                        return Ok(Some(page));
                    }
                    None => {
                        self.refused += 1;
                        self.at += 1;
                    }
                },
                Some(ahead) => self.at += ahead,
                None if self.ended => break,
                // The first bytes of a page may be the last that were read.
                None => self.at += rest.len() - 3,
            }
        }
        Ok(None)
    }

    fn fill(&mut self, file: &dyn Bytes) -> io::Result<()> {
        if self.window.len() - self.at >= ogg::LONGEST {
            return Ok(());
        }
        self.window.drain(..self.at);
        self.at = 0;
        while !self.ended && self.window.len() < WINDOW {
            let had = self.window.len();
            self.window.resize(WINDOW, 0);
            let got = file.read_at(&mut self.window[had..], self.next)?;
            self.window.truncate(had + got);
            self.next += got as u64;
            self.ended = got == 0;
        }
        Ok(())
    }
}

/// The granule of the last page of a stream.
pub(super) fn last_granule(file: &dyn Bytes, serial: u32) -> io::Result<Option<u64>> {
    let mut pages = Pages {
        next: file.length()?.saturating_sub(WINDOW as u64),
        ..Pages::default()
    };
    let mut last = None;
    while let Some(page) = pages.next(file)? {
        if page.serial == serial {
            last = page.granule.or(last);
        }
    }
    Ok(last)
}

/// Joins the packets of a stream.
#[derive(Default)]
pub(super) struct Packets {
    /// The beginning of a packet that goes on in the next page; `None` where that beginning was lost.
    begun: Option<Vec<u8>>,
    next_sequence: u32,
}

impl Packets {
    /// The packets that end in a page.
    pub(super) fn of(&mut self, page: &Page) -> Vec<Vec<u8>> {
        let continued = page.flags & ogg::CONTINUED != 0;
        if !continued {
            self.begun = Some(Vec::new());
        } else if page.sequence != self.next_sequence {
            self.begun = None;
        }
        self.next_sequence = page.sequence.wrapping_add(1);
        let (mut packets, mut body) = (Vec::new(), &page.body[..]);
        for lace in &page.lacing {
            let (piece, rest) = body.split_at(usize::from(*lace));
            body = rest;
            if let Some(begun) = &mut self.begun
                && begun.len() < LONGEST_PACKET
            {
                begun.extend(piece);
            }
            if *lace < 255 {
                packets.extend(self.begun.replace(Vec::new()));
            }
        }
        packets
    }
}
