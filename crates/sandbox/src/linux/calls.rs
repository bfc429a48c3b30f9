//! The system calls of each group.

use libc::{c_int, c_long};
use seccompiler::{
    BackendError, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition as Condition,
    SeccompRule as Rule,
};

use crate::Calls;

/// System calls by number, each with rules of which the arguments must match one.
type CallsWithRules = Vec<(c_long, Vec<Rule>)>;

/// The calls of `group` with any arguments.
pub(super) fn of(group: Calls) -> Vec<c_long> {
    match group {
        Calls::Run => [RUN, OLD_RUN].concat(),
        Calls::Files => [FILES, OLD_FILES].concat(),
        Calls::Network => NETWORK.to_vec(),
        Calls::Listen => vec![libc::SYS_listen],
        Calls::Watch => WATCH.to_vec(),
        Calls::Libraries => vec![],
    }
}

/// The calls of `group` with restricted arguments.
pub(super) fn with_arguments(
    group: Calls,
    libraries: bool,
) -> Result<CallsWithRules, BackendError> {
    match group {
        Calls::Run => run(libraries),
        Calls::Network => sockets(&[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6]),
        Calls::Files | Calls::Listen | Calls::Watch | Calls::Libraries => Ok(vec![]),
    }
}

/// Memory, threads, timers, signals, and operations on open files.
const RUN: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_fcntl,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_pipe2,
    libc::SYS_eventfd2,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_ppoll,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_membarrier,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getrusage,
    libc::SYS_uname,
    libc::SYS_sysinfo,
];

#[cfg(target_arch = "x86_64")]
const OLD_RUN: &[c_long] = &[
    libc::SYS_poll,
    libc::SYS_epoll_wait,
    libc::SYS_pipe,
    libc::SYS_dup2,
    libc::SYS_time,
    libc::SYS_stat,
    libc::SYS_lstat,
];

const FILES: &[c_long] = &[
    libc::SYS_openat,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_flock,
    libc::SYS_ftruncate,
    libc::SYS_fadvise64,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_unlinkat,
    libc::SYS_getdents64,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getcwd,
];

#[cfg(target_arch = "x86_64")]
const OLD_FILES: &[c_long] =
    &[libc::SYS_open, libc::SYS_rename, libc::SYS_unlink, libc::SYS_access, libc::SYS_readlink];

#[cfg(not(target_arch = "x86_64"))]
const OLD_RUN: &[c_long] = &[];
#[cfg(not(target_arch = "x86_64"))]
const OLD_FILES: &[c_long] = &[];

const WATCH: &[c_long] =
    &[libc::SYS_inotify_init1, libc::SYS_inotify_add_watch, libc::SYS_inotify_rm_watch];

const NETWORK: &[c_long] = &[
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_setsockopt,
    libc::SYS_getsockopt,
    libc::SYS_sendto,
    libc::SYS_recvfrom,
    libc::SYS_sendmsg,
    libc::SYS_recvmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvmmsg,
    libc::SYS_shutdown,
];

/// Flags of clone(2) that create a namespace.
const NAMESPACES: c_int = libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET;
/// Options of prctl(2) that name threads and memory.
const PRCTL_NAMING: [c_int; 2] = [libc::PR_SET_NAME, 0x5356_4d41];

/// ioctl(2): FIONBIO, FIOCLEX, FIONREAD, TCGETS and TIOCGWINSZ. The type of the argument differs
/// between C libraries.
const IOCTL_REQUESTS: [u64; 5] = [0x5421, 0x5451, 0x541B, 0x5401, 0x5413];

/// Threads but no processes, memory that is writable or executable but not both, signals to this
/// process only, the priority of the calling thread, and reading of resource limits.
fn run(libraries: bool) -> Result<CallsWithRules, BackendError> {
    let executable = libc::PROT_EXEC as u64;
    let writable = libc::PROT_WRITE as u64;
    let mut memory = vec![Rule::new(vec![masked(2, executable, 0)?])?];
    if libraries {
        memory.push(Rule::new(vec![masked(2, writable, 0)?])?);
    }
    let thread = libc::CLONE_THREAD as u64;
    let flags = thread | NAMESPACES.cast_unsigned() as u64;
    let own = std::process::id() as u64;
    let process = libc::PRIO_PROCESS as u64;
    Ok(vec![
        (libc::SYS_mmap, memory.clone()),
        (libc::SYS_mprotect, memory),
        (libc::SYS_clone, vec![Rule::new(vec![masked(0, flags, thread)?])?]),
        (libc::SYS_tgkill, vec![Rule::new(vec![equal(0, own)?])?]),
        (libc::SYS_ioctl, one_of(1, IOCTL_REQUESTS)?),
        (libc::SYS_setpriority, vec![Rule::new(vec![equal(0, process)?, equal(1, 0)?])?]),
        (libc::SYS_prctl, one_of(0, PRCTL_NAMING.map(|option| option as u64))?),
        // Only if the call sets no new limit.
        (libc::SYS_prlimit64, vec![Rule::new(vec![null_pointer(2)?])?]),
    ])
}

/// Sockets of `families`, and netlink sockets for routes.
fn sockets(families: &[c_int]) -> Result<CallsWithRules, BackendError> {
    let mut rules = one_of(0, families.iter().map(|family| *family as u64))?;
    let routes = libc::NETLINK_ROUTE as u64;
    rules.push(Rule::new(vec![equal(0, libc::AF_NETLINK as u64)?, equal(2, routes)?])?);
    let pairs = vec![Rule::new(vec![equal(0, libc::AF_UNIX as u64)?])?];
    Ok(vec![(libc::SYS_socket, rules), (libc::SYS_socketpair, pairs)])
}

fn one_of(argument: u8, values: impl IntoIterator<Item = u64>) -> Result<Vec<Rule>, BackendError> {
    values.into_iter().map(|value| Rule::new(vec![equal(argument, value)?])).collect()
}

fn equal(argument: u8, value: u64) -> Result<Condition, BackendError> {
    Condition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

fn masked(argument: u8, mask: u64, value: u64) -> Result<Condition, BackendError> {
    Condition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), value)
}

/// A null pointer.
fn null_pointer(argument: u8) -> Result<Condition, BackendError> {
    Condition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)
}
