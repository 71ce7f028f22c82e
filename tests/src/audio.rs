//! Sound as modems make and take it: samples, WAV files, and bits as levels.

use std::fs;
use std::path::Path;

/// Samples each second.
pub const SAMPLE_RATE_HZ: u32 = 48_000;

const SAMPLE_BYTES: usize = 2;
/// RIFF header, format and head of the data, as all programs here write them.
const WAV_HEADER_BYTES: usize = 44;
/// Half of what a sample can be.
const LEVEL: i16 = 16_000;

/// Samples of one channel, 16 bits each.
pub type Samples = Vec<i16>;

/// The samples in the octets of a sound card, least significant octet first.
pub fn to_octets(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|it| it.to_le_bytes()).collect()
}

/// So many seconds without a sound.
pub fn silence(seconds: u32) -> Samples {
    vec![0; (SAMPLE_RATE_HZ * seconds) as usize]
}

/// Writes a WAV file; panics when it cannot.
#[track_caller]
pub fn write_wav(path: &Path, samples: &[i16]) {
    let data = to_octets(samples);
    let length = |bytes: usize| {
        u32::try_from(bytes)
            .expect("a short recording")
            .to_le_bytes()
    };
    let mut file = b"RIFF".to_vec();
    file.extend(length(WAV_HEADER_BYTES - 8 + data.len()));
    file.extend(b"WAVEfmt \x10\0\0\0");
    // Format PCM, one channel, octets each second and each sample, bits.
    file.extend([1, 0, 1, 0]);
    file.extend(SAMPLE_RATE_HZ.to_le_bytes());
    file.extend((SAMPLE_RATE_HZ * SAMPLE_BYTES as u32).to_le_bytes());
    file.extend([SAMPLE_BYTES as u8, 0, 16, 0]);
    file.extend(b"data");
    file.extend(length(data.len()));
    file.extend(data);
    fs::write(path, file).expect("a new WAV file");
}

/// Reads a WAV file of [`SAMPLE_RATE_HZ`] as [`write_wav`] writes it; panics
/// when it is another.
#[track_caller]
pub fn read_wav(path: &Path) -> Samples {
    let file = fs::read(path).expect("a WAV file");
    let (header, data) = file.split_at(WAV_HEADER_BYTES);
    assert_eq!(
        header[22..28],
        [&[1, 0][..], &SAMPLE_RATE_HZ.to_le_bytes()].concat()
    );
    assert_eq!(&header[36..40], b"data");
    let samples = data.chunks_exact(SAMPLE_BYTES);
    samples
        .map(|it| i16::from_le_bytes([it[0], it[1]]))
        .collect()
}

/// One level for each bit, high for a 1, `samples_per_bit` long.
pub fn levels(bits: impl IntoIterator<Item = bool>, samples_per_bit: usize) -> Samples {
    let level = |bit| if bit { LEVEL } else { -LEVEL };
    let samples = bits
        .into_iter()
        .map(|bit| vec![level(bit); samples_per_bit]);
    samples.flatten().collect()
}

/// The bits of a signal of two levels, taken in their middles: the clock is set
/// by each change of level.
pub fn slice(samples: &[i16], samples_per_bit: usize) -> Vec<bool> {
    let mut bits = Vec::new();
    let mut level = false;
    let mut since_edge = 0;
    for sample in samples {
        let now = *sample > 0;
        since_edge = if now == level { since_edge + 1 } else { 0 };
        level = now;
        if since_edge % samples_per_bit == samples_per_bit / 2 {
            bits.push(level);
        }
    }
    bits
}
