//! A gate's question. It carries nothing: which gate asks is the terminal, and the answer is yes or no.

/// May this card pass here, now?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check;
