//! One thread for all that ggml computes.
//!
//! whisper.cpp (1.8.3, `whisper_exp_compute_token_level_timestamps_dtw`) computes word times on a backend of
//! its own and does not say how many threads it may have: ggml takes four, and three of them spin while
//! one works. The linker leads that call here (`--wrap`, `build.rs`). Linked without, all works and costs
//! more.

#![expect(
    unsafe_code,
    reason = "a C function in the place of another, which calls C"
)]

use std::ffi::c_char;

use whisper_rs::whisper_rs_sys::{
    ggml_backend_cpu_set_n_threads, ggml_backend_dev_by_type, ggml_backend_dev_init,
    ggml_backend_dev_type, ggml_backend_is_cpu, ggml_backend_t,
};

/// What whisper.cpp calls for `ggml_backend_init_by_type`, which does the same without the thread count.
#[unsafe(no_mangle)]
pub(super) extern "C" fn __wrap_ggml_backend_init_by_type(
    kind: ggml_backend_dev_type,
    parameters: *const c_char,
) -> ggml_backend_t {
    // SAFETY: `parameters` is the caller's, passed on; devices live as long as the process, and the backend
    // is checked before it is used.
    unsafe {
        let device = ggml_backend_dev_by_type(kind);
        if device.is_null() {
            return std::ptr::null_mut();
        }
        let backend = ggml_backend_dev_init(device, parameters);
        if !backend.is_null() && ggml_backend_is_cpu(backend) {
            ggml_backend_cpu_set_n_threads(backend, 1);
        }
        backend
    }
}
