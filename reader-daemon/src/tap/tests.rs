//! Taps with a card that exists only here.

use std::sync::Arc;

use card_schema::{
    ids::{OrganisationId, TerminalId},
    money::Fen,
    operation::OperationCode,
    wire::{
        Bytes,
        terminal::{Limits, OfflineLimits, RefundLimits, TerminalProfile, Trust},
    },
};

use super::*;

/// Nothing is accepted without the service.
const NOTHING: OfflineLimits = OfflineLimits {
    tap: Fen::ZERO,
    card_day: Fen::ZERO,
    card_count: 0,
    terminal: Fen::ZERO,
    drawn_percent: 100,
    freeze_days: 0,
};

/// A terminal that takes payments and consents, without PIN up to 100.00.
pub(crate) fn knowledge() -> Knowledge {
    Knowledge {
        profile: Arc::new(TerminalProfile {
            terminal_id: TerminalId::from_bytes([7; 16]),
            name: "Test Till 测试".into(),
            organisation_id: OrganisationId::from_bytes([8; 16]),
            organisation: "Test Shop 测试".into(),
            operations: vec![
                OperationCode::PursePayment,
                OperationCode::PurseRefund,
                OperationCode::PurseVoid,
                OperationCode::PurseInquiry,
                OperationCode::PointsAward,
                OperationCode::PointsRedemption,
                OperationCode::PointsUndo,
                OperationCode::RegistrationConsent,
            ],
            limits: Limits {
                no_pin_limit: Fen(10_000),
                tap_limit: Fen(100_000),
                top_up_alone: Fen(100_000),
                offline: NOTHING,
                refunds: RefundLimits { refund_days: 30, void_minutes: 15 },
                low_balance: Fen(1_000),
            },
            points: None,
            public_url: "https://card.test.invalid".into(),
            trust: Trust {
                root: Bytes::default(),
                card_cas: vec![],
                receipt_keys: vec![],
                paper_keys: vec![],
                status_list: String::new(),
                status_keys: vec![],
                log_key: String::new(),
            },
        }),
        status_list: None,
        fares: None,
        gate: None,
        log_head: None,
        is_revoked: false,
        online: None,
        synced_at: None,
    }
}
