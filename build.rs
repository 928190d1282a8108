//! Leads a call of whisper.cpp's to `speech::whisper::one_thread`, which says why.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_CFG_TARGET_OS").is_some_and(|os| os == "linux") {
        println!("cargo::rustc-link-arg=-Wl,--wrap=ggml_backend_init_by_type");
    }
}
