//! Forbidden actions, tried from inside. A sandbox applies to the calling thread and to child
//! threads, so each test enters a sandbox on a new thread.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must say so")]

mod inside;

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use inside::{Landlock, call, entered, errno, has, inside};
use zoners_sandbox::{Calls, LayerState, Need, Needs};

fn groups() -> Vec<Need> {
    [Calls::Run, Calls::Files, Calls::Network].map(Need::Calls).to_vec()
}

#[test]
fn each_layer_says_what_the_kernel_says() {
    let landlock = Landlock::of_kernel();
    inside(groups(), move |sandbox| {
        let status = fs::read_to_string("/proc/thread-self/status");
        let state =
            |name: &str| &sandbox.layers().iter().find(|layer| layer.name == name).unwrap().state;
        for on in ["no_new_privileges", "capabilities", "core_dumps", "seccomp"] {
            assert!(matches!(state(on), LayerState::On(_)), "{on} {}", state(on));
        }
        match landlock {
            Landlock::None => assert!(
                matches!(state("landlock"), LayerState::Off(why) if why.starts_with("the kernel"))
            ),
            Landlock::Version(_) => {
                assert!(matches!(state("landlock"), LayerState::On(_)), "{}", state("landlock"));
                assert_eq!(errno(status.map(drop)), libc::EACCES, "nothing is to be read");
            }
        }
    });
}

#[test]
fn no_program_is_started_and_no_process() {
    inside(groups(), |_| {
        assert_eq!(errno(Command::new("/bin/true").status().map(drop)), libc::ENOSYS);
        assert_eq!(call(libc::SYS_execve, [0; 6]), libc::ENOSYS);
        assert_eq!(call(libc::SYS_execveat, [0; 6]), libc::ENOSYS);
        let signal = libc::SIGCHLD as usize;
        assert_eq!(call(libc::SYS_clone, [signal, 0, 0, 0, 0, 0]), libc::ENOSYS);
        let namespace = (libc::CLONE_NEWUSER | libc::SIGCHLD) as usize;
        assert_eq!(call(libc::SYS_clone, [namespace, 0, 0, 0, 0, 0]), libc::ENOSYS);
        assert_eq!(call(libc::SYS_clone3, [0; 6]), libc::ENOSYS);
        // A thread is no process.
        assert_eq!(std::thread::spawn(|| 7).join().unwrap(), 7);
    });
}

#[test]
fn what_a_resolver_has_no_use_for_is_not_there() {
    inside(groups(), |_| {
        let flags = libc::CLONE_NEWNET as usize;
        assert_eq!(call(libc::SYS_unshare, [flags, 0, 0, 0, 0, 0]), libc::ENOSYS);
        for number in [
            libc::SYS_ptrace,
            libc::SYS_bpf,
            libc::SYS_mount,
            libc::SYS_umount2,
            libc::SYS_setns,
            libc::SYS_pivot_root,
            libc::SYS_chroot,
            libc::SYS_keyctl,
            libc::SYS_add_key,
            libc::SYS_request_key,
            libc::SYS_userfaultfd,
            libc::SYS_io_uring_setup,
            libc::SYS_perf_event_open,
            libc::SYS_init_module,
            libc::SYS_finit_module,
            libc::SYS_delete_module,
            libc::SYS_kexec_load,
            libc::SYS_reboot,
            libc::SYS_swapon,
            libc::SYS_process_vm_readv,
            libc::SYS_process_vm_writev,
            libc::SYS_personality,
            libc::SYS_name_to_handle_at,
            libc::SYS_open_by_handle_at,
            libc::SYS_setuid,
            libc::SYS_setresuid,
            libc::SYS_capset,
            libc::SYS_settimeofday,
            libc::SYS_clock_settime,
            libc::SYS_kill,
            libc::SYS_memfd_create,
            libc::SYS_mknodat,
            libc::SYS_symlinkat,
            libc::SYS_fchmodat,
            libc::SYS_fchownat,
            libc::SYS_seccomp,
        ] {
            assert_eq!(call(number, [0; 6]), libc::ENOSYS, "{number}");
        }
        // Signals to this process are allowed, signals to different processes are not.
        let (own, thread) = (std::process::id() as usize, rustix::thread::gettid());
        let thread = thread.as_raw_nonzero().get() as usize;
        assert_eq!(call(libc::SYS_tgkill, [own, thread, 0, 0, 0, 0]), 0);
        assert_eq!(call(libc::SYS_tgkill, [1, 1, 0, 0, 0, 0]), libc::ENOSYS);
        // Limits are read and not set.
        assert_eq!(call(libc::SYS_prlimit64, [0, 7, 0, 0, 0, 0]), 0);
        assert_eq!(call(libc::SYS_prlimit64, [0, 7, 1, 0, 0, 0]), libc::ENOSYS);
    });
}

#[test]
fn memory_is_written_or_executed_but_not_both() {
    let map = |rights: i32| {
        let flags = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as usize;
        call(libc::SYS_mmap, [0, 4096, rights as usize, flags, usize::MAX, 0])
    };
    let (read, write, execute) = (libc::PROT_READ, libc::PROT_WRITE, libc::PROT_EXEC);
    inside(groups(), move |_| {
        assert_eq!(map(read | write), 0);
        assert_eq!(map(read | execute), libc::ENOSYS);
        assert_eq!(map(write | execute), libc::ENOSYS);
        let rights = (read | execute) as usize;
        assert_eq!(call(libc::SYS_mprotect, [0, 4096, rights, 0, 0, 0]), libc::ENOSYS);
    });
    let more = [groups(), vec![Need::Calls(Calls::Libraries)]].concat();
    inside(more, move |_| {
        assert_eq!(map(read | execute), 0, "libraries are loaded so");
        assert_eq!(map(write | execute), libc::ENOSYS);
    });
}

#[test]
fn sockets_are_those_of_the_internet_of_this_machine_and_of_routes() {
    inside(groups(), |_| {
        let socket = |family: i32, kind: i32, protocol: i32| {
            let arguments = [family as usize, kind as usize, protocol as usize, 0, 0, 0];
            call(libc::SYS_socket, arguments)
        };
        assert_eq!(socket(libc::AF_INET, libc::SOCK_DGRAM, 0), 0);
        assert_eq!(socket(libc::AF_UNIX, libc::SOCK_STREAM, 0), 0);
        assert_eq!(socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE), 0);
        assert_eq!(socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_NETFILTER), libc::ENOSYS);
        for family in
            [libc::AF_PACKET, libc::AF_ALG, libc::AF_VSOCK, libc::AF_BLUETOOTH, libc::AF_KEY]
        {
            assert_eq!(socket(family, libc::SOCK_RAW, 0), libc::ENOSYS, "{family}");
        }
        let one = UdpSocket::bind("127.0.0.1:0").unwrap();
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        one.send_to(b"on", other.local_addr().unwrap()).unwrap();
        assert_eq!(other.recv(&mut [0; 2]).unwrap(), 2);
        assert!(UnixStream::pair().is_ok());
    });
    // Without a declared network there is none, raw sockets included.
    inside([Calls::Run, Calls::Files].map(Need::Calls).to_vec(), |_| {
        assert_eq!(errno(UdpSocket::bind("127.0.0.1:0").map(drop)), libc::ENOSYS);
    });
}

#[test]
fn files_are_read_and_written_where_that_was_declared_and_nowhere_else() {
    let (own, read, others) = (folder(), folder(), folder());
    let at = |folder: &tempfile::TempDir, name: &str| folder.path().join(name);
    for place in [&own, &read, &others] {
        fs::write(at(place, "file"), "there").unwrap();
    }
    let grants = [Need::Write(own.path().into()), Need::Read(read.path().into())].to_vec();
    let (own_path, read_path, other) =
        (own.path().to_owned(), read.path().to_owned(), others.path().to_owned());
    let needs = [groups(), grants].concat();
    let held = has_landlock();
    inside(needs, move |sandbox| {
        let is = |result: std::io::Result<()>, wanted: i32| {
            // Without Landlock, every file of this user is accessible.
            assert_eq!(errno(result), if held { wanted } else { 0 });
        };
        let replace = |folder: &Path| {
            let mut file = fs::File::create_new(folder.join("beside"))?;
            file.write_all(b"new")?;
            file.sync_all()?;
            fs::rename(folder.join("beside"), folder.join("file"))?;
            fs::File::open(folder)?.sync_all()
        };
        assert_eq!(errno(replace(&own_path)), 0);
        assert_eq!(fs::read(own_path.join("file")).unwrap(), b"new");
        assert_eq!(errno(fs::remove_file(own_path.join("file"))), 0);
        assert_eq!(errno(fs::read(read_path.join("file")).map(drop)), 0);
        is(fs::read_dir(&read_path).map(drop), libc::EACCES);
        is(replace(&read_path), libc::EACCES);
        is(fs::read(other.join("file")).map(drop), libc::EACCES);
        is(fs::write(other.join("file"), "changed"), libc::EACCES);
        is(fs::remove_file(other.join("file")), libc::EACCES);
        for path in ["/etc/passwd", "/proc/self/environ", "/proc/self/maps"] {
            is(fs::read(path).map(drop), libc::EACCES);
        }
        // A link to a path that was not granted gives no access.
        assert_eq!(errno(std::os::unix::fs::symlink(&other, own_path.join("link"))), libc::ENOSYS);
        let asked =
            |path: &Path| sandbox.allows(&[Needs::to_read("local.hosts", &path.join("file"))]);
        assert_eq!(asked(&read_path), Ok(()));
        assert_eq!(asked(&other).is_err(), held);
    });
}

#[test]
fn a_link_from_a_folder_that_is_granted_leads_nowhere_else() {
    let (own, others) = (folder(), folder());
    fs::write(others.path().join("file"), "theirs").unwrap();
    std::os::unix::fs::symlink(others.path(), own.path().join("link")).unwrap();
    let path = own.path().join("link/file");
    let held = has_landlock();
    inside([groups(), vec![Need::Write(own.path().into())]].concat(), move |_| {
        assert_eq!(errno(fs::read(path).map(drop)), if held { libc::EACCES } else { 0 });
    });
}

#[test]
fn tcp_goes_to_declared_ports_alone() {
    let declared = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, address) = (declared.local_addr().unwrap().port(), other.local_addr().unwrap());
    let held = matches!(Landlock::of_kernel(), Landlock::Version(4..));
    let denied = if held { libc::EACCES } else { 0 };
    let to = declared.local_addr().unwrap();
    inside([groups(), vec![Need::Connect(port)]].concat(), move |_| {
        assert!(TcpStream::connect(to).is_ok());
        assert_eq!(errno(TcpStream::connect(address).map(drop)), denied);
        let listen = errno(TcpListener::bind("127.0.0.1:0").map(drop));
        assert_eq!(listen, if held { libc::EACCES } else { libc::ENOSYS }, "nor are clients heard");
    });
    inside([groups(), vec![Need::ConnectAnywhere]].concat(), move |_| {
        assert!(TcpStream::connect(to).is_ok() && TcpStream::connect(address).is_ok());
    });
}

#[test]
fn clients_are_heard_on_declared_ports_alone() {
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (declared, other) = (free(), free());
    let held = matches!(Landlock::of_kernel(), Landlock::Version(4..));
    let needs = vec![Need::Listen(declared.port()), Need::Calls(Calls::Listen)];
    inside([groups(), needs].concat(), move |_| {
        assert!(TcpListener::bind(declared).is_ok());
        let denied = errno(TcpListener::bind(other).map(drop));
        assert_eq!(denied, if held { libc::EACCES } else { 0 });
    });
}

#[test]
fn a_thread_lowers_the_priority_of_itself_alone() {
    inside(groups(), |_| {
        assert_eq!(call(libc::SYS_setpriority, [0, 0, 15, 0, 0, 0]), 0);
        assert_eq!(call(libc::SYS_setpriority, [0, 1, 15, 0, 0, 0]), libc::ENOSYS);
        assert_eq!(call(libc::SYS_setpriority, [1, 0, 15, 0, 0, 0]), libc::ENOSYS);
    });
}

#[test]
fn files_are_watched_only_if_that_is_declared() {
    inside(groups(), |_| {
        assert_eq!(call(libc::SYS_inotify_init1, [0; 6]), libc::ENOSYS);
    });
    inside([groups(), vec![Need::Calls(Calls::Watch)]].concat(), |_| {
        assert_eq!(call(libc::SYS_inotify_init1, [0; 6]), 0);
    });
}

#[test]
fn of_all_privileges_that_of_binding_ports_can_be_kept() {
    let state = std::thread::spawn(|| {
        let could = held_by_this_thread();
        let needs = [groups(), vec![Need::Read("/proc".into()), Need::PrivilegedPorts]].concat();
        let sandbox = entered(needs);
        let layers = sandbox.layers().iter();
        let told: Vec<String> = layers.map(|layer| layer.state.to_string()).collect();
        (could, held_by_this_thread(), told[1].clone())
    });
    let (could, held, told) = state.join().unwrap();
    let kept = could & PORTS;
    assert_eq!(held, kept, "of {could:x}");
    assert_eq!(told.contains("CAP_NET_BIND_SERVICE alone"), kept != 0, "{told}");
}

/// CAP_NET_BIND_SERVICE.
const PORTS: u64 = 1 << 10;

/// The effective capabilities, which equal the permitted capabilities.
fn held_by_this_thread() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let set = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(line.trim(), 16).unwrap()
    };
    assert_eq!(set("CapEff:"), set("CapPrm:"));
    set("CapEff:")
}

#[test]
fn nothing_is_gained_by_what_another_program_of_this_user_may() {
    inside(groups(), |_| {
        let held = rustix::thread::capabilities(None);
        // capget(2) is not declared by anyone.
        assert_eq!(held.map(drop), Err(rustix::io::Errno::NOSYS));
    });
    let state = std::thread::spawn(|| {
        zoners_sandbox::empty_bounding_set();
        drop(zoners_sandbox::enter(vec![Needs {
            of: "the test",
            all: [groups(), vec![Need::Read("/proc".into())]].concat(),
        }]));
        fs::read_to_string("/proc/thread-self/status").unwrap()
    });
    let state = state.join().unwrap();
    for line in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert!(has(&state, &format!("{line}:\t0000000000000000")), "{state}");
    }
    assert!(has(&state, "NoNewPrivs:\t1") && has(&state, "Seccomp:\t2"), "{state}");
    // A thread with CAP_SETPCAP could empty the bounding set.
    if fs::read_to_string("/proc/thread-self/status").unwrap().contains("CapEff:\t0000000000000000")
    {
        return;
    }
    assert!(has(&state, "CapBnd:\t0000000000000000"), "{state}");
}

#[test]
fn a_container_that_lets_no_filter_in_is_told_and_no_reason_to_fail() {
    std::thread::spawn(|| {
        inside::refuse_sandboxes();
        let sandbox = entered(groups());
        let state = |name: &str| {
            sandbox.layers().iter().find(|layer| layer.name == name).unwrap().state.to_string()
        };
        assert!(state("landlock").starts_with("off: the kernel"), "{}", state("landlock"));
        assert!(state("seccomp").starts_with("off: "), "{}", state("seccomp"));
        assert!(state("capabilities").starts_with("off: "), "{}", state("capabilities"));
        assert!(sandbox.allows(&[Needs::to_read("local.hosts", Path::new("/etc/hosts"))]).is_ok());
        assert!(fs::read("/etc/passwd").is_ok(), "nothing holds it");
    })
    .join()
    .unwrap();
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn has_landlock() -> bool {
    matches!(Landlock::of_kernel(), Landlock::Version(_))
}
