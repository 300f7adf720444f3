"""Attacks every process outside of this one's own: run as a run's program, below the reaper.

Arguments: the processes that end a run; by default init, the parent, which is the reaper, and its parent.
Prints a line for each attempt: "reached" or "refused", the attack, the process. No attempt changes anything: it
sets what is set already, sends a signal that does nothing, opens and closes.
"""

import ctypes
import os
import resource
import signal
import sys

libc = ctypes.CDLL(None, use_errno=True)
PTRACE_SEIZE, PTRACE_DETACH, PIDFD_GETFD = 0x4206, 17, 438


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


def parent_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])


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


keepers = {int(pid) for pid in sys.argv[1:]} or {1, os.getppid(), parent_of(os.getppid())}
for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
    try:
        if is_own(pid):
            continue
    except OSError:
        continue
    attempt(limits, pid)
    if pid in keepers:
        for attack in [descriptors, memory, trace, signals, priority, processors, policy]:
            attempt(attack, pid)
