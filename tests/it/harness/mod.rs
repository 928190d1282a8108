//! What several capabilities' tests share.

pub(crate) mod site;
