//! The secret by which the server knows its reader: fresh at each start, never in a log, never in a cookie.

use std::fmt;

use anyhow::Context;
use subtle::ConstantTimeEq;

/// 128 bits of the operating system's randomness, as 32 hexadecimal digits.
pub struct Token(String);

impl Token {
    /// A token nobody has seen yet.
    ///
    /// # Errors
    ///
    /// The operating system has no randomness.
    pub fn new() -> anyhow::Result<Token> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)
            .context("Das Betriebssystem gibt keine Zufallszahlen her")?;
        Ok(Token(
            bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        ))
    }

    /// The digits. They belong in the address the reader opens, and nowhere else.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// Whether `claim` is this token. How long that takes tells nothing about where they differ.
    pub fn is(&self, claim: &str) -> bool {
        self.0.as_bytes().ct_eq(claim.as_bytes()).into()
    }
}

/// Without the secret: what is printed for debugging ends up in logs.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_is_new_and_only_itself() {
        let (one, other) = (Token::new().unwrap(), Token::new().unwrap());
        assert_ne!(one.secret(), other.secret());
        assert_eq!(one.secret().len(), 32);
        assert!(one.secret().bytes().all(|digit| digit.is_ascii_hexdigit()));
        assert!(one.is(one.secret()));
        let upper = one.secret().to_uppercase();
        let shorter = &one.secret()[..31];
        let longer = format!("{}0", one.secret());
        for wrong in [other.secret(), "", shorter, &longer, " "] {
            assert!(!one.is(wrong));
        }
        assert!(upper == one.secret() || !one.is(&upper));
        assert_eq!(format!("{one:?}"), "Token");
    }
}
