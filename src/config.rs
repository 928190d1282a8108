//! One configuration: file, environment, flags; each room owns its `Options`, this file builds them.
