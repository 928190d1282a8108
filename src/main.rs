//! callscribe: see the library's `lib.rs` for the map.

fn main() -> std::process::ExitCode {
    callscribe::cli::main()
}
