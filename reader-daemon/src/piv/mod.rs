//! The PIV card application (SP 800-73-5): one file a command, composed by `PivCard`.
