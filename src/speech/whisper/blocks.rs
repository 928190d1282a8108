//! Memory that whisper.cpp gives back goes back to the system.
//!
//! A searched window has a state of its own, a hundred megabytes in pieces of up to tens. glibc raises its
//! threshold for mapped blocks to whatever was freed last (`M_MMAP_THRESHOLD` in mallopt(3)), and from
//! then on keeps such pieces in arenas, where they never add up to a page that can go. Told a threshold, it
//! keeps to it. After two calls with tiny.en: 146 MB resident in place of 329, at the same CPU.

#![cfg_attr(
    target_env = "gnu",
    expect(unsafe_code, reason = "a setting of the C allocator")
)]

/// From this size on a block is mapped, and unmapped when it is freed; bytes.
#[cfg(target_env = "gnu")]
const MAPPED: i32 = 1 << 20;

/// Tells the allocator; again and again is as good as once.
pub(super) fn go_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt(3) takes any value, at any time, from any thread.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED);
    }
}
