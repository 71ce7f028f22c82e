//! Several files that are read as one.

use file_delivery::store::StoreError;

use crate::bundle::{Bundle, Piece};
use crate::desk::Desk;
use crate::folders::Folders;
use crate::journal::Journal;
use crate::record::TransferId;

/// The files of a transfer as one. Of a batch of a thousand, one is open at a time.
pub struct Bundled<F: Folders> {
    id: TransferId,
    bundle: Bundle,
    open: Option<(usize, F::File)>,
}

impl<F: Folders> Bundled<F> {
    pub(super) fn new(id: TransferId, bundle: Bundle) -> Self {
        Bundled {
            id,
            bundle,
            open: None,
        }
    }

    /// Fills `octets` from `offset` on.
    pub(super) fn read<J: Journal>(
        &mut self,
        desk: &Desk<F, J>,
        mut offset: u64,
        mut octets: &mut [u8],
    ) -> Result<(), StoreError> {
        while !octets.is_empty() {
            let ends = || StoreError::Failed {
                what: format!("a read at {offset}"),
                error: "the archive ends before".to_owned(),
            };
            let piece = self.bundle.piece(offset, octets.len() as u64);
            let bytes = match piece.ok_or_else(ends)? {
                Piece::Octets(part) => part.len(),
                Piece::File { bytes, .. } | Piece::Zeros(bytes) => {
                    usize::try_from(bytes).unwrap_or(usize::MAX)
                }
            };
            let (now, rest) = octets.split_at_mut_checked(bytes).ok_or_else(ends)?;
            match piece {
                Some(Piece::Octets(part)) => now.copy_from_slice(part),
                Some(Piece::File { index, offset, .. }) => {
                    let open = self.open.take().filter(|(open, _)| *open == index);
                    let (_, file) = match open {
                        Some(open) => self.open.insert(open),
                        None => {
                            let opened = desk.open_source(self.id, index);
                            let (file, _) = opened.map_err(|refused| StoreError::Failed {
                                what: format!("opening file {index} of a batch"),
                                error: refused.text,
                            })?;
                            self.open.insert((index, file))
                        }
                    };
                    fill(desk.folders(), file, offset, now)?;
                }
                Some(Piece::Zeros(_)) => now.fill(0),
                None => {}
            }
            offset += bytes as u64;
            octets = rest;
        }
        Ok(())
    }
}

/// Fills `octets` from `offset` of a file on.
pub(super) fn fill<F: Folders>(
    folders: &F,
    file: &F::File,
    offset: u64,
    octets: &mut [u8],
) -> Result<(), StoreError> {
    let wanted = octets.len();
    let error = match folders.read(file, offset, octets) {
        Ok(read) if read == wanted => return Ok(()),
        Ok(read) => format!("the file ends after {read} of them"),
        Err(error) => error.to_string(),
    };
    let what = format!("a read of {wanted} octets at {offset}");
    Err(StoreError::Failed { what, error })
}
