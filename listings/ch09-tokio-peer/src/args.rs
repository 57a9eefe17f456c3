//! Die Schalter eines Peers: wo er lauscht, wo er den anderen findet und wie er heißt.

use crate::cli;

#[derive(clap::Args)]
pub struct Args {
    /// Port, auf dem dieser Peer lauscht
    #[arg(long, value_name = "NUMMER", value_parser = fixed_port)]
    pub listen_port: u16,
    /// Adresse des anderen Peers
    #[arg(long, value_name = "ADRESSE", default_value = "127.0.0.1")]
    pub peer_ip: String,
    /// Port, auf dem der andere Peer lauscht
    #[arg(long, value_name = "NUMMER", value_parser = fixed_port)]
    pub peer_port: u16,
    /// wie Sie beim anderen heißen [sonst Peer und Ihr Port]
    #[arg(long, value_parser = one_line)]
    name: Option<String>,
}

impl Args {
    pub fn name(&self) -> String {
        let usual = || format!("Peer {}", self.listen_port);
        self.name.clone().unwrap_or_else(usual)
    }
}

/// Ein Port, den der andere kennen kann: „irgendein freier“ genügt hier nicht.
fn fixed_port(value: &str) -> Result<u16, String> {
    match cli::port(value)? {
        0 => Err("Ein Peer braucht einen festen Port, nicht 0.".into()),
        port => Ok(port),
    }
}

/// Der Name ist die erste Zeile, die der andere bekommt: Er darf nicht leer sein und
/// kein Zeilenende haben.
fn one_line(name: &str) -> Result<String, &'static str> {
    let name = name.trim();
    if name.is_empty() || name.contains(char::is_control) {
        return Err("Der Name hinter --name ist leer oder hat Steuerzeichen.");
    }
    Ok(name.into())
}
