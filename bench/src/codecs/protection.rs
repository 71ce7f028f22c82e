//! What protects a message, on its own: made and checked, as on the two ends of a link.
//! The difference between a protected message through both engines and a clear one is
//! this, and what the engines add to it.

use std::hint::black_box;

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use anyhow::{Result, ensure};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::octets;
use super::work::Work;
use crate::figure::Figure;
use crate::section::Run;

const KEY: [u8; 32] = [0x4B; 32];
const NONCE: [u8; 12] = [0x4E; 12];
/// Direction, APID, security header and command header, which are covered, too.
const COVERED: [u8; 23] = [0x43; 23];
const TRAILER_BYTES: usize = 16;

/// HMAC-SHA-256 cut to 16 octets, and AES-256-GCM, of `bytes` each.
///
/// # Errors
/// When what was made is not what is checked.
pub(super) fn measure(run: &Run, bytes: usize) -> Result<Vec<Figure>> {
    let work = |name: &str| Work {
        run,
        name: format!("{name}, made and checked"),
        bytes,
        times_faster: None,
        allocates_nothing: true,
    };
    let mut message = octets(bytes);
    ensure!(hmac(&message), "an HMAC is not authentic");
    let mut figures = work("HMAC-SHA-256").alone(|| {
        black_box(hmac(black_box(&message)));
    });
    ensure!(gcm(&mut message), "a GCM tag is not authentic");
    figures.extend(work("AES-256-GCM").alone(|| {
        black_box(gcm(black_box(&mut message)));
    }));
    Ok(figures)
}

fn hmac(message: &[u8]) -> bool {
    let of_message = || {
        let mut hmac = <Hmac<Sha256> as KeyInit>::new_from_slice(&KEY).ok()?;
        hmac.update(&COVERED);
        hmac.update(message);
        Some(hmac)
    };
    let made = of_message().map(|hmac| hmac.finalize().into_bytes());
    let trailer = made.as_ref().and_then(|made| made.get(..TRAILER_BYTES));
    let checked = of_message().zip(trailer);
    checked.is_some_and(|(hmac, trailer)| hmac.verify_truncated_left(trailer).is_ok())
}

fn gcm(message: &mut [u8]) -> bool {
    let nonce = Nonce::from(NONCE);
    let cipher = || Aes256Gcm::new(&KEY.into());
    let sealed = cipher().encrypt_inout_detached(&nonce, &COVERED, (&mut *message).into());
    sealed.is_ok_and(|tag| {
        let opened = cipher().decrypt_inout_detached(&nonce, &COVERED, message.into(), &tag);
        opened.is_ok()
    })
}
