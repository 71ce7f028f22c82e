//! What is said to those that are nobody, before anything of what they ask is read.

use hyper::Response;
use hyper::body::{Bytes, Frame};
use payload_interface::ReturnCode;
use payload_interface::messages::AntarisReturnType;
use prost::Message as _;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::grpc::front::Refusal;

/// The header that says why a call was not done, for people.
pub(super) const REASON: &str = "x-heliograph-reason";

/// gRPC's success.
const OK: HeaderValue = HeaderValue::from_static("0");
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// As the original's payloads know it: the call was made, and returns that it is not
/// permitted. A status of gRPC would be an exception that they do not catch.
pub(super) fn not_permitted(why: &Refusal) -> Response<Body> {
    let message = AntarisReturnType::from(ReturnCode::NOT_PERMITTED).encode_to_vec();
    // Not compressed, and its length: so each message is framed.
    let mut framed = vec![0];
    framed.extend(u32::try_from(message.len()).unwrap_or(0).to_be_bytes());
    framed.extend(message);
    let mut trailers = HeaderMap::new();
    trailers.insert(Status::GRPC_STATUS, OK);
    let frames = [
        Ok::<_, Status>(Frame::data(Bytes::from(framed))),
        Ok(Frame::trailers(trailers)),
    ];
    let frames = futures_util::stream::iter(frames);
    let mut response = Response::new(Body::new(http_body_util::StreamBody::new(frames)));
    response.headers_mut().insert(CONTENT_TYPE, GRPC);
    if let Ok(reason) = HeaderValue::try_from(ascii(&why.to_string())) {
        response.headers_mut().insert(REASON, reason);
    }
    response
}

/// A text as a header may have it.
pub(super) fn ascii(text: &str) -> String {
    text.chars()
        .map(|it| if matches!(it, ' '..='~') { it } else { '?' })
        .collect()
}
