//! The settings that bound what cards, terminals and members of staff may do.

use card_schema::money::Fen;
use card_schema::wire::terminal::{Limits, OfflineLimits, RefundLimits};
use serde::Deserialize;

use super::ConfigError;
use crate::domains::purse::DayLimits;
use crate::folding::rules::Retention;

/// What terminals may do by themselves, and a member of staff alone.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct LimitsConfig {
    /// The largest payment without a PIN, in fen.
    pub no_pin_fen: i64,
    /// The largest amount of one tap, in fen.
    pub tap_fen: i64,
    /// See [`Limits::top_up_alone`], in fen.
    pub top_up_alone_fen: i64,
    /// See [`DayLimits::paid`], in fen.
    pub day_fen: i64,
    /// See [`DayLimits::without_pin`].
    pub no_pin_count: u32,
    /// See [`OfflineLimits::tap`], in fen.
    pub offline_tap_fen: i64,
    /// See [`OfflineLimits::card_day`], in fen.
    pub offline_card_day_fen: i64,
    /// See [`OfflineLimits::card_count`].
    pub offline_card_count: u32,
    /// See [`OfflineLimits::terminal`], in fen.
    pub offline_terminal_fen: i64,
    /// See [`OfflineLimits::drawn_percent`].
    pub offline_drawn_percent: u8,
    /// See [`OfflineLimits::freeze_days`].
    pub offline_freeze_days: u32,
    /// See [`RefundLimits::refund_days`].
    pub refund_days: u32,
    /// See [`RefundLimits::void_minutes`].
    pub void_minutes: u32,
    /// See [`Limits::low_balance`], in fen.
    pub low_balance_fen: i64,
    /// See [`Retention::dispute_days`].
    pub dispute_days: u32,
    /// See [`Retention::gate_days`].
    pub gate_days: u32,
    /// How much a member of staff may reverse alone within 24 hours, in fen.
    pub reversal_alone_fen: i64,
}

/// A year: whoever returns something later is an affair of the office.
const REFUND_DAYS_MAX: i64 = 366;
/// Nobody needs to know for longer than a year where people went.
const KEPT_DAYS_MAX: i64 = 365;
/// A day: a void corrects what was mistyped, before anybody has gone home.
const VOID_MINUTES_MAX: i64 = 1_440;

impl LimitsConfig {
    /// # Errors
    /// [`ConfigError::OutOfRange`] names the first that bounds nothing.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let amounts = [
            ("limits.no_pin_fen", self.no_pin_fen),
            ("limits.tap_fen", self.tap_fen),
            ("limits.top_up_alone_fen", self.top_up_alone_fen),
            ("limits.day_fen", self.day_fen),
            ("limits.offline_tap_fen", self.offline_tap_fen),
            ("limits.offline_card_day_fen", self.offline_card_day_fen),
            ("limits.offline_terminal_fen", self.offline_terminal_fen),
            ("limits.low_balance_fen", self.low_balance_fen),
            ("limits.reversal_alone_fen", self.reversal_alone_fen),
        ];
        let amounts = amounts.map(|(key, found)| (key, found, i64::MAX));
        let others = [
            ("limits.offline_drawn_percent", i64::from(self.offline_drawn_percent), 100),
            ("limits.refund_days", i64::from(self.refund_days), REFUND_DAYS_MAX),
            ("limits.void_minutes", i64::from(self.void_minutes), VOID_MINUTES_MAX),
            ("limits.dispute_days", i64::from(self.dispute_days), KEPT_DAYS_MAX),
            // What a validator brings so late has to be booked still.
            ("limits.offline_freeze_days", i64::from(self.offline_freeze_days), i64::from(self.dispute_days)),
            ("limits.gate_days", i64::from(self.gate_days), KEPT_DAYS_MAX),
        ];
        match amounts.into_iter().chain(others).find(|(_, found, most)| !(0..=*most).contains(found)) {
            Some((key, found, most)) => Err(ConfigError::OutOfRange { key, found, most }),
            None => Ok(()),
        }
    }
}

impl From<LimitsConfig> for Retention {
    fn from(limits: LimitsConfig) -> Self {
        Self { dispute_days: limits.dispute_days, gate_days: limits.gate_days }
    }
}

impl From<LimitsConfig> for DayLimits {
    fn from(limits: LimitsConfig) -> Self {
        Self { paid: Fen(limits.day_fen), without_pin: limits.no_pin_count }
    }
}

impl From<LimitsConfig> for Limits {
    fn from(limits: LimitsConfig) -> Self {
        Self {
            no_pin_limit: Fen(limits.no_pin_fen),
            tap_limit: Fen(limits.tap_fen),
            top_up_alone: Fen(limits.top_up_alone_fen),
            offline: OfflineLimits {
                tap: Fen(limits.offline_tap_fen),
                card_day: Fen(limits.offline_card_day_fen),
                card_count: limits.offline_card_count,
                terminal: Fen(limits.offline_terminal_fen),
                drawn_percent: limits.offline_drawn_percent,
                freeze_days: limits.offline_freeze_days,
            },
            refunds: RefundLimits { refund_days: limits.refund_days, void_minutes: limits.void_minutes },
            low_balance: Fen(limits.low_balance_fen),
        }
    }
}
