//! The judge of client histories against one that tries every order.

mod brute;
mod exhaustive;
mod sampled;
mod shapes;
