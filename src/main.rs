//! callscribe: see the library's `lib.rs` for the map.

fn main() -> std::process::ExitCode {
    callscribe::speech::models::pull::tls::install_provider();
    callscribe::cli::main()
}
