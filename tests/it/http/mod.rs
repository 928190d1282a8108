//! The doors: pages, API, recordings, events, access.

mod access;
mod api;
mod events;
mod insight;
mod pages;
mod recording;
