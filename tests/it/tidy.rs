//! The order of `pub mod` in `lib.rs` is the order of flow: a room imports only from rooms above it.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

#[test]
fn imports_point_up() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let map = fs::read_to_string(src.join("lib.rs")).unwrap();
    let order: HashMap<&str, usize> = map
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .enumerate()
        .map(|(place, room)| (room, place))
        .collect();
    assert!(order.len() > 10, "lib.rs lists the rooms");
    let mut down = Vec::new();
    for file in sources(&src) {
        let room = room_of(&src, &file);
        let Some(&place) = order.get(room.as_str()) else {
            continue;
        };
        for named in imported_rooms(&fs::read_to_string(&file).unwrap()) {
            match order.get(named.as_str()) {
                Some(&target) if target > place => {
                    down.push(format!("{}: {room} imports {named}", file.display()))
                }
                _ => {}
            }
        }
    }
    assert!(
        down.is_empty(),
        "imports that point down:\n{}",
        down.join("\n")
    );
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}

fn room_of(src: &Path, file: &Path) -> String {
    let first = file.strip_prefix(src).unwrap().components().next().unwrap();
    first
        .as_os_str()
        .to_string_lossy()
        .trim_end_matches(".rs")
        .to_owned()
}

/// Every room named after `crate::`, one by one or in a braced group, comments and docs aside.
fn imported_rooms(text: &str) -> Vec<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut rooms = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            rooms.extend(group_heads(group));
        } else {
            rooms.push(ident(rest));
        }
    }
    rooms
}

/// The first identifier of each item at depth one of a `{…}` group.
fn group_heads(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut heads) = (1, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if (c == ',' && depth == 1) || depth == 0 {
            heads.push(ident(group[start..at].trim_start()));
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    heads
}

fn ident(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

#[test]
fn the_reader_of_imports_sees_groups_and_single_paths() {
    let text =
        "use crate::{ids::{A, B}, store::Store,\n time};\nfn f() { crate::http::x() } // crate::no";
    assert_eq!(
        imported_rooms(&text.replace(" // crate::no", "")),
        ["ids", "store", "time", "http"]
    );
    assert!(imported_rooms("/// crate::http\n//! [`crate::cli`]").is_empty());
}
