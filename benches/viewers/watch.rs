//! The viewers: sockets of a process of their own.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use callscribe::tasks;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::watch,
    time::timeout,
};

use super::{Args, CALL, SETTLE, nanoseconds, slow};

/// What a slow viewer's machine takes before it stops taking.
const SMALL_BUFFER: u32 = 4096;

/// What the viewers saw.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Seen {
    /// By event: how many of the viewers that read got it, and when the first and the last did, in
    /// nanoseconds of the machine's clock.
    pub(super) events: BTreeMap<u64, (usize, u64, u64)>,
    /// Snapshots beyond a viewer's first, which had fallen behind: their ids.
    pub(super) resyncs: Vec<u64>,
    pub(super) slow_resyncs: Vec<u64>,
    pub(super) dropped: usize,
    pub(super) slow_dropped: usize,
}

/// The process of the viewers, until its input ends.
pub(super) async fn watch_all(args: &Args, viewers: usize, address: &str) {
    let (end, ended) = watch::channel(false);
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut watching = Vec::new();
    for n in 0..viewers {
        let is_slow = n < slow(args, viewers);
        let socket = connect(address, is_slow).await;
        let (seen, ended) = (Arc::clone(&seen), ended.clone());
        watching.push(tasks::spawn("viewer", view(socket, is_slow, seen, ended)));
    }
    println!("ready");
    let until = tasks::blocking("input", || std::io::stdin().lines().for_each(drop));
    until.await.unwrap();
    end.send_replace(true);
    for viewer in watching {
        viewer.await.unwrap();
    }
    println!("{}", serde_json::to_string(&*seen.lock().unwrap()).unwrap());
}

async fn connect(address: &str, is_slow: bool) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    if is_slow {
        socket.set_recv_buffer_size(SMALL_BUFFER).unwrap();
    }
    let mut socket = socket.connect(address.parse().unwrap()).await.unwrap();
    let ask = format!("GET /api/v1/calls/{CALL}/events HTTP/1.1\r\nHost: {address}\r\n\r\n");
    socket.write_all(ask.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    socket.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    socket
}

async fn view(
    mut socket: TcpStream,
    is_slow: bool,
    seen: Arc<Mutex<Seen>>,
    mut ended: watch::Receiver<bool>,
) {
    if is_slow {
        ended.wait_for(|ended| *ended).await.unwrap();
    }
    let mut unread = Vec::new();
    let mut snapshots = Vec::new();
    let mut newest = 0;
    let mut is_cut = false;
    loop {
        let at_end = *ended.borrow();
        let read = tokio::select! {
            read = timeout(SETTLE, socket.read_buf(&mut unread)) => read,
            _ = ended.changed(), if !at_end => continue,
        };
        let now = nanoseconds();
        match read {
            Ok(Ok(0) | Err(_)) => {
                is_cut = true;
                break;
            }
            Ok(Ok(_)) => {}
            // Nothing more comes.
            Err(_) if at_end => break,
            Err(_) => continue,
        }
        let whole = unread
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        let lines: Vec<u8> = unread.drain(..whole).collect();
        let mut seen = seen.lock().unwrap();
        for text in lines.split(|b| *b == b'\n') {
            if text == b"event: snapshot" {
                snapshots.push(newest);
            }
            if let Some(id) = text.strip_prefix(b"id: ") {
                newest = std::str::from_utf8(id).unwrap().trim().parse().unwrap();
                if !is_slow {
                    let (count, _, last) = seen.events.entry(newest).or_insert((0, now, now));
                    *count += 1;
                    *last = now.max(*last);
                }
            }
        }
    }
    let mut seen = seen.lock().unwrap();
    let again = snapshots.into_iter().skip(1);
    if is_slow {
        seen.slow_resyncs.extend(again);
        seen.slow_dropped += usize::from(is_cut);
    } else {
        seen.resyncs.extend(again);
        seen.dropped += usize::from(is_cut);
    }
}
