//! Inputs made of others: what a fuzzer does, without its feedback.

/// Octets that mean something to one of the codecs.
const SPECIAL: [u8; 14] = [
    0x00, 0x01, 0x03, 0x13, 0x3F, 0x40, 0x7E, 0xC0, 0xDB, 0xDC, 0xDD, 0xF0, 0xFE, 0xFF,
];
const INPUT_BYTES_MAX: usize = 1024;
const RANDOM_BYTES_MAX: usize = 256;
const CHANGES_MAX: usize = 6;

/// An endless row of inputs, the same for the same seed.
pub(crate) struct Mutation<'a> {
    state: u64,
    inputs: &'a [Vec<u8>],
}

impl<'a> Mutation<'a> {
    /// `seed` is not 0, and there is an input at least.
    pub(crate) fn new(seed: u64, inputs: &'a [Vec<u8>]) -> Self {
        Self {
            state: seed,
            inputs,
        }
    }

    /// One in four is random through and through, the others are changed ones.
    pub(crate) fn next_input(&mut self) -> Vec<u8> {
        if self.below(4) == 0 {
            let bytes = self.below(RANDOM_BYTES_MAX);
            return (0..bytes).map(|_| self.octet()).collect();
        }
        let mut input = self.pick().to_vec();
        for _ in 0..=self.below(CHANGES_MAX) {
            self.change(&mut input);
        }
        input.truncate(INPUT_BYTES_MAX);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let end = at + self.below(input.len() + 1 - at);
        match self.below(7) {
            0 => input.truncate(at),
            1 => drop(input.drain(at..end)),
            2 => {
                let again = input[at..end].to_vec();
                input.splice(at..at, again);
            }
            3 => {
                let other = self.pick();
                input.truncate(at);
                input.extend_from_slice(&other[at.min(other.len())..]);
            }
            4 => input.insert(at, self.octet()),
            kind => {
                let (octet, bit) = (self.octet(), 1 << self.below(8));
                if let Some(changed) = input.get_mut(at) {
                    *changed = if kind == 5 { octet } else { *changed ^ bit };
                }
            }
        }
    }

    fn pick(&mut self) -> &'a [u8] {
        &self.inputs[self.below(self.inputs.len())]
    }

    fn octet(&mut self) -> u8 {
        match self.below(3) {
            0 => SPECIAL[self.below(SPECIAL.len())],
            _ => self.next() as u8,
        }
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Marsaglia's xorshift64, with the upper half of each step.
    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state >> 32
    }
}
