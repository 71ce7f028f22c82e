//! The OORT-style agent, as a program.

mod clients;
mod functional;
mod in_c;
mod link;
mod room;
mod site;
mod start;
