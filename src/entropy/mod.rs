//! The only room that knows constriction: intervals and tables to rANS and back.

pub mod lanes;
