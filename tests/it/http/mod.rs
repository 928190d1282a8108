//! The doors: pages, API, recordings, events, access.

mod access;
mod api;
mod erase;
mod deliveries;
mod events;
mod jobs;
mod insight;
mod leads;
mod pages;
mod people;
mod recording;
mod recordings;
