//! Several frames in one buffer.

/// Frames, or pieces of a stream, one after another in one buffer that keeps its
/// capacity.
///
/// What a receiver appends, and what a transmitter gets several frames in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FrameBuffer {
    octets: Vec<u8>,
    ends: Vec<usize>,
}

impl FrameBuffer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one frame or piece; an empty one is passed over.
    pub fn push(&mut self, octets: &[u8]) {
        self.push_with(|all| all.extend_from_slice(octets));
    }

    /// Appends what `append` adds to the octets, as one frame; nothing if it adds
    /// nothing. It must not touch what is there already.
    pub fn push_with<R>(&mut self, append: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let start = self.octets.len();
        let result = append(&mut self.octets);
        if self.octets.len() > start {
            self.ends.push(self.octets.len());
        }
        result
    }

    /// How many frames or pieces there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Number `index`, from 0.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.octets.get(start..end)
    }

    /// All of them, in order.
    pub fn iter(&self) -> Frames<'_> {
        Frames {
            octets: &self.octets,
            ends: self.ends.iter(),
            start: 0,
        }
    }

    /// All octets, without the borders between the frames.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Takes everything out and keeps the capacity.
    pub fn clear(&mut self) {
        self.octets.clear();
        self.ends.clear();
    }
}

impl<'a> IntoIterator for &'a FrameBuffer {
    type Item = &'a [u8];
    type IntoIter = Frames<'a>;

    fn into_iter(self) -> Frames<'a> {
        self.iter()
    }
}

/// The frames of a [`FrameBuffer`], in order.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    octets: &'a [u8],
    ends: std::slice::Iter<'a, usize>,
    /// Where the frame before has ended.
    start: usize,
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = *self.ends.next()?;
        let start = std::mem::replace(&mut self.start, end);
        self.octets.get(start..end)
    }

    fn nth(&mut self, skipped: usize) -> Option<&'a [u8]> {
        if let Some(last_skipped) = skipped.checked_sub(1) {
            self.start = *self.ends.nth(last_skipped)?;
        }
        self.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ends.size_hint()
    }
}

impl ExactSizeIterator for Frames<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_keep_their_order_and_borders() {
        let mut frames = FrameBuffer::new();
        frames.push(b"one");
        frames.push(b"");
        frames.push(b"second");
        assert_eq!(frames.len(), 2);
        assert_eq!(frames.iter().collect::<Vec<_>>(), [&b"one"[..], b"second"]);
        assert_eq!(frames.iter().skip(1).collect::<Vec<_>>(), [b"second"]);
        assert_eq!((frames.iter().nth(2), frames.get(2)), (None, None));
        assert_eq!(frames.octets(), b"onesecond");
        frames.clear();
        assert!(frames.is_empty() && frames.octets().is_empty());
    }
}
