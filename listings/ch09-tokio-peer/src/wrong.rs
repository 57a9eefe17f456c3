//! FALSCH, und mit Absicht: ein Gespräch in Runden. Jede wartet von neuem auf Tastatur
//! und Gegenseite; kommt die eine zuerst, wird das Warten auf die andere abgebrochen.

use tokio::io::AsyncWriteExt;
use tokio::select;
use tokio::sync::mpsc::Receiver;

use crate::calls::read_line;
use crate::cli::say;
use crate::net::printable;
use crate::peer::Link;

// ANCHOR: rounds
impl Link {
    /// Spricht oder hört zu, Runde für Runde, bis einer von beiden geht.
    pub async fn converse_in_rounds(mut self, mut keyboard: Receiver<String>) {
        loop {
            let line = select! {
                typed = keyboard.recv() => {
                    let Some(line) = typed else { return };
                    let bytes = format!("{line}\n");
                    // So lange das dauert, hört niemand zu.
                    let _ = self.outgoing.write_all(bytes.as_bytes()).await;
                    line
                }
                // Bricht die Tastatur das ab, ist eine angefangene Zeile verloren.
                heard = read_line(&mut self.incoming) => {
                    let name = &self.peer_name;
                    let Ok(Some(line)) = heard else {
                        return say(format!("{name} hat aufgelegt."));
                    };
                    say(format!("{name}: {}", printable(&line)));
                    line
                }
            };
            if line == "bye" {
                return;
            }
        }
    }
}
// ANCHOR_END: rounds
