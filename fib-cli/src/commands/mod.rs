//! One file for each command.

pub(crate) mod advise;
pub(crate) mod analyse;
pub(crate) mod batch;
pub(crate) mod calc;
pub(crate) mod compare;
pub(crate) mod doctor;
pub(crate) mod engine;
pub(crate) mod list;
pub(crate) mod model;
pub(crate) mod pages;
pub(crate) mod race;
pub(crate) mod report;
pub(crate) mod sweep;
pub(crate) mod trace;
