//! all of it → rows: one narrow face, SQLite and PostgreSQL behind it.
