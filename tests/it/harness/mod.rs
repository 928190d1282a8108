//! What several capabilities' tests share.

pub(crate) mod browser;
pub(crate) mod desk;
pub(crate) mod line;
pub(crate) mod model;
pub(crate) mod people;
pub(crate) mod site;
pub(crate) mod whose;
