//! The judge of client histories against one that tries every order.

mod brute;
mod exhaustive;
mod explained;
mod generated;
mod limits;
mod sampled;
mod shapes;
mod unwritten;
