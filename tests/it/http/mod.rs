//! The doors: pages, API, recordings, events, access.

mod access;
mod api;
mod erase;
mod events;
mod files;
mod jobs;
mod insight;
mod pages;
mod people;
mod recording;
