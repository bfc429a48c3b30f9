//! Deaths and full disks, at a chosen change.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use crate::plan::{Disk, DiskChange};

/// What happens at the change with this number, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// Nothing ever.
    None,
    /// The process dies. Of a write, half of the octets reach the disk.
    Death(usize),
    /// The disk is full for this one change.
    FullOnce(usize),
    /// The disk is full from this change on: each entry that goes makes room for one.
    FullFrom(usize),
}

#[derive(Debug)]
struct FaultState {
    kind: FaultKind,
    count: usize,
    dead: bool,
    /// Entries for which there is room on a full disk.
    room: usize,
}

/// Faults shared by the disk and the commands of one process.
#[derive(Clone, Debug)]
pub(crate) struct Faults(Rc<RefCell<FaultState>>);

impl Faults {
    pub(crate) fn new(kind: FaultKind) -> Self {
        Faults(Rc::new(RefCell::new(FaultState { kind, count: 0, dead: false, room: 0 })))
    }

    pub(crate) fn disk(&self) -> Disk {
        let own = self.clone();
        Disk::watched(move |change, octets| own.before(change, octets))
    }

    /// How many changes there were.
    pub(crate) fn count(&self) -> usize {
        self.0.borrow().count
    }

    /// Called before each change and each command.
    pub(crate) fn before(&self, change: DiskChange, octets: usize) -> io::Result<usize> {
        let mut state = self.0.borrow_mut();
        let at = state.count;
        state.count += 1;
        if state.dead {
            return Err(io::Error::other("dead"));
        }
        let full = || Err(io::ErrorKind::StorageFull.into());
        let takes_room =
            matches!(change, DiskChange::Create | DiskChange::Write | DiskChange::Overwrite);
        match state.kind {
            FaultKind::Death(when) if when == at => {
                state.dead = true;
                if matches!(change, DiskChange::Write | DiskChange::Overwrite) {
                    Ok(octets / 2)
                } else {
                    Err(io::Error::other("dead"))
                }
            }
            FaultKind::FullOnce(when) if when == at && takes_room => full(),
            FaultKind::FullFrom(_) if change == DiskChange::Remove => {
                state.room += 1;
                Ok(octets)
            }
            FaultKind::FullFrom(when) if at >= when => match change {
                // A new entry uses up the room of one that went; content goes there as well.
                DiskChange::Create if state.room == 0 => full(),
                DiskChange::Create => Ok(octets),
                DiskChange::Write if state.room == 0 => full(),
                DiskChange::Write => {
                    state.room -= 1;
                    Ok(octets)
                }
                _ => Ok(octets),
            },
            _ => Ok(octets),
        }
    }
}
