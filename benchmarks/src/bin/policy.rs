//! `policy NAMES [FOLDER [FORM]]`: compiles a list of so many generated names, and says what the compiled policy takes: octets of
//! memory a name at rest and at the peak, CPU time, time of a look-up, and time of a start from the compiled file.

#![allow(clippy::print_stdout, clippy::expect_used, clippy::panic, reason = "a bench")]

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use zoners_dns::{Name, Random, name};
use zoners_policy::{
    CompiledPolicy, GroupSettings, ListForm, ListSet, ListSource, PolicyCompiler, PolicyRules,
    Storage,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Look-ups of each kind.
const LOOK_UPS: u64 = 1_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let names: u64 = arguments.first().expect("policy NAMES [FOLDER]").parse().expect("a count");
    let folder = Path::new(arguments.get(1).map_or("/tmp", |folder| folder));
    // A process for each form, so that no memory of an earlier one is used again.
    match arguments.get(2) {
        Some(form) => run(form.parse().expect("a form"), names, folder),
        None => {
            for form in ["hosts", "adblock", "domains", "rpz"] {
                let program = std::env::current_exe().expect("a path");
                let own = [&names.to_string(), &*folder.to_string_lossy(), form].map(str::to_owned);
                assert!(Command::new(program).args(own).status().expect("a process").success());
            }
        }
    }
}

fn run(form: ListForm, names: u64, folder: &Path) {
    let list = folder.join("policy-list");
    write_list(form, names, &list);
    let (file, scratch) = (folder.join("policy-compiled"), folder.join("policy-scratch"));
    let open = |path: &Path| {
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(true);
        Arc::new(options.open(path).expect("a file"))
    };
    let (out, between) = (open(&file), open(&scratch));
    let (before, start, began) = (memory("RssAnon:"), memory("VmRSS:"), cpu_seconds());
    fs::write("/proc/self/clear_refs", "5").expect("Linux");
    let mut compiler = PolicyCompiler::new([1, 2], &*between);
    let source = ListSource { name: "list".into(), form: Some(form), allows: false };
    let text = &mut File::open(&list).expect("the list");
    let rules = compiler.add_list(&source, text).expect("a list").rules;
    compiler.finish(&*out, [0; 32]).expect("a policy");
    let compile = cpu_seconds() - began;
    let opening = Instant::now();
    let policy = CompiledPolicy::open(out.clone(), None).expect("a policy");
    let open_ms = opening.elapsed().as_secs_f64() * 1e3;
    // The kernel's mark of the peak was reset before.
    let peak = memory("VmHWM:").saturating_sub(start);
    let rest = memory("RssAnon:").saturating_sub(before);
    let policy = Arc::new(policy);
    let group = GroupSettings::new("all", ListSet::all(), zoners_policy::BlockStyle::NullAddress);
    let judged = PolicyRules::new(policy.clone(), vec![group]).expect("rules");
    let random = Random::seeded(3);
    let asked = |prefix: &str, offset: u64| -> f64 {
        let some: Vec<Name> = (0..100_000)
            .map(|_| {
                name::parse(&format!("{prefix}{}", listed(offset + random.below(names))))
                    .expect("a name")
            })
            .collect();
        let began = Instant::now();
        for number in 0..LOOK_UPS {
            let asked = some[number as usize % some.len()].for_slice();
            black_box(judged.judge_question(0, asked, zoners_dns::Rtype::A).expect("a file"));
        }
        began.elapsed().as_secs_f64() * 1e9 / LOOK_UPS as f64
    };
    let (hit, miss) = (asked("", 0), asked("www.", 1 << 40));
    println!(
        "{form}: {rules} rules, {:.1} octets a name in tables, {:.1} RssAnon at rest, {:.1} MB at the peak above the start, \
         {compile:.2} CPU s, start {open_ms:.0} ms, file {:.1} MB, look-up hit {hit:.0} ns, miss {miss:.0} ns",
        policy.octets() as f64 / names as f64,
        rest as f64 / names as f64,
        peak as f64 / 1e6,
        out.octets().expect("a file") as f64 / 1e6,
    );
    [list, file, scratch].iter().for_each(|path| fs::remove_file(path).expect("ours"));
}

/// A name of about twenty octets, by its number.
fn listed(number: u64) -> String {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29) ^ number;
    let tops = ["com", "net", "org", "example", "info"];
    let top = tops[(mixed % 5) as usize];
    match mixed % 3 {
        0 => format!("ads{:x}.{top}", mixed >> 8),
        1 => format!("t{:x}.track{:x}.{top}", number % 977, mixed >> 24),
        _ => format!("cdn.site{number:x}.{top}"),
    }
}

fn write_list(form: ListForm, names: u64, path: &Path) {
    let mut text = BufWriter::new(File::create(path).expect("a list"));
    if form == ListForm::Rpz {
        writeln!(text, "@ 60 IN SOA localhost. root. 1 2 3 4 5").expect("a list");
    }
    for number in 0..names {
        let name = listed(number);
        let line = match form {
            ListForm::Hosts => writeln!(text, "0.0.0.0 {name}"),
            ListForm::Adblock => writeln!(text, "||{name}^"),
            ListForm::Rpz => writeln!(text, "{name} CNAME ."),
            _ => writeln!(text, "{name}"),
        };
        line.expect("a list");
    }
    text.flush().expect("a list");
}

/// A line of the process's status, in octets.
fn memory(line: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|own| own.starts_with(line)).expect("a line");
    line.split_whitespace().nth(1).expect("a figure").parse::<usize>().expect("a number") * 1024
}

/// CPU time of the process.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("ticks");
    (ticks(11) + ticks(12)) / 100.0
}
