//! A frame as one line for people.

use super::Replayed;

/// `number  seconds  way  octets  from > to  fate`.
pub(crate) fn plain_line(frame: &Replayed) -> String {
    let time = frame.since_first;
    let way = match frame.direction {
        Some(direction) => direction.to_string(),
        None => "·".to_owned(),
    };
    let between = match frame.callsigns {
        Some((destination, source)) => format!("{source} > {destination}"),
        None => String::new(),
    };
    let mut line = format!(
        "{:>5} {:>5}.{:06} {way} {:>5}  ",
        frame.number,
        time.as_secs(),
        time.subsec_micros(),
        frame.octets,
    );
    if !between.is_empty() {
        line.push_str(&format!("{between:<21}  "));
    }
    line.push_str(&frame.fate.to_string());
    if frame.original_bytes > frame.octets {
        let missing = frame.original_bytes - frame.octets;
        line.push_str(&format!("; {missing} octets were not captured"));
    }
    line
}
