// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each value of kernel.yama.sealed_write_scope is worth in each attack: the
 * table in Documentation/admin-guide/LSM/Yama.rst, a case for each cell.
 *
 * An attack is a process that makes sealed memory, or has it made, and writes to
 * it in some way, as a user without capabilities unless it says otherwise. It is
 * judged by what the memory holds afterwards, whatever the calls returned.
 * kernel.yama.ptrace_scope is 0, so that anybody may attach: that is the worst
 * case for level 1.
 *
 * The last level stays until reboot: this is for a guest. A kernel without the
 * sysctl gets the cases of level 0 alone: there all attacks have to succeed.
 */

#include "kselftest.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "mseal_attr.h"
#include "mseal_case.h"

#define USER		1000
#define NR_LEVELS	4
#define STACK_SIZE	(64 * 1024)

#define OWNER		0x1111111111111111UL
#define ATTACKER	0x6666666666666666UL

/* Copies of this program for the attacks: a setuid one, and one for any user. */
#define DEPUTY		"/yama_deputy"
#define PROGRAM		"/yama_attacker"
#define ROLE		"--role"

static const char scope_path[] = "/proc/sys/kernel/yama/sealed_write_scope";
static const char ptrace_scope_path[] = "/proc/sys/kernel/yama/ptrace_scope";
static const char user_uffd_path[] = "/proc/sys/vm/unprivileged_userfaultfd";

static unsigned long page_size;

/* At the same address in all processes, also in those that were executed. */
static struct area {
	uint64_t *at;		/* the sealed word */
	uint64_t after;		/* what it held in the end */
	int fd;			/* passed on by number */
	pid_t victim;
	atomic_bool go;
} *shared;

#define AREA_FD		100

static void map_area(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED,
		      AREA_FD, 0);
	need(shared != MAP_FAILED, "the shared area");
}

/* Privileges */

static void become_user(void)
{
	need(!setgroups(0, NULL), "setgroups");
	need(!setresgid(USER, USER, USER), "setresgid");
	need(!setresuid(USER, USER, USER), "setresuid");
	need(!prctl(PR_SET_DUMPABLE, 1), "PR_SET_DUMPABLE");
}

/* A user namespace of one's own, with all capabilities in it */
static void enter_userns(void)
{
	const unsigned int uid = geteuid(), gid = getegid();
	char map[64];

	need(!unshare(CLONE_NEWUSER), "unshare(CLONE_NEWUSER)");
	write_proc("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	need(!write_proc("/proc/self/uid_map", map), "uid_map");
	snprintf(map, sizeof(map), "0 %u 1", gid);
	need(!write_proc("/proc/self/gid_map", map), "gid_map");
	need(!prctl(PR_SET_DUMPABLE, 1), "PR_SET_DUMPABLE");
}

/* Memory */

static uint64_t *map_word(int prot)
{
	uint64_t *at = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(at != MAP_FAILED, "mmap");
	*at = OWNER;
	need(!mprotect(at, page_size, prot), "mprotect");
	return at;
}

static void make_sealed(int prot)
{
	shared->at = map_word(prot);
	shared->victim = getpid();
	seal_range((char *)shared->at, page_size, 0);
}

static void look(void)
{
	const struct peeked p = peek((char *)shared->at);

	need(!p.err, "reading the sealed memory");
	shared->after = p.word;
}

static uint64_t attack_word = ATTACKER;

static int open_mem(pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	return open(path, O_RDWR | O_CLOEXEC);
}

static void write_by(int fd)
{
	if (pwrite(fd, &attack_word, sizeof(attack_word), (off_t)shared->at) < 0)
		note("pwrite: %s", errno_name(errno));
}

static void write_mem(pid_t pid)
{
	const int fd = open_mem(pid);

	if (fd < 0)
		note("/proc/PID/mem: %s", errno_name(errno));
	else
		write_by(fd);
}

static void poke(pid_t pid)
{
	if (ptrace(PTRACE_POKEDATA, pid, shared->at, attack_word))
		note("PTRACE_POKEDATA: %s", errno_name(errno));
}

/* Processes */

static pid_t new_child(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	need(pid >= 0, "fork");
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static void await_exit(pid_t pid)
{
	int status;

	need(waitpid(pid, &status, __WALL) == pid, "waitpid");
	if (WIFEXITED(status) && WEXITSTATUS(status))
		_exit(WEXITSTATUS(status));
	need(WIFEXITED(status), "a child that exits");
}

/* A stop of a tracee, by this signal */
static void await_stop(pid_t pid, int sig)
{
	int status;

	need(waitpid(pid, &status, __WALL) == pid, "waitpid");
	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	if (!WIFSTOPPED(status) || WSTOPSIG(status) != sig)
		note("status %x, not a stop by %s", status, strsignal(sig));
	need(WIFSTOPPED(status) && WSTOPSIG(status) == sig, "a tracee that stops");
}

static void attach(pid_t pid)
{
	need(!ptrace(PTRACE_ATTACH, pid, 0, 0), "PTRACE_ATTACH");
	await_stop(pid, SIGSTOP);
}

static void cont(pid_t pid)
{
	need(!ptrace(PTRACE_CONT, pid, 0, 0), "PTRACE_CONT");
}

static void __noreturn done(void)
{
	fflush(stdout);
	_exit(KSFT_PASS);
}

/* Become a new program, which runs role_NAME(). */
static void __noreturn exec_role(const char *name)
{
	fflush(stdout);
	execl(PROGRAM, PROGRAM, ROLE, name, NULL);
	need(false, PROGRAM);
	abort();
}

/* Stop until the tracer continues it, then say what became of the memory. */
static void __noreturn be_debugged(void)
{
	make_sealed(PROT_READ);
	raise(SIGSTOP);
	look();
	done();
}

static void role_victim(void)
{
	be_debugged();
}

/* Its debugger follows into the child. */
static void role_fork(void)
{
	const pid_t pid = new_child();

	if (!pid)
		be_debugged();
	await_exit(pid);
}

/* In the memory of the parent, which waits meanwhile */
static int be_debugged_clone(void __always_unused *unused)
{
	make_sealed(PROT_READ);
	syscall(SYS_kill, syscall(SYS_getpid), SIGSTOP);
	look();
	syscall(SYS_exit_group, KSFT_PASS);
	return 0;
}

static void role_vfork(void)
{
	char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	need(stack != MAP_FAILED, "a stack");
	pid = clone(be_debugged_clone, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD,
		    NULL);
	need(pid > 0, "clone(CLONE_VFORK)");
	await_exit(pid);
}

static void role_exec_again(void)
{
	exec_role("victim");
}

static void *exec_in_thread(void __always_unused *unused)
{
	exec_role("victim");
}

/* Not the leader executes. */
static void role_thread_exec(void)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, exec_in_thread, NULL);
	need(!errno, "pthread_create");
	pthread_join(thread, NULL);
}

/* The victim opens its memory itself and passes it on by its number. */
static void role_pass_mem(void)
{
	shared->fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	need(shared->fd >= 0, "/proc/self/mem");
	be_debugged();
}

/* Traces already, and is traced by none: pokes into what it left. */
static void role_poker(void)
{
	await_stop(shared->victim, SIGSTOP);
	poke(shared->victim);
	need(!ptrace(PTRACE_DETACH, shared->victim, 0, 0), "PTRACE_DETACH");
	await_exit(shared->victim);
}

/* Runs on without a tracer. */
static void role_untraced_victim(void)
{
	make_sealed(PROT_READ);
	raise(SIGSTOP);
	while (!atomic_load(&shared->go))
		sched_yield();
	look();
	done();
}

/* Executed in a user namespace */
static void role_writer(void)
{
	make_sealed(PROT_READ);
	write_mem(getpid());
	look();
}

static const struct {
	const char *name;
	void (*run)(void);
} roles[] = {
	{ "victim", role_victim },
	{ "fork", role_fork },
	{ "vfork", role_vfork },
	{ "exec-again", role_exec_again },
	{ "thread-exec", role_thread_exec },
	{ "pass-mem", role_pass_mem },
	{ "poker", role_poker },
	{ "untraced-victim", role_untraced_victim },
	{ "writer", role_writer },
};

/* Start a program that is traced from its exec on. */
static pid_t start_traced_as(void (*become)(void), const char *role, long options)
{
	const pid_t pid = new_child();

	if (!pid) {
		if (become)
			become();
		need(!ptrace(PTRACE_TRACEME, 0, 0, 0), "PTRACE_TRACEME");
		raise(SIGSTOP);
		exec_role(role);
	}
	await_stop(pid, SIGSTOP);
	need(!ptrace(PTRACE_SETOPTIONS, pid, 0, options | PTRACE_O_EXITKILL),
	     "PTRACE_SETOPTIONS");
	cont(pid);
	/* With PTRACE_O_TRACEEXEC the event is in the upper bits. */
	await_stop(pid, SIGTRAP);
	cont(pid);
	return pid;
}

/* As gdb does */
static pid_t start_traced(const char *role, long options)
{
	return start_traced_as(NULL, role, options);
}

static void end_traced(pid_t pid)
{
	cont(pid);
	await_exit(pid);
}

/* Attacks from inside */

static void own_mem(void)
{
	make_sealed(PROT_READ);
	write_mem(getpid());
	look();
}

static void own_process_vm(void)
{
	struct iovec local = { &attack_word, sizeof(attack_word) };
	struct iovec remote;

	make_sealed(PROT_READ | PROT_WRITE);
	remote = (struct iovec){ shared->at, sizeof(attack_word) };
	if (process_vm_writev(getpid(), &local, 1, &remote, 1, 0) < 0)
		note("process_vm_writev: %s", errno_name(errno));
	look();
}

/* A monitored hole; look_at_hole() counts that as the owner's contents. */
static int make_sealed_hole(void)
{
	const int uffd = new_uffd(0, "");
	char *at = mmap(NULL, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(at != MAP_FAILED, "mmap");
	errno = uffd_register_mode(uffd, at, page_size, UFFDIO_REGISTER_MODE_MISSING);
	need(!errno, "UFFDIO_REGISTER");
	seal_range(at, page_size, 0);
	shared->at = (uint64_t *)at;
	shared->victim = getpid();
	return uffd;
}

static void fill(int uffd)
{
	static uint64_t page[512];
	int err;

	page[0] = ATTACKER;
	err = uffd_copy(uffd, shared->at, page, page_size);
	if (err)
		note("UFFDIO_COPY: %s", errno_name(err));
}

/* The same without a fill that could be refused: is the hole still one? */
static void look_at_hole(void)
{
	uint64_t entry = 0;
	const int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	need(fd >= 0 && pread(fd, &entry, sizeof(entry),
			      (unsigned long)shared->at / page_size * sizeof(entry)) ==
			sizeof(entry), "/proc/self/pagemap");
	close(fd);
	if (entry >> 63)
		look();
	else
		shared->after = OWNER;
}

static void own_uffd(void)
{
	const int uffd = make_sealed_hole();

	fill(uffd);
	look_at_hole();
}

/* F1: a setuid program that prints an error to its standard error. */
static void __noreturn exec_deputy(const char *what)
{
	char at[32];

	snprintf(at, sizeof(at), "%lx", (unsigned long)shared->at);
	fflush(stdout);
	execl(DEPUTY, DEPUTY, ROLE, what, at, NULL);
	need(false, DEPUTY);
	abort();
}

static void deputy(int fd, const char *what)
{
	const pid_t pid = new_child();

	if (!pid) {
		need(dup2(fd, STDERR_FILENO) == STDERR_FILENO, "dup2");
		exec_deputy(what);
	}
	await_exit(pid);
}

static void deputy_mem(void)
{
	int fd;

	make_sealed(PROT_READ);
	fd = open_mem(getpid());
	need(fd >= 0, "/proc/self/mem");
	need(lseek(fd, (off_t)shared->at, SEEK_SET) == (off_t)shared->at, "lseek");
	deputy(fd, "deputy-mem");
	look();
}

static void deputy_uffd(void)
{
	deputy(make_sealed_hole(), "deputy-uffd");
	look_at_hole();
}

/* What the deputy does; it knows nothing of the shared area. */
static int be_deputy(const char *what, const char *at)
{
	struct area area = { .at = (uint64_t *)strtoul(at, NULL, 16) };

	if (geteuid())
		return KSFT_FAIL;
	shared = &area;
	if (!strcmp(what, "deputy-mem")) {
		if (write(STDERR_FILENO, &attack_word, sizeof(attack_word)) < 0)
			printf("#   the deputy: %s\n", errno_name(errno));
	} else if (!strcmp(what, "deputy-poke")) {
		/* What it traces since before it was executed */
		const pid_t pid = waitpid(-1, NULL, __WALL);

		need(pid > 0, "a tracee that stops");
		poke(pid);
		need(!ptrace(PTRACE_DETACH, pid, 0, 0), "PTRACE_DETACH");
		/* If it is a child, until it has looked */
		waitpid(pid, NULL, __WALL);
	} else {
		fill(STDERR_FILENO);
	}
	fflush(stdout);
	return KSFT_PASS;
}

/* F2a: crash handlers make this call. */
static void ptracer_child(void)
{
	const pid_t victim = getpid();
	pid_t pid;

	make_sealed(PROT_READ);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	pid = new_child();
	if (!pid) {
		attach(victim);
		poke(victim);
		write_mem(victim);
		need(!ptrace(PTRACE_DETACH, victim, 0, 0), "PTRACE_DETACH");
		done();
	}
	await_exit(pid);
	look();
}

static int be_traced_clone(void __always_unused *unused)
{
	if (syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0))
		syscall(SYS_exit, KSFT_FAIL);
	/* libc's raise() may use the parent's idea of its pid. */
	syscall(SYS_kill, syscall(SYS_getpid), SIGSTOP);
	look();
	syscall(SYS_exit_group, KSFT_PASS);
	return 0;
}

static pid_t clone_vm(int (*fn)(void *arg))
{
	char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	need(stack != MAP_FAILED, "a stack");
	fflush(stdout);
	pid = clone(fn, stack + STACK_SIZE, CLONE_VM | SIGCHLD, NULL);
	need(pid > 0, "clone(CLONE_VM)");
	return pid;
}

/* F2b: the tracer gets another mm by exec and the clone keeps the sealed one. */
static void traceme_and_exec(void)
{
	make_sealed(PROT_READ);
	shared->victim = clone_vm(be_traced_clone);
	exec_role("poker");
}

/*
 * The attachment survives an exec of the tracer, its credentials do not: it
 * attached without privileges, and pokes with those of a setuid program.
 */
static void tracer_becomes_root(void)
{
	const pid_t victim = getpid();
	pid_t pid;

	make_sealed(PROT_READ);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	pid = new_child();
	if (!pid) {
		need(!ptrace(PTRACE_SEIZE, victim, 0, 0), "PTRACE_SEIZE");
		need(!ptrace(PTRACE_INTERRUPT, victim, 0, 0), "PTRACE_INTERRUPT");
		exec_deputy("deputy-poke");
	}
	await_exit(pid);
	look();
}

/* The same with PTRACE_TRACEME; the memory stays that of the clone. */
static void traceme_and_become_root(void)
{
	make_sealed(PROT_READ);
	shared->victim = clone_vm(be_traced_clone);
	exec_deputy("deputy-poke");
}

static void trace_own_clone(void)
{
	pid_t pid;

	make_sealed(PROT_READ);
	pid = clone_vm(be_traced_clone);
	await_stop(pid, SIGSTOP);
	poke(pid);
	write_mem(getpid());
	cont(pid);
	await_exit(pid);
}

static int write_as_clone(void __always_unused *unused)
{
	write_mem(shared->victim);
	fflush(stdout);
	syscall(SYS_exit_group, KSFT_PASS);
	return 0;
}

static void clone_writes(void)
{
	make_sealed(PROT_READ);
	await_exit(clone_vm(write_as_clone));
	look();
}

/* Two children of one parent */
static void sibling_traces(void)
{
	const pid_t victim = new_child();
	pid_t pid;

	if (!victim)
		be_debugged();
	need(waitpid(victim, NULL, WUNTRACED) == victim, "a victim that stops");
	pid = new_child();
	if (!pid) {
		need(!ptrace(PTRACE_SEIZE, victim, 0, 0), "PTRACE_SEIZE");
		need(waitpid(victim, NULL, __WALL) == victim, "waitpid");
		poke(victim);
		write_mem(victim);
		ptrace(PTRACE_DETACH, victim, 0, 0);
		done();
	}
	await_exit(pid);
	kill(victim, SIGCONT);
	await_exit(victim);
}

static void sibling_process_vm(void)
{
	struct iovec local = { &attack_word, sizeof(attack_word) };
	const pid_t victim = new_child();
	struct iovec remote;

	if (!victim) {
		make_sealed(PROT_READ | PROT_WRITE);
		raise(SIGSTOP);
		look();
		done();
	}
	need(waitpid(victim, NULL, WUNTRACED) == victim, "a victim that stops");
	remote = (struct iovec){ shared->at, sizeof(attack_word) };
	if (process_vm_writev(victim, &local, 1, &remote, 1, 0) < 0)
		note("process_vm_writev: %s", errno_name(errno));
	kill(victim, SIGCONT);
	await_exit(victim);
}

/* A program that executes itself again under its own child's trace */
static void exec_under_own_child(void)
{
	const pid_t victim = getpid();
	pid_t pid = new_child();

	if (!pid) {
		need(!ptrace(PTRACE_SEIZE, victim, 0, PTRACE_O_TRACEEXEC), "PTRACE_SEIZE");
		atomic_store(&shared->go, true);
		await_stop(victim, SIGTRAP);	/* the exec */
		cont(victim);
		await_stop(victim, SIGSTOP);	/* be_debugged() */
		poke(victim);
		write_mem(victim);
		cont(victim);
		waitpid(victim, NULL, __WALL);
		done();
	}
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	while (!atomic_load(&shared->go))
		sched_yield();
	exec_role("victim");
}

/* Debuggers */

static void debugger(void)
{
	const pid_t pid = start_traced("victim", 0);

	await_stop(pid, SIGSTOP);
	poke(pid);
	end_traced(pid);
}

static void debugger_mem(void)
{
	const pid_t pid = start_traced("victim", PTRACE_O_TRACEEXEC);

	await_stop(pid, SIGSTOP);
	write_mem(pid);
	end_traced(pid);
}

static void *write_in_thread(void *pid)
{
	write_mem(*(pid_t *)pid);
	return NULL;
}

static void debugger_thread(void)
{
	pid_t pid = start_traced("victim", 0);
	pthread_t thread;

	await_stop(pid, SIGSTOP);
	errno = pthread_create(&thread, NULL, write_in_thread, &pid);
	need(!errno, "pthread_create");
	pthread_join(thread, NULL);
	end_traced(pid);
}

static void debugger_exec_again(void)
{
	const pid_t pid = start_traced("exec-again", 0);

	await_stop(pid, SIGTRAP);
	cont(pid);
	await_stop(pid, SIGSTOP);
	poke(pid);
	end_traced(pid);
}

static pid_t event_child(pid_t pid)
{
	unsigned long child = 0;

	await_stop(pid, SIGTRAP);
	need(!ptrace(PTRACE_GETEVENTMSG, pid, 0, &child) && child, "PTRACE_GETEVENTMSG");
	cont(pid);
	return child;
}

static void follow_fork(const char *role)
{
	const pid_t pid = start_traced(role, PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
					     PTRACE_O_TRACECLONE);
	const pid_t child = event_child(pid);
	int status;

	await_stop(child, SIGSTOP);	/* of the automatic attachment */
	cont(child);
	await_stop(child, SIGSTOP);	/* be_debugged() */
	poke(child);
	cont(child);
	need(waitpid(child, &status, __WALL) == child, "waitpid");
	/* SIGCHLD first stops the parent. */
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
		cont(pid);
}

static void debugger_fork(void)
{
	follow_fork("fork");
}

static void debugger_vfork(void)
{
	follow_fork("vfork");
}

static void debugger_thread_exec(void)
{
	const pid_t pid = start_traced("thread-exec",
				       PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC);
	const pid_t tid = event_child(pid);
	int status;

	await_stop(tid, SIGSTOP);
	cont(tid);
	/* The thread takes the leader's number over; the rest of it goes away. */
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) &&
	       WSTOPSIG(status) != SIGSTOP)
		cont(pid);
	need(WIFSTOPPED(status), "a victim that stops");
	poke(pid);
	end_traced(pid);
}

/* The victim opened it. Descriptors are shared only until exec, so fetch it. */
static void debugger_passed_mem(void)
{
	const pid_t pid = start_traced("pass-mem", 0);
	int pidfd, fd;

	await_stop(pid, SIGSTOP);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	fd = syscall(SYS_pidfd_getfd, pidfd, shared->fd, 0);
	need(fd >= 0, "pidfd_getfd");
	write_by(fd);
	end_traced(pid);
}

/* It writes to the memory of a process that it did not start. */
static void debugger_of_another(void)
{
	const pid_t other = start_traced("untraced-victim", 0);
	pid_t victim;

	await_stop(other, SIGSTOP);
	victim = new_child();
	if (!victim)
		be_debugged();
	need(waitpid(victim, NULL, WUNTRACED) == victim, "a victim that stops");
	write_mem(victim);
	kill(victim, SIGCONT);
	await_exit(victim);
	kill(other, SIGKILL);
	need(waitpid(other, NULL, __WALL) == other, "waitpid");
}

/* gdb: detach, then attach */
static void debugger_attached_again(void)
{
	const pid_t pid = start_traced("victim", 0);

	await_stop(pid, SIGSTOP);
	need(!ptrace(PTRACE_DETACH, pid, 0, SIGSTOP), "PTRACE_DETACH");
	need(!ptrace(PTRACE_SEIZE, pid, 0, 0), "PTRACE_SEIZE");
	need(waitpid(pid, NULL, __WALL) == pid, "waitpid");
	poke(pid);
	write_mem(pid);
	need(!ptrace(PTRACE_DETACH, pid, 0, 0), "PTRACE_DETACH");
	kill(pid, SIGCONT);
	await_exit(pid);
}

/* The link ends with the tracer; another one attaches. */
static void debugger_gone(void)
{
	pid_t pid;

	/* The victim becomes its child. */
	need(!prctl(PR_SET_CHILD_SUBREAPER, 1), "PR_SET_CHILD_SUBREAPER");
	pid = new_child();
	if (!pid) {
		const pid_t victim = new_child();

		if (!victim) {
			need(!ptrace(PTRACE_TRACEME, 0, 0, 0), "PTRACE_TRACEME");
			prctl(PR_SET_PDEATHSIG, 0);
			exec_role("untraced-victim");
		}
		await_stop(victim, SIGTRAP);
		cont(victim);
		await_stop(victim, SIGSTOP);
		done();			/* without detaching */
	}
	await_exit(pid);
	pid = shared->victim;
	need(!ptrace(PTRACE_SEIZE, pid, 0, 0), "PTRACE_SEIZE");
	need(!ptrace(PTRACE_INTERRUPT, pid, 0, 0), "PTRACE_INTERRUPT");
	need(waitpid(pid, NULL, __WALL) == pid, "waitpid");
	poke(pid);
	write_mem(pid);
	atomic_store(&shared->go, true);
	need(!ptrace(PTRACE_DETACH, pid, 0, 0), "PTRACE_DETACH");
	await_exit(pid);
}

/* Capabilities and user namespaces */

static void with_capability(void)
{
	make_sealed(PROT_READ);
	write_mem(getpid());
	look();
}

/* gdb -p, run by root */
static void attached_with_capability(void)
{
	const pid_t victim = new_child();

	if (!victim) {
		become_user();
		be_debugged();
	}
	need(waitpid(victim, NULL, WUNTRACED) == victim, "a victim that stops");
	need(!ptrace(PTRACE_SEIZE, victim, 0, 0), "PTRACE_SEIZE");
	need(waitpid(victim, NULL, __WALL) == victim, "waitpid");
	poke(victim);
	need(!ptrace(PTRACE_DETACH, victim, 0, 0), "PTRACE_DETACH");
	kill(victim, SIGCONT);
	await_exit(victim);
}

/* With PTRACE_TRACEME the credentials of the tracee count, beside the tracer's. */
static void debugger_of_unprivileged(void)
{
	const pid_t pid = start_traced_as(become_user, "victim", 0);

	await_stop(pid, SIGSTOP);
	poke(pid);
	end_traced(pid);
}

/* Opened with the capability, used without it */
static void passed_by_root(void)
{
	const pid_t victim = new_child();
	int fd;

	if (!victim) {
		become_user();
		be_debugged();
	}
	need(waitpid(victim, NULL, WUNTRACED) == victim, "a victim that stops");
	fd = open_mem(victim);
	need(fd >= 0, "/proc/PID/mem");
	become_user();
	write_by(fd);
	kill(victim, SIGCONT);
	await_exit(victim);
}

/* Opened without it, used with it: the deputy without a setuid program */
static void passed_to_root(void)
{
	const pid_t victim = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

	need(victim >= 0, "clone(CLONE_FILES)");
	if (!victim) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		become_user();
		make_sealed(PROT_READ);
		shared->fd = open_mem(getpid());
		need(shared->fd >= 0, "/proc/self/mem");
		raise(SIGSTOP);
		look();
		done();
	}
	need(waitpid(victim, NULL, WUNTRACED) == victim, "a victim that stops");
	write_by(shared->fd);
	kill(victim, SIGCONT);
	await_exit(victim);
}

static void userns_root(void)
{
	enter_userns();
	exec_role("writer");
}

/* The owner of that namespace, from outside (F9) */
static void userns_owner(void)
{
	const pid_t pid = new_child();

	if (!pid) {
		enter_userns();
		exec_role("victim");
	}
	need(waitpid(pid, NULL, WUNTRACED) == pid, "a victim that stops");
	write_mem(pid);
	kill(pid, SIGCONT);
	await_exit(pid);
}

/* All capabilities, but in another namespace than that of the memory */
static void userns_other(void)
{
	int fd;

	make_sealed(PROT_READ);
	fd = open_mem(getpid());
	need(fd >= 0, "/proc/self/mem");
	enter_userns();
	write_by(fd);
	look();
}

/* uprobes: to register one takes CAP_SYS_ADMIN or CAP_PERFMON. */

static void drop_ptrace_cap(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2];

	need(!syscall(SYS_capget, &header, caps), "capget");
	caps[0].effective &= ~(1U << CAP_SYS_PTRACE);
	caps[0].permitted &= ~(1U << CAP_SYS_PTRACE);
	caps[0].inheritable &= ~(1U << CAP_SYS_PTRACE);
	need(!syscall(SYS_capset, &header, caps), "capset");
	need(!prctl(PR_SET_DUMPABLE, 1), "PR_SET_DUMPABLE");
}

static int probe_text(int file, unsigned long offset)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.sample_period = 1,
		.config2 = offset,
	};
	const int type = uprobe_type();
	char path[32];

	if (type < 0)
		skip("the kernel has no uprobes");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	attr.type = type;
	attr.config1 = (unsigned long)path;
	return syscall(__NR_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

#define NOPS	0x9090909090909090UL

static int text_file(unsigned int pages)
{
	const int file = memfd_create("text", MFD_CLOEXEC);
	char *at;

	need(file >= 0 && !ftruncate(file, pages * page_size), "a file");
	at = mmap(NULL, pages * page_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	need(at != MAP_FAILED, "mmap");
	memset(at, 0x90, pages * page_size);
	munmap(at, pages * page_size);
	return file;
}

static char *map_text(int file, unsigned int pages)
{
	char *at = mmap(NULL, pages * page_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);

	need(at != MAP_FAILED, "mmap");
	return at;
}

static void probe_without_cap(void)
{
	const int file = text_file(1);

	shared->at = (uint64_t *)map_text(file, 1);
	seal_range((char *)shared->at, page_size, 0);
	drop_ptrace_cap();
	if (probe_text(file, 0) < 0)
		note("perf_event_open: %s", errno_name(errno));
	look();
	/* The table speaks of what the attacker wanted. */
	if (shared->after == NOPS)
		shared->after = OWNER;
	else
		shared->after = ATTACKER;
}

/*
 * F5: process_vm_writev() that was permitted, and then waits for a page while its
 * destination is sealed: for one of its own, or for a later one of the target.
 */
struct slow_write {
	struct iovec local, remote;
};

static void *write_slowly(void *arg)
{
	const struct slow_write *w = arg;

	if (process_vm_writev(getpid(), &w->local, 1, &w->remote, 1, 0) < 0)
		note("process_vm_writev: %s", errno_name(errno));
	return NULL;
}

static char *monitored_pages(int uffd, unsigned int pages, unsigned int first)
{
	char *at = mmap(NULL, pages * page_size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(at != MAP_FAILED, "mmap");
	errno = uffd_register_mode(uffd, at + first * page_size, page_size,
				   UFFDIO_REGISTER_MODE_MISSING);
	need(!errno, "UFFDIO_REGISTER");
	return at;
}

static void seal_while_it_waits(struct slow_write *w, char *missing, int uffd)
{
	static uint64_t page[512];
	struct pollfd pfd = { .fd = uffd, .events = POLLIN };
	pthread_t thread;

	shared->victim = getpid();
	errno = pthread_create(&thread, NULL, write_slowly, w);
	need(!errno, "pthread_create");
	need(poll(&pfd, 1, EVENT_TIMEOUT) == 1 && pfd.revents == POLLIN,
	     "a write that waits for a page");
	seal_range((char *)shared->at, page_size, 0);
	page[0] = ATTACKER;
	errno = uffd_copy(uffd, missing, page, page_size);
	need(!errno, "UFFDIO_COPY");
	errno = pthread_join(thread, NULL);
	need(!errno, "pthread_join");
	look();
}

static void waits_for_source(void)
{
	const int uffd = open_uffd(0, 0, "");
	char *from = monitored_pages(uffd, 1, 0);
	struct slow_write w;

	shared->at = map_word(PROT_READ | PROT_WRITE);
	w.local = (struct iovec){ from, sizeof(uint64_t) };
	w.remote = (struct iovec){ shared->at, sizeof(uint64_t) };
	seal_while_it_waits(&w, from, uffd);
}

static void waits_for_destination(void)
{
	const int uffd = open_uffd(0, 0, "");
	char *to = monitored_pages(uffd, 2, 1);
	struct slow_write w;
	uint64_t *from;

	from = mmap(NULL, 2 * page_size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(from != MAP_FAILED, "mmap");
	memset(from, 0x66, 2 * page_size);
	shared->at = (uint64_t *)to;
	*shared->at = OWNER;
	w.local = (struct iovec){ from, 2 * page_size };
	w.remote = (struct iovec){ to, 2 * page_size };
	seal_while_it_waits(&w, to + page_size, uffd);
}

/* The table. A '1' means that the write lands at that level. */

static const struct attack {
	const char *name;
	void (*run)(void);
	const char *lands;
	bool privileged;	/* begins as root */
	bool passed;		/* another user opened the descriptor, or attached */
} attacks[] = {
	{ "own /proc/self/mem", own_mem, "1000" },
	{ "own process_vm_writev", own_process_vm, "1000" },
	{ "process_vm_writev that waits for its source", waits_for_source, "1000" },
	{ "process_vm_writev that waits for its destination", waits_for_destination, "1000" },
	{ "own userfaultfd", own_uffd, "1000" },
	{ "setuid deputy, /proc/self/mem as its stderr", deputy_mem, "1000", .passed = true },
	{ "setuid deputy, a userfaultfd", deputy_uffd, "1000", .passed = true },
	{ "descriptor passed by a capable process", passed_by_root, "1000", true, true },
	{ "descriptor passed to a capable process", passed_to_root, "1000", true, true },
	{ "PR_SET_PTRACER, a child attaches", ptracer_child, "1000" },
	{ "a clone with PTRACE_TRACEME, the parent execs", traceme_and_exec, "1000" },
	{ "a tracer that becomes root by a setuid program", tracer_becomes_root, "1000",
	  .passed = true },
	{ "a clone with PTRACE_TRACEME, parent becomes root", traceme_and_become_root, "1000",
	  .passed = true },
	{ "tracing an own clone (CLONE_VM)", trace_own_clone, "1000" },
	{ "a clone (CLONE_VM) writes", clone_writes, "1000" },
	{ "a sibling attaches", sibling_traces, "1000" },
	{ "a sibling's process_vm_writev", sibling_process_vm, "1000" },
	{ "executes itself under its own child's trace", exec_under_own_child, "1100" },
	{ "uprobe, without CAP_SYS_PTRACE", probe_without_cap, "1000", true },
	{ "a debugger, PTRACE_POKEDATA", debugger, "1100" },
	{ "a debugger, /proc/PID/mem", debugger_mem, "1100" },
	{ "a debugger, another thread of it", debugger_thread, "1100" },
	{ "a debugger, after a second exec", debugger_exec_again, "1100" },
	{ "a debugger, in a fork that it follows", debugger_fork, "1100" },
	{ "a debugger, in a vfork that it follows", debugger_vfork, "1100" },
	{ "a debugger, exec by another thread", debugger_thread_exec, "1100" },
	{ "a debugger, a descriptor that its tracee opened", debugger_passed_mem, "1100" },
	{ "a debugger of another program", debugger_of_another, "1000" },
	{ "a debugger that detached and attached again", debugger_attached_again, "1000" },
	{ "another process, after the debugger has ended", debugger_gone, "1000" },
	{ "a capable debugger of a program that is not", debugger_of_unprivileged, "1100",
	  true, true },
	{ "CAP_SYS_PTRACE", with_capability, "1110", true },
	{ "CAP_SYS_PTRACE, since it attached", attached_with_capability, "1110", true },
	{ "root of the memory's user namespace", userns_root, "1110" },
	{ "owner of the memory's user namespace, outside it", userns_owner, "1110" },
	{ "root of another user namespace", userns_other, "1000" },
};

static int run_attack(const void *arg)
{
	const struct attack *attack = arg;

	if (!attack->privileged)
		become_user();
	attack->run();
	return KSFT_PASS;
}

/* Another policy than Yama's */
static const char *policy;

static void test_cell(const struct attack *attack, unsigned int level)
{
	bool lands = attack->lands[level] == '1';
	char label[16], name[128];
	int code;

	/* What level 1 permits and level 2 does not, whatever the capabilities. */
	if (policy && !strcmp(policy, "--debuggers"))
		lands = attack->lands[1] > attack->lands[2];
	else if (policy)
		lands = !strcmp(policy, "--passed") && !attack->passed;
	memset(shared, 0, sizeof(*shared));
	snprintf(label, sizeof(label), "level %u", level);
	snprintf(name, sizeof(name), "%s: %s: %s",
		 policy ? policy + 2 : label, attack->name,
		 lands ? "lands" : "is refused");
	code = end_case(start_case(run_attack, attack));
	if (code == KSFT_PASS) {
		ksft_print_msg("  the sealed word is 0x%lx, wanted 0x%lx\n", shared->after,
			       lands ? ATTACKER : OWNER);
		if (shared->after != (lands ? ATTACKER : OWNER))
			code = KSFT_FAIL;
	}
	report_case(name, code);
}

/* The kernel's log */

static int kmsg = -1;

/* Yama's lines so far that have an address, or what looks like one */
static unsigned int with_address;

/* Does a line of the log that is newer than the last look contain this? */
static bool logged(const char *text)
{
	static char record[2048];
	bool found = false;
	ssize_t len;

	while ((len = read(kmsg, record, sizeof(record) - 1)) >= 0 || errno == EPIPE) {
		if (len < 0)
			continue;
		record[len] = '\0';
		record[strcspn(record, "\n")] = '\0';
		if (!strstr(record, "sealed") && !strstr(record, "forged"))
			continue;
		ksft_print_msg("  %s\n", record);
		with_address += !!strstr(record, "0x");
		found |= !!strstr(record, text);
	}
	return found;
}

static int name_and_write(const void *name)
{
	prctl(PR_SET_NAME, name);
	become_user();
	own_mem();
	return KSFT_PASS;
}

static bool write_is_logged(const char *name, const char *text)
{
	end_case(start_case(name_and_write, name));
	return logged(text);
}

/* The ratelimit has to let the line through: its interval is 5 seconds. */
#define LOG_TRIES	100
#define LOG_POLL	200	/* milliseconds */

static bool write_until_logged(const char *name, const char *text)
{
	for (int i = 0; i < LOG_TRIES; i++) {
		if (write_is_logged(name, text))
			return true;
		poll(NULL, 0, LOG_POLL);
	}
	return false;
}

static void test_log(void)
{
	char path[256] = "", owner[32];

	need(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0, "/proc/self/exe");
	/* As long as a name in /proc/PID/comm */
	snprintf(owner, sizeof(owner), "of \"%.15s\"[", strrchr(path, '/') + 1);

	lseek(kmsg, 0, SEEK_END);
	ksft_test_result(write_until_logged("writer", owner),
			 "log: whose memory it is\n");
	/* /dev/kmsg shows the kernel's backslash as \x5c, and a newline as \x0a. */
	ksft_test_result(write_until_logged("a\n<1>forged\"",
					    "\"a\\x5cx0a<1>forged\\x5cx22\""),
			 "log: a name cannot forge a line\n");
	ksft_test_result(!with_address, "log: no addresses\n");
}

/* F12: splitting a sealed mapping that has a probe writes nothing. */
static int split_probed(const void __always_unused *unused)
{
	const int file = text_file(2);
	char *at = map_text(file, 2);
	int fd;

	prctl(PR_SET_NAME, "splitter");
	fd = probe_text(file, page_size);
	need(fd >= 0, "a uprobe");
	need(peek(at + page_size).word != NOPS, "a probe");
	seal_range(at, 2 * page_size, 0);
	drop_ptrace_cap();
	need(!madvise(at, page_size, MADV_DONTDUMP), "MADV_DONTDUMP");
	need(peek(at + page_size).word != NOPS, "a probe that stays");
	return KSFT_PASS;
}

/* Between two lines that the ratelimit let through, it lets this one through. */
static void test_split(void)
{
	bool before = false, after = false, split = false;
	int code = KSFT_PASS;

	lseek(kmsg, 0, SEEK_END);
	for (int i = 0; i < LOG_TRIES && code == KSFT_PASS && !(before && after); i++) {
		if (i)
			poll(NULL, 0, LOG_POLL);
		before = write_is_logged("before", "\"before\"");
		code = end_case(start_case(split_probed, NULL));
		split |= logged("\"splitter\"");
		after = write_is_logged("after", "\"after\"");
	}
	if (code == KSFT_PASS && (split || !before || !after))
		code = KSFT_FAIL;
	report_case("log: splitting a sealed mapping with a probe is no write", code);
}

static void set_level(unsigned int level)
{
	const char text[] = { '0' + level, '\0' };
	const int err = write_proc(scope_path, text);

	if (err)
		ksft_exit_fail_msg("%s: %s\n", scope_path, errno_name(err));
}

static void copy_self(const char *path, mode_t mode)
{
	static char buf[1 << 16];
	const int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	const int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	ssize_t len;

	if (from < 0 || to < 0)
		ksft_exit_fail_msg("%s: %s\n", path, strerror(errno));
	while ((len = read(from, buf, sizeof(buf))) > 0)
		if (write(to, buf, len) != len)
			ksft_exit_fail_msg("%s: %s\n", path, strerror(errno));
	if (fchmod(to, mode))
		ksft_exit_fail_msg("%s: %s\n", path, strerror(errno));
	close(from);
	close(to);
}

static int be_role(const char *name)
{
	map_area();
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (!strcmp(name, roles[i].name)) {
			roles[i].run();
			fflush(stdout);
			return KSFT_PASS;
		}
	return KSFT_FAIL;
}

int main(int argc, char **argv)
{
	unsigned int nr_levels = 1;
	int fd;

	page_size = sysconf(_SC_PAGESIZE);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && !strcmp(argv[1], ROLE))
		return be_deputy(argv[2], argv[3]);
	init_cases(1);
	if (argc == 3 && !strcmp(argv[1], ROLE))
		return be_role(argv[2]);
	if (argc == 2 && (!strcmp(argv[1], "--debuggers") || !strcmp(argv[1], "--passed") ||
			  !strcmp(argv[1], "--nobody"))) {
		policy = argv[1];
	} else if (argc != 1) {
		fputs("usage: yama_sealed_write_test [--debuggers | --passed | --nobody]\n"
		      "Once, under another policy than Yama's:\n"
		      "  --debuggers   one that permits debuggers, and nobody for a capability\n"
		      "  --passed      one that refuses an opener that is another user\n"
		      "  --nobody      one that refuses all\n",
		      stderr);
		return 2;
	}

	ksft_print_header();
	if (getuid())
		ksft_exit_skip("this takes root\n");
	if (!policy && !access(scope_path, F_OK))
		nr_levels = NR_LEVELS;
	if (nr_levels > 1 && write_proc(scope_path, "0"))
		ksft_exit_fail_msg("%s is locked: this is for a guest just booted\n",
				   scope_path);
	fd = memfd_create("area", 0);
	if (fd < 0 || ftruncate(fd, sizeof(*shared)) || dup2(fd, AREA_FD) != AREA_FD)
		ksft_exit_fail_msg("memfd_create: %s\n", strerror(errno));
	close(fd);
	map_area();
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg < 0)
		ksft_exit_fail_msg("/dev/kmsg: %s\n", strerror(errno));
	copy_self(DEPUTY, 04755);
	copy_self(PROGRAM, 0755);
	write_proc(ptrace_scope_path, "0");
	write_proc(user_uffd_path, "1");

	ksft_set_plan(nr_levels * ARRAY_SIZE(attacks) + (nr_levels > 1 ? 4 : 0));
	for (unsigned int level = 0; level < nr_levels; level++) {
		if (level)
			set_level(level);
		for (size_t i = 0; i < ARRAY_SIZE(attacks); i++)
			test_cell(&attacks[i], level);
		if (level == 2) {
			test_log();
			test_split();
		}
	}
	unlink(DEPUTY);
	unlink(PROGRAM);
	ksft_finished();
}
