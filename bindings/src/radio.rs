//! What the phone is like, and when uploads may leave.

use hexmile_sdk_core as core;

/// How soon traces leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum UploadMode {
    /// As soon as they are sealed.
    Live,
    /// Together: the cellular radio is woken up at most four times an hour.
    Economy,
}

/// What the driver and the app allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct UploadRules {
    /// How soon traces leave.
    pub mode: UploadMode,
    /// Only over Wi-Fi, or a cable, that is not metered.
    #[uniffi(default = false)]
    pub wifi_only: bool,
    /// Over a cellular network abroad, too.
    #[uniffi(default = false)]
    pub on_roaming: bool,
    /// Battery below which nothing leaves unless it charges, percent.
    #[uniffi(default = 15)]
    pub min_battery_percent: u8,
    /// Bytes that all requests of a day may take on cellular and metered connections.
    #[uniffi(default = None)]
    pub cellular_bytes_per_day: Option<u64>,
    /// The same of 31 days.
    #[uniffi(default = None)]
    pub cellular_bytes_per_month: Option<u64>,
}

impl From<UploadRules> for core::UploadRules {
    fn from(rules: UploadRules) -> Self {
        Self {
            mode: match rules.mode {
                UploadMode::Live => core::UploadMode::Live,
                UploadMode::Economy => core::UploadMode::Economy,
            },
            wifi_only: rules.wifi_only,
            on_roaming: rules.on_roaming,
            min_battery_percent: rules.min_battery_percent,
            cellular_bytes_per_day: rules.cellular_bytes_per_day,
            cellular_bytes_per_month: rules.cellular_bytes_per_month,
            ..Self::default()
        }
    }
}

/// How the phone reaches the Internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Connection {
    /// Not known; taken for cellular.
    Unknown,
    /// It does not.
    None,
    /// Wi-Fi, or a cable.
    Wifi,
    /// A cellular network.
    Cellular,
}

/// What the app knows of the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
#[expect(clippy::struct_excessive_bools, reason = "platforms tell them apart")]
pub struct Conditions {
    /// How it reaches the Internet.
    pub connection: Connection,
    /// Whether a Wi-Fi is paid by volume: it counts as cellular.
    #[uniffi(default = false)]
    pub metered: bool,
    /// Whether the cellular network is a foreign one.
    #[uniffi(default = false)]
    pub roaming: bool,
    /// Percent, where it is known.
    #[uniffi(default = None)]
    pub battery_percent: Option<u8>,
    /// Whether the battery charges.
    #[uniffi(default = false)]
    pub charging: bool,
    /// Whether the driver asked the phone to spare its battery.
    #[uniffi(default = false)]
    pub low_power_mode: bool,
    /// Whether the driver asked apps to spare the data plan.
    #[uniffi(default = false)]
    pub data_saver: bool,
}

impl From<Conditions> for core::Conditions {
    fn from(conditions: Conditions) -> Self {
        let Conditions { metered, roaming, battery_percent, charging, .. } = conditions;
        let Conditions { low_power_mode, data_saver, .. } = conditions;
        let connection = match conditions.connection {
            Connection::Unknown => core::Connection::Unknown,
            Connection::None => core::Connection::None,
            Connection::Wifi => core::Connection::Wifi,
            Connection::Cellular => core::Connection::Cellular,
        };
        Self { connection, metered, roaming, battery_percent, charging, low_power_mode, data_saver }
    }
}
