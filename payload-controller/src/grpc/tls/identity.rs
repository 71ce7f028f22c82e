//! A certificate, and its key.

use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secret_file::SecretFileError;

/// Octets of the file of a certificate or a key.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Who the controller is.
#[derive(Debug)]
pub struct Identity {
    pub(super) certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

/// Why there is no certificate, or no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// Its file cannot be read.
    #[error("{}: {error}; `payload-controller provision` makes it", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: SecretFileError,
    },
    /// There is nothing like that in it.
    #[error("{} holds no {what} in PEM: {why}; `payload-controller provision` makes it", path.display())]
    NoPem {
        /// Which.
        path: PathBuf,
        /// What is wanted.
        what: &'static str,
        /// What is there.
        why: String,
    },
}

impl Identity {
    /// Reads both.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn read(certificate_file: &Path, key_file: &Path) -> Result<Identity, IdentityError> {
        let certificate = certificate(certificate_file)?;
        let pem =
            secret_file::read(key_file, FILE_BYTES_MAX).map_err(|error| IdentityError::File {
                path: key_file.to_owned(),
                error,
            })?;
        let key = PrivateKeyDer::from_pem_slice(&pem);
        let key = key.map_err(|error| no_pem(key_file, "key", &error))?;
        Ok(Identity { certificate, key })
    }

    pub(super) fn key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }
}

/// Reads a certificate; of several, the first.
///
/// # Errors
/// [`IdentityError`].
pub fn certificate(file: &Path) -> Result<CertificateDer<'static>, IdentityError> {
    let pem =
        secret_file::read_public(file, FILE_BYTES_MAX).map_err(|error| IdentityError::File {
            path: file.to_owned(),
            error,
        })?;
    let certificate = CertificateDer::from_pem_slice(&pem);
    certificate.map_err(|error| no_pem(file, "certificate", &error))
}

fn no_pem(path: &Path, what: &'static str, error: &rustls::pki_types::pem::Error) -> IdentityError {
    IdentityError::NoPem {
        path: path.to_owned(),
        what,
        why: error.to_string(),
    }
}
