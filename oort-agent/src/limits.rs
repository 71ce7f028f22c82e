//! Every limit of the agent.

use std::time::Duration;

/// Longest body of a request of v1 and of the collector, in octets.
pub const V1_BODY_BYTES_MAX: usize = 8_000;
/// Longest file that is handed over in the body of a request, in octets.
pub const STREAM_BYTES_MAX: u64 = 4 << 30;
/// Time in which the body of a request of v1 is to be there.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Time that a body which is a file may pause.
pub const STREAM_STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Requests that wait for the disk at once; further ones wait for them.
pub const REQUESTS_MAX: usize = 8;
/// Queries and retrievals among uploads at once; further ones wait for them, and nobody else
/// does: whole files may have to be read for them.
pub const UPLOAD_REQUESTS_MAX: usize = 4;
/// Files that are handed over in bodies at once; further ones wait for them.
pub const STREAMS_MAX: usize = 4;
/// Time that a request may take, but for one whose body is a file: a large one is read and
/// copied meanwhile. What it began goes on.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(3_600);
/// Connections at once; further ones wait in the operating system's queue.
pub const CONNECTIONS_MAX: usize = 64;
/// Items in the queue, those that are out among them; further ones are refused.
pub const ITEMS_MAX: usize = 100_000;
/// Items that have ended and are remembered; the oldest are forgotten.
pub const ENDED_MAX: usize = 10_000;
/// Topics that may be allowed.
pub const TOPICS_MAX: usize = 1_000;
/// Characters of an idempotency key.
pub const KEY_CHARACTERS_MAX: usize = 128;
/// Files that a query names.
pub const QUERY_FILES_MAX: usize = 50;
/// Files in `uploads/` that are looked at.
pub const UPLOADS_MAX: usize = 10_000;
/// Uploads that were retrieved and are remembered, so that none comes twice; the oldest are
/// forgotten.
pub const RETRIEVED_MAX: usize = 10_000;
/// Longest `.meta.oort`, in octets.
pub const META_BYTES_MAX: u64 = oort_bundle::META_BYTES_MAX;
/// Items of one page, where nothing is said, and at most.
pub const PAGE: usize = 100;
/// Items of one page at most.
pub const PAGE_MAX: usize = 1_000;
/// Items that are with the link service at once, where nothing is said.
pub const OUT_MAX: usize = 4;
/// How often an item that could not go down is handed in.
pub const TRIES_MAX: u32 = 100;
/// Time for which items that expired while the agent was down wait for what the link service
/// says of them.
pub const LINK_ANSWER_TIME: Duration = Duration::from_secs(600);
/// First pause of an item that the link service did not take or bring down; each further one is
/// twice as long.
pub const ITEM_PAUSE: Duration = Duration::from_secs(5);
/// Longest pause of such an item.
pub const ITEM_PAUSE_MAX: Duration = Duration::from_secs(300);
/// First pause of a topic of which an item was not taken; each further one is twice as long,
/// until one of it is taken.
pub const TOPIC_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause of such a topic.
pub const TOPIC_PAUSE_MAX: Duration = Duration::from_secs(60);
/// Items that are not taken in one round of the pump; then the next round goes on.
pub const SETBACKS_MAX: u32 = 8;
/// Octets that a read or write has.
pub(crate) const CHUNK_BYTES: usize = 128 << 10;
