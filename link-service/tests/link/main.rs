//! What the link service takes: names, requests, apps and the policy.

mod rig;

mod book;
mod code;
mod explain;
mod names;
mod policy;
mod policy_model;
mod registry;
mod reload;
mod request;
mod settings;
