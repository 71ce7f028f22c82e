//! What the service serves at its port.

use std::net::SocketAddr;
use std::sync::Arc;

use service_host::http::Endpoint;
use service_host::link_host::link_metrics_writer;
use service_host::link_schema::LinkContext;
use service_host::prometheus::Page;

use super::buckets::Counters;
use super::peers::PeerCounts;
use super::reload::Reloader;
use super::{metrics, operator};
use crate::api::json::{Api, Way};
use crate::bucket::BucketCounts;
use crate::dropbox::DropboxCounter;
use crate::names::AppId;
use crate::settings::SERVICE;

/// What is counted beside the link and the desk.
pub(super) struct Counted {
    pub(super) dropped: DropboxCounter,
    pub(super) buckets: Counters,
    pub(super) peers: Vec<PeerCounts>,
}

/// GraphQL for the operator, the metrics page, and the interface of apps that show a token.
pub(super) fn endpoint(
    context: LinkContext,
    reloader: Arc<Reloader>,
    counted: Counted,
    addr: SocketAddr,
) -> Endpoint {
    let Counted {
        dropped,
        buckets,
        peers,
    } = counted;
    let link = link_metrics_writer(&context);
    let desk = Arc::clone(&reloader.desk);
    let peers = Arc::new(peers);
    let counted = Arc::clone(&peers);
    let of_shares = Arc::clone(&reloader);
    let page = move || {
        let buckets: Vec<(AppId, BucketCounts)> = buckets
            .iter()
            .map(|(name, counter)| (name.clone(), counter.counts()))
            .collect();
        let mut page = Page::new();
        link(&mut page);
        counted.iter().for_each(|peer| peer.write(&mut page));
        let (counts, depths) = (desk.counts(), desk.depths());
        metrics::write(&mut page, &counts, depths, &dropped.counts(), &buckets);
        metrics::shares(&mut page, &of_shares.shares());
        page.finish()
    };
    let api = Api {
        desk: Arc::clone(&reloader.desk),
        pool: Arc::clone(&reloader.pool),
        way: Way::Token(Arc::clone(&reloader.tokens)),
    };
    let endpoint = operator::endpoint(context, reloader, peers).with_metrics(page);
    if addr.ip().is_loopback() {
        return endpoint.with_routes(api.routes());
    }
    log::warn!(
        "{SERVICE}: {addr} is not on the loopback interface: apps are served at their sockets only"
    );
    endpoint
}
