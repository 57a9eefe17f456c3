//! Empty: what counts is what this package depends on. A snippet may use that and nothing else.
