//! The help of every command, as files in `snapshots/`: `INSTA_UPDATE=always cargo test -p zoners
//! --bins` writes the files anew, and `git diff` shows the difference.

use clap::{Command, CommandFactory};

use crate::CommandLine;

/// Compares the help of a command, and of its subcommands, with the files.
fn holds(mut command: Command, name: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let help = command.render_long_help().to_string();
    settings.bind(|| insta::assert_snapshot!(name.to_owned(), help));
    let below: Vec<Command> = command.get_subcommands().cloned().collect();
    for command in below.into_iter().filter(|command| command.get_name() != "help") {
        let name = format!("{name}_{}", command.get_name());
        holds(command, &name);
    }
}

#[test]
fn the_help_of_every_command_is_as_in_these_files() {
    let mut program = CommandLine::command();
    program.build();
    holds(program, "help");
}

#[test]
fn mistakes_on_the_command_line_are_answered_with_what_was_meant() {
    use clap::Parser;
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let told = |words: &[&str]| {
        let error = CommandLine::try_parse_from([&["zoners"], words].concat()).unwrap_err();
        crate::mistakes::with_hint(error).render().to_string()
    };
    let mistakes: [&[&str]; 6] = [
        &["lokup", "example.com"],
        &["example.com"],
        &["lookup", "--shrot", "example.com"],
        &["serve", "--log-level", "loud"],
        &["nta", "add", "example.com", "--for", "soon"],
        &["bench", "--cuont", "5"],
    ];
    let texts: Vec<String> = mistakes
        .iter()
        .map(|words| format!("$ zoners {}\n{}", words.join(" "), told(words)))
        .collect();
    settings.bind(|| insta::assert_snapshot!("mistakes", texts.join("\n")));
}
