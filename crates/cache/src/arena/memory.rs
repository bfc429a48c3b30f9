//! The memory of an arena, block by block.

use super::Arena;
use super::block::Block;

impl Arena {
    /// Octets of entries, without gaps.
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// The number of blocks that hold memory.
    pub(crate) fn allocated(&self) -> usize {
        self.allocated
    }

    /// Allocates an empty block. `None` if the operating system has no memory.
    pub(crate) fn allocate(&mut self) -> Option<usize> {
        let new = Block::new()?;
        self.allocated += 1;
        let block = self.blocks.iter().position(|block| !block.is_allocated());
        let at = block.unwrap_or(self.blocks.len());
        match self.blocks.get_mut(at) {
            Some(block) => block.replace(new),
            None => self.blocks.push(new),
        }
        Some(at)
    }

    /// Returns the memory of an empty block.
    pub(crate) fn release(&mut self, block: usize) {
        if let Some(block) = self.blocks.get_mut(block).filter(|block| block.live == 0)
            && block.is_allocated()
        {
            block.replace(Block::default());
            self.allocated -= 1;
        }
    }

    /// Returns the memory of all empty blocks.
    pub(crate) fn release_empty(&mut self) {
        (0..self.blocks.len()).for_each(|block| self.release(block));
    }

    /// Free octets at the end of a block.
    pub(crate) fn room_in(&self, block: usize) -> usize {
        self.blocks.get(block).map_or(0, Block::room)
    }

    /// The block with the fewest octets of entries, except `but`, and that number of octets.
    pub(crate) fn emptiest(&self, but: Option<usize>) -> Option<(usize, usize)> {
        let blocks = self.blocks.iter().enumerate();
        let blocks = blocks.filter(|(at, block)| block.is_allocated() && Some(*at) != but);
        blocks.map(|(at, block)| (at, block.live)).min_by_key(|(_, live)| *live)
    }
}
