//! One packed area: what its box in the tree does not say, and its vertices in as few bytes as the box allows.
//!
//! Twenty-four bytes of head and then the vertices, little-endian, as offsets from the corner of the box. Heights are those of the box, which are exact; the window is that of the box with the rest that its units leave.

use super::VolumeId;
use super::items::Item;
use super::tree::{Box4, PLACE, TICK_MS};
use crate::shape::Part;
use crate::units::Window;

/// Blocks begin at multiples of this.
pub(crate) const BLOCK_UNIT: usize = 8;
/// Bytes that room is made for at first: those of seventeen vertices.
pub(crate) const BLOCK_BYTES_USUAL: usize = 128;

const ID: usize = 0;
const FROM: usize = 8;
/// Milliseconds of the start and of the last one in their units of time: 16 bits each. Then the vertices and the bytes of a coordinate.
const START_REST: usize = 16;
const LAST_REST: usize = 18;
const COUNT: usize = 20;
const WIDTH: usize = 22;
const HEAD: usize = 24;

/// A block, read where it lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block<'a> {
    /// All of it, to the next unit.
    pub(crate) bytes: &'a [u8],
}

impl<'a> Block<'a> {
    #[inline(always)]
    pub(crate) fn at(all: &'a [u8], at: usize) -> Self {
        let bytes = &all[at..];
        let block = Self { bytes };
        let length = HEAD + block.count() * 2 * block.width();
        Self {
            bytes: &bytes[..length.next_multiple_of(BLOCK_UNIT)],
        }
    }

    /// Adds the block of an area behind the others; gives its place in units.
    pub(crate) fn write(
        item: &Item,
        part: &Part,
        offsets: &[[i32; 2]],
        box4: &Box4,
        all: &mut Vec<u8>,
    ) -> u32 {
        let at = all.len();
        let rest = |ms: i64| (ms.rem_euclid(TICK_MS) as u16).to_le_bytes();
        // From the corner of the box instead of the anchor: neither is left or below of it.
        let shift = [0, 1].map(|k| (part.anchor[k] - i64::from(box4.low[k]) * PLACE) as u32);
        let offset = |p: &[i32; 2]| [p[0] as u32 + shift[0], p[1] as u32 + shift[1]];
        let widest = offsets.iter().flat_map(offset).max().unwrap_or(0);
        let width = (4 - widest.leading_zeros() as usize / 8).max(2);
        all.extend(item.id.0.to_le_bytes());
        all.extend(item.from.to_le_bytes());
        all.extend(rest(item.window.start));
        all.extend(rest(item.window.end.wrapping_sub(1)));
        all.extend((offsets.len() as u16).to_le_bytes());
        all.extend((width as u16).to_le_bytes());
        for value in offsets.iter().flat_map(offset) {
            all.extend(&value.to_le_bytes()[..width]);
        }
        all.resize(all.len().next_multiple_of(BLOCK_UNIT), 0);
        (at / BLOCK_UNIT) as u32
    }

    #[inline(always)]
    fn long(&self, at: usize) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|i| self.bytes[at + i]))
    }

    #[inline(always)]
    fn short(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]])
    }

    #[inline(always)]
    pub(crate) fn id(&self) -> VolumeId {
        VolumeId(self.long(ID))
    }

    /// The position from which it stands.
    #[inline(always)]
    pub(crate) fn from(&self) -> u64 {
        self.long(FROM)
    }

    #[inline(always)]
    fn count(&self) -> usize {
        usize::from(self.short(COUNT))
    }

    #[inline(always)]
    fn width(&self) -> usize {
        usize::from(self.short(WIDTH))
    }

    #[inline(always)]
    pub(crate) fn window(&self, box4: &Box4) -> Window {
        let whole = |tick: i32| i64::from(tick) * TICK_MS;
        Window {
            start: whole(box4.low[2]) + i64::from(self.short(START_REST)),
            end: match box4.high[2] {
                i32::MAX => i64::MAX,
                last => whole(last) + i64::from(self.short(LAST_REST)) + 1,
            },
        }
    }

    /// Its vertices, from the corner of the box.
    #[inline(always)]
    pub(crate) fn vertices(&self, out: &mut Vec<[i32; 2]>) {
        let bytes = &self.bytes[HEAD..][..self.count() * 2 * self.width()];
        out.clear();
        match self.width() {
            2 => out.extend(bytes.chunks_exact(4).map(|p| {
                let both = u32::from_le_bytes(std::array::from_fn(|i| p[i]));
                [both & 0xffff, both >> 16].map(|v| v as i32)
            })),
            3 => out.extend(bytes.chunks_exact(6).map(|p| {
                let low = u32::from_le_bytes(std::array::from_fn(|i| p[i]));
                let high = u32::from_le_bytes(std::array::from_fn(|i| p[i + 2]));
                [low & 0xff_ffff, high >> 8].map(|v| v as i32)
            })),
            _ => out.extend(bytes.chunks_exact(8).map(|p| {
                let both = u64::from_le_bytes(std::array::from_fn(|i| p[i]));
                [both as i32, (both >> 32) as i32]
            })),
        }
    }
}
