//! The OORT-style agent, as a program.

mod clients;
mod functional;
mod link;
mod site;
mod start;
