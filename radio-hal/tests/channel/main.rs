//! The simulated channel, on virtual time and in real time.

mod air;
mod arithmetic;
mod behaviour;
mod real_time;
mod reproduction;
