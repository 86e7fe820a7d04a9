//! Chains of capability tokens: which grant, and which do not.

mod attacks;
mod chains;
mod forge;
mod fuzz;
mod hellos;
mod lapse;
mod proof;
