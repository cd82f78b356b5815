//! The queue of ids whose orders have ended: the oldest end leaves first.

use std::collections::VecDeque;

/// Ends in a chunk.
const CHUNK: u32 = 1_024;

/// Ended ids in order of their end, in chunks so that growing copies nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends {
    full: VecDeque<Vec<u64>>,
    /// The youngest, less than a chunk.
    young: Vec<u64>,
    /// Place of the oldest in the first chunk.
    first: usize,
    pub count: usize,
    /// An empty chunk, so that a steady table asks for no memory.
    spare: Vec<u64>,
}

impl Ends {
    #[inline]
    pub fn push(&mut self, end: u64) {
        if self.young.len() == self.young.capacity() {
            self.turn();
        }
        self.young.push(end);
        self.count += 1;
    }

    /// Begin a new chunk.
    #[cold]
    fn turn(&mut self) {
        let mut next = std::mem::take(&mut self.spare);
        next.reserve_exact(CHUNK as usize);
        let full = std::mem::replace(&mut self.young, next);
        if !full.is_empty() {
            self.full.push_back(full);
        }
    }

    fn oldest(&self) -> &[u64] {
        self.full.front().unwrap_or(&self.young)
    }

    #[inline]
    pub fn first(&self) -> Option<u64> {
        self.oldest().get(self.first).copied()
    }

    pub fn last(&self) -> Option<u64> {
        self.young.last().or_else(|| self.full.back()?.last()).copied().filter(|_| self.count > 0)
    }

    pub fn pop(&mut self) -> Option<u64> {
        let end = self.first()?;
        self.count -= 1;
        self.first += 1;
        if self.first == self.oldest().len() {
            self.first = 0;
            match self.full.pop_front() {
                Some(chunk) => self.spare = chunk,
                None => std::mem::swap(&mut self.spare, &mut self.young),
            }
            self.spare.clear();
        }
        Some(end)
    }

    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.full.iter().flatten().chain(&self.young).skip(self.first).copied()
    }

    pub fn bytes(&self) -> usize {
        let chunks = self.full.iter().map(Vec::capacity).sum::<usize>() + self.young.capacity() + self.spare.capacity();
        chunks * size_of::<u64>() + self.full.capacity() * size_of::<Vec<u64>>()
    }
}
