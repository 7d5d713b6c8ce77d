//! How many files and connections the operating system lets this process have open.

use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the limit as far as an ordinary process may. Most systems begin with 1,024, for programs that know no more;
/// a city has more terminals, and each keeps a connection.
///
/// # Errors
/// When the operating system refuses.
pub fn raise() -> io::Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, most, most)?)
}

/// How many this process may have open.
///
/// # Errors
/// When the operating system does not say.
pub fn limit() -> io::Result<usize> {
    let (now, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(usize::try_from(now).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_as_high_as_it_can_be_afterwards() {
        raise().unwrap();
        let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!(limit().unwrap(), usize::try_from(most).unwrap());
    }
}
