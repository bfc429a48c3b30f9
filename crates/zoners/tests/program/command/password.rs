//! `zoners dashboard password` on a real terminal.

use rustix::termios::LocalModes;

use crate::common::terminal::OnTerminal;

/// The program, asking for a password.
fn asking() -> OnTerminal {
    let mut asking = OnTerminal::start(&["dashboard", "password"], &[]);
    asking.sees("Password: ");
    let modes = asking.modes();
    assert!(!modes.intersects(LocalModes::ECHO | LocalModes::ISIG), "{modes:?}");
    asking
}

#[test]
fn an_interruption_leaves_a_terminal_that_shows_what_is_typed() {
    for typed in ["\x03", "secr\x03"] {
        let mut first = asking();
        first.types(typed);
        assert_eq!(first.ended(), (Some(130), "Password: \r\n".to_owned()), "{typed:?}");
    }
    let mut second = asking();
    second.types("secret\n");
    second.sees("Again: ");
    second.types("\x03");
    assert_eq!(second.ended(), (Some(130), "Password: \r\nAgain: \r\n".to_owned()));
}

#[test]
fn a_password_is_typed_twice_and_never_shown() {
    let mut differing = asking();
    differing.types("secret\n");
    differing.sees("Again: ");
    differing.types("other\n");
    let (code, seen) = differing.ended();
    assert_eq!(code, Some(1));
    assert!(seen.contains("the two passwords differ") && !seen.contains("secret"), "{seen}");
}
