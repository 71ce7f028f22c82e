//! The packet formats, octet for octet: what they build, what they read and
//! what they refuse.

mod kubos;
mod link_control;
mod octets;
mod properties;
mod reception_report;
mod second_opinion;
mod space_packet;
mod udp;
