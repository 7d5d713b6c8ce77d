//! virtual-card
