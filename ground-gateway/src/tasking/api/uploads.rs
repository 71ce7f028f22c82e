//! Uploads.

use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use multer::{Constraints, Multipart, SizeLimit};
use serde_json::{Value, json};

use super::access::Admitted;
use super::query::Query;
use super::refusal::Refusal;
use super::{Answered, Served, Shared, keyed, logged};
use crate::tasking::desk::{Answer, Incoming};
use crate::tasking::limits::{FORM_BYTES_MAX, UPLOAD_STALL_TIMEOUT};
use crate::tasking::problem::Problem;
use crate::tasking::store::UploadFilter;
use crate::tasking::upload::{Upload, UploadOrder};

/// The part of the form that is the file.
const FILE: &str = "file";

pub(super) async fn list(State(shared): Served, admitted: Admitted, uri: Uri) -> Answered {
    let query = Query::read(&uri, &["satellite_id", "before", "limit"])?;
    let filter = UploadFilter {
        satellite: query.text("satellite_id").map(str::to_owned),
        satellites: Vec::new(),
        before: query.text("before").map(str::to_owned),
        limit: query.limit()?,
    };
    let desk = Arc::clone(&shared.desk);
    let run = move || desk.uploads(&admitted.caller, filter);
    let (uploads, next) = shared.requests.run(run).await?;
    let data: Vec<Value> = uploads.iter().map(tell).collect();
    let mut listed = json!({ "data": data });
    if let (Value::Object(listed), Some(next)) = (&mut listed, next) {
        listed.insert("next".to_owned(), next.into());
    }
    Ok(super::json(Answer {
        status: 200,
        body: listed.to_string(),
    }))
}

fn tell(upload: &Upload) -> Value {
    json!({
        "id": upload.id,
        "satellite_id": upload.order.satellite,
        "payload": upload.order.payload,
        "destination_path": upload.order.destination,
        "executable": upload.order.is_executable,
        "itar": upload.order.itar,
        "size": upload.bytes,
        "status": upload.state.as_str(),
        "reason": upload.reason,
    })
}

pub(super) async fn cancel(
    State(shared): Served,
    admitted: Admitted,
    uri: Uri,
    body: Body,
) -> Answered {
    super::body::discard(body).await;
    let query = Query::read(&uri, &["id"])?;
    let id = query.needed("id")?.to_owned();
    let desk = Arc::clone(&shared.desk);
    let run = move || desk.cancel_upload(&admitted.asked(None), &id);
    Ok(logged(shared.requests.run(run).await?))
}

pub(super) async fn upload(
    State(shared): Served,
    admitted: Admitted,
    uri: Uri,
    headers: HeaderMap,
    mut body: Body,
) -> Answered {
    let uploaded = upload_body(&shared, &admitted, &uri, &headers, &mut body).await;
    if uploaded.is_err() && !headers.contains_key(header::EXPECT) {
        // So that its sender gets to read why.
        super::body::discard(body).await;
    }
    uploaded
}

async fn upload_body(
    shared: &Arc<Shared>,
    admitted: &Admitted,
    uri: &Uri,
    headers: &HeaderMap,
    body: &mut Body,
) -> Answered {
    let order = read(uri)?;
    let key = keyed::key(
        headers,
        &[b"upload", uri.query().unwrap_or_default().as_bytes()],
    )?;
    let boundary = headers.get(header::CONTENT_TYPE);
    let boundary = boundary.and_then(|kind| multer::parse_boundary(kind.to_str().ok()?).ok());
    let boundary = boundary.ok_or_else(|| {
        Problem::media_type(
            "the body is to be a form: Content-Type: multipart/form-data; boundary=…",
        )
    })?;
    let bytes_max = shared.desk.plan.upload_bytes_max;
    let announced = body.size_hint().lower();
    if announced > bytes_max.saturating_add(FORM_BYTES_MAX) {
        return Err(too_large(bytes_max).into());
    }
    let place = shared.uploads.take().await?;
    let desk = Arc::clone(&shared.desk);
    let (who, what) = (admitted.clone(), order.clone());
    let begin = move || desk.begin_upload(&who.asked(None), &what, announced);
    let (begun, place) = place.run(begin).await;
    let (incoming, mut place) = (begun?, place);
    let limits = SizeLimit::new()
        .whole_stream(bytes_max.saturating_add(FORM_BYTES_MAX))
        .for_field(FILE, bytes_max);
    let constraints = Constraints::new()
        .allowed_fields(vec![FILE])
        .size_limit(limits);
    let stream = futures_util::stream::poll_fn(|context| poll_data(body, context));
    let mut form = Multipart::with_constraints(stream, boundary, constraints);
    let mut incoming = Some(incoming);
    let mut is_there = false;
    while let Some(mut field) = in_time(form.next_field(), bytes_max).await? {
        if is_there {
            let detail = format!("the form has more than one part `{FILE}`");
            return Err(Problem::malformed(detail).into());
        }
        is_there = true;
        while let Some(octets) = in_time(field.chunk(), bytes_max).await? {
            let desk = Arc::clone(&shared.desk);
            let Some((mut taken, held)) = incoming.take().zip(place.take()) else {
                return Err(Problem::failed().into());
            };
            let write = move || {
                desk.write_upload(&mut taken, &octets)?;
                Ok::<Incoming, Problem>(taken)
            };
            let (written, held) = held.run(write).await;
            (incoming, place) = (Some(written?), held);
        }
    }
    drop(form);
    let Some((taken, held)) = incoming.zip(place).filter(|_| is_there) else {
        let detail = format!("the form has no part `{FILE}`");
        return Err(Problem::malformed(detail).into());
    };
    let desk = Arc::clone(&shared.desk);
    let who = admitted.clone();
    let end = move || desk.end_upload(&who.asked(key.as_ref()), &order, taken);
    let (ended, _) = held.run(end).await;
    Ok(logged(ended?))
}

fn read(uri: &Uri) -> Result<UploadOrder, Refusal> {
    let known = [
        "satellite_id",
        "payload",
        "destination_path",
        "executable",
        "itar",
    ];
    let query = Query::read(uri, &known)?;
    let is_executable = query.flag("executable")?;
    let detail = "the parameter `executable` is to be given";
    Ok(UploadOrder {
        satellite: query.needed("satellite_id")?.to_owned(),
        payload: query.needed("payload")?.to_owned(),
        destination: query.needed("destination_path")?.to_owned(),
        is_executable: is_executable.ok_or_else(|| Problem::malformed(detail))?,
        itar: query.flag("itar")?.unwrap_or(false),
    })
}

fn too_large(bytes_max: u64) -> Problem {
    Problem::too_large(format!(
        "a file has at most {bytes_max} octets (upload-bytes-max)"
    ))
}

/// What comes next of a form, unless it pauses for too long.
async fn in_time<T>(
    next: impl Future<Output = multer::Result<T>>,
    bytes_max: u64,
) -> Result<T, Refusal> {
    match tokio::time::timeout(UPLOAD_STALL_TIMEOUT, next).await {
        Ok(Ok(next)) => Ok(next),
        Ok(Err(error)) => Err(match error {
            multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => {
                too_large(bytes_max)
            }
            error => Problem::malformed(format!("the form: {error}")),
        }
        .into()),
        Err(_) => Err(Problem::too_slow(format!(
            "the form paused for {} s",
            UPLOAD_STALL_TIMEOUT.as_secs()
        ))
        .into()),
    }
}

/// The octets of a body, as a form takes them.
fn poll_data(
    body: &mut Body,
    context: &mut std::task::Context<'_>,
) -> std::task::Poll<Option<Result<multer::bytes::Bytes, axum::Error>>> {
    use std::task::Poll;
    loop {
        return match std::pin::Pin::new(&mut *body).poll_frame(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(octets) => Poll::Ready(Some(Ok(octets))),
                // Trailers.
                Err(_) => continue,
            },
        };
    }
}
