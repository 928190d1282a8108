//! The doors: pages, API, recordings, events, access.

mod access;
mod api;
mod erase;
mod events;
mod jobs;
mod links;
mod insight;
mod pages;
mod people;
mod recording;
