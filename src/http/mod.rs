//! the doors: router, API, pages.
