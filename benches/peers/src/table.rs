//! Rows, as an aligned table or as one JSON object each, printed as they come.

use std::{fs, io::Write};

use serde_json::{Map, Value};

use crate::{
    catalog::TERMS,
    measure::{Beside, REPETITIONS},
};

/// Where rows go, and which are wanted.
#[derive(Debug)]
pub struct Table {
    json: bool,
    only: Option<String>,
    rows: usize,
}

/// What was measured under one name.
#[derive(Clone, Debug)]
pub struct Row {
    name: String,
    beside: Option<Beside>,
    /// What `Beside::peer_ns` is called.
    other: &'static str,
    fields: Vec<(&'static str, Value)>,
}

impl Table {
    pub fn new(json: bool, only: Option<String>) -> Self {
        Self { json, only, rows: 0 }
    }

    /// Whether a row of that name is asked for.
    pub fn wants(&self, name: &str) -> bool {
        self.only.as_deref().is_none_or(|only| name.contains(only))
    }

    /// How many rows there were.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The machine, the toolchain, and what all rows have in common.
    pub fn machine(&self, seeds: &[(&'static str, u64)]) {
        let mut fields = vec![
            ("cpu", cpu().into()),
            ("cores", std::thread::available_parallelism().map_or(0, usize::from).into()),
            ("system", system().into()),
            ("toolchain", env!("BUILT_BY").into()),
            ("peer", "calybris-core 1.3.0".into()),
            ("ours", format!("assize {}", assize_version()).into()),
            ("repetitions", REPETITIONS.into()),
            ("policy", format!("{TERMS:?}").into()),
        ];
        fields.extend(seeds.iter().map(|&(name, seed)| (name, format!("{seed:#x}").into())));
        if self.json {
            self.say(Row { fields, ..Row::new("machine", None) }.object());
        } else {
            fields.iter().for_each(|(name, value)| self.say(format!("{name:<13} {}", shown(value))));
            self.say(
                "ratios: median and least of the repetitions, the peer's time to ours; more is better\n",
            );
        }
    }

    pub fn row(&mut self, row: &Row) {
        self.rows += 1;
        if self.json {
            return self.say(row.object());
        }
        if self.rows == 1 {
            self.say(format!("{:<38} {:>12} {:>12} {:>8} {:>8}", "", "peer ns", "ours ns", "ratio", "least"));
        }
        let times = match row.beside {
            Some(Beside { peer_ns, ours_ns, ratio, ratio_min }) => {
                format!("{peer_ns:>12.1} {ours_ns:>12.1} {ratio:>8.2} {ratio_min:>8.2}")
            }
            None => " ".repeat(43),
        };
        let fields = row.fields.iter().map(|(name, value)| format!("  {name} {}", shown(value)));
        let beside = if row.other == "scan_ns" { "  beside a full scan" } else { "" };
        self.say(format!("{:<38} {times}{beside}{}", row.name, fields.collect::<String>()));
    }

    fn say(&self, line: impl std::fmt::Display) {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush()).expect("the rows have a reader");
    }
}

impl Row {
    pub fn new(name: impl Into<String>, beside: impl Into<Option<Beside>>) -> Self {
        Self { name: name.into(), beside: beside.into(), other: "peer_ns", fields: Vec::new() }
    }

    /// A row of ours beside a full scan in the peer's place.
    pub fn beside_scan(name: impl Into<String>, beside: Beside) -> Self {
        Self { other: "scan_ns", ..Self::new(name, beside) }
    }

    /// With one more figure. Fractions are kept to three digits after the point.
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        let value = match value.into() {
            Value::Number(number) if number.is_f64() => {
                number.as_f64().map(|number| (number * 1_000.0).round() / 1_000.0).into()
            }
            value => value,
        };
        self.fields.push((name, value));
        self
    }

    fn object(&self) -> Value {
        let mut object = Map::new();
        object.insert("name".into(), self.name.clone().into());
        if let Some(Beside { peer_ns, ours_ns, ratio, ratio_min }) = self.beside {
            let times =
                [(self.other, peer_ns), ("ours_ns", ours_ns), ("ratio", ratio), ("ratio_min", ratio_min)];
            object.extend(times.map(|(name, value)| (name.into(), value.into())));
        }
        object.extend(self.fields.iter().map(|(name, value)| ((*name).into(), value.clone())));
        object.into()
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}

fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| "unknown".into(), |(_, model)| model.into())
}

fn system() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} {} {}", std::env::consts::OS, std::env::consts::ARCH, release.trim())
}

/// The library's version, from its manifest: it is built from the tree that this crate is in.
fn assize_version() -> &'static str {
    let line = include_str!("../../../Cargo.toml").lines().find_map(|line| line.strip_prefix("version = "));
    line.unwrap_or("unknown").trim_matches('"')
}
