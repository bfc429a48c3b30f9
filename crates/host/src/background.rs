//! Threads with work that may wait, such as the compilation of lists.

/// The priority ("nice") of such a thread, from -20 to 19; threads of the daemon have 0.
#[cfg(target_os = "linux")]
const PRIORITY: i32 = 15;

/// Gives this thread a low priority, on Linux alone: on a busy machine the threads that answer clients go first.
pub fn begin() {
    // Without the priority the work is done all the same. The process 0 is this thread (setpriority(2)).
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, PRIORITY);
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_in_the_background_gives_way_and_others_do_not() {
        let own = || rustix::process::getpriority_process(None).unwrap();
        let before = own();
        let background = std::thread::spawn(move || {
            begin();
            own()
        });
        assert_eq!(background.join().unwrap(), PRIORITY);
        assert_eq!(own(), before);
    }
}
