//! the command line: one file per subcommand.
