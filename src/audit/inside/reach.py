"""Attacks every process outside of this one's own: run as a run's program, below the reaper.

Arguments: the processes that end a run; by default init, the parent, which is the reaper, and its parent. Or
"session", the user that keeps sessions, and the folder where it does: attacks that user's processes, and their
terminals, as a program of a session.
Prints a line for each attempt: "reached" or "refused", the attack, the process. No attempt changes anything: it
sets what is set already, sends a signal that does nothing, opens and closes.
"""

import ctypes
import os
import resource
import signal
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
PTRACE_SEIZE, PTRACE_DETACH, PIDFD_GETFD = 0x4206, 17, 438
IOPRIO_GET, IOPRIO_SET = {"x86_64": (252, 251), "aarch64": (31, 30)}[os.uname().machine]


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def limits(pid):
    resource.prlimit(pid, resource.RLIMIT_NOFILE, resource.prlimit(pid, resource.RLIMIT_NOFILE))


def descriptors(pid):
    target = os.pidfd_open(pid)
    os.close(checked(libc.syscall(PIDFD_GETFD, target, 0, 0)))


def memory(pid):
    os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY))


def trace(pid):
    checked(libc.ptrace(PTRACE_SEIZE, pid, None, None))
    libc.ptrace(PTRACE_DETACH, pid, None, None)


def signals(pid):
    os.kill(pid, signal.SIGCONT)


def priority(pid):
    os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, pid))


def processors(pid):
    os.sched_setaffinity(pid, os.sched_getaffinity(pid))


def policy(pid):
    os.sched_setscheduler(pid, os.sched_getscheduler(pid), os.sched_getparam(pid))


def iopriority(pid):
    checked(libc.syscall(IOPRIO_SET, 1, pid, checked(libc.syscall(IOPRIO_GET, 1, pid))))


def environment(pid):
    os.close(os.open(f"/proc/{pid}/environ", os.O_RDONLY))


def inputs(pid):
    os.close(os.open(f"/proc/{pid}/fd/0", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK))


def fields_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()


def terminal_of(pid):
    device = int(fields_of(pid)[4])
    if device == 0:
        raise ProcessLookupError
    return f"/dev/pts/{(device & 0xff) | (device >> 12 & 0xfff00)}"


def ttyread(pid):
    os.close(os.open(terminal_of(pid), os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK))


def ttywrite(pid):
    os.close(os.open(terminal_of(pid), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK))


def ttymode(pid):
    os.chmod(terminal_of(pid), os.stat(terminal_of(pid)).st_mode & 0o777)


def parent_of(pid):
    return int(fields_of(pid)[1])


def is_own(pid):
    while pid > 1:
        if pid == os.getpid():
            return True
        pid = parent_of(pid)
    return False


def attempt(attack, pid):
    try:
        attack(pid)
        print("reached", attack.__name__, pid)
    except ProcessLookupError:
        pass
    except OSError:
        print("refused", attack.__name__, pid)


def numbers():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def attack_run(keepers):
    for pid in numbers():
        try:
            if is_own(pid):
                continue
        except OSError:
            continue
        attempt(limits, pid)
        if pid in keepers:
            for attack in [descriptors, memory, trace, signals, priority, processors, policy]:
                attempt(attack, pid)


def attack_session(user, folder):
    def private(_):
        os.listdir(f"{folder}/private")

    def names(pid):
        os.close(os.open(f"{folder}/{pid}", os.O_CREAT | os.O_EXCL))
        os.unlink(f"{folder}/{pid}")

    def moving(pid):
        os.rename(folder, f"{folder}.{pid}")
        os.rename(f"{folder}.{pid}", folder)

    def is_keeper(pid):
        try:
            with open(f"/proc/{pid}/status") as file:
                return f"\nUid:\t{user}\t" in file.read() and not is_own(pid)
        except OSError:
            return False

    def has_terminal(pid):
        try:
            return is_keeper(pid) and terminal_of(pid) and os.path.isdir(folder)
        except OSError:
            return False

    until = time.time() + 10
    while not any(map(has_terminal, numbers())) and time.time() < until:
        time.sleep(0.05)
    attacks = [descriptors, memory, trace, signals, environment, inputs, limits, priority, processors, policy]
    attacks += [iopriority, ttyread, ttywrite, ttymode, private, names, moving]
    for pid in filter(is_keeper, numbers()):
        for attack in attacks:
            attempt(attack, pid)


if sys.argv[1:2] == ["session"]:
    attack_session(int(sys.argv[2]), sys.argv[3])
else:
    attack_run({int(pid) for pid in sys.argv[1:]} or {1, os.getppid(), parent_of(os.getppid())})
