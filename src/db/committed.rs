//! In which buckets transactions were committed by this process: a hint for whoever works on what they left.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::ids::BUCKETS;

const WORDS: usize = BUCKETS / 64;

/// A mark for each bucket.
#[derive(Debug, Default)]
pub struct Committed {
    marks: [AtomicU64; WORDS],
    rung: Notify,
}

impl Committed {
    pub(super) fn mark(&self, bucket: i16) {
        let bucket = bucket as usize;
        self.marks[bucket / 64].fetch_or(1 << (bucket % 64), Ordering::Release);
        self.rung.notify_one();
    }

    /// Takes the marks away.
    pub fn take(&self) -> impl Iterator<Item = i16> {
        let words = self.marks.each_ref().map(|word| word.swap(0, Ordering::Acquire));
        (0..BUCKETS)
            .filter(move |bucket| words[bucket / 64] >> (bucket % 64) & 1 == 1)
            .map(|bucket| bucket as i16)
    }

    /// Rung with every mark.
    pub fn rung(&self) -> &Notify {
        &self.rung
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_taken_once() {
        let committed = Committed::default();
        for bucket in [0, 63, 64, 255, 63] {
            committed.mark(bucket);
        }
        assert_eq!(committed.take().collect::<Vec<_>>(), [0, 63, 64, 255]);
        assert_eq!(committed.take().count(), 0);
    }
}
