//! The agent, by what others see of it.

mod queue;
