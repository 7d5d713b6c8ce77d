//! reader-daemon
