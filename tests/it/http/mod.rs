//! The doors: pages, API, recordings, events, access.

mod access;
mod api;
mod audit;
mod changes;
mod erase;
mod deliveries;
mod events;
mod files;
mod login;
mod jobs;
mod links;
mod openapi;
mod insight;
mod leads;
mod pages;
mod people;
mod people_pages;
mod recording;
mod recordings;
mod rights;
mod timeline;
mod waveform;
mod search;
mod whose_pages;
