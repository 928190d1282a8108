//! The doors: pages, API, recordings, events, access.

mod access;
mod api;
mod events;
mod jobs;
mod pages;
mod recording;
