//! Devices that were asked for lately: each trace asks for its own, and reading one takes a turn of
//! a reader and the point of its key.
//!
//! All that removes a device or signs one out goes through this process, so that what stands here is
//! what the file says, but for the moment between that and [`RecentDevices::forget`]. A trace that
//! falls into it is refused by its own commit, which looks the device up.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hexmile_trace::DeviceId;

use crate::store::Device;

/// Most that are kept, about 200 bytes each; past it all are let go.
const MOST: usize = 16_384;

#[derive(Default)]
pub(super) struct RecentDevices(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    devices: HashMap<DeviceId, Device>,
    /// How often all were forgotten: what was read before is not kept after.
    forgotten: u64,
}

impl RecentDevices {
    /// The device, or what to [`keep`](Self::keep) one with that is read now.
    pub(super) fn find(&self, id: DeviceId) -> Result<Device, u64> {
        let kept = self.kept();
        kept.devices.get(&id).cloned().ok_or(kept.forgotten)
    }

    pub(super) fn keep(&self, device: &Device, since: u64) {
        let mut kept = self.kept();
        if kept.forgotten == since {
            if kept.devices.len() >= MOST {
                kept.devices.clear();
            }
            kept.devices.insert(device.id, device.clone());
        }
    }

    /// To be called after every removal and every signing out.
    pub(super) fn forget(&self) {
        let mut kept = self.kept();
        kept.devices.clear();
        kept.forgotten += 1;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
