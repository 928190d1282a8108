//! The doors: pages, API, recordings, events, access.

mod access;
mod api;
mod audit;
mod erase;
mod events;
mod login;
mod jobs;
mod insight;
mod pages;
mod recording;
mod rights;
