//! How many lines of each list are understood.

use std::collections::BTreeMap;
use std::fs;

use zoners_policy::{ListForm, RulePattern, SkipReason, read_list};

use crate::ListFile;

/// Counts of a list, or of the lists of a form.
#[derive(Default)]
struct Counts {
    lists: u32,
    /// Lines that are neither blank nor comments.
    lines: u64,
    rules: u64,
    /// Rules compared with every name.
    scans: u64,
    skipped: BTreeMap<SkipReason, u64>,
}

impl Counts {
    fn lost(&self) -> u64 {
        self.skipped
            .iter()
            .filter(|(reason, _)| reason.is_lost_rule())
            .map(|(_, count)| count)
            .sum()
    }

    fn add(&mut self, other: &Counts) {
        self.lists += other.lists;
        self.lines += other.lines;
        self.rules += other.rules;
        self.scans += other.scans;
        for (reason, count) in &other.skipped {
            *self.skipped.entry(*reason).or_default() += count;
        }
    }

    fn row(&self, form: ListForm, name: &str) -> String {
        let known = self.rules + self.lost();
        let share = if known == 0 { 100.0 } else { self.rules as f64 * 100.0 / known as f64 };
        let skipped: Vec<String> =
            self.skipped.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        let skipped = skipped.join(", ");
        let Counts { lines, rules, scans, .. } = self;
        format!("| {form} | {name} | {lines} | {rules} | {scans} | {share:.2} | {skipped} |")
    }
}

/// Prints a table of the lists and forms; of each reason, so many lines as examples.
pub(crate) fn print(lists: &[ListFile], examples: usize) {
    println!("| form | list | lines | rules | scanned | understood % | skipped lines |");
    println!("|---|---|---|---|---|---|---|");
    let mut forms: BTreeMap<u8, (ListForm, Counts)> = BTreeMap::new();
    let mut shown = Vec::new();
    for list in lists {
        let text = fs::read(&list.path).expect("a list");
        let sniffed = ListForm::sniff(&text[..text.len().min(ListForm::SNIFFED_OCTETS)]);
        let counts = count(list, &text, examples, &mut shown);
        println!("{}", counts.row(list.form, &list.name));
        if sniffed != Ok(list.form) {
            println!("| | *recognised as {sniffed:?}* | | | | | |");
        }
        forms
            .entry(list.form as u8)
            .or_insert_with(|| (list.form, Counts::default()))
            .1
            .add(&counts);
    }
    for (form, counts) in forms.values() {
        println!("{}", counts.row(*form, &format!("**{} lists**", counts.lists)));
    }
    shown.iter().for_each(|line| println!("{line}"));
}

fn count(list: &ListFile, text: &[u8], examples: usize, shown: &mut Vec<String>) -> Counts {
    let lines: Vec<&[u8]> = text.split(|octet| *octet == b'\n').collect();
    let mut counts = Counts { lists: 1, ..Counts::default() };
    let mut last = 0;
    let mut take = |line: u32, rule: Result<zoners_policy::ListRule<'_>, SkipReason>| {
        counts.lines += u64::from(line != last);
        last = line;
        let reason = match rule {
            Ok(rule) => {
                counts.rules += 1;
                counts.scans += u64::from(matches!(rule.pattern, RulePattern::Scan(_)));
                return;
            }
            Err(reason) => reason,
        };
        let count = counts.skipped.entry(reason).or_default();
        *count += 1;
        // Examples from the whole list: the more lines there were, the rarer the next.
        if *count <= examples as u64 || count.is_power_of_two() && examples > 0 {
            let line = lines.get(line as usize - 1).copied().unwrap_or_default();
            let line = String::from_utf8_lossy(line);
            let line: String = line.trim().chars().take(100).collect();
            shown.push(format!("{} {}: {reason}: {line}", list.form, list.name));
        }
    };
    read_list(list.form, &mut &*text, &mut take).expect("a text in memory");
    counts
}
