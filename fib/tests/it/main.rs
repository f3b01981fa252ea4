//! The tests of the facade, in one binary so that it links once.

mod examples;
mod registry;
