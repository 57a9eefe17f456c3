//! Jede Verbindung ist für Unix eine offene Datei, und davon darf ein Prozess nicht beliebig
//! viele haben.

/// So viele Dateien braucht das Programm außer den Verbindungen: stdin, stdout, stderr,
/// `poll`, Strg+C und etwas Luft.
pub const RESERVED: usize = 16;

/// So viele Verbindungen gehen, wenn `wanted` gewünscht sind; vorher wird die Grenze so weit
/// gehoben, wie es ohne Verwalterrechte geht.
#[cfg(unix)]
pub fn affordable(wanted: usize) -> Result<usize, String> {
    let files = rlimit::increase_nofile_limit(u64::MAX).map_err(|error| {
        let reason = crate::net::reason(&error);
        format!(
            "Wie viele Dateien dieser Prozess öffnen darf, ist nicht zu erfahren: {reason}."
        )
    })?;
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    match files.saturating_sub(RESERVED) {
        0 => Err(format!(
            "Dieser Prozess darf nur {files} Dateien öffnen: Das reicht für keine Verbindung."
        )),
        possible => Ok(wanted.min(possible)),
    }
}

/// Unter Windows sind Sockets keine Dateien; die Grenze ist der Speicher.
#[cfg(not(unix))]
pub fn affordable(wanted: usize) -> Result<usize, String> {
    Ok(wanted)
}
