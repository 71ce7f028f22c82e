//! The simulated channel, on virtual time and in real time.

mod air;
mod arithmetic;
mod behaviour;
mod inside;
mod real_time;
mod reproduction;
