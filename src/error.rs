//! One error for the whole crate: what happened, whose fault it is, and where.
//!
//! `kind` decides the exit code of the command line; `message` says what is wrong and what to do; `place` names the file,
//! the HDU, the tile. Our own mistakes are not errors: they are an `assert!` with a sentence.

use std::fmt;

/// Whose fault it is.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The caller asked for something that makes no sense.
    Argument,
    /// The input does not exist or may not be read.
    Missing,
    /// The input was written to, cut or replaced while it was read.
    Changed,
    /// The input ends before it should.
    Truncated,
    /// The input contradicts itself, or a sum does not match.
    Corrupt,
    /// The input is of a version, a dtype or a family that this build does not know.
    Unsupported,
    /// A result did not match what it was checked against.
    Verify,
    /// No space, a broken pipe, a device that failed.
    Io,
    /// The input asks for more than the limits allow.
    Limit,
    /// A network named by the file is not at hand.
    Model,
    /// No usable GPU, or one that does not give the answer of the CPU.
    Device,
}

/// An error with its place: `place: message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Whose fault it is.
    pub kind: ErrorKind,
    /// What is wrong, and what to do.
    pub message: String,
    /// Where: the file, the array, the tile. Empty where that says nothing.
    pub place: String,
}

/// What may fail, with this crate's error.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error without a place.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), place: String::new() }
    }

    /// The same error, seen from further out: "a.fits: tile 3: ..." grows from the inside.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Error {
        self.place = if self.place.is_empty() { place.to_string() } else { format!("{place}: {}", self.place) };
        self
    }

    /// [`ErrorKind::Argument`].
    pub fn argument(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Argument, message)
    }
    /// [`ErrorKind::Changed`]: `what` says what is not as it was.
    pub fn changed(what: impl fmt::Display) -> Error {
        Error::new(ErrorKind::Changed, format!("changed while it was read: {what}"))
    }
    /// [`ErrorKind::Truncated`].
    pub fn truncated(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Truncated, message)
    }
    /// [`ErrorKind::Corrupt`].
    pub fn corrupt(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Corrupt, message)
    }
    /// [`ErrorKind::Unsupported`].
    pub fn unsupported(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Unsupported, message)
    }
    /// [`ErrorKind::Limit`].
    pub fn limit(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Limit, message)
    }
    /// [`ErrorKind::Model`].
    pub fn model(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Model, message)
    }
    /// [`ErrorKind::Device`].
    pub fn device(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Device, message)
    }
    /// [`ErrorKind::Verify`].
    pub fn verify(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Verify, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    /// An error of ours that went through `Read` or `Write` is what it was.
    fn from(e: std::io::Error) -> Error {
        use std::io::ErrorKind as K;
        let e = match e.downcast::<Error>() {
            Ok(ours) => return ours,
            Err(e) => e,
        };
        let kind = match e.kind() {
            K::NotFound | K::PermissionDenied | K::IsADirectory => ErrorKind::Missing,
            K::UnexpectedEof => ErrorKind::Truncated,
            _ => ErrorKind::Io,
        };
        Error::new(kind, explain(&e))
    }
}

/// What went wrong with a file, in words that say what to do where there are such.
pub fn explain(error: &std::io::Error) -> String {
    use std::io::ErrorKind as K;
    match error.kind() {
        _ if error.raw_os_error().is_none() => error.to_string(),
        K::StorageFull => "no space is left on the device".into(),
        K::FileTooLarge => "the file system, or `ulimit -f`, does not take a file this large".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_went_through_a_stream_is_what_it_was() {
        let error = Error::changed("it grew").at("a.fits");
        assert_eq!(Error::from(std::io::Error::other(error.clone())), error);
        assert_eq!(Error::from(std::io::Error::other("x")), Error::new(ErrorKind::Io, "x"));
    }
}
