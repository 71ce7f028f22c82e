//! The files of a payload: of all sizes and classes, of several topics, some that shrink when
//! they are compressed and some that do not.

use serde_json::{Value, json};

use crate::site::noise;

/// Long enough to stay in a stage until the end of the test.
const LONG: u64 = 99_999;
/// Short enough to be over before the first pass.
const SHORT: u64 = 1;

/// Octets of a file, most of the time.
const SIZES: [usize; 7] = [0, 1, 700, 5_000, 20_000, 60_000, 130_000];
/// One in so many has nearly a MiB.
const LARGE_EVERY: usize = 40;
/// One has more than a bucket takes at once.
const IN_PARTS: usize = 21;
const PART_BYTES: usize = 8 << 20;
/// One in so many expires on board.
const EXPIRES_EVERY: usize = 50;

/// Where an item stands when it waits for the first pass, and how it came there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class {
    pub(super) name: &'static str,
    ttl: [u64; 3],
    /// None: it expires.
    pub(super) stage: Option<&'static str>,
    /// It was in another stage before.
    pub(super) is_demoted: bool,
}

const fn class(
    name: &'static str,
    ttl: [u64; 3],
    stage: Option<&'static str>,
    is_demoted: bool,
) -> Class {
    Class {
        name,
        ttl,
        stage,
        is_demoted,
    }
}

const CLASSES: [Class; 5] = [
    class("surplus", [0, 0, LONG], Some("surplus"), false),
    class("urgent", [LONG, LONG, LONG], Some("urgent"), false),
    class("bulk", [0, LONG, LONG], Some("bulk"), false),
    class("was urgent", [SHORT, LONG, LONG], Some("bulk"), true),
    class("was bulk", [0, SHORT, LONG], Some("surplus"), true),
];
const EXPIRES: Class = class("expires", [SHORT, 0, 0], None, true);

/// A file before it is handed over.
pub(super) struct File {
    pub(super) name: String,
    pub(super) topic: &'static str,
    pub(super) class: Class,
    pub(super) octets: Vec<u8>,
}

/// That many that are to arrive, and further ones that expire.
pub(super) fn files(count: usize) -> impl Iterator<Item = File> {
    (0..count).flat_map(|number| {
        let topic = ["images", "logs", "spectra"][number % 3];
        let bytes = match number % LARGE_EVERY {
            _ if number == IN_PARTS => PART_BYTES + number,
            7 => (1 << 20) - number,
            _ => SIZES[number % SIZES.len()],
        };
        let file = File {
            // Those of one name meet in one folder.
            name: format!("{}.raw", number / 2),
            topic,
            class: CLASSES[number % CLASSES.len()],
            octets: match topic {
                "logs" => text(number, bytes),
                _ => noise(number as u64, bytes),
            },
        };
        let expires = (number % EXPIRES_EVERY == EXPIRES_EVERY - 1).then(|| File {
            name: format!("{number}.old"),
            topic,
            class: EXPIRES,
            octets: noise(u64::MAX, 1_000),
        });
        [Some(file), expires].into_iter().flatten()
    })
}

impl File {
    pub(super) fn options(&self) -> Value {
        let [urgent, bulk, surplus] = self.class.ttl;
        json!({
            "TTLParams": {"urgent": urgent, "bulk": bulk, "surplus": surplus},
            "reliable": true,
            "tags": {"token": self.name},
        })
    }
}

fn text(number: usize, bytes: usize) -> Vec<u8> {
    let lines = (0..).map(|line| format!("{number} {line}: nominal\n"));
    let mut text: Vec<u8> = Vec::with_capacity(bytes);
    for line in lines {
        if text.len() >= bytes {
            break;
        }
        text.extend(line.bytes());
    }
    text.truncate(bytes);
    text
}
