// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests of mseal(2) whose cases are processes of their own, because a seal
 * stays until its process ends and because a case may crash: how to run a case,
 * report it and skip it.
 */
#include "mseal_case.h"

char *skip_reason;			/* shared with the process that reports */

/**
 * init_cases - prepare to run cases
 * @len: how much memory the program shares with its cases
 *
 * Return: that memory, zeroed.
 */
void *init_cases(size_t len)
{
	char *at = mmap(NULL, len + REASON_SIZE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		ksft_exit_fail_msg("mmap: %s\n", strerror(errno));
	skip_reason = at + len;
	/* Children that outlive their case become ours, see end_case(). */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return at;
}

/**
 * start_case - start a process that ends with its parent or after a timeout
 * @run: what it does; the process exits with what this returns
 * @arg: for @run
 *
 * Return: its pid.
 */
pid_t start_case(int (*run)(const void *arg), const void *arg)
{
	pid_t pid;
	int code;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		ksft_exit_fail_msg("fork: %s\n", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(CASE_TIMEOUT);
		code = run(arg);
		fflush(stdout);
		_exit(code);
	}
	return pid;
}

void note(const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	ksft_print_msg("  %s\n", text);
}

/**
 * end_case - wait for the end of a case
 * @pid: of start_case()
 *
 * Return: its exit code, KSFT_FAIL if a signal killed it.
 */
int end_case(pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, 0) != pid)
		ksft_exit_fail_msg("waitpid: %s\n", strerror(errno));
	/* Children that a crash left behind are dying and become ours. */
	while (waitpid(-1, NULL, __WALL) > 0)
		;
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	note("killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	return KSFT_FAIL;
}

/* Called by a case that cannot run here. */
void skip(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(skip_reason, REASON_SIZE, fmt, args);
	va_end(args);
	fflush(stdout);
	_exit(KSFT_SKIP);
}

/* A precondition of the case; it fails without it. */
void need(bool ok, const char *what)
{
	const int err = errno;

	if (ok)
		return;
	note("cannot set up the case: %s (errno: %s)", what, errno_name(err));
	fflush(stdout);
	_exit(KSFT_FAIL);
}

bool is_missing(int err)
{
	return err == ENOSYS;
}

/* The userfaultfd of a case, which is skipped if the kernel has none like it. */
int open_uffd(int flags, uint64_t features, const char *what)
{
	const int uffd = uffd_open(flags, features);

	if (uffd == -ENOSYS)
		skip("the kernel has no userfaultfd");
	if (uffd == -EOPNOTSUPP)
		skip("this kernel's userfaultfd has no %s", what);
	if (uffd == -EPERM && !flags)
		skip("no permission to answer faults of the kernel");
	errno = uffd < 0 ? -uffd : 0;
	need(uffd >= 0, "userfaultfd");
	return uffd;
}

/* One that needs no privilege. */
int new_uffd(uint64_t features, const char *what)
{
	return open_uffd(UFFD_USER_MODE_ONLY, features, what);
}

/* On a kernel that does not know these flags, seal with flags == 0. */
void seal_range(const char *at, size_t len, unsigned long flags)
{
	int err = sys_mseal(at, len, flags);

	if (err == EINVAL && flags) {
		note("this kernel has no %s: sealed with flags == 0", flags_name(flags));
		err = sys_mseal(at, len, 0);
	}
	errno = err;
	need(!err, "mseal");
}
