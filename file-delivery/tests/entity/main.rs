//! Entities with each other, on virtual time, over a link that loses what a test says.

mod rig;

mod cuts;
mod deliveries;
mod faults;
mod filestore;
mod listings;
mod losses;
mod messages;
mod passes;
mod prompts;
mod proxy;
mod remote;
mod round_trips;
mod rules;
