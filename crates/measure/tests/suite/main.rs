//! The measurements and their figures, against made-up reports and made-up programs.

mod c10k;
mod chat;
mod figures;
mod fixture;
#[cfg(target_os = "linux")]
mod killed;
