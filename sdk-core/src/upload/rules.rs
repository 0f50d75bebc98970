//! When the driver, the phone and its data plan let a request leave. What the server asks for stands
//! in [`policy`](super::policy).

use super::meter::{Meter, Room};
use crate::capture::SealLimits;

/// How soon traces leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum UploadMode {
    /// As soon as they are sealed: what a driver contributes shows while they drive.
    #[default]
    Live,
    /// Together: the cellular radio is woken up at most four times an hour.
    Economy,
}

impl UploadMode {
    /// The size of traces that goes with it.
    pub const fn seal(self) -> SealLimits {
        match self {
            Self::Live => SealLimits::LIVE,
            Self::Economy => SealLimits::ECONOMY,
        }
    }
}

/// What the driver and the app allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadRules {
    /// How soon traces leave.
    pub mode: UploadMode,
    /// Only over Wi-Fi, or a cable, that is not metered.
    pub wifi_only: bool,
    /// Over a cellular network abroad, too.
    pub on_roaming: bool,
    /// Battery below which nothing leaves unless it charges, percent.
    pub min_battery_percent: u8,
    /// Bytes that all requests and answers of a day may take on cellular and metered connections:
    /// bodies as they are, headers and handshakes as they usually are. A day begins with the first
    /// request after the last one is over.
    pub cellular_bytes_per_day: Option<u64>,
    /// The same of 31 days.
    pub cellular_bytes_per_month: Option<u64>,
    /// Bytes of traces a request, at most; a trace alone always goes.
    pub max_request_bytes: usize,
}

impl UploadRules {
    /// As soon as may be, on any connection but abroad, above 15 percent of the battery.
    pub const LIVE: Self = Self {
        mode: UploadMode::Live,
        wifi_only: false,
        on_roaming: false,
        min_battery_percent: 15,
        cellular_bytes_per_day: None,
        cellular_bytes_per_month: None,
        max_request_bytes: 256 * 1024,
    };
    /// The same, together.
    pub const ECONOMY: Self = Self { mode: UploadMode::Economy, ..Self::LIVE };
}

impl Default for UploadRules {
    fn default() -> Self {
        Self::LIVE
    }
}

/// How the phone reaches the Internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Connection {
    /// The host has not told; taken for cellular.
    #[default]
    Unknown,
    /// It does not.
    None,
    /// Wi-Fi, or a cable.
    Wifi,
    /// A cellular network.
    Cellular,
}

/// What the host knows of the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "platforms tell them apart")]
pub struct Conditions {
    /// How it reaches the Internet.
    pub connection: Connection,
    /// Whether a Wi-Fi is paid by volume, as another phone's is: it counts as cellular.
    pub metered: bool,
    /// Whether the cellular network is a foreign one.
    pub roaming: bool,
    /// Percent, where it is known.
    pub battery_percent: Option<u8>,
    /// Whether the battery charges.
    pub charging: bool,
    /// Whether the driver asked the phone to spare its battery: live uploads go as in economy.
    pub low_power_mode: bool,
    /// Whether the driver asked apps to spare the data plan: on a cellular connection live uploads go
    /// as in economy.
    pub data_saver: bool,
}

impl Conditions {
    /// Whether a request wakes up a cellular radio, and is paid by volume.
    pub(crate) fn is_cellular(self) -> bool {
        self.connection != Connection::Wifi || self.metered
    }
}

/// Why uploads wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum UploadHold {
    /// There is no connection.
    Offline,
    /// They are to go over Wi-Fi alone.
    WaitingForWifi,
    /// The network is a foreign one.
    Roaming,
    /// The battery is low, and does not charge.
    BatteryLow,
    /// The data plan's share is spent.
    DataBudgetSpent,
    /// The radio is not to be woken up yet.
    RadioBudget,
    /// The server takes nothing of this app for now: [`Status::uploads_paused`](crate::Status) says
    /// why.
    ServerPause,
    /// The last try failed; the next one waits.
    ServerRetry,
}

impl UploadHold {
    /// Stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::WaitingForWifi => "waiting_for_wifi",
            Self::Roaming => "roaming",
            Self::BatteryLow => "battery_low",
            Self::DataBudgetSpent => "data_budget_spent",
            Self::RadioBudget => "radio_budget",
            Self::ServerPause => "server_pause",
            Self::ServerRetry => "server_retry",
        }
    }
}

/// Uploads wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadWait {
    /// Why.
    pub why: UploadHold,
    /// Until when, Unix milliseconds, where time alone ends it.
    pub until_ms: Option<u64>,
}

/// Time between two wake-ups in economy while a trip is under way, milliseconds: three an hour, which
/// leaves one for the end of the trip.
const SPACING_MS: u64 = 20 * 60 * 1000;
/// The same while the battery charges.
const CHARGING_SPACING_MS: u64 = 15 * 60 * 1000;

/// What a request is decided by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gate<'a> {
    pub(crate) rules: &'a UploadRules,
    pub(crate) conditions: &'a Conditions,
    pub(crate) meter: &'a Meter,
    /// Whether a trip is under way: what is sealed meanwhile can go together.
    pub(crate) on_trip: bool,
    pub(crate) now_ms: u64,
}

impl Gate<'_> {
    /// Why traces may not leave now.
    pub(crate) fn upload(&self) -> Option<UploadWait> {
        self.lasting().or_else(|| self.budget()).or_else(|| self.radio(self.spacing_ms()))
    }

    /// Why a request that the driver waits for may not leave now: it is let go wherever there is a
    /// connection, and a wake-up left.
    pub(crate) fn urgent(&self) -> Option<UploadWait> {
        let offline = self.conditions.connection == Connection::None;
        let offline = offline.then_some(UploadWait { why: UploadHold::Offline, until_ms: None });
        offline.or_else(|| self.radio(0))
    }

    /// Whether a request that nobody waits for may leave: where it wakes nothing up and is nearly free.
    pub(crate) fn idle(&self) -> bool {
        let free = !self.conditions.is_cellular() || !self.on_trip && self.meter.is_awake();
        free && self.lasting().or_else(|| self.budget()).is_none()
    }

    /// What only the driver or the phone can end.
    fn lasting(&self) -> Option<UploadWait> {
        let (rules, phone) = (self.rules, self.conditions);
        let cellular = phone.is_cellular();
        let low = phone.battery_percent.is_some_and(|percent| percent < rules.min_battery_percent);
        let why = if phone.connection == Connection::None {
            UploadHold::Offline
        } else if rules.wifi_only && cellular {
            UploadHold::WaitingForWifi
        } else if phone.roaming && cellular && !rules.on_roaming {
            UploadHold::Roaming
        } else if low && !phone.charging {
            UploadHold::BatteryLow
        } else {
            return None;
        };
        Some(UploadWait { why, until_ms: None })
    }

    fn budget(&self) -> Option<UploadWait> {
        (self.room().alone == 0).then(|| self.budget_spent())
    }

    /// The data plan's share does not reach for what waits.
    pub(crate) fn budget_spent(&self) -> UploadWait {
        let refill_ms = self.meter.refill_ms(self.rules);
        let until_ms = refill_ms.map(|ms| self.now_ms.saturating_add(ms));
        UploadWait { why: UploadHold::DataBudgetSpent, until_ms }
    }

    /// How many bytes of traces may go.
    pub(crate) fn room(&self) -> Room {
        if self.conditions.is_cellular() { self.meter.room(self.rules) } else { Room::FREE }
    }

    fn radio(&self, spacing_ms: u64) -> Option<UploadWait> {
        let sleep_ms = self.meter.sleep_ms(spacing_ms).filter(|_| self.spares_radio())?;
        let until_ms = Some(self.now_ms.saturating_add(sleep_ms));
        Some(UploadWait { why: UploadHold::RadioBudget, until_ms })
    }

    fn spares_radio(&self) -> bool {
        let phone = self.conditions;
        let spare = self.rules.mode == UploadMode::Economy || phone.low_power_mode;
        phone.is_cellular() && (spare || phone.data_saver)
    }

    fn spacing_ms(&self) -> u64 {
        match (self.on_trip, self.conditions.charging) {
            (false, _) => 0,
            (true, true) => CHARGING_SPACING_MS,
            (true, false) => SPACING_MS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wait_has_its_reason() {
        let rules = UploadRules::ECONOMY;
        let phone = Conditions { connection: Connection::Cellular, ..Conditions::default() };
        let wifi = Conditions { connection: Connection::Wifi, ..phone };
        let check = |rules: UploadRules, conditions: Conditions, want: Option<&str>| {
            let gate = Gate {
                rules: &rules,
                conditions: &conditions,
                meter: &Meter::NEW,
                on_trip: true,
                now_ms: 0,
            };
            let why = gate.upload().map(|wait| wait.why.code());
            assert_eq!(why, want, "{rules:?} {conditions:?}");
        };
        check(rules, phone, None);
        check(rules, Conditions::default(), None);
        check(rules, Conditions { connection: Connection::None, ..phone }, Some("offline"));
        let wifi_only = UploadRules { wifi_only: true, ..rules };
        check(wifi_only, phone, Some("waiting_for_wifi"));
        check(wifi_only, Conditions::default(), Some("waiting_for_wifi"));
        check(wifi_only, wifi, None);
        check(wifi_only, Conditions { metered: true, ..wifi }, Some("waiting_for_wifi"));
        let roaming = Conditions { roaming: true, ..phone };
        check(rules, roaming, Some("roaming"));
        check(UploadRules { on_roaming: true, ..rules }, roaming, None);
        check(rules, Conditions { roaming: true, ..wifi }, None);
        let low = Conditions { battery_percent: Some(14), ..wifi };
        check(rules, low, Some("battery_low"));
        check(rules, Conditions { charging: true, ..low }, None);
        check(rules, Conditions { battery_percent: Some(15), ..wifi }, None);
    }

    #[test]
    fn a_spent_radio_binds_economy_and_phones_that_are_told_to_spare() {
        let mut meter = Meter::NEW;
        meter.read_clock(1000);
        meter.note_request(1);
        meter.read_clock(61_000);
        let (live, economy) = (UploadRules::LIVE, UploadRules::ECONOMY);
        let cellular = Conditions { connection: Connection::Cellular, ..Conditions::default() };
        let until_ms = |rules: UploadRules, conditions: Conditions, on_trip| {
            let gate = Gate {
                rules: &rules,
                conditions: &conditions,
                meter: &meter,
                on_trip,
                now_ms: 61_000,
            };
            gate.upload().map(|wait| (wait.why, wait.until_ms))
        };
        let radio = |until_ms| Some((UploadHold::RadioBudget, Some(until_ms)));
        assert_eq!(until_ms(economy, cellular, true), radio(1000 + SPACING_MS));
        let charging = Conditions { charging: true, ..cellular };
        assert_eq!(until_ms(economy, charging, true), radio(1000 + CHARGING_SPACING_MS));
        assert_eq!(until_ms(economy, cellular, false), None, "at the end of a trip");
        let wifi = Conditions { connection: Connection::Wifi, ..cellular };
        assert_eq!(until_ms(economy, wifi, true), None);
        assert_eq!(until_ms(live, cellular, true), None);
        for told in [
            Conditions { low_power_mode: true, ..cellular },
            Conditions { data_saver: true, ..cellular },
        ] {
            assert_eq!(until_ms(live, told, true), radio(1000 + SPACING_MS));
        }
    }
}
