//! Measures the engine alone on the standard flow, beside a registry peer, in one run; prints JSON.
//!
//! `engine_bench [FILE] [--symbols N] [--messages N] [--live N] [--seed N] [--rounds N] [--no-peer] [--full] [--json]`:
//! the flow of a file, or one made here; `--full`: on a venue whose table of ids is full, too.

use std::process::ExitCode;

use cift_bench::flow::{Flow, Tally};
use cift_bench::generate::{Parameters, generate};
use cift_bench::{engine, peer};

struct Arguments {
    file: Option<String>,
    parameters: Parameters,
    rounds: usize,
    json: bool,
    peer: bool,
    full: bool,
}

fn arguments() -> Result<Arguments, String> {
    let parameters = Parameters { symbols: 1, messages: 1_000_000, live: 1_000, seed: 7 };
    let mut parsed = Arguments { file: None, parameters, rounds: 3, json: false, peer: true, full: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} wants a value"));
        let bad = |what: std::num::ParseIntError| format!("{word}: {what}");
        match word.as_str() {
            "--json" => parsed.json = true,
            "--no-peer" => parsed.peer = false,
            "--full" => parsed.full = true,
            "--flow" => parsed.file = Some(value()?),
            "--symbols" => parsed.parameters.symbols = value()?.parse().map_err(bad)?,
            "--messages" => parsed.parameters.messages = value()?.parse().map_err(bad)?,
            "--live" => parsed.parameters.live = value()?.parse().map_err(bad)?,
            "--seed" => parsed.parameters.seed = value()?.parse().map_err(bad)?,
            "--rounds" => parsed.rounds = value()?.parse().map_err(bad)?,
            _ if word.starts_with("--") => return Err(format!("{word} is not known")),
            _ => parsed.file = Some(word),
        }
    }
    Ok(parsed)
}

fn flow(arguments: &Arguments) -> Result<Flow, String> {
    let Some(file) = &arguments.file else { return Ok(generate(arguments.parameters)) };
    let bytes = std::fs::read(file).map_err(|what| format!("{file}: {what}"))?;
    Flow::parse(&bytes).map_err(|what| format!("{file}: {what}"))
}

/// Refuse a run that came out with other trades than the flow says.
fn check(who: &str, found: Tally, flow: &Flow) -> Result<(), String> {
    if found == flow.tally { Ok(()) } else { Err(format!("{who}: {found:?} where the flow says {:?}", flow.tally)) }
}

#[allow(clippy::cast_precision_loss, reason = "a rate to look at")]
fn rate(messages: usize, elapsed: std::time::Duration) -> f64 {
    messages as f64 / elapsed.as_secs_f64()
}

/// A quantile in thousandths of sorted times.
fn quantile(sorted: &[u32], thousandths: usize) -> u32 {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * thousandths / 1_000).copied().unwrap_or(0)
}

fn list(values: &[f64]) -> String {
    let shown: Vec<String> = values.iter().map(|value| format!("{value:.0}")).collect();
    format!("[{}]", shown.join(", "))
}

fn sorted(mut times: Vec<u32>) -> Vec<u32> {
    times.sort_unstable();
    times
}

/// The engine with its table of ids full.
#[derive(Default)]
struct Full {
    rates: Vec<f64>,
    /// The least nanoseconds any round took for each command that filled the table, then for each of the flow. Rounds do
    /// the same, so what is the engine's is there in all; what else the machine did is not.
    least_ns: Vec<u32>,
}

impl Full {
    fn add(&mut self, flow: &Flow, script: &engine::Script) -> Result<(), String> {
        let run = engine::run(flow, script, false);
        check("engine, full", run.tally, flow)?;
        self.rates.push(rate(flow.records.len() - flow.prefill, run.elapsed));
        let run = engine::run(flow, script, true);
        check("engine, full, timed", run.tally, flow)?;
        let times = run.filling_ns.into_iter().chain(run.latencies_ns);
        if self.least_ns.is_empty() {
            self.least_ns = times.collect();
        } else {
            self.least_ns.iter_mut().zip(times).for_each(|(least, time)| *least = time.min(*least));
        }
        Ok(())
    }
}

fn measure(arguments: &Arguments) -> Result<String, String> {
    let flow = flow(arguments)?;
    let messages = flow.records.len() - flow.prefill;
    let script = engine::script(&flow, false);
    let full_script = arguments.full.then(|| engine::script(&flow, true));
    let mut full = Full::default();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // Turn by turn, so that a slow moment of the machine meets both.
    for _ in 0..arguments.rounds.max(1) {
        let run = engine::run(&flow, &script, false);
        check("engine", run.tally, &flow)?;
        ours.push(rate(messages, run.elapsed));
        if let Some(script) = &full_script {
            full.add(&flow, script)?;
        }
        if !arguments.peer {
            continue;
        }
        let run = peer::run(&flow);
        check("matchcore", run.tally, &flow)?;
        theirs.push(rate(messages, run.elapsed));
    }
    let mut timed = engine::run(&flow, &script, true);
    check("engine, timed", timed.tally, &flow)?;
    let mut latencies = sorted(std::mem::take(&mut timed.latencies_ns));
    for _ in 1..arguments.rounds {
        let again = sorted(engine::run(&flow, &script, true).latencies_ns);
        if quantile(&again, 990) < quantile(&latencies, 990) {
            latencies = again;
        }
    }
    let best = |rates: &[f64]| rates.iter().copied().fold(0.0, f64::max);
    let tally = flow.tally;
    let latencies = &latencies;
    Ok(format!(
        "{{\"symbols\": {}, \"messages\": {messages}, \"accounts\": {}, \"batch\": {}, \"events\": {}, \"trades\": {}, \
         \"quantity\": {}, \"hash\": \"{:016x}\", \"engine_per_s\": {:.0}, \"engine_rounds\": {}, \
         \"matchcore_per_s\": {:.0}, \"matchcore_rounds\": {}, \"p50_ns\": {}, \"p99_ns\": {}, \"p999_ns\": {}, \
         \"max_ns\": {}, \"bytes_per_order\": {:.1}, \"bytes_per_id\": {:.1}, \"full_rounds\": {}, \"pause_ns\": {}}}",
        flow.symbols,
        engine::ACCOUNTS,
        engine::BATCH,
        timed.events,
        tally.trades,
        tally.quantity,
        tally.hash,
        best(&ours),
        list(&ours),
        best(&theirs),
        list(&theirs),
        quantile(latencies, 500),
        quantile(latencies, 990),
        quantile(latencies, 999),
        quantile(latencies, 1_000),
        timed.bytes_per_order,
        timed.bytes_per_id,
        list(&full.rates),
        full.least_ns.iter().max().unwrap_or(&0),
    ))
}

fn main() -> ExitCode {
    let outcome = arguments().and_then(|arguments| Ok((measure(&arguments)?, arguments.json)));
    match outcome {
        Ok((result, true)) => println!("{result}"),
        Ok((result, false)) => println!("{}", result.trim_matches(['{', '}']).replace(", \"", "\n\"").replace('"', "")),
        Err(what) => {
            eprintln!("engine_bench: {what}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
