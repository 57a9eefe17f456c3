//! On which cores a server and its load run: on different ones, and rather not on the two halves of one.
//! In flow the cores that the system gives us, out flows a choice – or the German sentence why there is none.

/// Cores as the system numbers them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cores {
    pub server: usize,
    pub load: usize,
    /// They are two hyper-threads of one core and slow each other down.
    pub halves: bool,
}

impl Cores {
    /// A German sentence.
    pub fn describe(&self) -> String {
        let Cores {
            server,
            load,
            halves,
        } = self;
        let halves = match halves {
            true => " – zwei Hälften desselben Kerns, die einander bremsen",
            false => "",
        };
        format!(
            "Ein Server, der einen Kern braucht, läuft auf Kern {server}, die Last auf Kern {load}{halves}."
        )
    }
}

/// The error is a German sentence: why server and load cannot be kept apart.
pub fn choose() -> Result<Cores, String> {
    let allowed = allowed()?;
    let Some(cores) = pick(&allowed, siblings) else {
        return Err(
            "Dieser Rechner hat für uns nur einen Kern: Server und Last teilen ihn sich."
                .to_owned(),
        );
    };
    // Asking is one thing, being let another.
    match programs::system::on_core(cores.server, || Ok(())) {
        Ok(()) => Ok(cores),
        Err(error) => Err(format!(
            "Das System lässt keine Wahl, auf welchem Kern ein Programm läuft ({error}): Die Zahlen schwanken stärker."
        )),
    }
}

#[cfg(target_os = "linux")]
fn allowed() -> Result<Vec<usize>, String> {
    use rustix::thread::{CpuSet, sched_getaffinity};
    let set = sched_getaffinity(None).map_err(|error| {
        format!("Welche Kerne es gibt, sagt das System nicht ({error}).")
    })?;
    Ok((0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect())
}

#[cfg(not(target_os = "linux"))]
fn allowed() -> Result<Vec<usize>, String> {
    Err("Dieses System lässt keine Wahl, auf welchem Kern ein Programm läuft: Die Zahlen schwanken stärker."
        .to_owned())
}

/// The last core for the server – the first ones have most of the system's own work – and one that is no half of it for
/// the load.
fn pick(allowed: &[usize], siblings: impl Fn(usize) -> Vec<usize>) -> Option<Cores> {
    let (&server, others) = allowed.split_last()?;
    let halves = siblings(server);
    let apart = others.iter().rev().find(|core| !halves.contains(core));
    Some(Cores {
        server,
        load: *apart.or(others.last())?,
        halves: apart.is_none(),
    })
}

/// The hyper-threads of a core, as far as the system says.
fn siblings(core: usize) -> Vec<usize> {
    let file = format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
    std::fs::read_to_string(file).map_or_else(|_| Vec::new(), |list| numbers(&list))
}

/// `0-2,5` are 0, 1, 2 and 5.
fn numbers(list: &str) -> Vec<usize> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    list.trim().split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_and_load_get_different_cores_and_rather_no_halves_of_one() {
        let alone = |core| vec![core];
        let pairs = |core: usize| vec![core / 2 * 2, core / 2 * 2 + 1];
        let choice = |server, load, halves| {
            Some(Cores {
                server,
                load,
                halves,
            })
        };
        assert_eq!(pick(&[0, 1], alone), choice(1, 0, false));
        assert_eq!(pick(&[0, 1, 2, 3], pairs), choice(3, 1, false));
        assert_eq!(pick(&[4, 5], pairs), choice(5, 4, true));
        assert_eq!(pick(&[2, 7], |_| Vec::new()), choice(7, 2, false));
        assert_eq!(pick(&[3], alone), None);
        assert_eq!(pick(&[], alone), None);
    }

    #[test]
    fn lists_of_cores_have_ranges() {
        assert_eq!(numbers("0-2,5\n"), [0, 1, 2, 5]);
        assert_eq!(numbers("3\n"), [3]);
        assert!(numbers("").is_empty() && numbers("alle").is_empty());
    }
}
