//! A report as tables: plain text for the terminal, HTML for a chapter.
//! In flows a [`ChatReport`], out flows the same content in either form; nothing else goes in, so the HTML can be
//! proved from the JSON.

use super::report::{ChatReport, ChatServer, Round, Throughput};
use crate::section::{Section, figure};
use print::german::{self, NARROW, percent};

fn sections(report: &ChatReport) -> [Section; 3] {
    [
        load(report, "Eine Zeile unterwegs".into(), |server| {
            &server.single
        }),
        load(
            report,
            format!("Schübe von {} Zeilen", german::whole(report.burst)),
            |server| &server.bursts,
        ),
        costs(report),
    ]
}

fn load(
    report: &ChatReport,
    title: String,
    rounds: fn(&ChatServer) -> &[Round],
) -> Section {
    let baseline = report.baseline_rate(rounds);
    let row = |server: &ChatServer| {
        let mut row = vec![server.name.clone()];
        match Throughput::of(rounds(server)) {
            None => row.extend(std::iter::repeat_n("–".to_owned(), 6)),
            Some(summary) => row.extend([
                german::rounded(summary.rate.median),
                format!(
                    "{} – {}",
                    german::rounded(summary.rate.least),
                    german::rounded(summary.rate.most)
                ),
                baseline.map_or("–".into(), |rate| {
                    german::times(summary.rate.median / rate)
                }),
                format!("{}{NARROW}µs", german::decimal(summary.server_micros, 2)),
                percent(summary.server_share),
                percent(summary.generator_share),
            ]),
        }
        row
    };
    Section {
        title,
        header: vec![
            "Server",
            "Zustellungen je s",
            "von – bis",
            "zu asyncio",
            "CPU je Zustellung",
            "CPU Server",
            "CPU Last",
        ],
        rows: report.servers.iter().map(row).collect(),
    }
}

fn costs(report: &ChatReport) -> Section {
    let row = |server: &ChatServer| {
        let memory = server.bytes_per_connection.map_or("–".into(), |bytes| {
            format!("{}{NARROW}KiB", german::decimal(bytes as f64 / 1024.0, 1))
        });
        let threads = server.threads.map_or("–".into(), german::whole);
        vec![server.name.clone(), memory, threads]
    };
    Section {
        title: format!("Mit {} Verbindungen", german::whole(report.receivers + 1)),
        header: vec!["Server", "Speicher je Verbindung", "Threads"],
        rows: report.servers.iter().map(row).collect(),
    }
}

/// What the tables show, in one line.
fn caption(report: &ChatReport) -> String {
    format!(
        "Chat mit {} Empfängern und einem Sender",
        german::whole(report.receivers)
    )
}

/// How it was measured, and where.
fn notes(report: &ChatReport) -> Vec<String> {
    let rounds = report.servers.first().map_or(0, |server| server.single.len());
    let servers: Vec<_> = report
        .servers
        .iter()
        .map(|server| format!("{}: {}", server.name, server.kind))
        .collect();
    vec![
        format!("{}.", servers.join("; ")),
        format!(
            "Median aus {rounds} Runden, in denen die Server sich abwechseln; „von – bis“ ist die langsamste und die schnellste. \
             Eine Zustellung ist eine Zeile von {} Bytes bei einem Empfänger. CPU: 100{NARROW}% sind ein Kern; \
             „Last“ ist der Lastgenerator, ein Thread, der alle Clients spielt.",
            report.line_bytes
        ),
        format!(
            "Gemessen am {} auf {}.",
            report.date.format("%-d.%-m.%Y"),
            report.machine.describe()
        ),
    ]
}

/// The tables for the terminal, ending with a line end.
pub fn text(report: &ChatReport) -> String {
    let mut out = format!("{}\n", caption(report));
    for section in sections(report) {
        out += &format!("\n{}", section.text());
    }
    for note in notes(report) {
        out += &format!("\n{note}\n");
    }
    out
}

/// The tables for a chapter: one `<figure>` without an empty line, as Markdown wants it.
pub fn html(report: &ChatReport) -> String {
    let command = Some("cargo run --release -- measure chat");
    figure(&caption(report), &sections(report), &notes(report), command)
}

/// The same in one small table, a row for each way of building a server.
pub fn models_html(report: &ChatReport) -> String {
    let rate = |rounds: &[Round]| match Throughput::of(rounds) {
        Some(summary) => german::rounded(summary.rate.median),
        None => "–".to_owned(),
    };
    let row = |(server, costs): (&ChatServer, Vec<String>)| {
        let mut row = vec![format!("{} ({})", server.kind, server.name)];
        row.extend(costs.into_iter().skip(1));
        row.extend([rate(&server.single), rate(&server.bursts)]);
        row
    };
    let models = Section {
        title: "Zustellungen je Sekunde (Median)".into(),
        header: vec![
            "Bauart",
            "Speicher je Verbindung",
            "Threads",
            "eine Zeile unterwegs",
            "Schübe",
        ],
        rows: report.servers.iter().zip(costs(report).rows).map(row).collect(),
    };
    let note = notes(report).pop().into_iter().collect::<Vec<_>>();
    figure(&caption(report), &[models], &note, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kept;
    use crate::machine::Machine;

    fn report() -> ChatReport {
        let rounds = |rates: [u64; 3]| {
            let round = |deliveries| Round {
                deliveries,
                micros: 1_000_000,
                server_cpu_micros: 500_000,
                generator_cpu_micros: 250_000,
            };
            rates.map(round).to_vec()
        };
        let server = |name: &str, single, bursts, bytes_per_connection| ChatServer {
            name: name.into(),
            kind: "ein <Thread>".into(),
            bytes_per_connection,
            threads: bytes_per_connection.map(|_| 1001),
            single: rounds(single),
            bursts: rounds(bursts),
        };
        ChatReport {
            date: chrono::NaiveDate::from_ymd_opt(2026, 3, 1).unwrap(),
            machine: Machine {
                cpu: "Beispiel 9000".into(),
                cores: 2,
                memory: 8 << 30,
                system: "Linux 6.12.3".into(),
                rustc: "1.95.0".into(),
                python: None,
            },
            receivers: 1000,
            burst: 200,
            line_bytes: 53,
            baseline: "asyncio".into(),
            servers: vec![
                server(
                    "ch05-server",
                    [300_000, 200_000, 250_000],
                    [3_000_000; 3],
                    Some(9000),
                ),
                server("asyncio", [250_000; 3], [400_000; 3], None),
            ],
        }
    }

    #[test]
    fn the_terminal_gets_aligned_columns() {
        let text = text(&report());
        let expected = "\
Chat mit 1.000 Empfängern und einem Sender

Eine Zeile unterwegs
  Server       Zustellungen je s          von – bis  zu asyncio  CPU je Zustellung  CPU Server  CPU Last
  ch05-server            250.000  200.000 – 300.000        1,0×            2,00\u{202f}µs        50\u{202f}%      25\u{202f}%
  asyncio                250.000  250.000 – 250.000        1,0×            2,00\u{202f}µs        50\u{202f}%      25\u{202f}%

Schübe von 200 Zeilen
";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains("7,5×"), "{text}");
        assert!(
            text.contains("  ch05-server                 8,8\u{202f}KiB    1.001\n"),
            "{text}"
        );
        assert!(
            text.contains("Gemessen am 1.3.2026 auf Beispiel 9000"),
            "{text}"
        );
    }

    #[test]
    fn the_html_is_one_block_without_empty_lines_and_without_foreign_markup() {
        let html = html(&report());
        assert!(
            html.starts_with("<figure class=\"messung\">\n")
                && html.ends_with("</figure>\n")
        );
        assert!(!html.contains("\n\n"), "{html}");
        assert!(!html.contains("<Thread>"), "{html}");
        assert!(
            html.contains("<tr><th scope=\"row\">ch05-server</th><td>3.000.000</td>"),
            "{html}"
        );
        assert!(html.contains("<td>7,5×</td>"), "{html}");
    }

    #[test]
    fn the_small_table_has_a_row_for_each_way_of_building_a_server() {
        let html = models_html(&report());
        let row = "<tr><th scope=\"row\">ein &#60;Thread&#62; (ch05-server)</th><td>8,8\u{202f}KiB</td><td>1.001</td>\
                   <td>250.000</td><td>3.000.000</td></tr>";
        assert!(html.contains(row), "{html}");
        assert!(html.ends_with("</figure>\n") && !html.contains("\n\n"));
        assert_eq!(html.matches("<tr>").count(), 3);
    }

    #[test]
    fn without_the_baseline_there_are_no_ratios() {
        let mut report = report();
        report.servers.pop();
        let html = html(&report);
        assert!(!html.contains('×') && html.contains("<td>–</td>"), "{html}");
    }

    #[test]
    fn a_report_survives_its_json() {
        let report = report();
        let again: ChatReport = serde_json::from_str(&kept::json(&report)).unwrap();
        assert_eq!(html(&again), html(&report));
        assert_eq!(again, report);
    }
}
